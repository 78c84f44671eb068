/** Prints what an address costs: `node bench/jid.ts`. */

import { Jid } from '../src/jid/jid.ts'
import { setJidCacheCapacity } from '../src/jid/jid-cache.ts'

const count = 200_000

function measure(title: string, texts: string[]): void {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round += 1) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < count; i += 1) Jid.parse(texts[i % texts.length]!)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count)
  }
  console.log(`${title.padEnd(44)} ${best.toFixed(0).padStart(6)} ns`)
}

const names = (domain: string, letter: string) =>
  Array.from({ length: 1000 }, (_, i) => `${letter}user${i}@${domain}/device-${i % 7}`)

measure('known text', names('example.com', 'a'))
setJidCacheCapacity(0)
measure('new text, ASCII', names('example.com', 'a'))
measure('new text, ASCII with capitals', names('Example.COM', 'A'))
measure('new text, Cyrillic localpart', names('example.com', '\u0411\u043E\u0440\u0438\u0441'))
measure('new text, internationalized domain', names('b\u00FCcher.example', 'a'))
