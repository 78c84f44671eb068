import { client as connect, type Entity, xml } from '@xmpp/client'

// @xmpp/client with each of its ways to log in: the old road, SASL2 with Bind 2, tokens, and sessions it comes back to.
// Arguments: the ports for STARTTLS and direct TLS. The environment has Node trust the server's certificate.

const [port, tlsPort] = process.argv.slice(2)
const [username, password] = ['balthasar', 'post haste']
/** An installation of ours. */
const agent = () => xml('user-agent', { id: 'c0ffee00-4d72-4749-b3d3-740edbf87770' }, xml('software', {}, 'xmpp.js'))

interface Token {
  readonly token: string
  readonly mechanism: string
  readonly expiry: string
}

function open(service: string, mechanism: string, token?: Token): Entity {
  const entity = connect({
    service,
    domain: 'localhost',
    resource: 'post',
    credentials: (authenticate, mechanisms, _fast, self) => {
      if (!self.isSecure()) throw new Error('there is no TLS')
      if (!mechanisms.includes(mechanism)) throw new Error(`${mechanism} is not among ${mechanisms.join(' ')}`)
      return authenticate({ username, password, ...(token && { token }) }, mechanism, agent())
    },
  })
  entity.reconnect.stop()
  // COMPAT(@xmpp/client 0.14): it waits for the server's header only once its own has been written, and misses one that comes first.
  const write = entity.write.bind(entity)
  // What it would still like to say while it goes, nobody misses.
  entity.write = async (text) => void write(text).catch(() => {})
  entity.on('error', (error) => {
    console.error(error)
    process.exit(1)
  })
  return entity
}

/** Asks for something, and so shows that the session works. */
async function works(entity: Entity): Promise<void> {
  await entity.iqCaller.request(
    xml('iq', { type: 'get', to: 'localhost' }, xml('ping', { xmlns: 'urn:xmpp:ping' })),
    5_000,
  )
}

/** Logs in with a mechanism, gets a token, comes back with that, and then to its session. */
async function play(service: string, mechanism: string): Promise<void> {
  const first = open(service, mechanism)
  let token: Token | undefined
  first.fast.saveToken = async (given: Token) => {
    token = given
  }
  const address = String(await first.start())
  await works(first)
  if (!/^balthasar@localhost\/post\/[\w-]{16}$/.test(address)) throw new Error(`${address} is no address of Bind 2`)
  if (token === undefined) throw new Error('no token was given')
  if (!first.streamManagement.enabled) throw new Error('stream management is not on')
  await first.stop()

  const second = open(service, mechanism, token)
  if (String(await second.start()) !== address) throw new Error('the resource has changed')
  await works(second)
  // The connection goes, and the client comes back to its session.
  const resumed = new Promise<void>((resolve) => second.streamManagement.on('resumed', resolve))
  const gone = new Promise<void>((resolve) => second.on('disconnect', () => resolve()))
  second.socket.end()
  await gone
  await second.reconnect.reconnect()
  await resumed
  await works(second)
  await second.stop()
  console.log(`xmpp.js: ${mechanism}, a token, a session again: ${service}`)
}

/** The old road: what SASL2 offers is overlooked. */
async function playOldRoad(service: string, mechanism: string): Promise<void> {
  const entity = open(service, mechanism)
  entity.prependListener('element', (element) => {
    const authentication = element.getChild('authentication')
    if (authentication !== undefined) element.remove(authentication)
  })
  const address = String(await entity.start())
  if (address !== 'balthasar@localhost/post') throw new Error(`${address} is not the resource asked for`)
  await works(entity)
  await entity.stop()
  console.log(`xmpp.js: ${mechanism} by the old road: ${service}`)
}

for (const service of [`xmpp://localhost:${port}`, `xmpps://localhost:${tlsPort}`])
  for (const mechanism of ['SCRAM-SHA-1', 'PLAIN']) {
    await play(service, mechanism)
    await playOldRoad(service, mechanism)
  }
process.exit(0)
