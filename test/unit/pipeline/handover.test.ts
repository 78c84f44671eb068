import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, parseDocument } from '../../../src/api.ts'
import { Handover } from '../../../src/pipeline/handover.ts'
import { StanzaEvent } from '../../../src/pipeline/stanza-event.ts'
import { Stage } from '../session/stage.ts'

function event(sinceMs?: number): StanzaEvent {
  const stanza = parseDocument(`<message id='1' from='romeo@verona.example/a' to='juliet@verona.example'/>`)
  const from = Jid.parse('romeo@verona.example/a')
  const to = Jid.parse('juliet@verona.example')
  const { host } = new Stage()
  return new StanzaEvent(stanza, 'message', 'normal', from, to, true, null, host, undefined, sinceMs)
}

test('a handover that one client gives up is settled by the last of them', () => {
  const handover = new Handover('<message/>', 0)
  for (let i = 0; i < 3; i++) handover.hold()
  assert.equal(handover.giveUp(), false)
  assert.equal(handover.giveUp(), false)
  assert.equal(handover.giveUp(), true)
})

test('a handover that one client has acknowledged is nobody’s any more, whatever the order', () => {
  const first = new Handover('<message/>', 0)
  first.hold()
  first.hold()
  first.acknowledge()
  assert.equal(first.reached, true)
  assert.equal(first.giveUp(), false)
  const last = new Handover('<message/>', 0)
  last.hold()
  last.hold()
  assert.equal(last.giveUp(), false)
  last.acknowledge()
  assert.equal(last.reached, true)
})

test('all who are handed one event share one handover, with its text and time', () => {
  const e = event()
  assert.equal(e.handover(), e.handover())
  assert.equal(e.handover().text, e.wire.text())
  assert.ok(Math.abs(e.handover().sinceMs - e.host.clock.now()) < 10_000)
})

test('what comes back from a client keeps the time when it was first handed over', () => {
  assert.equal(event(1234).handover().sinceMs, 1234)
})

test('a client that acknowledges nothing settles the handover, before and after it is made', () => {
  const before = event()
  before.reached()
  before.handover().hold()
  assert.equal(before.handover().giveUp(), false)
  const after = event()
  after.handover().hold()
  after.reached()
  assert.equal(after.handover().giveUp(), false)
})
