import { openBrowser } from '../../web/visit.ts'
import { relay } from '../relay.ts'
import { Stanza } from '../websocket/stanza.ts'
import { Strophe } from '../websocket/strophe.ts'
import { BODIES, talk } from '../websocket/talk.ts'
import { XmppJs } from '../websocket/xmpp-js.ts'

// strophe.js in a browser and stanza over BOSH, and xmpp.js over TCP: they talk with each other, lose their requests and miss nothing; the
// browser loads the page again and goes on with the session. Arguments: the ports for STARTTLS and HTTP. The environment has Node trust
// the server's certificate.

const [port, webPort] = process.argv.slice(2)
const PASSWORD = 'sweet are the uses of adversity'

async function play(): Promise<void> {
  const way = await relay(Number(webPort))
  const service = `http://127.0.0.1:${way.port}/http-bind`
  await using browser = await openBrowser()
  const strophe = await Strophe.open(browser, service, 'rosalind', PASSWORD)
  const overBosh = [strophe, new Stanza(service, 'celia', PASSWORD)]
  const overTcp = new XmppJs(`xmpp://localhost:${port}`, 'orlando', PASSWORD)
  const players = [...overBosh, overTcp]
  await Promise.all(players.map((one) => one.logsIn()))
  for (const body of BODIES) await talk(players, players, body)
  console.log('BOSH: strophe.js, stanza and xmpp.js over TCP talk')

  way.cut()
  await talk(players, players, 'Whither wander you?')
  way.cut()
  await talk([overTcp], overBosh, 'From the east to western Ind')
  console.log('BOSH: requests are lost, and nothing that they asked for')

  await strophe.reloads(async () => await overTcp.says(strophe.address, 'Hang there, my verse'))
  await strophe.inbox.hears(overTcp.address, 'Hang there, my verse')
  await talk(players, players, 'Well met')
  console.log('BOSH: strophe.js goes on with its session when its page is loaded again')

  await Promise.all(players.map((one) => one.leaves()))
  for (const one of players)
    if (one.inbox.rest.length > 0)
      throw new Error(`${one.address} has heard more: ${one.inbox.rest.join('; ').slice(0, 500)}`)
}

await play()
process.exit(0)
