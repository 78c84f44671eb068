import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import type { ComponentClient } from '../support/component.ts'
import { type Actor, type Story, story } from '../support/story.ts'

// XEP-0355
const NS = 'urn:xmpp:delegation:2'
const FORWARD = 'urn:xmpp:forward:0'
const INFO = 'http://jabber.org/protocol/disco#info'
const BOT = 'bot.example'
const BLOG = 'blog.example'
const TUNE = 'urn:example:tune'
const NODE = 'urn:example:node'

const options = {
  server: { components: { [BOT]: { secret: 's' }, [BLOG]: { secret: 's' } } },
  modules: {
    'stream-management': { enabled: false },
    delegation: {
      components: {
        [BOT]: { namespaces: { [TUNE]: { attributes: [] }, [NODE]: { attributes: ['node', 'x'] } }, mayAsk: [] },
        [BLOG]: { namespaces: {}, mayAsk: ['urn:example:blog', 'urn:xmpp:ping'] },
      },
    },
  },
}

/** A component that has heard what it answers and been asked what it can do, which it has not said. */
async function joins(s: Story): Promise<ComponentClient> {
  const bot = await s.joins(BOT, 's')
  await bot.receives`<message from='localhost' to='${BOT}'><delegation xmlns='${NS}'><delegated namespace='${TUNE}'/><delegated namespace='${NODE}'><attribute name='node'/><attribute name='x'/></delegated></delegation></message>`
  for (let i = 0; i < 4; i++) await bot.next()
  return bot
}

/** The request inside what a component is asked next, and the way to answer it. */
async function asked(bot: ComponentClient) {
  const outer = await bot.receives`<iq type='set' from='localhost' to='${bot.domain}'/>`
  const inner = outer.getChild('delegation', NS)!.getChild('forwarded', FORWARD)!.getChildElements()[0]!
  const answer = (iq: string, type = 'result') =>
    bot.send(
      `<iq type='${type}' id='${outer.attrs['id']}' from='${bot.domain}' to='localhost'><delegation xmlns='${NS}'><forwarded xmlns='${FORWARD}'>${iq}</forwarded></delegation></iq>`,
    )
  return { inner, answer }
}

const result = (inner: Element, child = '', over: Record<string, string> = {}) => {
  const attrs = { type: 'result', id: inner.attrs['id'], to: inner.attrs['from'], ...over }
  const text = Object.entries(attrs).map(([name, value]) => ` ${name}='${value}'`)
  return `<iq xmlns='jabber:client'${text.join('')}>${child}</iq>`
}

const answerTo = async (actor: Actor, id: string): Promise<Element> => {
  const answer = await actor.next()
  assert.equal(answer.attrs['id'], id)
  return answer
}

story(
  'What is asked of the host and of accounts in a delegated namespace, the component answers // XEP-0355 §4.2, §4.3',
  async (s) => {
    const bot = await joins(s)
    const romeo = await s.login('romeo/r')
    await s.createAccount('juliet')
    for (const to of ['', `to='localhost'`, `to='romeo@localhost'`, `to='juliet@localhost'`]) {
      romeo.send(`<iq type='get' id='1' ${to}><tune xmlns='${TUNE}'/></iq>`)
      const { inner, answer } = await asked(bot)
      assert.equal(
        serialize(inner).replaceAll('"', "'"),
        `<iq${['type', 'id', 'to', 'from']
          .flatMap((name) => (inner.attrs[name] === undefined ? [] : [`  ${name}='${inner.attrs[name]}'`]))
          .join('')
          .replaceAll('  ', ' ')} xmlns='jabber:client'><tune xmlns='${TUNE}'/></iq>`,
      )
      assert.equal(inner.attrs['from'], romeo.jid)
      answer(result(inner, `<tune xmlns='${TUNE}'>La</tune>`))
      const told = await answerTo(romeo, '1')
      assert.equal(told.attrs['type'], 'result')
      assert.equal(told.attrs['from'] ?? '', to.slice(4, -1))
      assert.equal(told.getChildText('tune', TUNE), 'La')
    }
    // An empty result; and to nobody, as for any request.
    romeo.send(`<iq type='set' id='2' to='localhost'><tune xmlns='${TUNE}'/></iq>`)
    const { inner, answer } = await asked(bot)
    answer(result(inner, '', { from: 'localhost' }))
    assert.equal((await answerTo(romeo, '2')).children.length, 0)
    await romeo.isRefused('service-unavailable')`<iq type='get' to='nobody@localhost'><tune xmlns='${TUNE}'/></iq>`
    // Only with all attributes, of bare addresses, and not what the component itself asks.
    await romeo.isRefused('service-unavailable')`<iq type='get' to='localhost'><query xmlns='${NODE}' node='a'/></iq>`
    await romeo.isRefused('service-unavailable')`<iq type='get' to='juliet@localhost/r'><tune xmlns='${TUNE}'/></iq>`
    await bot.isRefused(
      'service-unavailable',
    )`<iq type='get' from='${BOT}' to='juliet@localhost'><tune xmlns='${TUNE}'/></iq>`
    romeo.send(`<iq type='get' id='3' to='localhost'><query xmlns='${NODE}' node='a' x=''/></iq>`)
    const last = await asked(bot)
    last.answer(result(last.inner))
    await answerTo(romeo, '3')
  },
  options,
)

