import { HttpProblem, type HttpRequest } from '#api'

const MAX_BYTES = 8192

/**
 * The fields of a form that was sent from a page of ours.
 *
 * @throws HttpProblem when it is none, too large, or comes from a page of others.
 */
export async function readForm(request: HttpRequest): Promise<URLSearchParams> {
  const { headers, raw } = request
  // The page keeps its address to itself, and so browsers give `null` as the origin of its form.
  const { 'sec-fetch-site': site = 'same-origin', origin = 'null', host } = headers
  if (site !== 'same-origin' || (origin !== 'null' && !isOf(origin, host)))
    throw new HttpProblem(403, 'This form came from another page.')
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers['content-type'] ?? ''))
    throw new HttpProblem(415, 'This is no form.')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new HttpProblem(413, 'This form is too large.', { connection: 'close' })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function isOf(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}
