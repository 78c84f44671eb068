import { once } from 'node:events'
import WebSocket, { type ClientOptions } from 'ws'
import { headerAttributes, type Piece, StreamPieces, standAlone } from './stream-pieces.ts'
import type { Transport } from './transport.ts'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'`

/** Connects by WebSocket and makes of it what a stream over TCP is (RFC 7395 §3): the client need not know. */
export async function connectWebSocket(url: string, domain: string, options: ClientOptions = {}): Promise<Transport> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/xmpp-websocket`, 'xmpp', {
    perMessageDeflate: false,
    ...options,
    headers: { host: domain, ...options.headers },
  })
  // What is long goes out before its end has come, as part of a message; RFC 7395 §3.8: what is between elements does not.
  const pieces = new StreamPieces((piece) => {
    const frame = Buffer.from(asFrame(piece), 'latin1')
    if (socket.readyState === WebSocket.OPEN) socket.send(frame, { binary: false, fin: piece.isLast })
  })
  const transport: Transport = {
    onText: () => {},
    onClose: () => {},
    send: (text) => pieces.take(text),
    cut: () => socket.terminate(),
  }
  socket.on('message', (data) => transport.onText(asStream(String(data))))
  socket.on('close', () => transport.onClose())
  await once(socket, 'open')
  socket.on('error', () => {})
  return transport
}

/** What is said in a frame, as it is said on a stream. */
function asStream(frame: string): string {
  if (frame.startsWith('<close ')) return '</stream:stream>'
  if (!frame.startsWith('<open ')) return frame
  return `${HEADER}${frame.slice('<open'.length, -'/>'.length).replace(` xmlns='${FRAMING}'`, '')}>`
}

/** A piece of a stream, or a part of one, as a frame that stands alone, or as part of it. */
function asFrame({ bytes, told, isFirst }: Piece): string {
  if (!isFirst) return bytes
  if (told === 'end') return `<close xmlns='${FRAMING}'/>`
  if (told === 'open') return `<open xmlns='${FRAMING}'${headerAttributes(bytes)}/>`
  return standAlone(bytes)
}
