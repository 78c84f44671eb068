import type { HostsByDomain } from './account-finder.ts'
import { type CommandArgument, CommandError, type CommandSpec } from './module/command.ts'
import { announce } from './session/announcement.ts'
import type { Cancel, Clock } from './util/clock.ts'

/** What is to become of the program. */
export type Ending = 'restart' | 'shutdown'

/** Whoever runs the server, and so can stop it. */
export interface Runner {
  /** Rejects with `CommandError` when a server could not be started again. */
  mayRestart(): Promise<void>
  end(ending: Ending): void
}

/** So much later at least, in ms: whoever asked is to hear that it was done. */
const LEAST_DELAY_MS = 500
const MAX_DELAY_S = 86_400

/** The end of a server that a command has called for, which comes after a while and can be called off. */
export class Stopping {
  /** Set while the server runs in a process of its own. */
  runner: Runner | undefined
  readonly #clock: Clock
  #cancel: Cancel | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the server after `delayMs`, instead of what was called for before. @throws CommandError when there is none that runs. */
  async request(ending: Ending, delayMs: number): Promise<void> {
    const { runner } = this
    if (runner === undefined) throw new CommandError('No server is running.', 'service-unavailable')
    if (ending === 'restart') await runner.mayRestart()
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(delayMs, LEAST_DELAY_MS), () => runner.end(ending))
  }

  /** False when nothing was called for. */
  cancel(): boolean {
    const wasCalledFor = this.#cancel !== undefined
    this.#cancel?.()
    this.#cancel = undefined
    return wasCalledFor
  }
}

const inSeconds = ['30', '60', '90', '120', '180', '240', '300']
const inWords = ['30 seconds', '60 seconds', '90 seconds', '2 minutes', '3 minutes', '4 minutes', '5 minutes']

const delay = (before: string): CommandArgument => ({
  name: 'delay?',
  summary: `How many seconds to wait, 0 unless told.`,
  field: 'delay',
  label: `Time delay before ${before}`,
  choices: inSeconds.map((value, place) => ({ value, label: inWords[place]! })),
  proposed: '30',
})
const announcement: CommandArgument = {
  name: 'announcement?',
  summary: 'What everybody who is online is told, in quotes.',
  kind: 'lines',
  field: 'announcement',
  label: 'Announcement',
}

/** The commands that end a server, or start it anew (XEP-0133 §4.30, §4.31). */
export function stopCommands(hosts: HostsByDomain, stopping: Stopping | undefined): CommandSpec[] {
  const end = (ending: Ending) => async (args: readonly string[]) => {
    const [seconds = '0', text] = args
    if (!/^\d{1,6}$/.test(seconds) || Number(seconds) > MAX_DELAY_S)
      throw new CommandError(`${seconds} is not a number of seconds up to ${MAX_DELAY_S}.`)
    await stopping!.request(ending, Number(seconds) * 1000)
    const subject = ending === 'restart' ? 'The server is going to be restarted' : 'The server is going to be shut down'
    if (text !== undefined) for (const host of hosts.values()) announce(host, subject, text)
    const what = ending === 'restart' ? 'The server restarts' : 'The server shuts down'
    return [seconds === '0' ? `${what} now.` : `${what} in ${seconds} seconds, unless you call it off.`]
  }
  const form = (node: string, name: string, title: string, to: string) => ({
    node: `http://jabber.org/protocol/admin#${node}`,
    name,
    title,
    instructions: `Fill out this form to ${to} the service.`,
  })
  return [
    {
      name: 'server restart',
      summary: 'Stops the server in order, reads its configuration anew and starts it again.',
      args: [delay('restarting'), announcement],
      forms: [form('restart', 'Restart Service', 'Restarting the Service', 'restart')],
      run: end('restart'),
    },
    {
      name: 'server shutdown',
      summary: 'Stops the server in order.',
      args: [delay('shutting down'), announcement],
      forms: [form('shutdown', 'Shut Down Service', 'Shutting Down the Service', 'shut down')],
      run: end('shutdown'),
    },
    {
      name: 'server stay',
      summary: 'Calls off a restart or shutdown that is to come.',
      run: async () => [stopping!.cancel() ? 'The server stays.' : 'Nothing was going to end it.'],
    },
  ]
}
