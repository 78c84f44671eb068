import type { Knex } from 'knex'

type Build = (table: Knex.CreateTableBuilder) => void

/** What a migration exports as `up`; see `sql/README.md`. It may be run again after it was killed halfway. */
export type Migration = (knex: Knex, schema: Schema) => Promise<void>

/**
 * Statements of the schema that a migration may repeat.
 *
 * MySQL commits each of them at once, so a migration killed halfway leaves some of its work behind. When it is run again
 * after that (and only then), steps found done are passed over. SQLite takes all steps back, and none is ever repeated.
 */
export class Schema {
  readonly #knex: Knex
  readonly #mysql: boolean
  readonly #resumed: boolean

  /** `resumed` says that this migration began before and did not end. */
  constructor(knex: Knex, mysql: boolean, resumed: boolean) {
    this.#knex = knex
    this.#mysql = mysql
    this.#resumed = resumed
  }

  /** Creates a table with its keys and indexes; on MySQL as InnoDB, utf8mb4 in binary collation. */
  async createTable(name: string, build: Build): Promise<void> {
    const statement = this.#knex.schema.createTable(name, (table) => {
      if (this.#mysql) {
        table.engine('InnoDB')
        table.charset('utf8mb4')
        table.collate('utf8mb4_bin')
      }
      build(table)
    })
    await this.#run(statement)
  }

  /** Adds to or takes from a table: columns, indexes. */
  async alterTable(name: string, build: Build): Promise<void> {
    await this.#run(this.#knex.schema.alterTable(name, build))
  }

  async #run(builder: Knex.SchemaBuilder): Promise<void> {
    if (!this.#mysql) return void (await builder)
    const statements = builder.toSQL() as unknown as readonly {
      readonly sql: string
      readonly bindings?: readonly never[]
    }[]
    for (const { sql, bindings } of statements) {
      try {
        await this.#knex.raw(sql, bindings ?? [])
      } catch (error) {
        if (!this.#resumed || !DONE_ALREADY.has((error as { code?: string }).code ?? '')) throw error
      }
    }
  }
}

/** What MySQL answers to a step that was taken before. */
const DONE_ALREADY: ReadonlySet<string> = new Set([
  'ER_TABLE_EXISTS_ERROR',
  'ER_DUP_FIELDNAME',
  'ER_DUP_KEYNAME',
  'ER_FK_DUP_NAME',
  'ER_DUP_CONSTRAINT_NAME',
  'ER_MULTIPLE_PRI_KEY',
  'ER_CANT_DROP_FIELD_OR_KEY',
])
