import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { sessionsOf } from '../../modules/bosh/sessions.ts'
import { BoshClient, conditionOf, STREAMS } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'
import { settles } from '../support/stream-management.ts'

// XEP-0124 §6, §14, §17.2

const NS = "xmlns='http://jabber.org/protocol/httpbind'"
const EMPTY = '<body xmlns="http://jabber.org/protocol/httpbind"/>'
const ATTRIBUTES = "to='localhost' rid='1' wait='60' hold='1'"
const body = (payloads: string, attributes = ATTRIBUTES) => `<body ${NS} ${attributes}>${payloads}</body>`
const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join('')

/** What is no request, and what it is answered with. */
const MALFORMED: readonly [text: string | Uint8Array, condition: string][] = [
  ['', 'bad-request'],
  [' ', 'bad-request'],
  ['Hi', 'bad-request'],
  ['{"to":"localhost"}', 'bad-request'],
  [`<body ${NS}`, 'bad-request'],
  [body('').slice(0, -1), 'bad-request'],
  [`<body ${ATTRIBUTES}/>`, 'bad-request'],
  [`<body xmlns='jabber:client' ${ATTRIBUTES}/>`, 'bad-request'],
  [`<Body ${NS} ${ATTRIBUTES}/>`, 'bad-request'],
  [`<html ${NS} ${ATTRIBUTES}/>`, 'bad-request'],
  [
    `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>`,
    'bad-request',
  ],
  [body('') + body(''), 'bad-request'],
  [`${body('')}<x/>`, 'bad-request'],
  [`${body('')}x`, 'bad-request'],
  [body('', `${ATTRIBUTES} rid='2'`), 'bad-request'],
  [body('words'), 'bad-request'],
  [body('<x xmlns="urn:x"/>&#160;'), 'bad-request'],
  [body('<![CDATA[ ]]>x'), 'bad-request'],
  [body('<x>'), 'bad-request'],
  [body('<x></y>'), 'bad-request'],
  [body('<x:y/>'), 'bad-request'],
  // §6: not in the wrapper.
  [body('<!-- x -->'), 'bad-request'],
  [body('<?x y?>'), 'bad-request'],
  [`<!DOCTYPE body>${body('')}`, 'bad-request'],
  [`<!DOCTYPE body [<!ENTITY x "y">]>${body('<x xmlns="urn:x">&x;</x>')}`, 'bad-request'],
  [`<!DOCTYPE body SYSTEM "file:///etc/passwd">${body('')}`, 'bad-request'],
  [body('<x xmlns="urn:x">&x;</x>'), 'bad-request'],
  [body('<x xmlns="urn:x">&#0;</x>'), 'bad-request'],
  [Buffer.from(body('<x xmlns="urn:x">ÿ</x>'), 'latin1'), 'bad-request'],
  [Buffer.from(body(''), 'utf16le'), 'bad-request'],
  [`<?xml version='1.0' encoding='iso-8859-1'?>${body('')}`, 'bad-request'],
  [`<?xml version='1.1'?>${body('')}`, 'bad-request'],
  // Too much of it.
  [body('<x xmlns="urn:x">'.repeat(40) + '</x>'.repeat(40)), 'policy-violation'],
  [body('<x xmlns="urn:x"/>'.repeat(40)), 'policy-violation'],
  [body('', ATTRIBUTES + many(70, (i) => ` a${i}=''`)), 'policy-violation'],
  [body('', `${ATTRIBUTES} a='${'x'.repeat(11_000)}'`), 'policy-violation'],
  [`<body a='${'x'.repeat(300_000)}`, 'policy-violation'],
  [body('', `${ATTRIBUTES} sid='x' a='${'x'.repeat(300_000)}'`), 'policy-violation'],
  [body('', `${ATTRIBUTES} sid='${'x'.repeat(5_000)}'`), 'item-not-found'],
]

boshStory('What is no request is none, and the server goes on // XEP-0124 §6, §17.2', async (s, { client }) => {
  for (const [text, condition] of MALFORMED)
    assert.equal(conditionOf(await client().send(text)), condition, String(text).slice(0, 200))
  assert.equal(sessionsOf(s.database).count, 0)
  // These are requests.
  for (const text of [
    `\uFEFF${body('')}`,
    `<?xml version='1.0' encoding='UTF-8'?>\n${body('')}\n`,
    `<h:body xmlns:h='http://jabber.org/protocol/httpbind' ${ATTRIBUTES}/>`,
    `<body\n\t${NS}\r\n${ATTRIBUTES} a='>'  />`,
  ]) {
    const answer = await client().send(text)
    assert.ok(answer.body.getChild('features', STREAMS), text)
  }
})

