import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { AccountLogin, PasswordCheck } from '../../../src/auth/accounts.ts'
import {
  type ChannelBindingSource,
  type ChannelBindingType,
  type SaslContext,
  type SaslMechanism,
  type SaslStep,
  startMechanism,
} from '../../../src/auth/mechanism.ts'
import { deriveKeys, type ScramHash } from '../../../src/auth/scram-keys.ts'
import { Throttle } from '../../../src/auth/throttle.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export const host = 'verona.lit'

/** One account in memory, `juliet` with the password `pencil` unless told. */
export async function oneAccount(
  options: { local?: string; password?: string; salt?: Buffer; disabled?: boolean; hashes?: ScramHash[] } = {},
): Promise<SaslContext['accounts'] & { remembered: string[] }> {
  const { local = 'juliet', password = 'pencil', disabled = false, hashes = ['SHA-1', 'SHA-256', 'SHA-512'] } = options
  const salt = options.salt ?? randomBytes(16)
  const keys = await Promise.all(hashes.map((hash) => deriveKeys(hash, password, salt, 4096)))
  const remembered: string[] = []
  return {
    iterations: 4096,
    remembered,
    remember: (name) => void remembered.push(name),
    async login(name: string, hash: ScramHash): Promise<AccountLogin | undefined> {
      if (name !== local) return undefined
      return { keys: keys.find((k) => k.hash === hash), disabled, passwordVersion: 0, outdated: [] }
    },
    async checkLogin(name: string, given: string): Promise<PasswordCheck> {
      if (name !== local || given !== password) return { verdict: 'wrong' }
      return disabled ? { verdict: 'disabled' } : { verdict: 'right', passwordVersion: 0 }
    },
  }
}

export const noLimits = { perAddress: 0, perAccount: 0, windowMs: 1000, delayMs: 0 }

/** A context for logins, of which a test changes what it is about. */
export async function context(changes: Partial<SaslContext> = {}): Promise<SaslContext> {
  return {
    accounts: changes.accounts ?? (await oneAccount()),
    host,
    binding: undefined,
    offered: ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
    announced: undefined,
    downgradeProtection: false,
    throttle: new Throttle(noLimits, new FakeClock()),
    address: '192.0.2.1',
    decoySecret: Buffer.from('the secret of this server'),
    ...changes,
  }
}

/** A connection that can be bound to the given data. */
export function bindings(entries: Partial<Record<ChannelBindingType, string>>): ChannelBindingSource {
  const pairs = Object.entries(entries) as [ChannelBindingType, string][]
  return { tlsVersion: 'TLSv1.3', bindings: new Map(pairs.map(([type, data]) => [type, () => Buffer.from(data)])) }
}

export const plusOffered = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN']

export function start(name: string, ctx: SaslContext): SaslMechanism {
  const mechanism = startMechanism(name, ctx)
  if (mechanism === 'invalid-mechanism') throw new Error(`${name} was not accepted`)
  return mechanism
}

/** What a failed step says, for comparison; fails when it did not fail. */
export function condition(step: SaslStep): string {
  return step.kind === 'failure' ? step.condition : step.kind
}

/** A client's side of SCRAM, written apart from the server's. */
export class ScramClient {
  readonly #hash: string
  readonly #password: string
  readonly #gs2: string
  readonly #bindingData: Buffer
  readonly #bare: string
  #serverSignature = ''

  constructor(
    parts: {
      hash?: string
      user?: string
      password?: string
      gs2?: string
      bindingData?: Buffer | string
      nonce?: string
    } = {},
  ) {
    const {
      hash = 'sha256',
      user = 'juliet',
      password = 'pencil',
      gs2 = 'n,,',
      bindingData = '',
      nonce = 'abcdef',
    } = parts
    this.#hash = hash
    this.#password = password
    this.#gs2 = gs2
    this.#bindingData = Buffer.from(bindingData as string)
    this.#bare = `n=${user},r=${nonce}`
  }

  first(): Buffer {
    return Buffer.from(this.#gs2 + this.#bare)
  }

  /** The final message; `change` may spoil it before the proof is made, `spoil` after. */
  final(step: SaslStep, change = (text: string): string => text, spoil = (text: string): string => text): Buffer {
    if (step.kind !== 'challenge') throw new Error(`no challenge but ${JSON.stringify(step)}`)
    const serverFirst = step.data.toString()
    const attributes = new Map(serverFirst.split(',').map((part) => [part[0], part.slice(2)]))
    const bound = Buffer.concat([Buffer.from(this.#gs2), this.#bindingData]).toString('base64')
    const withoutProof = change(`c=${bound},r=${attributes.get('r')}`)
    const length = createHash(this.#hash).digest().length
    const salt = Buffer.from(attributes.get('s')!, 'base64')
    const salted = pbkdf2Sync(this.#password, salt, Number(attributes.get('i')), length, this.#hash)
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const clientKey = this.#hmac(salted, 'Client Key')
    const signature = this.#hmac(createHash(this.#hash).update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!))
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), authMessage).toString('base64')
    return Buffer.from(spoil(`${withoutProof},p=${proof.toString('base64')}`))
  }

  /** What the server must answer with success. */
  get serverFinal(): string {
    return `v=${this.#serverSignature}`
  }

  #hmac(key: Buffer, data: string): Buffer {
    return createHmac(this.#hash, key).update(data).digest()
  }
}

/** A whole login; resolves with its last step. */
export async function login(name: string, ctx: SaslContext, client: ScramClient): Promise<SaslStep> {
  const mechanism = start(name, ctx)
  const challenge = await mechanism.step(client.first())
  return challenge.kind === 'challenge' ? await mechanism.step(client.final(challenge)) : challenge
}
