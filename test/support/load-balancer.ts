import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, start, until } from '../interop/process.ts'
import { freePort } from './free-port.ts'
import { findProgram } from './mariadb.ts'

/** A load balancer that runs a configuration of the documentation. */
export interface LoadBalancer {
  /** Ports on 127.0.0.1, by those that the configuration listens on. */
  readonly ports: Readonly<Record<number, number>>
  stop(): Promise<unknown>
}

/** Where the server is that the documentation has at 10.0.0.20: its ports, by those they have there. */
export type Upstream = Readonly<Record<number, number>>

const docs = fileURLToPath(new URL('../../docs', import.meta.url))

/** Starts HAProxy with `docs/haproxy.cfg`; `folder` is for its files. */
export async function startHaproxy(folder: string, upstream: Upstream): Promise<LoadBalancer> {
  const { text, ports } = await local(
    'haproxy.cfg',
    /bind :::(\d+) v4v6/g,
    (port) => `bind 127.0.0.1:${port}`,
    upstream,
  )
  // The tests need not be root, nor have a system log.
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(
    file,
    replace(text, /^ {4}(?:user|group|log \/dev\/log) .*\n/gm, () => ''),
  )
  return await opened(start(programOf('haproxy', 'haproxy'), ['-db', '-f', file]), ports)
}

/** Starts nginx with `docs/nginx.conf` and a certificate; `folder` is for its files. */
export async function startNginx(
  folder: string,
  upstream: Upstream,
  certificate: { readonly certificate: string; readonly key: string },
): Promise<LoadBalancer> {
  const { text, ports } = await local(
    'nginx.conf',
    /listen \[::\]:(\d+)( ssl)? ipv6only=off/g,
    (port, ssl) => `listen 127.0.0.1:${port}${ssl}`,
    upstream,
  )
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${folder}/${what};`,
  )
  let own = replace(text, /^http \{$/gm, () => `http { access_log off; ${temporary.join(' ')}`)
  own = replace(own, /ssl_certificate .*;/g, () => `ssl_certificate ${certificate.certificate};`)
  own = replace(own, /ssl_certificate_key .*;/g, () => `ssl_certificate_key ${certificate.key};`)
  own = replace(own, /^(?:user|worker_processes|worker_rlimit_nofile) .*;$/gm, () => '')
  own = replace(own, /worker_connections \d+;/g, () => 'worker_connections 200;')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, own)
  const globals = `daemon off; master_process off; pid ${folder}/nginx.pid;`
  const args = ['-e', 'stderr', '-c', file, '-g', globals]
  return await opened(start(programOf('nginx', 'nginx-light libnginx-mod-stream'), args), ports)
}

/** A configuration of the documentation, moved to free ports of 127.0.0.1. */
async function local(
  name: string,
  listens: RegExp,
  write: (port: number, rest: string) => string,
  upstream: Upstream,
): Promise<{ text: string; ports: Record<number, number> }> {
  const documented = readFileSync(join(docs, name), 'utf8')
  const ports: Record<number, number> = {}
  for (const [, port] of documented.matchAll(listens)) ports[Number(port)] = await freePort()
  const text = replace(documented, listens, (_all, port, rest = '') => write(ports[Number(port)]!, rest))
  return { text: replace(text, /\b10\.0\.0\.20:(\d+)/g, (_all, port) => `127.0.0.1:${upstream[Number(port)]}`), ports }
}

/** Replaces what must be there, so that a change of the documentation does not leave the test without it. */
function replace(text: string, pattern: RegExp, by: (all: string, ...groups: string[]) => string): string {
  if (text.search(pattern) < 0) throw new Error(`The configuration has no ${pattern}:\n${text}`)
  return text.replace(pattern, by)
}

async function opened(running: Running, ports: Readonly<Record<number, number>>): Promise<LoadBalancer> {
  for (const port of Object.values(ports))
    await until(
      () => {
        if (running.child.exitCode !== null) throw new Error(`It ended:\n${running.said()}`)
        return answers(port)
      },
      () => `It does not listen on ${port}:\n${running.said()}`,
    )
  return { ports, stop: () => running.stop() }
}

async function answers(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  return await once(socket, 'connect')
    .then(() => true)
    .catch(() => false)
    .finally(() => socket.destroy())
}

function programOf(name: string, packages: string): string {
  const program = findProgram(name)
  if (program === undefined) throw new Error(`There is no ${name} here. On Debian: apt-get install ${packages}`)
  return program
}
