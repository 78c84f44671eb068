import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type FSWatcher, readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { createSecureContext, type SecureContext, type TLSSocketOptions } from 'node:tls'
import { domainToASCII } from 'node:url'
import type Logger from 'bunyan'
import { type Cancel, type Clock, systemClock } from '../util/clock.ts'

export { channelBinding } from './channel-binding.ts'

/** Where a certificate, with its chain, and its private key are, both in PEM. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** A certificate or key that cannot be served: the message names the file and the cure. */
export class TlsFileError extends Error {
  /** The file that is at fault. */
  readonly file: string

  constructor(file: string, message: string) {
    super(`${file}: ${message}`)
    this.name = 'TlsFileError'
    this.file = file
  }
}

/** What is served for a domain. */
interface Served {
  readonly files: CertificateFiles
  readonly certificatePem: Buffer
  readonly keyPem: Buffer
  readonly certificate: X509Certificate
  readonly context: SecureContext
}

/** Forward secrecy and authenticated encryption only (RFC 9325 §4.2); for TLS 1.2, and then for TLS 1.3. */
const ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
].join(':')

/** Before version 24, Node adds a domain's certificate to the default one, which stays where its type of key is another. */
const keepsDefaultKey = Number.parseInt(process.versions.node, 10) < 24

/** Files that are being replaced settle within this time. */
const settleMs = 500

/**
 * Tickets of a session, by which a client that comes back spares both sides the signature (RFC 8446 §4.6.1, RFC 5077), are
 * good for half the life of the key they are sealed with (RFC 9325 §3.4). The key is only in memory, and no other
 * node's. In TLS 1.3 keys are agreed anew all the same, and no early data is taken.
 */
const ticketKeyMs = 24 * 3600_000
const ticketSeconds = ticketKeyMs / 2 / 1000
const soonMs = 14 * 24 * 3600_000

/** The certificates of a server, one for each domain that has its own, chosen by the name a client asks for (SNI). */
export class TlsContexts {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #keyExchange: string
  readonly #hosts: Map<string, Served>
  #default: Served
  #options: TLSSocketOptions
  /** Until when the key that seals tickets is used. */
  #ticketsUntilMs: number
  #watchers: FSWatcher[] = []
  #cancelReload: Cancel | undefined

