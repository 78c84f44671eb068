import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { ScramClient } from '../unit/auth/sasl-bed.ts'
import { Client } from './client.ts'
import { overSocket } from './transport.ts'

/** How somebody logs in. */
export interface BoundLogin {
  readonly port: number
  /** Whether TLS comes first, or after STARTTLS. */
  readonly direct: boolean
  readonly local: string
  readonly password: string
  /** The address of this end; the system's choice unless given. */
  readonly from?: string
}

/**
 * Logs in with SCRAM-SHA-256-PLUS, bound to the TLS channel (RFC 9266), and binds a resource: what nobody in between who ends
 * the TLS can pass on.
 */
export async function logsInBound({ port, direct, local, password, from }: BoundLogin): Promise<Client> {
  const plain = net.connect({ port, host: '127.0.0.1', ...(from !== undefined && { localAddress: from }) })
  await once(plain, 'connect')
  if (!direct) await asksForTls(plain)
  const socket = tls.connect({ socket: plain, servername: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const transport = overSocket(socket, plain)
  const client = new Client(transport)
  await client.opens('localhost')
  const bindingData = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const scram = new ScramClient({ user: local, password, gs2: 'p=tls-exporter,,', bindingData })
  client.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256-PLUS'>${scram.first().toString('base64')}</auth>`,
  )
  const challenge = await client.next()
  assert.equal(challenge.name, 'challenge', String(challenge))
  const final = scram.final({ kind: 'challenge', data: Buffer.from(challenge.getText(), 'base64') })
  client.send(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${final.toString('base64')}</response>`)
  const success = await client.next()
  assert.equal(success.name, 'success', String(success))
  await client.opens('localhost')
  await client.binds()
  return client
}

async function asksForTls(plain: net.Socket): Promise<void> {
  plain.write(
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
  )
  for (let heard = ''; !heard.includes('<proceed'); ) heard += String((await once(plain, 'data'))[0])
}
