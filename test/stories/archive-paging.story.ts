import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Element } from '../../src/api.ts'
import { asksArchive } from '../support/archive.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const LENGTH = 120

interface Kept {
  readonly id: string
  readonly words: readonly string[]
  /** The other side, full if the message names its resource. */
  readonly peer: string
}

/** Fills Romeo's archive with messages of and to several people, many of them within one millisecond. */
async function fill(s: Story, romeo: Actor, others: readonly Actor[]): Promise<readonly Kept[]> {
  const kept: Omit<Kept, 'id'>[] = []
  for (let n = 0; n < LENGTH; n++) {
    const other = others[(n * 7) % others.length]!
    const to = n % 4 < 2 ? other.jid : other.bare
    const words = [`m${n}`, `w${n % 3}`, `v${n % 5}`]
    const [from, target] = n % 3 === 0 ? [romeo, to] : [other, romeo.jid]
    from.send(`<message to='${target}' type='chat' id='m${n}'><body>${words.join(' ')}</body></message>`)
    // One after the other, since they come in on different streams.
    const hearer = from === romeo ? other : romeo
    while ((await hearer.next()).attrs['id'] !== `m${n}`);
    kept.push({ words, peer: from === romeo ? to : other.jid })
    if (n % 10 === 9) await s.advance(60_000)
  }
  await drain(romeo)
  const first = await asksArchive(romeo, { rsm: '<max>250</max>' })
  assert.equal(first.ids.length, LENGTH)
  return kept.map((message, n) => ({ ...message, id: first.ids[n]! }))
}

const bareOf = (jid: string): string => jid.split('/', 1)[0]!
const timeOf = (id: string): number => Math.floor(Number(id) / 1000)

// XEP-0313 §4.3, XEP-0059 §2: pages, put together, are the whole, whatever is asked for
story('Whatever is asked for, all pages together are all there is of it, each message once and in order', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const others = [await s.online('juliet/balcony'), await s.online('juliet/hall'), await s.online('nurse/hall')]
  const all = await fill(s, romeo, others)
  const at = fc.option(fc.nat(LENGTH - 1), { nil: undefined, freq: 2 })
  const query = fc.record({
    peer: fc.constantFrom(undefined, others[0]!.bare, others[0]!.jid, others[1]!.jid, others[2]!.bare, 'nobody@x'),
    start: at,
    end: at,
    after: at,
    before: at,
    search: fc.constantFrom(undefined, undefined, 'w1', 'V2 w0', 'm7'),
    max: fc.integer({ min: 1, max: LENGTH + 5 }),
    way: fc.constantFrom('after', 'before', 'index'),
    flip: fc.boolean(),
  })
  const property = fc.asyncProperty(query, async ({ peer, start, end, after, before, search, max, way, flip }) => {
    const id = (n: number) => all[n]!.id
    const moment = (n: number) => new Date(timeOf(id(n))).toISOString()
    const expected = all.filter((kept) => {
      if (peer !== undefined && peer !== (peer.includes('/') ? kept.peer : bareOf(kept.peer))) return false
      if (start !== undefined && timeOf(kept.id) < timeOf(id(start))) return false
      if (end !== undefined && timeOf(kept.id) > timeOf(id(end))) return false
      if (after !== undefined && Number(kept.id) <= Number(id(after))) return false
      if (before !== undefined && Number(kept.id) >= Number(id(before))) return false
      return search === undefined || search.split(' ').every((word) => kept.words.includes(word.toLowerCase()))
    })
    const form = {
      ...(peer !== undefined && { with: peer }),
      ...(start !== undefined && { start: moment(start) }),
      ...(end !== undefined && { end: moment(end) }),
      ...(after !== undefined && { 'after-id': id(after) }),
      ...(before !== undefined && { 'before-id': id(before) }),
      ...(search !== undefined && { '{urn:xmpp:fulltext:0}fulltext': search }),
    }
    let read: readonly string[] = []
    for (let where = way === 'before' ? '<before/>' : ''; ; ) {
      const page = await asksArchive(romeo, {
        form,
        rsm: `<max>${max}</max>${where}`,
        also: flip ? '<flip-page/>' : '',
      })
      const ids = flip ? page.ids.toReversed() : page.ids
      assert.deepEqual([page.first, page.last, page.count], [ids[0], ids.at(-1), expected.length])
      assert.ok(ids.length <= max)
      if (page.index !== undefined) assert.equal(expected[page.index]?.id, ids[0])
      read = way === 'before' ? [...ids, ...read] : [...read, ...ids]
      if (page.complete) break
      assert.notEqual(ids.length, 0)
      if (way === 'before') where = `<before>${ids[0]}</before>`
      else where = way === 'index' ? `<index>${read.length}</index>` : `<after>${ids.at(-1)}</after>`
    }
    assert.deepEqual(
      read,
      expected.map((kept) => kept.id),
    )
  })
  await fc.assert(property, { numRuns: 60 })
})

// XEP-0313 §3.1: what is read and what is seen have one order, and who reads while messages come in misses none
story('Who reads on while many write gets what was seen live, in that order, without a gap', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const reader = await s.login('juliet/reader')
  const writers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => s.login(`${name}/x`)))
  const live: string[] = []
  const hears = async (): Promise<void> => {
    while (live.length < 4 * 100) {
      const message: Element = await juliet.next()
      live.push(message.getChild('stanza-id')!.attrs['id']!)
    }
  }
  const heard = hears()
  const read: string[] = []
  const reads = async (): Promise<void> => {
    while (read.length < 4 * 100) {
      const after = read.length === 0 ? '' : `<after>${read.at(-1)}</after>`
      read.push(...(await asksArchive(reader, { rsm: `<max>7</max>${after}` })).ids)
    }
  }
  const reading = reads()
  for (let n = 0; n < 100; n++) {
    for (const writer of writers)
      writer.send(`<message to='${juliet.bare}' type='chat' id='${n}'><body>${n}</body></message>`)
    if (n % 5 === 0) await drain(writers[0]!)
  }
  await Promise.all([heard, reading])
  assert.deepEqual(read, live)
})
