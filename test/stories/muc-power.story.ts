import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { change, changes, company, item, jidsOf } from '../support/occupants.ts'
import {
  codesOf,
  configures,
  enters,
  freshRoom,
  grants,
  heardBy,
  itemOf,
  leaves,
  MUC_ADMIN,
  MUC_USER,
  opens,
  STANZAS,
} from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const affiliations = ['outcast', 'none', 'member', 'admin', 'owner'] as const
const roles = ['none', 'visitor', 'participant', 'moderator'] as const
type Affiliation = (typeof affiliations)[number]
type Role = (typeof roles)[number]

/** Somebody in a moderated room. */
interface Person {
  readonly nick: string
  readonly affiliation: Affiliation
  /** `none` for somebody who is not there. */
  readonly role: Role
}

/** One for each way to stand in a room (XEP-0045 §5), and a second of those who might meet their like. */
const cast: readonly Person[] = [
  { nick: 'Escalus', affiliation: 'owner', role: 'moderator' },
  { nick: 'Capulet', affiliation: 'owner', role: 'moderator' },
  { nick: 'Laurence', affiliation: 'admin', role: 'moderator' },
  { nick: 'John', affiliation: 'admin', role: 'moderator' },
  { nick: 'Nurse', affiliation: 'member', role: 'moderator' },
  { nick: 'Peter', affiliation: 'member', role: 'participant' },
  { nick: 'Sampson', affiliation: 'member', role: 'visitor' },
  { nick: 'Benvolio', affiliation: 'none', role: 'moderator' },
  { nick: 'Romeo', affiliation: 'none', role: 'participant' },
  { nick: 'Mercutio', affiliation: 'none', role: 'visitor' },
  { nick: 'Montague', affiliation: 'owner', role: 'none' },
  { nick: 'Anthony', affiliation: 'admin', role: 'none' },
  { nick: 'Gregory', affiliation: 'member', role: 'none' },
  { nick: 'Rosaline', affiliation: 'none', role: 'none' },
  { nick: 'Tybalt', affiliation: 'outcast', role: 'none' },
]

const isAtLeast = (one: Affiliation, other: Affiliation) => affiliations.indexOf(one) >= affiliations.indexOf(other)
const runs = ({ affiliation }: Person) => isAtLeast(affiliation, 'admin')

/** What comes of a change of affiliation: the condition of the error, if any. */
function affiliating(asker: Person, target: Person, after: Affiliation): string | undefined {
  // §9: "MUST be denied if the … 'from' address … does not match the bare JID of one of the room admins".
  if (!runs(asker)) return 'forbidden'
  // §9.1
  if (asker === target && after === 'outcast') return 'conflict'
  if (asker.affiliation === 'owner') return undefined
  // §10.3, §10.6
  if (isAtLeast(after, 'admin')) return 'forbidden'
  if (!runs(target)) return undefined
  // §9.1; §10.4, §10.7
  return after === 'outcast' ? 'not-allowed' : 'forbidden'
}

/** What comes of a change of role. */
function assigning(asker: Person, target: Person, role: Role): string | undefined {
  // §8: "MUST be denied if the … 'from' address … does not match the bare JID portion of one of the moderators".
  if (asker.role !== 'moderator' && !runs(asker)) return 'forbidden'
  // §8.2; §5.1.3: "Exit room or be kicked by an admin or owner".
  if (role === 'none') {
    if (asker === target) return undefined
    if (!isAtLeast(asker.affiliation, target.affiliation)) return 'not-allowed'
    return target.role === 'moderator' && !runs(asker) ? 'not-allowed' : undefined
  }
  // §9.6
  if (role === 'moderator') return runs(asker) ? undefined : 'forbidden'
  // §8.4, §9.7
  if (runs(target)) return 'not-allowed'
  // §9.7
  if (target.role === 'moderator' && !runs(asker)) return 'forbidden'
  // §8.4: "at or above the moderator's level".
  if (role === 'visitor' && isAtLeast(target.affiliation, asker.affiliation)) return 'not-allowed'
  return undefined
}

