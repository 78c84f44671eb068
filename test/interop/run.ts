import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { playGajim } from './gajim.ts'
import { loginTable } from './logins.ts'
import { run, start } from './process.ts'
import { playProfanity } from './profanity.ts'
import { appServer, component, startServer, type TestServer } from './server.ts'

// npm run test:clients: stock clients from Debian log in to a real server, find each other and talk.

/** Debian's own Python has its slixmpp. */
const PYTHON = '/usr/bin/python3'
const script = (name: string) => fileURLToPath(new URL(`slixmpp/${name}`, import.meta.url))

async function checkClients(): Promise<void> {
  const needed = [
    ['python3-slixmpp', PYTHON, '-c', 'import slixmpp; print("slixmpp", slixmpp.__version__)'],
    ['profanity', 'profanity', '--version'],
    ['tmux', 'tmux', '-V'],
    ['gajim', PYTHON, '-c', 'import gajim; print("Gajim", gajim.__version__)'],
    ['xvfb', '/bin/sh', '-c', 'command -v Xvfb'],
    ['dbus-daemon', 'dbus-daemon', '--version'],
    ['chromium', 'chromium', '--version'],
  ] as const
  const missing: string[] = []
  for (const [name, program, ...args] of needed) {
    const version = await run(program, args).catch(() => undefined)
    if (version === undefined) missing.push(name)
    else console.log(version.split('\n')[0])
  }
  if (missing.length > 0)
    throw new Error(`Clients are missing that this test plays with. On Debian: apt-get install ${missing.join(' ')}`)
}

/** Two people with slixmpp. */
async function playSlixmpp(server: TestServer): Promise<void> {
  await server.addUser('juliet@localhost', 'wherefore art thou')
  const args = ['-B', script('two_people.py'), String(server.port), String(server.tlsPort), server.certificate]
  const people = start(PYTHON, args, { input: 'wherefore art thou\n', show: true })
  const code = await people.ended(60_000)
  if (code !== 0) throw new Error(`two_people.py ended with ${code}.`)
}

/** A component with slixmpp, and somebody who talks with it. */
async function playComponent(server: TestServer): Promise<void> {
  const { domain, secret } = component
  await server.addUser('benvolio@localhost', 'good morrow')
  const args = [String(server.port), server.certificate, String(server.componentPort), domain, 'benvolio@localhost']
  const input = `${secret}\ngood morrow\n`
  const scene = start(PYTHON, ['-B', script('component.py'), ...args], { input, show: true })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`component.py ended with ${code}.`)
}

/** One account with two devices, of which an app server wakes one; both with slixmpp. */
async function playDevices(server: TestServer): Promise<void> {
  await server.addUser('paris@localhost', 'county')
  await server.addUser('nurse@localhost', 'lammas eve')
  const { domain, secret } = appServer
  const ports = [String(server.port), server.certificate, String(server.componentPort)]
  const args = ['-B', script('devices.py'), ...ports, domain, 'paris@localhost', 'nurse@localhost']
  const scene = start(PYTHON, args, { input: `${secret}\ncounty\nlammas eve\n`, show: true })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`devices.py ended with ${code}.`)
}

/** Two people in a room; both with slixmpp. */
async function playRoom(server: TestServer): Promise<void> {
  await server.addUser('capulet@localhost', 'more light')
  await server.addUser('guest@localhost', 'a torch for me')
  const args = ['-B', script('room.py'), String(server.port), server.certificate]
  const scene = start(PYTHON, [...args, 'capulet@localhost', 'guest@localhost'], {
    input: 'more light\na torch for me\n',
    show: true,
  })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`room.py ended with ${code}.`)
}

/** Two people who show each other pictures and moods, the old way and the new one; both with slixmpp. */
async function playProfile(server: TestServer): Promise<void> {
  await server.addUser('rosaline@localhost', 'ungratified')
  await server.addUser('lawrence@localhost', 'baleful weeds')
  const args = ['-B', script('profile.py'), String(server.port), server.certificate]
  const scene = start(PYTHON, [...args, 'rosaline@localhost', 'lawrence@localhost'], {
    input: 'ungratified\nbaleful weeds\n',
    show: true,
  })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`profile.py ended with ${code}.`)
}

/** Somebody who uploads a file, and somebody else who downloads it; both with slixmpp. */
async function playUpload(server: TestServer): Promise<void> {
  await server.addUser('portia@localhost', 'quality of mercy')
  await server.addUser('bassanio@localhost', 'leaden casket')
  const args = ['-B', script('upload.py'), String(server.port), server.certificate]
  const scene = start(PYTHON, [...args, 'portia@localhost', 'bassanio@localhost'], {
    input: 'quality of mercy\nleaden casket\n',
    show: true,
  })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`upload.py ended with ${code}.`)
}

