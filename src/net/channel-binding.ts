import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ChannelBindingSource, ChannelBindingType } from '../auth/mechanism.ts'
import { readDer, readOid } from './der.ts'

/**
 * What a login on a TLS connection can be bound to; ask when the handshake is done, on the server's side. Whoever knows
 * which certificate was served says so: to ask the connection for it is dear.
 */
export function channelBinding(
  socket: TLSSocket,
  certificate: X509Certificate | undefined = socket.getX509Certificate(),
): ChannelBindingSource {
  const tlsVersion = socket.getProtocol() ?? 'unknown'
  const isTls13 = tlsVersion === 'TLSv1.3'
  const isExtended = isTls13 || hasExtendedMasterSecret(socket.getSession())
  const bindings = new Map<ChannelBindingType, () => Buffer>()
  // RFC 9266 §2, §4.2: before TLS 1.3 only with the extended master secret (RFC 7627).
  if (isExtended)
    bindings.set('tls-exporter', () => socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)))
  // RFC 9266 §3: TLS 1.3 has no tls-unique. RFC 7677 §4: nor has a resumed session without the extended master secret.
  if (tlsVersion === 'TLSv1.2' && (isExtended || !socket.isSessionReused()))
    bindings.set('tls-unique', () => firstFinished(socket))
  const endPoint = certificate && endPointOf(certificate)
  if (endPoint !== undefined) bindings.set('tls-server-end-point', () => endPoint)
  return { tlsVersion, bindings }
}

const endPoints = new WeakMap<X509Certificate, { readonly data: Buffer | undefined }>()

/** RFC 5929 §4.1: the hash of a certificate, computed once for all connections it is served on. */
function endPointOf(certificate: X509Certificate): Buffer | undefined {
  const known = endPoints.get(certificate)
  if (known !== undefined) return known.data
  const name = endPointHash(certificate)
  const data = name === undefined ? undefined : createHash(name).update(certificate.raw).digest()
  endPoints.set(certificate, { data })
  return data
}

/** RFC 5929 §3.1: the first Finished message of the handshake: the client's, or the server's when resuming. */
function firstFinished(socket: TLSSocket): Buffer {
  const finished = socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished()
  if (finished === undefined) throw new Error('The TLS handshake is not finished.')
  return finished
}

const rsaPss = '1.2.840.113549.1.1.10'

/** The hash of each signature algorithm and hash algorithm that a certificate may name. */
const hashOf = new Map([
  ['1.2.840.113549.1.1.4', 'md5'],
  ['1.2.840.113549.1.1.5', 'sha1'],
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/**
 * The hash that tls-server-end-point takes of a certificate: that of its signature, SHA-256 in place of MD5 and SHA-1
 * (RFC 5929 §4.1); `undefined` where the RFC leaves it so, as for Ed25519.
 */
export function endPointHash(certificate: X509Certificate): string | undefined {
  // RFC 5280 §4.1: Certificate is the signed part, the signature's algorithm, the signature.
  const [whole] = readDer(certificate.raw)
  const [, algorithm] = readDer(whole!.content)
  const [oid, parameters] = readDer(algorithm!.content)
  const name = readOid(oid!.content)
  const hash = name === rsaPss ? pssHash(parameters!.content) : hashOf.get(name)
  return hash === 'md5' || hash === 'sha1' ? 'sha256' : hash
}

/** RFC 4055 §3.1: the hash of RSASSA-PSS is in its parameters, under tag 0; SHA-1 when absent. */
function pssHash(parameters: Buffer): string | undefined {
  const explicit = readDer(parameters).find(({ tag }) => tag === 0xa0)
  if (explicit === undefined) return 'sha1'
  const [algorithm] = readDer(explicit.content)
  const [oid] = readDer(algorithm!.content)
  return hashOf.get(readOid(oid!.content))
}

/**
 * Whether a TLS 1.2 session has the extended master secret. Node does not say, but OpenSSL writes it into the session:
 * bit 0 of the flags, which are under tag 13.
 */
function hasExtendedMasterSecret(session: Buffer | undefined): boolean {
  if (session === undefined) return false
  const [whole] = readDer(session)
  const flags = readDer(whole!.content).find(({ tag }) => tag === 0xad)
  const [value] = flags === undefined ? [] : readDer(flags.content)
  return ((value?.content.at(-1) ?? 0) & 1) === 1
}
