import { defineModule, flows, Jid } from '../../src/api.ts'
import type { Actor, Story } from './story.ts'

export const NS = 'urn:xmpp:sm:3'
/** How long a session waits for its client unless told otherwise. */
export const MAX: number = 10 * 60_000

/** Turns stream management on; with `resume` returns the token to come back with. */
export async function enables(actor: Actor, attributes = "resume='true'"): Promise<string> {
  actor.send(`<enable xmlns='${NS}' ${attributes}/>`)
  const enabled = await actor.receives`<enabled xmlns='${NS}'/>`
  return enabled.attrs['id'] ?? ''
}

/** Asks to go on with the session of `who` over a new connection. */
export async function asksToResume(s: Story, who: Actor, token: string, h: number): Promise<Actor> {
  const { actor } = await s.authenticates(jidOf(who).local)
  actor.send(`<resume xmlns='${NS}' h='${h}' previd='${token}'/>`)
  return actor
}

/** The same, with success; `handled` is what the server is to have. */
export async function resumes(s: Story, who: Actor, token: string, h: number, handled = 0): Promise<Actor> {
  const actor = await asksToResume(s, who, token, h)
  await isBack(actor, who, token, handled)
  return actor
}

export async function isBack(actor: Actor, who: Actor, token: string, handled: number): Promise<void> {
  await actor.receives`<resumed xmlns='${NS}' previd='${token}' h='${handled}'/>`
  actor.jid = who.jid
}

export const acknowledges = (actor: Actor, h: number): void => actor.send(`<a xmlns='${NS}' h='${h}'/>`)
export const asks = (actor: Actor): void => actor.send(`<r xmlns='${NS}'/>`)
export const message = (to: string, body: string, type = 'chat'): string =>
  `<message to='${to}' type='${type}'><body>${body}</body></message>`
export const jidOf = (actor: Actor): Jid => Jid.parse(actor.jid)

/** Waits until the server has dealt with all that a client has sent; a ping of it among that. */
export async function settles(s: Story, actor: Actor): Promise<void> {
  await actor.receivesNothing()
  await s.host.user(jidOf(actor))!.sessions.get(actor.resource)!.inbox.idle()
}

/** Waits until the server has taken up all that clients have sent, without a stanza of theirs to count. */
export async function fence(s: Story): Promise<void> {
  const witness = await s.login('witness')
  await witness.receivesNothing()
  await witness.disconnects()
}

const held: (() => void)[] = []
/** The options of a bed that keeps messages that say `slow` from being handled until `letGo`. */
export const slowBed = {
  extra: [
    defineModule({
      name: 'slow',
      summary: 'Takes its time with what says slow.',
      implements: [],
      setup(ctx) {
        ctx.flow(flows.message.leaving, 'record', ({ stanza }) => {
          if (stanza.getChildText('body') === 'slow') return new Promise<void>((resolve) => held.push(resolve))
        })
      },
    }),
  ],
}
export const letGo = (): void => held.shift()!()
/** Settles when a message waits to be let go. */
export async function untilHeld(): Promise<void> {
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
}
