import type { Jid } from './jid.ts'

/** The number of texts remembered at start. */
const defaultCapacity = 10_000
/** Longer texts are rare, and a hostile peer could fill the memory with them: they are prepared each time. */
const maxTextUnits = 256

/**
 * The addresses of recently seen texts, in two generations: a known text costs one `Map` look-up.
 *
 * When the young generation holds half the capacity, it becomes the old one, and the old one's texts that nobody used
 * meanwhile are forgotten. It is thus least-recently-used to the nearest generation, without moving an entry at each use.
 */
let young = new Map<string, Jid>()
let old = new Map<string, Jid>()
let half = defaultCapacity / 2

/** The address a text was prepared to, when it is remembered. */
export function recall(text: string): Jid | undefined {
  return young.get(text) ?? recallOld(text)
}

/** Remembers what a text was prepared to. The text is kept: it must not be a slice of a large buffer. */
export function remember(text: string, jid: Jid): void {
  if (half === 0 || text.length > maxTextUnits) return
  if (young.size >= half) {
    old = young
    young = new Map()
  }
  young.set(text, jid)
}

/** Sets how many texts are remembered (0 for none) and forgets all of them. */
export function setJidCacheCapacity(capacity: number): void {
  half = Math.ceil(capacity / 2)
  young = new Map()
  old = new Map()
}

/** The number of texts remembered now, for the metrics. */
export function jidCacheSize(): number {
  return young.size + old.size
}

function recallOld(text: string): Jid | undefined {
  const jid = old.get(text)
  if (jid === undefined) return undefined
  old.delete(text)
  remember(text, jid)
  return jid
}
