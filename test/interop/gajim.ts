import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, run, start, until } from './process.ts'
import type { TestServer } from './server.ts'

const PYTHON = '/usr/bin/python3'
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const ABRAHAM = { address: 'abraham@localhost', password: 'bite my thumb' }
const MONTAGUE = { address: 'montague@localhost', password: 'ancient quarrel' }
const ROOM = 'street@conference.localhost'
/** Of the disc in the picture that `street.py` shows. */
const RED = 'c01020'

/**
 * Montague has Gajim: it shows Abraham's picture and is in a room that another device has bookmarked, also after a restart.
 * Pictures of the screen stay where `SCREENSHOTS` says.
 */
export async function playGajim(server: TestServer, folder: string, say: (scene: string) => void): Promise<void> {
  for (const { address, password } of [ABRAHAM, MONTAGUE]) await server.addUser(address, password)
  const args = ['-B', script('slixmpp/street.py'), String(server.port), server.certificate]
  const friend = start(PYTHON, [...args, ABRAHAM.address, MONTAGUE.address], {
    input: `${ABRAHAM.password}\n${MONTAGUE.password}\n`,
    show: true,
  })
  const screen = await Screen.start(join(folder, 'gajim'), server)
  try {
    await friend.says('picture')
    const picture = /^picture (\w{40})$/m.exec(friend.said())![1]!
    say('it logs in over STARTTLS and enters a bookmarked room')
    const gajim = await screen.gajim(server.port, 'START TLS')
    await friend.says('is in the room')
    await gajim.knows('Do you bite your thumb at us, sir?')
    say('it shows a friend’s picture')
    await gajim.fetches(picture)
    await gajim.does('win.add-chat', 'account=montague', `jid=${ABRAHAM.address}`, 'type=contact', 'select=true')
    await screen.shows('picture', RED)
    say('it writes to the room and hears the answer')
    await gajim.opens(`xmpp:${ROOM}?message;body=Who set this ancient quarrel new abroach%3F`)
    await gajim.does('win.send-message')
    await friend.says('answered')
    await gajim.knows('Here were the servants of your adversary.')
    await screen.rests('room')
    await gajim.quits()
    await friend.says('alone')
    say('it is started again, logs in over direct TLS, and is in the room, where it sees what it has missed')
    const again = await screen.gajim(server.tlsPort, 'DIRECT TLS')
    await friend.says('is in the room again')
    await again.knows('Part, fools!')
    await again.opens(`xmpp:${ROOM}?join`)
    await screen.rests('restarted')
    await screen.shows('restarted', RED)
    await friend.says('both')
    say('it shows the bookmark, and forgets it')
    await again.opens('--start-chat')
    await screen.rests('bookmarks')
    await again.does('app.forget-groupchat', 'account=montague', `jid=${ROOM}`)
    await again.quits()
    const code = await friend.ended(20_000)
    if (code !== 0) throw new Error(`street.py ended with ${code}.`)
  } finally {
    await screen.stop()
    await friend.stop()
  }
}

/** A screen and a D-Bus that nobody sees. */
class Screen {
  readonly #folder: string
  readonly #server: TestServer
  readonly #services: readonly Running[]
  readonly #env: Record<string, string>

