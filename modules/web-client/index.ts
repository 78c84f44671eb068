import { defineModule, type HttpRoute, option, saslMechanisms, serverWide, soft } from '#api'
import bosh from '../bosh/index.ts'
import websocket from '../websocket/index.ts'
import { fileAnswer, logoAnswer, pageAnswer, revalidated } from './answers.ts'
import { findConverse } from './files.ts'
import { GUEST_PATH, type PageFacts, startScript } from './page.ts'

/** What the module tells others. */
export interface WebClientApi {
  /** Where the page is. */
  readonly path: string
}

const themes = ['classic', 'cyberpunk', 'dracula', 'nordic'] as const

const converseOf = serverWide(findConverse)

export default defineModule({
  name: 'web-client',
  summary: 'Lets people chat in their browsers, at `/chat`, by Converse.js.',
  implements: [],
  options: {
    title: option.string().min(1).max(100).optional().describe('The heading of the page; the domain unless given.'),
    theme: option
      .oneOf(...themes)
      .default('classic')
      .describe('How the page looks.'),
    darkTheme: option
      .oneOf(...themes)
      .default('dracula')
      .describe('How it looks to people whose system is set to dark colours.'),
    registration: option
      .bool()
      .default(false)
      .describe('Whether the page offers to make accounts; the module registration is to let anybody do so.'),
  },

  depends: { bosh: soft(bosh), websocket: soft(websocket) },

  async setup(ctx): Promise<WebClientApi | undefined> {
    const { config, host, server, deps } = ctx
    if (deps.websocket === undefined && deps.bosh === undefined) {
      ctx.log.info('there is no web client without the module websocket or bosh')
      return undefined
    }
    const converse = await converseOf(ctx.db)
    const facts: PageFacts = {
      ...config,
      domain: host.domain,
      title: config.title ?? host.domain,
      guests: false,
      websocket: deps.websocket?.path,
      bosh: deps.bosh?.path,
      webUrl: server.webUrl,
      assets: `/chat/${converse.version}`,
    }
    let script = Buffer.alloc(0)
    const get = (path: string, handle: HttpRoute['handle']) =>
      ctx.route({ method: 'GET', path, access: 'anyone', handle })
    get('/chat', pageAnswer(facts))
    // Only now is it known how people can log in.
    ctx.onReady(() => {
      const guests = host.hooks.all(saslMechanisms).some(({ name }) => name === 'ANONYMOUS')
      script = Buffer.from(startScript({ ...facts, guests }))
      if (guests) get(GUEST_PATH, pageAnswer(facts))
    })
    get('/chat/config.js', (request, reply) => {
      reply.type('text/javascript; charset=utf-8')
      return revalidated(request, reply, script)
    })
    get(`${facts.assets}/*`, fileAnswer(converse))
    get('/logo/conversejs-filled.svg', logoAnswer(converse))
    for (const path of ['/', '/chat/']) get(path, (_, reply) => reply.redirect('/chat'))
    return { path: '/chat' }
  },
})
