import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ChannelBindingSource } from '../auth/mechanism.ts'
import type { Clock } from '../util/clock.ts'
import { channelBinding, type TlsContexts } from './tls-context.ts'

/**
 * Does the TLS handshake as the server side for a protocol (ALPN) and hands on the socket inside, with what a login can be bound
 * to; a peer that does not finish within `handshakeMs` (0: takes as long as it likes) is cut.
 */
export function secureSocket(
  socket: Socket,
  parts: { tls: TlsContexts; alpn: string; clock: Clock; handshakeMs: number },
  done: (secure: TLSSocket, binding: ChannelBindingSource) => void,
): void {
  const { tls, alpn, clock, handshakeMs } = parts
  const secure = new TLSSocket(socket, { isServer: true, ...tls.options(), ALPNProtocols: [alpn] })
  secure.disableRenegotiation()
  const cancel = handshakeMs > 0 ? clock.after(handshakeMs, () => secure.destroy()) : () => {}
  secure.on('error', () => secure.destroy())
  secure.once('close', cancel)
  secure.once('secure', () => {
    cancel()
    done(secure, channelBinding(secure, tls.certificateFor(secure.servername || undefined)))
  })
}
