import { defineNotice, type Session } from '#api'

/** A client that was inactive is active again, and has been sent what was held back. Not to be told to anybody else. */
export const clientActive = defineNotice<Session>(
  'client-state/active',
  'A client that was inactive is active again: its user looks at it.',
)