  private constructor(folder: string, server: TestServer, services: readonly Running[], display: string) {
    this.#folder = folder
    this.#server = server
    this.#services = services
    this.#env = {
      HOME: folder,
      XDG_RUNTIME_DIR: folder,
      XDG_CONFIG_HOME: folder,
      DISPLAY: `:${display}`,
      GDK_BACKEND: 'x11',
      DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus`,
      LANG: 'C.UTF-8',
      // What would start more programs than one.
      NO_AT_BRIDGE: '1',
      GIO_USE_VFS: 'local',
      GSETTINGS_BACKEND: 'memory',
    }
  }

  static async start(folder: string, server: TestServer): Promise<Screen> {
    // A picture of the screen has nothing that blinks or moves.
    await mkdir(join(folder, 'gtk-3.0'), { recursive: true })
    const still = '[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n'
    await writeFile(join(folder, 'gtk-3.0/settings.ini'), still)
    await chmod(folder, 0o700)
    const size = ['-screen', '0', '1000x700x24']
    const x = start('Xvfb', ['-displayfd', '1', ...size, '-nolisten', 'tcp'])
    const bus = start('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=unix:path=${folder}/bus`])
    await Promise.all([x.says('\n'), bus.says(`${folder}/bus`)])
    return new Screen(folder, server, [bus, x], /^\d+$/m.exec(x.said())![0])
  }

  /** Starts Gajim, with what it has kept from the last time. */
  async gajim(port: number, tls: string): Promise<Gajim> {
    const args = ['-B', script('gajim/start.py'), join(this.#folder, 'profile'), MONTAGUE.address, String(port)]
    const profile = [...args, this.#server.certificate, tls]
    const options = { env: this.#env, input: `${MONTAGUE.password}\n` }
    return new Gajim(this, join(this.#folder, 'profile'), start(PYTHON, profile, options), (uri) =>
      this.#run([...profile, uri]),
    )
  }

  async screen(...args: string[]): Promise<string> {
    return await this.#run(['-B', script('gajim/screen.py'), ...args])
  }

  /** Waits until something of a colour can be seen, and keeps the picture. */
  async shows(name: string, colour: string): Promise<void> {
    const file = join(this.#folder, `${name}.png`)
    const isThere = async () => Number(await this.screen('look', file, colour)) > MUCH
    await until(isThere, `nothing on the screen is ${colour}`)
    await this.#keep(file, name)
  }

  /** Waits until nothing changes any more, and keeps the picture. */
  async rests(name: string): Promise<void> {
    const file = join(this.#folder, `${name}.png`)
    let before = ''
    const isStill = async () => {
      const last = before
      await this.screen('look', file)
      before = await readFile(file, 'base64')
      return before === last
    }
    await until(isStill, 'the screen does not come to rest')
    await this.#keep(file, name)
  }

  async stop(): Promise<void> {
    for (const service of this.#services) await service.stop()
  }

  async #keep(file: string, name: string): Promise<void> {
    const folder = process.env['SCREENSHOTS']
    if (folder !== undefined) await copyFile(file, join(folder, `gajim-${name}.png`))
  }

  async #run(args: readonly string[]): Promise<string> {
    return await run(PYTHON, args, '', this.#env)
  }
}

/** How many pixels are more than chance: a tenth of a small picture. */
const MUCH = 100

/** A Gajim that runs. */
class Gajim {
  readonly #screen: Screen
  readonly #profile: string
  readonly #process: Running
  readonly #open: (uri: string) => Promise<string>

  constructor(screen: Screen, profile: string, process: Running, open: (uri: string) => Promise<string>) {
    this.#screen = screen
    this.#profile = profile
    this.#process = process
    this.#open = open
  }

  /** Opens a URI, as a click on it in a browser does, or does what an option says. */
  async opens(uri: string): Promise<void> {
    await this.#open(uri)
  }

  async does(action: string, ...parameters: string[]): Promise<void> {
    await this.#screen.screen('do', action, ...parameters)
  }

  /** Waits until its own history has a message. */
  async knows(text: string): Promise<void> {
    const query =
      'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select message from logs").fetchall())'
    const has = async () => (await run(PYTHON, ['-c', query, join(this.#profile, 'logs.db')])).includes(text)
    await until(has, () => `Gajim does not know “${text}”:\n${this.#process.said()}`)
  }

  /** Waits until it has a picture, which it names by its hash. */
  async fetches(hash: string): Promise<void> {
    const has = async () => (await readdir(join(this.#profile, 'avatars'))).includes(hash)
    await until(has, () => `Gajim has not fetched the picture:\n${this.#process.said()}`)
  }

  async quits(): Promise<void> {
    await this.does('app.quit')
    const code = await this.#process.ended(20_000)
    if (code !== 0) throw new Error(`Gajim ended with ${code}:\n${this.#process.said()}`)
    const crash = /^Traceback[\s\S]*?^\S*(?:Error|Exception).*$/m.exec(this.#process.said())
    if (crash !== null) throw new Error(`Gajim has crashed:\n${crash[0]}`)
  }
}
