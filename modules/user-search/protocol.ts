import { dataForm, type Element, NS_FORMS, readForm, StanzaError, xml } from '#api'
import { type Field, fields, wordsOf } from './person.ts'
import type { FoundPerson, Wanted } from './store.ts'

/** The namespace of searches (XEP-0055). */
export const NS_SEARCH = 'jabber:iq:search'
/** Most words of a search. */
const MAX_WORDS = 8
const INSTRUCTIONS = 'Fill in one or more fields. Whoever has words that begin with yours is found.'

const labels: Readonly<Record<Field, string>> = {
  first: 'Given Name',
  last: 'Family Name',
  nick: 'Nickname',
  email: 'Email Address',
}

/** What can be searched for, in both ways (XEP-0055 §2.1, §3). */
export function searchFields(): Element {
  const form = dataForm(
    'form',
    NS_SEARCH,
    fields.map((field) => ({ var: field, type: 'text-single' as const, label: labels[field] })),
    { title: 'User Directory', instructions: INSTRUCTIONS },
  )
  const legacy = fields.map((field) => xml(field))
  return xml('query', { xmlns: NS_SEARCH }, xml('instructions', null, INSTRUCTIONS), ...legacy, form)
}

/** A search as it was asked for, and in which way it is to be answered. */
export interface Search {
  readonly wanted: readonly Wanted[]
  readonly byForm: boolean
}

/**
 * Reads what is searched for.
 *
 * @throws StanzaError `bad-request` for a form of another type, `not-acceptable` for nothing at all, too short a word or too many.
 */
export function readSearch(query: Element, minLength: number): Search {
  const byForm = query.getChild('x', NS_FORMS) !== undefined
  const form = readForm(query, NS_SEARCH)
  if (byForm && form === undefined) throw new StanzaError('bad-request', 'This is no form of a search.')
  const textOf = (field: Field) => (form ? form.get(field)?.[0] : query.getChildText(field, NS_SEARCH)) ?? ''
  const wanted = fields.flatMap((field) => wordsOf(textOf(field)).map((word) => ({ field, word })))
  if (!wanted.some(({ word }) => [...word].length >= minLength))
    throw new StanzaError('not-acceptable', `Search for a word of at least ${minLength} letters.`)
  if (wanted.length > MAX_WORDS) throw new StanzaError('not-acceptable', `Search for ${MAX_WORDS} words at most.`)
  // The longest leaves the fewest to look at.
  return { wanted: wanted.sort((a, b) => b.word.length - a.word.length), byForm }
}

/** What was found, in the way it was asked for (XEP-0055 §2.1, §3). */
export function foundElement(people: readonly FoundPerson[], byForm: boolean): Element {
  const query = xml('query', { xmlns: NS_SEARCH })
  if (!byForm) {
    for (const person of people)
      query.append(xml('item', { jid: person.account }, ...fields.map((field) => xml(field, null, person[field]))))
    return query
  }
  const form = dataForm('result', NS_SEARCH, [])
  const reported = xml('reported', null, xml('field', { var: 'jid', type: 'jid-single', label: 'Jabber ID' }))
  for (const field of fields) reported.append(xml('field', { var: field, type: 'text-single', label: labels[field] }))
  form.append(reported)
  for (const person of people) {
    const item = xml('item')
    for (const [name, value] of [['jid', person.account], ...fields.map((field) => [field, person[field]])] as const)
      item.append(xml('field', { var: name }, xml('value', null, value)))
    form.append(item)
  }
  query.append(form)
  return query
}
