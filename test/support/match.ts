import { type Element, type Node, serialize } from '../../src/api.ts'

/**
 * Why an element is not what was expected, or `undefined` when it is.
 *
 * In the stanza's own namespace it is lenient: what is expected must be there, more may be. Inside a foreign payload it
 * is exact. `*` stands for any attribute value or text. White space between elements does not count.
 */
export function mismatch(expected: Element, actual: Element): string | undefined {
  return compare(expected, actual, false)
}

function compare(expected: Element, actual: Element, exact: boolean): string | undefined {
  const where = `<${expected.name}>`
  if (expected.name !== actual.name) return `expected ${where}, got <${actual.name}>`
  if ((expected.getNS() ?? '') !== (actual.getNS() ?? ''))
    return `${where}: expected namespace ${expected.getNS()}, got ${actual.getNS()}`
  for (const [name, value] of Object.entries(expected.attrs)) {
    const found = actual.attrs[name]
    if (found === undefined || (value !== '*' && value !== found))
      return `${where}: expected ${name}='${value}', got ${found === undefined ? 'none' : `'${found}'`}`
  }
  if (exact)
    for (const name of Object.keys(actual.attrs))
      if (actual.attrs[name] !== undefined && expected.attrs[name] === undefined)
        return `${where}: unexpected ${name}='${actual.attrs[name]}'`
  const wantedText = text(expected)
  if ((exact || wantedText !== '') && wantedText !== '*' && wantedText !== text(actual))
    return `${where}: expected text '${wantedText}', got '${text(actual)}'`
  const left = elements(actual)
  for (const child of elements(expected)) {
    const inside = exact || child.attrs['xmlns'] !== undefined
    const index = left.findIndex((candidate) => compare(child, candidate, inside) === undefined)
    if (index < 0) {
      const rival = left.find((candidate) => candidate.name === child.name)
      return `in ${where}: ${rival === undefined ? `no <${child.name}>` : compare(child, rival, inside)}`
    }
    left.splice(index, 1)
  }
  if (exact && left.length > 0) return `in ${where}: unexpected ${serialize(left[0]!)}`
  return undefined
}

function elements(el: Element): Element[] {
  return el.children.filter((child: Node): child is Element => typeof child !== 'string')
}

function text(el: Element): string {
  const whole = el.getText()
  return elements(el).length > 0 ? whole.trim() : whole
}
