import type { RoomSearch, RoomSummary, SearchField } from './records.ts'

/** Words of a search that count; what follows is ignored. */
const MAX_TERMS = 10
/** Longest sort key, in octets: the width of its column. */
const MAX_KEY_BYTES = 255

/** A text as searches compare it: without the difference of case or of compatible characters. */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/** The words of a search, folded. */
export function searchTerms(text: string): string[] {
  const words = foldText(text).split(/\s+/)
  return [...new Set(words.filter((word) => word !== ''))].slice(0, MAX_TERMS)
}

/** What rooms are sorted by when they are sorted by name. */
export function sortKey(name: string): string {
  let key = foldText(name).trim().slice(0, MAX_KEY_BYTES)
  while (Buffer.byteLength(key) > MAX_KEY_BYTES || !key.isWellFormed()) key = key.slice(0, -1)
  return key
}

/** Whether a search finds a room: what the store does by SQL, for rooms that are at hand. */
export function isFound(room: RoomSummary, { terms, fields }: Pick<RoomSearch, 'terms' | 'fields'>): boolean {
  const texts = fields.map((field) => textOf(room, field))
  return terms.every((term) => texts.some((text) => text.includes(term)))
}

function textOf(room: RoomSummary, field: SearchField): string {
  return field === 'address' ? room.local : foldText(room[field])
}
