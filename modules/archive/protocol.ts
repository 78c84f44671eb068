import { bindFeatures, type Context, KeyedQueue } from '#api'
import type { AccountSettings } from './account-settings.ts'
import { preferencesElement, readPreferences } from './preferences.ts'
import { NS_MAM, queryForm, readQuery } from './query.ts'
import type { ArchiveReader } from './reader.ts'

/** What bounds requests; see the options of the module. */
export interface ProtocolLimits {
  readonly maxPage: number
  /** 0 is no limit. */
  readonly maxPreferences: number
}

/** Answers the requests of owners about their archives (XEP-0313, XEP-0441). */
export function answerOwners(
  ctx: Pick<Context, 'add' | 'iq' | 'metrics' | 'onStop'>,
  reader: ArchiveReader,
  accounts: AccountSettings,
  { maxPage, maxPreferences }: ProtocolLimits,
): void {
  // One query of a session at a time: the next waits, and others are not kept waiting by a client that asks for much.
  const queries = new KeyedQueue()
  ctx.onStop(() => queries.idle())

  const answered = ctx.metrics.counter('queries_total', 'Queries of clients for their archives.')

  ctx.iq('get', 'self', 'query', NS_MAM, () => queryForm())

  ctx.iq('set', 'self', 'query', NS_MAM, async (query, { origin }) => {
    const session = origin!
    const asked = readQuery(query, maxPage)
    answered.value++
    accounts.noteReader(session)
    return await queries.run(session.address, () => reader.answer(session.user.jid.toString(), session, asked))
  })

  ctx.iq('get', 'self', 'metadata', NS_MAM, (_query, { from, origin }) => {
    accounts.noteReader(origin!)
    return reader.metadata(from.bare.toString())
  })

  // XEP-0386 §3.2: what a client has missed is what is between the last message it knows and this end.
  // What waited for it and is in the archive is not sent, too; whatever else waited is.
  ctx.add(bindFeatures, {
    xmlns: NS_MAM,
    tell: (session) => {
      accounts.noteTold(session)
      return reader.metadata(session.user.jid.toString())
    },
  })

  ctx.iq('get', 'self', 'prefs', NS_MAM, async (_query, { from }) =>
    preferencesElement((await accounts.of(from.bare))!.preferences),
  )

  ctx.iq('set', 'self', 'prefs', NS_MAM, async (prefs, { from }) => {
    const preferences = readPreferences(prefs, maxPreferences)
    await accounts.setPreferences(from.bare, preferences)
    return preferencesElement(preferences)
  })
}
