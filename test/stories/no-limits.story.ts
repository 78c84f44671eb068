import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Options } from '../../src/config/option.ts'
import { serverOptions } from '../../src/config/server-options.ts'
import { loadCatalogue } from '../../src/module/catalogue.ts'
import { root } from '../golden/files.ts'
import { story } from '../support/story.ts'

type Values = { readonly [key: string]: Values | 0 }

/** Every option that takes `off`, at 0, in its blocks. */
function allOff(options: Options): Values {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, { shape, facts }]): [string, Values | 0][] => {
      if (shape.kind === 'group') return [[key, allOff(shape.options)]]
      return facts.off === true ? [[key, 0]] : []
    }),
  )
}

const catalogue = await loadCatalogue(`${root}/modules`)
const modules: Record<string, Values> = Object.fromEntries(catalogue.map((m) => [m.name, allOff(m.options ?? {})]))

test('every limit takes off', () => {
  const limit = /^(max|per[A-Z]|total$|remembered$)/
  const check = (options: Options, path: string): void => {
    for (const [key, { shape, facts }] of Object.entries(options)) {
      if (shape.kind === 'group') check(shape.options, `${path}.${key}`)
      else if (shape.kind === 'scalar' && ['bytes', 'duration', 'int'].includes(shape.type) && limit.test(key))
        assert.equal(facts.off, true, `${path}.${key}`)
    }
  }
  check(serverOptions, 'server')
  for (const module of catalogue) check(module.options ?? {}, module.name)
})

story(
  'Without any limit everything works',
  async (s) => {
    const [romeo, juliet] = [await s.online('romeo/orchard'), await s.online('juliet/balcony')]
    await s.befriend(romeo, juliet)
    const long = 'x'.repeat(5_000)
    await romeo.asks`<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${juliet.bare}' name='${long}'><group>${long}</group></item></query></iq>`
    await romeo.asks`<iq type='set'><vCard xmlns='vcard-temp'><FN>${long}</FN></vCard></iq>`
    await romeo.asks`<iq type='set'><query xmlns='jabber:iq:private'><notes xmlns='urn:example'>${long}</notes></query></iq>`
    await romeo.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='tybalt@${s.domain}'/></block></iq>`
    await romeo.sends`<presence to='nurse@${s.domain}/kitchen'/>`
    await juliet.sends`<presence><status>${long}</status></presence>`
    await romeo.receives`<presence from='${juliet.jid}'><status>${long}</status></presence>`
    await juliet.disconnects()
    await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
    await romeo.sends`<message to='${juliet.bare}' type='chat'><body>${'y'.repeat(1_000_000)}</body></message>`
    await s.createAccount('benvolio')
    await romeo.sends`<presence type='subscribe' to='benvolio@${s.domain}'><status>${long}</status></presence>`
    await romeo.asks`<iq type='get' to='${juliet.bare}'><query xmlns='jabber:iq:last'/></iq>`
    const benvolio = await s.login('benvolio')
    benvolio.send('<presence/>')
    await benvolio.receivesInAnyOrder([
      `<presence from='${benvolio.jid}'/>`,
      `<presence type='subscribe' from='${romeo.bare}'><status>${long}</status></presence>`,
    ])
    const back = await s.login('juliet/balcony')
    back.send('<presence/>')
    const heard = [await back.next(), await back.next(), await back.next()]
    assert.ok(heard.some((el) => (el.getChildText('body') ?? '').length === 1_000_000))
  },
  { modules, server: { ...allOff({ limits: serverOptions.limits, auth: serverOptions.auth }) } },
)
