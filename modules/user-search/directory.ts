import { type Element, type Jid, KeyedQueue, parseDocument } from '#api'
import { isFindable, personOf, wishIn } from './person.ts'
import type { Choice, UserSearchStore } from './store.ts'

/** Where the vCards are. */
export interface Cards {
  find(account: string): Promise<string | undefined>
  page(after: string, limit: number): Promise<readonly { readonly account: string; readonly card: string }[]>
}

/** Keeps who can be found in step with what people say of themselves, one change of an account after the other. */
export class Directory {
  readonly #store: UserSearchStore
  readonly #cards: Cards
  readonly #everybody: boolean
  readonly #queue = new KeyedQueue()

  constructor(store: UserSearchStore, cards: Cards, everybody: boolean) {
    this.#store = store
    this.#cards = cards
    this.#everybody = everybody
  }

  /** Takes up a vCard that is new, changed or gone. */
  async card(account: string, card: Element | undefined): Promise<void> {
    await this.#queue.run(account, async () => this.#show(account, card, await this.#store.choice(account)))
  }

  /** What was said about an account. */
  async choice(account: string): Promise<Choice> {
    return await this.#store.choice(account)
  }

  /** Changes what was said about an account. */
  async choose(account: string, edit: (was: Choice) => Choice): Promise<void> {
    await this.#queue.run(account, async () => {
      const choice = edit(await this.#store.choice(account))
      await this.#store.choose(account, choice)
      const card = await this.#cards.find(account)
      await this.#show(account, card === undefined ? undefined : parseDocument(card), choice)
    })
  }

  /** Forgets an account. */
  async forget(account: Jid): Promise<void> {
    await this.#queue.run(account.toString(), () => this.#store.forget(account.toString()))
  }

  /** Goes through the vCards of all accounts of a domain; returns how many there were. */
  async rebuild(domain: string): Promise<number> {
    let count = 0
    for (let after = ''; ; ) {
      const page = await this.#cards.page(after, 100)
      for (const { account, card } of page) {
        after = account
        if (!account.endsWith(`@${domain}`)) continue
        await this.card(account, parseDocument(card))
        count++
      }
      if (page.length < 100) return count
    }
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  async #show(account: string, card: Element | undefined, { wish, barred }: Choice): Promise<void> {
    const person = card && personOf(card)
    const shown = card && isFindable({ everybody: this.#everybody, wish, cardWish: wishIn(card), barred })
    if (person !== undefined && shown === true) await this.#store.put(account, person)
    else await this.#store.remove(account)
  }
}
