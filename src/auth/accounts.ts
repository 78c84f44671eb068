import { timingSafeEqual } from 'node:crypto'
import { Jid, JidError } from '../jid/jid.ts'
import { foldForCollision } from '../jid/prep.ts'
import { MAX_LOCAL_BYTES } from '../storage/columns.ts'
import { type Database, isUniqueViolation } from '../storage/database.ts'
import type { Clock } from '../util/clock.ts'
import { Lru } from '../util/lru.ts'
import { AccountStore, type StoredAccount } from './account-store.ts'
import {
  deriveAllKeys,
  deriveKeys,
  preparePassword,
  type ScramHash,
  type ScramKeys,
  scramHashes,
} from './scram-keys.ts'

/**
 * Why an account could not be made or changed: `conflict` (there is one), `look-alike` (there is one that looks the
 * same), `invalid` (no such address), `invalid-password`, `not-found`. The message is a sentence for people.
 */
export class AccountError extends Error {
  readonly code: 'conflict' | 'invalid' | 'invalid-password' | 'look-alike' | 'not-found'

  constructor(code: AccountError['code'], message: string) {
    super(message)
    this.name = 'AccountError'
    this.code = code
  }
}

/** What is known of an account. */
export interface Account {
  readonly local: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  readonly disabled: boolean
  /** The hashes its password is kept for, the strongest first. */
  readonly hashes: readonly ScramHash[]
}

/** What a SCRAM login needs of an account. */
export interface AccountLogin {
  /** `undefined` when the password is not kept for the hash. */
  readonly keys: ScramKeys | undefined
  readonly disabled: boolean
}

/** How accounts are kept. */
export interface AccountsOptions {
  /** Rounds of hashing for new keys. */
  readonly iterations: number
  readonly clock: Pick<Clock, 'now'>
  /** Names whose existence is remembered, and as many whose absence is; 10,000 unless told. */
  readonly remembered?: number
  /** Hears when new keys could not be kept at a login, which went well all the same. */
  readonly onUpgradeFailure?: (error: unknown) => void
}

/** How long an existence, and how long an absence, is believed: another process may add and delete accounts. */
const presentMs = 60_000
const absentMs = 5_000

/** Stands in for an account's keys, so that a stranger's password takes as long to check. */
const blank = Buffer.alloc(16)

/** The accounts of one host. A `local` is a prepared localpart, except that `create` prepares it. */
export class Accounts {
  /** Rounds of hashing for new keys. */
  readonly iterations: number
  readonly #host: string
  readonly #store: AccountStore
  readonly #clock: Pick<Clock, 'now'>
  readonly #onUpgradeFailure: (error: unknown) => void
  /** Until when a name is believed to exist, or not to. Two maps, so that a flood of strangers forgets nobody here. */
  readonly #present: Lru<string, number>
  readonly #absent: Lru<string, number>
  /** Accounts that are being deleted. */
  readonly #hidden = new Set<string>()
  /** Rises with every change of ours, so that an answer read before it is not remembered after it. */
  #changes = 0

  constructor(db: Database, host: string, options: AccountsOptions) {
    const { iterations, clock, remembered = 10_000, onUpgradeFailure = () => {} } = options
    this.iterations = iterations
    this.#host = host
    this.#store = new AccountStore(db, host)
    this.#clock = clock
    this.#onUpgradeFailure = onUpgradeFailure
    this.#present = new Lru(remembered)
    this.#absent = new Lru(remembered)
  }

  /**
   * Makes an account.
   *
   * @throws AccountError `invalid`, `invalid-password`, `conflict` or `look-alike`.
   */
  async create(local: string, password: string): Promise<Jid> {
    const jid = this.#jid(local)
    const prepared = preparedPassword(password)
    const folded = foldForCollision(jid.local)
    await this.#refuseTaken(jid, folded)
    const keys = await deriveAllKeys(prepared, this.iterations)
    try {
      await this.#store.insert({ local: jid.local, folded, createdMs: this.#clock.now(), keys })
    } catch (error) {
      // Somebody was faster.
      if (isUniqueViolation(error)) await this.#refuseTaken(jid, folded)
      throw error
    }
    this.#changes++
    this.remember(jid.local)
    return jid
  }

