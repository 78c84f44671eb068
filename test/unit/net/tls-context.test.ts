import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type CertificateFiles, TlsContexts, TlsFileError } from '../../../src/net/tls-context.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { listeningLog, makeFiles, newFolder, rsa, tlsPair } from './tls-bed.ts'

const { log } = listeningLog()

function contextsOf(files: CertificateFiles, hosts: Record<string, CertificateFiles> = {}): TlsContexts {
  return new TlsContexts({ default: files, hosts: new Map(Object.entries(hosts)), log })
}

suite('TLS', () => {
  test('serves each domain its own certificate, and the default one else, on TLS 1.2 and 1.3', async (t) => {
    const folder = newFolder(t)
    const files = makeFiles(folder, 'verona.lit')
    const hosts = {
      'mantua.lit': makeFiles(folder, 'mantua.lit'),
      'zürich.lit': makeFiles(folder, 'xn--zrich-kva.lit'),
    }
    const contexts = contextsOf(files, hosts)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const served = async (servername: string): Promise<string | undefined> => {
        const versions = { minVersion: version, maxVersion: version }
        const { client } = await tlsPair(t, contexts, { ...versions, servername })
        // Asked a second time, the client's end has forgotten it.
        const certificate = client.getPeerX509Certificate()
        assert.equal(certificate?.raw.equals(contexts.certificateFor(servername).raw), true)
        return certificate?.subject
      }
      assert.equal(await served('mantua.lit'), 'CN=mantua.lit')
      assert.equal(await served('MANTUA.lit'), 'CN=mantua.lit')
      assert.equal(await served('xn--zrich-kva.lit'), 'CN=xn--zrich-kva.lit')
      assert.equal(await served('verona.lit'), 'CN=verona.lit')
      assert.equal(await served('padua.lit'), 'CN=verona.lit')
      assert.equal(await served(''), 'CN=verona.lit')
    }
  })

  test('agrees keys by the exchanges it is given, X25519 by default', async (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit')
    const used = async (keyExchange?: readonly string[]): Promise<unknown> => {
      const contexts = new TlsContexts({ default: files, hosts: new Map(), log, ...(keyExchange && { keyExchange }) })
      const { client } = await tlsPair(t, contexts)
      return (client.getEphemeralKeyInfo() as { name?: string }).name
    }
    assert.equal(await used(), 'X25519')
    assert.equal(await used(['P-384']), 'secp384r1')
  })

  test('serves the right domain though the types of keys differ', {
    skip: Number.parseInt(process.versions.node, 10) < 24,
  }, async (t) => {
    const folder = newFolder(t)
    const [ec, rs] = [makeFiles(folder, 'ec.lit'), makeFiles(folder, 'rsa.lit', ...rsa)]
    for (const files of [ec, rs]) {
      const contexts = contextsOf(files, { 'ec.lit': ec, 'rsa.lit': rs })
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
        for (const servername of ['ec.lit', 'rsa.lit']) {
          const { client } = await tlsPair(t, contexts, { minVersion: version, maxVersion: version, servername })
          assert.equal(client.getPeerX509Certificate()?.subject, `CN=${servername}`)
        }
    }
  })

  test('is 1.2 at least, with forward secrecy', async (t) => {
    // RFC 7590 §3.1, RFC 9325 §3.1.1, §4.2
    const contexts = contextsOf(makeFiles(newFolder(t), 'verona.lit', ...rsa))
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    await assert.rejects(tlsPair(t, contexts, old))
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256'])
      await assert.rejects(tlsPair(t, contexts, { maxVersion: 'TLSv1.2', ciphers }), ciphers)
    const { client } = await tlsPair(t, contexts, { maxVersion: 'TLSv1.2' })
    assert.match(client.getCipher().name, /^ECDHE-RSA-.*(GCM|CHACHA20)/)
  })

  test('answers to the name of its protocol, and to no other', async (t) => {
    // XEP-0368 §3
    const contexts = contextsOf(makeFiles(newFolder(t), 'verona.lit'))
    assert.equal(
      (await tlsPair(t, contexts, { ALPNProtocols: ['h2', 'xmpp-client'] })).client.alpnProtocol,
      'xmpp-client',
    )
    assert.equal((await tlsPair(t, contexts)).client.alpnProtocol, false)
    await assert.rejects(tlsPair(t, contexts, { ALPNProtocols: ['h2'] }))
  })

  test('is not negotiated again', async (t) => {
    // CVE-2021-32920
    const contexts = contextsOf(makeFiles(newFolder(t), 'verona.lit'))
    const { client } = await tlsPair(t, contexts, { maxVersion: 'TLSv1.2' })
    const error = await new Promise<Error | null>((resolve) => {
      client.once('error', resolve)
      client.renegotiate({ rejectUnauthorized: false }, resolve)
    })
    assert.equal((error as NodeJS.ErrnoException | null)?.code, 'ERR_SSL_NO_RENEGOTIATION')
  })

  test('resumes sessions by tickets, until their key is changed', async (t) => {
    const folder = newFolder(t)
    const mantua = makeFiles(folder, 'mantua.lit')
    const clock = new FakeClock(Date.now())
    for (const hosts of [new Map(), new Map([['mantua.lit', mantua]])])
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const contexts = new TlsContexts({ default: makeFiles(folder, 'verona.lit'), hosts, log, clock })
        const options = { minVersion: version, maxVersion: version, servername: 'mantua.lit' }
        const { client, server } = await tlsPair(t, contexts, options)
        const got = once(client, 'session')
        // RFC 8446 §4.6.1: tickets of TLS 1.3 come after the handshake.
        server.write('data')
        client.resume()
        const [session] = version === 'TLSv1.3' ? await got : [client.getSession()!]
        const resumes = async (): Promise<boolean> =>
          (await tlsPair(t, contexts, { ...options, session })).client.isSessionReused()
        assert.equal(await resumes(), true, version)
        // RFC 9325 §3.4: the key of the tickets is changed.
        clock.advance(24 * 3600_000)
        assert.equal(await resumes(), false, version)
      }
  })

  test('resumes no session in which another certificate was served', async (t) => {
    const folder = newFolder(t)
    const mantua = makeFiles(folder, 'mantua.lit')
    const contexts = contextsOf(makeFiles(folder, 'verona.lit'), { 'mantua.lit': mantua })
    const options = { maxVersion: 'TLSv1.2', servername: 'mantua.lit' } as const
    const session = (await tlsPair(t, contexts, options)).client.getSession()!
    contexts.reload()
    assert.equal((await tlsPair(t, contexts, { ...options, session })).client.isSessionReused(), true)
    const next = makeFiles(newFolder(t), 'mantua.lit')
    copyFileSync(next.certificate, mantua.certificate)
    copyFileSync(next.key, mantua.key)
    contexts.reload()
    assert.equal((await tlsPair(t, contexts, { ...options, session })).client.isSessionReused(), false)
  })
})

