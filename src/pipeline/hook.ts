/**
 * The four kinds of hook besides flows. A hook is a value exported by the one who owns it; whoever listens imports it,
 * so a misspelling fails to compile, and firing is an array index.
 */

/** It happened; nobody can change it any more. A listener that throws is logged, the others still hear. */
export interface Notice<E> {
  readonly kind: 'notice'
  readonly id: number
  readonly name: string
  readonly doc: string
  readonly _e?: (e: E) => void
}
/** May it happen? A listener refuses by throwing; the work waits for a promise. */
export interface Gate<E> {
  readonly kind: 'gate'
  readonly id: number
  readonly name: string
  readonly doc: string
  readonly _e?: (e: E) => void
}
/** Who knows? The first answer that is not `undefined` wins. */
export interface Question<E, A> {
  readonly kind: 'question'
  readonly id: number
  readonly name: string
  readonly doc: string
  readonly otherwise: A
  readonly _e?: (e: E) => A
}
/** Things gathered while modules load. */
export interface Collection<T> {
  readonly kind: 'collection'
  readonly id: number
  readonly name: string
  readonly doc: string
  readonly _t?: (t: T) => T
}
export type Hook = Notice<never> | Gate<never> | Question<never, unknown> | Collection<never>

let nextId = 0
const names = new Map<string, string>()

/** Every hook defined so far: name → sentence; what `docs/generated/hooks.md` lists. */
export function definedHooks(): ReadonlyMap<string, string> {
  return names
}

function claim(name: string, doc: string): number {
  if (names.has(name)) throw new Error(`two hooks are called ${name}`)
  names.set(name, doc)
  return nextId++
}

/** Defines a hook that tells; name it `<owner>/<what-happened>`. */
export function defineNotice<E>(name: string, doc: string): Notice<E> {
  return { kind: 'notice', id: claim(name, doc), name, doc }
}
/** Defines a hook that may refuse; name it `<owner>/<what-is-about-to-happen>`. */
export function defineGate<E>(name: string, doc: string): Gate<E> {
  return { kind: 'gate', id: claim(name, doc), name, doc }
}
/** Defines a hook that asks; `otherwise` is the answer when nobody has one. */
export function defineQuestion<E, A>(name: string, otherwise: A, doc: string): Question<E, A> {
  return { kind: 'question', id: claim(name, doc), name, doc, otherwise }
}
/** Defines a hook that gathers. */
export function defineCollection<T>(name: string, doc: string): Collection<T> {
  return { kind: 'collection', id: claim(name, doc), name, doc }
}

/** What listens to the hooks of one host, and the way to fire them. */
export class Hooks {
  readonly #listeners: unknown[][] = []
  readonly #onCrash: (hook: string, error: unknown) => void

  /** `onCrash` hears what a notice's listener threw. */
  constructor(onCrash: (hook: string, error: unknown) => void) {
    this.#onCrash = onCrash
  }

  /** Attaches a listener or item; returns what takes it away again. */
  attach(hook: { readonly id: number }, listener: unknown): () => void {
    // Lists are replaced, never changed: one that is being fired stays as it was when it began.
    this.#listeners[hook.id] = [...(this.#listeners[hook.id] ?? []), listener]
    return () => {
      const list = this.#listeners[hook.id]!
      const index = list.indexOf(listener)
      if (index >= 0) this.#listeners[hook.id] = list.toSpliced(index, 1)
    }
  }

  /** Tells all listeners of a notice; never throws. */
  notify<E>(notice: Notice<E>, event: E): void {
    const list = this.#listeners[notice.id] as ((e: E) => void)[] | undefined
    if (list === undefined) return
    for (const listener of list) {
      try {
        listener(event)
      } catch (error) {
        this.#onCrash(notice.name, error)
      }
    }
  }

  /** Asks all listeners of a gate in turn; rejects with the first refusal. */
  async pass<E>(gate: Gate<E>, event: E): Promise<void> {
    const list = this.#listeners[gate.id] as ((e: E) => void | Promise<void>)[] | undefined
    if (list === undefined) return
    for (const listener of list) await listener(event)
  }

  /** The first answer to a question, or its default. */
  ask<E, A>(question: Question<E, A>, event: E): A {
    const list = this.#listeners[question.id] as ((e: E) => A | undefined)[] | undefined
    if (list !== undefined)
      for (const listener of list) {
        const answer = listener(event)
        if (answer !== undefined) return answer
      }
    return question.otherwise
  }

  /** Everything gathered in a collection so far, in module order. */
  all<T>(collection: Collection<T>): readonly T[] {
    return (this.#listeners[collection.id] as T[] | undefined) ?? []
  }
}
