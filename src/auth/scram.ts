import { timingSafeEqual } from 'node:crypto'
import type { Jid } from '../jid/jid.ts'
import { randomId } from '../util/id.ts'
import type { AccountLogin } from './accounts.ts'
import { downgradeHash } from './downgrade.ts'
import { accountOf, decodeUtf8 } from './identity.ts'
import type { ChannelBindingType, SaslContext, SaslStep } from './mechanism.ts'
import { SaslError } from './sasl-error.ts'
import { decoyKeys, digest, hmac, type ScramHash, type ScramKeys } from './scram-keys.ts'
import { type ClientFirst, parseClientFinal, parseClientFirst } from './scram-message.ts'

/** What is known between the challenge and its answer. */
interface Exchange {
  readonly first: ClientFirst
  readonly account: Jid
  readonly keys: ScramKeys
  /** `undefined` when the keys are invented, and no account's. */
  readonly login: AccountLogin | undefined
  /** The client's nonce and ours. */
  readonly nonce: string
  readonly serverFirst: string
}

/** The server's side of SCRAM with one hash, with channel binding or without (RFC 5802, RFC 7677). */
export class Scram {
  readonly #hash: ScramHash
  readonly #plus: boolean
  readonly #context: SaslContext
  readonly #newNonce: () => string
  account: string | undefined
  #exchange: Exchange | undefined

  /** `newNonce` makes our half of the nonce: printable, without a comma. */
  constructor(hash: ScramHash, plus: boolean, context: SaslContext, newNonce: () => string = randomId) {
    this.#hash = hash
    this.#plus = plus
    this.#context = context
    this.#newNonce = newNonce
  }

  async step(message: Buffer): Promise<SaslStep> {
    const text = decodeUtf8(message)
    return this.#exchange === undefined ? await this.#challenge(text) : await this.#verify(text, this.#exchange)
  }

  async #challenge(text: string): Promise<SaslStep> {
    const { accounts, address, decoySecret, host, throttle } = this.#context
    const first = parseClientFirst(text)
    this.#checkBinding(first)
    const account = accountOf(first.username, first.authzid, host)
    this.account = account.toString()
    if (!(await throttle.opens(address, this.account))) throw tooMany()
    // A stranger's exchange is that of an account, to the last computation: the query, the invented keys, the proof.
    const decoy = decoyKeys(decoySecret, this.#hash, account.toString(), accounts.iterations)
    const login = await accounts.login(account.local, this.#hash)
    const keys = login?.keys ?? decoy
    const nonce = first.nonce + this.#newNonce()
    const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}${this.#downgradeHash()}`
    this.#exchange = { first, account, keys, login: login?.keys && login, nonce, serverFirst }
    return { kind: 'challenge', data: Buffer.from(serverFirst) }
  }

  /** XEP-0474 §6.1: a hash of what was offered, which the client's proof covers. */
  #downgradeHash(): string {
    const { announced, downgradeProtection, offered } = this.#context
    return downgradeProtection ? `,h=${downgradeHash(this.#hash, offered, announced)}` : ''
  }

  /** RFC 5802 §6: the flag of the header must suit the mechanism and what was offered. */
  #checkBinding({ binding }: ClientFirst): void {
    const { offered, binding: source } = this.#context
    if (this.#plus !== (binding.flag === 'p'))
      throw new SaslError('malformed-request', 'The mechanism and the GS2 header disagree on channel binding.')
    // RFC 5802 §6: the client would have bound had it seen that it can; somebody cut -PLUS out of what we offered.
    if (binding.flag === 'y' && offered.some((name) => name.endsWith('-PLUS')))
      throw new SaslError('not-authorized', 'Channel binding was offered; somebody has hidden that from you.')
    if (binding.flag === 'p' && source?.bindings.has(binding.type as ChannelBindingType) !== true)
      throw new SaslError('malformed-request', 'That type of channel binding is not available here.')
  }

  async #verify(text: string, exchange: Exchange): Promise<SaslStep> {
    const { address, throttle } = this.#context
    const { account, first, keys } = exchange
    const final = parseClientFinal(text)
    // RFC 5802 §5.1, "r": the nonce is the one we sent, whole.
    if (!isEqual(Buffer.from(final.nonce), Buffer.from(exchange.nonce)))
      throw new SaslError('not-authorized', 'The nonce is not the one sent.')
    // RFC 5802 §6: the header as it came first, and the data of this very channel.
    if (!isEqual(final.channelBinding, this.#expectedBinding(first)))
      throw new SaslError('not-authorized', 'The channel bindings do not match.')
    const guess = throttle.guess(address, account.toString())
    if (guess === undefined) throw tooMany()
    const authMessage = `${first.bare},${exchange.serverFirst},${final.withoutProof}`
    const proven = isProof(final.proof, keys, authMessage)
    const signature = hmac(keys.hash, keys.serverKey, authMessage)
    if (!proven || exchange.login === undefined) {
      guess.wrong()
      await throttle.delay()
      throw new SaslError('not-authorized')
    }
    guess.right()
    // RFC 6120 §6.5.2: only who knows the password learns that the account is disabled.
    if (exchange.login.disabled) throw new SaslError('account-disabled')
    this.#context.accounts.remember(account.local)
    const { passwordVersion, outdated: hashes } = exchange.login
    const data = Buffer.from(`v=${signature.toString('base64')}`)
    return { kind: 'success', data, local: account.local, passwordVersion, upgrade: { verified: keys, hashes } }
  }

  #expectedBinding({ binding, gs2Header }: ClientFirst): Buffer {
    if (binding.flag !== 'p') return Buffer.from(gs2Header)
    const data = this.#context.binding?.bindings.get(binding.type as ChannelBindingType)?.()
    if (data === undefined) throw new SaslError('not-authorized', 'The channel bindings do not match.')
    return Buffer.concat([Buffer.from(gs2Header), data])
  }
}

/** RFC 5802 §3: ClientKey is the proof xor ClientSignature, and hashes to StoredKey. */
function isProof(proof: Buffer, keys: ScramKeys, authMessage: string): boolean {
  const clientKey = hmac(keys.hash, keys.storedKey, authMessage)
  const isWhole = proof.length === clientKey.length
  for (let i = 0; i < clientKey.length; i++) clientKey[i]! ^= proof[i] ?? 0
  return isEqual(digest(keys.hash, clientKey), keys.storedKey) && isWhole
}

/** Compares in a time that tells nothing of where two values differ. */
function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function tooMany(): SaslError {
  return new SaslError('temporary-auth-failure', 'Too many wrong passwords; try again later.')
}
