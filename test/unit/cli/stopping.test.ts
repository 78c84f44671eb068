import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../support/free-port.ts'
import { serve, temporary } from './program.ts'

test('a server that is being stopped says that it is not ready, to whoever still has a connection', async () => {
  const config = await temporary()
  const [client, web] = [await freePort(), await freePort()]
  const at = (port: number) => `{ address: 127.0.0.1, port: ${port} }`
  const listen = `{ client: ${at(client)}, clientTls: ${at(0)}, http: ${at(web)}, https: ${at(0)} }`
  await writeFile(join(config, 'server.yaml'), `hosts: [localhost]\nlisten: ${listen}\n`)
  const server = await serve(config)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ready = async () => {
    const request = http.get({ agent, port: web, host: '127.0.0.1', path: '/readyz' })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    let body = ''
    for await (const chunk of answer.setEncoding('utf8')) body += chunk
    return { status: answer.statusCode, ...JSON.parse(body) }
  }
  assert.deepEqual(await ready(), { status: 200, ready: true })
  // Somebody who takes leave slowly.
  const slow = net.connect(client, '127.0.0.1').setEncoding('utf8')
  let heard = ''
  slow.on('data', (text) => {
    heard += text
  })
  const hears = async (end: string) => {
    while (!heard.endsWith(end)) await once(slow, 'data')
  }
  const streams = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
  slow.write(`<stream:stream ${streams} to='localhost' version='1.0'>`)
  await hears('</stream:features>')
  const stopped = server.stop()
  await hears('</stream:stream>')
  assert.deepEqual(await ready(), { status: 503, ready: false, problems: ['The server is being stopped.'] })
  slow.destroy()
  assert.equal(await stopped, 0)
  agent.destroy()
})
