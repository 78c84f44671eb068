import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandDesk } from '../../../../modules/ad-hoc/command-desk.ts'
import type { AdHocCommand, Filled } from '../../../../modules/ad-hoc/hooks.ts'
import { NS_COMMANDS, note } from '../../../../modules/ad-hoc/index.ts'
import { dataForm, type Element, Jid, parseDocument, StanzaError, xml } from '../../../../src/api.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

interface Asker {
  readonly from: Jid
}
const romeo: Asker = { from: Jid.parse('romeo@verona.example/orchard') }
const juliet: Asker = { from: Jid.parse('juliet@verona.example/balcony') }
const TO = 'verona.example'

const service = {
  var: 'service',
  type: 'list-single',
  required: true,
  options: [{ value: 'httpd' }, { value: 'ftpd' }],
} as const
const state = { var: 'state', type: 'boolean', values: ['0'] } as const

/** What the commands were run with. */
const ran: Record<string, readonly string[]>[] = []
const keep = (filled: Filled) => void ran.push(Object.fromEntries(filled))

const commands: AdHocCommand<Asker>[] = [
  {
    node: 'config',
    name: 'Configure',
    stages: [
      () => dataForm('form', 'urn:x', [service]),
      (_, filled) => dataForm('form', 'urn:x', [state], { title: filled.get('service')![0]! }),
    ],
    run: (filled) => {
      keep(filled)
      return `Configured ${filled.get('service')}.`
    },
  },
  { node: 'list', name: 'List', run: () => [note('Mind the gap.', 'warn'), dataForm('result', 'urn:x', [])] },
  { node: 'own', name: 'Own', may: ({ from }) => from.local === 'juliet', run: () => {} },
  { node: 'hidden', name: 'Hidden', isListed: false, run: () => {} },
  {
    node: 'one',
    name: 'One',
    stages: [
      () =>
        dataForm('form', 'urn:x', [
          { var: 'jids', type: 'jid-multi', required: true },
          { var: 'text', type: 'text-multi' },
          { var: 'more', type: 'list-multi', options: [{ value: 'a' }, { value: 'b' }] },
        ]),
    ],
    run: (filled) => {
      if (filled.get('text')?.[0] === 'fail') throw new StanzaError('conflict', 'No.')
      keep(filled)
    },
  },
]

function stage(bounds = { timeout: 60_000, perAccount: 3 }) {
  ran.length = 0
  const clock = new FakeClock()
  const desk = new CommandDesk(() => commands, bounds, clock)
  const give = async (who: Asker, attrs: Record<string, string | undefined>, form?: Element, to = TO) =>
    await desk.carryOut(parseDocument(xml('command', { xmlns: NS_COMMANDS, ...attrs }, form).toString()), who, to)
  const begin = async (node = 'config', who = romeo) => (await give(who, { node })).attrs['sessionid']!
  return { clock, desk, give, begin }
}

function filledIn(values: Record<string, string | readonly string[]>, attrs = {}): Element {
  const fields = Object.entries(values).map(([name, value]) =>
    xml('field', { var: name }, ...[value].flat().map((one) => xml('value', null, one))),
  )
  return xml('x', { xmlns: 'jabber:x:data', type: 'submit', ...attrs }, ...fields)
}

const refused = (condition: string, specific?: string) => (error: unknown) => {
  assert.ok(error instanceof StanzaError, String(error))
  assert.deepEqual([error.condition, error.extra?.app?.name], [condition, specific])
  assert.equal(error.type, condition === 'bad-request' ? 'modify' : 'cancel')
  return true
}
const actionsOf = (answer: Element) =>
  answer
    .getChild('actions')!
    .getChildElements()
    .map(({ name }) => name)
    .join() + ` ${answer.getChild('actions')!.attrs['execute']}`

test('a command without a form is done at once // XEP-0050 §2.4.1', async () => {
  const { give } = stage()
  const answer = await give(romeo, { node: 'list' })
  assert.equal(answer.attrs['status'], 'completed')
  assert.equal(answer.attrs['xml:lang'], 'en')
  assert.notEqual(answer.attrs['sessionid'], undefined)
  assert.deepEqual(
    answer.getChildElements().map(({ name, attrs }) => [name, attrs['type']]),
    [
      ['note', 'warn'],
      ['x', 'result'],
    ],
  )
})

