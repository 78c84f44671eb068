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

/** The commands of a server, by name. */
export class Commands {
  readonly #specs = new Map<string, CommandSpec>()

  /** @throws Error when the name is taken. */
  add(spec: CommandSpec): () => void {
    if (this.#specs.has(spec.name)) throw new Error(`two commands are called ${spec.name}`)
    this.#specs.set(spec.name, spec)
    return () => this.#specs.delete(spec.name)
  }

  async run(name: string, args: readonly string[]): Promise<readonly string[]> {
    const spec = this.#specs.get(name)
    if (spec === undefined) throw new CommandError(`There is no command ${name}.`)
    return await spec.run(args)
  }
}
