import { createHash } from 'node:crypto'
import { type Database, parseDocument, serialize } from '#api'
import type { Registration } from './registration.ts'

interface Row {
  readonly service: string
  readonly node: string | null
  readonly resource: string
  readonly options: string | null
}

/** Where the devices of accounts want to be woken: the table `push_registrations`. Accounts are prepared bare JIDs. */
export class PushStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** All registrations of an account, oldest first; by primary key. */
  async of(account: string): Promise<Registration[]> {
    const rows: Row[] = await this.#table().where({ account }).orderBy('enabled_ms').select('*')
    return rows.map(({ service, node, resource, options }) => ({
      service,
      node: node ?? undefined,
      resource,
      options: options === null ? undefined : parseDocument(options),
    }))
  }

  /** Adds a registration, or puts it in place of the one for the same service and node; by primary key. */
  async put(account: string, registration: Registration, enabledMs: number): Promise<void> {
    const { service, node, resource, options } = registration
    await this.#table()
      .insert({
        account,
        service_hash: hashOf(service, node),
        service,
        node: node ?? null,
        resource,
        options: options === undefined ? null : serialize(options),
        enabled_ms: enabledMs,
      })
      .onConflict(['account', 'service_hash'])
      .merge(['resource', 'options', 'enabled_ms'])
  }

  /** Removes one registration; by primary key. */
  async remove(account: string, service: string, node: string | undefined): Promise<void> {
    await this.#table()
      .where({ account, service_hash: hashOf(service, node) })
      .delete()
  }

  /** Removes all registrations of an account; by primary key. */
  async forget(account: string): Promise<void> {
    await this.#table().where({ account }).delete()
  }

  #table() {
    return this.#db.knex('push_registrations')
  }
}

function hashOf(service: string, node: string | undefined): string {
  return createHash('sha256')
    .update(`${service}\0${node === undefined ? '' : `=${node}`}`)
    .digest('base64url')
}
