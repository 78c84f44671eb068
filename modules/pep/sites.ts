import { type Host, type Jid, serverWide } from '#api'
import type { BlockingApi } from '../blocking/index.ts'
import type { PresenceApi } from '../presence/index.ts'
import type { PubsubApi } from '../pubsub/index.ts'
import type { RosterApi, RosterItem } from '../roster/index.ts'
import type { AccountFace } from './account-face.ts'

/** What an account keeps of somebody, where that has been looked up already. */
export interface Acquaintance {
  /** A bare JID. */
  readonly asker: Jid
  readonly item: RosterItem | undefined
}

/** A host on which accounts publish, with what is known there of who may see what. */
export interface Site {
  readonly host: Host
  readonly engine: PubsubApi['engine']
  readonly presence: PresenceApi
  readonly roster: RosterApi
  readonly blocking: BlockingApi | undefined
  /** The service that an account of this host is. */
  faceOf(account: Jid, known?: Acquaintance): AccountFace
}

/** The hosts of a server on which accounts publish, by domain: contacts may be on another one. */
export type Sites = Map<string, Site>

/** Those of the server that a database belongs to. */
export const sitesOf = serverWide((): Sites => new Map())
