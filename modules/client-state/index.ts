import {
  bindFeatures,
  defineModule,
  defineSlot,
  option,
  type Session,
  sessionResumed,
  soft,
  streamElements,
  streamFeatures,
  xep,
  xml,
} from '#api'
import streamManagement from '../stream-management/index.ts'
import { HeldStanzas } from './held-stanzas.ts'
import { clientActive } from './hooks.ts'

const NS = 'urn:xmpp:csi:0'

/** What is held back from an inactive client; `undefined` for one that is active. */
const heldSlot = defineSlot<HeldStanzas | undefined>('client-state/held', () => undefined)

/** What other modules may ask about the state of clients. */
export interface ClientStateApi {
  /** Whether a client has said that nobody is looking at it. Not to be told to anybody else (XEP-0352 §6). */
  isInactive(session: Session): boolean
}

export default defineModule({
  name: 'client-state',
  summary: 'Spares clients nobody looks at what can wait.',
  implements: [xep(352, '1.0.0')],
  // It saves at stop what clients have not acknowledged, after what was held for them has joined that.
  depends: { streamManagement: soft(streamManagement) },
  options: {
    maxHeld: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('How many stanzas are held back for an inactive client; past it they are all sent.'),
    maxHeldSize: option
      .bytes()
      .min(1)
      .orOff()
      .default('512KiB')
      .describe('How much is held back for an inactive client; past it everything held is sent.'),
  },

  setup(ctx): ClientStateApi {
    const limits = { stanzas: ctx.config.maxHeld, size: ctx.config.maxHeldSize }

    const activate = (session: Session): void => {
      const held = session.slots.get(heldSlot)
      if (held === undefined) return
      session.slots.set(heldSlot, undefined)
      session.filter = undefined
      held.release()
      ctx.host.hooks.notify(clientActive, session)
    }
    const deactivate = (session: Session): void => {
      if (session.slots.get(heldSlot) !== undefined) return
      const held = new HeldStanzas(session, limits)
      session.slots.set(heldSlot, held)
      session.filter = held
    }

    ctx.add(streamFeatures, { when: 'after-login', element: () => xml('csi', { xmlns: NS }) })
    // XEP-0352 §5.1: at once, so that what the client sends next is answered in the new state.
    ctx.add(streamElements, { name: 'active', xmlns: NS, bound: (_element, session) => activate(session) })
    ctx.add(streamElements, { name: 'inactive', xmlns: NS, bound: (_element, session) => deactivate(session) })
    // XEP-0386 §3.2: the session begins in that state.
    ctx.add(bindFeatures, {
      xmlns: NS,
      ask: (requested, session) => {
        if (requested.at(-1)?.name === 'inactive') deactivate(session)
        return undefined
      },
    })
    // XEP-0352 §5.2: a resumed stream begins active.
    ctx.on(sessionResumed, activate)
    ctx.onStop(() => {
      for (const user of ctx.host.users()) for (const session of user.sessions.values()) activate(session)
    })

    return { isInactive: (session) => session.slots.get(heldSlot) !== undefined }
  },
})
