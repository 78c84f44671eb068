import { type Element, xml } from '../xml/element.ts'

/** The namespace of data forms (XEP-0004). */
export const NS_FORMS = 'jabber:x:data'

/** One field of a data form (XEP-0004 §3.2). */
export interface FormField {
  readonly var: string
  readonly type?:
    | 'boolean'
    | 'fixed'
    | 'hidden'
    | 'jid-multi'
    | 'jid-single'
    | 'list-multi'
    | 'list-single'
    | 'text-multi'
    | 'text-private'
    | 'text-single'
  readonly label?: string
  readonly required?: boolean
  readonly values?: readonly string[]
  /** What a list offers to choose from. */
  readonly options?: readonly { readonly label?: string; readonly value: string }[]
}

/** A data form of a type (`form`, `result`, …) whose hidden `FORM_TYPE` field comes first (XEP-0068). */
export function dataForm(
  type: 'form' | 'result' | 'submit',
  formType: string,
  fields: readonly FormField[],
  texts: { title?: string; instructions?: string } = {},
): Element {
  const form = xml('x', { xmlns: NS_FORMS, type })
  if (texts.title !== undefined) form.append(xml('title', null, texts.title))
  if (texts.instructions !== undefined) form.append(xml('instructions', null, texts.instructions))
  for (const field of [{ var: 'FORM_TYPE', type: 'hidden', values: [formType] } as FormField, ...fields]) {
    const el = xml('field', { var: field.var, type: field.type, label: field.label })
    if (field.required === true) el.append(xml('required'))
    for (const { label, value } of field.options ?? []) el.append(xml('option', { label }, xml('value', null, value)))
    for (const value of field.values ?? []) el.append(xml('value', null, value))
    form.append(el)
  }
  return form
}

/** The values of a submitted form by field name, or `undefined` when it is absent, cancelled or of another type. */
export function readForm(parent: Element, formType: string): Map<string, string[]> | undefined {
  const form = parent.getChild('x', NS_FORMS)
  if (form === undefined || form.attrs['type'] !== 'submit') return undefined
  const values = new Map<string, string[]>()
  for (const field of form.getChildren('field', NS_FORMS)) {
    const name = field.attrs['var']
    if (name !== undefined)
      values.set(
        name,
        field.getChildren('value', NS_FORMS).map((value) => value.getText()),
      )
  }
  return values.get('FORM_TYPE')?.[0] === formType ? values : undefined
}
