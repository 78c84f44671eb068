import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Jid } from '../../../src/api.ts'
import { checkShape } from '../../../src/pipeline/classify.ts'
import { StanzaEvent, type StanzaKind } from '../../../src/pipeline/stanza-event.ts'
import { deliverLocally } from '../../../src/routing/local-delivery.ts'
import { Stage, type StageStream, stanza } from '../session/stage.ts'

const stage = new Stage()
const juliet = new Map<string, StageStream>()
before(async () => {
  // What each resource announced: a priority, or `null` for nothing.
  const resources = { balcony: 5, chamber: 0, secret: -1, silent: null }
  for (const [resource, priority] of Object.entries(resources))
    juliet.set(resource, await stage.session('juliet', resource, priority))
  await stage.session('nurse', 'secret', -1)
})

/** Delivers a stanza; says what became of it and which resources of Juliet's heard it. */
function deliver(text: string): string {
  for (const stream of juliet.values()) stream.heard.length = 0
  const el = stanza(text)
  const kind = el.name as StanzaKind
  const to = Jid.parse(el.attrs['to']!)
  const from = Jid.parse('romeo@verona.example/orchard')
  const user = stage.host.user(to)
  const event = new StanzaEvent(el, kind, checkShape(el, kind), from, to, true, null, stage.host, user)
  const outcome = deliverLocally(event)
  const heard = [...juliet].filter(([, stream]) => stream.heard.length > 0).map(([resource]) => resource)
  for (const [, stream] of juliet) assert.ok(stream.heard.length <= 1)
  return [outcome, ...heard].join(' ')
}

const ID = `id='1'`
const Q = '<query xmlns="x"/>'
/** Rows of RFC 6121 §8.5.4: the stanza without its `to`, and what becomes of it at the account and at a lost resource. */
const rows: readonly (readonly [string, string, { bare: string; away: string; lost: string; stranger: string }])[] = [
  [
    'message',
    `type='chat'`,
    { bare: 'delivered balcony chamber', away: 'stranded', lost: 'delivered balcony chamber', stranger: 'stranded' },
  ],
  [
    'message',
    '',
    { bare: 'delivered balcony chamber', away: 'stranded', lost: 'delivered balcony chamber', stranger: 'stranded' },
  ],
  [
    'message',
    `type='headline'`,
    { bare: 'delivered balcony chamber', away: 'ignored', lost: 'ignored', stranger: 'ignored' },
  ],
  ['message', `type='groupchat'`, { bare: 'refused', away: 'refused', lost: 'refused', stranger: 'refused' }],
  ['message', `type='error'`, { bare: 'ignored', away: 'ignored', lost: 'ignored', stranger: 'ignored' }],
  [
    'presence',
    '',
    { bare: 'delivered balcony chamber secret', away: 'delivered', lost: 'ignored', stranger: 'delivered' },
  ],
  [
    'presence',
    `type='unavailable'`,
    { bare: 'delivered balcony chamber secret', away: 'delivered', lost: 'ignored', stranger: 'delivered' },
  ],
  ['iq', `type='get' ${ID}`, { bare: 'refused', away: 'refused', lost: 'refused', stranger: 'refused' }],
  ['iq', `type='set' ${ID}`, { bare: 'refused', away: 'refused', lost: 'refused', stranger: 'refused' }],
  ['iq', `type='result' ${ID}`, { bare: 'ignored', away: 'ignored', lost: 'ignored', stranger: 'ignored' }],
  ['iq', `type='error' ${ID}`, { bare: 'ignored', away: 'ignored', lost: 'ignored', stranger: 'ignored' }],
]

for (const [name, attributes, expected] of rows)
  describe(`<${name} ${attributes}/>`, () => {
    const to = (address: string) => `<${name} ${attributes} to='${address}@verona.example'>${Q}</${name}>`
    const full = (address: string, resource: string) => to(address).replace(".example'", `.example/${resource}'`)
    test('to an account with available resources // RFC 6121 §8.5.2.1', () =>
      assert.equal(deliver(to('juliet')), expected.bare))
    test('to an account whose resources want none // RFC 6121 §8.5.2.1', () =>
      assert.equal(deliver(to('nurse')), expected.away))
    test('to an account without resources, or that does not exist // RFC 6121 §8.5.1, §8.5.2.2', () =>
      assert.equal(deliver(to('tybalt')), expected.stranger))
    test('to a resource that is there, available or not // RFC 6121 §8.5.3.1', () => {
      for (const resource of juliet.keys()) assert.equal(deliver(full('juliet', resource)), `delivered ${resource}`)
    })
    test('to a resource that is not // RFC 6121 §8.5.3.2', () =>
      assert.equal(deliver(full('juliet', 'tomb')), expected.lost))
  })

test('a resource differs by case // RFC 7622 §3.4', () => {
  assert.equal(deliver(`<presence to='juliet@verona.example/Balcony'/>`), 'ignored')
})

test('every resource gets the text as it was addressed', () => {
  deliver(`<message type='chat' to='juliet@verona.example'><body>a &amp; b</body></message>`)
  assert.match(juliet.get('balcony')!.heard[0]!, / to="juliet@verona\.example".*<body>a &amp; b<\/body>/)
})
