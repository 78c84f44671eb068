import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ServerProcess, stonechat } from '../../durability/server.ts'
import { Client } from '../../support/client.ts'
import { overSocket } from '../../support/transport.ts'

const NS = 'urn:xmpp:http:upload:0'
const MEBIBYTE = 1_048_576
const noLimits = { quota: 'off', files: 'off', openSlots: 'off', perMinute: 'off' }

/** A file that somebody sends. */
interface Upload {
  readonly path: string
  readonly token: string
  readonly content: Buffer<ArrayBuffer>
  status: number | 'unanswered'
}

async function login({ target: { port, domain, password } }: ServerProcess, local: string): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const transport = overSocket(socket)
  const client = new Client(transport)
  await client.logsIn(local, domain, password)
  return client
}

async function ask(server: ServerProcess, { path, token }: Upload, init: RequestInit = {}): Promise<Response> {
  const headers = init.method === 'PUT' ? { authorization: token } : {}
  return await fetch(`http://127.0.0.1:${server.webPort}${path}`, { ...init, headers })
}

/** Sends one file after the other until the server is gone. */
async function sendAll(server: ServerProcess, client: Client, uploads: Upload[]): Promise<void> {
  for (let n = 0; !client.ended; n++) {
    const content = Buffer.alloc(n % 3 === 0 ? 1000 + n : 4 * MEBIBYTE + n, `${client.jid} ${n}, `)
    try {
      const iq =
        await client.asks`<iq type='get' to='upload.localhost'><request xmlns='${NS}' filename='${String(n)}' size='${String(content.length)}'/></iq>`
      const put = iq.getChild('slot', NS)!.getChild('put')!
      const path = new URL(put.attrs['url']!).pathname
      const upload: Upload = { path, token: put.getChildText('header')!, content, status: 'unanswered' }
      uploads.push(upload)
      upload.status = (await ask(server, upload, { method: 'PUT', body: content })).status
    } catch {
      // It was killed.
      return
    }
  }
}

test('what is there of a file after kill -9 is all of it, and all that was answered is there', {
  timeout: 60_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'stonechat-uploads-'))
  const folder = join(data, 'upload/localhost')
  const options = { accounts: 3, data, modules: { upload: { limits: noLimits } }, web: true }
  const server = await ServerProcess.start(stonechat, options)
  try {
    const uploads: Upload[] = []
    for (let round = 0; round < 2; round++) {
      const clients = await Promise.all(['user0', 'user1', 'user2'].map((local) => login(server, local)))
      const sent = clients.map((client) => sendAll(server, client, uploads))
      await pause(500)
      await server.end('SIGKILL')
      await Promise.all(sent)
      await server.startAgain()
      assert.deepEqual(await readdir(join(folder, 'incoming')), [], 'what was left is removed')
    }
    const count = (status: Upload['status']) => uploads.filter((one) => one.status === status).length
    assert.ok(count(201) > 0, 'nothing was sent')
    assert.ok(count('unanswered') > 0, 'nothing was being sent')
    assert.equal(count(201) + count('unanswered'), uploads.length)
    for (const upload of uploads) {
      const got = await ask(server, upload)
      const content = Buffer.from(await got.arrayBuffer())
      if (upload.status === 201 || got.status !== 404) assert.equal(got.status, 200)
      if (got.status === 200) assert.ok(content.equals(upload.content), 'it is not what was sent')
      else {
        // The slot is as good as it was.
        assert.equal((await ask(server, upload, { method: 'PUT', body: upload.content })).status, 201)
        assert.ok(Buffer.from(await (await ask(server, upload)).arrayBuffer()).equals(upload.content))
      }
    }
    assert.equal(await server.end('SIGTERM'), 0)
  } finally {
    await server.remove()
    await rm(data, { recursive: true })
  }
})
