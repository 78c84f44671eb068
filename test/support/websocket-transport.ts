import { once } from 'node:events'
import WebSocket, { type ClientOptions } from 'ws'
import { StreamParser } from '../../src/xml/parser.ts'
import type { Transport } from './transport.ts'

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'`
const noLimits = { bytes: 0, depth: 0, elements: 0, attributes: 0 }
/** What is longer goes out before its end has come, as part of a message. */
const PART = 4096

/** Connects by WebSocket and makes of it what a stream over TCP is (RFC 7395 §3): the client need not know. */
export async function connectWebSocket(url: string, domain: string, options: ClientOptions = {}): Promise<Transport> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/xmpp-websocket`, 'xmpp', {
    perMessageDeflate: false,
    ...options,
    headers: { host: domain, ...options.headers },
  })
  const frames = new Frames((frame, fin) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(frame, { binary: false, fin })
  })
  const transport: Transport = {
    onText: () => {},
    onClose: () => {},
    send: (text) => frames.take(text),
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

type Told = 'end' | 'error' | 'open' | 'stanza'

/** Takes a stream apart into frames. What is no stream goes out as it is: what becomes of it is the server's to say. */
class Frames {
  readonly #send: (frame: Buffer, fin: boolean) => void
  #parser: StreamParser | undefined
  /** Bytes, each a character, of the element that has begun. */
  #pending = ''
  /** Whether a part of the element is out. */
  #begun = false
  #told: Told | undefined
  #broken = false

  constructor(send: (frame: Buffer, fin: boolean) => void) {
    this.#send = send
  }

  take(said: string | Uint8Array): void {
    const text = Buffer.from(said as Uint8Array).toString('latin1')
    // An element ends with a `>`.
    for (const piece of text.match(/[^>]*>|[^>]+$/g) ?? []) this.#read(piece)
    if (this.#broken) this.#emit(true)
    else if (this.#pending.length > PART) this.#emit(false)
  }

  #read(piece: string): void {
    const isBetween = this.#pending === '' && !this.#begun
    // RFC 7395 §3.8: white space between elements is no frame.
    this.#pending += isBetween ? piece.replace(/^\s+/, '') : piece
    if (this.#broken || this.#pending === '') return
    if (this.#parser === undefined || (isBetween && /^<(?:\?xml|stream:stream)[\s>]/.test(this.#pending))) this.#renew()
    const told = this.#hear(piece)
    if (told === 'error') this.#broken = true
    else if (told !== undefined) this.#emit(true)
  }

  #hear(piece: string): Told | undefined {
    this.#told = undefined
    this.#parser!.write(Buffer.from(piece, 'latin1'))
    return this.#told
  }

  #renew(): void {
    const tell = (what: Told) => () => {
      this.#told = what
    }
    const target = { onOpen: tell('open'), onStanza: tell('stanza'), onEnd: tell('end'), onError: tell('error') }
    this.#parser = new StreamParser(target, noLimits)
  }

  #emit(fin: boolean): void {
    const bytes = this.#pending
    this.#pending = ''
    if (bytes === '' && !this.#begun) return
    const frame = this.#begun ? bytes : asFrame(bytes, this.#told)
    this.#begun = !fin
    this.#send(Buffer.from(frame, 'latin1'), fin)
  }
}

/** An element of a stream, or its beginning, as a frame that stands alone. */
function asFrame(element: string, told: Told | undefined): string {
  if (told === 'end') return `<close xmlns='${FRAMING}'/>`
  if (told === 'open') {
    const attributes = element.replace(/^(?:<\?xml[^>]*>\s*)?<stream:stream|\sxmlns(?::stream)?='[^']*'|\/?>$/g, '')
    return `<open xmlns='${FRAMING}'${attributes}/>`
  }
  const [tag, name] = /^<([^\s/>?!]+)(?:[^>'"]|'[^']*'|"[^"]*")*/.exec(element) ?? []
  if (tag === undefined || name === undefined) return element
  const declaration = name.startsWith('stream:')
    ? ` xmlns:stream='http://etherx.jabber.org/streams'`
    : /\sxmlns\s*=/.test(tag)
      ? ''
      : ` xmlns='jabber:client'`
  return `<${name}${declaration}${element.slice(name.length + 1)}`
}
