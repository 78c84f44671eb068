import { option } from '#api'

export const options = {
  resumption: option
    .duration()
    .min('1s')
    .orOff()
    .default('10m')
    .describe('How long a session waits for a client that lost its connection; off: it ends with its connection.'),
  maxResting: option
    .int()
    .min(1)
    .orOff()
    .default(10)
    .describe('How many sessions of one account wait so at a time; of more, those end that have waited for longest.'),
  maxQueue: option
    .bytes()
    .min('64KiB')
    .orOff()
    .default('8MiB')
    .describe('How much a client may leave unacknowledged before its session ends and others get its messages.'),
  location: option
    .string()
    .matching(/^(\[[\d.:A-Fa-f]+\]|[^\s:[\]]+)(:\d{1,5})?$/, 'a host name or address, and a port if need be')
    .optional()
    .example('chat1.example.org:5222')
    .describe('Where clients had best come back to, when that is not where their domain leads.'),
  request: option
    .group({
      stanzas: option.int().min(2).orOff().default(50).describe('Stanzas after which an acknowledgement is asked for.'),
      bytes: option
        .bytes()
        .min('1KiB')
        .orOff()
        .default('64KiB')
        .describe('Bytes after which an acknowledgement is asked for.'),
      delay: option
        .duration()
        .min('250ms')
        .orOff()
        .default('2s')
        .describe('How long after a stanza an acknowledgement is asked for at the latest.'),
      timeout: option
        .duration()
        .min('1s')
        .orOff()
        .default('60s')
        .describe('How long an acknowledgement may take before the connection counts as dead.'),
    })
    .describe('When clients are asked what they have.'),
  counts: option
    .group({
      every: option
        .duration()
        .min('1s')
        .orOff()
        .default('5s')
        .describe('How often it is written down how much of what clients sent was handled, for the case of a crash.'),
      keep: option
        .duration()
        .min('2h')
        .orOff()
        .default('7d')
        .describe('How long after the end of a session its client can learn how much was handled.'),
    })
    .describe('What a client learns that comes back too late.'),
} as const
