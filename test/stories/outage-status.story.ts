import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

// XEP-0455 §2.1, XEP-0128, XEP-0068 §3.1
story(
  'People are told of an outage, and of where they learn of the next',
  async (s) => {
    const run = (name: string, ...args: string[]) => s.bed.server.commands.run(`outage ${name}`, [s.domain, ...args])
    const juliet = await s.online('juliet/balcony')
    const away = await s.login('juliet/chamber')
    const info =
      await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
    const form = info
      .getChild('query')!
      .getChildren('x', 'jabber:x:data')
      .find((x) => x.getChildren('field').some((field) => field.getChildText('value') === 'urn:xmpp:sos:0'))!
    assert.equal(form.attrs['type'], 'result')
    const [first] = form.getChildren('field')
    assert.deepEqual([first?.attrs['var'], first?.attrs['type']], ['FORM_TYPE', 'hidden'])
    const field = form.getChildren('field').find(({ attrs }) => attrs['var'] === 'external-status-addresses')!
    assert.equal(field.getChildText('value'), 'https://status.example.org/1.json')

    assert.deepEqual(await run('show'), ['No outage is announced.'])
    await assert.rejects(run('end'), /No outage is announced/)
    assert.deepEqual(await run('announce', 'ongoing', 'now', '1h', 'Fire'), ['Announced; 1 client was told.'])
    const told = await juliet.receives`<message from='${s.domain}' to='${juliet.jid}' type='headline'/>`
    assert.match(told.getChildText('body')!, /^Outage from .* until .*: Fire$/)
    await away.receivesNothing()
    await run('translate', 'de', 'Feuer')
    assert.match((await run('show'))[1]!, /"message":\{"default":"Fire","de":"Feuer"\}/)
    const document = async () => (await s.fetch('/outage.json')).json()
    assert.deepEqual(((await document()) as { message: object }).message, { default: 'Fire', de: 'Feuer' })
    await s.advance(3_600_000)
    assert.deepEqual(await run('show'), ['No outage is announced.'])
    assert.deepEqual(await document(), {})
    await run('announce', 'planned', '2h', 'unknown', 'Moving')
    await juliet.receives`<message type='headline'/>`
    await run('end')
    await juliet.receivesNothing()
  },
  { modules: { 'outage-status': { addresses: ['https://status.example.org/1.json'] } } },
)
