import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Context, type Element, parseDocument, StanzaError } from '#api'
import { DomainArchive, type DomainSettings, domainArchives } from '../../../../modules/archive/domain-archive.ts'
import type { Asker } from '../../../../modules/archive/hooks.ts'
import { SettingsStore } from '../../../../modules/archive/settings-store.ts'
import { shareArchive } from '../../../../modules/archive/shared-archive.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { KeyValue } from '../../../../src/storage/key-value.ts'
import { queryText } from '../../../support/archive.ts'
import { eachDatabase, silentLog } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { bodyOf, ROMEO, storeOf } from './messages.ts'

const ROOM = 'balcony@rooms.capulet.example'
const OTHER = 'crypt@rooms.capulet.example'
const unbound: DomainSettings = {
  retention: 0,
  maxMessages: 0,
  maxPage: 250,
  maxPreferences: 1,
  searchPatience: 0,
}
const log = silentLog as unknown as Context['log']

async function bench(db: Database, bounds: Partial<DomainSettings> = {}) {
  const clock = new FakeClock()
  const store = storeOf(db, clock)
  const { archive: shared, release } = await shareArchive(db, store, clock, log)
  const parts = { store, shared, accounts: new SettingsStore(db), kv: new KeyValue(db, 'archive'), clock, log }
  const archive = new DomainArchive({
    ...parts,
    domain: 'rooms.capulet.example',
    settings: { ...unbound, ...bounds },
  })
  /** Says something in a room, as Romeo unless it is another, and resolves with its id. */
  const says = async (body: string, owner = ROOM, peer = ROMEO): Promise<number> => {
    const id = archive.nextId()
    const stanza = `<message from="${owner}/nick"><body>${body}</body><x>${peer}</x></message>`
    const copies = [{ owner, peer, resource: 'orchard' }]
    await archive.append({ id, stanza, groupchat: true, reference: undefined, copies })
    return id
  }
  return { archive, clock, parts, says, release }
}

/** Somebody outside; `results` has what came. */
function stranger(address = 'nurse@far.example/kitchen') {
  const results: Element[] = []
  const asker: Asker = {
    address,
    live: true,
    pass: (text) => void results.push(parseDocument(text)),
    drained: () => undefined,
  }
  return { asker, results, bodies: () => results.map((result) => bodyOf(String(result))) }
}

const query = (asked: Parameters<typeof queryText>[0] = {}): Element => parseDocument(queryText(asked))
const refused = (condition: string) => (error: unknown) => error instanceof StanzaError && error.condition === condition

