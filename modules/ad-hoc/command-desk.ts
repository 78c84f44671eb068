import { type Clock, type Element, type Jid, randomId, StanzaError, xml } from '#api'
import type { DiscoInfo, DiscoItem } from '../disco/hooks.ts'
import { type Between, CommandSessions, type SessionBounds } from './command-sessions.ts'
import { filledAgain, readFilled } from './filled-form.ts'
import type { AdHocCommand, Filled, Outcome } from './hooks.ts'
import {
  actionsElement,
  type CommandQuery,
  NS_COMMANDS,
  NS_FORMS,
  note,
  readCommand,
  refusal,
  writeCommand,
} from './protocol.ts'

/** A command under way: what the stages before the present one were given, and the form that was shown. */
interface Progress {
  readonly filled: readonly Filled[]
  readonly form: Element
}

/** Where an entity, such as the host, takes commands (XEP-0050) and says in service discovery which it has. */
export class CommandDesk<R extends { readonly from: Jid }> {
  readonly #commands: () => readonly AdHocCommand<R>[]
  readonly #sessions: CommandSessions<Progress>

  constructor(commands: () => readonly AdHocCommand<R>[], bounds: SessionBounds, clock: Pick<Clock, 'now'>) {
    this.#commands = commands
    this.#sessions = new CommandSessions(bounds, clock)
  }

  /**
   * Does what a `<command/>` to `to` asks for and returns the one that answers it.
   *
   * @throws StanzaError as XEP-0050 §4.4 says, and what the command itself throws.
   */
  async carryOut(query: Element, request: R, to: string): Promise<Element> {
    try {
      return await this.#carryOut(query, request, to)
    } catch (error) {
      throw error instanceof StanzaError ? echoing(error, query) : error
    }
  }

  async #carryOut(query: Element, request: R, to: string): Promise<Element> {
    const asked = readCommand(query)
    const command = this.#commands().find(({ node }) => node === asked.node)
    if (command === undefined) throw new StanzaError('item-not-found', 'There is no such command.')
    await mustBeAllowed(command, request)
    const between = { from: request.from, to, node: asked.node }
    if (asked.sessionId === undefined) return await this.#begin(command, request, asked, between)
    const progress = this.#sessions.take(asked.sessionId, between)
    try {
      return await this.#goOn(command, request, asked, between, progress, asked.sessionId)
    } catch (error) {
      // What was refused may be sent again, corrected.
      this.#sessions.keep(asked.sessionId, between, progress)
      throw error
    }
  }

  /** What service discovery says about the list of commands or one of them; `undefined` for a node that is neither. */
  async info(node: string, request: R): Promise<DiscoInfo | undefined> {
    // XEP-0050 §2.2
    if (node === NS_COMMANDS) return about('command-list', 'Commands', [NS_COMMANDS])
    const command = this.#commands().find((one) => one.node === node)
    if (command === undefined) return undefined
    await mustBeAllowed(command, request)
    return about('command-node', command.name, [NS_COMMANDS, NS_FORMS])
  }

  /** The commands that the asker may give, as items of `to`; `undefined` for a node that is not theirs. */
  async items(node: string, request: R, to: string): Promise<readonly DiscoItem[] | undefined> {
    if (node !== NS_COMMANDS) return (await this.info(node, request)) && []
    const listed = this.#commands().filter(({ isListed = true }) => isListed)
    const open = await Promise.all(listed.map((command) => isOpen(command, request)))
    return listed.filter((_, place) => open[place]).map(({ node, name }) => ({ jid: to, node, name }))
  }

  async #begin(
    command: AdHocCommand<R>,
    request: R,
    { action, form }: CommandQuery,
    between: Between,
  ): Promise<Element> {
    if (action === 'cancel' || action === 'prev') throw refusal('bad-action', 'The command has not begun yet.')
    if ((command.stages ?? []).length === 0) return await this.#end(command, [], request, between)
    // Scripts that know the only form send it at once.
    if (form !== undefined && command.stages!.length === 1) {
      const filled = readFilled(await command.stages![0]!(request, new Map()), form)
      return await this.#end(command, [filled], request, between)
    }
    return await this.#show(command, [], request, between, this.#sessions.issue(between))
  }

  async #goOn(
    command: AdHocCommand<R>,
    request: R,
    asked: CommandQuery,
    between: Between,
    { filled, form }: Progress,
    id: string,
  ): Promise<Element> {
    const { action, node } = asked
    const isLast = filled.length + 1 >= command.stages!.length
    // XEP-0050 §2.4.3
    if (action === 'cancel') return writeCommand({ node, sessionId: id, status: 'canceled' })
    if (action === 'prev') {
      if (filled.length === 0) throw refusal('bad-action', 'This is the first stage.')
      return await this.#show(command, filled.slice(0, -1), request, between, id, filled.at(-1))
    }
    // XEP-0050 §3.4: "execute" is what the form said it is.
    if (action === 'next' && isLast) throw refusal('bad-action', 'This is the last stage.')
    if (action === 'complete' && !isLast) throw refusal('bad-action', 'This is not the last stage.')
    const all = [...filled, readFilled(form, asked.form)]
    if (isLast) return await this.#end(command, all, request, between, id)
    return await this.#show(command, all, request, between, id)
  }

  /** Shows the form of the next stage and waits for it. */
  async #show(
    command: AdHocCommand<R>,
    filled: readonly Filled[],
    request: R,
    between: Between,
    id: string,
    again: Filled = new Map(),
  ): Promise<Element> {
    const stages = command.stages!
    const form = filledAgain(await stages[filled.length]!(request, allOf(filled)), again)
    this.#sessions.keep(id, between, { filled, form })
    const actions = actionsElement(filled.length === 0, filled.length + 1 === stages.length)
    return writeCommand({ node: command.node, sessionId: id, status: 'executing', payload: [actions, form] })
  }

  async #end(
    command: AdHocCommand<R>,
    filled: readonly Filled[],
    request: R,
    { node }: Between,
    id: string = randomId(),
  ): Promise<Element> {
    const outcome = await command.run(allOf(filled), request)
    return writeCommand({ node, sessionId: id, status: 'completed', payload: payloadOf(outcome) })
  }
}

