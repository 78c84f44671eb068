import {
  type CommandDeclaration,
  CommandError,
  type CommandForm,
  type CommandReply,
  dataForm,
  type Element,
  type FormField,
  StanzaError,
} from '#api'
import type { CommandOffer, CommandRequest, Filled } from '../ad-hoc/hooks.ts'
import { badPayload, note } from '../ad-hoc/index.ts'

/** The type of the forms of XEP-0133, and how its nodes begin. */
export const NS_ADMIN = 'http://jabber.org/protocol/admin'
/** Likewise for what that has no command for. */
const NS_OWN = 'urn:stonechat:admin'

/** What a command from a form becomes. */
export interface FormCommands {
  /** Runs a command of the server for somebody. */
  perform(name: string, args: readonly string[], request: CommandRequest): Promise<CommandReply>
  /** Throws `StanzaError` when somebody may not run it. */
  check(declaration: CommandDeclaration, request: CommandRequest): void
  /** Hears of what somebody has run. */
  note(declaration: CommandDeclaration, request: CommandRequest, args: readonly string[]): void
}

type Argument = NonNullable<CommandDeclaration['args']>[number]

/** The commands, as clients see them, that a declaration comes to: one for each of its forms. */
export function offersOf(declaration: CommandDeclaration, commands: FormCommands): CommandOffer[] {
  if (declaration.role === 'nobody') return []
  return (declaration.forms ?? [defaultForm(declaration)]).map((form) => ({
    target: 'host',
    node: form.node,
    name: form.name,
    may: (request) => commands.check(declaration, request),
    stages: hasFields(declaration, form) ? [(request) => blank(declaration, form, request, commands)] : [],
    run: async (filled, request) => {
      const args = argsOf(declaration, form, filled, request)
      const reply = await performed(commands, declaration.name, args, request)
      commands.note(declaration, request, logged(declaration, args))
      return payloadOf(reply, form)
    },
  }))
}

/** The arguments that may be known later: neither a password nor what people are told. */
function logged({ args: declared = [], password }: CommandDeclaration, args: readonly string[]): readonly string[] {
  const open = password === true ? args.slice(0, -1) : args
  return open.filter((_, place) => declared[place]?.kind !== 'lines')
}

function defaultForm({ name, summary }: CommandDeclaration): CommandForm {
  return { node: `${NS_OWN}#${name.replaceAll(' ', '-')}`, name: summary.replace(/\.$/, '') }
}

function typeOf({ node }: CommandForm): string {
  return node.startsWith(`${NS_ADMIN}#`) ? NS_ADMIN : NS_OWN
}

/** The arguments that the form asks for. */
function asked({ args = [] }: CommandDeclaration, { preset = {} }: CommandForm): readonly Argument[] {
  return args.filter(({ name, kind }) => kind !== 'host' && preset[name] === undefined)
}

function hasFields(declaration: CommandDeclaration, form: CommandForm): boolean {
  return asked(declaration, form).length > 0 || declaration.password === true
}

async function blank(
  declaration: CommandDeclaration,
  form: CommandForm,
  request: CommandRequest,
  commands: FormCommands,
): Promise<Element> {
  const shown = form.current
  const current = shown === undefined ? undefined : await performed(commands, shown, [request.to.domain], request)
  const values = new Map(current?.fields?.map((field) => [field.var, field.values ?? []]))
  const fields = asked(declaration, form).map((arg) => fieldOf(arg, values.get(nameOf(arg))))
  if (declaration.password === true) fields.push(...passwordFields(form))
  const { title, instructions } = form
  const texts = { title: title ?? form.name, instructions: instructions ?? declaration.summary }
  return dataForm('form', typeOf(form), fields, texts)
}

const fieldTypes = {
  host: 'text-single',
  jid: 'jid-single',
  jids: 'jid-multi',
  lines: 'text-multi',
  text: 'text-single',
} as const

function nameOf({ field, name }: Argument): string {
  return field ?? name.replace(/\?$/, '')
}

function fieldOf(arg: Argument, current: readonly string[] | undefined): FormField {
  const { kind = 'text', choices, label, summary, proposed } = arg
  const values = current ?? (proposed === undefined ? undefined : [proposed])
  return {
    var: nameOf(arg),
    type: choices === undefined ? fieldTypes[kind] : 'list-single',
    label: label ?? summary,
    ...(!arg.name.endsWith('?') && { required: true }),
    ...(values !== undefined && { values }),
    ...(choices !== undefined && { options: choices }),
  }
}

function passwordFields({ verify = false }: CommandForm): FormField[] {
  const password: FormField = {
    var: 'password',
    type: 'text-private',
    label: 'The password for this account',
    required: true,
  }
  if (!verify) return [password]
  return [password, { var: 'password-verify', type: 'text-private', label: 'Retype password', required: true }]
}

/** What a form comes to on the command line. @throws StanzaError `bad-payload` */
function argsOf(
  declaration: CommandDeclaration,
  { preset = {}, verify = false }: CommandForm,
  filled: Filled,
  { to }: CommandRequest,
): string[] {
  const args: string[] = []
  let missing: string | undefined
  for (const arg of declaration.args ?? []) {
    const given = arg.kind === 'host' ? [to.domain] : valuesOf(arg, preset[arg.name], filled)
    if (given.length === 0) missing ??= nameOf(arg)
    else if (missing !== undefined) throw badPayload(`Fill in ${missing}, too, to say ${nameOf(arg)}.`)
    args.push(...given)
  }
  if (declaration.password !== true) return args
  const password = filled.get('password')![0]!
  if (verify && filled.get('password-verify')![0] !== password) throw badPayload('The two passwords are not the same.')
  return [...args, password]
}

function valuesOf(arg: Argument, preset: string | undefined, filled: Filled): readonly string[] {
  if (preset !== undefined) return [preset]
  const values = filled.get(nameOf(arg))
  if (values === undefined) return arg.proposed === undefined ? [] : [arg.proposed]
  return arg.kind === 'lines' ? [values.join('\n')] : values
}

/** Runs a command; what cannot be done becomes an error for the client (XEP-0133 §5). */
async function performed(
  { perform }: FormCommands,
  name: string,
  args: readonly string[],
  request: CommandRequest,
): Promise<CommandReply> {
  try {
    return await perform(name, args, request)
  } catch (error) {
    if (error instanceof CommandError) throw new StanzaError(error.condition, error.message)
    throw error
  }
}

/** A form of type `result` when there is more to say than a sentence. */
function payloadOf({ lines, fields, payload = [] }: CommandReply, form: CommandForm): Element[] {
  if (fields === undefined && lines.length <= 1) return lines.map((line) => note(line))
  const shown: readonly FormField[] = fields ?? [{ var: 'result', type: 'text-multi', label: form.name, values: lines }]
  const result = dataForm('result', typeOf(form), shown)
  result.append(...payload)
  return [result]
}
