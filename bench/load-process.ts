/** The load generator: a process of its own that `load.ts` starts and gives orders to. */

import type { LoadOrder } from './load.ts'
import { askPage, askPages } from './load-archive.ts'
import { Broadcast } from './load-broadcast.ts'
import { Chat } from './load-chat.ts'
import { LoadClient, type Target, type Wishes } from './load-client.ts'
import { Logins } from './load-login.ts'
import { Mailbox } from './load-offline.ts'
import { Crowd, openRooms } from './load-rooms.ts'

const loginsAtOnce = 16

const clients: LoadClient[] = []
let accountCount = 0
let chat: Chat | undefined
let mailbox: Mailbox | undefined
let crowd: Crowd | undefined
let broadcast: Broadcast | undefined
const logins = new Logins()
let trouble: string | undefined

async function open(target: Target, sessions: number, accounts: number, wishes: Wishes): Promise<number> {
  let next = clients.length
  accountCount = accounts
  const login = async (): Promise<void> => {
    while (next < sessions) {
      const index = next++
      const local = `user${index % accounts}`
      const client: LoadClient = await LoadClient.login(
        target,
        local,
        `bench${Math.floor(index / accounts)}`,
        {
          message: (lane, number) => chat?.take(client, lane, number),
          trouble: (reason) => fail(`${local}: ${reason}`),
        },
        wishes,
      )
      clients[index] = client
    }
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, login))
  if (trouble !== undefined) throw new Error(trouble)
  return clients.length
}

function fail(reason: string): void {
  trouble ??= reason.slice(0, 500)
  chat?.fail(trouble)
  crowd?.fail(trouble)
  broadcast?.fail(trouble)
}

function devices(): LoadClient[][] {
  return Array.from({ length: Math.ceil(clients.length / accountCount) }, (_, i) =>
    clients.slice(i * accountCount, (i + 1) * accountCount),
  )
}

function closeAll(): void {
  for (const client of clients) client.close()
  clients.length = 0
  chat = undefined
  mailbox = undefined
  crowd = undefined
  broadcast = undefined
}

async function obey(order: LoadOrder): Promise<unknown> {
  if (trouble !== undefined) throw new Error(trouble)
  switch (order.do) {
    case 'open':
      return await open(order.target, order.sessions, order.accounts, order.wishes)
    case 'chat':
      chat ??= new Chat(devices())
      return await chat.run(order.burst)
    case 'store':
      mailbox ??= new Mailbox(clients)
      return await mailbox.store(order.messages)
    case 'deliver':
      mailbox ??= new Mailbox(clients)
      return await mailbox.deliver(order.target, order.messages)
    case 'page':
      return await askPage(clients[0]!, order.query)
    case 'pages':
      return await askPages(clients[0]!, order.query, order.seconds)
    case 'create room':
      crowd = new Crowd(order.room, clients)
      return await crowd.create()
    case 'enter room':
      return await crowd!.enter(order.until)
    case 'leave room':
      return await crowd!.leave()
    case 'talk':
      return await crowd!.talk(order.burst)
    case 'open rooms':
      return await openRooms(clients, order.rooms)
    case 'broadcast':
      broadcast ??= new Broadcast(order.show, clients, order.senders, clients[0]!.account.split('@')[1]!)
      return await broadcast.run(order.burst)
    case 'log in':
      return await logins.run(order.target, order.run)
    case 'read rosters':
      return await logins.readRosters(order.target, order.run)
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
