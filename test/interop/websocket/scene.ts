import { openBrowser } from '../../web/visit.ts'
import { relay } from '../relay.ts'
import type { Player } from './player.ts'
import { Stanza } from './stanza.ts'
import { Strophe } from './strophe.ts'
import { BODIES, talk } from './talk.ts'
import { XmppJs } from './xmpp-js.ts'

// strophe.js in a browser, stanza and xmpp.js over WebSocket, and xmpp.js over TCP: they talk with each other and in a room, lose their
// connections and come back to their sessions. Arguments: the ports for STARTTLS and HTTP. The environment has Node trust the server's
// certificate.

const [port, webPort] = process.argv.slice(2)
const PASSWORD = 'if music be the food of love'
const ROOM = 'illyria@conference.localhost'

async function talkInRoom(players: readonly Player[], body: string): Promise<void> {
  for (const one of players) {
    await one.says(ROOM, body, 'groupchat')
    await Promise.all(players.map((other) => other.inbox.hears(`${ROOM}/${one.client} ${one.address}`, body)))
  }
}

async function play(): Promise<void> {
  const way = await relay(Number(webPort))
  const service = `ws://127.0.0.1:${way.port}/xmpp-websocket`
  await using browser = await openBrowser()
  const strophe = await Strophe.open(browser, service, 'viola', PASSWORD)
  const inTheWeb = [strophe, new Stanza(service, 'orsino', PASSWORD), new XmppJs(service, 'olivia', PASSWORD)]
  const overTcp = new XmppJs(`xmpp://localhost:${port}`, 'sebastian', PASSWORD)
  const players = [...inTheWeb, overTcp]
  await Promise.all(players.map((one) => one.logsIn()))
  if (!(await strophe.isManaged())) throw new Error('strophe.js has no stream management')
  for (const body of BODIES) await talk(players, players, body)
  console.log('WebSocket: strophe.js, stanza, xmpp.js and xmpp.js over TCP talk')

  const enters = (one: Player) => one.enters(ROOM, `${one.client} ${one.address}`)
  await enters(overTcp)
  await overTcp.opens(ROOM)
  await Promise.all(inTheWeb.map(enters))
  await talkInRoom(players, 'Journeys end in lovers meeting')
  console.log('WebSocket: they meet in a room')

  way.cut()
  await Promise.all(inTheWeb.map((one) => one.notices()))
  for (const one of inTheWeb) await overTcp.says(one.address, 'Come away, come away, death')
  await overTcp.says(ROOM, 'Is anybody here?', 'groupchat')
  await Promise.all(inTheWeb.map((one) => one.returns()))
  for (const one of inTheWeb) await one.inbox.hears(overTcp.address, 'Come away, come away, death')
  for (const one of players) await one.inbox.hears(`${ROOM}/${overTcp.client} ${overTcp.address}`, 'Is anybody here?')
  await talk(players, players, 'O mistress mine, where are you roaming?')
  await talkInRoom(players, 'Youth’s a stuff will not endure')
  console.log('WebSocket: they lose their connections, and have missed nothing when they are back')

  await Promise.all(players.map((one) => one.leaves()))
  for (const one of players)
    if (one.inbox.rest.length > 0)
      throw new Error(`${one.address} has heard more: ${one.inbox.rest.join('; ').slice(0, 500)}`)
}

await play()
process.exit(0)
