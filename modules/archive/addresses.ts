import { hash } from 'node:crypto'
import { type Database, Lru } from '#api'
import { rowsOf } from './sql.ts'

/** Addresses whose numbers are kept in memory, about 150 octets each; beyond, the one unused for longest is looked up again. */
const CACHED = 50_000
/** Addresses in one statement: SQLite allows an expression a depth of 1,000. */
const PER_STATEMENT = 100

/**
 * The numbers that stand for bare JIDs in the archive: the table `archive_addresses`.
 *
 * An address gets its number in a transaction of its own, before it is used, and keeps it for ever: what is in memory stays
 * right whatever becomes of the transaction it was wanted for.
 */
export class Addresses {
  readonly #db: Database
  readonly #numbers = new Lru<string, number>(CACHED)

  constructor(db: Database) {
    this.#db = db
  }

  /** The number of an address; undefined when it has none. One query at most, by the index `archive_addresses_by_jid`. */
  async find(jid: string): Promise<number | undefined> {
    const cached = this.#numbers.get(jid)
    if (cached !== undefined) return cached
    const found = new Map<string, number>()
    await this.#look([jid], found)
    return found.get(jid)
  }

  /**
   * The numbers of all these addresses, giving one to those that have none. No query when all are in memory; else look-ups
   * by the index `archive_addresses_by_jid`, and one insert for what is new.
   */
  async number(jids: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const numbers = new Map<string, number>()
    const unknown = new Set<string>()
    for (const jid of jids) {
      if (numbers.has(jid)) continue
      const number = this.#numbers.get(jid)
      if (number === undefined) unknown.add(jid)
      else numbers.set(jid, number)
    }
    if (unknown.size === 0) return numbers
    // In one order everywhere, so that servers that number the same addresses wait for one another instead of deadlocking.
    const wanted = [...unknown].sort()
    for (let start = 0; start < wanted.length; start += PER_STATEMENT)
      await this.#numberFew(wanted.slice(start, start + PER_STATEMENT), numbers)
    return numbers
  }

  async #numberFew(jids: readonly string[], numbers: Map<string, number>): Promise<void> {
    await this.#look(jids, numbers)
    const added = jids.filter((jid) => !numbers.has(jid))
    if (added.length === 0) return
    const places = added.map(() => '(?,?)').join(',')
    const ignore = this.#db.dialect === 'mysql' ? 'on duplicate key update local = local' : 'on conflict do nothing'
    const sql = `insert into archive_addresses (domain, local) values ${places} ${ignore}`
    await this.#db.transaction(async (trx) => void (await trx.raw(sql, added.flatMap(split))))
    await this.#look(added, numbers)
  }

  async #look(jids: readonly string[], numbers: Map<string, number>): Promise<void> {
    const either = jids.map(() => '(domain = ? and local = ?)').join(' or ')
    const sql = `select number, domain, local from archive_addresses where ${either}`
    const result = await this.#db.knex.raw(sql, jids.flatMap(split))
    for (const { number, domain, local } of rowsOf<{ number: number; domain: string; local: string }>(result)) {
      const jid = join(domain, local)
      numbers.set(jid, number)
      this.#numbers.set(jid, number)
    }
  }
}

/** The domain and the local part, which is `''` when there is none. */
function split(jid: string): [domain: string, local: string] {
  const at = jid.indexOf('@')
  return at < 1 ? [jid, ''] : [jid.slice(at + 1), jid.slice(0, at)]
}

/** A bare JID of a domain and a local part, which may be `''`. */
export function join(domain: string, local: string): string {
  return local === '' ? domain : `${local}@${domain}`
}

const RESOURCES_CACHED = 10_000
const resources = new Lru<string, number>(RESOURCES_CACHED)

/** What stands for a resource in the archive: {@link digest}, remembered. */
export function resourceDigest(resource: string): number {
  const cached = resources.get(resource)
  if (cached !== undefined) return cached
  const number = digest(resource)
  resources.set(resource, number)
  return number
}

/** 47 bits of SHA-256 as a number, which SQLite stores in six octets; 0 for `''` only. */
export function digest(text: string): number {
  if (text === '') return 0
  return hash('sha256', text, 'buffer').readUIntBE(0, 6) % 2 ** 47 || 1
}