/** The role of an occupant of a moderated room whose affiliation changes (§5.1.2, §5.1.3). */
function roleWith({ affiliation, role }: Person, after: Affiliation): Role {
  if (after === 'outcast') return 'none'
  if (affiliation === after) return role
  if (isAtLeast(after, 'admin')) return 'moderator'
  if (role === 'moderator' && !isAtLeast(affiliation, 'admin')) return 'moderator'
  return after === 'member' ? 'participant' : affiliation === 'none' ? role : 'visitor'
}

interface Play {
  readonly room: string
  /** An admin of the server, who sets all right again and watches. */
  readonly prince: Actor
  readonly actors: ReadonlyMap<Person, Actor>
}

async function begin(s: Story): Promise<Play> {
  const room = freshRoom(s)
  const prince = await s.login('prince/palace')
  await opens(prince, room, 'Prince', { moderatedroom: true })
  const actors = new Map<Person, Actor>()
  for (const person of cast) actors.set(person, await s.login(`${person.nick.toLowerCase()}/verona`))
  const play = { room, prince, actors }
  for (const person of cast) await restore(play, person)
  await quiet(play)
  return play
}

/** Makes somebody in the room what it was. */
async function restore({ room, prince, actors }: Play, person: Person): Promise<void> {
  const { nick, affiliation, role } = person
  const actor = actors.get(person)!
  await grants(prince, room, actor.bare, affiliation)
  if (role === 'none') return
  await drain(actor)
  actor.send(`<presence type='unavailable' to='${room}/${nick}'/>`)
  await drain(actor)
  await enters(actor, room, nick)
  await prince.asks`${change(room, item(`role='${role}' nick='${nick}'`))}`
}

async function quiet({ prince, actors }: Play): Promise<void> {
  for (const actor of [prince, ...actors.values()]) await drain(actor)
}

/** Asks for a change; the condition of the error, if any. */
async function asksFor(actor: Actor, room: string, what: string): Promise<string | undefined> {
  actor.send(change(room, item(what)).replace('<iq ', "<iq id='power' "))
  for (;;) {
    const reply = await actor.next()
    if (reply.attrs['id'] !== 'power') continue
    const error = reply.getChild('error')
    return error?.getChildElements().find((child) => child.attrs['xmlns'] === STANZAS && child.name !== 'text')?.name
  }
}

story('Who may give whom which affiliation // XEP-0045 §5.2.1, §5.2.2, §9, §10', async (s) => {
  const play = await begin(s)
  const { room, prince, actors } = play
  for (const [asker, actor] of actors)
    for (const [target, { bare }] of actors)
      for (const after of affiliations) {
        const what = `${asker.nick}: ${target.nick} (${target.affiliation}) → ${after}`
        const wanted = affiliating(asker, target, after)
        assert.equal(await asksFor(actor, room, `affiliation='${after}' jid='${bare}'`), wanted, what)
        const seen = (await heardBy(prince)).filter(({ name }) => name === 'presence')
        const isSeen = wanted === undefined && target.role !== 'none' && after !== target.affiliation
        assert.equal(seen.length, isSeen ? 1 : 0, `${what}: ${seen}`)
        if (isSeen) {
          const { affiliation, role } = itemOf(seen[0]!).attrs
          assert.deepEqual([affiliation, role], [after, roleWith(target, after)], what)
          assert.deepEqual(codesOf(seen[0]!), after === 'outcast' ? [301] : [], what)
        }
        if (wanted !== undefined) continue
        if (after !== 'none') assert.ok((await jidsOf(prince, room, after)).includes(bare), what)
        if (after === target.affiliation) continue
        await restore(play, target)
        await quiet(play)
      }
})

story('Who may give whom which role // XEP-0045 §5.1.1, §5.1.3, §8, §9.6, §9.7', async (s) => {
  const play = await begin(s)
  const { room, prince, actors } = play
  for (const [asker, actor] of actors)
    for (const target of cast.filter(({ role }) => role !== 'none'))
      for (const role of roles) {
        const what = `${asker.nick}: ${target.nick} (${target.affiliation}, ${target.role}) → ${role}`
        const wanted = assigning(asker, target, role)
        assert.equal(await asksFor(actor, room, `role='${role}' nick='${target.nick}'`), wanted, what)
        const seen = (await heardBy(prince)).filter(({ name }) => name === 'presence')
        const isSeen = wanted === undefined && role !== target.role
        assert.equal(seen.length, isSeen ? 1 : 0, `${what}: ${seen}`)
        if (!isSeen) continue
        const shown = itemOf(seen[0]!).attrs
        assert.deepEqual([shown['affiliation'], shown['role']], [target.affiliation, role], what)
        assert.deepEqual(codesOf(seen[0]!), role === 'none' ? [307] : [], what)
        await restore(play, target)
        await quiet(play)
      }
})

