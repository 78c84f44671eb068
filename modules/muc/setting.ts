import { type FormField, readBoolean, StanzaError } from '#api'
import type { Role } from './occupant.ts'

/** One thing about a room that its owners decide: a field of the configuration form (XEP-0045 §10.2) and its value. */
export interface Setting<T> {
  /** Its name in the database, and in the option `defaults`. */
  readonly key: string
  /** The field of the form, without its value. */
  readonly field: Omit<FormField, 'values'>
  /** The value in a room whose owners have not said, unless the admin says otherwise. */
  readonly initial: T
  /** The value that a form gives. Throws `StanzaError` `not-acceptable` (XEP-0045 §10.1.3) for one that cannot be. */
  readonly read: (values: readonly string[]) => T
  /** The value as the form shows it. */
  readonly write: (value: T) => readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: settings of every type stand side by side
export type AnySetting = Setting<any>

/** A setting that is on or off. */
export function flagSetting(key: string, name: string, label: string, initial: boolean): Setting<boolean> {
  return {
    key,
    field: { var: name, type: 'boolean', label },
    initial,
    read: (values) => readFlag(name, values),
    write: (value) => [value ? '1' : '0'],
  }
}

/** A setting that is a line of text, at most `maxLength` characters long. */
export function textSetting(
  key: string,
  name: string,
  label: string,
  maxLength: number,
  type: 'text-private' | 'text-single' = 'text-single',
): Setting<string> {
  return {
    key,
    field: { var: name, type, label },
    initial: '',
    read(values) {
      const text = values[0] ?? ''
      if (values.length > 1) throw unacceptable(`${name} takes one value.`)
      if (text.length > maxLength) throw unacceptable(`${name} has ${maxLength} characters at most.`)
      return text
    },
    write: (value) => [value],
  }
}

/** A setting that is one of a few values, each with its label. */
export function choiceSetting<T extends string>(
  key: string,
  name: string,
  label: string,
  choices: Readonly<Record<T, string>>,
  initial: NoInfer<T>,
): Setting<T> {
  const options = Object.entries<string>(choices).map(([value, text]) => ({ value, label: text }))
  return {
    key,
    field: { var: name, type: 'list-single', label, options },
    initial,
    read(values) {
      const [value] = values
      if (values.length !== 1 || value === undefined || !Object.hasOwn(choices, value))
        throw unacceptable(`${name} is one of ${Object.keys(choices).join(', ')}.`)
      return value as T
    },
    write: (value) => [value],
  }
}

/** XEP-0004 §3.3: a boolean. */
function readFlag(name: string, values: readonly string[]): boolean {
  const flag = values.length === 1 ? readBoolean(values[0]) : undefined
  if (flag === undefined) throw unacceptable(`${name} is 1 or 0.`)
  return flag
}

/** XEP-0045 §10.1.3: "not acceptable" is what is outside what the service allows. */
export function unacceptable(text: string): StanzaError {
  return new StanzaError('not-acceptable', text)
}

const roles: readonly Role[] = ['moderator', 'participant', 'visitor']

/** A setting that is a choice of roles; all of them unless the owners say otherwise. */
export function rolesSetting(key: string, name: string, label: string): Setting<readonly Role[]> {
  const options = roles.map((value) => ({ value, label: `${value[0]!.toUpperCase()}${value.slice(1)}s` }))
  return {
    key,
    field: { var: name, type: 'list-multi', label, options },
    initial: roles,
    read(values) {
      const unknown = values.find((value) => !(roles as readonly string[]).includes(value))
      if (unknown !== undefined) throw unacceptable(`${name} has no value ${unknown}.`)
      return roles.filter((role) => values.includes(role))
    },
    write: (value) => value,
  }
}
