import { type Clock, type CommandDeclaration, CommandError } from '#api'
import { inWords, type Outage, readOutage, translated } from './outage.ts'
import type { OutageStatus } from './status.ts'

const domain = { name: 'domain', summary: 'The domain that it is about.', kind: 'host' } as const
const message = { name: 'message', summary: 'What people are told of it, in quotes.', kind: 'lines' } as const

/** What an admin can do about outages. */
export const outageCommands: readonly CommandDeclaration[] = [
  {
    name: 'outage announce',
    summary: 'Announces an outage, instead of any announced before.',
    args: [
      domain,
      {
        name: 'kind',
        summary: '"planned" or "ongoing".',
        choices: [
          { value: 'planned', label: 'Planned' },
          { value: 'ongoing', label: 'Ongoing' },
        ],
        proposed: 'planned',
      },
      { name: 'beginning', summary: '"now", a time such as 2027-01-31T22:00Z, or a span from now on such as 2h.' },
      { name: 'end', summary: 'A time, a span from the beginning on, or "unknown".', proposed: 'unknown' },
      message,
    ],
  },
  {
    name: 'outage translate',
    summary: 'Says what is announced in one more language.',
    args: [domain, { name: 'language', summary: 'Such as de or pt-BR.' }, message],
  },
  { name: 'outage end', summary: 'Takes back what is announced: the outage is over, or will not be.', args: [domain] },
  { name: 'outage show', summary: 'Shows what is announced.', args: [domain], role: 'observer' },
]

/** The commands' work, by name; `tell` tells those who are online. */
export function outageRuns(
  status: OutageStatus,
  clock: Clock,
  tell: (text: string) => number,
): Record<string, (args: readonly string[]) => Promise<readonly string[]>> {
  const announced = (): Outage => {
    if (status.outage === undefined) throw new CommandError('No outage is announced.')
    return status.outage
  }
  return {
    'outage announce': async ([, ...rest]) => {
      const outage = readOutage(rest, clock.now())
      await status.announce(outage)
      const told = tell(inWords(outage))
      return [`Announced; ${told === 1 ? '1 client was' : `${told} clients were`} told.`]
    },
    'outage translate': async ([, language, text]) => {
      await status.announce(translated(announced(), language, text))
      return [`Announced in ${language}, too.`]
    },
    'outage end': async () => {
      announced()
      await status.announce(undefined)
      return ['No outage is announced any more.']
    },
    'outage show': async () => {
      const { outage, document } = status
      return outage === undefined ? ['No outage is announced.'] : [inWords(outage), JSON.stringify(document)]
    },
  }
}
