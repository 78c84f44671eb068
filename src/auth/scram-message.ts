import { SaslError } from './sasl-error.ts'

/** The client's first message (RFC 5802 §7), taken apart. */
export interface ClientFirst {
  /** What the client says of channel binding: not able to, able to but not offered any, or the type it uses. */
  readonly binding: { readonly flag: 'n' | 'y' } | { readonly flag: 'p'; readonly type: string }
  /** The address to act as, `''` when absent. */
  readonly authzid: string
  readonly username: string
  readonly nonce: string
  /** The header for channel binding as it came, with its last comma. */
  readonly gs2Header: string
  /** The message after that header, as it came. */
  readonly bare: string
}

/** The client's final message (RFC 5802 §7), taken apart. */
export interface ClientFinal {
  readonly channelBinding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  /** The message before the proof, as it came. */
  readonly withoutProof: string
}

/** Takes a client's first message apart. @throws SaslError `malformed-request` */
export function parseClientFirst(text: string): ClientFirst {
  const header = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,/.exec(text)
  if (header === null || text.includes('\0')) throw malformed('The message does not begin with a GS2 header.')
  const [gs2Header, flag, type, authzid] = header
  const bare = text.slice(gs2Header.length)
  // RFC 5802 §5.1, "m": an extension that must be understood, and none is.
  if (bare.startsWith('m=')) throw malformed('The extension asked for is not supported.')
  const [, username, nonce] = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*$/.exec(bare) ?? []
  if (username === undefined || nonce === undefined) throw malformed('The message has no user name and nonce.')
  return {
    binding: type === undefined ? { flag: flag as 'n' | 'y' } : { flag: 'p', type },
    authzid: authzid === undefined ? '' : unescapeName(authzid),
    username: unescapeName(username),
    nonce,
    gs2Header,
    bare,
  }
}

/** Takes a client's final message apart. @throws SaslError `malformed-request` */
export function parseClientFinal(text: string): ClientFinal {
  const parts = /^(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]+)*),p=([^,]+)$/.exec(text)
  const [, withoutProof = '', channelBinding = '', nonce = '', proof = ''] = parts ?? []
  if (parts === null || text.includes('\0')) throw malformed('The message has not binding, nonce and proof.')
  return { channelBinding: decodeBase64(channelBinding), nonce, proof: decodeBase64(proof), withoutProof }
}

/** RFC 5802 §5.1, "n": a comma is written `=2C`, an equals sign `=3D`, and no other use of it is allowed. */
function unescapeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw malformed('A name has an equals sign that is not escaped.')
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function decodeBase64(text: string): Buffer {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw malformed('An attribute is not base64.')
  return Buffer.from(text, 'base64')
}

function malformed(text: string): SaslError {
  return new SaslError('malformed-request', text)
}
