import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { askRunningServer, type ControlReply, ControlSocket, controlPath } from '../../../src/net/control-socket.ts'

type Run = (command: string, args: readonly string[]) => Promise<ControlReply>

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanUp.splice(0).reverse()) clean()
})

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stonechat-control-'))
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function open(folder: string, run: Run): Promise<ControlSocket> {
  const control = new ControlSocket(folder, run)
  await control.open()
  cleanUp.push(() => control.close())
  return control
}

const echo: Run = async (command, args) => ({ lines: [command, ...args] })

async function connect(folder: string): Promise<net.Socket> {
  const socket = net.connect(controlPath(folder))
  cleanUp.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** What the server answers to some bytes. */
async function answer(folder: string, bytes: string): Promise<string> {
  const socket = await connect(folder)
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

test('a command reaches the running server with its arguments, whatever is in them', async () => {
  const folder = dataFolder()
  await open(folder, echo)
  const args = ['juliet@verona.example', 'pass word\n"\u2028ß', '']
  assert.deepEqual(await askRunningServer(folder, 'user add', args), { lines: ['user add', ...args] })
})

test('where no server runs, or was killed, there is no answer', async () => {
  const folder = dataFolder()
  assert.equal(await askRunningServer(folder, 'user list', []), undefined)
  writeFileSync(controlPath(folder), '')
  assert.equal(await askRunningServer(folder, 'user list', []), undefined)
})

test('the socket is its owner’s alone, and is gone when it is closed', async () => {
  const folder = dataFolder()
  const control = await open(folder, echo)
  assert.equal(statSync(controlPath(folder)).mode & 0o777, 0o600)
  control.close()
  assert.deepEqual(readdirSync(folder), [])
  assert.equal(await askRunningServer(folder, 'user list', []), undefined)
})

test('a socket that a killed server left behind is replaced', async () => {
  const folder = dataFolder()
  writeFileSync(controlPath(folder), '')
  await open(folder, echo)
  assert.deepEqual(await askRunningServer(folder, 'x', []), { lines: ['x'] })
})

test('a data folder with a path too long for a socket has it elsewhere, the same for everybody', async () => {
  const folder = join(dataFolder(), 'x'.repeat(120))
  assert.ok(Buffer.byteLength(controlPath(folder)) <= 100)
  assert.equal(controlPath(folder), controlPath(`${folder}/`))
  assert.notEqual(controlPath(folder), controlPath(`${folder}y`))
  await open(folder, echo)
  assert.deepEqual(await askRunningServer(folder, 'x', []), { lines: ['x'] })
})

test('what is no command is told so', async () => {
  const folder = dataFolder()
  await open(folder, echo)
  for (const line of ['nonsense', '{}', '[]', 'null', '{"command":1,"args":[]}', '{"command":"x","args":[1]}'])
    assert.equal(await answer(folder, `${line}\n`), '{"error":"That is no command."}\n', line)
})

test('a request past the size limit is cut off', async () => {
  const folder = dataFolder()
  await open(folder, echo)
  assert.equal(await answer(folder, 'x'.repeat(70_000)), '')
})

test('who leaves before the answer harms nothing', async () => {
  const folder = dataFolder()
  const asked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const control = await open(folder, async (command) => {
    if (command === 'quick') return { lines: [] }
    asked.resolve()
    await release.promise
    return { lines: ['x'.repeat(1_000_000)] }
  })
  // One goes while it waits, one while the answer is being written.
  const [early, late] = [await connect(folder), await connect(folder)]
  early.write('{"command":"slow","args":[]}\n')
  late.write('{"command":"slow","args":[]}\n')
  await asked.promise
  early.destroy()
  await askRunningServer(folder, 'quick', [])
  late.once('readable', () => late.destroy())
  release.resolve()
  await once(late, 'close')
  for (let i = 0; i < 3; i++) assert.deepEqual(await askRunningServer(folder, 'quick', []), { lines: [] })
  control.close()
})

test('a server that goes while it answers is no answer', async () => {
  for (const half of ['', '{"lines":["a"']) {
    const folder = dataFolder()
    const server = net.createServer((socket) => socket.end(half))
    server.listen(controlPath(folder))
    await once(server, 'listening')
    cleanUp.push(() => server.close())
    await assert.rejects(askRunningServer(folder, 'user list', []), /the running server did not answer/)
  }
})

test('a closed control socket keeps nobody waiting', async () => {
  const folder = dataFolder()
  const asked = Promise.withResolvers<void>()
  const control = await open(folder, () => {
    asked.resolve()
    return new Promise(() => {})
  })
  const [idle, busy] = [await connect(folder), await connect(folder)]
  busy.write('{"command":"slow","args":[]}\n')
  await asked.promise
  const closed = [idle, busy].map((socket) => {
    socket.on('error', () => {})
    return new Promise((resolve) => socket.resume().once('close', resolve))
  })
  control.close()
  // Were they left open, the program could not end.
  await Promise.all(closed)
})
