import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { PassThrough } from 'node:stream'
import { type Answer, BoshClient } from './bosh-client.ts'
import { headerAttributes, type Piece, StreamPieces, standAlone } from './stream-pieces.ts'
import type { Transport } from './transport.ts'

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'`
const FOOTER = '</stream:stream>'
const NS_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
/** Ends of a session that mean what stream errors of the same names mean. */
const errors = new Set(['host-unknown', 'policy-violation', 'system-shutdown'])
/** How many requests there may be at once: one that waits, and one that says something. */
const REQUESTS = 2
/** What more would be of elements that go in one request; a longer one goes alone. */
const MUCH = 16_384
/** A request so far ahead that the server gives the session up for lost. */
const TOO_FAR = 1000

/** Connects by BOSH and makes of it what a stream over TCP is (XEP-0206): the client need not know. */
export function connectBosh(url: string, domain: string, options: https.RequestOptions = {}): Transport {
  return new BoshTransport(new BoshClient(asker(`${url}/http-bind`, domain, options)))
}

const agents = {
  'http:': new http.Agent({ keepAlive: true }),
  'https:': new https.Agent({ keepAlive: true }),
}

/** Sends requests that say which domain they are for, as `fetch` cannot. */
function asker(url: string, domain: string, options: https.RequestOptions): (init: RequestInit) => Promise<Response> {
  const protocol = new URL(url).protocol as keyof typeof agents
  return async ({ body, headers }) => {
    const request = (protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      agent: agents[protocol],
      ...options,
      headers: { ...(headers as Record<string, string>), host: domain, ...options.headers },
    })
    if ((body as unknown) instanceof PassThrough) (body as unknown as PassThrough).pipe(request)
    else request.end(body as unknown as Uint8Array)
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const text = Buffer.concat(await response.toArray())
    // What is refused before all of it has been said goes no further.
    if (!request.writableFinished) request.destroy()
    return new Response(text, { status: response.statusCode! })
  }
}

/** What is to be said: the beginning of a stream, elements, its end; or an element that is not whole yet. */
type Saying =
  | { readonly kind: 'element' | 'open'; readonly bytes: string }
  | { readonly kind: 'end' }
  | { readonly kind: 'parts'; readonly parts: PassThrough }

class BoshTransport implements Transport {
  onText: (text: string) => void = () => {}
  onClose: () => void = () => {}
  readonly #client: BoshClient
  readonly #pieces = new StreamPieces((piece) => this.#say(piece))
  readonly #sayings: Saying[] = []
  #parts: PassThrough | undefined
  #state: 'begun' | 'beginning' | 'ending' | 'new' | 'over' = 'new'
  #unanswered = 0
  /** Settles when all answers so far have been heard, in order. */
  #heard = Promise.resolve()
  /** The header that the server would have sent, had it not been left out. */
  #header = ''

  constructor(client: BoshClient) {
    this.#client = client
  }

