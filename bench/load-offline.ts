import { setTimeout as sleep } from 'node:timers/promises'
import type { OfflineFigures } from './load.ts'
import { LoadClient, nameMessage, type Target } from './load-client.ts'
import { Receipts } from './receipts.ts'

const text = 'All the world is a stage. '.repeat(20).slice(0, 190)
/** After so many messages a sender waits until the server has worked through them. */
const batch = 10
const loginsAtOnce = 8
const giveUpMs = 20_000

/** Accounts that get messages while they are away: sender i writes to account i + n of 2n. */
export class Mailbox {
  readonly #senders: readonly LoadClient[]
  readonly #receipts: readonly Receipts[]
  #sent = 0

  constructor(senders: readonly LoadClient[]) {
    this.#senders = senders
    this.#receipts = senders.map(() => new Receipts())
  }

  /** Has every sender write so many messages; resolves when the server has answered what came after them. */
  async store(messages: number): Promise<OfflineFigures> {
    const start = performance.now()
    await Promise.all(this.#senders.map((sender, i) => this.#write(sender, i, messages)))
    this.#sent += messages
    return { lost: 0, doubled: 0, reordered: 0, seconds: (performance.now() - start) / 1000 }
  }

  /** Logs the receivers in, waits until each has got what was written since it was last here, and logs them out. */
  async deliver(target: Target, messages: number): Promise<OfflineFigures> {
    const receipts = this.#receipts
    for (const receipt of receipts) receipt.doubled = receipt.reordered = 0
    const outstanding = () => receipts.reduce((sum, receipt) => sum + receipt.outstanding(this.#sent), 0)
    const lostBefore = outstanding() - messages * receipts.length
    const start = performance.now()
    let next = 0
    let trouble: string | undefined
    const here: LoadClient[] = []
    const login = async (): Promise<void> => {
      while (next < receipts.length) {
        const lane = next++
        const ears = {
          message: (from: number, number: number) => {
            if (from === lane) receipts[lane]!.take(number)
            else trouble ??= `user${lane + receipts.length} got a message of ${from}`
          },
          trouble: (reason: string) => {
            trouble ??= reason.slice(0, 500)
          },
        }
        here.push(await LoadClient.login(target, `user${lane + receipts.length}`, 'bench', ears))
      }
    }
    await Promise.all(Array.from({ length: loginsAtOnce }, login))
    while (trouble === undefined && outstanding() > lostBefore && performance.now() - start < giveUpMs) await sleep(5)
    const seconds = (performance.now() - start) / 1000
    await Promise.all(here.map((client) => client.leave()))
    if (trouble !== undefined) throw new Error(trouble)
    return {
      lost: outstanding() - lostBefore,
      doubled: receipts.reduce((sum, receipt) => sum + receipt.doubled, 0),
      reordered: receipts.reduce((sum, receipt) => sum + receipt.reordered, 0),
      seconds,
    }
  }

  async #write(sender: LoadClient, lane: number, messages: number): Promise<void> {
    const [, domain] = sender.account.split('@')
    const to = `user${lane + this.#senders.length}@${domain}`
    for (let i = 0; i < messages; i++) {
      const name = nameMessage(lane, this.#sent + i)
      sender.send(`<message to='${to}' type='chat' id='${name}'><body>~${name} ${text}</body></message>`)
      if ((i + 1) % batch > 0 && i + 1 < messages) continue
      const ping = `<iq type='get' id='p${i}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
      await sender.ask(ping, new RegExp(`id=['"]p${i}['"]`))
    }
  }
}
