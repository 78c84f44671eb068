import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls'
import type Logger from 'bunyan'
import type { CertificateFiles, TlsContexts } from '../../../src/net/tls-context.ts'

/** A new folder, removed when the test ends. */
export function newFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'stonechat-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes a certificate with OpenSSL's own tool, by other code than ours. */
export function makeFiles(folder: string, name: string, ...kind: string[]): CertificateFiles {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  const key = kind.length > 0 ? kind : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  const out = ['-nodes', '-days', '90', '-keyout', files.key, '-out', files.certificate]
  execFileSync('openssl', ['req', '-x509', ...key, ...names, ...out], { stdio: 'pipe' })
  return files
}

export const rsa = ['-newkey', 'rsa:2048']

/** A log that keeps what it is told, as `level message file`. */
export function listeningLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const line = (level: string) => (fields: { file?: string }, message: string) => {
    lines.push(`${level} ${message} ${fields.file ?? ''}`)
  }
  const log = { debug() {}, info: line('info'), warn: line('warn'), error: line('error') } as unknown as Logger
  return { log, lines }
}

/** Both ends of a TLS connection over loopback, the handshake done; the end of the test closes them. */
export async function tlsPair(
  t: { after(fn: () => void): void },
  contexts: TlsContexts,
  options: ConnectionOptions = {},
): Promise<{ server: TLSSocket; client: TLSSocket }> {
  const listener: Server = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection') as Promise<[Socket]>
  const { port } = listener.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  client.on('error', () => {})
  const [socket] = await accepted
  listener.close()
  const server = new TLSSocket(socket, contexts.options())
  server.on('error', () => {})
  t.after(() => {
    client.destroy()
    server.destroy()
  })
  const failed = Promise.race([once(client, 'error'), once(server, 'error')]).then(([error]) => Promise.reject(error))
  await Promise.race([Promise.all([once(client, 'secureConnect'), once(server, 'secure')]), failed])
  return { server, client }
}
