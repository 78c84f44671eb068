import { type Context, type Element, type Jid, randomId, xml } from '#api'
import { summaryOf } from './commands.ts'
import { NS_REPORTING, oneLine, uriOf } from './report.ts'
import type { FiledReport } from './store.ts'

/** For how long reports are gathered after admins have been told. */
const GATHER_MS = 60_000
/** Reports that one message to the admins names. */
const NAMED = 10

/** Tells admins of new reports: at once, and then no more than once a minute. */
export class AdminNotices {
  readonly #ctx: Pick<Context, 'after' | 'host'>
  readonly #admins: readonly string[]
  #gathered: FiledReport[] = []
  #more = 0
  #quiet = false

  constructor(ctx: Pick<Context, 'after' | 'host'>, admins: readonly string[]) {
    this.#ctx = ctx
    this.#admins = admins
  }

  /** A report has been filed. */
  tell(report: FiledReport): void {
    if (this.#admins.length === 0) return
    if (this.#gathered.length < NAMED) this.#gathered.push(report)
    else this.#more++
    if (!this.#quiet) this.#send()
  }

  #send(): void {
    const { host, after } = this.#ctx
    const lines = this.#gathered.map((report) => summaryOf(report))
    if (this.#more > 0) lines.push(`… and ${this.#more} more.`)
    lines.push(`See: stonechat report list ${host.domain}`)
    for (const admin of this.#admins) {
      const subject = xml('subject', null, 'Reports of abuse')
      host.route(message(host.domain, admin, subject, xml('body', null, lines.join('\n'))))
    }
    this.#gathered = []
    this.#more = 0
    this.#quiet = true
    after(GATHER_MS, () => {
      this.#quiet = false
      if (this.#gathered.length > 0) this.#send()
    })
  }
}

/** XEP-0377 §4: a report for third parties. Who filed it is not told. */
export function forwardedReport(domain: string, to: Jid, { reason, target, texts }: FiledReport): Element {
  const report = xml(
    'report',
    { xmlns: NS_REPORTING, reason: uriOf(reason) },
    // As other servers pass reports on.
    xml('jid', { xmlns: 'urn:xmpp:jid:0' }, target),
    ...texts.map(({ lang, text }) => xml('text', { 'xml:lang': lang === '' ? undefined : lang }, text)),
  )
  const body = `An account of ${domain} reports ${oneLine(target)}: ${oneLine(reason)}.`
  return message(domain, to.toString(), xml('body', null, body), report)
}

function message(from: string, to: string, ...payload: Element[]): Element {
  return xml('message', { from, to, id: randomId() }, ...payload)
}
