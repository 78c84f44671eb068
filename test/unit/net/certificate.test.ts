import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ensureCertificate } from '../../../src/net/certificate.ts'
import { TlsContexts } from '../../../src/net/tls-context.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { listeningLog, newFolder, tlsPair } from './tls-bed.ts'

const dayMs = 24 * 3600_000
const hosts = ['verona.lit', 'zürich.lit']

suite('the self-signed certificate', () => {
  test('is for all hosts, for two years, and nobody else reads its key', async (t) => {
    const folder = join(newFolder(t), 'certs')
    const clock = new FakeClock()
    const files = await ensureCertificate(folder, hosts, clock)
    const certificate = new X509Certificate(readFileSync(files.certificate))
    for (const name of ['verona.lit', 'xn--zrich-kva.lit'])
      assert.equal(certificate.checkHost(name, { subject: 'never' }), name)
    assert.equal(certificate.checkHost('mantua.lit'), undefined)
    assert.equal(Math.round((Date.parse(certificate.validTo) - clock.now()) / dayMs), 730)
    assert.ok(Date.parse(certificate.validFrom) <= clock.now())
    assert.equal(certificate.verify(certificate.publicKey), true)
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(statSync(files.key).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder).sort(), ['self-signed.crt', 'self-signed.key'])
  })

  test('names the XMPP services as OpenSSL reads them', async (t) => {
    // RFC 6120 §13.7.1.2, RFC 4985 §2
    const files = await ensureCertificate(newFolder(t), hosts, new FakeClock())
    const text = execFileSync('openssl', [
      'x509',
      '-in',
      files.certificate,
      '-noout',
      '-ext',
      'subjectAltName,keyUsage,extendedKeyUsage,basicConstraints',
    ])
    assert.match(String(text), /DNS:verona\.lit, .*SRV.*_xmpp-client\.verona\.lit.*Xmpp.*verona\.lit/i)
    assert.match(String(text), /_xmpp-client\.xn--zrich-kva\.lit/)
    assert.match(String(text), /TLS Web Server Authentication/)
  })

  test('is served', async (t) => {
    const files = await ensureCertificate(newFolder(t), hosts)
    const { log, lines } = listeningLog()
    const contexts = new TlsContexts({ default: files, hosts: new Map(), log })
    const options = { servername: 'verona.lit', ca: readFileSync(files.certificate), rejectUnauthorized: true }
    assert.equal((await tlsPair(t, contexts, options)).client.authorized, true)
    assert.deepEqual(lines, [])
  })

  test('is used again while it covers the hosts and lasts', async (t) => {
    const folder = newFolder(t)
    const clock = new FakeClock()
    const make = async (names: string[]): Promise<string> => {
      const files = await ensureCertificate(folder, names, clock)
      return new X509Certificate(readFileSync(files.certificate)).fingerprint256
    }
    const first = await make(hosts)
    assert.equal(await make(hosts), first)
    assert.equal(await make(['verona.lit']), first)
    clock.advance(699 * dayMs)
    assert.equal(await make(hosts), first)
    clock.advance(2 * dayMs)
    const second = await make(hosts)
    assert.notEqual(second, first)
    const third = await make([...hosts, 'mantua.lit'])
    assert.notEqual(third, second)
    assert.equal(await make(hosts), third)
  })

  test('is made anew when a file of it is gone or spoilt', async (t) => {
    const folder = newFolder(t)
    const clock = new FakeClock()
    const spoil: ((files: { certificate: string; key: string }) => void)[] = [
      ({ certificate }) => rmSync(certificate),
      ({ key }) => rmSync(key),
      ({ key }) => writeFileSync(key, 'nothing'),
    ]
    for (const work of spoil) {
      const files = await ensureCertificate(folder, hosts, clock)
      work(files)
      assert.deepEqual(await ensureCertificate(folder, hosts, clock), files)
      new TlsContexts({ default: files, hosts: new Map(), log: listeningLog().log, clock })
    }
  })
})
