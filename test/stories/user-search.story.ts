import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { restartStory } from '../support/restart.ts'
import { type Actor, type Story, story } from '../support/story.ts'

// XEP-0055
const NS = 'jabber:iq:search'
const COMMANDS = 'http://jabber.org/protocol/commands'
const NODE = 'urn:stonechat:user-search#findable'

async function publishes(actor: Actor, content: string): Promise<void> {
  await actor.asks`<iq type='set'><vCard xmlns='vcard-temp'>${content}</vCard></iq>`
}
const named = (given: string, family: string, more = '') =>
  `<N><GIVEN>${given}</GIVEN><FAMILY>${family}</FAMILY></N>${more}`

const search = async (actor: Actor, content: string): Promise<Element> =>
  (await actor.asks`<iq type='set' to='localhost'><query xmlns='${NS}'>${content}</query></iq>`).getChild('query', NS)!
/** Who is found, by the local parts. */
const found = async (actor: Actor, content: string) =>
  (await search(actor, content)).getChildren('item').map(({ attrs }) => attrs['jid']!.split('@')[0])

/** The town of Verona, with its vCards. */
async function verona(s: Story): Promise<readonly [Actor, Actor]> {
  const [juliet, tybalt] = [await s.login('juliet'), await s.login('tybalt')]
  await publishes(
    juliet,
    named('Juliet', 'Capulet', '<NICKNAME>JuliC</NICKNAME><EMAIL><USERID>juliet@shakespeare.lit</USERID></EMAIL>'),
  )
  await publishes(tybalt, named('Tybalt', 'Capulet'))
  return [juliet, tybalt]
}

const chooses = async (actor: Actor, findable: string) => {
  const first = await actor.asks`<iq type='set' to='${actor.bare}'><command xmlns='${COMMANDS}' node='${NODE}'/></iq>`
  const { sessionid } = first.getChild('command', COMMANDS)!.attrs
  return await actor.asks`<iq type='set' to='${actor.bare}'><command xmlns='${COMMANDS}' node='${NODE}' sessionid='${sessionid}' action='complete'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${NODE}</value></field><field var='findable'><value>${findable}</value></field></x></command></iq>`
}

story('A directory says what it can be searched for, and finds by fields // XEP-0055 §2.1', async (s) => {
  const [, tybalt] = await verona(s)
  const fields = (await tybalt.asks`<iq type='get' to='localhost'><query xmlns='${NS}'/></iq>`).getChild('query', NS)!
  assert.deepEqual(
    fields.getChildElements().map(({ name }) => name),
    ['instructions', 'first', 'last', 'nick', 'email', 'x'],
  )
  assert.equal(
    (await search(tybalt, '<last>capu</last><nick>juli*</nick>')).children.toString(),
    '<item jid="juliet@localhost"><first>Juliet</first><last>Capulet</last><nick>JuliC</nick><email>juliet@shakespeare.lit</email></item>',
  )
  assert.deepEqual(await found(tybalt, '<last>CÁPULET</last>'), ['juliet', 'tybalt'])
  assert.deepEqual(await found(tybalt, '<email>juliet@shake</email>'), ['juliet'])
  assert.equal((await search(tybalt, '<last>Montague</last>')).children.length, 0)
})

