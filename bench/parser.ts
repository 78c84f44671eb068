/** Prints what reading and writing a message costs: `node bench/parser.ts`. */

import { pathToFileURL } from 'node:url'
// @ts-expect-error: ltx brings no types, and nothing but this measurement imports it.
import { Parser as LtxParser } from 'ltx'
import { SaxesParser } from 'saxes'
import { Element } from '../src/xml/element.ts'
import { liveLimits } from '../src/xml/limits.ts'
import { parseDocument, StreamParser } from '../src/xml/parser.ts'
import { serialize, Wire } from '../src/xml/wire.ts'

/** What one operation costs. */
export interface ParserFigure {
  readonly operation: string
  /** Bytes of the message. */
  readonly bytes: number
  readonly microseconds: number
  readonly thousandsPerSecond: number
}

const header = Buffer.from(
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>",
)

const plain =
  '<message to="juliet@capulet.example/balcony-7Hk2" from="romeo@montague.example/orchard-93mX" type="chat" id="b7f1c7d2-55a1-4b0e-9f6e-2f0d1c3a9e11">' +
  '<body>Wherefore art thou? The orchard walls are high and hard to climb, or so we have been told once.</body><active xmlns="http://jabber.org/protocol/chatstates"/></message>'

const rich = plain.replace(
  '</message>',
  '<origin-id xmlns="urn:xmpp:sid:0" id="b7f1c7d2-55a1-4b0e-9f6e-2f0d1c3a9e11"/><request xmlns="urn:xmpp:receipts"/><markable xmlns="urn:xmpp:chat-markers:0"/>' +
    '<x xmlns="jabber:x:oob"><url>https://upload.example.org/4f1c0d/Cq3Zr7aa/picture-0001.jpeg</url></x></message>',
)

/** The best of several rounds, in microseconds of CPU. */
function best(count: number, work: () => void): number {
  let result = Number.POSITIVE_INFINITY
  for (let round = 0; round < 9; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < count; i++) work()
    const { user, system } = process.cpuUsage(before)
    result = Math.min(result, (user + system) / count)
  }
  return result
}

function ours(): (chunk: Buffer) => void {
  const fail = (error: Error) => {
    throw error
  }
  const parser = new StreamParser({ onOpen() {}, onStanza() {}, onEnd() {}, onError: fail }, liveLimits)
  parser.write(header)
  return (chunk) => parser.write(chunk)
}

function saxes(): (chunk: Buffer) => void {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let top: Element | undefined
  parser.on('opentag', (tag) => {
    const attrs: Record<string, string> = {}
    for (const name in tag.attributes) attrs[name] = tag.attributes[name]!.value
    if (tag.name === 'stream:stream') return
    const element = new Element(tag.local, attrs)
    top = top === undefined ? element : top.cnode(element)
  })
  parser.on('text', (text) => {
    top?.children.push(text)
  })
  parser.on('closetag', () => {
    top = top?.parent ?? undefined
  })
  parser.write(decoder.decode(header, { stream: true }))
  return (chunk) => parser.write(decoder.decode(chunk, { stream: true }))
}

function ltx(): (chunk: Buffer) => void {
  const parser = new LtxParser()
  parser.write(header.toString())
  return (chunk) => parser.write(chunk.toString())
}

function figures(text: string): ParserFigure[] {
  const chunk = Buffer.from(text)
  const element = parseDocument(text)
  const wire = Wire.of(element)
  const work: [string, () => void][] = [
    [
      'parse, ours',
      (
        (write) => () =>
          write(chunk)
      )(ours()),
    ],
    [
      'parse, saxes with namespaces',
      (
        (write) => () =>
          write(chunk)
      )(saxes()),
    ],
    ['serialise, ours', () => serialize(element)],
    ['serialise, ltx', () => element.toString()],
    ['readdress a wire', () => wire.textTo('juliet@capulet.example/balcony')],
  ]
  const result = work.map(([operation, run]) => ({ operation, us: best(20_000, run) }))
  // ltx keeps every stanza of a stream in one tree, so it gets fewer and a stream of its own for each round.
  let write = ltx()
  let count = 0
  result.push({
    operation: 'parse, ltx (lax)',
    us: best(2000, () => {
      if (count++ % 2000 === 0) write = ltx()
      write(chunk)
    }),
  })
  return result.map(({ operation, us }) => ({
    operation,
    bytes: chunk.length,
    microseconds: us,
    thousandsPerSecond: 1000 / us,
  }))
}

/** Measures every operation for a message of 320 and one of 575 bytes. */
export async function run(): Promise<ParserFigure[]> {
  return [...figures(plain), ...figures(rich)]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { operation, bytes, microseconds, thousandsPerSecond } of await run())
    console.log(
      `${operation.padEnd(30)} ${String(bytes).padStart(4)} B ${microseconds.toFixed(2).padStart(7)} µs ${thousandsPerSecond.toFixed(0).padStart(7)} k/s`,
    )
}
