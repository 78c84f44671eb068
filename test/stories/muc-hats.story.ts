import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { company, hearOfChange, roomInfo, valuesOf } from '../support/occupants.ts'
import { restartStory } from '../support/restart.ts'
import { enters, FORM, grants, MUC_OWNER, notices, submission } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const NS_HATS = 'urn:xmpp:hats:0'
const NS_COMMANDS = 'http://jabber.org/protocol/commands'
const TEACHER = 'http://tech.example.edu/hats#Teacher'
const SCRIBE = 'http://tech.example.edu/hats#Scribe'

type Given = Readonly<Record<string, string>>

/** A command about hats, with a form filled in or to be filled in. */
function command(room: string, name: string, given?: Given, session?: string): string {
  const id = session === undefined ? '' : ` sessionid='${session}'`
  const form =
    given === undefined
      ? ''
      : submission(
          'urn:xmpp:hats:commands',
          Object.fromEntries(Object.entries(given).map(([key, value]) => [`hats#${key}`, value])),
        )
  return `<iq type='set' to='${room}'><command xmlns='${NS_COMMANDS}' action='execute' node='urn:xmpp:hats:commands:${name}'${id}>${form}</command></iq>`
}

async function commands(actor: Actor, room: string, name: string, given?: Given, session?: string): Promise<Element> {
  const reply = await actor.asks`${command(room, name, given, session)}`
  const answer = reply.getChild('command', NS_COMMANDS)!
  assert.equal(answer.attrs['status'], 'completed', String(reply))
  return answer
}

/** Asks for the form of a command, and sends it filled in, in the same session (XEP-0050 §3). */
async function fills(actor: Actor, room: string, name: string, given: Given): Promise<Element> {
  const reply = await actor.asks`${command(room, name)}`
  const answer = reply.getChild('command', NS_COMMANDS)!
  assert.equal(answer.attrs['status'], 'executing')
  const form = answer.getChild('x', FORM)!
  assert.equal(form.attrs['type'], 'form')
  assert.deepEqual(valuesOf(form)['FORM_TYPE'], ['urn:xmpp:hats:commands'])
  await commands(actor, room, name, given, answer.attrs['sessionid']!)
  return form
}

/** The hats in a presence: `title uri hue`. */
function hatsOf(presence: Element): string[] {
  const hats = presence.getChildren('hats', NS_HATS)
  assert.ok(hats.length <= 1)
  const worn = hats.flatMap((all) => all.getChildren('hat'))
  return worn.map(({ attrs }) => [attrs['title'], attrs['uri'], attrs['hue']].filter(Boolean).join(' ')).sort()
}

/** The items of the answer to a command. */
function itemsOf(answer: Element): Record<string, string | undefined>[] {
  return answer
    .getChild('x', FORM)!
    .getChildren('item')
    .map((one) => Object.fromEntries(Object.entries(valuesOf(one)).map(([name, values]) => [name, values[0]])))
}

const teacher = { uri: TEACHER, title: 'Teacher', hue: '327.255249' }
const scribe = { uri: SCRIBE, title: 'Scribe' }
const worn = `Teacher ${TEACHER} 327.255249`

/** Expects the next stanza of each to be a presence of a nick with these hats. */
async function seeHats(actors: readonly Actor[], room: string, nick: string, ...hats: string[]): Promise<void> {
  for (const actor of actors)
    assert.deepEqual(hatsOf(await actor.receives`<presence from='${room}/${nick}'/>`), hats.toSorted())
}

story('An admin makes a hat and gives it to an occupant, which all see // XEP-0317 §3.1, §3.2, §3.5', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  const form = await fills(juliet, room, 'create', teacher)
  assert.deepEqual(Object.keys(valuesOf(form)).sort(), ['FORM_TYPE', 'hats#hue', 'hats#title', 'hats#uri'])
  await hearOfChange(all, room, 104)
  const assigning = await fills(juliet, room, 'assign', { jid: romeo.bare, uri: TEACHER })
  const options = assigning.getChildren('field').flatMap((field) => field.getChildren('option'))
  assert.deepEqual(
    options.map((option) => [option.attrs['label'], option.getChildText('value')]),
    [['Teacher', TEACHER]],
  )
  await seeHats(all, room, 'Romeo', worn)
  // It stays on his head, whatever he does, and newcomers see it.
  romeo.send(`<presence to='${room}/Romeo'><show>away</show></presence>`)
  await seeHats(all, room, 'Romeo', worn)
  const tybalt = await s.login('tybalt/square')
  const { others, own } = await enters(tybalt, room, 'Tybalt')
  assert.deepEqual(others.map(hatsOf), [[], [worn], []])
  assert.deepEqual(hatsOf(own), [])
})

