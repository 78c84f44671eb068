/** The domain every server under test serves. */
export const domain = 'localhost'
/** Where its rooms are. */
export const roomService = `conference.${domain}`
/** The password of every account. */
export const password = 'benchmark'

/** What of the optional things a server is to do; what is not named is off, on every server. */
export interface Features {
  /** Archives one-to-one messages for both sides (XEP-0313). */
  readonly archive?: boolean
  /** Offers stream management (XEP-0198). */
  readonly streamManagement?: boolean
  /** Offers carbons (XEP-0280). */
  readonly carbons?: boolean
  /** Offers rooms (XEP-0045) at {@link roomService}; with `archive` what is said there is archived, too. */
  readonly rooms?: boolean
  /** Lets accounts publish (XEP-0163). */
  readonly pep?: boolean
  /** Takes files of any size (XEP-0363) for upload.localhost, and hands them out, over HTTP without TLS. */
  readonly uploads?: boolean
  /** Takes clients by WebSocket (RFC 7395), over HTTP and over HTTPS. */
  readonly webSocket?: boolean
  /** Keeps of a password what SCRAM with this hash checks, instead of the password; Stonechat always keeps that, for every hash. */
  readonly passwordHash?: PasswordHash
  /** Gives accounts contacts, each of whom sees the other's presence. */
  readonly rosters?: Rosters
}

/** A hash that SCRAM is used with. */
export type PasswordHash = 'SHA-1' | 'SHA-256'

/** Who has whom in the roster: the first `owners` accounts have the first `contacts` names other than their own, be they accounts or not. */
export interface Rosters {
  readonly owners: number
  readonly contacts: number
}

/** The contacts of an account, by their numbers. */
export function contactsOf(owner: number, { contacts }: Rosters): number[] {
  return Array.from({ length: contacts }, (_, i) => (i < owner ? i : i + 1))
}

/** What contacts are called in a roster, and the group they are in. */
export const contactName = (contact: number): string => `Contact No. ${contact}`
export const contactGroup = 'Friends'

/** A database of its own on a MariaDB server. */
export interface DatabaseAccess {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly name: string
  /** Runs statements, separated by semicolons, and resolves with the rows of the last. */
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** What a server is started with. */
export interface Surroundings {
  /** A folder of its own, empty. */
  readonly folder: string
  readonly plainPort: number
  readonly tlsPort: number
  /** HTTP without TLS, where there is any. */
  readonly webPort: number
  /** HTTPS, for WebSocket. */
  readonly webTlsPort: number
  /** How many accounts to have: user0, user1 and so on. */
  readonly accounts: number
  readonly features: Features
  /** Where to keep what people send; without one, in what the server brings along. */
  readonly database: DatabaseAccess | undefined
}

/** How to start one kind of server. */
export interface ServerKind {
  readonly name: string
  /** What it keeps things in when it is given no database. */
  readonly ownStorage: string
  /** The version that is installed, or `undefined` when the server is not. */
  version(): string | undefined
  /** What is missing on this machine for these features and this storage, or `undefined` when nothing is. */
  lacks(features: Features, onMariadb: boolean): string | undefined
  /** Writes the configuration and says what to run. */
  prepare(where: Surroundings): Promise<Launch>
}

/** A program to run. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Called once the ports are open. */
  readonly started?: () => Promise<void>
  /** What the server, a process of this number, holds once its garbage is collected, in KiB; where one can have that done. */
  readonly liveKiB?: (pid: number) => Promise<number>
  /** Counts what the archives hold: one for each message and owner. Reads the database, not the server. */
  readonly archivedRows?: () => Promise<number>
  /** Puts messages into the archive of user0, past the server. */
  readonly fillArchive?: (range: ArchiveRange) => Promise<void>
}

/**
 * Messages of a long archive: number `i` was sent at `firstMs + i × stepMs` by `peer<i mod peers>@localhost/x` to user0,
 * each some 320 bytes long.
 */
export interface ArchiveRange {
  /** First number, included, and last, excluded. */
  readonly from: number
  readonly to: number
  readonly peers: number
  readonly firstMs: number
  readonly stepMs: number
}

/** The number that a `select count(*)` finds. */
export async function countRows(database: DatabaseAccess, sql: string): Promise<number> {
  const [row] = await database.query(sql)
  return Number(Object.values(row ?? {})[0])
}
