import {
  accountDeleting,
  defineModule,
  flowNeeded,
  flows,
  type Jid,
  option,
  type ReadonlyElement,
  type Session,
  StanzaError,
  sessionOpened,
  sessionRests,
  sessionResumed,
  soft,
  xep,
} from '#api'
import { clientActive } from '../client-state/hooks.ts'
import clientState from '../client-state/index.ts'
import { type PushApi, wakeWanted } from './hooks.ts'
import { NS_PUBSUB, NS_PUSH } from './notification.ts'
import { Notifier } from './notifier.ts'
import { type Registration, readEnable, readService } from './registration.ts'
import { Registrations } from './registrations.ts'
import { PushStore } from './store.ts'
import { isWorthWaking, unwrapped, worthWaking } from './worth.ts'

export default defineModule({
  name: 'push',
  summary: 'Has app servers wake phones when a message waits for them.',
  implements: [xep(357, '0.4.1')],
  features: { account: [NS_PUSH] },
  depends: { clientState: soft(clientState) },
  options: {
    summary: option
      .group({
        count: option.bool().default(true).describe('How many messages wait.'),
        sender: option.bool().default(false).describe('Who sent the last one.'),
        body: option.bool().default(false).describe('What the last one says.'),
      })
      .describe('What app servers, which belong to somebody else, are told about messages.'),
    wakeInactive: option
      .bool()
      .default(false)
      .describe('Whether a device that is connected but says that nobody looks at it is woken too.'),
    interval: option
      .duration()
      .min('100ms')
      .orOff()
      .default('5s')
      .describe('How long after waking a device it is not woken again; what comes meanwhile is told together.'),
    maxErrors: option
      .int()
      .min(1)
      .orOff()
      .default(10)
      .describe('After how many errors in a row an app server is not told any more for that device.'),
    answerTimeout: option
      .duration()
      .min('1s')
      .default('30s')
      .describe('After how long an app server that has not answered counts as an error.'),
    maxRegistrations: option
      .int()
      .min(1)
      .orOff()
      .default(20)
      .describe('How many devices of one account can be woken; a newer one takes the place of the oldest.'),
    maxSize: option
      .int()
      .min(256)
      .orOff()
      .default(4096)
      .describe('Most characters a device may have sent along to its app server.'),
  },

  setup(ctx): PushApi {
    const { host, config, clock, log, deps } = ctx
    const registrations = new Registrations(new PushStore(ctx.db), clock, config.maxRegistrations)
    const notifier = new Notifier(host, registrations, config, clock, log)
    ctx.metrics.counted('sent_total', 'Notifications sent to app servers.', () => notifier.sent.all)
    ctx.metrics.counted('failed_total', 'Notifications answered with an error.', () => notifier.sent.failed)

    ctx.iq('set', 'self', 'enable', NS_PUSH, async (request, { origin }) => {
      if (origin === null) throw new StanzaError('not-allowed', 'Only a device can ask to be woken.')
      const registration = readEnable(request, origin.jid.resource, config)
      // It would publish at its own nodes (XEP-0163), and wake nobody.
      if (registration.service === origin.user.jid.toString())
        throw new StanzaError('not-allowed', 'An account is not its own app server.')
      notifier.forget(origin.user.jid, registration)
      for (const gone of await registrations.put(origin.user.jid, registration)) notifier.forget(origin.user.jid, gone)
    })
    ctx.iq('set', 'self', 'disable', NS_PUSH, async (request, { from }) => {
      const gone = await registrations.remove(from, readService(request), request.attrs['node'])
      for (const registration of gone) notifier.forget(from.bare, registration)
    })

    const pick = (
      account: Jid,
      which: (registration: Registration) => boolean,
      then: (picked: readonly Registration[]) => void,
    ) => {
      const failed = (err: unknown) => log.warn({ err, account: account.toString() }, 'devices were not woken')
      registrations.pick(account, which, then)?.catch(failed)
    }
    const isThere = (session: Session) =>
      !session.resting && !(config.wakeInactive && deps.clientState?.isInactive(session) === true)

    const isDeviceThere = (account: Jid, resource: string) => {
      const session = host.user(account)?.sessions.get(resource)
      return session !== undefined && isThere(session)
    }
    const isWanted = (account: Jid, message: ReadonlyElement) => host.hooks.ask(wakeWanted, { account, message })

    ctx.flow(flows.message.arriving, 'copy', ({ stanza, type, from, to }) => {
      if (to.local === '' || from.bare.equals(to.bare) || !isWorthWaking(stanza, type)) return
      if (type === 'groupchat' && !isWanted(to.bare, stanza)) return
      // A room's message is for the one device that is in it.
      const isAway = ({ resource }: Registration) =>
        !(type === 'groupchat' && resource !== to.resource) && !isDeviceThere(to, resource)
      pick(to.bare, isAway, (away) => {
        for (const registration of away) notifier.wake(to.bare, registration, unwrapped(stanza))
      })
    })
    ctx.answer(flowNeeded, ({ session, wire }) => (wire.name === 'message' && !isThere(session) ? true : undefined))
    // What was sent into a connection that turns out to be dead waits, too.
    ctx.on(sessionRests, (session) => {
      const { user, jid } = session
      const isIts = ({ resource }: Registration) => resource === jid.resource
      pick(user.jid, isIts, (its) => {
        if (!session.live || !session.resting) return
        const waiting = worthWaking(session.queue?.unacknowledged() ?? [], user.jid.toString()).filter(
          (message) => message.attrs['type'] !== 'groupchat' || isWanted(user.jid, message),
        )
        const last = waiting.at(-1)
        if (last !== undefined)
          for (const registration of its) notifier.wake(user.jid, registration, last, waiting.length)
      })
    })
    ctx.on(sessionOpened, (session) => notifier.awake(session))
    ctx.on(sessionResumed, (session) => notifier.awake(session))
    ctx.on(clientActive, (session) => notifier.awake(session))

    // XEP-0357 §8: an app server that takes no more.
    ctx.flow(flows.message.arriving, 'deliver', ({ stanza, from, to }) => {
      const pubsub = stanza.getChild('pubsub', NS_PUBSUB)
      if (pubsub === undefined || to.local === '' || to.resource !== '') return false
      if (pubsub.getChild('affiliation', NS_PUBSUB)?.attrs['affiliation'] !== 'none') return false
      return registrations.remove(to, from.toString(), pubsub.attrs['node']).then((gone) => {
        for (const registration of gone) notifier.forget(to.bare, registration)
        return gone.length > 0
      })
    })

    ctx.gate(accountDeleting, async ({ jid }) => {
      for (const registration of await registrations.of(jid)) notifier.forget(jid, registration)
      await registrations.forget(jid)
    })
    ctx.onStop(async () => {
      notifier.stop()
      await registrations.idle()
    })

    return {
      wake(account, message) {
        if (!isWorthWaking(message, message.attrs['type'] ?? 'normal')) return
        const isAway = ({ resource }: Registration) => !isDeviceThere(account, resource)
        pick(account.bare, isAway, (away) => {
          for (const registration of away) notifier.wake(account.bare, registration, message)
        })
      },
    }
  },
})
