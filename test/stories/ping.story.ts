import { story } from '../support/story.ts'

// XEP-0199 §4.2
story('The server answers a ping', async (s) => {
  const romeo = await s.login('romeo')
  const pong = await romeo.asks`<iq type='get' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
  if (pong.children.length > 0) throw new Error('a pong is empty')
})

story('The server answers for an account', async (s) => {
  const romeo = await s.login('romeo')
  await romeo.asks`<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>`
  await romeo.asks`<iq type='get' to='${romeo.bare}'><ping xmlns='urn:xmpp:ping'/></iq>`
})

// XEP-0199 §4.4
story('A ping between clients reaches the client', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await romeo.sends`<iq type='get' id='p1' to='${juliet.jid}'><ping xmlns='urn:xmpp:ping'/></iq>`
  await juliet.receives`<iq type='get' id='p1' from='${romeo.jid}'><ping xmlns='urn:xmpp:ping'/></iq>`
  await juliet.sends`<iq type='result' id='p1' to='${romeo.jid}'/>`
  await romeo.receives`<iq type='result' id='p1' from='${juliet.jid}'/>`
})

// RFC 6121 §8.5.1
story('A ping to an account of somebody else, or of nobody, is refused', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.online('juliet')
  for (const to of [juliet.bare, await s.createAccount('paris'), `nobody@${s.domain}`])
    await romeo.isRefused('service-unavailable')`<iq type='get' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`
})