  send(text: string | Uint8Array): void {
    if (this.#state === 'over') return
    this.#pieces.take(text)
    // What is said in one go goes in one request.
    queueMicrotask(() => this.#go())
  }

  /** Nobody comes again, which the server notices only after a time; so it is shown that it need not wait. */
  cut(): void {
    if (this.#state === 'over') return
    const isThere = this.#state !== 'new'
    this.#state = 'over'
    if (isThere) void this.#lose()
    this.onClose()
  }

  async #lose(): Promise<void> {
    // It may not be known yet which session that is.
    if (this.#client.sid === undefined) await this.#heard
    if (this.#client.sid === undefined) return
    await this.#client.send(this.#client.request({}, '', this.#client.rid + TOO_FAR)).catch(() => {})
  }

  // ---- saying ----

  #say({ bytes, told, isFirst, isLast }: Piece): void {
    if (isFirst && isLast) {
      if (told === 'end') this.#sayings.push({ kind: 'end' })
      else if (told === 'open') this.#sayings.push({ kind: 'open', bytes })
      else this.#sayings.push({ kind: 'element', bytes: standAlone(bytes) })
      return
    }
    if (isFirst) {
      this.#parts = new PassThrough()
      this.#sayings.push({ kind: 'parts', parts: this.#parts })
    }
    this.#parts!.write(Buffer.from(isFirst ? standAlone(bytes) : bytes, 'latin1'))
    if (isLast) this.#parts!.end('</body>')
  }

  #go(): void {
    while (this.#sayings.length > 0 && this.#unanswered < REQUESTS) {
      if (this.#state === 'new') this.#begin()
      else if (this.#state === 'begun') this.#request()
      else return
    }
    if (this.#state === 'begun' && this.#unanswered === 0) this.#post({}, '')
  }

  #begin(): void {
    const saying = this.#sayings.shift()!
    this.#state = 'beginning'
    const attributes = saying.kind === 'open' ? attributesOf(saying.bytes) : {}
    this.#header = `${HEADER} version='1.0' xml:lang='en'>`
    // What begins with no header is for the server to refuse.
    const bytes = saying.kind === 'element' ? saying.bytes : ''
    this.#post({ wait: 1_000_000, hold: REQUESTS - 1, ver: '1.11', ...attributes }, bytes)
  }

  /** Says the beginning of a stream, or all elements that there are, and the end that follows them. */
  #request(): void {
    const [first] = this.#sayings
    if (first!.kind === 'open') {
      const { 'xmpp:version': _version, ...attributes } = attributesOf(first!.bytes)
      this.#sayings.shift()
      this.#header = `${HEADER} version='1.0' xml:lang='en'>`
      return this.#post({ 'xmpp:restart': 'true', ...attributes }, '')
    }
    if (first!.kind === 'parts') {
      this.#sayings.shift()
      return this.#post({}, first!.parts)
    }
    let bytes = ''
    for (let next = this.#sayings[0]; next?.kind === 'element'; next = this.#sayings[0]) {
      if (bytes !== '' && bytes.length + next.bytes.length > MUCH) break
      bytes += next.bytes
      this.#sayings.shift()
    }
    const ends = this.#sayings[0]?.kind === 'end'
    if (ends) this.#state = 'ending'
    this.#post(ends ? { type: 'terminate' } : {}, bytes)
  }

  #post(attributes: Readonly<Record<string, string | number>>, payloads: PassThrough | string): void {
    this.#unanswered++
    const tag = this.#client.request(attributes).slice(0, -'</body>'.length)
    const answer = this.#client.send(asBody(tag, payloads) as Uint8Array).catch(() => undefined)
    this.#heard = this.#heard.then(async () => this.#hear(await answer))
  }

  // ---- hearing ----

  #hear(answer: Answer | undefined): void {
    this.#unanswered--
    if (answer?.status === 200 && this.#client.sid === undefined) this.#client.sid = answer.body.attrs['sid']
    if (this.#state === 'over') return
    if (answer?.status !== 200) return this.#end()
    if (this.#state === 'beginning') this.#state = 'begun'
    const { condition, from, type } = answer.body.attrs
    // XEP-0124 §17.2: the answer to a later request tells what was wrong with that.
    if (condition === 'other-request' && this.#unanswered > 0) {
      this.#state = 'ending'
      return
    }
    if (from !== undefined) this.#header = this.#header.replace(/>$/, ` from='${from}'>`)
    const payloads = answer.text.replace(/^<body [^>]*>|<\/body>$/g, '')
    if (type === 'terminate') return this.#hearEnd(payloads, condition)
    this.#tell(payloads)
    this.#go()
  }

  #hearEnd(payloads: string, condition: string | undefined): void {
    const error = condition !== undefined && errors.has(condition) ? asError(condition) : ''
    this.#tell(payloads + error)
    if (condition === undefined || error !== '' || condition === 'remote-stream-error') this.#tell(FOOTER)
    this.#end()
  }

  #tell(text: string): void {
    if (text === '') return
    const at = this.#header === '' ? -1 : text.search(/<stream:(?:features|error)/)
    if (at < 0) return this.onText(text)
    this.onText(text.slice(0, at) + this.#header + text.slice(at))
    this.#header = ''
  }

  #end(): void {
    this.#state = 'over'
    this.onClose()
  }
}

function asBody(tag: string, payloads: PassThrough | string): PassThrough | Uint8Array {
  if (typeof payloads === 'string') return Buffer.from(`${tag}${payloads}</body>`, 'latin1')
  const whole = new PassThrough()
  whole.write(tag)
  payloads.pipe(whole)
  return whole
}

/** What a stream's header says, as a request says it (XEP-0206 §3, §5). */
function attributesOf(header: string): Record<string, string> {
  const attributes = headerAttributes(header).matchAll(/\s([\w:]+)='([^']*)'/g)
  return Object.fromEntries(
    Array.from(attributes, ([, name, value]) => [name === 'version' ? 'xmpp:version' : name, value]),
  )
}

function asError(condition: string): string {
  return `<stream:error><${condition} xmlns='${NS_ERRORS}'/></stream:error>`
}