eachDatabase((open) => {
  test('domain archive: results come from the room, to whoever asks, as they may see them', async () => {
    const { archive, says } = await bench(await open())
    await says('one')
    await says('two')
    await says('elsewhere', OTHER)
    const { asker, results, bodies } = stranger()
    const view = (stanza: string) => stanza.replace(/<x>.*<\/x>/, '')
    const fin = await archive.answer(ROOM, asker, query(), { view })
    assert.deepEqual(bodies(), ['one', 'two'])
    for (const { attrs } of results) {
      assert.equal(attrs['from'], ROOM)
      assert.equal(attrs['to'], 'nurse@far.example/kitchen')
    }
    assert.doesNotMatch(results.join(), /romeo/)
    assert.equal(fin.attrs['complete'], 'true')
    await archive.answer(ROOM, asker, query())
    assert.match(results.join(), /romeo/)
  })

  // XEP-0313 §4.1.1
  test('domain archive: who wrote what is told to those who may know it', async () => {
    const { archive, says } = await bench(await open())
    await says('his')
    await says('hers', ROOM, 'juliet@capulet.example')
    const { asker, bodies } = stranger()
    const knows = (sender: string) => sender === ROMEO
    await archive.answer(ROOM, asker, query({ form: { with: ROMEO } }), { knows })
    assert.deepEqual(bodies(), ['his'])
    const ask = (who: string) => archive.answer(ROOM, asker, query({ form: { with: who } }), { knows })
    await assert.rejects(ask('juliet@capulet.example'), refused('forbidden'))
    await assert.rejects(ask('tybalt@capulet.example/street'), refused('forbidden'))
    await assert.rejects(ask(`${ROOM}/nick`), refused('feature-not-implemented'))
    assert.deepEqual(bodies(), ['his'])
  })

  test('domain archive: what is from before a room began is not there, whichever way one asks', async () => {
    const { archive, says, clock } = await bench(await open())
    const old = String(await says('of an earlier room'))
    clock.advance(10)
    const sinceMs = clock.now()
    const id = await says('new')
    const { asker, bodies } = stranger()
    const ask = (asked: Parameters<typeof query>[0]) => archive.answer(ROOM, asker, query(asked), { sinceMs })
    await ask({})
    await ask({ rsm: '<before/>' })
    await ask({ form: { '{urn:xmpp:fulltext:0}fulltext': 'new' } })
    assert.deepEqual(bodies(), ['new', 'new', 'new'])
    await ask({ form: { '{urn:xmpp:fulltext:0}fulltext': 'earlier' } })
    assert.equal((await ask({ rsm: '<max>0</max>' })).getChild('set')!.getChildText('count'), '1')
    for (const asked of [{ rsm: `<after>${old}</after>` }, { form: { ids: [old] } }, { form: { 'after-id': old } }])
      await assert.rejects(ask(asked), refused('item-not-found'))
    assert.equal(bodies().length, 3)
    const metadata = await archive.metadata(ROOM, { sinceMs })
    assert.equal(metadata.getChild('start')!.attrs['id'], String(id))
    assert.deepEqual(
      (await archive.newest(ROOM, { max: 9, sinceMs })).map((message) => message.id),
      [id],
    )
    assert.equal((await archive.metadata(ROOM)).getChild('start')!.attrs['id'], old)
  })

  test('domain archive: the newest messages, oldest first, without those that are not wanted', async () => {
    const { archive, says } = await bench(await open())
    const said = await Promise.all(Array.from({ length: 230 }, (_, n) => says(n % 100 === 0 ? `rare${n}` : `${n}`)))
    const bodies = (messages: readonly { stanza: string }[]) => messages.map(({ stanza }) => bodyOf(stanza))
    assert.deepEqual(bodies(await archive.newest(ROOM, { max: 3 })), ['227', '228', '229'])
    assert.equal((await archive.newest(ROOM, { max: 1000 })).length, 230)
    assert.deepEqual(await archive.newest(ROOM, { max: 0 }), [])
    assert.deepEqual(await archive.newest(OTHER, { max: 3 }), [])
    const wants = ({ stanza }: { stanza: string }) => stanza.includes('rare')
    assert.deepEqual(bodies(await archive.newest(ROOM, { max: 2, wants })), ['rare100', 'rare200'])
    assert.deepEqual(bodies(await archive.newest(ROOM, { max: 9, wants })), ['rare0', 'rare100', 'rare200'])
    assert.deepEqual(
      said,
      said.toSorted((a, b) => a - b),
    )
  })

  test('domain archive: a message is found by its id, in its own room, and another can take its place', async () => {
    const { archive, says } = await bench(await open())
    const id = await says('slip')
    assert.equal(bodyOf((await archive.find(ROOM, id))!.stanza), 'slip')
    assert.equal(await archive.find(OTHER, id), undefined)
    assert.equal(await archive.replace(id, '<message><retracted/></message>'), true)
    assert.equal((await archive.find(ROOM, id))!.stanza, '<message><retracted/></message>')
    assert.equal(await archive.replace(id + 1, '<message/>'), false)
  })

  test('domain archive: erasing removes what was there, and nothing of a room that begins meanwhile', async () => {
    const { archive, says, parts } = await bench(await open())
    await Promise.all(Array.from({ length: 501 }, (_, n) => says(`old${n}`)))
    await says('elsewhere', OTHER)
    await archive.setPreferences(ROOM, parseDocument(`<prefs xmlns='urn:xmpp:mam:2' default='never'/>`))
    const onItsWay = says('on its way to disk')
    const erased = archive.erase(ROOM)
    await says('new')
    await onItsWay
    assert.equal(await erased, 502)
    const left = async (room: string) => (await archive.newest(room, { max: 9 })).map(({ stanza }) => bodyOf(stanza))
    assert.deepEqual(await left(ROOM), ['new'])
    assert.deepEqual(await left(OTHER), ['elsewhere'])
    assert.equal((await archive.preferences(ROOM)).policy, 'always')
    assert.equal((await parts.store.owners(undefined, 9, 'rooms.capulet.example')).length, 2)
  })

  test('domain archive: its own bounds hold for its archives, and for nobody else’s', async () => {
    const { archive, says, clock, parts } = await bench(await open(), { maxMessages: 2 })
    for (const body of ['one', 'two', 'three']) await says(body)
    for (const body of ['one', 'two', 'three']) await says(body, 'juliet@capulet.example')
    archive.start()
    clock.advance(60_000)
    const left = (owner: string) => parts.store.count(owner, {}, 0)
    for (let tries = 0; tries < 500 && (await left(ROOM)) > 2; tries++);
    await archive.stop()
    assert.deepEqual([await left(ROOM), await left('juliet@capulet.example')], [2, 3])
  })

  test('domain archive: a room can say what it wants to have archived', async () => {
    const { archive } = await bench(await open())
    assert.equal((await archive.preferences(ROOM)).policy, 'always')
    const never = (...jids: string[]) =>
      parseDocument(
        `<prefs xmlns='urn:xmpp:mam:2' default='always'><never>${jids.map((jid) => `<jid>${jid}</jid>`).join('')}</never></prefs>`,
      )
    await archive.setPreferences(ROOM, never(ROMEO))
    assert.deepEqual([...(await archive.preferences(ROOM)).never], [ROMEO])
    assert.equal((await archive.preferences(OTHER)).never.size, 0)
    await assert.rejects(archive.setPreferences(ROOM, never(ROMEO, 'b@x')), refused('policy-violation'))
  })

  test('domain archive: an admin can look after a room’s archive', async () => {
    const { archive, says } = await bench(await open())
    await says('one')
    const runs = archive.commands(async (local) => local === 'balcony')
    assert.match((await runs['archive show']!([ROOM])).join('\n'), /^1 messages in the archive of balcony@/)
    assert.match((await runs['archive retention']!([ROOM, '90d'])).join(), /are kept: 90d\./)
    await assert.rejects(runs['archive retention']!([OTHER, '90d']), /There is no room/)
    await assert.rejects(runs['archive erase']!(['rooms.capulet.example']), /is not a room: name one as room@/)
    assert.match((await runs['archive erase']!([ROOM])).join(), /^Removed 1 messages/)
    assert.deepEqual(await archive.newest(ROOM, { max: 1 }), [])
  })
})