  /** Whether an account exists. Asked again within seconds it costs no query. */
  async exists(local: string): Promise<boolean> {
    if (this.#hidden.has(local)) return false
    const now = this.#clock.now()
    if ((this.#present.get(local) ?? 0) > now) return true
    if ((this.#absent.get(local) ?? 0) > now) return false
    const before = this.#changes
    const exists = await this.#store.has(local)
    if (before === this.#changes) {
      if (exists) this.remember(local)
      else this.#forget(local)
    }
    return exists
  }

  /** From now on `exists` denies the account, until the function returned is called: it is being deleted. */
  hide(local: string): () => void {
    this.#hidden.add(local)
    return () => void this.#hidden.delete(local)
  }

  /** Notes that an account exists, as a login has shown. */
  remember(local: string): void {
    this.#absent.delete(local)
    this.#present.set(local, this.#clock.now() + presentMs)
  }

  /** An account, or `undefined` when there is none. */
  async get(local: string): Promise<Account | undefined> {
    const account = await this.#store.find(local)
    if (account === undefined) return undefined
    const { keys, ...known } = account
    return { ...known, hashes: keys.map(({ hash }) => hash) }
  }

  /** At most `limit` localparts after the given one, in order of their code points. */
  async list(after: string | undefined, limit: number): Promise<string[]> {
    return await this.#store.page(after ?? '', limit)
  }

  /** Changes a password. @throws AccountError `invalid-password` or `not-found`. */
  async setPassword(local: string, password: string): Promise<void> {
    const keys = await deriveAllKeys(preparedPassword(password), this.iterations)
    if (!(await this.#store.replaceKeys(local, keys))) throw notFound(local)
  }

  /** Lets an account log in or not; sessions it has are not touched. @throws AccountError `not-found` */
  async setDisabled(local: string, disabled: boolean): Promise<void> {
    if (!(await this.#store.setDisabled(local, disabled))) throw notFound(local)
  }

  /** Deletes an account, and nothing that modules keep of it; false when there is none. */
  async delete(local: string): Promise<boolean> {
    const deleted = await this.#store.remove(local)
    this.#changes++
    this.#forget(local)
    return deleted
  }

  /** Whether a password is right, and its account may log in. */
  async verifyPassword(local: string, password: string): Promise<boolean> {
    return (await this.checkPassword(local, password)) === 'right'
  }

  /**
   * Checks a password; a disabled account is told only with the right one. Takes as long for an account that does not
   * exist. A right password is when keys that are missing, or were made with fewer rounds than configured, are made.
   */
  async checkPassword(local: string, password: string): Promise<'disabled' | 'right' | 'wrong'> {
    const prepared = preparePassword(password)
    const account = await this.#store.find(local)
    if (prepared === undefined) return 'wrong'
    const kept = account?.keys[0]
    const { hash = scramHashes[0]!, salt = blank, iterations = this.iterations } = kept ?? {}
    const { storedKey } = await deriveKeys(hash, prepared, salt, iterations)
    const matches = timingSafeEqual(storedKey, kept?.storedKey ?? Buffer.alloc(storedKey.length))
    if (account === undefined || kept === undefined || !matches) return 'wrong'
    if (account.disabled) return 'disabled'
    this.remember(local)
    if (this.#isOutdated(account)) await this.#upgrade(local, prepared, kept)
    return 'right'
  }

  /** What a SCRAM login needs, or `undefined` for a stranger; always one query. */
  async login(local: string, hash: ScramHash): Promise<AccountLogin | undefined> {
    const account = await this.#store.find(local)
    return account && { keys: account.keys.find((keys) => keys.hash === hash), disabled: account.disabled }
  }

  #isOutdated({ keys }: StoredAccount): boolean {
    return keys.length < scramHashes.length || keys.some(({ iterations }) => iterations < this.iterations)
  }

  async #upgrade(local: string, prepared: string, verified: ScramKeys): Promise<void> {
    try {
      await this.#store.replaceKeys(local, await deriveAllKeys(prepared, this.iterations), verified)
    } catch (error) {
      // The old keys are as good as they were; the next login tries again.
      this.#onUpgradeFailure(error)
    }
  }

  async #refuseTaken(jid: Jid, folded: string): Promise<void> {
    const taken = await this.#store.findLookAlike(folded)
    if (taken === jid.local) throw new AccountError('conflict', `There is an account ${jid} already.`)
    if (taken !== undefined)
      throw new AccountError('look-alike', `${jid} looks the same as another account; choose another name.`)
  }

  #jid(local: string): Jid {
    try {
      const jid = Jid.of(local, this.#host)
      if (Buffer.byteLength(jid.local) > MAX_LOCAL_BYTES)
        throw new AccountError('invalid', `The name of an account has at most ${MAX_LOCAL_BYTES} octets.`)
      if (jid.local !== '') return jid
    } catch (error) {
      if (!(error instanceof JidError)) throw error
      throw new AccountError('invalid', `That cannot be the name of an account: ${error.message}`)
    }
    throw new AccountError('invalid', 'An account needs a name.')
  }

  #forget(local: string): void {
    this.#present.delete(local)
    this.#absent.set(local, this.#clock.now() + absentMs)
  }
}

function preparedPassword(password: string): string {
  const prepared = preparePassword(password)
  if (prepared !== undefined) return prepared
  if (password === '') throw new AccountError('invalid-password', 'The password is empty.')
  throw new AccountError('invalid-password', 'The password has characters that passwords cannot have.')
}

function notFound(local: string): AccountError {
  return new AccountError('not-found', `There is no account ${local}.`)
}
