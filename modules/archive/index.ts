import {
  accountDeleting,
  defineModule,
  flowNeeded,
  flows,
  type Jid,
  messageKept,
  option,
  partly,
  sessionClosed,
  soft,
  userLeft,
  userLoading,
  xep,
} from '#api'
import { sentCopyExtra } from '../carbons/hooks.ts'
import carbons from '../carbons/index.ts'
import { keptElsewhere } from '../offline/hooks.ts'
import offline from '../offline/index.ts'
import roster from '../roster/index.ts'
import { AccountSettings } from './account-settings.ts'
import { archiveCommands, archiveRuns } from './commands.ts'
import { domainArchives } from './domain-archive.ts'
import { eraseAccount } from './erasure.ts'
import type { ArchiveApi } from './hooks.ts'
import { answerOwners } from './protocol.ts'
import { NS_FULLTEXT, NS_MAM } from './query.ts'
import { ArchiveReader } from './reader.ts'
import { Recorder } from './recorder.ts'
import { Retention } from './retention.ts'
import { NS_RETRACT, Retractions } from './retraction.ts'
import { textOf } from './search-text.ts'
import { SettingsStore } from './settings-store.ts'
import { shareArchive } from './shared-archive.ts'
import { stanzaIdBy } from './stanza-ids.ts'
import { ArchiveStore } from './store.ts'

const NS_SID = 'urn:xmpp:sid:0'
const mam = [NS_MAM, `${NS_MAM}#extended`, `${NS_MAM}#groupchat-field`]
const NS_GROUPCHAT_AVAILABLE = `${NS_MAM}#groupchat-available`

