import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Direction,
  decide,
  type SubscriptionState,
  type SubscriptionType,
} from '../../../../modules/presence/subscription-table.ts'

const states: readonly SubscriptionState[] = [
  'none',
  'none+out',
  'none+in',
  'none+out+in',
  'to',
  'to+in',
  'from',
  'from+out',
  'both',
]

/**
 * What a state is made of. The rules below are those of RFC 6121 §3 in words; the table of Appendix A must follow from
 * them.
 */
interface Facts {
  sees: boolean
  asks: boolean
  isSeen: boolean
  isAsked: boolean
}
const read = (state: SubscriptionState): Facts => ({
  sees: state.startsWith('to') || state === 'both',
  asks: state.includes('+out'),
  isSeen: state.startsWith('from') || state === 'both',
  isAsked: state.includes('+in'),
})
const write = ({ sees, asks, isSeen, isAsked }: Facts): SubscriptionState =>
  ((sees && isSeen ? 'both' : sees ? 'to' : isSeen ? 'from' : 'none') +
    (asks ? '+out' : '') +
    (isAsked ? '+in' : '')) as SubscriptionState

type Rule = (facts: Facts) => { readonly pass: boolean; readonly next?: Partial<Facts> }
const rules: Readonly<Record<Direction, Readonly<Record<SubscriptionType, Rule>>>> = {
  outbound: {
    subscribe: ({ sees }) => ({ pass: true, next: sees ? {} : { asks: true } }),
    unsubscribe: () => ({ pass: true, next: { sees: false, asks: false } }),
    subscribed: ({ isAsked }) => (isAsked ? { pass: true, next: { isSeen: true, isAsked: false } } : { pass: false }),
    unsubscribed: ({ isSeen, isAsked }) =>
      isSeen || isAsked ? { pass: true, next: { isSeen: false, isAsked: false } } : { pass: false },
  },
  inbound: {
    subscribe: ({ isSeen, isAsked }) => (isSeen || isAsked ? { pass: false } : { pass: true, next: { isAsked: true } }),
    unsubscribe: ({ isSeen, isAsked }) =>
      isSeen || isAsked ? { pass: true, next: { isSeen: false, isAsked: false } } : { pass: false },
    subscribed: ({ asks }) => (asks ? { pass: true, next: { sees: true, asks: false } } : { pass: false }),
    unsubscribed: ({ sees, asks }) =>
      sees || asks ? { pass: true, next: { sees: false, asks: false } } : { pass: false },
  },
}

test('the states are all that the facts can make, but no one asks for what they have', () => {
  const bits = [false, true]
  const made = bits.flatMap((sees) =>
    bits.flatMap((asks) =>
      bits.flatMap((isSeen) =>
        bits.flatMap((isAsked) =>
          (sees && asks) || (isSeen && isAsked) ? [] : [write({ sees, asks, isSeen, isAsked })],
        ),
      ),
    ),
  )
  assert.deepEqual([...made].sort(), [...states].sort())
})

// RFC 6121 Appendix A.2.1 to A.3.4
for (const direction of ['outbound', 'inbound'] as const)
  for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const)
    test(`${direction} ${type} in every state`, () => {
      for (const state of states) {
        const { pass, next = {} } = rules[direction][type](read(state))
        const verdict = decide(direction, type, state, false)
        assert.equal(verdict.pass, pass, `${state}: passes`)
        assert.equal(verdict.next, write({ ...read(state), ...next }), `${state}: next`)
      }
    })

// RFC 6121 §3.4.2
test('only an approval without a request, to somebody who does not see the presence, is one in advance', () => {
  const inAdvance = states.filter((state) => decide('outbound', 'subscribed', state, false).approved)
  assert.deepEqual(inAdvance, ['none', 'none+out', 'to'])
  assert.ok(states.every((state) => !decide('outbound', 'unsubscribed', state, true).approved))
})

// RFC 6121 §3.4.3
test('what was approved in advance is granted at once', () => {
  const granted = states.map((state) => [state, decide('inbound', 'subscribe', state, true)] as const)
  for (const [state, { pass, reply, next, approved }] of granted) {
    const { isAsked } = read(state)
    assert.equal(pass, false, state)
    assert.equal(reply, !isAsked, state)
    assert.equal(next, isAsked ? state : write({ ...read(state), isSeen: true }), state)
    assert.equal(approved, true, state)
  }
})

// RFC 6121 §3.1.3
test('the server replies for the account only to those who see its presence already', () => {
  const replies = states.filter((state) => decide('inbound', 'subscribe', state, false).reply)
  assert.deepEqual(replies, ['from', 'from+out', 'both'])
})
