import type { Element } from '../../../src/xml/element.ts'
import type { ParserLimits } from '../../../src/xml/limits.ts'
import { type ParserOptions, StreamParser, type XmlCondition } from '../../../src/xml/parser.ts'

/** What a parser told its target. */
export interface Reading {
  root: Element | undefined
  stanzas: Element[]
  ended: boolean
  errors: XmlCondition[]
}

export const header =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>"
export const trailer = '</stream:stream>'
export const noLimits: ParserLimits = { bytes: 0, depth: 0, elements: 0, attributes: 0 }

/** Feeds chunks to a fresh parser and collects what it says. */
export function read(
  chunks: Iterable<Uint8Array | string>,
  limits = noLimits,
  options: ParserOptions = {},
  atEnd = true,
): Reading {
  const reading: Reading = { root: undefined, stanzas: [], ended: false, errors: [] }
  const parser = new StreamParser(
    {
      onOpen: (root) => {
        reading.root = root
      },
      onStanza: (element) => reading.stanzas.push(element),
      onEnd: () => {
        reading.ended = true
      },
      onError: (error) => reading.errors.push(error.condition),
    },
    limits,
    options,
  )
  for (const chunk of chunks) parser.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  if (atEnd) parser.end()
  return reading
}

/** The ways to cut bytes: whole, byte by byte, and in two at every position. */
export function* cuts(input: Uint8Array | string): Generator<[string, Uint8Array[]]> {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  yield ['whole', [bytes]]
  yield ['byte by byte', Array.from(bytes, (byte) => Uint8Array.of(byte))]
  for (let at = 1; at < bytes.length; at++) yield [`cut at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]]
}
