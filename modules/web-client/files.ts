import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip, constants as zlib } from 'node:zlib'

/** How a file is sent. */
export type Encoding = 'br' | 'gzip' | 'identity'

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
}
const compressed = new Set(['.ico', '.mp3', '.ogg', '.png'])
/** What Converse.js loads: these, and what is in these folders. All else of its package is for developers. */
const names = ['converse.min.css', 'converse.min.js', 'curve25519_compiled.wasm', 'emoji.json', 'libomemo.esm.min.js']
const folders = ['chunkjs/', 'images/', 'sounds/', 'webfonts/']

/** The higher ones take seconds for a few per cent. */
const BROTLI_QUALITY = 6
const compress = {
  br: (bytes: Buffer) => promisify(brotliCompress)(bytes, { params: { [zlib.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: promisify(gzip) as (bytes: Buffer) => Promise<Buffer>,
  identity: async (bytes: Buffer) => bytes,
}

/** A file that browsers may have. */
export interface ServedFile {
  readonly type: string
  /** Whether it is worth compressing. */
  readonly compressible: boolean
  /** Its bytes, read when they are asked for first. */
  bytes(encoding: Encoding): Promise<Buffer>
}

/**
 * The files of Converse.js by their names. What is not in this table when the server starts is never served, whatever a name is
 * made of: no name of a request is ever that of a file.
 */
export interface ConverseFiles {
  readonly version: string
  readonly files: ReadonlyMap<string, ServedFile>
}

/** Looks at what the package `converse.js` has. @throws Error when it is not installed. */
export async function findConverse(): Promise<ConverseFiles> {
  const folder = fileURLToPath(new URL('.', import.meta.resolve('converse.js/dist/converse.min.js')))
  const { version } = JSON.parse(await readFile(join(folder, '../package.json'), 'utf8')) as { version: string }
  const all = await readdir(folder, { recursive: true })
  const served = all.map((path) => path.replaceAll('\\', '/')).filter(isServed)
  return { version, files: new Map(served.map((name) => [name, servedFile(join(folder, name))])) }
}

/** Whether a file of the package is one that browsers load. */
export function isServed(name: string): boolean {
  return names.includes(name) || (folders.some((folder) => name.startsWith(folder)) && extname(name) in types)
}

/** All that is asked for stays in memory: some 4 MB. */
function servedFile(path: string): ServedFile {
  const extension = extname(path)
  const known = new Map<Encoding, Promise<Buffer>>()
  const read = async (encoding: Encoding) => await compress[encoding](await readFile(path))
  return {
    type: types[extension]!,
    compressible: !compressed.has(extension),
    bytes(encoding) {
      const promise = known.get(encoding) ?? read(encoding)
      known.set(encoding, promise)
      promise.catch(() => known.delete(encoding))
      return promise
    },
  }
}

/** How to send a file to a client that says what it accepts (RFC 9110 §12.5.3): the smaller, the better. */
export function encodingFor(accepted: string | undefined): Encoding {
  const weights = new Map(
    (accepted ?? '').split(',').map((item) => {
      const [name = '', ...rest] = item.split(';').map((part) => part.trim().toLowerCase())
      const weight = rest.find((part) => part.startsWith('q='))
      return [name, weight === undefined ? 1 : Number(weight.slice(2))] as const
    }),
  )
  const takes = (name: Encoding): boolean => (weights.get(name) ?? 0) > 0
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : 'identity'
}