test('stages follow one another, back and forth // XEP-0050 §2.4.2', async () => {
  const { give } = stage()
  const first = await give(romeo, { node: 'config', action: 'execute' })
  assert.deepEqual([first.attrs['status'], actionsOf(first)], ['executing', 'next next'])
  const sessionid = first.attrs['sessionid']!
  const second = await give(romeo, { node: 'config', sessionid }, filledIn({ service: 'httpd' }))
  assert.deepEqual([second.attrs['sessionid'], actionsOf(second)], [sessionid, 'prev,complete complete'])
  assert.equal(second.getChild('x')!.getChildText('title'), 'httpd')
  // What was filled in is shown again.
  const back = await give(romeo, { node: 'config', sessionid, action: 'prev' })
  assert.equal(back.getChild('x')!.getChildren('field')[1]!.getChildText('value'), 'httpd')
  await assert.rejects(give(romeo, { node: 'config', sessionid, action: 'prev' }), refused('bad-request', 'bad-action'))
  await assert.rejects(
    give(romeo, { node: 'config', sessionid, action: 'complete' }, filledIn({ service: 'ftpd' })),
    refused('bad-request', 'bad-action'),
  )
  await give(romeo, { node: 'config', sessionid, action: 'next' }, filledIn({ service: 'ftpd' }))
  await assert.rejects(
    give(romeo, { node: 'config', sessionid, action: 'next' }, filledIn({ state: 'true' })),
    refused('bad-request', 'bad-action'),
  )
  const done = await give(romeo, { node: 'config', sessionid, action: 'complete' }, filledIn({ state: 'true' }))
  assert.deepEqual([done.attrs['status'], done.getChildText('note')], ['completed', 'Configured ftpd.'])
  assert.deepEqual(ran, [{ service: ['ftpd'], state: ['1'] }])
  // It is over.
  await assert.rejects(
    give(romeo, { node: 'config', sessionid }, filledIn({ state: '1' })),
    refused('not-allowed', 'session-expired'),
  )
})

test('a command is cancelled at any stage // XEP-0050 §2.4.3', async () => {
  const { give, begin } = stage()
  const sessionid = await begin()
  const answer = await give(romeo, { node: 'config', sessionid, action: 'cancel' })
  assert.deepEqual([answer.attrs['status'], answer.attrs['sessionid']], ['canceled', sessionid])
  await assert.rejects(
    give(romeo, { node: 'config', sessionid, action: 'cancel' }),
    refused('not-allowed', 'session-expired'),
  )
  for (const action of ['cancel', 'prev'])
    await assert.rejects(give(romeo, { node: 'config', action }), refused('bad-request', 'bad-action'))
})

test('a session is between two addresses, and of one command // XEP-0050 §3.3', async () => {
  const { give, begin } = stage()
  const sessionid = await begin()
  const form = filledIn({ service: 'httpd' })
  const bad = refused('bad-request', 'bad-sessionid')
  await assert.rejects(give(juliet, { node: 'config', sessionid }, form), bad)
  await assert.rejects(give({ from: romeo.from.withResource('other') }, { node: 'config', sessionid }, form), bad)
  await assert.rejects(give(romeo, { node: 'one', sessionid }, form), bad)
  await assert.rejects(give(romeo, { node: 'config', sessionid }, form, 'mantua.example'), bad)
  for (const made of ['', 'x', `${sessionid}x`, 'a.b', sessionid.split('.')[0]!])
    await assert.rejects(give(romeo, { node: 'config', sessionid: made }, form), bad)
  await give(romeo, { node: 'config', sessionid }, form)
})

test('a session waits so long, and an account has so many', async () => {
  const { clock, give, begin } = stage()
  const expired = refused('not-allowed', 'session-expired')
  const sessions = [await begin(), await begin(), await begin(), await begin()]
  const others = await begin('config', juliet)
  await assert.rejects(give(romeo, { node: 'config', sessionid: sessions[0]! }), expired)
  clock.advance(50_000)
  await assert.rejects(give(romeo, { node: 'config', sessionid: sessions[1]! }), refused('bad-request', 'bad-payload'))
  clock.advance(50_000)
  // Whoever shows a sign of life has time anew.
  await give(romeo, { node: 'config', sessionid: sessions[1]! }, filledIn({ service: 'httpd' }))
  await assert.rejects(
    give(romeo, { node: 'config', sessionid: sessions[2]! }, filledIn({ service: 'httpd' })),
    expired,
  )
  await assert.rejects(give(juliet, { node: 'config', sessionid: others }, filledIn({ service: 'httpd' })), expired)
})

