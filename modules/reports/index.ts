import { accountDeleting, defineModule, type Jid, KeyedQueue, option, xep } from '#api'
import { blockWitnesses, type NamedItem } from '../blocking/hooks.ts'
import blocking from '../blocking/index.ts'
import { reportCommands, reportRuns } from './commands.ts'
import { AdminNotices, forwardedReport } from './messages.ts'
import { NS_REPORTING, type Report, readReport } from './report.ts'
import { ReportStore } from './store.ts'

const DAY_MS = 86_400_000

export default defineModule({
  name: 'reports',
  summary: 'Lets people report spam and abuse to those who run the server.',
  implements: [xep(377, '0.4.1', 'Reports are not sent to the domain they are about.')],
  features: { host: [NS_REPORTING] },
  depends: { blocking },
  commands: reportCommands,
  options: {
    maxPerDay: option
      .int()
      .min(1)
      .orOff()
      .default(50)
      .describe(
        'How many reports of an account are kept within 24 hours; past it people still block whom they report.',
      ),
    retention: option.duration().min('1d').orOff().default('180d').describe('How long reports are kept.'),
    notify: option.bool().default(true).describe('Whether admins get a message when somebody reports something.'),
    admins: option
      .list(option.jid())
      .distinct()
      .default([])
      .describe('Who gets these messages; when empty, the admins of server.yaml.'),
    forwardTo: option
      .list(option.jid())
      .distinct()
      .default([])
      .describe('Addresses that get the reports whose authors let third parties have them, without the author’s name.')
      .example('[reports@antispam.example]'),
  },

  setup(ctx) {
    const { host, config, clock, log } = ctx
    const store = new ReportStore(ctx.db, host.domain)
    const admins = config.admins.length > 0 ? config.admins.map(String) : ctx.server.admins
    const notices = new AdminNotices(ctx, config.notify ? admins : [])
    /** So that an account’s reports are counted one after the other. */
    const queue = new KeyedQueue()
    ctx.onStop(() => queue.idle())

    ctx.add(blockWitnesses, (account, items) => {
      const reported = items.flatMap(({ jid, element }: NamedItem) => {
        const report = readReport(element)
        return report === undefined ? [] : [{ target: jid, report }]
      })
      if (reported.length === 0) return
      return queue.run(account.toString(), async () => {
        // Past the limit nothing more is looked at: one request has room for thousands.
        for (const { target, report } of reported) if (!(await file(account, target, report))) return
      })
    })

    /** False for one too many. */
    async function file(account: Jid, target: string, report: Report): Promise<boolean> {
      const now = clock.now()
      const by = account.toString()
      if (config.maxPerDay > 0 && (await store.countSince(by, now - DAY_MS)) >= config.maxPerDay) {
        log.info({ account: by }, 'an account has filed too many reports today; this one is not kept')
        return false
      }
      const id = await store.file(by, target, report, now)
      const filed = { ...report, id, account: by, target, filedMs: now, dismissedMs: undefined }
      notices.tell(filed)
      // XEP-0377 §4: "MUST NOT process a report" in ways its author has not opted into.
      if (report.forThirdParty) for (const to of config.forwardTo) host.route(forwardedReport(host.domain, to, filed))
      return true
    }

    ctx.gate(accountDeleting, ({ jid }) => store.forgetReporter(jid.toString()))
    for (const [name, run] of Object.entries(reportRuns(store, clock))) ctx.command(name, run)

    let purging: Promise<unknown> = Promise.resolve()
    function purgeIn(ms: number): void {
      ctx.after(ms, () => {
        purging = store
          .removeBefore(clock.now() - config.retention)
          .catch((error) => log.warn({ err: error }, 'old reports could not be removed; it is tried again tomorrow'))
        purgeIn(DAY_MS)
      })
    }
    if (config.retention > 0) purgeIn(60_000)
    ctx.onStop(async () => void (await purging))
  },
})
