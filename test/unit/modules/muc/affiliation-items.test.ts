import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWishes } from '../../../../modules/muc/features/administration.ts'
import { parseDocument, StanzaError } from '../../../../src/api.ts'

const query = (inside: string) => parseDocument(`<query xmlns='http://jabber.org/protocol/muc#admin'>${inside}</query>`)

test('items say what is to become of whom // XEP-0045 §17.4', () => {
  const inside = `<item nick='Romeo' role='none'><reason>Avaunt!</reason></item>
    <item jid='Tybalt@Capulet.example/square' affiliation='member' nick='Cat'/>
    <item jid='capulet.example' affiliation='outcast'><reason/></item>`
  assert.deepEqual(readWishes(query(inside)), [
    { role: 'none', nick: 'Romeo', jid: undefined, reason: 'Avaunt!' },
    { affiliation: 'member', jid: 'tybalt@capulet.example', nick: 'Cat' },
    { affiliation: 'outcast', jid: 'capulet.example', nick: undefined },
  ])
})

test('items that say nothing, or too much, are refused // XEP-0045 §17.4', () => {
  for (const [inside, condition] of [
    ['', 'bad-request'],
    ["<item xmlns='urn:other' nick='Romeo' role='none'/>", 'bad-request'],
    ["<item nick='Romeo'/>", 'bad-request'],
    ["<item role='none'/>", 'bad-request'],
    ["<item nick='Romeo' role='none' affiliation='none'/>", 'bad-request'],
    ["<item nick='Romeo' role='king'/>", 'bad-request'],
    ["<item jid='romeo@verona' affiliation='king'/>", 'bad-request'],
    ["<item jid='@verona' affiliation='member'/>", 'jid-malformed'],
    ["<item jid='' affiliation='outcast'/>", 'jid-malformed'],
    ["<item jid='verona.example' affiliation='owner'/>", 'not-acceptable'],
  ] as const)
    assert.throws(
      () => readWishes(query(inside)),
      (error) => error instanceof StanzaError && error.condition === condition,
      inside,
    )
})
