import { type Element, Jid, JidError, ownText, readBoolean, xml } from '#api'
import type { Filled } from './hooks.ts'
import { badPayload, NS_FORMS } from './protocol.ts'

/** Types of fields with any number of values; all others have one at most (XEP-0004 §3.3). */
const MULTI = new Set(['hidden', 'jid-multi', 'list-multi', 'text-multi'])

/**
 * What was filled in of a form, checked against it. Fields that were not in the form are passed over; addresses are prepared.
 *
 * @throws StanzaError `bad-payload` (XEP-0050 §4.4).
 */
export function readFilled(offered: Element, submitted: Element | undefined): Filled {
  // XEP-0050 §3.5.1: a form of type "cancel" counts as "submit".
  if (submitted === undefined || !['submit', 'cancel'].includes(submitted.attrs['type'] ?? ''))
    throw badPayload('Fill in the form and submit it.')
  const given = valuesOf(submitted)
  const filled = new Map<string, readonly string[]>()
  for (const field of offered.getChildren('field', NS_FORMS)) {
    const name = field.attrs['var']
    if (name === undefined || field.attrs['type'] === 'fixed') continue
    const values = readField(field, name, given.get(name) ?? [])
    if (values.length > 0) filled.set(name, values)
  }
  return filled
}

function valuesOf(form: Element): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const field of form.getChildren('field', NS_FORMS)) {
    const name = field.attrs['var']
    const texts = field.getChildren('value', NS_FORMS).map((value) => value.getText())
    if (name !== undefined) values.set(name, texts)
  }
  return values
}

function readField(field: Element, name: string, given: readonly string[]): readonly string[] {
  const type = field.attrs['type'] ?? 'text-single'
  if (name === 'FORM_TYPE') {
    const own = field.getChildText('value', NS_FORMS)
    if (given.length > 0 && given[0] !== own) throw badPayload(`The form is one of type ${own}.`)
    return []
  }
  // An empty line of a text is one, an empty address, choice or single value is none.
  const values = type === 'text-multi' ? given : given.filter((value) => value !== '')
  if (values.every((value) => value.trim() === '')) {
    if (field.getChild('required', NS_FORMS) !== undefined) throw badPayload(`The field ${name} must be filled in.`)
    return type === 'text-multi' ? [] : values
  }
  if (values.length > 1 && !MULTI.has(type)) throw badPayload(`The field ${name} has one value.`)
  // It is kept until the command is carried out.
  return values.map((value) => ownText(readValue(field, type, name, value)))
}

function readValue(field: Element, type: string, name: string, value: string): string {
  switch (type) {
    case 'boolean': {
      const flag = readBoolean(value)
      if (flag === undefined) throw badPayload(`The field ${name} is 1 or 0.`)
      return flag ? '1' : '0'
    }
    case 'jid-multi':
    case 'jid-single':
      return readJid(name, value)
    case 'list-multi':
    case 'list-single': {
      const options = field.getChildren('option', NS_FORMS)
      if (options.some((option) => option.getChildText('value', NS_FORMS) === value)) return value
      throw badPayload(`The field ${name} has a value that was not offered.`)
    }
    default:
      return value
  }
}

function readJid(name: string, value: string): string {
  try {
    return Jid.parse(value).toString()
  } catch (error) {
    if (error instanceof JidError) throw badPayload(`The field ${name} is not an address: ${error.message}`)
    throw error
  }
}

/** A form with what somebody has filled in before in place of what it proposes (XEP-0050 §2.4.2, at the end). */
export function filledAgain(form: Element, filled: Filled): Element {
  for (const field of form.getChildren('field', NS_FORMS)) {
    const values = filled.get(field.attrs['var'] ?? '')
    if (values === undefined || field.attrs['type'] === 'text-private') continue
    field.children = field.children.filter((child) => typeof child === 'string' || child.name !== 'value')
    field.append(...values.map((value) => xml('value', null, value)))
  }
  return form
}
