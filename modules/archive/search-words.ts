import { hash } from 'node:crypto'

/** UTF-16 units of a text that are looked at; the rest is not found. */
const MAX_TEXT = 20_000
/** Different words of a text; further ones are not found. */
const MAX_WORDS = 1000
/** Longest word that is written out; MariaDB's engine drops tokens of more than 84 characters. */
const MAX_TOKEN = 48

// The locale is fixed: all nodes must agree. UAX #29 hardly depends on it.
const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

/**
 * The different words of a text: folded to lower case and NFKC, accents kept, split at whatever is neither letter, digit
 * nor mark, and where the script has no spaces (Thai, Chinese, Japanese) by the dictionary of the runtime.
 */
export function wordsOf(text: string): Set<string> {
  const folded = text.slice(0, MAX_TEXT).normalize('NFKC').toLowerCase().normalize('NFKC')
  const words = new Set<string>()
  for (const word of isAscii(folded) ? folded.split(/[^a-z0-9]+/) : segmentsOf(folded)) {
    if (word !== '') words.add(word)
    if (words.size === MAX_WORDS) break
  }
  return words
}

function* segmentsOf(text: string): Generator<string> {
  for (const { segment, isWordLike } of segmenter.segment(text))
    if (isWordLike === true) yield* segment.split(/[^\p{L}\p{N}\p{M}]+/u)
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text)
}

/**
 * What stands for a word of one owner's messages in the search index: the number of the owner in base 36, `_`, and the word.
 *
 * Only of `a-z`, `0-9` and `_`, so that no operator of an engine can be among them and both engines take it for one token;
 * never a stop word, and never too short or too long. It names the owner so that the engine itself, however many people
 * wrote the same word, reads nothing but what this one has.
 */
export function tokenOf(owner: number, word: string): string {
  const plain = word.replace(/[^a-z0-9]/gu, (char) => `_${char.codePointAt(0)!.toString(16)}_`)
  // `_h` begins no escape: h is no hexadecimal digit.
  return `${owner.toString(36)}_${plain.length > MAX_TOKEN ? `_h${hash('sha256', word, 'hex').slice(0, 32)}` : plain}`
}

/** The tokens of a text for one owner, with spaces between; `''` when it has no words. */
export function tokensOf(owner: number, text: string): string {
  return Array.from(wordsOf(text), (word) => tokenOf(owner, word)).join(' ')
}
