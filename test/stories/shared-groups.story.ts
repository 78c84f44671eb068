import assert from 'node:assert/strict'
import { type Element, Jid } from '../../src/api.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const ROSTER = 'jabber:iq:roster'
const everybody = {
  modules: { 'shared-groups': { groups: { Colleagues: { everybody: true, members: [], sees: undefined } } } },
}
const jids = (...names: string[]) => names.map((name) => Jid.parse(`${name}@localhost`))
const departments = {
  modules: {
    'shared-groups': {
      groups: {
        'Help desk': { everybody: false, members: jids('juliet', 'romeo'), sees: undefined },
        Board: { everybody: false, members: jids('escalus'), sees: ['Help desk'] },
      },
    },
  },
}

/** Opens the roster: its items as texts, and its version. */
async function opens(actor: Actor, ver = ''): Promise<{ items: string[] | undefined; ver: string | undefined }> {
  const query = (await actor.asks`<iq type='get'><query xmlns='${ROSTER}' ver='${ver}'/></iq>`).getChild(
    'query',
    ROSTER,
  )
  return { items: query?.getChildElements().map(described).sort(), ver: query?.attrs['ver'] }
}

function described(item: Element): string {
  const { jid, name, subscription } = item.attrs
  const groups = item.getChildren('group').map((group) => group.getText())
  return [jid!.split('@')[0], name, subscription, groups.join('+')].filter((part) => part).join(' ')
}

/** The next roster push: its item and version. */
async function pushed(actor: Actor): Promise<{ item: string; ver: string }> {
  const query = (await actor.receives`<iq type='set'/>`).getChild('query', ROSTER)!
  return { item: described(query.getChildElements()[0]!), ver: query.attrs['ver']! }
}

story(
  'Members have each other, see each other come and go, and nobody is asked',
  async (s) => {
    const romeo = await s.online('romeo/r')
    await s.createAccount('tybalt')
    const juliet = await s.login('juliet/j')
    assert.deepEqual((await opens(juliet)).items, ['romeo both Colleagues', 'tybalt both Colleagues'])
    juliet.send('<presence/>')
    await juliet.receivesInAnyOrder([`<presence from='${juliet.jid}'/>`, `<presence from='${romeo.jid}'/>`])
    await romeo.receives`<presence from='${juliet.jid}'/>`
    await romeo.disconnects()
    await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
    // Their presence may be probed, as that of any contact.
    await juliet.sends`<presence type='probe' to='tybalt@localhost'/>`
    await juliet.receives`<presence type='unavailable' from='tybalt@localhost'/>`
  },
  everybody,
)

story(
  'Those who only see others are shown to them by nothing but their presence',
  async (s) => {
    const [escalus, juliet] = [await s.online('escalus/e'), await s.online('juliet/j')]
    await escalus.receives`<presence from='${juliet.jid}'/>`
    await juliet.receivesNothing()
    await s.createAccount('romeo')
    await s.createAccount('mercutio')
    assert.deepEqual((await opens(escalus)).items, ['juliet to Help desk', 'romeo to Help desk'])
    assert.deepEqual((await opens(juliet)).items, ['romeo both Help desk'])
    assert.deepEqual((await opens(await s.login('mercutio'))).items, [])
  },
  departments,
)

