import type { StreamError } from '../stanza/stream-error.ts'
import type { Session, SessionStream } from './session.ts'

/** What a session stands on while its client has no connection: it sends nothing, and closing it ends the session. */
export class RestingStream implements SessionStream {
  /** Set as soon as there is one. */
  session!: Session
  readonly remoteAddress: string
  readonly secure: boolean
  /** When the connection went, ms since the epoch. */
  readonly sinceMs: number

  constructor(remoteAddress: string, secure: boolean, sinceMs: number) {
    this.remoteAddress = remoteAddress
    this.secure = secure
    this.sinceMs = sinceMs
  }

  write(_text: string): void {}
  drained(): undefined {
    return undefined
  }
  hold(): void {}
  release(): void {}
  cut(_reason: string): void {}
  leave(_error: StreamError): void {}
  close(error?: StreamError): void {
    this.session.ending = error?.condition ?? 'the client did not come back'
    this.session.host.close(this.session)
  }
}
