import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const NS = 'urn:ietf:params:xml:ns:xmpp-session'

// RFC 6121 §1.4
story('A client from before RFC 6120 gets its session, which does nothing', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await romeo.asks`<iq type='set'><session xmlns='${NS}'/></iq>`
  await romeo.asks`<iq type='set' to='${s.domain}'><session xmlns='${NS}'/></iq>`
})

story('A newer client is told that it may do without', async (s) => {
  await s.createAccount('romeo', 'wherefore')
  const romeo = await s.connects()
  const before = await romeo.opens(s.domain)
  assert.equal(before.getChild('session', NS), undefined)
  romeo.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0wherefore')}</auth>`)
  await romeo.next()
  const after = await romeo.opens(s.domain)
  assert.ok(after.getChild('session', NS)?.getChild('optional', NS))
})

story("Nobody opens another's session", async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await romeo.isRefused('service-unavailable')`<iq type='set' to='${juliet.bare}'><session xmlns='${NS}'/></iq>`
})
