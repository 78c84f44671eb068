import { release, type } from 'node:os'
import { defineModule, option, xep, xml } from '#api'

const NS = 'jabber:iq:version'

export default defineModule({
  name: 'version',
  summary: 'Tells the name and version of the server.',
  implements: [xep(92, '1.1')],
  features: { host: [NS] },
  options: {
    showOs: option
      .bool()
      .default(false)
      .describe('Tells the operating system as well, which helps attackers more than users.'),
  },

  setup(ctx) {
    const { name, version } = ctx.server
    // XEP-0092 §5: the operating system is told only when the admin wants it.
    const os = ctx.config.showOs && `${type()} ${release()}`
    ctx.iq('get', 'host', 'query', NS, () =>
      xml('query', { xmlns: NS }, xml('name', null, name), xml('version', null, version), os && xml('os', null, os)),
    )
  },
})
