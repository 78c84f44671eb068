/**
 * Compares the parser with a second one on random and broken streams: `node test/fuzz/parser.ts [seconds] [seed]`.
 *
 * Both accept with equal trees, or both refuse. Intended differences, where we refuse and saxes does not:
 * what XMPP restricts or a stream cannot hold (every condition but `not-well-formed` and `unsupported-encoding`), and the
 * rules of {@link stricter}. Where saxes is wrong ({@link trimmed}) it is not asked. What we accept is moreover the same in any chunks, and reads the same once written again.
 */

import assert from 'node:assert/strict'
import { pathToFileURL } from 'node:url'
import type { Element } from '../../src/xml/element.ts'
import { parseDocument, StreamParser } from '../../src/xml/parser.ts'
import { serialize } from '../../src/xml/wire.ts'
import { plainOf, secondOpinion, secondOpinionOfStanza } from './second-opinion.ts'

const header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
const trailer = '</stream:stream>'
const noLimits = { bytes: 0, depth: 0, elements: 0, attributes: 0 }

/** Well-formed to saxes and not to us, on purpose. */
const stricter: readonly RegExp[] = [
  // Dangerous as a key of an object.
  /__proto__/,
  // Nothing but version 1.0, and a declaration of a sane length that is one by the grammar.
  /<\?xml/,
  // What follows a prefix is itself a name (Namespaces in XML 1.0 §3, NCName).
  /:[-.0-9\xb7]|:\p{M}/u,
  // References of a sane length.
  /&#[^;]{30,}/,
]

/** A namespace name with white space, or a reference that may be some, at either end: saxes takes it off. */
const trimmed = /xmlns[^='"]*=\s*(?:"(?:[\s&]|[^"]*[\s;]")|'(?:[\s&]|[^']*[\s;]'))/

/** A source of choices that repeats itself for the same seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 to below `bound`. */
  roll(bound: number): number {
    // A multiply-and-shift generator; good enough for choices, and short.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)]!
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.roll(n) === 0
  }
}

const names = [
  'a',
  'b',
  'message',
  'body',
  'x',
  'é',
  '名',
  'a-1.b',
  'toString',
  'p:a',
  'q:b',
  'p:message',
  'stream:x',
  '_',
  '\u{10400}',
]
const attributes = ['to', 'id', 'p:a', 'q:a', 'xml:lang', 'constructor', 'é', 'a']
const namespaces = ['u', 'v', 'jabber:client', 'http://jabber.org/x', '', 'http://etherx.jabber.org/streams', 'a&amp;b']
const texts = [
  'hello',
  ' ',
  '\n',
  '\r\n',
  '\r',
  '\t',
  '&lt;',
  '&amp;',
  '&gt;',
  '&quot;',
  '&apos;',
  '&#65;',
  '&#x1F600;',
  '&#13;',
  '&#10;',
  '&#9;',
  'é',
  '😀',
  '\u2028',
  '\u0085',
  ']',
  ']]',
  '>',
  '"',
  "'",
  '=',
  '/',
  '<![CDATA[a<b>]]>',
  '<![CDATA[]]>',
  '<![CDATA[\r\n]]]]>',
  '\ufeff',
  '\ufffd',
]
const breakers = [
  '<',
  '>',
  '/',
  '&',
  ';',
  '"',
  "'",
  '=',
  '!',
  '?',
  ':',
  ']]>',
  '<!--',
  '-->',
  '<?',
  '?>',
  '<![CDATA[',
  ']]>',
  '&x;',
  '&#0;',
  '&#xD800;',
  '\0',
  '\x1f',
  '\ufffe',
  '\u00d7',
  '</',
  '/>',
  ' ',
  'xmlns=',
  'xmlns:p=',
  "xmlns:p=''",
  "a=''",
  'xml:',
  'xmlns:',
  '__proto__',
  '<!DOCTYPE a>',
  '1',
  '-',
  '.',
  '\u0301',
  '\u037e',
  "<?xml version='1.0'?>",
  '&#',
  '&#x',
  '\r',
  '</stream:stream>',
  '<stream:stream>',
]

function value(dice: Dice): string {
  let text = ''
  for (let count = dice.roll(4); count > 0; count--) text += dice.pick(texts).replace(/<.*>/s, '')
  const quote = dice.once(2) ? '"' : "'"
  return quote + text.replaceAll(quote, '') + quote
}

