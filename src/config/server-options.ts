import { option } from './option.ts'

/** Mechanisms this server speaks, the strongest first (RFC 5802, RFC 7677, RFC 4616). */
export const mechanisms = [
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'PLAIN',
] as const

const listener = (port: number, what: string, address = '::') =>
  option
    .group({
      address: option
        .string()
        .min(1)
        .default(address)
        .describe('Address to listen on; :: is every address, IPv4 and IPv6.'),
      port: option.int().min(0).max(65535).default(port).describe('Port to listen on; 0 turns the listener off.'),
    })
    .describe(what)

const certificate = option.file().describe('File with the certificate chain (PEM), the host’s own first.')
const key = option.file().describe('File with the private key (PEM).')

const tls = option
  .group({
    certificate: certificate.optional().example('certs/example.org.crt'),
    key: key.optional().example('certs/example.org.key'),
    keyExchange: option
      .list(option.oneOf('X25519MLKEM768', 'X25519', 'P-256', 'P-384', 'P-521'))
      .min(1)
      .distinct()
      .default(['X25519', 'P-256', 'P-384'])
      .describe(
        'Key exchanges of TLS, the preferred first. X25519MLKEM768 withstands quantum computers and costs 8 KiB of memory a connection.',
      ),
    hosts: option
      .record(option.group({ certificate, key }), option.host())
      .default({})
      .describe('Certificates of single hosts, where one does not serve them all.')
      .example('{ example.org: { certificate: certs/example.org.crt, key: certs/example.org.key } }'),
  })
  .describe('Certificates; without any, a self-signed one is made.')

const limits = option
  .group({
    preAuth: option
      .group({
        bytes: option.bytes().min(256).orOff().default('8KiB').describe('Most bytes accepted before login.'),
        elements: option.int().min(1).orOff().default(32).describe('Most elements accepted before login.'),
        time: option.duration().min('100ms').orOff().default('30s').describe('Longest time until login is done.'),
      })
      .describe('What a connection may use before it has logged in.'),
    stanza: option
      .group({
        bytes: option.bytes().min('10kB').orOff().default('256KiB').describe('Largest stanza, in bytes.'),
        depth: option.int().min(8).orOff().default(128).describe('Deepest nesting of elements in a stanza.'),
        elements: option.int().min(16).orOff().default(10_000).describe('Most elements in a stanza.'),
        attributes: option.int().min(8).orOff().default(256).describe('Most attributes on one element.'),
      })
      .describe('How large a stanza may be; a larger one ends the stream.'),
    sessionsPerAccount: option.int().min(1).orOff().default(10).describe('Most devices an account may have online.'),
    connections: option.int().min(1).orOff().default(10_000).describe('Most connections in total.'),
    connectionsPerAddress: option.int().min(1).orOff().default(100).describe('Most connections from one IP address.'),
    outbound: option
      .group({
        pause: option
          .bytes()
          .min('16KiB')
          .orOff()
          .default('1MiB')
          .describe('Unsent output at which nothing more is read from that client.'),
        drop: option
          .bytes()
          .min('64KiB')
          .orOff()
          .default('8MiB')
          .describe('Unsent output at which the connection is dropped.'),
        time: option
          .duration()
          .min('1s')
          .orOff()
          .default('60s')
          .describe('How long output may stay paused before the connection is dropped.'),
      })
      .describe('What a client that reads slowly may let pile up.'),
    http: option
      .group({
        header: option.bytes().min('4KiB').orOff().default('16KiB').describe('Most bytes of the headers of a request.'),
        headerTime: option
          .duration()
          .min('1s')
          .orOff()
          .default('15s')
          .describe('Longest time for the headers of a request.'),
        idle: option
          .duration()
          .min('1s')
          .orOff()
          .default('2m')
          .describe('Silence in a request, or between two of a connection, after which it is closed.'),
      })
      .describe('What an HTTP request may use; modules bound their bodies.'),
    inboundPending: option
      .int()
      .min(1)
      .orOff()
      .default(100)
      .describe('Stanzas of one client in work at once; past it nothing more is read from it.'),
    keepalive: option
      .duration()
      .min('1s')
      .orOff()
      .default('5m')
      .describe('Silence after which the server sends white space to see whether the client is still there.'),
    closeTimeout: option
      .duration()
      .min('100ms')
      .orOff()
      .default('5s')
      .describe('How long to wait for the other side’s closing tag.'),
    stopTimeout: option
      .duration()
      .min('1s')
      .orOff()
      .default('30s')
      .describe('How long a server that is told to stop finishes what clients have sent.'),
  })
  .describe('Limits; each takes off for none.')

