import { type FormField, readBoolean } from '#api'
import { NS_MUC } from '../namespaces.ts'
import type { AffiliationRecord } from '../records.ts'
import type { Room } from '../room.ts'
import { unacceptable } from '../setting.ts'

/** The FORM_TYPE of registering with a room (XEP-0045 §16.5.1). */
export const REGISTER: string = `${NS_MUC}#register`
/** The field of the nick. */
export const NICK = 'muc#register_roomnick'
/** Longest answer, in characters. */
const MAX_ANSWER = 1024

/** What the specification has; no answer is required. */
const usual: readonly FormField[] = [
  { var: 'muc#register_first', type: 'text-single', label: 'Given name' },
  { var: 'muc#register_last', type: 'text-single', label: 'Family name' },
  { var: 'muc#register_url', type: 'text-single', label: 'A web page' },
  { var: 'muc#register_email', type: 'text-single', label: 'Email address' },
  { var: 'muc#register_faqentry', type: 'text-multi', label: 'FAQ entry' },
]

/** All that somebody may answer, beside the nick. */
function questionsOf(room: Room): readonly FormField[] {
  return [...usual, ...room.service.doing('registrationFields').flatMap((aspect) => aspect.registrationFields)]
}

/** The fields of the form, as somebody filled it in before. */
export function fieldsOf(room: Room, record?: Pick<AffiliationRecord, 'nick' | 'registration'>): readonly FormField[] {
  const answers = record?.registration ?? {}
  const nick = record?.nick
  return [
    { var: NICK, type: 'text-single', label: 'Nick', required: true, ...(nick !== undefined && { values: [nick] }) },
    ...questionsOf(room).map((field) => {
      const answer = answers[field.var]
      return answer === undefined
        ? field
        : { ...field, values: field.type === 'text-multi' ? answer.split('\n') : [answer] }
    }),
  ]
}

/** The answers of a form by field. @throws StanzaError `not-acceptable` for one that cannot be. */
export function readAnswers(room: Room, form: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const answers: Record<string, string> = {}
  for (const field of questionsOf(room)) {
    const values = form.get(field.var)
    if (values !== undefined) answers[field.var] = readAnswer(field, values)
  }
  return answers
}

function readAnswer({ var: name, type, options }: FormField, values: readonly string[]): string {
  const isLong = type === 'text-multi' || type === 'list-multi' || type === 'jid-multi'
  if (values.length > 1 && !isLong) throw unacceptable(`${name} takes one value.`)
  const answer = values.join('\n')
  if (answer.length > MAX_ANSWER) throw unacceptable(`${name} has ${MAX_ANSWER} characters at most.`)
  if (options !== undefined && values.some((value) => !options.some((offer) => offer.value === value)))
    throw unacceptable(`${name} is one of ${options.map(({ value }) => value).join(', ')}.`)
  return type === 'boolean' ? readFlag(name, answer) : answer
}

function readFlag(name: string, text: string): string {
  const flag = readBoolean(text)
  if (flag === undefined) throw unacceptable(`${name} is 1 or 0.`)
  return flag ? '1' : '0'
}