function element(dice: Dice, depth: number): string {
  const name = dice.pick(names)
  let tag = name
  const used = new Set<string>()
  const add = (attribute: string, text: string) => {
    if (used.has(attribute) && !dice.once(20)) return
    used.add(attribute)
    tag += `${dice.pick([' ', ' ', ' ', '\n', '  '])}${attribute}${dice.once(9) ? ' = ' : '='}${text}`
  }
  if (dice.once(3)) add('xmlns', `'${dice.pick(namespaces.slice(0, dice.once(8) ? 99 : 5))}'`)
  if (name.startsWith('p:') || dice.once(4)) add('xmlns:p', `'${dice.pick(namespaces.slice(0, 4))}'`)
  if (name.startsWith('q:') || dice.once(4)) add('xmlns:q', `"${dice.pick(namespaces.slice(0, 4))}"`)
  for (let count = dice.roll(4); count > 0; count--) {
    const attribute = dice.pick(attributes)
    const prefix = /^[pq](?=:)/.exec(attribute)?.[0]
    if (prefix === undefined || used.has(`xmlns:${prefix}`) || dice.once(10)) add(attribute, value(dice))
  }
  if (dice.once(3)) return `<${tag}${dice.once(5) ? ' ' : ''}/>`
  let inside = ''
  for (let count = dice.roll(depth > 4 ? 2 : 5); count > 0; count--)
    inside += dice.once(2) && depth < 8 ? element(dice, depth + 1) : dice.pick(texts)
  return `<${tag}>${inside}</${name}${dice.once(9) ? ' ' : ''}>`
}

function source(dice: Dice): string {
  let text = dice.once(4) ? "<?xml version='1.0'?>" : ''
  text += header
  for (let count = 1 + dice.roll(3); count > 0; count--)
    text += element(dice, 0) + (dice.once(3) ? dice.pick([' ', '\n', '\r\n']) : '')
  text += trailer
  for (let count = dice.once(2) ? 0 : 1 + dice.roll(2); count > 0; count--) {
    const at = dice.roll(text.length + 1)
    const gone = dice.once(2) ? dice.roll(3) : 0
    text = text.slice(0, at) + (dice.once(4) ? '' : dice.pick(breakers)) + text.slice(at + gone)
  }
  return text
}

interface Outcome {
  /** The stream's content namespace. */
  namespace: string
  stanzas: Element[]
  ended: boolean
  error: string | undefined
}

function ours(chunks: Uint8Array[]): Outcome {
  const outcome: Outcome = { namespace: '', stanzas: [], ended: false, error: undefined }
  const parser = new StreamParser(
    {
      onOpen: (root) => {
        outcome.namespace = root.attrs['xmlns'] ?? ''
      },
      onStanza: (stanza) => outcome.stanzas.push(stanza),
      onEnd: () => {
        outcome.ended = true
      },
      onError: (error) => {
        assert.equal(outcome.error, undefined, 'two errors')
        outcome.error = error.condition
      },
    },
    noLimits,
  )
  for (const chunk of chunks) parser.write(chunk)
  parser.end()
  assert.ok(parser.dead)
  return outcome
}

function chunked(bytes: Uint8Array, dice: Dice): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const most = dice.pick([1, 3, 20, 200])
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + dice.roll(most)
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

function opinion(text: string): ReturnType<typeof secondOpinion> | undefined {
  try {
    return secondOpinion(text)
  } catch {
    return undefined
  }
}

/** What the parsers agreed on for one seed: that it is a stream or is none; throws where they differ. */
export function compare(seed: number): 'accepted' | 'refused' {
  const dice = new Dice(seed)
  const text = source(dice).toWellFormed()
  const bytes = Buffer.from(text)
  const whole = ours([bytes])
  const pieces = ours(chunked(bytes, dice))
  assert.deepEqual(
    { ...pieces, stanzas: pieces.stanzas.map(serialize) },
    { ...whole, stanzas: whole.stanzas.map(serialize) },
    'chunks make a difference',
  )
  if (trimmed.test(text)) return whole.ended ? 'accepted' : 'refused'
  for (const stanza of whole.stanzas) {
    const written = serialize(stanza)
    assert.deepEqual(secondOpinionOfStanza(written), plainOf(stanza), 'written again it is another')
    if (whole.namespace === 'jabber:client')
      assert.equal(serialize(parseDocument(written)), written, 'read again it is another')
  }
  const second = opinion(text)
  if (whole.ended) {
    assert.ok(second !== undefined, 'we accept, saxes refuses')
    const seen = second.children.filter((child) => typeof child !== 'string')
    assert.deepEqual(
      whole.stanzas.map((stanza) => plainOf(stanza, whole.namespace)),
      seen,
      'the trees differ',
    )
    return 'accepted'
  }
  if (whole.error === 'not-well-formed' && !stricter.some((rule) => rule.test(text)))
    assert.equal(second, undefined, 'we refuse, saxes accepts')
  return 'refused'
}

/** Compares for a number of seeds or until a time; throws, naming the seed, at the first difference. */
export function run(first: number, goOn: (count: number) => boolean): { accepted: number; refused: number } {
  const counts = { accepted: 0, refused: 0 }
  for (let count = 0; goOn(count); count++) {
    const seed = (first + count) >>> 0
    try {
      counts[compare(seed)]++
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}\n${source(new Dice(seed))}`, {
        cause: error,
      })
    }
  }
  return counts
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const seconds = Number(process.argv[2] ?? 60)
  const seed = Number(process.argv[3] ?? process.hrtime.bigint() % 4_294_967_296n)
  console.log(`parser against saxes for ${seconds} s, from seed ${seed}`)
  const until = performance.now() + seconds * 1000
  const { accepted, refused } = run(seed, () => performance.now() < until)
  console.log(`${accepted} streams accepted alike, ${refused} refused alike`)
}
