import type { Element } from '#api'
import { type Field, fields, type Profile } from './fields.ts'

/** How one of the two kinds of vCard calls, reads and writes a field. */
interface Dialect {
  readonly names: (field: Field) => readonly string[]
  readonly read: (field: Field, element: Element) => string | undefined
  readonly write: (field: Field, value: string) => Element
}

/** vcard-temp (XEP-0054). */
export const temp: Dialect = {
  names: (field) => field.temp,
  read: (field, element) => field.fromTemp(element),
  write: (field, value) => field.toTemp(value),
}

/** vCard4 (RFC 6351), each property by itself. */
export const four: Dialect = {
  names: (field) => [field.four],
  read: (field, element) => field.from4(element),
  write: (field, value) => field.to4(value),
}

/** The profile of nobody. */
export const nothing: Profile = new Map()

/** What a card says that both kinds can say. */
export function profileOf(card: Element, dialect: Dialect): Profile {
  const profile = new Map<Field, string[]>()
  for (const element of card.getChildElements()) {
    const field = fieldOf(element, dialect)
    const value = field && dialect.read(field, element)
    if (field === undefined || value === undefined || value === '') continue
    const values = profile.get(field)
    if (values === undefined) profile.set(field, [value])
    else if (!values.includes(value)) values.push(value)
  }
  return profile
}

/**
 * Makes a card say what a profile says: elements that say it stay as they are, those that say something else go, and what
 * is missing comes at the end. What the other kind of card cannot say stays.
 */
export function apply(card: Element, dialect: Dialect, profile: Profile): void {
  const missing = new Map([...profile].map(([field, values]) => [field, new Set(values)]))
  card.children = card.children.filter((element) => {
    if (typeof element !== 'object') return true
    const field = fieldOf(element, dialect)
    const value = field && dialect.read(field, element)
    if (field === undefined || value === undefined || value === '') return true
    missing.get(field)?.delete(value)
    return profile.get(field)?.includes(value) ?? false
  })
  for (const field of fields) for (const value of missing.get(field) ?? []) card.append(dialect.write(field, value))
}

/** Whether two profiles say the same, in whatever order. */
export function isSame(one: Profile, other: Profile): boolean {
  if (one.size !== other.size) return false
  for (const [field, values] of one) {
    const others = other.get(field)
    if (others?.length !== values.length || !values.every((value) => others.includes(value))) return false
  }
  return true
}

const byName = new Map<Dialect, Map<string, Field>>(
  [temp, four].map((dialect) => [
    dialect,
    new Map(fields.flatMap((field) => dialect.names(field).map((name) => [name, field]))),
  ]),
)

function fieldOf(element: Element, dialect: Dialect): Field | undefined {
  // One with a namespace of its own is an extension's.
  return element.attrs['xmlns'] === undefined ? byName.get(dialect)!.get(element.name) : undefined
}
