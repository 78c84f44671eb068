import bidiFactory, { type Bidi } from 'bidi-js'

// The package is CommonJS and exports the function itself; its types speak of a default export.
const bidi = (bidiFactory as unknown as () => Bidi)()

/**
 * The Bidi_Class of a character. The package knows Unicode 13: what came later and may stand in an identifier is letters
 * (whose class follows from the block), marks and the Garay digits, and the last two are set right here.
 */
function bidiClass(char: string): string {
  const name = bidi.getBidiCharTypeName(char)
  if (name === 'R' || name === 'AL' || name === 'L') {
    if (/^[\p{Mn}\p{Me}]$/u.test(char)) return 'NSM'
    if (/^[\u{10D40}-\u{10D49}]$/u.test(char)) return 'AN'
  }
  return name
}

const inRtl = new Set(['R', 'AL', 'AN', 'EN', 'ES', 'CS', 'ET', 'ON', 'BN', 'NSM'])

/**
 * Whether text satisfies all six conditions of the Bidi Rule (RFC 5893 §2), which text without right-to-left code points
 * (Bidi_Class R, AL or AN) does by definition (RFC 8265 §3.3.1).
 */
export function satisfiesBidiRule(chars: readonly string[]): boolean {
  const classes = chars.map(bidiClass)
  if (!classes.some((name) => name === 'R' || name === 'AL' || name === 'AN')) return true
  const first = classes[0]
  const last = classes.findLast((name) => name !== 'NSM')
  // RFC 5893 §2 condition 1; a first L makes it left-to-right text, where condition 5 allows no right-to-left code point
  if (first !== 'R' && first !== 'AL') return false
  // RFC 5893 §2 condition 2
  if (!classes.every((name) => inRtl.has(name))) return false
  // RFC 5893 §2 condition 3
  if (last !== 'R' && last !== 'AL' && last !== 'EN' && last !== 'AN') return false
  // RFC 5893 §2 condition 4
  return !(classes.includes('EN') && classes.includes('AN'))
}
