import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Running, run, start, until } from './process.ts'

/** A tmux of our own, which nobody sees, with a socket in `folder`. */
export class Tmux {
  readonly #socket: string
  readonly #folder: string
  readonly #server: Running

  private constructor(folder: string, socket: string, server: Running) {
    this.#folder = folder
    this.#socket = socket
    this.#server = server
  }

  static async start(folder: string): Promise<Tmux> {
    const socket = join(folder, 'tmux')
    // -D: stays our child instead of becoming a daemon.
    const server = start('tmux', ['-D', '-S', socket, '-f', '/dev/null'], { env: { LANG: 'C.UTF-8', TERM: 'xterm' } })
    const tmux = new Tmux(folder, socket, server)
    await until(async () => (await tmux.command('show-options', '-s').catch(() => '')) !== '', 'tmux does not start')
    return tmux
  }

  async command(...args: string[]): Promise<string> {
    return await run('tmux', ['-u', '-S', this.#socket, ...args])
  }

  /** Starts Profanity in a terminal and a home folder of its own; a home that is there is used again. */
  async profanity(name: string): Promise<Terminal> {
    const home = join(this.#folder, `home-${name}`)
    await mkdir(home, { recursive: true })
    const env = ['-i', `PATH=${process.env['PATH']}`, `HOME=${home}`, 'LANG=C.UTF-8', 'TERM=screen-256color']
    await this.command(
      ...['new-session', '-d', '-s', name, '-x', '150', '-y', '50'],
      'env',
      ...env,
      'profanity',
      '-l',
      'DEBUG',
    )
    const terminal = new Terminal(this, name, join(home, '.local/share/profanity/logs/profanity.log'))
    await terminal.shows('Type /help for help')
    return terminal
  }

  async stop(): Promise<void> {
    await this.command('kill-server').catch(() => '')
    await this.#server.stop()
  }
}

/** A terminal with Profanity in it. */
export class Terminal {
  readonly #tmux: Tmux
  readonly #name: string
  readonly #log: string

  constructor(tmux: Tmux, name: string, log: string) {
    this.#tmux = tmux
    this.#name = name
    this.#log = log
  }

  /** Types a line and Enter. */
  async types(line: string): Promise<void> {
    await this.#tmux.command('send-keys', '-t', this.#name, '-l', '--', line)
    await this.#tmux.command('send-keys', '-t', this.#name, 'Enter')
  }

  /** Waits until something can be read on the screen. */
  async shows(wanted: string | RegExp): Promise<void> {
    let screen = ''
    const isThere = async () => {
      screen = await this.#tmux.command('capture-pane', '-p', '-J', '-t', this.#name)
      return typeof wanted === 'string' ? screen.includes(wanted) : wanted.test(screen)
    }
    await until(isThere, () => `${this.#name} does not see ${wanted}, but:\n${screen.replace(/\n{2,}/g, '\n')}`)
  }

  /** Quits Profanity and waits for its end. */
  async quits(): Promise<void> {
    await this.types('/quit')
    const isGone = async () =>
      (await this.#tmux.command('has-session', '-t', this.#name).catch(() => 'gone')) === 'gone'
    await until(isGone, `${this.#name} does not quit`)
  }

  /** The warnings and errors in Profanity's log, without their times, each once. */
  async complaints(): Promise<string[]> {
    const lines = (await readFile(this.#log, 'utf8')).split('\n')
    const complaints = lines.filter((line) => /: (prof|xmpp|conn|tls): (WRN|ERR):/.test(line))
    return [...new Set(complaints.map((line) => line.replace(/^\S+ /, '').replaceAll(/id: [^,]+, /g, '')))]
  }
}
