import { defineModule, type FormField, option, xep } from '#api'
import { discoExtensions } from '../disco/hooks.ts'
import disco from '../disco/index.ts'

const FORM_TYPE = 'http://jabber.org/network/serverinfo'
const roles = ['abuse', 'admin', 'feedback', 'sales', 'security', 'status', 'support'] as const

// XEP-0157 §3: addresses are URIs.
const uri = option
  .string()
  .matching(/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/, 'a URI such as mailto:admin@example.org')
const addresses = (whom: string) => option.list(uri).distinct().default([]).describe(`URIs where ${whom}.`)

export default defineModule({
  name: 'contact-addresses',
  summary: 'Tells people how to reach those who run the server.',
  implements: [xep(157, '1.1.1')],
  options: {
    abuse: addresses('abuse is reported'),
    admin: addresses('the admins are reached; when empty, the admins of server.yaml as xmpp: URIs'),
    feedback: addresses('feedback is welcome'),
    sales: addresses('sales questions are answered'),
    security: addresses('security problems are reported'),
    status: addresses('the state of the service is shown'),
    support: addresses('users get help'),
  },
  depends: { disco },

  setup(ctx) {
    const { config, server } = ctx
    const admins = config.admin.length > 0 ? config.admin : server.admins.map((jid) => `xmpp:${encodeURI(jid)}`)
    const fields = roles
      .map(
        (role): FormField => ({
          var: `${role}-addresses`,
          type: 'list-multi',
          values: role === 'admin' ? admins : config[role],
        }),
      )
      .filter((field) => field.values?.length)
    ctx.add(discoExtensions, { of: 'host', formType: FORM_TYPE, fields: () => fields })
  },
})