story('With a form, the answer is one, too // XEP-0055 §3', async (s) => {
  const [juliet] = await verona(s)
  const form = (type: string) =>
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${type}</value></field><field var='first'><value>tyb</value></field></x>`
  const x = (await search(juliet, form(NS))).getChild('x', 'jabber:x:data')!
  assert.equal(x.attrs['type'], 'result')
  assert.deepEqual(
    x
      .getChild('reported')!
      .getChildren('field')
      .map(({ attrs }) => attrs['var']),
    ['jid', 'first', 'last', 'nick', 'email'],
  )
  assert.deepEqual(
    x.getChildren('item').map((item) => item.getChildren('field').map((field) => field.getChildText('value'))),
    [['tybalt@localhost', 'Tybalt', 'Capulet', '', '']],
  )
  await juliet.isRefused(
    'bad-request',
  )`<iq type='set' to='localhost'><query xmlns='${NS}'>${form('urn:other')}</query></iq>`
})

story('The directory follows what people say of themselves, and forgets who is gone', async (s) => {
  const [juliet, tybalt] = await verona(s)
  await publishes(juliet, named('Juliet', 'Montague'))
  assert.deepEqual(await found(tybalt, '<last>Capulet</last>'), ['tybalt'])
  assert.deepEqual(await found(tybalt, '<last>Montague</last>'), ['juliet'])
  await publishes(juliet, '')
  assert.deepEqual(await found(tybalt, '<last>Montague</last>'), [])
  await publishes(juliet, named('Juliet', 'Montague'))
  await chooses(juliet, '1')
  await s.host.deletions.request('juliet')
  assert.deepEqual(await found(tybalt, '<last>Montague</last>'), [], 'one that waits to be deleted is found')
  await s.host.deletions.restore('juliet')
  assert.deepEqual(await found(tybalt, '<last>Montague</last>'), ['juliet'])
  await s.host.deleteAccount('juliet')
  assert.deepEqual(await found(tybalt, '<last>Montague</last>'), [])
  assert.deepEqual(await s.database.knex('user_search_choices'), [], 'the next of the name chooses for themselves')
})

story('Nobody is found who does not want to be, says so in the vCard, or is taken out by an admin', async (s) => {
  const [juliet, tybalt] = await verona(s)
  const capulets = () => found(tybalt, '<last>Capulet</last>')
  await chooses(juliet, '0')
  assert.deepEqual(await capulets(), ['tybalt'])
  await publishes(juliet, named('Julietta', 'Capulet'))
  assert.deepEqual(await capulets(), ['tybalt'])
  await chooses(juliet, 'true')
  assert.deepEqual(await capulets(), ['juliet', 'tybalt'])
  await publishes(juliet, named('Juliet', 'Capulet', '<CLASS><PRIVATE/></CLASS>'))
  assert.deepEqual(await capulets(), ['tybalt'])
  const { commands } = s.bed.server
  await commands.run('directory hide', ['tybalt@localhost'])
  await chooses(tybalt, '1')
  assert.deepEqual(await capulets(), [])
  await commands.run('directory show', ['tybalt@localhost'])
  assert.deepEqual(await capulets(), ['tybalt'])
  await assert.rejects(commands.run('directory hide', ['nobody@localhost']), /There is no account/)
})

story('What was missed while the module was off is found again', async (s) => {
  const [juliet] = await verona(s)
  assert.equal((await found(juliet, '<last>Capulet</last>')).length, 2)
  await s.database.knex('user_search_terms').delete()
  assert.deepEqual(await found(juliet, '<last>Capulet</last>'), [])
  await s.bed.server.commands.run('directory rebuild', ['localhost'])
  assert.deepEqual(await found(juliet, '<last>Capulet</last>'), ['juliet', 'tybalt'])
})

restartStory('A directory that is new is filled with what people have said before', async (r) => {
  await verona(await r.starts({ modules: { 'user-search': { enabled: false } } }))
  await r.stops()
  const s = await r.starts({ modules: { 'user-search': { perMinute: 0 } } })
  const romeo = await s.login('romeo')

  assert.deepEqual(await found(romeo, '<last>Capulet</last>'), ['juliet', 'tybalt'])
})

story(
  'Where only the willing are listed, others are not',
  async (s) => {
    const [juliet, tybalt] = await verona(s)
    assert.deepEqual(await found(juliet, '<last>Capulet</last>'), [])
    await chooses(tybalt, '1')
    await publishes(juliet, named('Juliet', 'Capulet', '<CLASS><PUBLIC/></CLASS>'))
    assert.deepEqual(await found(juliet, '<last>Capulet</last>'), ['juliet', 'tybalt'])
  },
  { modules: { 'user-search': { listed: 'willing' } } },
)

story(
  'A search is bounded, and for accounts of the host alone',
  async (s) => {
    const [juliet] = await verona(s)
    assert.equal((await found(juliet, '<last>Capulet</last>')).length, 1)
    await found(juliet, '<last>Capulet</last>')
    await juliet.isRefused(
      'resource-constraint',
      'wait',
    )`<iq type='set' to='localhost'><query xmlns='${NS}'><last>Capulet</last></query></iq>`
    await s.advance(60_000)
    await found(juliet, '<last>Capulet</last>')
    await juliet.isRefused(
      'not-acceptable',
    )`<iq type='set' to='localhost'><query xmlns='${NS}'><last>C</last></query></iq>`
    const other = await s.login('romeo@capulet.example')
    const bot = await s.joins('bot.localhost', 's')
    for (const type of ['get', 'set']) {
      const query = `<query xmlns='${NS}'><last>Capulet</last></query>`
      await other.isRefused('forbidden')`<iq type='${type}' to='localhost'>${query}</iq>`
      await bot.isRefused('forbidden')`<iq type='${type}' from='a@bot.localhost' to='localhost'>${query}</iq>`
    }
  },
  {
    hosts: ['localhost', 'capulet.example'],
    server: { components: { 'bot.localhost': { secret: 's' } } },
    modules: { 'user-search': { maxResults: 1, perMinute: 2 } },
  },
)