boshStory('A session is found however its name is written // XEP-0124 §7.2', async (s, { client }) => {
  await s.createAccount('romeo')
  const romeo = client()
  await romeo.logsIn('romeo')
  const short = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
  const long = `${short}<message type='error'>${'x'.repeat(100_000)}</message>`
  const { sid } = romeo
  for (const [start, payloads] of [
    [`<body ${NS} a='>' b="'" rid='RID' sid = '${sid}'`, long],
    [`<?xml version='1.0'?>\n<body ${NS} a=' sid="x" ' rid='RID'\n\tsid="${sid}"`, long],
    [`\uFEFF<b:body xmlns:b='http://jabber.org/protocol/httpbind' sid="${sid}" rid='RID'`, long],
    // Only what is short may hide it.
    [`<body ${NS} rid='RID' sid='&#${sid!.charCodeAt(0)};${sid!.slice(1)}'`, short],
    [`<body ${NS} a='${'x'.repeat(4_096)}' rid='RID' sid='${sid}'`, short],
  ] as const) {
    const name = start.includes('<b:') ? 'b:body' : 'body'
    const answer = await romeo.send(`${start.replace('RID', String(romeo.rid++))}>${payloads}</${name}>`)
    assert.ok(answer.body.getChild('iq', 'jabber:client'), answer.text.slice(0, 200))
  }
})

boshStory(
  'Somebody else’s session is not to be had, and one’s own is not to be enlarged // XEP-0124 §19.3',
  async (s, { client }) => {
    await s.createAccount('romeo')
    const [romeo, eve] = [client(), client()]
    await romeo.logsIn('romeo')
    await eve.opens()
    const guesses = [
      romeo.sid!.slice(1),
      `${romeo.sid} `,
      romeo.sid!.toLowerCase(),
      '*',
      '../',
      '__proto__',
      'constructor',
      '',
    ]
    for (const sid of guesses)
      assert.equal(conditionOf(await eve.post({ sid }, '', { rid: romeo.rid })), 'item-not-found')
    // A name in an attribute's value is not the request's: nothing is taken as if it came of the other session.
    const large = `<x xmlns='urn:x'>${'x'.repeat(20_000)}</x>`
    const answer = await eve.send(
      `<body ${NS} a=" sid='${romeo.sid}' " sid='${eve.sid}' rid='${eve.rid}'>${large}</body>`,
    )
    assert.ok(['policy-violation', 'item-not-found'].includes(conditionOf(answer)!))
    assert.equal(sessionsOf(s.database).find(romeo.sid!)?.listeners, 0)
  },
)

boshStory(
  'So many sessions of an address there are, and so many of all, and those that have not logged in end // XEP-0124 §11',
  async (s) => {
    const from = (address: string) =>
      new BoshClient((init) =>
        s.fetch('/http-bind', {
          ...init,
          headers: { ...init.headers, 'x-forwarded-for': address, 'x-forwarded-proto': 'https' },
        }),
      )
    const fills = async (address: string, count: number) => {
      const clients = Array.from({ length: count }, () => from(address))
      for (const one of clients) assert.ok((await one.opens()).body.getChild('features', STREAMS))
      return clients
    }
    const sessions = sessionsOf(s.database)
    const [first] = await fills('192.0.2.1', 3)
    assert.equal(conditionOf(await from('192.0.2.1').opens()), 'policy-violation')
    await fills('2001:db8::1', 3)
    // Of one network, all addresses are one's own.
    assert.equal(conditionOf(await from('2001:db8::2').opens()), 'policy-violation')
    await fills('192.0.2.2', 2)
    assert.equal(conditionOf(await from('192.0.2.3').opens()), 'policy-violation')
    assert.equal(sessions.count, 8)
    // What is over counts until what is kept of it is forgotten.
    await first!.post({ type: 'terminate' })
    assert.equal(conditionOf(await from('192.0.2.1').opens()), 'policy-violation')
    // Nobody has to do anything for them to end.
    await s.advance(30_000)
    await s.advance(60_000)
    assert.equal(sessions.count, 0)
    await fills('192.0.2.1', 3)
  },
  { server: { proxies: ['127.0.0.1'] }, modules: { bosh: { sessions: 8, sessionsPerAddress: 3 } } },
)

