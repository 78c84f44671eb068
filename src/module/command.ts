import { Jid, JidError } from '../jid/jid.ts'
import type { Condition } from '../stanza/conditions.ts'
import type { FormField } from '../stanza/data-form.ts'
import type { Element } from '../xml/element.ts'

/**
 * What an argument is: `host`, the domain of a host, which forms leave out since it is the one that is asked; `jid`; `jids`, one
 * or more, the last argument; `lines`, a text of several lines; or `text`.
 */
export type ArgumentKind = 'host' | 'jid' | 'jids' | 'lines' | 'text'

/** An argument of a command, and how a form asks for it. */
export interface CommandArgument {
  /** As the command line shows it; one whose name ends in `?` may be left out. */
  readonly name: string
  readonly summary: string
  /** `text` unless told. */
  readonly kind?: ArgumentKind
  /** What a form offers to choose from. */
  readonly choices?: readonly { readonly value: string; readonly label?: string }[]
  /** The name of its field in forms; its own unless told. */
  readonly field?: string
  /** What forms call it; the summary unless told. */
  readonly label?: string
  /** What a form proposes, and has for an argument that may be left out and is. */
  readonly proposed?: string
}

/** A form through which clients run a command (XEP-0050). */
export interface CommandForm {
  /** The node of the command in service discovery. */
  readonly node: string
  /** What menus call it. */
  readonly name: string
  readonly title?: string
  readonly instructions?: string
  /** Arguments that this form has filled in, and does not ask for, by name. */
  readonly preset?: Readonly<Record<string, string>>
  /** Whether the password is asked for a second time, in the field `password-verify`. */
  readonly verify?: boolean
  /** The command that tells what is filled in at first: the values of its fields. It gets the arguments that are not asked for. */
  readonly current?: string
}

/** Who may run a command through a client: `observer`, since it only tells; `admin`; or `nobody`, since it is for the command line. */
export type CommandRole = 'admin' | 'nobody' | 'observer'

/** A command as it is declared, once, for the command line and for clients. */
export interface CommandDeclaration {
  /** Words as they are typed, such as `user add`. */
  readonly name: string
  readonly summary: string
  /** The arguments, in order; those that may be left out come last. */
  readonly args?: readonly CommandArgument[]
  /** Whether a password is asked for and passed as the last argument. */
  readonly password?: boolean
  /** `admin` unless told. */
  readonly role?: CommandRole
  /** The forms of XEP-0133, or others that are to be found by their nodes; one that follows from the rest unless told. */
  readonly forms?: readonly CommandForm[]
}

/** What a command has to say: lines to print and, where clients are to get more than those, what goes into a form of type `result`. */
export interface CommandReply {
  readonly lines: readonly string[]
  readonly fields?: readonly FormField[]
  /** Elements in the form beside its fields (XEP-0133 §4.8). */
  readonly payload?: readonly Element[]
}

/**
 * Does it: gets the arguments in order and returns what to print, line by line; throws {@link CommandError} with a sentence for
 * the person.
 */
export type CommandRun = (args: readonly string[]) => Promise<readonly string[] | CommandReply>

/** One command: declared once, run from the command line inside the running server or, when it is stopped, beside it. */
export interface CommandSpec extends CommandDeclaration {
  readonly run: CommandRun
}

/**
 * A command cannot be done: the sentence says why and what to do. The condition is what a client gets as error (RFC 6120
 * §8.3.3).
 */
export class CommandError extends Error {
  readonly condition: Condition

  constructor(message: string, condition: Condition = 'not-acceptable') {
    super(message)
    this.condition = condition
  }
}

/** Whose command it is: of a host's module, for that host or for another domain that the module serves. */
export interface CommandOwner {
  readonly host: string
  readonly declaration: CommandDeclaration
}

interface Lent {
  readonly run: CommandRun
  readonly owner: CommandOwner | undefined
}

/** The commands of a server, by name. */
export class Commands {
  readonly #specs = new Map<string, CommandSpec>()
  /** By name, then by domain. */
  readonly #lent = new Map<string, Map<string, Lent>>()

  /** @throws Error when the name is taken. */
  add(spec: CommandSpec): () => void {
    if (this.#specs.has(spec.name)) throw new Error(`two commands are called ${spec.name}`)
    this.#specs.set(spec.name, spec)
    return () => this.#specs.delete(spec.name)
  }

  /**
   * Adds a module's command for one domain, a host or one that a module serves beside it: that of the command's first
   * argument, an address or the domain itself.
   *
   * @throws Error when the domain has a command of that name.
   */
  addFor(domain: string, name: string, run: CommandRun, owner?: CommandOwner): () => void {
    const lent = this.#lent.get(name) ?? new Map<string, Lent>()
    if (lent.has(domain) || this.#specs.has(name)) throw new Error(`two commands are called ${name}`)
    this.#lent.set(name, lent.set(domain, { run, owner }))
    return () => {
      lent.delete(domain)
      if (lent.size === 0) this.#lent.delete(name)
    }
  }

  /** The commands of the server and of the modules of a host, by name. */
  of(host: string): CommandDeclaration[] {
    const found = new Map<string, CommandDeclaration>(this.#specs)
    for (const [name, lent] of this.#lent)
      for (const { owner } of lent.values()) if (owner?.host === host) found.set(name, owner.declaration)
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Runs a command and resolves with what to print. */
  async run(name: string, args: readonly string[]): Promise<readonly string[]> {
    return (await this.perform(name, args)).lines
  }

  /**
   * Runs a command and resolves with all that it has to say. With `host`, it is for somebody who has a say about that host only.
   *
   * @throws CommandError `forbidden` for what is another host's.
   */
  async perform(name: string, args: readonly string[], host?: string): Promise<CommandReply> {
    const reply = await this.#find(name, args, host)(args)
    return 'lines' in reply ? reply : { lines: reply }
  }

  #find(name: string, args: readonly string[], host: string | undefined): CommandRun {
    const spec = this.#specs.get(name)
    if (spec !== undefined) {
      if (host !== undefined && addressesOf(spec, args).some((one) => readAddress(one).domain !== host))
        throw elsewhere(host)
      return spec.run
    }
    const lent = this.#lent.get(name)
    if (lent === undefined) throw new CommandError(`There is no command ${name}, or its module is off.`)
    const domain = readAddress(args[0] ?? '').domain
    const found = lent.get(domain)
    if (found === undefined)
      throw new CommandError(`${domain} is not a domain with this command; those are: ${[...lent.keys()].join(', ')}.`)
    if (host !== undefined && found.owner?.host !== host) throw elsewhere(host)
    return found.run
  }
}

/** The arguments that say what a command is about. */
function addressesOf({ args = [] }: CommandDeclaration, given: readonly string[]): string[] {
  const last = args.at(-1)
  return given.filter((_, place) => {
    const kind = (args[place] ?? (last?.kind === 'jids' ? last : undefined))?.kind
    return kind === 'host' || kind === 'jid' || kind === 'jids'
  })
}

function elsewhere(host: string): CommandError {
  return new CommandError(`You may ask about ${host} only.`, 'forbidden')
}

/** An address as it was typed. @throws CommandError for what is none. */
export function readAddress(text = ''): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError)
      throw new CommandError(`${text} is not an address: ${error.message}`, 'jid-malformed')
    throw error
  }
}
