import { hash as oneShot, pbkdf2, randomBytes } from 'node:crypto'
import saslprep from '@mongodb-js/saslprep'
import { hmac as hmacOf } from '../util/hmac.ts'

/** A hash that SCRAM is used with, by its name in the mechanism. */
export type ScramHash = 'SHA-1' | 'SHA-256' | 'SHA-512'

/** The hashes that keys are kept for, the strongest first (RFC 5802, RFC 7677). */
export const scramHashes: readonly ScramHash[] = ['SHA-512', 'SHA-256', 'SHA-1']

/** What is kept of a password for one hash: enough to check it, not enough to log in with (RFC 5802 §3). */
export interface ScramKeys {
  readonly hash: ScramHash
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Bytes of a salt, invented ones included. */
export const saltBytes = 16

const hashes = {
  'SHA-1': { node: 'sha1', bytes: 20 },
  'SHA-256': { node: 'sha256', bytes: 32 },
  'SHA-512': { node: 'sha512', bytes: 64 },
} as const

/** H() of RFC 5802 §2.2. */
export function digest(hash: ScramHash, data: Uint8Array): Buffer {
  return oneShot(hashes[hash].node, data, 'buffer')
}

/** HMAC() of RFC 5802 §2.2. */
export function hmac(hash: ScramHash, key: Uint8Array, data: string): Buffer {
  return hmacOf(hashes[hash].node, key, data)
}

/**
 * The form of a password that keys are derived from (SASLprep, RFC 4013), or `undefined` when it cannot be one: it is
 * empty, is only made of characters that vanish, or has prohibited characters.
 */
export function preparePassword(password: string): string | undefined {
  try {
    // RFC 4013 §2.5 forbids what Unicode 3.2 did not know in stored strings; people choose emoji, so they are let pass.
    const prepared = saslprep(password, { allowUnassigned: true })
    return prepared === '' ? undefined : prepared
  } catch {
    return undefined
  }
}

/** The keys of a prepared password (RFC 5802 §3); takes milliseconds on a thread of the pool. */
export async function deriveKeys(
  hash: ScramHash,
  prepared: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  return keysOf(hash, await saltedPassword(hash, prepared, salt, iterations), salt, iterations)
}

/** The keys of a salted password that a client has derived; `undefined` when it has not the length of one. */
export function keysOfSalted(hash: ScramHash, salted: Buffer, salt: Buffer, iterations: number): ScramKeys | undefined {
  return salted.length === hashes[hash].bytes ? keysOf(hash, salted, salt, iterations) : undefined
}

function keysOf(hash: ScramHash, salted: Buffer, salt: Buffer, iterations: number): ScramKeys {
  const storedKey = digest(hash, hmac(hash, salted, 'Client Key'))
  return { hash, salt, iterations, storedKey, serverKey: hmac(hash, salted, 'Server Key') }
}

/** Keys of a prepared password for every hash, each with a fresh salt. */
export async function deriveAllKeys(prepared: string, iterations: number): Promise<ScramKeys[]> {
  return await Promise.all(scramHashes.map((hash) => deriveKeys(hash, prepared, randomBytes(saltBytes), iterations)))
}

/** Keys that nobody gets to see, or knows a password for. */
const nobodys = randomBytes(Math.max(...scramHashes.map((hash) => hashes[hash].bytes)))

/**
 * The keys that a stranger's account seems to have: their salt is the same for the same address as long as the secret is. No
 * password matches them.
 */
export function decoyKeys(secret: Uint8Array, hash: ScramHash, address: string, iterations: number): ScramKeys {
  const key = nobodys.subarray(0, hashes[hash].bytes)
  const salt = hmac('SHA-256', secret, `salt\0${hash}\0${address}`).subarray(0, saltBytes)
  return { hash, salt, iterations, storedKey: key, serverKey: key }
}

/** Derivations at once: half of libuv's four threads, so that files and names are still served under a login storm. */
const maxRunning = 2
let running = 0
/** Derivations that wait, in order; at most one for each login, registration or password change under way. */
const waiting: (() => void)[] = []

/** Hi() of RFC 5802 §2.2. */
async function saltedPassword(hash: ScramHash, prepared: string, salt: Buffer, iterations: number): Promise<Buffer> {
  if (running < maxRunning) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    const { node, bytes } = hashes[hash]
    return await new Promise((resolve, reject) =>
      pbkdf2(prepared, salt, iterations, bytes, node, (error, key) => (error === null ? resolve(key) : reject(error))),
    )
  } finally {
    // The turn is handed over, or given back when nobody waits.
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
