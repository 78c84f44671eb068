/** A boolean of XML Schema, as attributes and data forms have it (XEP-0004 §3.3); `undefined` for a text that is none. */
export function readBoolean(text: string | undefined): boolean | undefined {
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : undefined
}
