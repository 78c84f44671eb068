import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  defineModule,
  type Element,
  Jid,
  parseDocument,
  type Session,
  StreamError,
  sessionClosed,
  sessionLost,
  sessionOpened,
  sessionRests,
  streamElements,
  type UnboundClient,
  userLoading,
  xml,
} from '../../../src/api.ts'
import type { ClientStream } from '../../../src/stream/client-stream.ts'
import { openPlainBed, type PlainBed } from '../../support/bed.ts'
import { Client } from '../../support/client.ts'
import { MemoryPair } from '../../support/transport.ts'

const NS = 'urn:example:stream'
const romeoJid = Jid.parse('romeo@localhost/orchard')

/** What the module under the tests has seen, and does. */
let log: string[]
let sessions: Session[] = []
let mayReturn: boolean
let loading: Promise<void> | undefined
let onUnbound: (element: Element, client: UnboundClient) => void | Promise<void>
let onBound: (element: Element, session: Session) => void

const speaker = defineModule({
  name: 'test-speaker',
  summary: 'Speaks elements of the stream that are no stanzas.',
  implements: [],
  setup(ctx) {
    ctx.add(streamElements, {
      name: 'both',
      xmlns: NS,
      bound: (element, session) => onBound(element, session),
      unbound: (element, client) => onUnbound(element, client),
    })
    ctx.add(streamElements, { name: 'late', xmlns: NS, bound: (element, session) => onBound(element, session) })
    ctx.add(streamElements, { name: 'early', xmlns: NS, unbound: (element, client) => onUnbound(element, client) })
    ctx.gate(userLoading, () => loading)
    ctx.on(sessionOpened, (session) => void sessions.push(session))
    ctx.answer(sessionLost, () => mayReturn || undefined)
    ctx.on(sessionRests, ({ jid }) => void log.push(`${jid.resource} rests`))
    ctx.on(sessionClosed, ({ jid }) => void log.push(`${jid.resource} is closed`))
  },
})

let bed: PlainBed
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stonechat-elements-'))
  const modules = { 'stream-management': { enabled: false } }
  bed = await openPlainBed({ modules, extra: [speaker] }, folder)
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
})
after(async () => {
  await bed.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  bed.server.hosts.get('localhost')!.disconnect(romeoJid, 'The next test begins.')
  for (const session of sessions) session.close()
  log = []
  sessions = []
  mayReturn = true
  loading = undefined
  bed.errors.length = 0
  onBound = ({ name }, { jid }) => void log.push(`${name} of ${jid.resource}`)
  onUnbound = ({ name }, { account }) => void log.push(`${name} of ${account}`)
})

function connect(): { client: Client; pair: MemoryPair; stream: ClientStream } {
  const pair = new MemoryPair()
  const stream = bed.server.accept(pair)
  return { client: new Client(pair), pair, stream }
}

/** A client that has logged in and bound nothing. */
async function loggedIn() {
  const connected = connect()
  const { client } = connected
  await client.opens('localhost')
  const plain = Buffer.from('\0romeo\0pencil').toString('base64')
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
  assert.equal((await client.next()).name, 'success')
  await client.opens('localhost')
  return connected
}

async function bound(resource = 'orchard') {
  const connected = connect()
  await connected.client.logsIn('romeo', 'localhost', 'pencil', resource)
  return { ...connected, session: sessions.at(-1)! }
}

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
const message = (id: string) => parseDocument(`<message id='${id}' to='${romeoJid}'/>`)
const BIND = `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>street</resource></bind></iq>`