story(
  'What does not answer the request, an error, silence and absence are all service-unavailable // XEP-0355 §4.3',
  async (s) => {
    const bot = await joins(s)
    const romeo = await s.login('romeo/r')
    const wrong: ((inner: Element) => [iq: string, type?: string])[] = [
      (inner) => [result(inner, '', { id: 'another' })],
      (inner) => [result(inner, '', { to: 'juliet@localhost' })],
      (inner) => [result(inner, '', { from: 'juliet@localhost' })],
      (inner) => [result(inner, '', { type: 'error' })],
      (inner) => [result(inner, '<a/><b/>')],
      (inner) => [result(inner).replace('jabber:client', 'jabber:server')],
      (inner) => [result(inner), 'error'],
      () => ['<message/>'],
      () => [''],
    ]
    for (const build of wrong) {
      romeo.send(`<iq type='get' id='1' to='localhost'><tune xmlns='${TUNE}'/></iq>`)
      const { inner, answer } = await asked(bot)
      answer(...build(inner))
      assert.match(serialize(await answerTo(romeo, '1')), /service-unavailable/)
    }
    romeo.send(`<iq type='get' id='2' to='localhost'><tune xmlns='${TUNE}'/></iq>`)
    await asked(bot)
    await s.advance(30_000)
    assert.match(serialize(await answerTo(romeo, '2')), /service-unavailable/)
    await bot.leaves()
    await romeo.isRefused('service-unavailable')`<iq type='get' to='localhost'><tune xmlns='${TUNE}'/></iq>`
  },
  options,
)

