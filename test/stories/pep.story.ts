import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const NS = 'http://jabber.org/protocol/pubsub'

story('What Romeo publishes reaches those who see his presence and want to hear of it // XEP-0163 §3', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await juliet.sends`<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='test' ver='nonsense='/></presence>`
  const ask = await juliet.receives`<iq type='get' from='${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info' node='test#nonsense='/></iq>`
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await juliet.sends`<iq type='result' to='${s.domain}' id='${ask.attrs['id']}'><query xmlns='http://jabber.org/protocol/disco#info' node='test#nonsense='><identity category='client' type='pc'/><feature var='urn:moods+notify'/></query></iq>`
  await s.befriend(romeo, juliet)
  const result =
    await romeo.asks`<iq type='set'><pubsub xmlns='${NS}'><publish node='urn:moods'><item id='current'><mood xmlns='urn:moods'>happy</mood></item></publish></pubsub></iq>`
  assert.equal(result.getChild('pubsub', NS)?.getChild('publish')?.getChild('item')?.attrs['id'], 'current')
  await juliet.receives`<message from='${romeo.bare}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:moods'><item id='current'><mood xmlns='urn:moods'>happy</mood></item></items></event></message>`
  await romeo.receivesNothing()
  await juliet.asks`<iq type='get' to='${romeo.bare}'><pubsub xmlns='${NS}'><items node='urn:moods'/></pubsub></iq>`
  const nurse = await s.online('nurse/house')
  await nurse.isRefused('service-unavailable')`<iq type='get' to='${romeo.bare}'><pubsub xmlns='${NS}'><items node='urn:moods'/></pubsub></iq>`
})
