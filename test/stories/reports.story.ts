import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const NS = 'urn:xmpp:blocking'
const REPORTING = 'urn:xmpp:reporting:1'
const report = (reason: string, more = '') =>
  `<report xmlns='${REPORTING}' reason='urn:xmpp:reporting:${reason}'>${more}</report>`

// XEP-0377 §2, §3, §5: "MUST block the JID or return an error just as they would if no report were present"
story(
  'Juliet blocks and reports: admins hear of it, her other clients of the block only',
  async (s) => {
    const run = (name: string, ...args: string[]) => s.bed.server.commands.run(name, [s.domain, ...args])
    const nurse = await s.online('nurse/kitchen')
    const juliet = await s.online('juliet/balcony')
    const chamber = await s.login('juliet/chamber')
    await chamber.asks`<iq type='get'><blocklist xmlns='${NS}'/></iq>`
    const info =
      await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
    assert.ok(
      info
        .getChild('query')
        ?.getChildren('feature')
        .some(({ attrs }) => attrs['var'] === REPORTING),
    )
    await juliet.asks`<iq type='set'><block xmlns='${NS}'><item jid='paris@verona.example'>${report('spam', "<text xml:lang='en'>Buy my pills</text><third-party/>")}</item><item jid='tybalt@verona.example'/></block></iq>`
    await chamber.receives`<iq type='set' id='*'><block xmlns='${NS}'><item jid='paris@verona.example'/><item jid='tybalt@verona.example'/></block></iq>`
    const notice = await nurse.receives`<message from='${s.domain}'><subject>Reports of abuse</subject></message>`
    assert.match(notice.getChildText('body')!, /spam {2}paris@verona\.example, by juliet@.*“Buy my pills”/)
    // XEP-0377 §4: only what its author lets others have, and not the author.
    const shared =
      await nurse.receives`<message from='${s.domain}'><report xmlns='${REPORTING}' reason='urn:xmpp:reporting:spam'><jid xmlns='urn:xmpp:jid:0'>paris@verona.example</jid><text xml:lang='en'>Buy my pills</text></report></message>`
    assert.doesNotMatch(shared.toString(), /juliet/)

    await juliet.asks`<iq type='set'><block xmlns='${NS}'><item jid='benvolio@verona.example'>${report('abuse', "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@example.org' id='17'/>")}</item></block></iq>`
    // A report without a reason is none, and past the limit none is kept; both block.
    await juliet.asks`<iq type='set'><block xmlns='${NS}'><item jid='a.example'><report xmlns='${REPORTING}'/></item><item jid='b.example'>${report('spam')}</item></block></iq>`
    const list = await juliet.asks`<iq type='get'><blocklist xmlns='${NS}'/></iq>`
    assert.equal(list.getChild('blocklist', NS)?.getChildren('item').length, 5)
    // Admins are told no more than once a minute.
    await nurse.receivesNothing()
    await s.advance(60_000)
    const later = await nurse.receives`<message from='${s.domain}'/>`
    assert.match(later.getChildText('body')!, /abuse {2}benvolio@verona\.example/)
    assert.doesNotMatch(later.toString(), /paris|b\.example/)

    const [second, first] = await run('report list')
    assert.match(second!, /^\d+ {2}.* {2}abuse {2}benvolio@verona\.example, by juliet@/)
    const number = /^\d+/.exec(second!)![0]
    assert.match((await run('report show', number)).join('\n'), /message: 17 in the archive of juliet@example\.org/)
    assert.deepEqual(await run('report dismiss', number), [`Dismissed report ${number}.`])
    assert.deepEqual(await run('report list'), [first])
    assert.match((await run('report list', 'all'))[0]!, /, dismissed/)
    await assert.rejects(run('report dismiss', number), /There is no open report/)
    await assert.rejects(run('report show', 'x'), /There is no report x/)
    await assert.rejects(run('report list', 'some'), /Say open or all/)

    // A day later there is room for another; the account’s end leaves the reports, without its name.
    await s.advance(86_400_000)
    await juliet.asks`<iq type='set'><block xmlns='${NS}'><item jid='c.example'>${report('spam')}</item></block></iq>`
    assert.equal((await run('report list')).length, 2)
    const costOf = async (count: number) => {
      const items = Array.from({ length: count }, (_, i) => `<item jid='d${i}.example'>${report('spam')}</item>`)
      const before = s.database.queries
      await juliet.asks`<iq type='set'><block xmlns='${NS}'>${items.join('')}</block></iq>`
      return s.database.queries - before
    }
    const few = await costOf(2)
    assert.ok((await costOf(100)) <= few + 2, 'each report past the limit costs something')
    await s.host.deleteAccount('juliet')
    assert.match((await run('report list'))[1]!, /by an account that is deleted/)
    assert.doesNotMatch((await run('report list', 'all')).join(), /juliet@localhost/)
  },
  {
    server: { admins: [] },
    modules: { reports: { maxPerDay: 2, admins: ['nurse@localhost'], forwardTo: ['nurse@localhost'] } },
  },
)
