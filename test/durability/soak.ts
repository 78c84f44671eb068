import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startMariadb } from '../support/mariadb.ts'
import { readNewest } from './archive.ts'
import { Client, type Listener } from './client.ts'
import type { Target } from './connection.ts'
import { ServerProcess, stonechat } from './server.ts'
import { someMs } from './setting.ts'
import { megabytesAMinute, type Sample } from './slope.ts'

// npm run soak: people come and go, write and are in rooms for minutes; fails when the server's memory keeps growing.

const accounts = 40
const rooms = 10
const devices = 30
/** Visits a second, of all devices: what rests at a time, and so the memory it takes, must not depend on the machine. */
const rate = 40
const sampleMs = 1000
const mostGrowth = 1

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    database: { type: 'string', default: 'sqlite' },
    help: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
if (values.help || !(minutes > 0) || !['sqlite', 'mysql'].includes(values.database)) {
  console.log('npm run soak [-- --minutes 10 --database sqlite|mysql]')
  process.exit(values.help ? 0 : 64)
}

const counts = { logins: 0, resumptions: 0, entries: 0, sent: 0, received: 0, pages: 0 }
const faults: string[] = []

const listener: Listener = {
  message: () => counts.received++,
  refused: (message) => faults.push(`refused: ${message}`),
  acknowledged: () => {},
  dropped: (reason) => faults.push(`dropped: ${reason}`),
  fault: (what) => faults.push(what),
}

const oneOf = (n: number): number => Math.floor(Math.random() * n)
const chance = (share: number): boolean => Math.random() < share

/** One visit: somebody logs in, writes to people who are there or not, reads the archive perhaps, and goes in some way. */
async function visit(target: Target, device: number): Promise<void> {
  const client = new Client(target, `user${oneOf(accounts)}`, `device${device}`, listener)
  const managed = chance(0.7)
  await client.login(managed ? 'resumable' : 'none')
  counts.logins++
  writes(client, target)
  const room = chance(0.5) ? entersRoom(client, target) : undefined
  if (chance(0.25)) {
    await readNewest(client, room)
    counts.pages++
  }
  await pause(someMs(0, 300))
  if (managed && chance(0.3)) {
    await client.cut(chance(0.5) ? 'close' : 'reset')
    await pause(someMs(0, 100))
    if ((await client.resumes()).resumed) counts.resumptions++
    else faults.push(`${client.jid} was not resumed`)
    writes(client, target)
  }
  if (room !== undefined && chance(0.5))
    client.send(`<presence type='unavailable' to='${room}/${client.local}-${client.resource}'/>`)
  if (chance(0.75)) await client.leave()
  else await client.cut(chance(0.5) ? 'close' : 'reset')
}

function writes(client: Client, target: Target): void {
  for (let left = 1 + oneOf(20); left > 0; left--) says(client, 'chat', `user${oneOf(accounts)}@${target.domain}`)
  client.asksForAck()
}

function says(client: Client, type: string, to: string): void {
  const body = 'All the world is a stage. '.repeat(1 + oneOf(10))
  client.send(`<message type='${type}' id='s${counts.sent++}' to='${to}'><body>${body}</body></message>`)
}

/** Enters a room, which is made by that when nobody is in it, says something there, and is away then perhaps. */
function entersRoom(client: Client, target: Target): string {
  const room = `room${oneOf(rooms)}@conference.${target.domain}`
  // As clients of old do (XEP-0045 §7.2.1): a room that is new is open at once.
  client.send(`<presence to='${room}/${client.local}-${client.resource}'/>`)
  counts.entries++
  for (let left = 1 + oneOf(10); left > 0; left--) says(client, 'groupchat', room)
  if (chance(0.3)) client.send(`<presence to='${room}/${client.local}-${client.resource}'><show>away</show></presence>`)
  client.asksForAck()
  return room
}

function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

async function soak(server: ServerProcess): Promise<Sample[]> {
  const samples: Sample[] = []
  const start = performance.now()
  const endMs = start + minutes * 60_000
  const device = async (_: unknown, n: number) => {
    const everyMs = (devices / rate) * 1000
    for (let due = start + everyMs * Math.random(); due < endMs && server.alive; due += everyMs) {
      await pause(Math.max(0, due - performance.now()))
      // Who is behind leaves visits out.
      due = Math.max(due, performance.now() - everyMs)
      await visit(server.target, n)
    }
  }
  const watch = async () => {
    while (performance.now() < endMs && server.alive) {
      await pause(sampleMs)
      const minute = (performance.now() - start) / 60_000
      samples.push({ minute, mb: residentMb(server.pid) })
      if (samples.length % 30 === 0)
        console.log(`${minute.toFixed(1)} min: ${samples.at(-1)!.mb.toFixed(1)} MB, ${JSON.stringify(counts)}`)
    }
  }
  await Promise.all([watch(), ...Array.from({ length: devices }, device)])
  return samples
}

// What runs and lies about is put away at exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
const mariadb = values.database === 'mysql' ? await startMariadb() : undefined
const database = mariadb === undefined ? 'sqlite' : await mariadb.createDatabase()
// Sessions that nobody comes back to would pile up for longer than this runs.
const modules = { 'stream-management': { resumption: '5s' } }
const server = await ServerProcess.start(stonechat, { accounts, database, modules })
try {
  const samples = await soak(server)
  const slope = megabytesAMinute(samples)
  console.log(
    `== ${minutes} min on ${values.database}: ${JSON.stringify(counts)}; ${samples.at(-1)?.mb.toFixed(1)} MB at the end, ` +
      `${slope.toFixed(3)} MB/min after the first third (at most ${mostGrowth})`,
  )
  for (const fault of faults.slice(0, 20)) console.log(`   ${fault}`)
  const passed = server.alive && faults.length === 0 && slope <= mostGrowth
  if (!passed) console.log(`The server said:\n${server.said}`)
  console.log(`== ${passed ? 'PASSED' : 'FAILED'}`)
  process.exitCode = passed ? 0 : 1
} finally {
  await server.remove()
  await mariadb?.stop()
}
