import { timingSafeEqual } from 'node:crypto'
import { Jid, JidError } from '../jid/jid.ts'
import { foldForCollision } from '../jid/prep.ts'
import { MAX_LOCAL_BYTES } from '../storage/columns.ts'
import { type Database, isUniqueViolation, type Transaction } from '../storage/database.ts'
import type { Clock } from '../util/clock.ts'
import { Lru } from '../util/lru.ts'
import { AccountError } from './account-error.ts'
import { AccountStore, type StoredAccount } from './account-store.ts'
import {
  deriveAllKeys,
  deriveKeys,
  preparePassword,
  type ScramHash,
  type ScramKeys,
  scramHashes,
} from './scram-keys.ts'

export { AccountError } from './account-error.ts'

/**
 * Where an account stands: `active`; `disabled`, so that it cannot log in; or `deleting`: it cannot log in, is nobody to
 * others, keeps its name, and is deleted at `atMs` (ms since the epoch) unless it is restored.
 */
export type AccountState =
  | { readonly kind: 'active' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'deleting'; readonly atMs: number }

/** What is known of an account. */
export interface Account {
  readonly local: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  readonly state: AccountState
  /** The hashes its password is kept for, the strongest first. */
  readonly hashes: readonly ScramHash[]
}

/** What a SCRAM login needs of an account. */
export interface AccountLogin {
  /** `undefined` when the password is not kept for the hash. */
  readonly keys: ScramKeys | undefined
  /** Whether it may not log in: it is not `active`. */
  readonly disabled: boolean
  /** How often its password has been changed. */
  readonly passwordVersion: number
  /** The hashes that keys are missing for, or were made for with fewer rounds than configured. */
  readonly outdated: readonly ScramHash[]
}

/** What checking a password came to; a disabled account is told only with the right one. */
export type PasswordCheck =
  | { readonly verdict: 'disabled' }
  | { readonly verdict: 'wrong' }
  | { readonly verdict: 'right'; readonly passwordVersion: number }

/** Who hears of what has changed, once it is on disk; the host does, and tells its modules. */
export interface AccountWatcher {
  created?(local: string): void
  /** An account may not log in any more. */
  disabled(local: string): void
  passwordChanged(local: string): void
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

/**
 * How long an existence, or an absence, is believed: another process may add and delete accounts. As long for both, or one
 * of them would be asked for more often, and so answered later.
 */
const believedMs = 5_000

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
  /** Accounts that this process has disabled: who logged in a moment before does not get in either. */
  readonly #shut = new Set<string>()
  /** How often passwords had been changed when this process changed them last. */
  readonly #versions: Lru<string, number>
  #watcher: AccountWatcher = { disabled() {}, passwordChanged() {} }
  /** Rises with every change of ours, so that an answer read before it is not remembered after it. */
  #changes = 0

  constructor(db: Database, host: string, options: AccountsOptions) {
    const { remembered = 10_000 } = options
    this.iterations = options.iterations
    this.#host = host
    this.#store = new AccountStore(db, host)
    this.#clock = options.clock
    this.#onUpgradeFailure = options.onUpgradeFailure ?? (() => {})
    this.#present = new Lru(remembered)
    this.#absent = new Lru(remembered)
    this.#versions = new Lru(remembered)
  }

  /** Has somebody hear of changes; there is one who does. */
  watch(watcher: AccountWatcher): void {
    this.#watcher = watcher
  }

