import { type Database, Jid, lots } from '#api'
import type { RosterItem, SharedView, Subscription } from './item.ts'
import { Roster, type RosterSize, type RosterVersion, unversioned } from './roster.ts'

interface Row {
  readonly at_version: number
  readonly at_floor: number
  /** Null, like the columns after it, when the account has no item. */
  readonly contact: string | null
  readonly name: string
  readonly group_names: string
  readonly subscription: Subscription
  readonly ask: number
  readonly approved: number
  readonly listed: number
  readonly request: string | null
  readonly version: number
}

const columns = {
  at_version: 'v.version',
  at_floor: 'v.floor',
  contact: 'i.contact',
  name: 'i.name',
  group_names: 'i.group_names',
  subscription: 'i.subscription',
  ask: 'i.ask',
  approved: 'i.approved',
  listed: 'i.listed',
  request: 'i.request',
  version: 'i.version',
}

const loading = `select ${Object.entries(columns)
  .map(([name, column]) => `${column} as ${name}`)
  .join(', ')} from roster_versions v left join roster_items i on i.account = v.account where v.account = ?`

/** One contact of an account, and what else a change of it needs to know. */
export interface FoundItem {
  readonly at: RosterVersion
  readonly size: RosterSize
  readonly item: RosterItem | undefined
}

/** The rosters of all accounts: the tables `roster_versions` and `roster_items`. Accounts are prepared bare JIDs. */
export class RosterStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The whole roster of an account in one query, with what it shares laid over it; by the primary keys of both tables. */
  async load(account: string, shared?: SharedView): Promise<Roster> {
    const rows = await this.#db.rows<Row>({ sql: loading, bindings: [account] })
    return new Roster(
      versionOf(rows[0]),
      rows.flatMap((row) => itemOf(row) ?? []),
      shared,
    )
  }

  /** What an account keeps of one contact, in one query; by the primary keys of both tables. */
  async find(account: string, contact: string): Promise<FoundItem> {
    const { knex } = this.#db
    const mine = () => knex('roster_items').where({ account })
    const row: (Row & { listed_count: number; request_count: number }) | undefined = await knex('roster_versions as v')
      .leftJoin('roster_items as i', (on) => on.on('i.account', 'v.account').andOnVal('i.contact', contact))
      .where('v.account', account)
      .first({
        ...columns,
        listed_count: mine().where('listed', 1).count('*'),
        request_count: mine().whereNotNull('request').count('*'),
      } as never)
    const size = { listed: Number(row?.listed_count ?? 0), requests: Number(row?.request_count ?? 0) }
    return { at: versionOf(row), size, item: row && itemOf(row) }
  }

  /** What many accounts keep of one contact, in few queries; by the primary key of `roster_items`. Who keeps nothing is not in it. */
  async findAll(accounts: readonly string[], contact: string): Promise<Map<string, RosterItem>> {
    const { at_version: _version, at_floor: _floor, ...own } = columns
    const items = new Map<string, RosterItem>()
    for (const lot of lots(accounts)) {
      const rows: (Row & { account: string })[] = await this.#db
        .knex('roster_items as i')
        .whereIn('i.account', lot)
        .where('i.contact', contact)
        .select({ account: 'i.account', ...own } as never)
      for (const row of rows) items.set(row.account, itemOf(row)!)
    }
    return items
  }

  /** Writes an item and the version of its roster in one transaction; by the primary keys of both tables. */
  async put(account: string, item: RosterItem, at: RosterVersion): Promise<void> {
    const row = {
      account,
      contact: item.jid.toString(),
      name: item.name,
      group_names: JSON.stringify(item.groups),
      subscription: item.subscription,
      ask: item.ask ? 1 : 0,
      approved: item.approved ? 1 : 0,
      listed: item.listed ? 1 : 0,
      request: item.request,
      version: item.version,
    }
    await this.#db.transaction(async (trx) => {
      await trx('roster_versions')
        .insert({ account, ...at })
        .onConflict(['account'])
        .merge(['version', 'floor'])
      await trx('roster_items').insert(row).onConflict(['account', 'contact']).merge()
    })
  }

  /** Removes an item and writes the version of its roster in one transaction; by the primary keys of both tables. */
  async remove(account: string, contact: string, at: RosterVersion): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx('roster_versions')
        .insert({ account, ...at })
        .onConflict(['account'])
        .merge(['version', 'floor'])
      await trx('roster_items').where({ account, contact }).delete()
    })
  }

  /** Removes all of an account's roster in one transaction; by the primary keys of both tables. */
  async clear(account: string): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx('roster_items').where({ account }).delete()
      await trx('roster_versions').where({ account }).delete()
    })
  }
}

function versionOf(row: Row | undefined): RosterVersion {
  return row === undefined ? unversioned : { version: row.at_version, floor: row.at_floor }
}

function itemOf(row: Row): RosterItem | undefined {
  if (row.contact === null) return undefined
  return {
    jid: Jid.parse(row.contact),
    name: row.name,
    groups: JSON.parse(row.group_names),
    subscription: row.subscription,
    ask: row.ask === 1,
    approved: row.approved === 1,
    listed: row.listed === 1,
    request: row.request,
    version: row.version,
  }
}
