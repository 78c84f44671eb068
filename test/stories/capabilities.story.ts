import assert from 'node:assert/strict'
import { readInfo, verificationString } from '../../modules/capabilities/verification.ts'
import { type Story, story } from '../support/story.ts'

const NS = 'http://jabber.org/protocol/caps'
const INFO = 'http://jabber.org/protocol/disco#info'

/** Logs in as far as the second features, and returns them. */
async function features(s: Story) {
  await s.createAccount('romeo', 'wherefore')
  const romeo = await s.connects()
  const before = await romeo.opens(s.domain)
  romeo.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0wherefore')}</auth>`)
  await romeo.next()
  return { before, after: await romeo.opens(s.domain) }
}

// XEP-0115 §6.3
story(
  'What is announced after login is the hash of what the server answers',
  async (s) => {
    const { before, after } = await features(s)
    assert.equal(before.getChild('c', NS), undefined)
    const { hash, node, ver } = after.getChild('c', NS)!.attrs
    assert.equal(hash, 'sha-1')
    const juliet = await s.login('juliet')
    const plain = await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}'/></iq>`
    assert.equal(verificationString(readInfo(plain.getChild('query', INFO)!)!), ver)
    // XEP-0115 §6.2
    const query = (
      await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}' node='${node}#${ver}'/></iq>`
    ).getChild('query', INFO)!
    assert.equal(query.attrs['node'], `${node}#${ver}`)
    assert.equal(verificationString(readInfo(query)!), ver)
  },
  { modules: { 'contact-addresses': { support: ['mailto:b@verona.example', 'mailto:a@verona.example'] } } },
)

story('Another version is not found', async (s) => {
  const { after } = await features(s)
  const node = after.getChild('c', NS)!.attrs['node']
  const juliet = await s.login('juliet')
  await juliet.isRefused(
    'item-not-found',
  )`<iq type='get' to='${s.domain}'><query xmlns='${INFO}' node='${node}#AAAA'/></iq>`
})