describe('an element of the stream', () => {
  test('goes to who speaks it, with the session, in order with the stanzas around it', async () => {
    const { client } = await bound()
    onBound = (element, session) => {
      log.push(`${element.name} of ${session.jid.resource} after ${session.inbox.accepted}`)
      session.stream.write(`<heard xmlns='${NS}'/>`)
    }
    client.send(`<message to='nobody@localhost'/><both xmlns='${NS}'/><message to='nobody@localhost'/>`)
    assert.equal((await client.next()).name, 'heard')
    assert.deepEqual(log, ['both of orchard after 1'])
  })

  test('that nobody speaks, or nobody at that point, ends the stream', async () => {
    for (const nonsense of [`<both xmlns='urn:example:other'/>`, `<other xmlns='${NS}'/>`, `<early xmlns='${NS}'/>`]) {
      const { client } = await bound()
      client.send(nonsense)
      // RFC 6120 §4.9.3.24
      await client.receivesStreamError('unsupported-stanza-type')
    }
    for (const nonsense of [`<other xmlns='${NS}'/>`, `<late xmlns='${NS}'/>`]) {
      const { client } = await loggedIn()
      client.send(nonsense)
      // RFC 6120 §4.9.3.12
      await client.receivesStreamError('not-authorized')
    }
    assert.deepEqual(
      log.filter((line) => !line.endsWith('closed')),
      [],
    )
  })

  test('is nothing to somebody who has not logged in', async () => {
    const { client } = connect()
    await client.opens('localhost')
    client.send(`<both xmlns='${NS}'/>`)
    await client.receivesStreamError('not-authorized')
    assert.deepEqual(log, [])
  })

  test('that is refused ends the stream with that error, and the session with it', async () => {
    const { client } = await bound()
    onBound = () => {
      throw new StreamError('policy-violation', 'Not so often.')
    }
    client.send(`<both xmlns='${NS}'/>`)
    await client.receivesStreamError('policy-violation')
    assert.deepEqual(log, ['orchard is closed'])
    const other = await loggedIn()
    onUnbound = async () => {
      throw new StreamError('policy-violation', 'Not so early.')
    }
    other.client.send(`<both xmlns='${NS}'/>`)
    await other.client.receivesStreamError('policy-violation')
    assert.deepEqual(bed.errors, [])
  })

  test('that a bug stops ends the stream, and the log has why', async () => {
    const { client } = await bound()
    onBound = () => {
      throw new TypeError('a bug')
    }
    client.send(`<both xmlns='${NS}'/>`)
    await client.receivesStreamError('internal-server-error')
    assert.equal(bed.errors.length, 1)
    assert.match(bed.errors[0]!, /a stream failed/)
  })
})

describe('a client that has bound nothing', () => {
  test('is answered, and can bind afterwards', async () => {
    const { client } = await loggedIn()
    onUnbound = (element, unbound) => {
      log.push(`${unbound.account} at ${unbound.host.domain} from ${unbound.remoteAddress}`)
      unbound.reply(xml('reply', { xmlns: element.getNS()! }))
    }
    client.send(`<both xmlns='${NS}'/>${BIND}`)
    assert.equal((await client.next()).name, 'reply')
    assert.equal((await client.next()).attrs['id'], 'bind')
    assert.deepEqual(log, ['romeo@localhost at localhost from 192.0.2.1'])
  })

  test('is not read until its element is dealt with', async () => {
    const { client } = await loggedIn()
    const { promise, resolve } = Promise.withResolvers<void>()
    onUnbound = () => promise
    client.send(`<both xmlns='${NS}'/>`)
    client.send(BIND)
    await turns()
    assert.equal(sessions.length, 0)
    resolve()
    await turns()
    assert.equal(sessions[0]?.jid.resource, 'street')
  })
})

