import { type Clock, type CommandDeclaration, CommandError, toDatetime } from '#api'
import { oneLine } from './report.ts'
import type { FiledReport, ReportStore } from './store.ts'

const domain = { name: 'domain', summary: 'The domain whose accounts filed the reports.', kind: 'host' } as const
const number = { name: 'number', summary: 'The number of the report, as report list shows it.' }

/** Reports in a list. */
const MOST = 200
/** Characters of a text in a list. */
const EXCERPT = 80

/** What an admin can do about reports. */
export const reportCommands: readonly CommandDeclaration[] = [
  {
    name: 'report list',
    summary: `Lists the reports nobody has dealt with, the newest first, ${MOST} at most.`,
    args: [
      domain,
      {
        name: 'which?',
        summary: '"open", or "all" for those that were dismissed, too.',
        choices: [
          { value: 'open', label: 'Open ones' },
          { value: 'all', label: 'All' },
        ],
        proposed: 'open',
      },
    ],
    role: 'observer',
  },
  {
    name: 'report show',
    summary: 'Shows a report with all that was said in it.',
    args: [domain, number],
    role: 'observer',
  },
  { name: 'report dismiss', summary: 'Notes that a report is dealt with.', args: [domain, number] },
]

type Run = (args: readonly string[]) => Promise<readonly string[]>

/** The commands' work, by name. */
export function reportRuns(store: ReportStore, clock: Clock): Record<string, Run> {
  return {
    'report list': async ([, which = 'open']) => {
      if (which !== 'open' && which !== 'all') throw new CommandError(`Say open or all, not ${which}.`)
      const reports = await store.newest(which, MOST)
      if (reports.length === 0) return [which === 'open' ? 'There are no open reports.' : 'There are no reports.']
      return reports.map(summaryOf)
    },
    'report show': async ([, number]) => {
      const report = await store.find(readNumber(number))
      if (report === undefined) throw unknown(number)
      return detailsOf(report)
    },
    'report dismiss': async ([, number]) => {
      if (!(await store.dismiss(readNumber(number), clock.now())))
        throw new CommandError(`There is no open report ${number}; report list shows those there are.`)
      return [`Dismissed report ${number}.`]
    },
  }
}

/** A report as one line of a list. */
export function summaryOf(report: FiledReport): string {
  const { id, filedMs, reason, target, texts, dismissedMs } = report
  const text = oneLine(texts[0]?.text ?? '')
  const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text
  const said = excerpt === '' ? '' : `: “${excerpt}”`
  const state = dismissedMs === undefined ? '' : ', dismissed'
  return `${id}  ${toDatetime(filedMs)}  ${oneLine(reason)}  ${oneLine(target)}, by ${reporterOf(report)}${state}${said}`
}

function detailsOf(report: FiledReport): string[] {
  const { id, filedMs, reason, target, texts, messages, forOrigin, forThirdParty, dismissedMs } = report
  const consent = [forOrigin ? 'the domain it is about' : '', forThirdParty ? 'third parties' : ''].filter(Boolean)
  return [
    `report ${id}, filed ${toDatetime(filedMs)}${dismissedMs === undefined ? '' : `, dismissed ${toDatetime(dismissedMs)}`}`,
    `about: ${oneLine(target)}`,
    `by: ${reporterOf(report)}`,
    `reason: ${oneLine(reason)}`,
    ...texts.map(({ lang, text }) => `text${lang === '' ? '' : ` (${oneLine(lang)})`}: ${oneLine(text)}`),
    ...messages.map(({ by, id }) => `message: ${oneLine(id)} in the archive of ${oneLine(by)}`),
    `may be passed on to: ${consent.join(' and ') || 'nobody'}`,
  ]
}

/** Who filed a report, in words. */
export function reporterOf({ account }: Pick<FiledReport, 'account'>): string {
  return account === undefined ? 'an account that is deleted' : oneLine(account)
}

function readNumber(text = ''): number {
  if (!/^\d{1,15}$/.test(text)) throw unknown(text)
  return Number(text)
}

function unknown(text: string | undefined): CommandError {
  return new CommandError(`There is no report ${text}; report list shows those there are.`)
}
