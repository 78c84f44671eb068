import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientCapabilities } from '../../../../modules/capabilities/clients.ts'
import { type Element, type Host, parseDocument, type Session, Slots } from '../../../../src/api.ts'

/** A host whose clients answer when the test says so. */
function stage() {
  const answers: (() => void)[] = []
  const host = {
    domain: 'localhost',
    hooks: { notify() {} },
    request: () =>
      new Promise<Element>((resolve) =>
        answers.push(() => resolve(parseDocument(`<iq type='error' xmlns='jabber:client'/>`))),
      ),
  }
  const session = { address: 'romeo@localhost/orchard', live: true, slots: new Slots() }
  return {
    clients: new ClientCapabilities(host as unknown as Host),
    session: session as unknown as Session & { live: boolean },
    async answer(): Promise<void> {
      for (const one of answers.splice(0)) one()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const presence = (ver: string, hash = 'sha-1'): Element =>
  parseDocument(
    `<presence xmlns='jabber:client'><c xmlns='http://jabber.org/protocol/caps' hash='${hash}' node='urn:test' ver='${ver}'/></presence>`,
  )

for (const hash of ['sha-1', 'none'])
  test(`a client that announces one thing after the other leaves nothing behind (${hash})`, async () => {
    const { clients, session, answer } = stage()
    for (let i = 0; i < 100; i++) clients.announced(session, presence(`v${i}`, hash))
    // What it is being asked, and what it has announced last.
    assert.equal(clients.inquiries, 2)
    await answer()
    assert.equal(clients.inquiries, 1)
    await answer()
    assert.equal(clients.inquiries, 0)
  })

test('a client that has gone before it could be asked leaves nothing behind', async () => {
  const { clients, session, answer } = stage()
  clients.announced(session, presence('v1'))
  clients.announced(session, presence('v2'))
  assert.equal(clients.inquiries, 2)
  session.live = false
  await answer()
  assert.equal(clients.inquiries, 0)
})