  /**
   * Makes an account, and in the same transaction what `also` writes for it: when that rejects there is no account. Without a
   * password nobody can log in with one.
   *
   * @throws AccountError `invalid`, `invalid-password`, `conflict` or `look-alike`, and what `also` throws.
   */
  async create(
    local: string,
    password: string | undefined,
    also?: (tx: Transaction, jid: Jid) => Promise<void>,
  ): Promise<Jid> {
    const jid = this.#jid(local)
    const prepared = password === undefined ? undefined : preparedPassword(password)
    const folded = foldForCollision(jid.local)
    await this.#refuseTaken(jid, folded)
    const keys = prepared === undefined ? [] : await deriveAllKeys(prepared, this.iterations)
    try {
      const account = { local: jid.local, folded, createdMs: this.#clock.now(), keys }
      await this.#store.insert(account, also && ((tx) => also(tx, jid)))
    } catch (error) {
      // Somebody was faster.
      if (isUniqueViolation(error)) await this.#refuseTaken(jid, folded)
      throw error
    }
    this.#changes++
    this.remember(jid.local)
    this.#watcher.created?.(jid.local)
    return jid
  }

  /** Whether an account exists for others, as one to be deleted does not. Asked again within seconds it costs no query. */
  async exists(local: string): Promise<boolean> {
    if (this.#hidden.has(local)) return false
    const now = this.#clock.now()
    if ((this.#present.get(local) ?? 0) > now) return true
    if ((this.#absent.get(local) ?? 0) > now) return false
    return await this.lookUp(local)
  }

  /** Like {@link exists}, but always with one query: for an answer that must not come sooner for one than for another. */
  async lookUp(local: string): Promise<boolean> {
    const before = this.#changes
    const exists = (await this.#store.standing(local))?.deleteMs === null
    if (before === this.#changes) {
      if (exists) this.remember(local)
      else this.#forget(local)
    }
    return exists && !this.#hidden.has(local)
  }

  /** From now on `exists` denies the account, until the function returned is called: it is being deleted. */
  hide(local: string): () => void {
    this.#hidden.add(local)
    return () => void this.#hidden.delete(local)
  }

  /** Notes that an account exists, as a login has shown. */
  remember(local: string): void {
    this.#absent.delete(local)
    this.#present.set(local, this.#clock.now() + believedMs)
  }

  /** An account, or `undefined` when there is none. */
  async get(local: string): Promise<Account | undefined> {
    const account = await this.#store.find(local)
    if (account === undefined) return undefined
    const { createdMs, iterations } = account
    return { local, createdMs, state: stateOf(account), hashes: [...iterations.keys()] }
  }

  /** Where an account stands, or `undefined` when there is none; one query. */
  async state(local: string): Promise<AccountState | undefined> {
    const standing = await this.#store.standing(local)
    return standing && stateOf(standing)
  }

  /** Whether an account was disabled since the start, so that whoever logged in before may not go on. */
  isShut(local: string): boolean {
    return this.#shut.has(local)
  }

  /** Whether a password was replaced after a login by the one before, so that who has not bound a resource yet may not. */
  isOutdated(local: string, passwordVersion: number): boolean {
    return passwordVersion < (this.#versions.get(local) ?? 0)
  }

  /** At most `limit` localparts after the given one, in order of their code points, or only those of disabled accounts. */
  async list(
    after: string | undefined,
    limit: number,
    filter: { readonly disabled?: boolean } = {},
  ): Promise<string[]> {
    return await this.#store.page(after ?? '', limit, filter)
  }

  /** How many accounts there are, or how many of them are disabled. */
  async count(filter: { readonly disabled?: boolean } = {}): Promise<number> {
    return await this.#store.count(filter)
  }

  /** Changes a password. @throws AccountError `invalid-password` or `not-found`. */
  async setPassword(local: string, password: string): Promise<void> {
    const keys = await deriveAllKeys(preparedPassword(password), this.iterations)
    const version = await this.#store.replaceKeys(local, keys)
    if (version === undefined) throw notFound(local)
    this.#versions.set(local, version)
    this.#watcher.passwordChanged(local)
  }

  /** Lets an account log in or not; its sessions end when it may not. @throws AccountError `not-found` */
  async setDisabled(local: string, disabled: boolean): Promise<void> {
    if (!(await this.#store.setDisabled(local, disabled))) throw notFound(local)
    if (disabled) this.#shutOut(local)
    else await this.#letIn(local)
  }

  /**
   * Says when an account is to be deleted, which ends its sessions, or with `null` that it stays after all: it is then as it
   * was before. `Host.deletions` does the first with the grace period that the admin has set.
   *
   * @throws AccountError `not-found`
   */
  async setDeletion(local: string, atMs: number | null): Promise<void> {
    if (!(await this.#store.setDeletion(local, atMs))) throw notFound(local)
    this.#changes++
    if (atMs === null) return await this.#letIn(local)
    this.#forget(local)
    this.#shutOut(local)
  }

  /** At most `limit` accounts that are to be deleted, and when, the first first. */
  async deletions(limit: number): Promise<readonly { readonly local: string; readonly atMs: number }[]> {
    return await this.#store.deletions(limit)
  }

  /** Deletes an account, and nothing that modules keep of it; false when there is none. */
  async delete(local: string): Promise<boolean> {
    const deleted = await this.#store.remove(local)
    this.#changes++
    this.#shut.delete(local)
    this.#versions.delete(local)
    this.#forget(local)
    return deleted
  }

  /** Whether a password is right, and its account may log in. */
  async verifyPassword(local: string, password: string): Promise<boolean> {
    return (await this.checkLogin(local, password)).verdict === 'right'
  }

  /**
   * Checks a password, with what a login goes on with; a disabled account is told only with the right one. Takes as long for an
   * account that does not exist. A right password is when keys that are missing, wrong, or made with fewer rounds than
   * configured, are made anew.
   */
  async checkLogin(local: string, password: string): Promise<PasswordCheck> {
    const prepared = preparePassword(password)
    const account = await this.#store.find(local)
    if (prepared === undefined) return { verdict: 'wrong' }
    const kept = await this.#keysOf(prepared, account?.keys ?? [])
    if (account === undefined || kept === undefined) return { verdict: 'wrong' }
    if (stateOf(account).kind !== 'active') return { verdict: 'disabled' }
    this.remember(local)
    if (kept !== account.keys[0] || this.#outdated(account).length > 0) await this.#upgrade(local, prepared, kept)
    return { verdict: 'right', passwordVersion: account.passwordVersion }
  }

  /** What a SCRAM login needs, or `undefined` for a stranger; always one query. */
  async login(local: string, hash: ScramHash): Promise<AccountLogin | undefined> {
    const account = await this.#store.find(local, hash)
    if (account === undefined) return undefined
    const { keys, passwordVersion } = account
    return {
      keys: keys[0],
      disabled: stateOf(account).kind !== 'active',
      passwordVersion,
      outdated: this.#outdated(account),
    }
  }

  /** What a login by a token needs, or `undefined` for a stranger; always one query. */
  async tokenLogin(local: string): Promise<Pick<AccountLogin, 'disabled' | 'passwordVersion'> | undefined> {
    const standing = await this.#store.standing(local)
    return standing && { disabled: stateOf(standing).kind !== 'active', passwordVersion: standing.passwordVersion }
  }

  /**
   * Keeps keys that a client has derived for one more hash (XEP-0480), unless the password that it was `verified` by has
   * been changed since: then false.
   */
  async addKeys(local: string, keys: ScramKeys, verified: ScramKeys): Promise<boolean> {
    return (await this.#store.replaceKeys(local, [keys], verified, [keys.hash])) !== undefined
  }

  /** The account that has a name, or one that looks the same; also one that is to be deleted. */
  async lookAlike(local: string): Promise<string | undefined> {
    return await this.#store.findLookAlike(foldForCollision(local))
  }

  #shutOut(local: string): void {
    this.#shut.add(local)
    this.#watcher.disabled(local)
  }

  /** An account that is no more disabled may be one to be deleted still, and the other way round. */
  async #letIn(local: string): Promise<void> {
    const state = await this.state(local)
    if (state === undefined || state.kind === 'deleting') return
    if (state.kind === 'active') this.#shut.delete(local)
    this.remember(local)
  }

  /**
   * The strongest of an account's keys that a password belongs to. Stronger ones may be none, since clients derive keys, too
   * (XEP-0480), and one that errs must lock nobody out. A wrong password is derived for every hash, whoever's it is.
   */
  async #keysOf(prepared: string, keys: readonly ScramKeys[]): Promise<ScramKeys | undefined> {
    for (const hash of scramHashes) {
      const kept = keys.find((known) => known.hash === hash)
      const { salt = blank, iterations = this.iterations } = kept ?? {}
      const { storedKey } = await deriveKeys(hash, prepared, salt, iterations)
      if (timingSafeEqual(storedKey, kept?.storedKey ?? Buffer.alloc(storedKey.length))) return kept
    }
    return undefined
  }

  #outdated({ iterations }: StoredAccount): ScramHash[] {
    return scramHashes.filter((hash) => (iterations.get(hash) ?? 0) < this.iterations)
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
    this.#absent.set(local, this.#clock.now() + believedMs)
  }
}

function stateOf({ disabled, deleteMs }: Pick<StoredAccount, 'deleteMs' | 'disabled'>): AccountState {
  if (deleteMs !== null) return { kind: 'deleting', atMs: deleteMs }
  return { kind: disabled ? 'disabled' : 'active' }
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
