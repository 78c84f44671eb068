import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const bind = (resource: string) =>
  `<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`

/** A client that has logged in and bound nothing. */
async function loggedIn(s: Parameters<Parameters<typeof story>[1]>[0]) {
  await s.createAccount('romeo', 'password')
  const client = await s.connects()
  await client.opens(s.domain)
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0password')}</auth>`)
  await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
  await client.opens(s.domain)
  return client
}

story('The server chooses a resource that cannot be guessed // RFC 6120 §7.6', async (s) => {
  const [one, other] = [await s.login('romeo'), await s.login('romeo')]
  assert.match(one.resource, /^[\w-]{22}$/)
  assert.notEqual(one.resource, other.resource)
})

story('The client chooses a resource, which is prepared // RFC 6120 §7.7', async (s) => {
  const client = await loggedIn(s)
  const result = await client.asks([bind('orchard café')] as unknown as TemplateStringsArray)
  assert.equal(result.getChild('bind')!.getChildText('jid'), `romeo@${s.domain}/orchard café`)
})

story('A resource that is none is refused and another may be bound // RFC 6120 §7.7.2.1', async (s) => {
  const client = await loggedIn(s)
  await client.isRefused(
    'bad-request',
    'modify',
  )([bind('\u0007'.replace('\u0007', '&#x200E;\u2028'))] as unknown as TemplateStringsArray)
  await client.asks([bind('orchard')] as unknown as TemplateStringsArray)
})

story('A resource in use goes to the newer session // RFC 6120 §7.7.2.2', async (s) => {
  const older = await s.login('romeo/orchard')
  const newer = await s.login('romeo/orchard')
  await older.receivesStreamError('conflict')
  await newer.receivesNothing()
})

story(
  'A resource in use stays with its session where the admin says so // RFC 6120 §7.7.2.2',
  async (s) => {
    const older = await s.login('romeo/orchard')
    const client = await loggedIn2(s)
    await client.isRefused('conflict', 'cancel')([bind('orchard')] as unknown as TemplateStringsArray)
    await older.receivesNothing()
    await client.asks([bind('tomb')] as unknown as TemplateStringsArray)
  },
  { server: { resourceConflict: 'refuse' } },
)

/** Romeo’s account is there already, with the password every story uses. */
async function loggedIn2(s: Parameters<Parameters<typeof story>[1]>[0]) {
  const client = await s.connects()
  await client.opens(s.domain)
  client.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0wherefore art thou')}</auth>`,
  )
  await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
  await client.opens(s.domain)
  return client
}

story(
  'An account has a limit of sessions // RFC 6120 §7.6.2.1',
  async (s) => {
    await s.login('romeo/one')
    await s.login('romeo/two')
    const client = await loggedIn2(s)
    await client.isRefused('resource-constraint', 'wait')([bind('three')] as unknown as TemplateStringsArray)
  },
  { server: { limits: { sessionsPerAccount: 2 } } },
)