export default defineModule({
  name: 'archive',
  summary: 'Keeps the messages of each account, so that all its clients find them.',
  implements: [
    xep(
      313,
      '1.1.3',
      'Archives of accounts. Ids are the times of messages, so they can be guessed; knowing one opens nothing.',
    ),
    xep(59, '1.0', 'Up to 250 are counted on a page.'),
    partly(227, '1.1', 'The export of archives.'),
    xep(334, '1.0.0', '<store/>, <no-store/> and <no-permanent-store/>.'),
    xep(359, '0.7.0'),
    xep(424, '0.4.2', 'With tombstones.'),
    xep(431, '0.2.0', 'All words must be in the message, in whatever order.'),
    xep(441, '0.2.0', 'Without the ad-hoc command.'),
  ],
  features: {
    host: [NS_RETRACT, `${NS_RETRACT}#tombstone`],
    account: [...mam, NS_SID, NS_FULLTEXT, NS_RETRACT, `${NS_RETRACT}#tombstone`],
  },
  options: {
    durability: option
      .oneOf('strict', 'ack', 'relaxed')
      .default('strict')
      .describe(
        'What waits until a message is on disk: its delivery (strict), only its acknowledgement (ack), or nothing.',
      ),
    groupchat: option
      .bool()
      .default(false)
      .describe('Whether the messages of rooms are kept in each reader’s archive.'),
    headlines: option.bool().default(false).describe('Whether headlines are kept.'),
    maxPage: option
      .int()
      .min(1)
      .orOff()
      .default(250)
      .describe('How many messages a client gets in one answer, and can ask for by their ids at once.'),
    maxPreferences: option
      .int()
      .min(1)
      .orOff()
      .default(500)
      .describe('How many addresses an account can name that are always or never archived.'),
    retention: option
      .duration()
      .min('1h')
      .orOff()
      .default(0)
      .describe('How long messages are kept; an account can have a time of its own.'),
    maxMessages: option
      .int()
      .min(1)
      .orOff()
      .default(1_000_000)
      .describe('How many messages an archive keeps; the oldest go first.'),
    searchPatience: option
      .duration()
      .min('1s')
      .orOff()
      .default(10_000)
      .describe(
        'How long a search waits while the messages of its account are made ready for it; then the client is asked to search again.',
      ),
  },
  commands: archiveCommands,
  depends: { carbons: soft(carbons), offline: soft(offline), roster: soft(roster) },

  async setup(ctx): Promise<ArchiveApi> {
    const { host, config, clock, log, deps } = ctx
    const store = new ArchiveStore(ctx.db, host.domain, clock, textOf)
    const settingsStore = new SettingsStore(ctx.db)
    const { archive: shared, release } = await shareArchive(ctx.db, store, clock, log)
    ctx.onStop(release)
    const accounts = new AccountSettings(host, settingsStore, clock, log)
    ctx.onStop(() => accounts.idle())
    const retractions = new Retractions(store, log)
    ctx.onStop(() => retractions.idle())
    const isInRoster = (account: Jid, contact: Jid): boolean | Promise<boolean> => {
      const item = deps.roster?.item(account, contact)
      return item instanceof Promise ? item.then((found) => found?.listed === true) : item?.listed === true
    }
    const recorder = new Recorder({ host, shared, accounts, retractions, settings: config, isInRoster, log })
    shared.recorders.set(host.domain, recorder)
    ctx.onStop(() => void shared.recorders.delete(host.domain))

    ctx.gate(userLoading, (user) => accounts.load(user))
    ctx.on(userLeft, (user) => accounts.release(user))
    ctx.on(sessionClosed, (session) => accounts.noteEnd(session))

    // What others refuse is neither looked at nor kept.
    const { arriving, leaving } = flows.message
    ctx.flow(leaving, 'guard', (event) => recorder.decideLeaving(event), { after: 'blocking' })
    ctx.flow(leaving, 'shape', (event) => recorder.shapeLeaving(event))
    ctx.flow(leaving, 'record', (event) => recorder.record(event))
    ctx.flow(leaving, 'copy', (event) => recorder.seen(event))
    ctx.flow(arriving, 'guard', (event) => recorder.decideArriving(event), { after: 'blocking' })
    ctx.flow(arriving, 'shape', (event) => recorder.shapeArriving(event))
    ctx.flow(arriving, 'record', (event) => recorder.record(event))
    ctx.flow(arriving, 'copy', (event) => recorder.seen(event))
    ctx.answer(sentCopyExtra, (event) => recorder.sentMark(event))
    ctx.answer(keptElsewhere, ({ session, stanza }) =>
      accounts.isReader(session) && stanzaIdBy(stanza, session.user.jid.toString()) !== undefined ? true : undefined,
    )
    // A message that goes to many passes the flow by, unless it is to be kept here.
    ctx.answer(flowNeeded, ({ wire }) =>
      wire.name === 'message' && (config.groupchat || wire.type !== 'groupchat') ? true : undefined,
    )
    ctx.answer(messageKept, ({ stanza, to }) => stanzaIdBy(stanza, to.bare.toString()) !== undefined || undefined)

    const reader = new ArchiveReader(store, (owner) => shared.indexing.ready(owner, config.searchPatience))
    answerOwners(ctx, reader, accounts, config)

    ctx.gate(accountDeleting, ({ jid }) => eraseAccount(shared, store, accounts, jid))
    const kept = { store, accounts: settingsStore, kv: ctx.kv, clock, log }
    const isThere = (local: string) => host.accounts.exists(local)
    const parts = {
      ...kept,
      kind: 'account',
      domain: host.domain,
      retention: config.retention,
      exists: isThere,
    } as const
    for (const [name, run] of Object.entries(archiveRuns(parts))) ctx.command(name, run)
    const retention = new Retention({ ...kept, settings: config })
    retention.start()
    ctx.onStop(() => retention.stop())
    if (config.groupchat) host.features.account.add(NS_GROUPCHAT_AVAILABLE)
    ctx.onStop(() => void host.features.account.delete(NS_GROUPCHAT_AVAILABLE))
    return domainArchives({ ...kept, shared, settings: config }, ctx)
  },
})
