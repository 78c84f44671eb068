import type { Element } from '../../../src/api.ts'
import {
  defineCollection,
  defineGate,
  defineModule,
  defineNotice,
  defineQuestion,
  flows,
  option,
  soft,
  xep,
} from '../../../src/api.ts'

// Nothing here runs: the compiler checks that wrong modules do not compile, and right ones do.

const roster = defineModule({
  name: 'roster',
  summary: '',
  implements: [xep(237, '1.3')],
  setup: async () => ({ isSubscribed: (contact: string) => contact !== '' }),
})
const muc = defineModule({ name: 'muc', summary: '', implements: [], setup: () => ({ rooms: 1 }) })

export const neverCalled = (): void => {
  const notice = defineNotice<string>('types/notice', '')
  const gate = defineGate<string>('types/gate', '')
  const question = defineQuestion<string, number>('types/question', 0, '')
  const collection = defineCollection<{ readonly name: string }>('types/collection', '')

  defineModule({
    name: 'right',
    summary: '',
    implements: [],
    options: { n: option.int().default(1), list: option.string().default('') },
    depends: { roster, muc: soft(muc) },
    setup(ctx) {
      ctx.config.n satisfies number
      ctx.config.list satisfies string
      ctx.deps.roster.isSubscribed('x') satisfies boolean
      ctx.deps.muc?.rooms satisfies number | undefined
      ctx.flow(flows.message.arriving, 'guard', async () => {}, { before: 'archive' })
      ctx.flow(flows.message.arriving, 'shape', (e) => {
        e.stanza.attrs['to'] = 'x'
      })
      ctx.flow(flows.message.arriving, 'record', () => Promise.resolve())
      ctx.flow(flows.message.arriving, 'deliver', () => true)
      ctx.flow(flows.message.arriving, 'deliver', async (e) => e.user === undefined)
      ctx.on(notice, (e) => e.length)
      ctx.gate(gate, async () => {})
      ctx.answer(question, (e) => (e === '' ? undefined : e.length))
      ctx.add(collection, { name: 'x' })
      ctx.iq('get', 'host', 'query', 'urn:x', () => {})
      ctx.iq('set', 'self', 'query', 'urn:x', async (query: Element) => query)
    },
  })

  defineModule({
    name: 'wrong',
    summary: '',
    implements: [],
    options: { n: option.int().default(1) },
    depends: { roster, muc: soft(muc) },
    setup(ctx) {
      // @ts-expect-error there is no such option
      ctx.config.nope
      // @ts-expect-error an option has the type it was declared with
      ctx.config.n satisfies string
      // @ts-expect-error options are decoded, not assigned
      ctx.config.n = 2
      // @ts-expect-error a dependency must be declared
      ctx.deps.archive
      // @ts-expect-error a dependency offers what its setup returns, and no more
      ctx.deps.roster.clear()
      // @ts-expect-error a soft dependency may be absent
      ctx.deps.muc.rooms
      // @ts-expect-error there is no such phase
      ctx.flow(flows.message.arriving, 'later', () => {})
      // @ts-expect-error there is no such flow
      ctx.flow(flows.presence.stranded, 'deliver', () => true)
      // @ts-expect-error deliver says whether it took the stanza
      ctx.flow(flows.message.arriving, 'deliver', () => {})
      // @ts-expect-error a guard throws, it has no answer to give
      ctx.flow(flows.message.arriving, 'guard', () => false)
      ctx.flow(flows.message.arriving, 'guard', (e) => {
        // @ts-expect-error a guard may look, not touch
        e.stanza.attrs['to'] = 'x'
      })
      ctx.flow(flows.message.arriving, 'record', (e) => {
        // @ts-expect-error nor may who records
        e.stanza.attrs['to'] = 'x'
      })
      // @ts-expect-error nor who delivers
      ctx.flow(flows.message.arriving, 'deliver', (e) => e.stanza.children.push('x') > 0)
      ctx.flow(flows.message.arriving, 'shape', (e) => {
        // @ts-expect-error the addresses of a stanza are not edited, not even by shape
        e.to = e.from
      })
      // @ts-expect-error a notice is heard, a gate is passed: each hook has its verb
      ctx.gate(notice, () => {})
      // @ts-expect-error the event of a notice has its type
      ctx.on(notice, (e: number) => e)
      // @ts-expect-error a question is answered with what was asked for
      ctx.answer(question, () => 'x')
      // @ts-expect-error a collection takes items of its kind
      ctx.add(collection, { title: 'x' })
      // @ts-expect-error IQ results answer nothing
      ctx.iq('result', 'host', 'query', 'urn:x', () => {})
      // @ts-expect-error there is no such target
      ctx.iq('get', 'room', 'query', 'urn:x', () => {})
      // @ts-expect-error an IQ is answered with an element or nothing
      ctx.iq('get', 'host', 'query', 'urn:x', () => 'text')
    },
  })

  // @ts-expect-error a module says what it is for
  defineModule({ name: 'mute', implements: [], setup() {} })
  // @ts-expect-error a module says what it implements
  defineModule({ name: 'idle', summary: '', setup() {} })
  // @ts-expect-error a name is text
  defineModule({ name: 1, summary: '', implements: [], setup() {} })
}
