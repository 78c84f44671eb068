import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { BoshClient } from '../../../support/bosh-client.ts'
import { freePort } from '../../../support/free-port.ts'
import { PASSWORD } from '../../../support/sasl2.ts'
import { serve, stonechat, temporary } from '../../cli/program.ts'

test('A request whose connection is cut while it waits is answered when it comes again on another // XEP-0124 §14.3', async () => {
  const config = await temporary()
  const port = await freePort()
  const off = '{ port: 0 }'
  const listen = `{ http: { address: 127.0.0.1, port: ${port} }, https: ${off}, client: ${off}, clientTls: ${off} }`
  await writeFile(join(config, 'server.yaml'), `hosts: [localhost]\nlisten: ${listen}\n`)
  assert.equal((await stonechat(['user', 'add', 'romeo@localhost', '--config', config], `${PASSWORD}\n`)).code, 0)
  const server = await serve(config)
  const url = `http://127.0.0.1:${port}/http-bind`
  const [romeo, other] = [new BoshClient((init) => fetch(url, init)), new BoshClient((init) => fetch(url, init))]
  await Promise.all([romeo.logsIn('romeo'), other.logsIn('romeo')])

  const sends = (text: string) => {
    const request = http.request(url, { method: 'POST', agent: false })
    request.on('error', () => {}).end(text)
    return { request, isAnswered: once(request, 'response').then(([response]) => response.resume()) }
  }
  // It comes twice, so that one of the two is answered when the server has both.
  const said = romeo.request({}, `<message to='${other.jid}' type='chat'><body>Ciao</body></message>`)
  const two = [sends(said), sends(said)]
  const answered = await Promise.race(two.map(({ isAnswered }, index) => isAnswered.then(() => index)))
  const { request, isAnswered } = two[1 - answered]!
  request.destroy()
  await assert.rejects(isAnswered)
  assert.equal((await other.hears('message')).getChildText('body'), 'Ciao')
  const words = `<message to='${romeo.jid}' type='chat'><body>Addio</body></message>`
  const ping = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
  await other.asks(words + ping, 'iq')
  const { body, text } = await romeo.send(said)
  assert.equal(body.getChild('message', 'jabber:client')?.getChildText('body'), 'Addio', text)
  // And once more, should that have been lost as well; what it says was said once.
  assert.equal((await romeo.send(said)).text, text)
  const { body: nothing } = await other.post({}, ping)
  assert.deepEqual(
    nothing.getChildElements().map(({ name }) => name),
    ['iq'],
  )
  await Promise.all([romeo, other].map((one) => one.post({ type: 'terminate' })))
  assert.equal(await server.stop(), 0)
})