story(
  'A contact that is shared can be named and grouped, and is neither removed nor unsubscribed // RFC 6121 §2.5.3',
  async (s) => {
    const [juliet, romeo] = [await s.online('juliet'), await s.login('romeo')]
    await opens(juliet)
    const set = (rest: string) =>
      `<iq type='set'><query xmlns='${ROSTER}'><item jid='romeo@localhost' ${rest}</query></iq>`
    await juliet.isRefused('not-allowed')`${set(`subscription='remove'/>`)}`
    juliet.send(set(`name='R'><group>Colleagues</group><group>Mine</group></item>`).replace('<iq', `<iq id='1'`))
    const heard = [await juliet.next(), await juliet.next()]
    const push = heard.find(({ attrs }) => attrs['type'] === 'set')!.getChild('query', ROSTER)!
    assert.equal(described(push.getChildElements()[0]!), 'romeo R both Mine+Colleagues')
    await juliet.isRefused('not-allowed')`${set(`subscription='remove'/>`)}`
    for (const type of ['unsubscribe', 'unsubscribed'])
      await juliet.isRefused('not-allowed')`<presence type='${type}' to='romeo@localhost'/>`
    for (const type of ['subscribe', 'subscribed']) juliet.send(`<presence type='${type}' to='romeo@localhost'/>`)
    await juliet.receivesNothing()
    await romeo.receivesNothing()
    const rows: { group_names: string; subscription: string }[] = await s.database.knex('roster_items').select()
    assert.deepEqual(
      rows.map((row) => [row.group_names, row.subscription]),
      [['["Mine"]', 'none']],
    )
    assert.deepEqual((await opens(juliet)).items, ['romeo R both Mine+Colleagues'])
    // Others are contacts as ever.
    const own = `<iq type='set'><query xmlns='${ROSTER}'><item jid='nurse@example.com'`
    await juliet.asks`${own}/></query></iq>`
    await juliet.asks`${own} subscription='remove'/></query></iq>`
  },
  everybody,
)

story(
  'Who is new or gone is pushed, and by versions told to those who come later // RFC 6121 §2.6',
  async (s) => {
    const juliet = await s.login('juliet/j')
    await s.createAccount('romeo')
    const { items, ver } = await opens(juliet)
    assert.deepEqual(items, ['romeo both Colleagues'])
    assert.deepEqual(await opens(juliet, ver), { items: undefined, ver: undefined })
    await s.createAccount('tybalt')
    const arrival = await pushed(juliet)
    assert.equal(arrival.item, 'tybalt both Colleagues')
    const late = await s.login('juliet/late')
    assert.equal((await opens(late, ver)).items, undefined)
    assert.deepEqual(await pushed(late), arrival)
    assert.equal((await opens(late, arrival.ver)).items, undefined)
    await late.receivesNothing()
    await s.host.deleteAccount('tybalt')
    assert.equal((await pushed(juliet)).item, 'tybalt remove')
    assert.deepEqual((await opens(await s.login('juliet/later'), arrival.ver)).items, ['romeo both Colleagues'])
  },
  everybody,
)

story(
  'An online member who is deleted goes with their presence',
  async (s) => {
    const [juliet, romeo] = [await s.online('juliet'), await s.online('romeo')]
    await juliet.receives`<presence from='${romeo.jid}'/>`
    await opens(juliet)
    await s.host.deleteAccount('romeo')
    await juliet.receives`<presence type='unavailable' from='${romeo.jid}'/>`
    assert.equal((await pushed(juliet)).item, 'romeo remove')
    await juliet.receivesNothing()
  },
  everybody,
)

/** How many queries something costs. */
async function cost(s: Story, work: () => Promise<unknown>): Promise<number> {
  const before = s.database.queries
  await work()
  return s.database.queries - before
}

// ejabberd 3158: one account added to a group of 500 made 500 queries.
story(
  'A new account costs no more queries in a large group than in an empty one, nor does coming online',
  async (s) => {
    const creates = (...names: string[]) =>
      cost(s, async () => {
        for (const name of names) await s.host.accounts.create(name, 'password')
      })
    const juliet = await s.online('juliet')
    await opens(juliet)
    const early = await creates('one', 'two')
    await drain(juliet)
    const romeo = await s.login('romeo')
    const presence = async () => {
      romeo.send('<presence/>')
      await drain(romeo)
    }
    const few = await cost(s, presence)
    await creates(...Array.from({ length: 12 }, (_, i) => `citizen${i}`))
    const late = await creates('three', 'four')
    // The last write of one may fall into the count of the next.
    assert.ok(Math.abs(late - early) <= 1 && early <= 14, `${early} queries for two of them, then ${late}`)
    await s.database.knex.raw('select 1')
    assert.ok((await cost(s, presence)) <= few)
    assert.equal(await cost(s, () => opens(romeo)), 0)
    assert.equal((await opens(romeo)).items!.length, 17)
  },
  everybody,
)
