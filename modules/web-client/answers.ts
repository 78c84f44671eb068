import { createHash } from 'node:crypto'
import { HttpProblem, type HttpReply, type HttpRequest, type HttpRoute } from '#api'
import { type ConverseFiles, encodingFor } from './files.ts'
import { chatPage, type PageFacts, pagePolicy } from './page.ts'

type Answer = HttpRoute['handle']

const YEAR_S = 31_536_000

/** Answers with the page. */
export function pageAnswer(facts: PageFacts): Answer {
  const policy = pagePolicy(facts)
  const page = Buffer.from(chatPage(facts))
  return (request, reply) => {
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8')
    return revalidated(request, reply, page)
  }
}

/** Answers with the file that the rest of the path names, if it is one of the table. */
export function fileAnswer({ version, files }: ConverseFiles): Answer {
  return async (request, reply) => {
    const file = files.get((request.params as { '*': string })['*'])
    if (file === undefined) throw new HttpProblem(404, 'There is nothing at this address.')
    const encoding = file.compressible ? encodingFor(request.headers['accept-encoding']) : 'identity'
    const bytes = await file.bytes(encoding)
    // Another version has other addresses.
    reply.header('cache-control', `public, max-age=${YEAR_S}, immutable`).type(file.type)
    if (file.compressible) reply.header('vary', 'accept-encoding')
    if (encoding !== 'identity') reply.header('content-encoding', encoding)
    return unlessKnown(request, reply, `"${version}-${encoding}"`, bytes)
  }
}

/** COMPAT(Converse.js 14): its toasts look for their picture at an address of their own. */
export function logoAnswer({ files }: ConverseFiles): Answer {
  const logo = files.get('images/logo/conversejs-filled.svg')!
  return async (_request, reply) => {
    const bytes = await logo.bytes('identity')
    return reply.type(logo.type).send(bytes)
  }
}

/** Sends what may be another the next time, unless the browser has it. */
export function revalidated(request: HttpRequest, reply: HttpReply, bytes: Buffer): HttpReply {
  const tag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
  reply.header('cache-control', 'no-cache')
  return unlessKnown(request, reply, `"${tag}"`, bytes)
}

/** RFC 9110 §13.1.2. */
function unlessKnown(request: HttpRequest, reply: HttpReply, tag: string, bytes: Buffer): HttpReply {
  reply.header('etag', tag)
  const known = request.headers['if-none-match']?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? []
  return known.includes(tag) || known.includes('*') ? reply.code(304).send() : reply.send(bytes)
}
