/** Who asks an archive, and gets the results: a session, or somebody whom the router reaches. */
export interface Asker {
  /** The full JID that the results go to. */
  readonly address: string
  /** Sends text that is whole stanzas. */
  pass(text: string): void
  /** Settles when what was sent is out of our hands; `undefined` when there is nothing to wait for. */
  drained(): Promise<void> | undefined
  /** False once nobody is there to get the rest. */
  readonly live: boolean
}

/** A stored stanza, as XML, the way an asker may see it. */
export type View = (stanza: string) => string