/** One account with two devices whose bookmarks are one, and somebody who finds its keys; all with slixmpp. */
async function playKeys(server: TestServer): Promise<void> {
  await server.addUser('hermia@localhost', 'some true love')
  await server.addUser('helena@localhost', 'spaniel')
  const args = ['-B', script('keys.py'), String(server.port), server.certificate]
  const scene = start(PYTHON, [...args, 'hermia@localhost', 'helena@localhost'], {
    input: 'some true love\nspaniel\n',
    show: true,
  })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`keys.py ended with ${code}.`)
}

/** An admin who makes an account and announces something, and whoever has that account; both with slixmpp. */
async function playAdmin(server: TestServer): Promise<void> {
  await server.addUser('escalus@localhost', 'rebellious subjects')
  const args = ['-B', script('admin.py'), String(server.port), server.certificate]
  const scene = start(PYTHON, [...args, 'escalus@localhost', 'sampson@localhost'], {
    input: 'rebellious subjects\nbite my thumb\n',
    show: true,
  })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`admin.py ended with ${code}.`)
}

/** Every way to log in that clients have: slixmpp with each mechanism, xmpp.js by both roads, with tokens and resumption. */
async function playLogins(server: TestServer): Promise<void> {
  await server.addUser('friar@localhost', 'benedicite')
  await server.addUser('balthasar@localhost', 'post haste')
  const ports = [String(server.port), String(server.tlsPort)]
  const old = start(PYTHON, ['-B', script('logins.py'), ...ports, server.certificate], {
    input: 'benedicite\n',
    show: true,
  })
  const modern = start(process.execPath, [fileURLToPath(new URL('xmpp-js.ts', import.meta.url)), ...ports], {
    env: { NODE_EXTRA_CA_CERTS: server.certificate },
    show: true,
  })
  for (const scene of [old, modern]) {
    const code = await scene.ended(60_000)
    if (code !== 0) throw new Error(`A scene of logins ended with ${code}:\n${scene.said()}`)
  }
}

/** Clients over WebSocket, one of them in a browser, and one over TCP. */
async function playWebSocket(server: TestServer): Promise<void> {
  for (const name of ['viola', 'orsino', 'olivia', 'sebastian'])
    await server.addUser(`${name}@localhost`, 'if music be the food of love')
  const args = [
    fileURLToPath(new URL('websocket/scene.ts', import.meta.url)),
    String(server.port),
    String(server.webPort),
  ]
  const env = { NODE_EXTRA_CA_CERTS: server.certificate }
  const scene = start(process.execPath, args, { env, show: true })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`The scene of WebSocket ended with ${code}:\n${scene.said()}`)
}

/** Clients over BOSH, one of them in a browser, and one over TCP. */
async function playBosh(server: TestServer): Promise<void> {
  for (const name of ['rosalind', 'celia', 'orlando'])
    await server.addUser(`${name}@localhost`, 'sweet are the uses of adversity')
  const args = [fileURLToPath(new URL('bosh/scene.ts', import.meta.url)), String(server.port), String(server.webPort)]
  const env = { NODE_EXTRA_CA_CERTS: server.certificate }
  const scene = start(process.execPath, args, { env, show: true })
  const code = await scene.ended(60_000)
  if (code !== 0) throw new Error(`The scene of BOSH ended with ${code}:\n${scene.said()}`)
}

/** Two people with Profanity, and a slixmpp program that answers one of them. */
async function playMixed(server: TestServer, folder: string): Promise<void> {
  await server.addUser('echo@localhost', 'narcissus')
  const echo = start(PYTHON, ['-B', script('echo.py'), String(server.port), server.certificate], {
    input: 'narcissus\n',
  })
  await echo.says('ready')
  await playProfanity(server, folder, (scene) => console.log(`Profanity: ${scene}`))
  await echo.stop()
}

async function main(): Promise<void> {
  await checkClients()
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-clients-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const server = await startServer(join(folder, 'server'))
  try {
    await playSlixmpp(server)
    await playComponent(server)
    await playDevices(server)
    await playRoom(server)
    await playProfile(server)
    await playUpload(server)
    await playKeys(server)
    await playAdmin(server)
    await Promise.all([playMixed(server, folder), playGajim(server, folder, (scene) => console.log(`Gajim: ${scene}`))])
    await Promise.all([playLogins(server), playWebSocket(server), playBosh(server)])
    console.log(loginTable(server.process.said()).join('\n'))
    const code = await server.process.stop()
    if (code !== 0) throw new Error(`The server ended with ${code}.`)
    const complaints = server.complaints()
    if (complaints.length > 0) throw new Error(`The server complained:\n${complaints.join('\n')}`)
  } catch (error) {
    console.error(`The server said:\n${server.process.said()}`)
    throw error
  } finally {
    await server.process.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
try {
  await main()
  console.log('The clients get along with the server.')
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
