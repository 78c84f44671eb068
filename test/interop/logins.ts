import { DIRECT_TLS_ADDRESS } from './server.ts'

/** A login as the server's log has it. */
interface Login {
  readonly account: string
  readonly address: string
  readonly mechanism: string
  readonly transport: string
  /** What came along with a login by SASL2; `undefined` for the old road. */
  readonly sasl2?: string
}

/** Who has another client than slixmpp. */
const players: Readonly<Record<string, string>> = {
  balthasar: 'xmpp.js',
  mercutio: 'Profanity',
  tybalt: 'Profanity',
  montague: 'Gajim',
  viola: 'strophe.js',
  orsino: 'stanza',
  olivia: 'xmpp.js',
  sebastian: 'xmpp.js',
  rosalind: 'strophe.js',
  celia: 'stanza',
  orlando: 'xmpp.js',
}

/** What goes over HTTP; the log does not tell how TLS was begun. */
const ways: Readonly<Record<string, string>> = { websocket: 'WebSocket', bosh: 'BOSH' }

/** What the server's log tells of logins, as a table: which client came over what, by which road, with which mechanism, how often. */
export function loginTable(log: string): string[] {
  const counts = new Map<string, number>()
  for (const line of log.split('\n')) {
    if (!line.startsWith('{') || !line.includes('"logged in"')) continue
    const { account, address, mechanism, transport, sasl2 } = JSON.parse(line) as Login
    const player = players[account.split('@')[0]!] ?? 'slixmpp'
    // Gajim cannot bind to the channel: this is Montague's other device.
    const client = player === 'Gajim' && mechanism.endsWith('-PLUS') ? 'slixmpp' : player
    const road = sasl2 === undefined ? 'RFC 6120' : `SASL2, ${sasl2}`
    const way = ways[transport] ?? (address === DIRECT_TLS_ADDRESS ? 'direct TLS' : 'STARTTLS')
    const row = `${client.padEnd(10)} ${way.padEnd(10)} ${road.padEnd(15)} ${mechanism.padEnd(19)}`
    counts.set(row, (counts.get(row) ?? 0) + 1)
  }
  return [
    'client     transport  road            mechanism           logins',
    ...[...counts].sort().map(([row, n]) => `${row} ${n}`),
  ]
}
