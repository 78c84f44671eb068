import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'

/**
 * A stand-in for an S3-compatible store, of one bucket: it keeps objects in memory, takes one only whole, and checks every signature
 * by a second implementation (AWS Signature Version 4).
 */
export class ObjectStore {
  readonly objects: Map<string, { readonly bytes: Buffer; readonly type: string | undefined }> = new Map()
  /** What was asked, such as `PUT 411`. */
  readonly asked: string[] = []
  /** What it was told of how to send objects. */
  readonly encodings: (string | string[] | undefined)[] = []
  /** Answers every request with this status before it has read any of it. */
  broken: number | undefined
  readonly settings: {
    readonly endpoint: string
    readonly region: string
    readonly bucket: string
    readonly accessKey: string
    readonly secretKey: string
  }
  readonly #server: http.Server

  private constructor(server: http.Server) {
    this.#server = server
    const { port } = server.address() as net.AddressInfo
    this.settings = {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'verona',
      bucket: 'files',
      accessKey: 'CAPULET',
      secretKey: 'a rose by any other name',
    }
    server.on('request', (request, response) => {
      this.#answer(request)
        .then(([status, headers, body]) => {
          this.asked.push(`${request.method} ${status}`)
          response.writeHead(status, headers).end(body)
        })
        .catch(() => request.destroy())
    })
  }

  static async open(): Promise<ObjectStore> {
    const server = http.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new ObjectStore(server)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: http.IncomingMessage): Promise<[number, http.OutgoingHttpHeaders, Buffer?]> {
    const path = request.url!
    this.encodings.push(request.headers['accept-encoding'])
    if (this.broken !== undefined) return [this.broken, {}]
    if (request.headers.authorization !== this.#authorization(request)) return [403, {}]
    if (!path.startsWith(`/${this.settings.bucket}/`)) return [404, {}]
    if (request.method === 'PUT') {
      // S3 takes nothing of unknown length.
      if (request.headers['content-length'] === undefined) return [411, {}]
      const bytes = Buffer.concat(await request.toArray())
      this.objects.set(path, { bytes, type: request.headers['content-type'] })
      return [200, {}]
    }
    const found = this.objects.get(path)
    if (request.method === 'DELETE') {
      this.objects.delete(path)
      return [204, {}]
    }
    if (found === undefined) return [404, {}, Buffer.from('<Error><Code>NoSuchKey</Code></Error>')]
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const bytes = start === undefined ? found.bytes : found.bytes.subarray(Number(start), Number(end) + 1)
    return [start === undefined ? 200 : 206, { 'content-length': bytes.length }, bytes]
  }

  /** What the header has to be. */
  #authorization({ method, url, headers }: http.IncomingMessage): string {
    const { region, accessKey, secretKey } = this.settings
    const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
    if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.split(';').includes(name))) return 'none'
    const date = String(headers['x-amz-date'])
    const signed = names.split(';').map((name) => `${name}:${headers[name]}\n`)
    const request = [method, url, '', signed.join(''), names, headers['x-amz-content-sha256']].join('\n')
    const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`
    const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(request).digest('hex')].join('\n')
    const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest()
    const key = scope.split('/').reduce<Buffer | string>((last, part) => hmac(last, part), `AWS4${secretKey}`)
    const signature = hmac(key, text).toString('hex')
    return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  }
}
