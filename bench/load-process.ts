/** The load generator: a process of its own that `load.ts` starts and gives orders to. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Burst, ChatFigures, LoadOrder } from './load.ts'
import { LoadClient, type Target } from './load-client.ts'

const stanzaBytes = 320
const loginsAtOnce = 16

/** One direction of a conversation. */
interface Lane {
  readonly from: LoadClient
  readonly to: LoadClient
  readonly head: string
  readonly tail: string
  /** When each message under way was sent; they arrive in this order. */
  readonly sentMs: number[]
  next: number
}

const clients: LoadClient[] = []
const lanes: Lane[] = []
let trouble: string | undefined
let running = false
let received = 0
let counter = 0
const latenciesMs = new Float64Array(4_000_000)

async function open(target: Target, sessions: number, accounts: number): Promise<number> {
  let next = clients.length
  const worker = async (): Promise<void> => {
    while (next < sessions) {
      const index = next++
      const client = await LoadClient.login(target, `user${index % accounts}`, `bench${Math.floor(index / accounts)}`)
      client.onTrouble = (reason) => {
        trouble ??= `${client.account}: ${reason.slice(0, 500)}`
      }
      clients[index] = client
    }
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, worker))
  if (trouble !== undefined) throw new Error(trouble)
  return clients.length
}

/** Makes neighbours talk to each other, to the account's address as clients do. */
function pairUp(): void {
  for (let i = 0; i + 1 < clients.length; i += 2) {
    for (const [from, to] of [
      [clients[i]!, clients[i + 1]!],
      [clients[i + 1]!, clients[i]!],
    ] as const) {
      const lane = makeLane(from, to)
      to.onMessages = (count) => arrive(lane, count)
      lanes.push(lane)
    }
  }
}

function makeLane(from: LoadClient, to: LoadClient): Lane {
  const head = `<message to='${to.account}' type='chat' id='`
  const close = `</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
  const fixed = head.length + 10 + `'><body>`.length + close.length
  const tail = `'><body>${'All the world is a stage. '.repeat(20).slice(0, stanzaBytes - fixed)}${close}`
  return { from, to, head, tail, sentMs: [], next: 0 }
}

function send(lane: Lane): void {
  lane.sentMs.push(performance.now())
  lane.from.send(lane.head + String(counter++).padStart(10, '0') + lane.tail)
}

let refill = false

function arrive(lane: Lane, count: number): void {
  const now = performance.now()
  for (let i = 0; i < count; i++) {
    const sent = lane.sentMs[lane.next++]
    if (sent === undefined) {
      trouble ??= `${lane.to.account} got a message nobody sent`
      return
    }
    if (received < latenciesMs.length) latenciesMs[received] = now - sent
    received++
    if (running && refill) send(lane)
  }
  if (lane.next === lane.sentMs.length) {
    lane.sentMs.length = 0
    lane.next = 0
  }
}

async function chat(burst: Burst): Promise<ChatFigures> {
  if (lanes.length === 0) pairUp()
  received = 0
  running = true
  refill = burst.window !== undefined
  const start = performance.now()
  const endMs = start + burst.seconds * 1000
  if (burst.window !== undefined) {
    for (const lane of lanes) for (let i = 0; i < burst.window; i++) send(lane)
    await sleep(burst.seconds * 1000)
  } else await pace(burst.rate, start, endMs)
  running = false
  const tookMs = performance.now() - start
  await drained()
  const sorted = latenciesMs.subarray(0, Math.min(received, latenciesMs.length)).slice().sort()
  return { messages: received, seconds: tookMs / 1000, p50Ms: at(sorted, 0.5), p99Ms: at(sorted, 0.99) }
}

/** Sends one message after the other, each from the next lane, at an even rate. */
async function pace(rate: number, start: number, endMs: number): Promise<void> {
  let sent = 0
  for (let now = performance.now(); now < endMs; now = performance.now()) {
    for (const due = ((now - start) * rate) / 1000; sent < due; sent++) send(lanes[sent % lanes.length]!)
    await sleep(1)
  }
}

async function drained(): Promise<void> {
  const giveUpMs = performance.now() + 20_000
  while (trouble === undefined && lanes.some((lane) => lane.next < lane.sentMs.length)) {
    if (performance.now() > giveUpMs) throw new Error('messages went missing')
    await sleep(5)
  }
  if (trouble !== undefined) throw new Error(trouble)
}

function at(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function closeAll(): void {
  for (const client of clients) client.close()
  clients.length = 0
  lanes.length = 0
}

async function obey(order: LoadOrder): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return await open(order.target, order.sessions, order.accounts)
    case 'chat':
      return await chat(order.burst)
    case 'close':
      return closeAll()
  }
}

process.on('message', (order: LoadOrder) => {
  obey(order).then(
    (result) => process.send!({ result }),
    (error) => process.send!({ error: String(error) }),
  )
})
// Whoever gave the orders is gone.
process.on('disconnect', () => process.exit(0))
