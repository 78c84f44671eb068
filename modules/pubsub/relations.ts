import { type Element, Jid, randomId, StanzaError, xml } from '#api'
import { mayRead } from './access.ts'
import { answerRequest } from './authorizing.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import type { Node } from './node.ts'
import { subscriptionElement } from './notifying.ts'
import { answer, owned, owning } from './owner.ts'
import type { NodeAffiliation, SubscriptionRecord } from './records.ts'
import { refusal } from './refusal.ts'
import { type Operations, type Request, readJid } from './request.ts'
import { checkRoom } from './subscribing.ts'

/** Ends subscriptions of those who may not read the node any more, or those of them that are meant, and tells them. */
export async function dropUnwelcome(
  engine: Engine,
  face: Face,
  node: Node,
  isMeant: (subscription: SubscriptionRecord) => boolean = () => true,
): Promise<void> {
  const unwelcome: SubscriptionRecord[] = []
  for (const subscription of node.subscriptions.values())
    if (subscription.state !== 'pending' && isMeant(subscription))
      if (!(await mayRead(face, node, Jid.parse(subscription.jid)))) unwelcome.push(subscription)
  const subids = unwelcome.map(({ subid }) => subid)
  await engine.store.removeSubscriptions(node.id, subids)
  for (const { jid } of unwelcome) {
    node.subscriptions.delete(jid)
    engine.notifier.unsubscribed(face, node, jid)
  }
}

// ---- subscriptions (XEP-0060 §8.8) ----

/** Without those who have only asked (XEP-0060 §8.8.1.2). */
async function getSubscriptions(request: Request): Promise<Element> {
  const node = await owned(request)
  const all = [...node.subscriptions.values()].filter(({ state }) => state !== 'pending')
  return answer(xml('subscriptions', { node: node.name }, ...all.map((one) => subscriptionElement(undefined, one))))
}

interface SubscriptionChange {
  readonly jid: Jid
  readonly subid: string | undefined
  readonly state: string
}

async function setSubscriptions(request: Request): Promise<void> {
  const { engine, face, action } = request
  // XEP-0060 §8.8.2.1: without a state nothing changes.
  const stated = action.getChildren('subscription').filter(({ attrs }) => attrs['subscription'] !== undefined)
  const wanted = stated.map(({ attrs }): SubscriptionChange => {
    return { jid: readJid(attrs['jid']), subid: attrs['subid'], state: attrs['subscription']! }
  })
  if (new Set(wanted.map(({ jid }) => jid.toString())).size < wanted.length)
    throw new StanzaError('bad-request', 'Say once what an address is to have.')
  await owning(request, async (node) => {
    const changes = wanted.filter(
      ({ jid, state }) => (node.subscriptions.get(jid.toString())?.state ?? 'none') !== state,
    )
    for (const change of changes) await checkSubscription(face, node, change, wanted)
    const more = changes.filter(({ jid }) => !node.subscriptions.has(jid.toString())).length
    if (more > 0) checkRoom(face, node, more)
    for (const { jid, state } of changes) await changeSubscription(engine, face, node, jid.toString(), state === 'none')
  })
}

/** XEP-0060 §8.8.2.4: one that cannot be refuses all, and the owner is told how all of them are. */
async function checkSubscription(
  face: Face,
  node: Node,
  { jid, subid, state }: SubscriptionChange,
  wanted: readonly SubscriptionChange[],
): Promise<void> {
  const had = node.subscriptions.get(jid.toString())
  if (subid !== undefined && had !== undefined && subid !== had.subid)
    throw refusal('not-acceptable', 'invalid-subid', 'That address has another subscription.')
  if (state === 'none') return
  const isAsked = had !== undefined || node.settings.accessModel === 'authorize'
  if (state === 'subscribed' && (isAsked ? !node.isShutOut(jid) : await mayRead(face, node, jid))) return
  const payload = xml(
    'subscriptions',
    { node: node.name },
    ...wanted.map((one) => {
      const current = node.subscriptions.get(one.jid.toString())
      const attrs = { jid: one.jid.toString(), subid: current?.subid, subscription: current?.state ?? 'none' }
      return xml('subscription', attrs)
    }),
  )
  throw new StanzaError('not-acceptable', 'Somebody cannot be subscribed so.', { payload: answer(payload) })
}

