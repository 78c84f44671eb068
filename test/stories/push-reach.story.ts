import assert from 'node:assert/strict'
import { AppServer, enable, isDealtWith, service, withService } from '../support/app-server.ts'
import { restartStory } from '../support/restart.ts'
import { drain, story } from '../support/story.ts'
import { enables, message, resumes } from '../support/stream-management.ts'

const carbons = "<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>"

story(
  'What a phone has not acknowledged when its connection is lost wakes it, counted; so does all that comes while it rests',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    const token = await enables(phone)
    const romeo = await s.online('romeo/orchard')
    for (const n of ['1', '2', '3']) await romeo.sends`${message(phone.bare, n)}`
    await romeo.sends`<message to='${phone.bare}' type='chat'><gone xmlns='http://jabber.org/protocol/chatstates'/></message>`
    for (let n = 0; n < 4; n++) await phone.receives`<message/>`
    await app.hearsNothing(s, romeo)
    await phone.cuts()
    assert.equal((await app.notified()).summary['message-count'], '3')
    await s.advance(5_000)
    await romeo.sends`${message(phone.bare, '4')}`
    assert.equal((await app.notified()).summary['message-count'], '4')
    await s.advance(5_000)
    const back = await resumes(s, phone, token, 0)
    for (let n = 0; n < 5; n++) await back.receives`<message/>`
    back.send("<a xmlns='urn:xmpp:sm:3' h='5'/>")
    await drain(back)
    // Nothing waits for it now.
    await back.cuts()
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  withService,
)

story(
  'A copy that a phone has not acknowledged wakes it, one of what its owner has sent does not // XEP-0280',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    const desk = await s.online('juliet/desk')
    await drain(phone)
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.asks`${carbons}`
    const token = await enables(phone)
    const romeo = await s.online('romeo/orchard')
    await desk.sends`${message(romeo.jid, 'sent')}`
    await isDealtWith(s, desk)
    await phone.cuts()
    await app.hearsNothing(s, romeo)
    const back = await resumes(s, phone, token, 0)
    await romeo.sends`${message(desk.jid, 'received')}`
    await isDealtWith(s, romeo)
    await back.cuts()
    assert.equal((await app.notified()).summary['message-count'], '1')
    app.leaves()
  },
  withService,
)

story(
  'A device that is connected is woken when nobody looks at it, if the admin says so; what was counted is read when somebody does',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    const romeo = await s.online('romeo/orchard')
    for (let round = 0; round < 2; round++) {
      await romeo.sends`${message(phone.bare, 'seen')}`
      await phone.receives`<message/>`
      await app.hearsNothing(s, romeo)
      phone.send("<inactive xmlns='urn:xmpp:csi:0'/>")
      await drain(phone)
      await romeo.sends`${message(phone.bare, 'unseen')}`
      assert.equal((await app.notified()).summary['message-count'], '1')
      phone.send("<active xmlns='urn:xmpp:csi:0'/>")
      await drain(phone)
      await s.advance(5_000)
    }
    app.leaves()
  },
  { ...withService, modules: { push: { wakeInactive: true } } },
)

story(
  'An inactive device that is connected is not woken unless the admin says so',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    phone.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    await drain(phone)
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`${message(phone.bare, 'Hi')}`
    await phone.receives`<message/>`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  withService,
)

story(
  'A room’s message wakes the device that is in the room, and no other',
  async (s) => {
    const app = await AppServer.join(s)
    const [phone, tablet] = [await s.online('juliet/phone'), await s.online('juliet/tablet')]
    await drain(phone)
    await phone.asks`<iq type='set'>${enable('phone')}</iq>`
    await tablet.asks`<iq type='set'>${enable('tablet')}</iq>`
    await enables(phone)
    await phone.cuts()
    await tablet.disconnects()
    const romeo = await s.online('romeo/orchard')
    await romeo.sends`${message(phone.jid, 'Hi', 'groupchat')}`
    assert.equal((await app.notified()).node, 'phone')
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  withService,
)

story(
  'Only the app server answers for itself: no other sender, no wrong id, none too late',
  async (s) => {
    const app = await AppServer.join(s)
    const phone = await s.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    const romeo = await s.online('romeo/orchard')
    for (let round = 0; round < 2; round++) {
      await romeo.sends`${message(phone.bare, 'Hi')}`
      const { id } = (await app.asked()).attrs
      await romeo.sends`<iq type='result' id='${id}' to='${phone.bare}'/>`
      for (const [from, answered] of [
        [`other@${service}`, id],
        [`${service}/other`, id],
        [service, 'other'],
      ])
        app.component.send(`<iq type='result' id='${answered}' from='${from}' to='${phone.bare}'/>`)
      await app.hearsNothing(s, romeo)
      await s.advance(31_000)
      app.component.send(`<iq type='result' id='${id}' from='${service}' to='${phone.bare}'/>`)
      await app.hearsNothing(s, romeo)
    }
    await romeo.sends`${message(phone.bare, 'Hi')}`
    await app.hearsNothing(s, romeo)
    app.leaves()
  },
  { ...withService, modules: { push: { maxErrors: 2 } } },
)

story(
  'An app server that is the account itself, somebody else, the server or nobody gets nothing going, and is given up',
  async (s) => {
    const [phone, desk] = [await s.online('juliet/phone'), await s.online('juliet/desk')]
    const romeo = await s.online('romeo/orchard')
    await drain(phone)
    await phone.isRefused('not-allowed')`<iq type='set'>${enable('x', '', phone.bare)}</iq>`
    const people = [phone.jid, romeo.bare, 'nobody@localhost', s.domain, `${s.domain}/x`, 'elsewhere.example']
    for (const jid of people) await phone.asks`<iq type='set'>${enable('&lt;n a=&apos;&amp;&apos;/&gt;', '', jid)}</iq>`
    await phone.disconnects()
    await drain(desk)
    for (let n = 0; n < 3; n++) {
      await romeo.sends`${message(phone.bare, 'Hi')}`
      await desk.receives`<message/>`
      await s.advance(5_000)
    }
    for (const actor of [romeo, desk]) await actor.receivesNothing()
    while ((await s.database.knex('push_registrations').select('service')).length > 0);
  },
  { modules: { push: { maxErrors: 2 } } },
)

restartStory(
  'A restart of the server, in order or not, forgets no device // XEP-0357 §5',
  async (r) => {
    const before = await r.starts()
    const phone = await before.online('juliet/phone')
    await phone.asks`<iq type='set'>${enable('old')}</iq>`
    await r.stops()
    const between = await r.starts()
    const tablet = await between.online('juliet/tablet')
    await tablet.asks`<iq type='set'>${enable('new')}</iq>`
    const after = await r.starts()
    const app = await AppServer.join(after)
    const romeo = await after.online('romeo/orchard')
    await romeo.sends`${message('juliet@localhost', 'Hi')}`
    assert.deepEqual([(await app.notified()).node, (await app.notified()).node], ['old', 'new'])
    app.leaves()
  },
  withService,
)