story('A hat is given to an account, there or not // XEP-0317 §3.5', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await commands(juliet, room, 'create', teacher)
  await commands(juliet, room, 'create', scribe)
  await commands(juliet, room, 'assign', { jid: 'tybalt@localhost', uri: TEACHER })
  await commands(juliet, room, 'assign', { jid: 'tybalt@localhost', uri: SCRIBE })
  const tybalt = await s.login('tybalt/square')
  assert.deepEqual(hatsOf((await enters(tybalt, room, 'Tybalt')).own), [`Scribe ${SCRIBE}`, worn])
  await drain(romeo)
  await commands(juliet, room, 'unassign', { jid: tybalt.bare, uri: SCRIBE })
  await seeHats([romeo], room, 'Tybalt', worn)
})

story('A hat that is changed is seen changed, and one that is destroyed no more // XEP-0317 §3.2, §3.3', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await commands(juliet, room, 'create', teacher)
  await commands(juliet, room, 'assign', { jid: romeo.bare, uri: TEACHER })
  for (const actor of [juliet, romeo, mercutio]) await drain(actor)
  await commands(juliet, room, 'create', { uri: TEACHER, title: 'Friar' })
  for (const hats of [[`Friar ${TEACHER}`], []]) {
    if (hats.length === 0) await commands(juliet, room, 'destroy', { uri: TEACHER })
    const heard = [await mercutio.next(), await mercutio.next()]
    const presence = heard.find((el) => el.name === 'presence')!
    assert.equal(presence.attrs['from'], `${room}/Romeo`)
    assert.deepEqual(hatsOf(presence), hats)
    const notice = heard.find((el) => el.name === 'message')!
    assert.equal(notice.attrs['from'], room)
  }
  assert.deepEqual(itemsOf(await commands(juliet, room, 'list')), [])
  assert.deepEqual(itemsOf(await commands(juliet, room, 'list-assigned')), [])
})

story('Hats, and who wears them, are listed // XEP-0317 §3.4, §3.7', async (s) => {
  const { room, juliet, romeo } = await company(s)
  for (const hat of [teacher, scribe]) await commands(juliet, room, 'create', hat)
  await commands(juliet, room, 'assign', { jid: romeo.bare, uri: TEACHER })
  const hats = itemsOf(await commands(juliet, room, 'list')).map((one) => [
    one['hats#title'],
    one['hats#uri'],
    one['hats#hue'] || undefined,
  ])
  assert.deepEqual(hats.toSorted(), [
    ['Scribe', SCRIBE, undefined],
    ['Teacher', TEACHER, '327.255249'],
  ])
  assert.deepEqual(itemsOf(await commands(juliet, room, 'list-assigned')), [
    { 'hats#jid': romeo.bare, 'hats#uri': TEACHER, 'hats#title': 'Teacher', 'hats#hue': '327.255249' },
  ])
})