async function changeSubscription(engine: Engine, face: Face, node: Node, jid: string, isOver: boolean) {
  const had = node.subscriptions.get(jid)
  if (had?.state === 'pending') return await answerRequest(engine, face, node, had, !isOver)
  if (isOver) {
    await engine.store.removeSubscriptions(node.id, [had!.subid])
    node.subscriptions.delete(jid)
    return engine.notifier.unsubscribed(face, node, jid)
  }
  const subscription: SubscriptionRecord = {
    ...{ jid, subid: had?.subid ?? randomId(), state: 'subscribed', options: had?.options ?? {} },
  }
  await engine.store.saveSubscription(node.id, subscription)
  node.subscriptions.set(jid, subscription)
  engine.notifier.subscription(face, node, subscription)
}

// ---- affiliations (XEP-0060 §8.9) ----

async function getAffiliations(request: Request): Promise<Element> {
  const node = await owned(request)
  const all = [...node.affiliations].map(([jid, affiliation]) => xml('affiliation', { jid, affiliation }))
  return answer(xml('affiliations', { node: node.name }, ...all))
}

/** Most affiliations of a node. */
const MAX_AFFILIATIONS = 10_000

async function setAffiliations(request: Request): Promise<void> {
  const { engine, face, action } = request
  const wanted = new Map<string, string>()
  for (const { attrs } of action.getChildren('affiliation')) {
    const jid = readJid(attrs['jid']).bare.toString()
    // XEP-0060 §8.9.2.4
    if (wanted.has(jid)) throw new StanzaError('bad-request', 'Say once what somebody is to be.')
    // XEP-0060 §8.9.2.1: without an affiliation nothing changes.
    if (attrs['affiliation'] !== undefined) wanted.set(jid, attrs['affiliation'])
  }
  await owning(request, async (node) => {
    checkAffiliations(node, wanted)
    const changes = wanted as Map<string, NodeAffiliation | 'none'>
    await engine.store.affiliate(node.id, changes)
    for (const [jid, affiliation] of changes)
      if (affiliation === 'none') node.affiliations.delete(jid)
      else node.affiliations.set(jid, affiliation)
    await reviewRequests(engine, face, node, changes)
    // Whose presence is to be seen, or whose roster groups count, depends on who the owners are.
    const isOfOwners = ['presence', 'roster'].includes(node.settings.accessModel)
    await dropUnwelcome(engine, face, node, ({ jid }) => isOfOwners || changes.has(Jid.parse(jid).bare.toString()))
  })
}

/** XEP-0060 §8.9.2.4: one that cannot be refuses all, and the owner is told how all of them are. */
function checkAffiliations(node: Node, wanted: ReadonlyMap<string, string>): void {
  const after = new Map<string, string>([...node.affiliations, ...wanted])
  const isOwned = [...after.values()].includes('owner')
  if (!isOwned || [...wanted.values()].some((kind) => !affiliations.includes(kind))) {
    const all = [...wanted.keys()].map((jid) =>
      xml('affiliation', { jid, affiliation: node.affiliations.get(jid) ?? 'none' }),
    )
    const payload = answer(xml('affiliations', { node: node.name }, ...all))
    const why = isOwned ? `An affiliation is one of ${affiliations.join(', ')}.` : 'A node needs an owner.'
    throw new StanzaError('not-acceptable', why, { payload })
  }
  if (after.size > MAX_AFFILIATIONS)
    throw new StanzaError('policy-violation', `A node has at most ${MAX_AFFILIATIONS} affiliations.`)
}

/** XEP-0060 §8.7.4: who has become somebody is let in without a word of an owner, who is shut out is refused. */
async function reviewRequests(engine: Engine, face: Face, node: Node, changes: ReadonlyMap<string, string>) {
  for (const subscription of [...node.subscriptions.values()]) {
    if (subscription.state !== 'pending') continue
    const jid = Jid.parse(subscription.jid)
    const affiliation = changes.get(jid.bare.toString()) ?? 'none'
    if (affiliation !== 'none') await answerRequest(engine, face, node, subscription, !node.isShutOut(jid))
  }
}

const affiliations: readonly string[] = ['member', 'none', 'outcast', 'owner', 'publish-only', 'publisher']

/** What owners ask for that is about people. */
export const relatingOperations: Operations = {
  'get affiliations': getAffiliations,
  'get subscriptions': getSubscriptions,
  'set affiliations': setAffiliations,
  'set subscriptions': setSubscriptions,
}
