import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type net from 'node:net'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const TEXT = 0x81
const PING = 0x89
/** What any ping is answered with here; no server in the bench looks at what is in it. */
const EMPTY_PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
const nothing = Buffer.alloc(0)

/** What a load client needs of its connection. */
export type Line = Pick<net.Socket, 'destroy' | 'end' | 'on' | 'once' | 'setNoDelay' | 'write'>

/**
 * Makes a connection to an HTTP port one of RFC 7395 over which a load client speaks as over TCP: what it writes becomes messages, one
 * for each element; what comes in them is its input. It is as cheap as can be, and made for what load clients say.
 */
export async function openWebSocketLine(socket: net.Socket, domain: string): Promise<Line> {
  const key = randomBytes(16).toString('base64')
  socket.write(
    `GET /xmpp-websocket HTTP/1.1\r\nHost: ${domain}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n`,
  )
  // The server says nothing more before it is spoken to.
  const [answer] = (await once(socket, 'data')) as [Buffer]
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${answer}`)
  const write = (text: string) => {
    for (const element of text.split(/(?<=<presence\/>|<\/presence>|<\/message>)(?=<)/))
      socket.write(toMessage(element))
    return true
  }
  const line = {
    setNoDelay: () => socket.setNoDelay(),
    write,
    end: (text: string) => void write(text),
    destroy: () => socket.destroy(),
    once: (event: string, listener: () => void) => socket.once(event, listener),
    on: (event: string, listener: (chunk: Buffer) => void) =>
      socket.on(event, event === 'data' ? unwrapped(listener, () => socket.write(EMPTY_PONG)) : listener),
  }
  return line as unknown as Line
}

/** An element as a client's message (RFC 6455 §5.2). */
function toMessage(element: string): Buffer {
  const text = declared(element)
  const { length } = text
  const at = length < 126 ? 6 : 8
  const message = Buffer.allocUnsafe(at + length)
  message[0] = TEXT
  message[1] = 0x80 | (length < 126 ? length : 126)
  if (length >= 126) message.writeUInt16BE(length, 2)
  // Nobody is to be kept from guessing here, but the server has to do its work.
  message.writeUInt32BE(0x37fa213d, at - 4)
  message.write(text, at, 'latin1')
  for (let i = 0; i < length; i++) message[at + i]! ^= message[at - 4 + (i & 3)]!
  return message
}

function declared(element: string): string {
  if (element.startsWith('<?xml'))
    return `<open xmlns='${FRAMING}' to='${/ to='([^']*)/.exec(element)![1]}' version='1.0'/>`
  if (element.startsWith('</')) return `<close xmlns='${FRAMING}'/>`
  return element.replace(/^<(?:iq|message|presence)(?=[ />])/, "$& xmlns='jabber:client'")
}

/** Hands on what is in a server's messages, and answers its pings. */
function unwrapped(listener: (chunk: Buffer) => void, pong: () => void): (chunk: Buffer) => void {
  let rest: Buffer = nothing
  return (chunk) => {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const texts: Buffer[] = []
    let at = 0
    for (;;) {
      if (data.length < at + 2) break
      const short = data[at + 1]!
      if (short > 126) throw new Error('a message is too long for a load client')
      const from = short < 126 ? at + 2 : at + 4
      if (data.length < from) break
      const length = short < 126 ? short : data.readUInt16BE(at + 2)
      if (data.length < from + length) break
      if (data[at] === PING) pong()
      if (data[at] === TEXT) texts.push(data.subarray(from, from + length))
      at = from + length
    }
    rest = at === data.length ? nothing : Buffer.from(data.subarray(at))
    if (texts.length > 0) listener(texts.length === 1 ? texts[0]! : Buffer.concat(texts))
  }
}
