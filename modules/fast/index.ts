import {
  accountDeleting,
  accountDisabled,
  defineModule,
  type Jid,
  loginExtensions,
  option,
  passwordChanged,
  xep,
} from '#api'
import { mechanisms } from './hashed-token.ts'
import type { FastApi } from './hooks.ts'
import { TokenStore } from './store.ts'
import { Tokens } from './tokens.ts'

const HOUR_MS = 3_600_000
const PURGE_BATCH = 500
const names = Object.keys(mechanisms) as (keyof typeof mechanisms)[]

export default defineModule({
  name: 'fast',
  summary: 'Lets clients log in again with tokens, in one round trip and without a password.',
  implements: [xep(484, '0.2.0', 'Without TLS 0-RTT: early data is never accepted.')],
  options: {
    mechanisms: option
      .list(option.oneOf(...names))
      .min(1)
      .distinct()
      .default(names)
      .describe(
        'Mechanisms that tokens are given for. NONE is for clients that cannot bind a token to the connection.',
      ),
    lifetime: option
      .duration()
      .min('1h')
      .default('21d')
      .describe('How long a client that is not seen can come back with its token.'),
    rotateAfter: option
      .duration()
      .min('1m')
      .orOff()
      .default('1d')
      .describe(
        'How old a token is when a client that uses it gets a new one; at half of its lifetime it does in any case.',
      ),
    maxClients: option
      .int()
      .min(1)
      .orOff()
      .default(20)
      .describe('How many clients of an account have tokens; past it those lose theirs that got them first.'),
  },

  setup(ctx): FastApi {
    const { clock, config, host, log } = ctx
    const store = new TokenStore(ctx.db, host.domain)
    const tokens = new Tokens(host, store, config)
    const given = ctx.metrics.counter('tokens_total', 'Tokens given to clients.')
    ctx.add(loginExtensions, {
      offer: (binding) => tokens.offer(binding),
      start: (mechanism, request) => tokens.start(mechanism, request),
      granted: async (login) => {
        const element = await tokens.grant(login)
        if (element !== undefined) given.value++
        return element
      },
    })

    ctx.gate(accountDeleting, async ({ jid }) => void (await store.remove(jid.local)))
    // They are worth nothing from that moment on, whether or not they can be removed now.
    let removing: Promise<unknown> = Promise.resolve()
    const removeAll = ({ jid }: { readonly jid: Jid }) => {
      const removal = store.remove(jid.local)
      removal.catch((error) => log.warn({ err: error, account: jid.toString() }, 'dead tokens could not be removed'))
      removing = Promise.allSettled([removing, removal])
    }
    ctx.on(passwordChanged, removeAll)
    ctx.on(accountDisabled, removeAll)
    ctx.onStop(async () => void (await removing))

    ctx.every(HOUR_MS, 'expired tokens could not be removed', async () => {
      while ((await store.removeExpired(clock.now(), PURGE_BATCH)) === PURGE_BATCH);
    })

    return {
      clients: (local) => store.clients(local, clock.now()),
      revoke: async (local, client) => (await store.remove(local, client)) > 0,
    }
  },
})