story('Only admins and owners deal in hats // XEP-0317 §3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await commands(juliet, room, 'create', teacher)
  await hearOfChange(all, room, 104)
  for (const actor of [mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'create', scribe)}`
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'create')}`
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'destroy', { uri: TEACHER })}`
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'assign', { jid: actor.bare, uri: TEACHER })}`
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'unassign', { jid: actor.bare, uri: TEACHER })}`
    await actor.isRefused('forbidden', 'cancel')`${command(room, 'list-assigned')}`
  }
  for (const actor of all) await actor.receivesNothing()
  await grants(juliet, room, romeo.bare, 'admin')
  await notices(all, room, 'Romeo')
  await commands(romeo, room, 'assign', { jid: mercutio.bare, uri: TEACHER })
  await seeHats(all, room, 'Mercutio', worn)
})

story('What cannot be is refused, and a client cannot make itself a hat // XEP-0317 §3', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  await juliet.isRefused('bad-request', 'modify')`${command(room, 'assign', { jid: romeo.bare, uri: TEACHER })}`
  await juliet.isRefused('bad-request', 'modify')`${command(room, 'destroy', { uri: TEACHER })}`
  for (const given of [{ uri: TEACHER }, { title: 'Teacher' }, { ...teacher, hue: 'blue' }, { ...teacher, title: '' }])
    await juliet.isRefused('bad-request', 'modify')`${command(room, 'create', given)}`
  await commands(juliet, room, 'create', teacher)
  await juliet.isRefused('bad-request', 'modify')`${command(room, 'assign', { jid: '@', uri: TEACHER })}`
  for (const actor of [juliet, romeo, mercutio]) await drain(actor)
  const forged = `<hats xmlns='${NS_HATS}'><hat title='Teacher' uri='${TEACHER}'/></hats>`
  romeo.send(`<presence to='${room}/Romeo'>${forged}</presence>`)
  await seeHats([juliet, romeo, mercutio], room, 'Romeo')
})

story('A room says that it has hats, and tells when they change // XEP-0317 §2', async (s) => {
  const { room, juliet } = await company(s)
  const { features, form } = await roomInfo(juliet, room)
  assert.ok(features.includes(NS_HATS))
  await commands(juliet, room, 'create', teacher)
  const once = (await roomInfo(juliet, room)).form['hats#hash']
  assert.ok(once?.[0])
  assert.notDeepEqual(once, form['hats#hash'])
  await commands(juliet, room, 'create', scribe)
  const twice = (await roomInfo(juliet, room)).form['hats#hash']
  assert.ok(twice?.[0])
  assert.notDeepEqual(twice, once)
})

restartStory('Hats outlast the server, and go with the room // XEP-0317 §3.5', async (r) => {
  const before = await r.starts()
  const { room, juliet, romeo } = await company(before, { persistentroom: true })
  await commands(juliet, room, 'create', teacher)
  await commands(juliet, room, 'assign', { jid: romeo.bare, uri: TEACHER })
  const after = await r.starts()
  const back = await after.login('romeo/orchard')
  assert.deepEqual(hatsOf((await enters(back, room, 'Romeo')).own), [worn])
  const owner = await after.login('juliet/balcony')
  await owner.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`
  assert.deepEqual(hatsOf((await enters(owner, room, 'Juliet')).own), [])
  assert.deepEqual(itemsOf(await commands(owner, room, 'list')), [])
})

story('Whoever may give commands finds them // XEP-0050 §2.2', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const nodesOf = async (actor: Actor) => {
    const reply =
      await actor.asks`<iq type='get' to='${room}'><query xmlns='http://jabber.org/protocol/disco#items' node='${NS_COMMANDS}'/></iq>`
    const items = reply.getChildElements()[0]!.getChildren('item')
    assert.ok(items.every((item) => item.attrs['jid'] === room && item.attrs['name']))
    return items.map((item) => item.attrs['node']!.split(':').at(-1))
  }
  assert.deepEqual(await nodesOf(juliet), ['assign', 'create', 'destroy', 'list', 'list-assigned', 'unassign'])
  assert.deepEqual(await nodesOf(romeo), ['list'])
  const asked = (name: string) =>
    `<iq type='get' to='${room}'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:xmpp:hats:commands:${name}'/></iq>`
  const info = (await juliet.asks`${asked('create')}`).getChildElements()[0]!
  assert.equal(info.getChild('identity')!.attrs['type'], 'command-node')
  await juliet.isRefused('item-not-found')`${asked('polish')}`
  await juliet.isRefused('item-not-found')`${command(room, 'polish')}`
  await romeo.isRefused('forbidden', 'cancel')`${asked('create')}`
})

story(
  'A room has so many hats, and nobody wears more than the admin says',
  async (s) => {
    const { room, juliet, romeo } = await company(s)
    const lecturer = { uri: 'urn:example:lecturer', title: 'Lecturer' }
    for (const hat of [teacher, scribe]) await commands(juliet, room, 'create', hat)
    await juliet.isRefused('resource-constraint', 'wait')`${command(room, 'create', lecturer)}`
    // One of them may change.
    await commands(juliet, room, 'create', { ...scribe, title: 'Writer' })
    const on = (uri: string) => ({ uri, jid: romeo.bare })
    await commands(juliet, room, 'assign', on(TEACHER))
    await juliet.isRefused('resource-constraint', 'wait')`${command(room, 'assign', on(SCRIBE))}`
    await commands(juliet, room, 'assign', on(TEACHER))
  },
  { modules: { muc: { hats: { perRoom: 2, perPerson: 1 } } } },
)