suite('certificates that are replaced', () => {
  const replace = (files: CertificateFiles, by: CertificateFiles): void => {
    copyFileSync(by.certificate, files.certificate)
    copyFileSync(by.key, files.key)
  }

  test('are served to new connections after a reload', async (t) => {
    const folder = newFolder(t)
    const [files, next] = [makeFiles(folder, 'verona.lit'), makeFiles(folder, 'next.lit')]
    const { log, lines } = listeningLog()
    const contexts = new TlsContexts({ default: files, hosts: new Map([['mantua.lit', files]]), log })
    const early = await tlsPair(t, contexts)
    replace(files, next)
    contexts.reload()
    for (const servername of ['', 'mantua.lit']) {
      const { client } = await tlsPair(t, contexts, { servername })
      assert.equal(client.getPeerX509Certificate()?.subject, 'CN=next.lit')
      assert.equal(contexts.certificateFor(servername).subject, 'CN=next.lit')
    }
    early.client.write('still there')
    const [data] = await new Promise<Buffer[]>((resolve) => early.server.once('data', (d) => resolve([d])))
    assert.equal(String(data), 'still there')
    assert.equal(lines.filter((line) => line.startsWith('info serving a new certificate')).length, 2)
  })

  test('are not made again when nothing changed', async (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit')
    const { log, lines } = listeningLog()
    const contexts = new TlsContexts({ default: files, hosts: new Map(), log })
    const before = contexts.context(undefined)
    contexts.reload()
    assert.equal(contexts.context(undefined), before)
    assert.deepEqual(lines, [])
  })

  test('stay when the new ones cannot be served, each for itself, and the log says why', async (t) => {
    const folder = newFolder(t)
    const [files, mantua] = [makeFiles(folder, 'verona.lit'), makeFiles(folder, 'mantua.lit')]
    const next = makeFiles(folder, 'next.lit')
    const { log, lines } = listeningLog()
    const contexts = new TlsContexts({ default: files, hosts: new Map([['mantua.lit', mantua]]), log })
    copyFileSync(next.key, files.key)
    replace(mantua, next)
    contexts.reload()
    assert.equal((await tlsPair(t, contexts)).client.getPeerX509Certificate()?.subject, 'CN=verona.lit')
    const { client } = await tlsPair(t, contexts, { servername: 'mantua.lit' })
    assert.equal(client.getPeerX509Certificate()?.subject, 'CN=next.lit')
    const errors = lines.filter((line) => line.startsWith('error'))
    assert.equal(errors.length, 1)
    assert.match(errors[0]!, /does not belong to the certificate.*old certificate is served on.*verona\.lit\.key/)
  })

  test('are noticed when watched for, once they have settled', async (t) => {
    const folder = newFolder(t)
    const [files, next] = [makeFiles(folder, 'verona.lit'), makeFiles(newFolder(t), 'next.lit')]
    const clock = new FakeClock()
    const noticed = Promise.withResolvers<void>()
    const after = clock.after.bind(clock)
    clock.after = (ms, fn) => {
      noticed.resolve()
      return after(ms, fn)
    }
    const contexts = new TlsContexts({ default: files, hosts: new Map(), log, clock })
    contexts.watch()
    t.after(() => contexts.close())
    replace(files, next)
    await noticed.promise
    assert.equal(contexts.certificateFor(undefined).subject, 'CN=verona.lit')
    clock.advance(500)
    assert.equal(contexts.certificateFor(undefined).subject, 'CN=next.lit')
  })
})

