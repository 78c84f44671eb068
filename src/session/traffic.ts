/** How many stanzas there were of each kind: plain numbers, since one is raised for every stanza that passes. */
export class StanzaCount {
  iq = 0
  message = 0
  presence = 0

  /** Counts one more, by the name of its element. */
  raise(name: string): void {
    if (name === 'message') this.message++
    else if (name === 'presence') this.presence++
    else if (name === 'iq') this.iq++
  }
}

/** The stanzas of one host: what came in from its clients, what its clients were handed, and what was answered with an error. */
export class Traffic {
  readonly received: StanzaCount = new StanzaCount()
  readonly delivered: StanzaCount = new StanzaCount()
  readonly refused: StanzaCount = new StanzaCount()
}