/** Opens a connection and says the beginning of a request. */
async function begins(s: { bed: { web(): Promise<string> } }, said: string): Promise<Socket> {
  const { port } = new URL(await s.bed.web())
  const socket = connect(Number(port), '127.0.0.1')
  socket.setEncoding('utf8')
  socket.write(said)
  return socket
}

const head = (length: number | string) =>
  `POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`

boshStory(
  'A request that does not come whole is none, however slowly it comes, and the session goes on',
  async (s, { client }) => {
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    const whole = romeo.request({ pause: 60 })
    const expects = head(whole.length).replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n')
    const [slow, gone] = [await begins(s, expects), await begins(s, expects)]
    for (const socket of [slow, gone]) {
      assert.match(String(await once(socket, 'data')), /^HTTP\/1.1 100 /)
      socket.write(whole.slice(0, -1))
    }
    gone.destroy()
    const answer = once(slow, 'data')
    await s.advance(30_000)
    assert.match(String(await answer), /^HTTP\/1.1 408 /)
    slow.destroy()
    assert.equal((await romeo.send(whole)).text, EMPTY)
  },
)

boshStory('What is too long is not read to its end, whatever is said of its length', async (s) => {
  const chunked = head(10).replace('Content-Length: 10', 'Transfer-Encoding: chunked')
  for (const start of [head(1_000_000_000), `${chunked}100000\r\n`]) {
    const socket = await begins(s, `${start}<body ${NS} a='${'x'.repeat(20_000)}`)
    const [answer] = (await once(socket, 'data')) as [string]
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/)
    assert.match(answer, /condition="policy-violation"\/>/)
    // Whoever does not stop is cut off.
    const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve))
    socket.write('x'.repeat(10_000))
    await s.advance(2_000)
    await closed
  }
})

const OUTBOUND = { pause: 200_000, drop: 1_000_000, time: 30_000 }

boshStory(
  'A client that does not fetch what there is for it costs so much and no more',
  async (s, { client }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const sessions = sessionsOf(s.database)
    const sends = async (romeo: BoshClient, count: number) => {
      for (let i = 0; i < count; i++)
        await juliet.sends`<message to='${romeo.jid}' id='${i}' type='chat'><body>${'é'.repeat(60_000)}</body></message>`
      await settles(s, juliet)
    }
    const [silent, slow, deaf] = [client(), client(), client()]
    for (const one of [silent, slow, deaf]) await one.logsIn('romeo')
    // In time, it gets all of it, in answers of some length.
    await sends(slow, 10)
    const counts: number[] = []
    for (let left = 10; left > 0; left -= counts.at(-1)!) {
      const { body } = await slow.post()
      counts.push(body.getChildElements().length)
    }
    assert.deepEqual(counts, [4, 4, 2])
    // For a while that is much, it is not listened to.
    await sends(silent, 5)
    const unheard = silent.post({}, `<message to='${juliet.jid}'><body>Hi</body></message>`)
    assert.equal((await unheard).body.getChildElements().length, 4)
    await juliet.receives`<message><body>Hi</body></message>`
    await sends(silent, 5)
    await s.advance(30_000)
    assert.equal(sessions.find(silent.sid!), undefined)
    // Whoever lets more pile up is cut at once.
    await sends(deaf, 17)
    assert.equal(sessions.find(deaf.sid!), undefined)
    assert.equal(conditionOf(await deaf.post()), 'item-not-found')
  },
  { server: { limits: { outbound: OUTBOUND } } },
)

boshStory(
  'A client that has not fetched what there is may go all the same // XEP-0124 §13',
  async (s, { client }) => {
    const juliet = await s.online('juliet/balcony')
    await s.createAccount('romeo')
    const romeo = client()
    await romeo.logsIn('romeo')
    for (let i = 0; i < 10; i++)
      await juliet.sends`<message to='${romeo.jid}' type='chat'><body>${'é'.repeat(60_000)}</body></message>`
    await settles(s, juliet)
    const said = `<message to='${juliet.jid}'><body>Adieu</body></message>`
    const ping = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
    const { body } = await romeo.post({ type: 'terminate' }, said + ping)
    await juliet.receives`<message><body>Adieu</body></message>`
    assert.deepEqual([body.attrs['type'], body.attrs['condition']], ['terminate', undefined])
    assert.equal(body.getChildElements().filter(({ name }) => name === 'message').length, 10)
  },
  { server: { limits: { outbound: OUTBOUND } } },
)
