import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, parseDocument, type Sealed } from '#api'
import { copyReceived, setCarbons } from '../../../../modules/carbons/copies.ts'
import { StanzaEvent } from '../../../../src/pipeline/stanza-event.ts'
import { heapGrowth } from '../../../support/heap.ts'
import { Stage } from '../../session/stage.ts'

const ROMEO = Jid.parse('romeo@verona.example/orchard')

test('what is remembered of copied messages keeps nothing of what came in with them', async () => {
  const stage = new Stage()
  const balcony = await stage.session('juliet', 'balcony', 0)
  const phone = await stage.session('juliet', 'phone')
  setCarbons(phone.session, true)
  const spaces = ' '.repeat(50_000)
  const { jid, user } = balcony.session
  const receive = (n: number) => {
    const message = parseDocument(
      `<message id='an id that is long ${n}' type='chat'${spaces}><body>Hi</body></message>`,
    )
    copyReceived(new StanzaEvent(message, 'message', 'chat', ROMEO, jid, true, null, stage.host, user) as Sealed)
  }
  const growth = heapGrowth(() => {
    for (let n = 0; n < 100; n++) receive(n)
    assert.equal(phone.heard.length, 100)
    phone.heard.length = 0
  })
  assert.ok(growth < 1_000_000, `${growth} bytes for 100 messages`)
})