test('domain archive: it offers the fields that make sense in a room, and refuses nodes', async () => {
  const archive = new DomainArchive({ settings: unbound } as never)
  const names = archive
    .form()
    .getChild('x')!
    .getChildren('field')
    .map((field) => field.attrs['var'])
  assert.ok(names.includes('with') && !names.includes('include-groupchat'))
  const nodes = query()
  nodes.attrs['node'] = 'fdp/submitted'
  await assert.rejects(archive.answer(ROOM, stranger().asker, nodes), refused('item-not-found'))
})

test('domain archive: to the sender a database that is away is no mystery', async () => {
  const away = Object.assign(new Error('gone'), { code: 'ECONNRESET' })
  const shared = { append: () => Promise.reject(away) }
  const archive = new DomainArchive({ settings: unbound, shared } as never)
  await assert.rejects(archive.append({} as never), refused('internal-server-error'))
})

test('domain archive: a domain has its archives once, until the module stops', async () => {
  const stops: (() => unknown)[] = []
  const api = domainArchives({ settings: unbound, clock: new FakeClock() } as never, {
    onStop: (stop) => void stops.push(stop),
  })
  api.forDomain('rooms.capulet.example')
  assert.throws(() => api.forDomain('rooms.capulet.example'), /already/)
  api.forDomain('halls.capulet.example', { maxMessages: 5 })
  assert.equal(stops.length, 2)
  for (const stop of stops) await stop()
})
