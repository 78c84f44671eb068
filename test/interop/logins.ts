/** A login as the server's log has it. */
interface Login {
  readonly account: string
  readonly mechanism: string
  /** What came along with a login by SASL2; `undefined` for the old road. */
  readonly sasl2?: string
}

const players: Readonly<Record<string, string>> = { balthasar: 'xmpp.js', mercutio: 'Profanity', tybalt: 'Profanity' }

/** What the server's log tells of logins, as a table: which client came by which road, with which mechanism, how often. */
export function loginTable(log: string): string[] {
  const counts = new Map<string, number>()
  for (const line of log.split('\n')) {
    if (!line.startsWith('{') || !line.includes('"logged in"')) continue
    const { account, mechanism, sasl2 } = JSON.parse(line) as Login
    const client = players[account.split('@')[0]!] ?? 'slixmpp'
    const road = sasl2 === undefined ? 'RFC 6120' : `SASL2, ${sasl2}`
    const row = `${client.padEnd(10)} ${road.padEnd(15)} ${mechanism.padEnd(19)}`
    counts.set(row, (counts.get(row) ?? 0) + 1)
  }
  return [
    'client     road            mechanism           logins',
    ...[...counts].sort().map(([row, n]) => `${row} ${n}`),
  ]
}
