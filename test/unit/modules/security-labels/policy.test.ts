import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  complaints,
  type LabelConfig,
  NS_LABEL,
  Policy,
  type PolicyConfig,
} from '../../../../modules/security-labels/policy.ts'
import { Jid, StanzaError } from '../../../../src/api.ts'
import { parseDocument } from '../../../../src/xml/parser.ts'

const label = (name: string, more: Partial<LabelConfig> = {}): LabelConfig => ({
  name,
  label: `<l xmlns='urn:example' a='1' b='${name}'><c> ${name} </c></l>`,
  color: 'black',
  background: 'white',
  cleared: ['everybody'],
  ...more,
})
const configured = (labels: readonly LabelConfig[], more: Partial<PolicyConfig> = {}): PolicyConfig => ({
  labels,
  groups: { board: [Jid.parse('anna@example.org')] },
  enforce: true,
  unlabelled: 'allowed',
  ...more,
})
const policy = (labels: readonly LabelConfig[], more?: Partial<PolicyConfig>) => new Policy(configured(labels, more))
const message = (content: string) =>
  parseDocument(
    `<message>${content === '' ? '' : `<securitylabel xmlns='${NS_LABEL}'>${content}</securitylabel>`}</message>`,
  )

test('what is wrong with a configuration is told in words, before a server starts with it', () => {
  for (const [labels, more, words] of [
    [[label('A'), label('A', { label: 'AAAA' })], {}, /two labels are called A/],
    [[label('A', { label: 'AAAA' }), label('B', { label: 'AAAA' })], {}, /label B is one that there is already/],
    [[label('A')], { default: 'B' }, /there is no label B/],
    [[label('A', { label: '?' })], {}, /neither base64 nor an element/],
    [[label('A', { label: '<a>' })], {}, /not well-formed/],
    [[label('A', { label: '<a/>' })], {}, /needs a namespace/],
    [[label('A', { cleared: ['bord'] })], {}, /clears bord, which is no group/],
    [[label('A', { cleared: ['anna@example.org/phone'] })], {}, /clears anna@example\.org\/phone/],
    [[label('A', { cleared: ['@'] })], {}, /clears @/],
  ] as const)
    assert.match(complaints(configured(labels, more))[0]?.message ?? '', words)
  assert.deepEqual(complaints(configured([label('A', { cleared: ['board'] })])), [])
})

test('groups, accounts and domains are cleared, and nobody else', () => {
  const [board, anna, all, nobody] = policy([
    label('board', { cleared: ['board'] }),
    label('one', { cleared: ['Ben@example.org', 'localhost'] }),
    label('all'),
    label('none', { cleared: [] }),
  ]).labels
  const cleared = (address: string) => [board, anna, all, nobody].map((one) => one!.clears(Jid.parse(address)))
  assert.deepEqual(cleared('anna@example.org/phone'), [true, false, true, false])
  assert.deepEqual(cleared('ben@example.org'), [false, true, true, false])
  assert.deepEqual(cleared('room@localhost/nick'), [false, true, true, false])
  assert.deepEqual(cleared('anna@example.com'), [false, false, true, false])
})

// XEP-0258 §5
test('the label that counts is the message’s own, or an equivalent one, or the default', () => {
  const own = (name: string) => `<l b='${name}' xmlns='urn:example' a='1'>\n <c>${name}</c>\n</l>`
  const of = (content: string, more: Partial<PolicyConfig> = {}) => {
    try {
      return policy([label('A'), label('B')], more).effective(message(content), true)?.name
    } catch (error) {
      assert.ok(error instanceof StanzaError)
      return error.condition
    }
  }
  assert.equal(of(`<label>${own('A')}</label>`), 'A')
  assert.equal(of(`<label><x xmlns='urn:x'/></label><equivalentlabel>${own('B')}</equivalentlabel>`), 'B')
  assert.equal(of(`<label>${own('C')}</label>`), 'policy-violation')
  assert.equal(of(`<label>${own('A').replace("a='1'", "a='1' d='2'")}</label>`), 'policy-violation')
  assert.equal(of(`<label>${own('A')}</label><label>${own('B')}</label>`), 'bad-request')
  for (const content of ['', '<label/>']) {
    assert.equal(of(content), undefined)
    assert.equal(of(content, { default: 'B' }), 'B')
    assert.equal(of(content, { unlabelled: 'refused' }), 'policy-violation')
    assert.equal(of(content, { unlabelled: 'refused', default: 'B' }), 'B')
  }
})
