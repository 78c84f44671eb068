import type { PageFigures, PageQuery } from './load.ts'
import type { LoadClient } from './load-client.ts'

const least = 5
let counter = 0

/** Asks a client's archive for a page and returns what came; throws when it is not as long as it must be. */
export async function askPage(client: LoadClient, { payload, results }: PageQuery): Promise<string> {
  const id = `page${counter++}`
  const query = `<query xmlns='urn:xmpp:mam:2' queryid='q'>${payload}</query>`
  const said = await client.ask(`<iq type='set' id='${id}'>${query}</iq>`, new RegExp(`id=['"]${id}['"][\\s\\S]*</iq>`))
  const found = said.split('</result>').length - 1
  if (found !== results) throw new Error(`a page of ${found} messages instead of ${results}: ${said.slice(-600)}`)
  return said
}

/** Asks for the same page again and again, for a while and at least {@link least} times. */
export async function askPages(client: LoadClient, query: PageQuery, seconds: number): Promise<PageFigures> {
  const tookMs: number[] = []
  const endMs = performance.now() + seconds * 1000
  while (tookMs.length < least || performance.now() < endMs) {
    const start = performance.now()
    await askPage(client, query)
    tookMs.push(performance.now() - start)
  }
  tookMs.sort((a, b) => a - b)
  return { pages: tookMs.length, p50Ms: tookMs[tookMs.length >> 1]!, maxMs: tookMs.at(-1)! }
}
