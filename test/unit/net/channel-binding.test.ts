import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { ChannelBindingType } from '../../../src/auth/mechanism.ts'
import { channelBinding, endPointHash } from '../../../src/net/channel-binding.ts'
import { TlsContexts } from '../../../src/net/tls-context.ts'
import { condition, context, login, plusOffered, ScramClient } from '../auth/sasl-bed.ts'
import { listeningLog, makeFiles, newFolder, rsa, tlsPair } from './tls-bed.ts'

const v12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const v13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
/** OpenSSL's SSL_OP_NO_EXTENDED_MASTER_SECRET, which Node does not name. */
const withoutExtendedMasterSecret = { ...v12, secureOptions: 1 }

/** What a client binds to, from its own end. */
const ofClient: Record<ChannelBindingType, (client: TLSSocket) => Buffer> = {
  'tls-exporter': (client) => client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
  'tls-unique': (client) => client.getFinished()!,
  'tls-server-end-point': (client) => createHash('sha256').update(client.getPeerX509Certificate()!.raw).digest(),
}

suite('channel binding', () => {
  const cases: [what: string, options: ConnectionOptions, types: ChannelBindingType[]][] = [
    ['TLS 1.3', v13, ['tls-exporter', 'tls-server-end-point']],
    ['TLS 1.2', v12, ['tls-exporter', 'tls-unique', 'tls-server-end-point']],
    // RFC 9266 §4.2
    ['TLS 1.2 without the extended master secret', withoutExtendedMasterSecret, ['tls-unique', 'tls-server-end-point']],
  ]
  for (const [what, options, types] of cases)
    test(`over ${what}: both ends know the same, and log in with it`, async (t) => {
      const files = makeFiles(newFolder(t), 'verona.lit')
      const contexts = new TlsContexts({ default: files, hosts: new Map(), log: listeningLog().log })
      const { server, client } = await tlsPair(t, contexts, options)
      const binding = channelBinding(server)
      assert.equal(binding.tlsVersion, client.getProtocol())
      assert.deepEqual([...binding.bindings.keys()], types)
      const ctx = await context({ binding, offered: plusOffered })
      for (const type of types) {
        const parts = { gs2: `p=${type},,`, bindingData: ofClient[type](client) }
        const step = await login('SCRAM-SHA-256-PLUS', ctx, new ScramClient(parts))
        assert.equal(step.kind, 'success', type)
      }
    })

  test('two connections have not the same keys, but the same certificate', async (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit')
    const contexts = new TlsContexts({ default: files, hosts: new Map(), log: listeningLog().log })
    const [one, other] = [await tlsPair(t, contexts, v12), await tlsPair(t, contexts, v12)]
    const ctx = await context({ binding: channelBinding(one.server), offered: plusOffered })
    for (const [type, expected] of [
      ['tls-exporter', 'not-authorized'],
      ['tls-unique', 'not-authorized'],
      ['tls-server-end-point', 'success'],
    ] as const) {
      const client = new ScramClient({ gs2: `p=${type},,`, bindingData: ofClient[type](other.client) })
      assert.equal(condition(await login('SCRAM-SHA-256-PLUS', ctx, client)), expected, type)
    }
  })

  test('the end point is the certificate that was served, also after it was replaced', async (t) => {
    const folder = newFolder(t)
    const mantua = makeFiles(folder, 'mantua.lit')
    const files = makeFiles(folder, 'verona.lit')
    const contexts = new TlsContexts({
      default: files,
      hosts: new Map([['mantua.lit', mantua]]),
      log: listeningLog().log,
    })
    for (const version of [v12, v13]) {
      const { server, client } = await tlsPair(t, contexts, { ...version, servername: 'mantua.lit' })
      makeFiles(folder, 'mantua.lit')
      contexts.reload()
      const data = channelBinding(server).bindings.get('tls-server-end-point')!()
      assert.deepEqual(data, ofClient['tls-server-end-point'](client))
    }
  })
})

suite('the hash of tls-server-end-point', () => {
  const pss = (hash: string): string[] => [
    ...['-newkey', 'rsa:2048', `-${hash}`, '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'],
  ]
  const p384 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']
  // RFC 5929 §4.1
  const cases: [what: string, kind: string[], hash: string | undefined][] = [
    ['RSA with SHA-256', [...rsa, '-sha256'], 'sha256'],
    ['RSA with SHA-384', [...rsa, '-sha384'], 'sha384'],
    ['RSA with SHA-512', [...rsa, '-sha512'], 'sha512'],
    ['RSA with SHA-1', [...rsa, '-sha1'], 'sha256'],
    ['RSA with MD5', [...rsa, '-md5'], 'sha256'],
    ['RSA-PSS with SHA-256', pss('sha256'), 'sha256'],
    ['RSA-PSS with SHA-512', pss('sha512'), 'sha512'],
    ['RSA-PSS with SHA-1', pss('sha1'), 'sha256'],
    ['ECDSA with SHA-256', [...p384, '-sha256'], 'sha256'],
    ['ECDSA with SHA-384', [...p384, '-sha384'], 'sha384'],
    ['Ed25519, which has none', ['-newkey', 'ed25519'], undefined],
  ]
  for (const [what, kind, hash] of cases)
    test(what, (t) => {
      const { certificate } = makeFiles(newFolder(t), 'verona.lit', ...kind)
      assert.equal(endPointHash(new X509Certificate(readFileSync(certificate))), hash)
    })

  test('is not offered where it is undefined', async (t) => {
    const files = makeFiles(newFolder(t), 'verona.lit', '-newkey', 'ed25519')
    const contexts = new TlsContexts({ default: files, hosts: new Map(), log: listeningLog().log })
    const { server } = await tlsPair(t, contexts, v13)
    assert.deepEqual([...channelBinding(server).bindings.keys()], ['tls-exporter'])
  })
})
