import type { DomainArchive, DomainSettings } from './domain-archive.ts'

export type { Asker, View } from './asker.ts'
export type { CommandRun } from './commands.ts'
export type { DomainArchive, DomainSettings, Newest, Sight } from './domain-archive.ts'
export { readId, timeOf } from './ids.ts'
export type { ArchivedMessage, Copy, KeptMessage } from './message.ts'
export { type Preferences, preferencesElement, wanted } from './preferences.ts'
export { NS_RETRACT } from './retraction.ts'
export { shouldArchive, type Verdict } from './should-archive.ts'
export { stanzaIdElement, stripResults } from './stanza-ids.ts'

/** What the archive offers to modules with archives of their own. */
export interface ArchiveApi {
  /**
   * The archives of a domain whose addresses are no accounts, until the module stops; what `settings` leaves out is as for
   * the accounts of the host. What is too old or too much is removed from them in the background.
   *
   * @throws Error when the domain has been asked for before.
   */
  forDomain(domain: string, settings?: Partial<DomainSettings>): DomainArchive
}