test('a session that is being dealt with is nobody else’s meanwhile', async () => {
  const { give, begin } = stage()
  const sessionid = await begin('one')
  const submit = () => give(romeo, { node: 'one', sessionid }, filledIn({ jids: 'a@b' }))
  const results = await Promise.allSettled([submit(), submit()])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  assert.equal(ran.length, 1)
})

test('what is asked for must be there and allowed // XEP-0050 §4.4', async () => {
  const { give } = stage()
  await assert.rejects(give(romeo, { node: 'nonsense' }), refused('item-not-found'))
  await assert.rejects(give(romeo, {}), refused('bad-request'))
  await assert.rejects(give(romeo, { node: 'own' }), refused('forbidden'))
  await assert.rejects(give(romeo, { node: 'list', action: 'jump' }), refused('bad-request', 'malformed-action'))
  await assert.rejects(give(romeo, { node: 'list', 'xml:lang': 'de' }), refused('bad-request', 'bad-locale'))
  for (const lang of ['en', 'en-GB', '*']) await give(romeo, { node: 'list', 'xml:lang': lang })
  assert.equal((await give(juliet, { node: 'own' })).attrs['status'], 'completed')
  assert.equal((await give(romeo, { node: 'hidden' })).attrs['status'], 'completed')
})

test('a form is checked, and can be corrected // XEP-0050 §4.4', async () => {
  const { give, begin } = stage()
  const sessionid = await begin('one')
  const bad = [
    undefined,
    filledIn({ jids: 'a@b' }, { type: 'form' }),
    filledIn({}),
    filledIn({ jids: [] }),
    filledIn({ jids: ['', ' '] }),
    filledIn({ jids: ['a@b', '@'] }),
    filledIn({ jids: 'a@b', more: ['a', 'c'] }),
    filledIn({ jids: 'a@b', FORM_TYPE: 'urn:y' }),
  ]
  for (const form of bad)
    await assert.rejects(give(romeo, { node: 'one', sessionid }, form), refused('bad-request', 'bad-payload'))
  await assert.rejects(
    give(romeo, { node: 'one', sessionid }, filledIn({ jids: 'a@b', text: 'fail' })),
    refused('conflict'),
  )
  const good = {
    jids: ['Romeo@Verona.example', ''],
    text: ['a', '', 'b'],
    more: ['a', 'b'],
    FORM_TYPE: 'urn:x',
    unknown: 'x',
  }
  await give(romeo, { node: 'one', sessionid }, filledIn(good))
  assert.deepEqual(ran, [{ jids: ['romeo@verona.example'], text: ['a', '', 'b'], more: ['a', 'b'] }])
  const [single] = [await begin('config')]
  await assert.rejects(
    give(romeo, { node: 'config', sessionid: single }, filledIn({ service: ['httpd', 'ftpd'] })),
    refused('bad-request', 'bad-payload'),
  )
  await give(romeo, { node: 'config', sessionid: single }, filledIn({ service: 'httpd' }))
  await assert.rejects(
    give(romeo, { node: 'config', sessionid: single }, filledIn({ state: 'yes' })),
    refused('bad-request', 'bad-payload'),
  )
})

test('a form that comes with the first request is taken when it is the only one', async () => {
  const { give } = stage()
  const done = await give(romeo, { node: 'one', action: 'complete' }, filledIn({ jids: 'a@b' }))
  assert.equal(done.attrs['status'], 'completed')
  const asked = await give(romeo, { node: 'config' }, filledIn({ service: 'httpd' }))
  assert.equal(asked.attrs['status'], 'executing')
})

test('service discovery tells of what one may do // XEP-0050 §2.2', async () => {
  const { desk } = stage()
  const names = async (who: Asker) => (await desk.items(NS_COMMANDS, who, TO))!.map(({ node }) => node)
  assert.deepEqual(await names(romeo), ['config', 'list', 'one'])
  assert.deepEqual(await names(juliet), ['config', 'list', 'own', 'one'])
  assert.deepEqual(await desk.info('list', romeo), {
    identities: [{ category: 'automation', type: 'command-node', name: 'List' }],
    features: [NS_COMMANDS, 'jabber:x:data'],
    forms: [],
  })
  assert.equal((await desk.info(NS_COMMANDS, romeo))!.identities[0]!.type, 'command-list')
  assert.deepEqual(await desk.items('list', romeo, TO), [])
  assert.equal(await desk.info('nonsense', romeo), undefined)
  await assert.rejects(desk.info('own', romeo), refused('forbidden'))
})
