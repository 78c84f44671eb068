/** The longest name of a file, in octets of UTF-8: what file systems allow. */
export const MAX_NAME_BYTES = 255

/** Control characters, line separators, and what turns the direction of what follows, so that `gpj.exe` looks like a picture. */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u{202a}-\u{202e}\u{2066}-\u{2069}\p{Cs}]/u

/**
 * Why a name is none for a file, in words, or nothing when it is. It never becomes a name on a disk of the server, but does on those
 * of people who download the file.
 */
export function faultOf(name: string): string | undefined {
  if (name === '') return 'A file has a name.'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `The name is longer than ${MAX_NAME_BYTES} bytes.`
  if (/[/\\]/.test(name)) return 'The name is a path.'
  if (/^[.\s]+$/.test(name)) return 'The name has nothing but dots and spaces.'
  if (HIDDEN.test(name)) return 'The name has characters that cannot be seen.'
  return undefined
}

/** A name as a part of an address (RFC 3986 §3.3). */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** The header that says whether a file is shown or kept, and by which name (RFC 6266 §4, RFC 8187 §3.2). */
export function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const plain = name.replace(/[^A-Za-z0-9 ._-]/g, '_')
  const extended = plain === name ? '' : `; filename*=UTF-8''${encodeName(name)}`
  return `${kind}; filename="${plain}"${extended}`
}