describe('a session whose connection is lost', () => {
  test('rests when its client may come back, and takes what it is sent', async () => {
    const { pair, session } = await bound()
    pair.cut()
    assert.deepEqual(log, ['orchard rests'])
    assert.deepEqual([session.live, session.resting], [true, true])
    assert.equal(session.send(message('1')), true)
    session.close()
    assert.deepEqual(log, ['orchard rests', 'orchard is closed'])
  })

  test('is closed when nobody says so', async () => {
    mayReturn = false
    const { pair, session } = await bound()
    pair.cut()
    assert.deepEqual(log, ['orchard is closed'])
    assert.equal(session.live, false)
  })

  test('rests, too, when the server cuts it', async () => {
    const { client, session } = await bound()
    session.stream.cut('it is dead')
    await client.ends()
    assert.deepEqual(log, ['orchard rests'])
  })

  test('rests when the server is being stopped', async () => {
    const { client, stream } = await bound()
    stream.close(new StreamError('system-shutdown'))
    await client.receivesStreamError('system-shutdown')
    assert.deepEqual(log, ['orchard rests'])
  })

  test('is closed when the stream was: by its client, in order or with an error, or by an error of ours', async () => {
    for (const end of [
      '</stream:stream>',
      `<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
      '<nonsense/>',
      '<unclosed></other>',
    ]) {
      log = []
      const { client } = await bound()
      client.send(end)
      await turns()
      assert.equal(client.ended, true, end)
      assert.deepEqual(log, ['orchard is closed'], end)
    }
  })

  test('is closed when it was lost before the session was bound', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    loading = promise
    const { client, pair } = await loggedIn()
    client.send(BIND)
    await turns()
    pair.cut()
    resolve()
    await turns()
    assert.deepEqual(log, ['street is closed'])
    assert.equal(bed.server.hosts.get('localhost')!.user(romeoJid), undefined)
  })
})

describe('a client that adopts a session', () => {
  /** Adopts the session there is; notes what adopting said. */
  const adopts = (session: Session) => {
    onUnbound = (_, client) => {
      const isAdopted = client.adopt(session)
      log.push(`adopted: ${isAdopted}`)
      if (isAdopted) session.stream.write(`<resumed xmlns='${NS}'/>`)
    }
  }

  test('gets what it is sent, and speaks for it', async () => {
    const { pair, session } = await bound()
    pair.cut()
    adopts(session)
    const { client } = await loggedIn()
    client.send(`<both xmlns='${NS}'/><message id='self' to='${romeoJid}'/>`)
    assert.equal((await client.next()).name, 'resumed')
    const self = await client.next()
    assert.deepEqual([self.attrs['id'], self.attrs['from']], ['self', String(romeoJid)])
    assert.equal(session.resting, false)
    session.send(message('1'))
    assert.equal((await client.next()).attrs['id'], '1')
    // It is bound now.
    client.send(`<late xmlns='${NS}'/>`)
    await turns()
    assert.deepEqual(log, ['orchard rests', 'adopted: true', 'late of orchard'])
    client.send('</stream:stream>')
    await client.ends()
    assert.deepEqual(log.at(-1), 'orchard is closed')
  })

  test('is held to the limits of clients, no longer to those before login', async () => {
    const { pair, session } = await bound()
    pair.cut()
    adopts(session)
    const { client } = await loggedIn()
    client.send(`<both xmlns='${NS}'/>`)
    assert.equal((await client.next()).name, 'resumed')
    bed.clock.advance(60_000)
    client.send(`<message id='large' to='${romeoJid}'><body>${'x'.repeat(20_000)}</body></message>`)
    assert.equal((await client.next()).attrs['id'], 'large')
  })

  test('rests again when the new connection is lost, and can be adopted again', async () => {
    const { pair, session } = await bound()
    pair.cut()
    for (let i = 0; i < 2; i++) {
      adopts(session)
      const { client, pair: next } = await loggedIn()
      client.send(`<both xmlns='${NS}'/>`)
      assert.equal((await client.next()).name, 'resumed')
      next.cut()
    }
    assert.deepEqual(log, ['orchard rests', ...['adopted: true', 'orchard rests', 'adopted: true', 'orchard rests']])
    assert.equal(session.live, true)
  })

  test('takes it over from a connection that looks alive, which hears why; its end changes nothing', async () => {
    const old = await bound()
    const { session } = old
    onUnbound = (_, client) => {
      session.stream.leave(new StreamError('conflict', 'Its client is elsewhere.'))
      log.push(`adopted: ${client.adopt(session)}`)
      client.reply(xml('resumed', { xmlns: NS }))
    }
    const { client } = await loggedIn()
    client.send(`<both xmlns='${NS}'/>`)
    assert.equal((await client.next()).name, 'resumed')
    old.client.send(`<message id='late' to='${romeoJid}'/>`)
    await old.client.receivesStreamError('conflict')
    old.pair.cut()
    session.send(message('1'))
    assert.equal((await client.next()).attrs['id'], '1')
    assert.deepEqual(log, ['adopted: true'])
    assert.deepEqual([session.live, session.resting], [true, false])
  })

  test('is gone before it could: the session is as it was', async () => {
    const { pair, session } = await bound()
    pair.cut()
    const { promise, resolve } = Promise.withResolvers<void>()
    onUnbound = async (_, client) => {
      await promise
      log.push(`adopted: ${client.adopt(session)}`)
    }
    const { client, pair: next } = await loggedIn()
    client.send(`<both xmlns='${NS}'/>`)
    await turns()
    next.cut()
    resolve()
    await turns()
    assert.deepEqual(log, ['orchard rests', 'adopted: false'])
    assert.deepEqual([session.live, session.resting], [true, true])
  })
})
