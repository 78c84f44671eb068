import type { ReadonlyElement } from '#api'

/** The fields of a search (XEP-0055 §3), in the order in which they are shown. */
export const fields = ['first', 'last', 'nick', 'email'] as const
export type Field = (typeof fields)[number]

/** Somebody who can be found. */
export type Person = { readonly [F in Field]: string }

const NS_VCARD = 'vcard-temp'
/** Longest text of a field that is kept and shown, in characters. */
const MAX_TEXT = 256
/** Longest word that is compared, in characters. */
const MAX_WORD = 64
/** Most words of a field that count. */
const MAX_WORDS = 16

/** Who a vCard says somebody is; `undefined` when it has nothing to find them by. */
export function personOf(card: ReadonlyElement): Person | undefined {
  const name = card.getChild('N', NS_VCARD)
  const text = (el: ReadonlyElement | undefined, child: string) =>
    (el?.getChildText(child, NS_VCARD) ?? '').trim().replace(/\s+/g, ' ').slice(0, MAX_TEXT)
  let [first, last] = [text(name, 'GIVEN'), text(name, 'FAMILY')]
  if (first === '' && last === '') {
    // Only a whole name: its last word is taken for the family's.
    const words = text(card, 'FN').split(' ')
    if (words.length > 1) last = words.pop()!
    first = words.join(' ')
  }
  const nick = text(card, 'NICKNAME')
  const email = card
    .getChildren('EMAIL', NS_VCARD)
    .map((el) => text(el, 'USERID'))
    .find((address) => address !== '')
  const person = { first, last, nick, email: email ?? '' }
  return fields.some((field) => person[field] !== '') ? person : undefined
}

/** Whether a vCard asks not to be told to others (its `CLASS` is private or confidential), or to be; `undefined`: neither. */
export function wishIn(card: ReadonlyElement): boolean | undefined {
  const privacy = card.getChild('CLASS', NS_VCARD)
  if (privacy === undefined) return undefined
  const has = (name: string) => privacy.getChild(name, NS_VCARD) !== undefined
  if (has('PRIVATE') || has('CONFIDENTIAL')) return false
  return has('PUBLIC') ? true : undefined
}

/** The words of a text as they are compared: without accents, case and signs. */
export function wordsOf(text: string): string[] {
  const folded = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
  const words = folded.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
  return [...new Set(words.map((word) => [...word].slice(0, MAX_WORD).join('')))].slice(0, MAX_WORDS)
}

/** What decides whether somebody can be found. */
export interface Circumstances {
  /** Whether everybody can who has not said otherwise. */
  readonly everybody: boolean
  /** What the account has said, with a command. */
  readonly wish: boolean | undefined
  /** What its vCard says. */
  readonly cardWish: boolean | undefined
  /** Whether an admin has taken it out. */
  readonly barred: boolean
}

/** Whether somebody can be found: what hides them counts more than what shows them. */
export function isFindable({ everybody, wish, cardWish, barred }: Circumstances): boolean {
  if (barred || wish === false || cardWish === false) return false
  return everybody || wish === true || cardWish === true
}
