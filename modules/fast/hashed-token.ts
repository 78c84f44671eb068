import { timingSafeEqual } from 'node:crypto'
import {
  accountOf,
  type ChannelBindingType,
  decodeUtf8,
  hmac,
  type Jid,
  type LoginRequest,
  SaslError,
  type SaslStep,
} from '#api'
import type { StoredToken } from './store.ts'

/** The mechanisms by what they bind to, the strongest first; NONE binds to nothing. */
export const mechanisms = {
  'HT-SHA-256-EXPR': 'tls-exporter',
  'HT-SHA-256-UNIQ': 'tls-unique',
  'HT-SHA-256-ENDP': 'tls-server-end-point',
  'HT-SHA-256-NONE': undefined,
} as const satisfies Record<string, ChannelBindingType | undefined>

export type HashedTokenName = keyof typeof mechanisms

/** Bytes of an HMAC with SHA-256. */
const PROOF_BYTES = 32

/** A token that a client has shown to have. */
export interface ProvenToken {
  readonly stored: StoredToken
  /** The token itself. */
  readonly token: string
}

/** What the mechanism asks of the tokens that there are. */
export interface TokenLookup {
  /** The tokens that may be the right one: as many for a stranger, of which none is right. */
  candidates(account: Jid): Promise<readonly ProvenToken[]>
  /** What the account's login goes on with; throws `SaslError` when the token is not good any more. */
  accept(account: Jid, proven: ProvenToken): Promise<{ readonly passwordVersion: number }>
}

/**
 * The server's side of HT-SHA-256-* (draft-schmaus-kitten-sasl-ht-09): one message, with a proof of a token that is bound to
 * the channel.
 */
export class HashedToken {
  readonly #name: HashedTokenName
  readonly #request: LoginRequest
  readonly #tokens: TokenLookup
  account: string | undefined

  constructor(name: HashedTokenName, request: LoginRequest, tokens: TokenLookup) {
    this.#name = name
    this.#request = request
    this.#tokens = tokens
  }

  async step(message: Buffer): Promise<SaslStep> {
    const { address, host, throttle } = this.#request.sasl
    // §3.1: authcid NUL initiator-hashed-token
    const end = message.indexOf(0)
    const proof = message.subarray(end + 1)
    if (end <= 0 || proof.length !== PROOF_BYTES)
      throw new SaslError('malformed-request', 'The message is not user NUL proof.')
    const account = accountOf(decodeUtf8(message.subarray(0, end)), '', host)
    this.account = account.toString()
    const binding = this.#binding()
    const guess = await throttle.guessInTurn(address, this.account)
    if (guess === undefined) throw new SaslError('temporary-auth-failure', 'Too many wrong tokens; try again later.')
    try {
      const proven = findProven(await this.#tokens.candidates(account), proof, binding)
      if (proven === undefined) {
        guess.wrong()
        await throttle.delay()
        throw new SaslError('not-authorized')
      }
      guess.right()
      const { passwordVersion } = await this.#tokens.accept(account, proven)
      const data = keyedHash(proven.token, 'Responder', binding)
      return { kind: 'success', by: 'token', local: account.local, passwordVersion, data }
    } finally {
      // Nothing was learnt when the tokens could not be read; else this does nothing.
      guess.cancel()
    }
  }

  #binding(): Buffer {
    const type = mechanisms[this.#name]
    if (type === undefined) return Buffer.alloc(0)
    const data = this.#request.sasl.binding?.bindings.get(type)?.()
    if (data === undefined) throw new SaslError('not-authorized', 'There is no such channel binding.')
    return data
  }
}

/** Looks at all of them, so that the time tells nothing. */
function findProven(candidates: readonly ProvenToken[], proof: Buffer, binding: Buffer): ProvenToken | undefined {
  let found: ProvenToken | undefined
  for (const candidate of candidates)
    if (timingSafeEqual(keyedHash(candidate.token, 'Initiator', binding), proof)) found = candidate
  return found
}

function keyedHash(token: string, role: 'Initiator' | 'Responder', binding: Buffer): Buffer {
  return hmac('sha256', token, Buffer.concat([Buffer.from(role), binding]))
}
