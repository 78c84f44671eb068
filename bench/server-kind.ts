/** The domain every server under test serves. */
export const domain = 'localhost'
/** The password of every account. */
export const password = 'benchmark'

/** What a server is started with. */
export interface Surroundings {
  /** A folder of its own, empty. */
  readonly folder: string
  readonly plainPort: number
  readonly tlsPort: number
  /** How many accounts to have: user0, user1 and so on. */
  readonly accounts: number
}

/** How to start one kind of server. */
export interface ServerKind {
  readonly name: string
  /** The version that is installed, or `undefined` when the server is not. */
  version(): string | undefined
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
}