/** COMPAT(slixmpp 1.8): it knows by what comes back with an error which command that is about (XEP-0050 §3.7, the last example). */
function echoing(error: StanzaError, { attrs }: Element): StanzaError {
  const { node, sessionid, action } = attrs
  const payload = xml('command', { xmlns: NS_COMMANDS, node, sessionid, action })
  return new StanzaError(error.condition, error.message, { ...error.extra, type: error.type, payload })
}

function about(type: string, name: string, features: readonly string[]): DiscoInfo {
  return { identities: [{ category: 'automation', type, name }], features, forms: [] }
}

function allOf(filled: readonly Filled[]): Filled {
  return new Map(filled.flatMap((one) => [...one]))
}

function payloadOf(outcome: Outcome): readonly Element[] {
  if (outcome === undefined) return []
  if (typeof outcome === 'string') return [note(outcome)]
  return Array.isArray(outcome) ? outcome : [outcome as Element]
}

/** XEP-0050 §4.4: whoever may not is `forbidden`, of type `cancel`; a command may refuse otherwise, too. */
async function mustBeAllowed<R>(command: AdHocCommand<R>, request: R): Promise<void> {
  const isAllowed = await asked(command, request)
  if (isAllowed === false) throw forbidden('This command is not for you.')
}

async function asked<R>(command: AdHocCommand<R>, request: R): Promise<boolean | void> {
  try {
    return await command.may?.(request)
  } catch (error) {
    if (error instanceof StanzaError && error.condition === 'forbidden') throw forbidden(error.message)
    throw error
  }
}

function forbidden(text: string): StanzaError {
  return new StanzaError('forbidden', text, { type: 'cancel' })
}

async function isOpen<R>(command: AdHocCommand<R>, request: R): Promise<boolean> {
  try {
    await mustBeAllowed(command, request)
    return true
  } catch (error) {
    if (error instanceof StanzaError) return false
    throw error
  }
}
