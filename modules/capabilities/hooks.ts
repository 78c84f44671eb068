import { defineNotice, type Session } from '#api'

/** What the client of a session can do has become known, or is something else now. */
export interface CapabilitiesKnown {
  readonly session: Session
  /** Its features in service discovery. */
  readonly features: ReadonlySet<string>
  /** What they were before; none when nothing was known. */
  readonly before: ReadonlySet<string>
}
export const capabilitiesKnown = defineNotice<CapabilitiesKnown>(
  'capabilities/known',
  'What a client can do has become known, or has changed.',
)
