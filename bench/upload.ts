import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Contender, type Entry, exactly, possible, startAll, stopAll, used, versions } from './contender.ts'
import { named } from './conversation.ts'
import { LoadClient } from './load-client.ts'
import { residentKiB } from './process-figures.ts'
import { median, type PartReport, type Row, round } from './report.ts'
import { domain } from './server-kind.ts'

const MEBIBYTE = 1_048_576
/** The server is to grow by no more than this while a file goes through it, whatever its size. */
const goalMiB = 64
const xmlns = 'urn:xmpp:http:upload:0'

/** How uploads are measured. */
export interface UploadSettings {
  readonly mebibytes: number
  readonly rounds: number
  /** After each file, time for the server to end what it put off; its CPU counts. */
  readonly restSeconds: number
}

/** What it took to send, or to fetch, one file. */
interface Passage {
  readonly cpuMicros: number
  readonly seconds: number
  /** How much more memory was resident than before, at most. */
  readonly growthKiB: number
}

interface Scene {
  readonly contender: Contender
  readonly client: LoadClient
  readonly emptyKiB: number
  readonly sent: Passage[]
  readonly fetched: Passage[]
}

interface Slot {
  readonly put: URL
  readonly get: URL
  readonly headers: Readonly<Record<string, string>>
}

/** Measures what it takes to upload a file and to download it, one at a time, on each server in turn, round after round. */
export async function measureUploads(entries: readonly Entry[], settings: UploadSettings): Promise<PartReport> {
  const features = { uploads: true }
  const contenders = await startAll(possible(entries, features), 1, features)
  try {
    const scenes: Scene[] = []
    for (const contender of contenders) scenes.push(await open(contender, settings))
    for (let i = 0; i < settings.rounds; i++)
      for (const scene of scenes) await named(scene.contender, () => play(scene, settings))
    for (const { client } of scenes) client.close()
    return {
      part: 'upload',
      settings: { ...settings, servers: versions(contenders) },
      rows: tabulate(scenes, settings.mebibytes),
    }
  } finally {
    await stopAll(contenders)
  }
}

/** The first file of a server is a small one, and does not count. */
async function open(contender: Contender, settings: UploadSettings): Promise<Scene> {
  return await named(contender, async () => {
    const trouble = (reason: string): void => {
      throw new Error(reason)
    }
    const ears = { message: () => {}, trouble }
    const client = await LoadClient.login(contender.server.target(false), 'user0', 'bench', ears)
    const scene = { contender, client, emptyKiB: 0, sent: [], fetched: [] }
    await play(scene, { ...settings, mebibytes: 10 })
    return { contender, client, emptyKiB: residentKiB(contender.server.pid), sent: [], fetched: [] }
  })
}

async function play(scene: Scene, { mebibytes, restSeconds }: UploadSettings): Promise<void> {
  const { contender, client, sent, fetched } = scene
  const slot = await slotFor(client, mebibytes * MEBIBYTE)
  sent.push(await watched(contender, restSeconds, () => send(slot, mebibytes)))
  fetched.push(await watched(contender, restSeconds, () => fetchAll(slot, mebibytes)))
}

async function slotFor(client: LoadClient, size: number): Promise<Slot> {
  const request = `<request xmlns='${xmlns}' filename='file.bin' size='${size}' content-type='application/octet-stream'/>`
  const answer = await client.ask(`<iq type='get' id='slot' to='upload.${domain}'>${request}</iq>`, '</slot></iq>')
  const url = (name: string) => new URL(new RegExp(`<${name} [^>]*url=['"]([^'"]+)`).exec(answer)![1]!)
  const headers = [...answer.matchAll(/<header [^>]*name=['"]([^'"]+)['"][^>]*>([^<]*)</g)]
  return {
    put: url('put'),
    get: url('get'),
    headers: Object.fromEntries(headers.map(([, name, value]) => [name, value])),
  }
}

/** The resident memory is looked at many times a second. */
async function watched(contender: Contender, restSeconds: number, work: () => Promise<void>): Promise<Passage> {
  const { pid } = contender.server
  const beforeKiB = residentKiB(pid)
  let mostKiB = beforeKiB
  const look = setInterval(() => (mostKiB = Math.max(mostKiB, residentKiB(pid))), 50)
  const before = exactly(contender)
  const start = performance.now()
  try {
    await work()
  } finally {
    clearInterval(look)
  }
  const seconds = (performance.now() - start) / 1000
  await sleep(restSeconds * 1000)
  const { server, database } = used(before, exactly(contender))
  return { cpuMicros: server + database, seconds, growthKiB: mostKiB - beforeKiB }
}

async function send({ put, headers }: Slot, mebibytes: number): Promise<void> {
  const chunk = Buffer.alloc(MEBIBYTE, 'x')
  const all = { ...headers, 'content-type': 'application/octet-stream', 'content-length': mebibytes * MEBIBYTE }
  const request = ask(put, { method: 'PUT', headers: all })
  for (let i = 0; i < mebibytes; i++)
    if (!request.write(chunk)) await new Promise<void>((resolve) => request.once('drain', resolve))
  const { status, bytes } = await answerTo(request)
  if (status !== 200 && status !== 201) throw new Error(`the file was refused with ${status}, in ${bytes} bytes`)
}

async function fetchAll({ get }: Slot, mebibytes: number): Promise<void> {
  const { status, bytes } = await answerTo(ask(get, { method: 'GET' }))
  if (status !== 200 || bytes !== mebibytes * MEBIBYTE)
    throw new Error(`the file came with ${status} and ${bytes} bytes`)
}

/** Names that stand for this machine are not looked up. */
function ask({ host, port, pathname, search }: URL, options: http.RequestOptions): http.ClientRequest {
  const headers = { ...(options.headers as http.OutgoingHttpHeaders), host }
  return http.request({ ...options, headers, host: '127.0.0.1', port, path: pathname + search, agent: false })
}

function answerTo(request: http.ClientRequest): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => (bytes += chunk.length))
      response.once('end', () => resolve({ status: response.statusCode!, bytes }))
      response.once('error', reject)
    })
    request.end()
  })
}

function tabulate(scenes: readonly Scene[], mebibytes: number): Row[] {
  const cost = (passages: readonly Passage[]) => median(passages.map(({ cpuMicros }) => cpuMicros / mebibytes))
  const [first] = scenes
  return scenes.flatMap(({ contender, emptyKiB, sent, fetched }) =>
    (['PUT', 'GET'] as const).map((method) => {
      const of = (scene: Pick<Scene, 'fetched' | 'sent'>) => (method === 'PUT' ? scene.sent : scene.fetched)
      const passages = of({ sent, fetched })
      const growthMiB = Math.max(...passages.map(({ growthKiB }) => growthKiB)) / 1024
      const isOurs = contender.name === 'stonechat'
      return {
        server: contender.name,
        method,
        MiB: mebibytes,
        'CPU µs/MiB': Math.round(cost(passages)),
        ratio: first?.contender.name === 'stonechat' ? round(cost(passages) / cost(of(first)), 2) : '',
        'MiB/s': Math.round(mebibytes / median(passages.map(({ seconds }) => seconds))),
        'RSS before MiB': round(emptyKiB / 1024, 1),
        'growth MiB': round(growthMiB, 1),
        goal: isOurs ? `≤ ${goalMiB} MiB: ${growthMiB <= goalMiB ? 'met' : 'missed'}` : '',
      }
    }),
  )
}
