/** The string classes of PRECIS (RFC 8264) and the rules that look at a code point's surroundings (RFC 5892 appendix A). */

import { isTransparent, isVirama, joinsToNext, joinsToPrevious } from './joining-types.ts'

/**
 * What the classes make of a code point (RFC 8264 §8). `free` is FREE_PVAL: allowed in the FreeformClass, not in the
 * IdentifierClass. `context` is CONTEXTJ or CONTEXTO: allowed unless {@link firstOutOfContext} objects.
 */
export type CodePointProperty = 'valid' | 'free' | 'context' | 'disallowed' | 'unassigned'

// RFC 5892 §2.6, by RFC 8264 §9.6
const exceptionsValid = /^[\u00DF\u03C2\u06FD\u06FE\u0F0B\u3007]$/
const exceptionsContext = /^[\u00B7\u0375\u05F3\u05F4\u30FB\u0660-\u0669\u06F0-\u06F9]$/
const exceptionsDisallowed = /^[\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B]$/

const ascii7 = /^[!-~]$/
const unassigned = /^\p{Cn}$/u
const noncharacter = /^\p{Noncharacter_Code_Point}$/u
// Hangul_Syllable_Type L, V and T
const oldHangulJamo = /^[\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB]$/
const ignorable = /^[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u
const control = /^\p{Cc}$/u
const letterDigits = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u
const otherLetterDigits = /^[\p{Lt}\p{Nl}\p{No}\p{Me}]$/u
const spaceSymbolPunctuation = /^[\p{Zs}\p{S}\p{P}]$/u

const properties: readonly CodePointProperty[] = ['valid', 'free', 'context', 'disallowed', 'unassigned']
/** For each code point of the first plane, one more than its property's index above; 0 while nobody has asked. */
const known = new Uint8Array(0x10000)

/** The property of one character (a whole code point). */
export function codePointProperty(char: string): CodePointProperty {
  const code = char.codePointAt(0)!
  const seen = known[code] ?? 0
  if (seen !== 0) return properties[seen - 1]!
  const property = deriveProperty(char)
  known[code] = properties.indexOf(property) + 1
  return property
}

/** The order of the steps is the one of RFC 8264 §8. */
function deriveProperty(char: string): CodePointProperty {
  // RFC 8264 §9.6 (Exceptions); §9.7 (BackwardCompatible) has no members
  if (exceptionsValid.test(char)) return 'valid'
  if (exceptionsContext.test(char)) return 'context'
  if (exceptionsDisallowed.test(char)) return 'disallowed'
  // RFC 8264 §9.10 (Unassigned)
  if (unassigned.test(char) && !noncharacter.test(char)) return 'unassigned'
  // RFC 8264 §9.11 (ASCII7)
  if (ascii7.test(char)) return 'valid'
  // RFC 8264 §9.8 (JoinControl)
  if (char === '\u200C' || char === '\u200D') return 'context'
  // RFC 8264 §9.9 (OldHangulJamo), §9.13 (PrecisIgnorableProperties), §9.12 (Controls)
  if (oldHangulJamo.test(char) || ignorable.test(char) || control.test(char)) return 'disallowed'
  // RFC 8264 §9.17 (HasCompat)
  if (char.normalize('NFKC') !== char) return 'free'
  // RFC 8264 §9.1 (LetterDigits)
  if (letterDigits.test(char)) return 'valid'
  // RFC 8264 §9.18 (OtherLetterDigits), §9.14 (Spaces), §9.15 (Symbols), §9.16 (Punctuation)
  if (otherLetterDigits.test(char) || spaceSymbolPunctuation.test(char)) return 'free'
  return 'disallowed'
}

/**
 * The first character of `text` that needs a context and does not stand in it (RFC 5892 appendix A), if there is one.
 * Takes time in proportion to the text: what is asked of the whole text is asked once.
 */
export function firstOutOfContext(text: string): string | undefined {
  const chars = [...text]
  let japanese: boolean | undefined
  let mixed: boolean | undefined
  for (const [i, char] of chars.entries()) {
    if (char <= '~' || codePointProperty(char) !== 'context') continue
    let allowed: boolean
    if (char === '\u30FB') {
      // RFC 5892 appendix A.7
      japanese ??= /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(text)
      allowed = japanese
    } else if (/^[\u0660-\u0669\u06F0-\u06F9]$/.test(char)) {
      // RFC 5892 appendix A.8 and A.9: digits of one kind or the other, never both
      mixed ??= /[\u0660-\u0669]/.test(text) && /[\u06F0-\u06F9]/.test(text)
      allowed = !mixed
    } else {
      allowed = neighboursAllow(chars, i)
    }
    if (!allowed) return char
  }
  return undefined
}

function neighboursAllow(chars: readonly string[], i: number): boolean {
  const before = chars[i - 1]
  const after = chars[i + 1]
  switch (chars[i]) {
    case '\u200C': // RFC 5892 appendix A.1
      return before !== undefined && (isVirama(before) || breaksJoin(chars, i))
    case '\u200D': // RFC 5892 appendix A.2
      return before !== undefined && isVirama(before)
    case '\u00B7': // RFC 5892 appendix A.3
      return before === 'l' && after === 'l'
    case '\u0375': // RFC 5892 appendix A.4
      return after !== undefined && /^\p{Script=Greek}$/u.test(after)
    case '\u05F3': // RFC 5892 appendix A.5
    case '\u05F4': // RFC 5892 appendix A.6
      return before !== undefined && /^\p{Script=Hebrew}$/u.test(before)
    default:
      return false
  }
}

/** Whether `chars[i]` stands between two letters that would join: `(L|D) T* ZWNJ T* (R|D)`. */
function breaksJoin(chars: readonly string[], i: number): boolean {
  let left = i - 1
  while (left >= 0 && isTransparent(chars[left]!)) left -= 1
  let right = i + 1
  while (right < chars.length && isTransparent(chars[right]!)) right += 1
  return left >= 0 && right < chars.length && joinsToNext(chars[left]!) && joinsToPrevious(chars[right]!)
}