  /**
   * Reads all files; `default` is served to clients that ask for no name or another.
   *
   * @throws TlsFileError for a file that cannot be read or does not suit the other.
   */
  constructor(parts: {
    readonly default: CertificateFiles
    readonly hosts: ReadonlyMap<string, CertificateFiles>
    readonly log: Logger
    readonly clock?: Clock
    /** Key exchanges, the preferred first; X25519 and the curves of NIST unless given. */
    readonly keyExchange?: readonly string[]
  }) {
    this.#log = parts.log
    this.#clock = parts.clock ?? systemClock
    this.#keyExchange = (parts.keyExchange ?? ['X25519', 'P-256', 'P-384']).join(':')
    this.#default = load(parts.default, this.#keyExchange)
    this.#hosts = new Map(
      [...parts.hosts].map(([domain, files]) => [domainToASCII(domain), load(files, this.#keyExchange)]),
    )
    this.#options = this.#makeOptions()
    this.#ticketsUntilMs = this.#clock.now() + ticketKeyMs
    this.#warn()
  }

  /** The context for a name that a client asks for. */
  context(servername: string | undefined): SecureContext {
    return this.#servedTo(servername).context
  }

  /** The certificate for a name that a client asks for. */
  certificateFor(servername: string | undefined): X509Certificate {
    return this.#servedTo(servername).certificate
  }

  /**
   * Options of the server's side, for `new TLSSocket(socket, { isServer: true, ...options() })`; the same object until
   * the next {@link reload}, or the key of tickets is changed.
   */
  options(): TLSSocketOptions {
    if (this.#clock.now() >= this.#ticketsUntilMs) this.#renewTickets()
    return this.#options
  }

  /** Each context has a key of its own; that of the default one, with which a connection begins, seals its tickets. */
  #renewTickets(): void {
    this.#ticketsUntilMs = this.#clock.now() + ticketKeyMs
    this.#default = { ...this.#default, context: contextOf(this.#default, this.#keyExchange) }
    this.#options = this.#makeOptions()
  }

  /**
   * Reads all files again, for new connections. A pair that cannot be served is logged as an error, and what was served
   * in its place stays.
   */
  reload(): void {
    const before = this.#default
    this.#default = this.#renew(before)
    let hasNew = false
    for (const [domain, served] of this.#hosts) {
      const next = this.#renew(served)
      this.#hosts.set(domain, next)
      hasNew ||= next !== served
    }
    // A client that resumed would know the old certificate of its domain, and bind its login to that one (RFC 5929 §4).
    if (hasNew && this.#default === before) this.#renewTickets()
    else this.#options = this.#makeOptions()
    this.#warn()
  }

  /** Reloads whenever something changes beside the files, until {@link close}. Links that are turned count as well. */
  watch(): void {
    const folders = [this.#default, ...this.#hosts.values()].flatMap(({ files }) => [
      dirname(files.certificate),
      dirname(files.key),
    ])
    for (const folder of new Set(folders)) {
      const watcher = watch(folder, { persistent: false }, () => this.#reloadSoon())
      watcher.on('error', (err) => this.#log.warn({ err, folder }, 'changes of certificates are not noticed any more'))
      this.#watchers.push(watcher)
    }
  }

  /** Ends {@link watch}. */
  close(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
    this.#cancelReload?.()
    this.#cancelReload = undefined
  }

  #reloadSoon(): void {
    this.#cancelReload?.()
    this.#cancelReload = this.#clock.after(settleMs, () => this.reload())
  }

  #renew(served: Served): Served {
    try {
      const next = load(served.files, this.#keyExchange, served)
      if (next !== served) this.#log.info({ file: served.files.certificate }, 'serving a new certificate')
      return next
    } catch (error) {
      if (!(error instanceof TlsFileError)) throw error
      this.#log.error({ file: error.file }, `${error.message} The old certificate is served on.`)
      return served
    }
  }

  #makeOptions(): TLSSocketOptions {
    return {
      isServer: true,
      secureContext: this.#default.context,
      // Without it a handshake need not wait for JavaScript.
      ...(this.#hosts.size > 0 && {
        SNICallback: (servername, done) => done(null, this.context(servername)),
      }),
      // XEP-0368 §3: direct TLS is told from other protocols by its name.
      ALPNProtocols: ['xmpp-client'],
      requestCert: false,
      rejectUnauthorized: false,
    }
  }

  #servedTo(servername: string | undefined): Served {
    return (servername && this.#hosts.get(servername.toLowerCase().replace(/\.$/, ''))) || this.#default
  }

  #warn(): void {
    const now = this.#clock.now()
    for (const { files, certificate } of new Set([this.#default, ...this.#hosts.values()])) {
      const file = files.certificate
      const endMs = Date.parse(certificate.validTo)
      const until = new Date(endMs).toISOString()
      if (endMs < now) this.#log.warn({ file, until }, 'a certificate has expired')
      else if (endMs - now < soonMs) this.#log.warn({ file, until }, 'a certificate expires soon')
    }
    const defaultType = this.#default.certificate.publicKey.asymmetricKeyType
    for (const [domain, { files, certificate }] of this.#hosts) {
      if (keepsDefaultKey && certificate.publicKey.asymmetricKeyType !== defaultType)
        this.#log.error(
          { file: files.certificate, domain },
          'this version of Node may serve the default certificate for the domain; use Node 24, or the same type of key for both',
        )
      if (certificate.checkHost(domain) === undefined)
        this.#log.warn({ file: files.certificate, domain }, 'a certificate is not for the domain it is served for')
    }
  }
}

/** Loads a pair of files, or returns `before` when they have not changed. */
function load(files: CertificateFiles, keyExchange: string, before?: Served): Served {
  const certificatePem = read(files.certificate, 'certificate')
  const keyPem = read(files.key, 'key')
  if (before?.certificatePem.equals(certificatePem) && before.keyPem.equals(keyPem)) return before
  const certificate = parse(files.certificate, 'a certificate', () => new X509Certificate(certificatePem))
  const key: KeyObject = parse(files.key, 'a private key without a passphrase', () => createPrivateKey(keyPem))
  if (!certificate.checkPrivateKey(key))
    throw new TlsFileError(
      files.key,
      `This key does not belong to the certificate in ${files.certificate}. Set tls to files that were made together; the server's own certificate comes first, before its issuers'.`,
    )
  const context = parse(files.certificate, 'a certificate that can be served', () =>
    contextOf({ certificatePem, keyPem }, keyExchange),
  )
  return { files, certificatePem, keyPem, certificate, context }
}

function contextOf(pems: Pick<Served, 'certificatePem' | 'keyPem'>, keyExchange: string): SecureContext {
  return createSecureContext({
    cert: pems.certificatePem,
    key: pems.keyPem,
    ciphers,
    ecdhCurve: keyExchange,
    honorCipherOrder: true,
    minVersion: 'TLSv1.2',
    sessionTimeout: ticketSeconds,
    // No renegotiation (CVE-2021-32920).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  })
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new TlsFileError(
      file,
      `The ${what} cannot be read (${reason}). Correct the path under tls, or let the server's user read it.`,
    )
  }
}

function parse<T>(file: string, what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new TlsFileError(file, `This is not ${what} in PEM form (${(error as Error).message}).`)
  }
}