story(
  'Service discovery tells what the component can do // XEP-0355 §7',
  async (s) => {
    const bot = await s.joins(BOT, 's')
    await bot.next()
    for (let i = 0; i < 4; i++) {
      const iq = await bot.next()
      const { node } = iq.getChild('query', INFO)!.attrs
      const child =
        node === `${NS}::${TUNE}`
          ? `<feature var='${TUNE}#host'/>`
          : node === `${NS}:bare:${TUNE}`
            ? `<identity category='tune' type='player'/><feature var='${TUNE}#own'/>`
            : ''
      bot.send(
        `<iq type='result' id='${iq.attrs['id']}' from='${BOT}' to='localhost'><query xmlns='${INFO}' node='${node}'>${child}</query></iq>`,
      )
    }
    await bot.receivesNothing()
    const romeo = await s.login('romeo')
    const host = serialize(await romeo.asks`<iq type='get' to='localhost'><query xmlns='${INFO}'/></iq>`)
    assert.match(host, /urn:example:tune#host/)
    assert.match(host, /"urn:xmpp:delegation:2"/)
    assert.doesNotMatch(host, /tune#own/)
    const account = serialize(await romeo.asks`<iq type='get' to='romeo@localhost'><query xmlns='${INFO}'/></iq>`)
    assert.match(account, /urn:example:tune#own/)
    assert.match(account, /category="tune"/)
  },
  options,
)

const wish = (namespaces: string[], to = 'juliet@localhost', from = BLOG) =>
  `<iq type='get' from='${from}' to='localhost'><query xmlns='${NS}' to='${to}'>${namespaces.map((xmlns) => `<delegate namespace='${xmlns}'/>`).join('')}</query></iq>`

story(
  'A component asks a user, whose yes lets it answer until the user is offline // XEP-0355 §5',
  async (s) => {
    const blog = await s.joins(BLOG, 's')
    const juliet = await s.online('juliet/balcony')
    const romeo = await s.login('romeo')
    await blog.asks`${wish(['urn:example:blog', 'urn:xmpp:ping'])}`
    const form = await juliet.receives`<message from='localhost' to='${juliet.jid}'/>`
    const fields = form.getChild('x', 'jabber:x:data')!.getChildren('field')
    assert.deepEqual(
      fields.slice(2).map((field) => [field.attrs['var'], field.getChildText('value')]),
      [
        ['urn:example:blog', '0'],
        ['urn:xmpp:ping', '0'],
      ],
    )
    const challenge = fields.find(({ attrs }) => attrs['var'] === 'challenge')!.getChildText('value')!
    const submit = (actor: Actor, secret: string) =>
      actor.send(
        `<message to='localhost'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${NS}</value></field><field var='challenge'><value>${secret}</value></field><field var='urn:example:blog'><value>1</value></field></x></message>`,
      )
    // Neither by another nor without the challenge.
    submit(romeo, challenge)
    await romeo.receives`<message type='error'/>`
    submit(juliet, 'guess')
    await juliet.receives`<message type='error'/>`
    await juliet.isRefused('service-unavailable')`<iq type='get'><q xmlns='urn:example:blog'/></iq>`
    submit(juliet, challenge)
    await blog.receives`<message from='localhost' to='${BLOG}'><delegation xmlns='${NS}' to='juliet@localhost'><delegated namespace='urn:example:blog'/></delegation></message>`
    for (const [actor, to] of [
      [juliet, ''],
      [juliet, `to='localhost'`],
      [romeo, `to='juliet@localhost'`],
    ] as const) {
      actor.send(`<iq type='get' id='1' ${to}><q xmlns='urn:example:blog'/></iq>`)
      const { inner, answer } = await asked(blog)
      answer(result(inner))
      await actor.receives`<iq type='result' id='1'/>`
    }
    await romeo.isRefused('service-unavailable')`<iq type='get' to='localhost'><q xmlns='urn:example:blog'/></iq>`
    await juliet.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    await blog.leaves()
    const again = await s.joins(BLOG, 's')
    await again.receives`<message><delegation xmlns='${NS}' to='juliet@localhost'><delegated namespace='urn:example:blog'/></delegation></message>`
    await juliet.disconnects()
    const back = await s.login('juliet')
    await back.isRefused('service-unavailable')`<iq type='get'><q xmlns='urn:example:blog'/></iq>`
    await again.receivesNothing()
  },
  options,
)

story(
  'A component asks for no more than it may, and learns of nobody whether they exist // XEP-0355 §5, §8',
  async (s) => {
    const blog = await s.joins(BLOG, 's')
    const bot = await joins(s)
    const juliet = await s.online('juliet')
    for (const stanza of [
      wish(['urn:xmpp:delegation:2']),
      wish(['urn:example:blog', TUNE]),
      wish(['urn:example:blog'], 'juliet@other.example'),
      wish(['urn:example:blog'], 'localhost'),
      wish(['urn:example:blog'], 'juliet@localhost', `a@${BLOG}`),
    ])
      await blog.isRefused('forbidden')`${stanza}`
    await blog.isRefused('bad-request')`${wish([])}`
    await blog.isRefused('jid-malformed')`${wish(['urn:example:blog'], '@')}`
    await bot.isRefused('forbidden')`${wish(['urn:example:blog'], 'juliet@localhost', BOT)}`
    await juliet.isRefused(
      'forbidden',
    )`<iq type='get' to='localhost'><query xmlns='${NS}' to='juliet@localhost'><delegate namespace='urn:example:blog'/></query></iq>`
    await juliet.receivesNothing()
    await s.createAccount('romeo')
    for (const name of ['romeo', 'nobody']) await blog.asks`${wish(['urn:example:blog'], `${name}@localhost`)}`
    await blog.receivesNothing()
  },
  options,
)
