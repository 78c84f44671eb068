import { createPrivateKey, generateKeyPair, randomBytes, sign, X509Certificate } from 'node:crypto'
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

/**
 * A self-signed certificate and its key, both in PEM form: ECDSA with P-256, which costs a handshake less than RSA.
 * node-forge knows no other keys than RSA, so it writes the DER here, and OpenSSL signs.
 */
async function makeCertificate(hosts: readonly string[], now: number): Promise<{ certificate: string; key: string }> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const { asn1: der } = (await import('node-forge')).default
  const { Class, Type, create } = der
  const { sequence, oid, octets, time } = writers(der)
  const commonName = domainToASCII(hosts[0] ?? 'localhost').slice(0, 64)
  const name = sequence(
    create(Class.UNIVERSAL, Type.SET, true, [
      sequence(oid('2.5.4.3'), create(Class.UNIVERSAL, Type.UTF8, false, commonName)),
    ]),
  )
  // RFC 5758 §3.2: ecdsa-with-SHA256, without parameters.
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const yes = create(Class.UNIVERSAL, Type.BOOLEAN, false, '\xff')
  const tbs = sequence(
    create(Class.CONTEXT_SPECIFIC, 0, true, [create(Class.UNIVERSAL, Type.INTEGER, false, '\x02')]),
    // RFC 5280 §4.1.2.2: positive, so the first bit is 0, and at most 20 octets.
    create(Class.UNIVERSAL, Type.INTEGER, false, `\x01${randomBytes(15).toString('latin1')}`),
    algorithm,
    name,
    sequence(time(now - dayMs), time(now + 730 * dayMs)),
    name,
    der.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1')),
    create(Class.CONTEXT_SPECIFIC, 3, true, [
      sequence(
        sequence(oid('2.5.29.19'), yes, octets(sequence())),
        // RFC 5280 §4.2.1.3: digitalSignature, the first bit; seven bits of the octet are not used.
        sequence(oid('2.5.29.15'), yes, octets(create(Class.UNIVERSAL, Type.BITSTRING, false, '\x07\x80'))),
        sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.1')))),
        sequence(oid('2.5.29.17'), octets(alternativeNames(der, hosts))),
      ),
    ]),
  )
  const signed = Buffer.from(der.toDer(tbs).getBytes(), 'latin1')
  const signature = sign('sha256', signed, privateKey).toString('latin1')
  const whole = sequence(tbs, algorithm, create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${signature}`))
  return {
    certificate: new X509Certificate(Buffer.from(der.toDer(whole).getBytes(), 'latin1')).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

/** What of DER a certificate takes more than once. */
function writers(der: typeof asn1) {
  const { Class, Type, create } = der
  return {
    sequence: (...parts: asn1.Asn1[]) => create(Class.UNIVERSAL, Type.SEQUENCE, true, parts),
    oid: (dotted: string) => create(Class.UNIVERSAL, Type.OID, false, der.oidToDer(dotted).getBytes()),
    octets: (content: asn1.Asn1) => create(Class.UNIVERSAL, Type.OCTETSTRING, false, der.toDer(content).getBytes()),
    // RFC 5280 §4.1.2.5: from 2050 on the year has four digits.
    time: (ms: number) => {
      const date = new Date(ms)
      return date.getUTCFullYear() < 2050
        ? create(Class.UNIVERSAL, Type.UTCTIME, false, der.dateToUtcTime(date))
        : create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, der.dateToGeneralizedTime(date))
    },
  }
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
