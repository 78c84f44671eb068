import type { ArchivedMessage } from '../../../../modules/archive/message.ts'
import { ArchiveStore } from '../../../../modules/archive/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import type { Clock } from '../../../../src/util/clock.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

/** The id of a message sent now, if the clock was never moved. */
export const NOW_ID: number = Date.UTC(2026, 0, 1) * 1000

/** What stands between the tags of a body, which is all these stanzas have. */
export const bodyOf = (stanza: string): string | undefined => /<body>(.*)<\/body>/s.exec(stanza)?.[1]

/** A store of `capulet.example` that finds messages by their bodies. */
export function storeOf(db: Database, clock: Clock = new FakeClock(), host = 'capulet.example'): ArchiveStore {
  return new ArchiveStore(db, host, clock, bodyOf)
}

export interface Told {
  readonly from?: string
  readonly to?: string
  readonly fromResource?: string
  readonly toResource?: string
  readonly reference?: string
  readonly groupchat?: boolean
}

/** A message from juliet to romeo, unless told otherwise, in the archives of both. */
export function message(id: number, body: string, told: Told = {}): ArchivedMessage {
  const {
    from = 'juliet@capulet.example',
    to = 'romeo@montague.example',
    fromResource = 'balcony',
    toResource = '',
  } = told
  const copies = [
    { owner: from, peer: to, resource: toResource },
    { owner: to, peer: from, resource: fromResource },
  ]
  const { groupchat = false, reference } = told
  return { id, stanza: `<message><body>${body}</body></message>`, groupchat, reference, copies }
}

export const JULIET = 'juliet@capulet.example'
export const ROMEO = 'romeo@montague.example'
