import { announce, defineModule, option, xep } from '#api'
import { discoExtensions } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { outageCommands, outageRuns } from './commands.ts'
import { OutageStatus } from './status.ts'

const FORM_TYPE = 'urn:xmpp:sos:0'

export default defineModule({
  name: 'outage-status',
  summary: 'Tells people of planned and present outages, and where they learn of them when the server is away.',
  implements: [
    xep(455, '0.4.0', 'The document is served, and written to a file for a web server elsewhere to publish.'),
  ],
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

  async setup(ctx) {
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

    // XEP-0455 §2.2; clients on other pages read it too.
    ctx.route({
      method: 'GET',
      path: '/outage.json',
      access: 'anyone',
      origins: ['*'],
      handle: (_request, reply) => reply.header('cache-control', 'max-age=60').send(status.document),
    })

    const tell = (text: string) => (config.tellOnline ? announce(host, 'Outage', text) : 0)
    for (const [name, run] of Object.entries(outageRuns(status, ctx.clock, tell))) ctx.command(name, run)
  },
})