story('Who is an admin no more when the room becomes one for members leaves it once // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await grants(juliet, room, romeo.bare, 'admin')
  await grants(juliet, room, mercutio.bare, 'member')
  for (const actor of [juliet, romeo, mercutio]) await drain(actor)
  await configures(juliet, room, { roomadmins: [], membersonly: true })
  const told = (await heardBy(mercutio)).filter((stanza) => stanza.attrs['from'] === `${room}/Romeo`)
  assert.deepEqual(
    told.map((stanza) => [stanza.attrs['type'], ...codesOf(stanza)]),
    [[undefined], ['unavailable', 322]],
  )
  assert.equal(itemOf(told[0]!).attrs['affiliation'], 'none')
})

story('Whoever leaves a room before configuring it is told that it is no more // XEP-0045 §10.1.3', async (s) => {
  const room = freshRoom(s)
  const [juliet, phone] = [await s.login('juliet/balcony'), await s.login('juliet/phone')]
  await enters(juliet, room, 'Juliet')
  await enters(phone, room, 'Juliet')
  const goes = async (actor: Actor): Promise<Element | undefined> => {
    await drain(actor)
    const own = await leaves(actor, room, 'Juliet')
    return own.getChild('x', MUC_USER)!.getChild('destroy')
  }
  assert.equal(await goes(phone), undefined)
  assert.notEqual(await goes(juliet), undefined)
  // From a room that was configured one only leaves.
  await opens(juliet, room, 'Juliet')
  assert.equal(await goes(juliet), undefined)
})

story('Who may not take voice is told from whom // XEP-0045 §8.4', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await changes(juliet, room, item(`affiliation='admin' jid='${romeo.bare}'`))
  await drain(romeo)
  const items = [item("role='visitor' nick='Mercutio'"), item("role='visitor' nick='Juliet'")]
  const refusal = await romeo.isRefused('not-allowed', 'cancel')`${change(room, ...items)}`
  const offending = refusal.getChild('query', MUC_ADMIN)!.getChildren('item')
  assert.deepEqual(
    offending.map(({ attrs }) => ({ ...attrs })),
    [{ nick: 'Juliet', role: 'visitor' }],
  )
})

story('What an account was in rooms goes with it, and nothing else // XEP-0045 §5.2', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { persistentroom: true })
  const own = freshRoom(s)
  await opens(romeo, own, 'Romeo')
  const kept = freshRoom(s)
  await opens(romeo, kept, 'Romeo', { persistentroom: true })
  await changes(juliet, room, item(`affiliation='owner' jid='${romeo.bare}'`))
  await changes(juliet, room, item("affiliation='outcast' jid='tybalt@localhost'"))
  await changes(romeo, room, item(`affiliation='admin' jid='${romeo.bare}' nick='Romeo'`))
  for (const actor of [juliet, mercutio]) await drain(actor)
  await s.host.deleteAccount('romeo')
  for (const actor of [juliet, mercutio]) await actor.receives`<presence type='unavailable' from='${room}/Romeo'/>`
  assert.deepEqual(await jidsOf(juliet, room, 'owner'), [juliet.bare])
  assert.deepEqual(await jidsOf(juliet, room, 'admin'), [])
  assert.deepEqual(await jidsOf(juliet, room, 'outcast'), ['tybalt@localhost'])
  // The nick is free, a temporary room has ended, and of one that stays somebody of the same name is nothing.
  const entrance = await enters(mercutio, own, 'Mercutio')
  assert.ok(codesOf(entrance.own).includes(201))
  await s.host.accounts.create('romeo', 'wherefore art thou')
  const heir = await s.login('romeo/orchard')
  assert.equal(itemOf((await enters(heir, kept, 'Romeo')).own).attrs['affiliation'], 'none')
  await heir.isRefused('forbidden', 'auth')`${change(kept, item(`affiliation='owner' jid='${heir.bare}'`))}`
})
