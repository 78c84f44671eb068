import { announce, defineModule, option, xep } from '#api'
import { discoExtensions } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { outageCommands, outageRuns } from './commands.ts'
import type { StatusDocument } from './outage.ts'
import { OutageStatus } from './status.ts'

const FORM_TYPE = 'urn:xmpp:sos:0'

/** What other modules, such as one that serves it over HTTP, may ask. */
export interface OutageStatusApi {
  /** What clients fetch to learn of outages, as of now. */
  document(): StatusDocument
}

export default defineModule({
  name: 'outage-status',
  summary: 'Tells people of planned and present outages, and where they learn of them when the server is away.',
  implements: [xep(455, '0.4.0', 'The document is written to a file, for a web server elsewhere to publish.')],
  commands: outageCommands,
  options: {
    addresses: option
      .list(
        option.string().matching(/^https?:\/\/[^\s<>"{}|\\^`]+$/, 'a URL such as https://status.example.org/xmpp.json'),
      )
      .distinct()
      .default([])
      .describe('Where clients find the document of outages, best on another machine; they keep these addresses.')
      .example('[https://status.example.org/example.org.json]'),
    folder: option
      .path()
      .optional()
      .describe('Folder that the document is written to, as DOMAIN.json, for a web server to publish.')
      .example('/srv/status'),
    tellOnline: option
      .bool()
      .default(true)
      .describe('Whether those who are online get a message about an outage that is announced.'),
  },
  depends: { disco },

  async setup(ctx): Promise<OutageStatusApi> {
    const { host, config, log } = ctx
    const complain = (error: Error) =>
      log.warn({ err: error }, 'the document of outages could not be written to its folder')
    const status = new OutageStatus(ctx.kv, ctx.clock, host.domain, config.folder, complain)
    await status.load()
    await status.publish().catch(complain)
    ctx.onStop(() => status.stop())
    // XEP-0455 §2.1
    const fields = [{ var: 'external-status-addresses', type: 'list-multi', values: config.addresses }] as const
    if (config.addresses.length > 0) ctx.add(discoExtensions, { of: 'host', formType: FORM_TYPE, fields: () => fields })

    const tell = (text: string) => (config.tellOnline ? announce(host, 'Outage', text) : 0)
    for (const [name, run] of Object.entries(outageRuns(status, ctx.clock, tell))) ctx.command(name, run)
    return { document: () => status.document }
  },
})