const auth = option
  .group({
    mechanisms: option
      .list(option.oneOf(...mechanisms))
      .min(1)
      .distinct()
      .default(mechanisms)
      .describe('Ways to log in that are offered. PLAIN needs TLS unless requireTls is false.'),
    scramIterations: option
      .int()
      .min(4096)
      .max(10_000_000)
      .default(10_000)
      .describe('Rounds of hashing for new passwords; more make a stolen database harder to read and logins slower.'),
    scramDowngradeProtection: option
      .bool()
      .default(true)
      .describe('Whether clients can tell that somebody in between has changed the ways to log in they are offered.'),
    guesses: option
      .group({
        perConnection: option
          .int()
          .min(2)
          .orOff()
          .default(5)
          .describe('Wrong passwords after which the connection is closed.'),
        perAddress: option
          .int()
          .min(1)
          .orOff()
          .default(50)
          .describe('Wrong passwords from one IP address within the window before it has to wait.'),
        perAccount: option
          .int()
          .min(1)
          .orOff()
          .default(10)
          .describe('Wrong passwords for one account from one IP address within the window before it has to wait.'),
        window: option.duration().min('1s').default('10m').describe('How long a wrong password is remembered.'),
        delay: option
          .duration()
          .min('1ms')
          .orOff()
          .default('500ms')
          .describe('How much later a wrong password is answered.'),
      })
      .describe('How guessing of passwords is slowed.'),
  })
  .describe('Login.')

/** The options of `server.yaml`. */
export const serverOptions = {
  hosts: option.list(option.host()).min(1).distinct().default(['localhost']).describe('Domains that are served.'),
  data: option
    .path()
    .default('./data')
    .describe('Folder of the SQLite database and generated files; relative to this file.'),
  database: option
    .secret()
    .matching(
      /^(?:sqlite|sqlite:.+|mysql:\/\/[^/]+\/[^/]+)$/,
      'sqlite, sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/NAME',
    )
    .default('sqlite')
    .describe('Where everything is kept; sqlite alone is a file in the data folder.'),
  databasePool: option
    .int()
    .min(3)
    .max(1000)
    .default(10)
    .describe(
      'Most connections to MySQL at once: one of them is for what is written in batches, one for what is read in batches.',
    ),
  admins: option
    .list(option.jid())
    .distinct()
    .default([])
    .describe('Accounts that may administer the server.')
    .example('[admin@example.org]'),
  tls,
  requireTls: option
    .bool()
    .default(true)
    .describe('Whether login needs TLS; false offers it before TLS too (closed networks, measurements).'),
  listen: option
    .group({
      client: listener(5222, 'Clients, with STARTTLS.'),
      clientTls: listener(5223, 'Clients, with TLS from the first byte.'),
      http: listener(
        5280,
        'HTTP without TLS, for this machine or a proxy on a private network: WebSocket, BOSH, uploads, the web client, health.',
        '127.0.0.1',
      ),
      https: listener(5443, 'HTTP with TLS: WebSocket, BOSH, uploads, the web client, health.'),
      component: listener(
        0,
        'External components (XEP-0114), without TLS; the usual port is 5347. Others than this machine belong on a private network.',
        '127.0.0.1',
      ),
    })
    .describe('Where connections are accepted.'),
  http: option
    .group({
      url: option
        .string()
        .matching(/^https?:\/\/[^/?#@\s]+\/?$/, 'a URL without a path, such as https://chat.example.org')
        .optional()
        .example('https://chat.example.org')
        .describe(
          'Where the world finds the HTTP server, if not at listen.https: behind a proxy, its address. {host} stands for the domain.',
        ),
    })
    .describe('HTTP.'),
  proxies: option
    .list(option.network())
    .distinct()
    .default([])
    .describe(
      'Load balancers that may say which address a client has: by the PROXY protocol on the XMPP and HTTPS ports, by Forwarded or X-Forwarded-For on HTTP.',
    )
    .example('[10.0.0.7, 2001:db8:7::/64]'),
  log: option
    .group({
      level: option
        .oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal')
        .default('info')
        .describe('The least important line that is written.'),
      file: option
        .path()
        .optional()
        .example('stonechat.log')
        .describe('File the log goes to; standard error unless given.'),
    })
    .describe('The log.'),
  limits,
  resourceConflict: option
    .oneOf('kick', 'refuse')
    .default('kick')
    .describe('When a device asks for a resource that is online: kick the older session, or refuse the newer.'),
  deletionGrace: option
    .duration()
    .min('1s')
    .orOff()
    .default('7d')
    .describe('How long a deleted account can be restored: closed and hidden until then; off deletes it at once.'),
  auth,
} as const

/** What to do about options that stood in `server.yaml` once, by path. */
export const movedOptions: Readonly<Record<string, string>> = {
  components: 'Move it, with what stands under it, to modules/components.yaml beside this file.',
  'limits.component': 'Say it for each component, under limits, in modules/components.yaml.',
}
