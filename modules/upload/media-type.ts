/** The longest media type that is taken. */
export const MAX_TYPE_LENGTH = 255

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PARAMETER = `[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*")`
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:${PARAMETER})*$`)

/** What browsers may show: pictures, sound, moving pictures and plain text, none of which does anything. */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain)$/
/** What browsers would read as a page, a style or a program: to them it is bytes. */
const ACTIVE = /^text\/(?!plain$)|script|html|xml|css|json|wasm|flash|manifest|java/
const BYTES = 'application/octet-stream'

/** Whether a text is a media type (RFC 9110 §8.3.1), of a length that is taken. */
export function isMediaType(text: string): boolean {
  return text.length <= MAX_TYPE_LENGTH && MEDIA_TYPE.test(text)
}

/** Type and subtype, without parameters, in lower case: what two media types are compared by. */
export function essenceOf(type: string): string {
  return type.split(';', 1)[0]!.trim().toLowerCase()
}

/** How a file of some type is handed out: as which type, and whether browsers show it or only save it. */
export function deliveryOf(type: string | undefined): { readonly type: string; readonly shown: boolean } {
  if (type === undefined) return { type: BYTES, shown: false }
  const essence = essenceOf(type)
  // Sound and moving pictures have types with xml in them, too.
  if (ACTIVE.test(essence)) return { type: BYTES, shown: false }
  return { type, shown: SHOWN.test(essence) }
}
