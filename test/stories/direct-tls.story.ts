import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import tls from 'node:tls'
import { openPlainBed } from '../support/bed.ts'
import { Client } from '../support/client.ts'
import type { Transport } from '../support/transport.ts'

// XEP-0368 §3, XEP-0440 §3: TLS comes first, by ALPN, with STARTTLS no more; then a client learns how it can be bound to its login.
test('On the port for direct TLS a client is secure at once, and told what a login can be bound to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-direct-'))
  const bed = await openPlainBed({}, folder)
  try {
    const port = await bed.server.listenOn('127.0.0.1', 0, bed.tls, true)
    const options = { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false }
    const socket = tls.connect({ ...options, ALPNProtocols: ['xmpp-client'] })
    await once(socket, 'secureConnect')
    assert.equal(socket.alpnProtocol, 'xmpp-client')
    const transport: Transport = {
      onText() {},
      onClose() {},
      send: (text) => void socket.write(text),
      cut: () => socket.destroy(),
    }
    const client = new Client(transport)
    socket.setEncoding('utf8').on('data', (text: string) => transport.onText(text))
    socket.on('close', () => transport.onClose())
    const features = await client.opens('localhost')
    assert.equal(features.getChild('starttls'), undefined)
    const mechanisms = features
      .getChild('mechanisms')!
      .getChildren('mechanism')
      .map((one) => one.getText())
    assert.ok(mechanisms.includes('SCRAM-SHA-256-PLUS'), mechanisms.join())
    const bindings = features.getChild('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')!.getChildren('channel-binding')
    assert.deepEqual(
      bindings.map(({ attrs }) => attrs['type']),
      ['tls-exporter', 'tls-server-end-point'],
    )
    socket.destroy()
  } finally {
    await bed.close()
    await rm(folder, { recursive: true })
  }
})
