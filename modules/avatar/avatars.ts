import { type Jid, Lru, parseDocument } from '#api'
import type { PepApi } from '../pep/index.ts'
import { infosOf, NS_DATA, NS_METADATA } from './metadata.ts'

/** What is known of an account's picture. */
export interface Avatar {
  /** The id of the picture at the data node, which is its SHA-1; '' when the account says that it has none there. */
  readonly hash: string
  /** Whether the account has ever said anything of a picture. */
  readonly isKnown: boolean
  /** Whether anybody may read both nodes. */
  readonly isOpen: boolean
}

/**
 * What accounts have said of their pictures, as it is on disk: remembered for those who were asked about last, the others
 * cost some queries.
 */
export class Avatars {
  readonly #pep: PepApi
  readonly #known: Lru<string, Avatar>
  readonly #loading = new Map<string, Promise<Avatar>>()

  /** `remembered` is for how many accounts. */
  constructor(pep: PepApi, remembered: number) {
    this.#pep = pep
    this.#known = new Lru(remembered)
  }

  /** What is in memory. */
  known(account: Jid): Avatar | undefined {
    return this.#known.get(account.toString())
  }

  /** At once when it is in memory. Rejects when the database does. */
  of(account: Jid): Avatar | Promise<Avatar> {
    const key = account.toString()
    return this.#known.get(key) ?? this.#loading.get(key) ?? this.#load(account, key)
  }

  /** Forgets what is known of an account, and what is being read about it. */
  forget(account: Jid): void {
    this.#known.delete(account.toString())
    this.#loading.delete(account.toString())
  }

  #load(account: Jid, key: string): Promise<Avatar> {
    const loading = this.#read(account)
    this.#loading.set(key, loading)
    // Whatever was read before the account changed something is not remembered.
    const isLast = () => this.#loading.get(key) === loading && this.#loading.delete(key)
    loading.then(
      (avatar) => {
        if (isLast()) this.#known.set(key, avatar)
      },
      () => void isLast(),
    )
    return loading
  }

  async #read(account: Jid): Promise<Avatar> {
    const [item] = await this.#pep.items(account, NS_METADATA, 1)
    if (item === undefined) return { hash: '', isKnown: false, isOpen: false }
    const infos = item.payload === '' ? [] : infosOf(parseDocument(item.payload))
    // XEP-0398 §3.1: the one "that does not point to an external URL".
    const hash = infos.find(({ url }) => url === '')?.id ?? ''
    const isOpen = (await this.#pep.isOpen(account, NS_METADATA)) && (await this.#pep.isOpen(account, NS_DATA))
    return { hash, isKnown: true, isOpen }
  }
}
