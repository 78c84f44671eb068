import { createHmac, hash as digest } from 'node:crypto'

/** A hash by Node's name. */
export type HashName = 'sha1' | 'sha256' | 'sha512'

const sizes = { sha1: [64, 20], sha256: [64, 32], sha512: [128, 64] } as const

/**
 * HMAC (RFC 2104 §2). Node's own makes a key object for each, at several times the cost of the hashes; a login takes half a
 * dozen.
 */
export function hmac(name: HashName, key: Uint8Array | string, data: Uint8Array | string): Buffer {
  const [block, bytes] = sizes[name]
  const secret = typeof key === 'string' ? Buffer.from(key) : key
  if (secret.length > block) return createHmac(name, secret).update(data).digest()
  const text = typeof data === 'string' ? Buffer.from(data) : data
  const inner = Buffer.allocUnsafe(block + text.length).fill(0x36, 0, block)
  const outer = Buffer.allocUnsafe(block + bytes).fill(0x5c, 0, block)
  for (let i = 0; i < secret.length; i++) {
    inner[i]! ^= secret[i]!
    outer[i]! ^= secret[i]!
  }
  inner.set(text, block)
  outer.set(digest(name, inner, 'buffer'), block)
  const mac = digest(name, outer, 'buffer')
  // They are cut from memory that others are given again.
  inner.fill(0)
  outer.fill(0)
  return mac
}
