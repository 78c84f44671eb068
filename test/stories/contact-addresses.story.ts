import assert from 'node:assert/strict'
import { type Story, story } from '../support/story.ts'

const INFO = 'http://jabber.org/protocol/disco#info'
const FORMS = 'jabber:x:data'

async function addresses(s: Story): Promise<Record<string, string[]> | undefined> {
  const romeo = await s.login('romeo')
  const result = await romeo.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}'/></iq>`
  const form = result.getChild('query', INFO)!.getChild('x', FORMS)
  return (
    form &&
    Object.fromEntries(
      form.getChildren('field').map((f) => [f.attrs['var']!, f.getChildren('value').map((v) => v.getText())]),
    )
  )
}

// XEP-0157 §3
story(
  'The server tells the addresses its admin gave, and no others',
  async (s) => {
    assert.deepEqual(await addresses(s), {
      FORM_TYPE: ['http://jabber.org/network/serverinfo'],
      'abuse-addresses': ['mailto:abuse@verona.example', 'xmpp:prince@verona.example'],
      'status-addresses': ['https://status.verona.example'],
    })
  },
  {
    modules: {
      'contact-addresses': {
        abuse: ['mailto:abuse@verona.example', 'xmpp:prince@verona.example'],
        status: ['https://status.verona.example'],
      },
    },
  },
)

story('Without addresses there is no form', async (s) => {
  assert.equal(await addresses(s), undefined)
})

story(
  'The admins of the server are its admin addresses',
  async (s) => {
    assert.deepEqual((await addresses(s))?.['admin-addresses'], ['xmpp:escalus@verona.example'])
  },
  { server: { admins: ['escalus@verona.example'] } },
)

story(
  'Admin addresses of its own go before those',
  async (s) => {
    assert.deepEqual((await addresses(s))?.['admin-addresses'], ['mailto:prince@verona.example'])
  },
  {
    server: { admins: ['escalus@verona.example'] },
    modules: { 'contact-addresses': { admin: ['mailto:prince@verona.example'] } },
  },
)
