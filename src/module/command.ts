import { Jid, JidError } from '../jid/jid.ts'

/** One command: declared once, run from the command line inside the running server or, when it is stopped, beside it. */
export interface CommandSpec {
  /** Words as they are typed, such as `user add`. */
  readonly name: string
  readonly summary: string
  /** The arguments by name, in order; a name ending in `?` may be left out. */
  readonly args?: readonly { readonly name: string; readonly summary: string }[]
  /** Whether a password is asked for and passed as the last argument. */
  readonly password?: boolean
  /** Does it and returns what to print, line by line; throws {@link CommandError} with a sentence for the person. */
  run(args: readonly string[]): Promise<readonly string[]>
}

/** A command cannot be done: the sentence says why and what to do. */
export class CommandError extends Error {}

/** Does what a module's command asks for on one host. */
export type CommandRun = CommandSpec['run']

/** The commands of a server, by name. */
export class Commands {
  readonly #specs = new Map<string, CommandSpec>()
  readonly #onHosts = new Map<string, Map<string, CommandRun>>()

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
  addFor(domain: string, name: string, run: CommandRun): () => void {
    const hosts = this.#onHosts.get(name) ?? new Map<string, CommandRun>()
    if (hosts.has(domain) || this.#specs.has(name)) throw new Error(`two commands are called ${name}`)
    this.#onHosts.set(name, hosts.set(domain, run))
    return () => {
      hosts.delete(domain)
      if (hosts.size === 0) this.#onHosts.delete(name)
    }
  }

  async run(name: string, args: readonly string[]): Promise<readonly string[]> {
    const spec = this.#specs.get(name)
    if (spec !== undefined) return await spec.run(args)
    const hosts = this.#onHosts.get(name)
    if (hosts === undefined) throw new CommandError(`There is no command ${name}, or its module is off.`)
    const domain = domainOf(args[0] ?? '')
    const run = hosts.get(domain)
    if (run === undefined)
      throw new CommandError(`${domain} is not a domain with this command; those are: ${[...hosts.keys()].join(', ')}.`)
    return await run(args)
  }
}

function domainOf(address: string): string {
  try {
    return Jid.parse(address).domain
  } catch (error) {
    if (error instanceof JidError) throw new CommandError(`${address} is not an address: ${error.message}`)
    throw error
  }
}
