import {
  announce,
  type Clock,
  CommandError,
  type CommandReply,
  type CommandRun,
  type Host,
  Jid,
  randomId,
  StanzaError,
  xml,
} from '#api'
import type { OfflineApi } from '../offline/hooks.ts'
import type { Greeting } from './greeting.ts'
import type { StandingTexts } from './standing-texts.ts'

/** Accounts looked at together. */
const PAGE = 200

/** What announcing works with. */
export interface AnnouncingParts {
  readonly host: Host
  readonly clock: Pick<Clock, 'now'>
  readonly texts: StandingTexts
  readonly greeting: Greeting
  /** Where messages wait for those who are offline. */
  readonly offline: OfflineApi | undefined
}

/** The work of the commands that tell people something, by name (XEP-0133 §4.23 to §4.28). */
export function announcingRuns(parts: AnnouncingParts): Record<string, CommandRun> {
  const { host, clock, texts, greeting } = parts
  const shown = (name: 'motd' | 'welcome', label: string) => async (): Promise<CommandReply> => {
    const lines = texts.get(name)?.text.split('\n') ?? []
    const fields = [{ var: name, type: 'text-multi' as const, label, values: lines }]
    return { lines: lines.length === 0 ? ['There is none.'] : lines, fields }
  }
  const tellNow = (text: string, setMs: number): string => {
    const reached = announce(host, 'Message of the day', text)
    const online = [...host.users()].filter((user) => user.available().next().done !== true)
    greeting.seenBy(
      online.map(({ jid }) => jid.local),
      { text, setMs },
    )
    return toldTo(reached)
  }
  return {
    'announce online': async ([, text]) => [toldTo(announce(host, 'Announcement', worded(text)))],
    'announce all': async ([, text]) => await announceToAll(parts, worded(text)),
    'motd set': async ([, given]) => {
      const text = worded(given)
      // One that is set within the same millisecond is another.
      const setMs = Math.max(clock.now(), (texts.get('motd')?.setMs ?? 0) + 1)
      await texts.set('motd', { text, setMs })
      return [`Set; ${tellNow(text, setMs)}`]
    },
    'motd edit': async ([, given]) => {
      const motd = texts.get('motd')
      if (motd === undefined) throw new CommandError('There is no message of the day; set one.', 'item-not-found')
      await texts.set('motd', { ...motd, text: worded(given) })
      return ['Corrected, for those who have not got it yet.']
    },
    'motd delete': async () => {
      await texts.delete('motd')
      return ['There is no message of the day any more.']
    },
    'motd show': shown('motd', 'Message of the Day'),
    'welcome set': async ([, given]) => {
      // Whoever came after the first of them is welcomed by the present one.
      await texts.set('welcome', { setMs: clock.now(), ...texts.get('welcome'), text: worded(given) })
      return ['Set, for those who come from now on.']
    },
    'welcome delete': async () => {
      await texts.delete('welcome')
      return ['There is no welcome any more.']
    },
    'welcome show': shown('welcome', 'Welcome Message'),
  }
}

/** Those who are online get a headline, the others a message when they are back. */
async function announceToAll({ host, offline }: AnnouncingParts, text: string): Promise<string[]> {
  const told = toldTo(announce(host, 'Announcement', text))
  if (offline === undefined) return [`${told} Nothing is kept for who is offline: that module is off.`]
  let kept = 0
  for (let after: string | undefined; ; ) {
    const page = await host.accounts.list(after, PAGE)
    const away = page.filter((local) => !isAvailable(host, local))
    const results = await Promise.all(away.map((local) => keepFor(host, offline, local, text)))
    kept += results.filter(Boolean).length
    if (page.length < PAGE) return [`${told} It waits for ${kept} who ${kept === 1 ? 'is' : 'are'} offline.`]
    after = page.at(-1)!
  }
}

function isAvailable(host: Host, local: string): boolean {
  const user = host.user(Jid.of(local, host.domain))
  return user !== undefined && user.available().next().done !== true
}

async function keepFor(host: Host, offline: OfflineApi, local: string, text: string): Promise<boolean> {
  const to = Jid.of(local, host.domain)
  const message = xml(
    'message',
    { from: host.domain, to: to.toString(), id: randomId() },
    xml('subject', null, 'Announcement'),
    xml('body', null, text),
  )
  try {
    return await offline.keep(to, message)
  } catch (error) {
    if (error instanceof StanzaError)
      throw new CommandError(`Not everybody was told: ${error.message}`, error.condition)
    throw error
  }
}

function worded(text: string | undefined): string {
  if (text === undefined || text.trim() === '') throw new CommandError('Say something.')
  return text
}

function toldTo(reached: number): string {
  return reached === 1 ? '1 client was told.' : `${reached} clients were told.`
}