suite('certificates that cannot be served', () => {
  const fails = (file: string, cure: RegExp) => (error: unknown) =>
    error instanceof TlsFileError && error.file === file && error.message.startsWith(file) && cure.test(error.message)

  test('a file that is not there is named', (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit')
    const missing = join(newFolder(t), 'no.crt')
    assert.throws(() => contextsOf({ ...files, certificate: missing }), fails(missing, /ENOENT.*Correct the path/))
    assert.throws(() => contextsOf({ ...files, key: missing }), fails(missing, /key cannot be read/))
    assert.throws(() => contextsOf(files, { 'mantua.lit': { ...files, key: missing } }), fails(missing, /key/))
  })

  test('a key that belongs to another certificate is named, with the cure', (t) => {
    const folder = newFolder(t)
    const [files, other] = [makeFiles(folder, 'verona.lit'), makeFiles(folder, 'mantua.lit')]
    assert.throws(() => contextsOf({ ...files, key: other.key }), fails(other.key, /does not belong.*made together/))
  })

  test('files that are something else are named', (t) => {
    const folder = newFolder(t)
    const files = makeFiles(folder, 'verona.lit')
    const { certificate, key } = files
    assert.throws(() => contextsOf({ certificate: key, key }), fails(key, /not a certificate in PEM/))
    assert.throws(() => contextsOf({ certificate, key: certificate }), fails(certificate, /not a private key/))
  })

  test('one that has expired, expires soon or is for another domain is served, and warned of', (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit')
    const warnings = (days: number, domain = 'verona.lit'): string[] => {
      const { log, lines } = listeningLog()
      const clock = new FakeClock(Date.now() + days * 24 * 3600_000)
      new TlsContexts({ default: files, hosts: new Map([[domain, files]]), log, clock })
      return lines.map((line) => line.replace(` ${files.certificate}`, ''))
    }
    assert.deepEqual(warnings(0), [])
    assert.deepEqual(warnings(80), Array(2).fill('warn a certificate expires soon'))
    assert.deepEqual(warnings(91), Array(2).fill('warn a certificate has expired'))
    assert.deepEqual(warnings(0, 'mantua.lit'), ['warn a certificate is not for the domain it is served for'])
  })
})
