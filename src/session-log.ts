import type Logger from 'bunyan'
import { sessionClosed, sessionOpened, sessionRests } from './session/hooks.ts'
import type { Host } from './session/host.ts'
import type { Session } from './session/session.ts'

/** Logs the sessions of a host as they come and go. */
export function logSessions(host: Host, log: Logger): void {
  const facts = ({ id: session, address: jid, stream }: Session) => ({
    session,
    jid,
    stream: stream.id,
    address: stream.remoteAddress,
  })
  host.hooks.attach(sessionOpened, (session: Session) => {
    if (log.debug()) log.debug(facts(session), 'session opened')
  })
  host.hooks.attach(sessionRests, (session: Session) => {
    if (log.debug()) log.debug({ ...facts(session), reason: session.ending }, 'session rests')
  })
  host.hooks.attach(sessionClosed, (session: Session) => {
    const seconds = Math.round((host.clock.now() - session.sinceMs) / 1000)
    if (log.info()) log.info({ ...facts(session), reason: session.ending, seconds }, 'session ended')
  })
}
