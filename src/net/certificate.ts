import { createPrivateKey, generateKeyPair, randomBytes, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { promisify } from 'node:util'
import type { asn1 } from 'node-forge'
import { type Clock, systemClock } from '../util/clock.ts'
import type { CertificateFiles } from './tls-context.ts'

const dayMs = 24 * 3600_000
/** A certificate is made anew when less than this is left of it. */
const renewMs = 30 * dayMs

/**
 * The self-signed certificate in a folder, for all of the hosts: the one that is there while it covers them and is not
 * about to expire, else a new one for two years, with a new key that only the server's user can read.
 */
export async function ensureCertificate(
  folder: string,
  hosts: readonly string[],
  clock: Pick<Clock, 'now'> = systemClock,
): Promise<CertificateFiles> {
  const files = { certificate: join(folder, 'self-signed.crt'), key: join(folder, 'self-signed.key') }
  if (await isUsable(files, hosts, clock.now())) return files
  await mkdir(folder, { recursive: true })
  const { certificate, key } = await makeCertificate(hosts, clock.now())
  // Should the second write not come about, the pair does not match, and is made anew.
  await replace(files.key, key, 0o600)
  await replace(files.certificate, certificate, 0o644)
  return files
}

async function isUsable(files: CertificateFiles, hosts: readonly string[], now: number): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(files.certificate))
    if (!certificate.checkPrivateKey(createPrivateKey(await readFile(files.key)))) return false
    if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) - now < renewMs) return false
    return hosts.every((host) => certificate.checkHost(domainToASCII(host), { subject: 'never' }) !== undefined)
  } catch {
    // Absent or unreadable: either way there is none to go on with.
    return false
  }
}

async function replace(file: string, content: string, mode: number): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(fresh, content, { mode, flag: 'wx' })
  await rename(fresh, file)
}

/** A self-signed certificate and its key, both in PEM form. */
async function makeCertificate(hosts: readonly string[], now: number): Promise<{ certificate: string; key: string }> {
  // node-forge signs with RSA only, and takes seconds to find a key, which OpenSSL does at once.
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const { default: forge } = await import('node-forge')
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }) as string)
  // RFC 5280 §4.1.2.2: positive, so the first bit is 0, and at most 20 octets.
  certificate.serialNumber = '01' + randomBytes(15).toString('hex')
  certificate.validity.notBefore = new Date(now - dayMs)
  certificate.validity.notAfter = new Date(now + 730 * dayMs)
  const subject = [{ name: 'commonName', value: domainToASCII(hosts[0] ?? 'localhost').slice(0, 64) }]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { id: '2.5.29.17', critical: false, value: alternativeNames(forge.asn1, hosts) },
  ])
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create())
  return { certificate: forge.pki.certificateToPem(certificate), key }
}

/** The names of the hosts as DNS names, service names (RFC 4985) and XMPP addresses (RFC 6120 §13.7.1.2). */
function alternativeNames(der: typeof asn1, hosts: readonly string[]): asn1.Asn1 {
  const { Class, Type, create } = der
  const other = (oid: string, type: asn1.Type, value: string): asn1.Asn1 =>
    create(Class.CONTEXT_SPECIFIC, 0, true, [
      create(Class.UNIVERSAL, Type.OID, false, der.oidToDer(oid).getBytes()),
      create(Class.CONTEXT_SPECIFIC, 0, true, [create(Class.UNIVERSAL, type, false, value)]),
    ])
  const names = hosts.flatMap((host) => {
    const ascii = domainToASCII(host)
    return [
      create(Class.CONTEXT_SPECIFIC, 2, false, ascii),
      other('1.3.6.1.5.5.7.8.7', Type.IA5STRING, `_xmpp-client.${ascii}`),
      other('1.3.6.1.5.5.7.8.5', Type.UTF8, Buffer.from(host).toString('latin1')),
    ]
  })
  return create(Class.UNIVERSAL, Type.SEQUENCE, true, names)
}
