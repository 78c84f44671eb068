import { setTimeout as pause } from 'node:timers/promises'
import { Connection, Disconnected, NotLetIn } from './connection.ts'
import { anyOf, type Doer, type Life } from './doer.ts'
import { Refused } from './room-person.ts'

const patienceMs = 10_000
/** How many invitations that were looked at before are looked at again. */
const again = 2

/** What became of a name for which an account was asked for. */
type Outcome = 'made' | 'open' | 'refused'

interface Invitation {
  readonly token: string
  readonly names: Map<string, Outcome>
}

/** Somebody who invites others; for each invitation two come at once, of whom one can have it (XEP-0401, XEP-0445). */
export class InviterLife implements Life {
  readonly #doer: Doer
  /** Those not looked at yet. */
  #fresh: Invitation[] = []
  /** Those that were used up and looked at. */
  #used: Invitation[] = []
  #n = 0

  constructor(doer: Doer) {
    this.#doer = doer
  }

  async acts(): Promise<void> {
    const { target } = this.#doer
    const command = `<command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite'/>`
    const answer = await this.#doer.asks('set', command, target.domain)
    const fields = answer!.getChild('x', 'jabber:x:data')!.getChildren('field')
    const uri = fields.find(({ attrs }) => attrs['var'] === 'uri')?.getChildText('value') ?? ''
    const token = /preauth=([^;]+)/.exec(uri)?.[1]
    if (token === undefined) throw new Error(`no invitation: ${answer}`)
    this.#doer.succeeds()
    const names = ['a', 'b'].map((which) => this.#name(which))
    const invitation: Invitation = { token, names: new Map(names.map((name) => [name, 'open'])) }
    this.#fresh.push(invitation)
    const ends = await Promise.allSettled(names.map((name) => this.#registers(invitation, name)))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    if (![...invitation.names.values()].includes('made'))
      this.#doer.findings.blames('lost', `nobody could use an invitation: ${JSON.stringify([...invitation.names])}`)
  }

  async checks(): Promise<void> {
    const looked = new Set(this.#fresh)
    for (let count = 0; count < again && this.#used.length > 0; count++) looked.add(anyOf(this.#used))
    for (const invitation of looked) {
      await this.#look(invitation)
      this.#fresh = this.#fresh.filter((other) => other !== invitation)
      if (!this.#used.includes(invitation)) this.#used.push(invitation)
    }
    await this.#looksAtRoster()
  }

  #name(which: string): string {
    return `${this.#doer.local}-${this.#n++}-${which}`
  }

  /** Whether an account is made with an invitation is answered; the account is there, or nothing was used. */
  async #look({ token, names }: Invitation): Promise<void> {
    const { findings } = this.#doer
    const told = JSON.stringify([...names])
    const there: string[] = []
    for (const [name, outcome] of names) {
      const isThere = await this.#isAccount(name)
      if (isThere) there.push(name)
      if (isThere && outcome === 'refused') findings.blames('broken', `${name} was refused, and is there`)
      if (!isThere && outcome === 'made') findings.blames('lost', `${name} was made, and is not there`)
      names.set(name, isThere ? 'made' : 'refused')
    }
    if (there.length > 1) findings.blames('doubled', `an invitation was used for ${there.join(' and ')}`)
    // Whoever comes now gets in only when nobody has.
    const late = this.#name('late')
    const invitation = { token, names }
    await this.#registers(invitation, late)
    if (there.length > 0 && names.get(late) === 'made')
      findings.blames('doubled', `an invitation was used for ${there[0]} and for ${late}`)
    if (there.length === 0 && names.get(late) === 'refused')
      findings.blames('lost', `an invitation was used for nobody: ${told}`)
  }

  /** Those who were invited and came are contacts (XEP-0401 §5.5). */
  async #looksAtRoster(): Promise<void> {
    const made = this.#used.flatMap(({ names }) => [...names].filter(([, outcome]) => outcome === 'made'))
    const wanted = made.map(([name]) => `${name}@${this.#doer.target.domain}`)
    for (const until = Date.now() + patienceMs; ; await pause(100)) {
      const roster = await this.#doer.asks('get', `<query xmlns='jabber:iq:roster'/>`)
      const both = roster!.getChildren('item').filter(({ attrs }) => attrs['subscription'] === 'both')
      const contacts = new Set(both.map(({ attrs }) => attrs['jid']))
      const missing = wanted.filter((jid) => !contacts.has(jid))
      if (missing.length === 0) return
      if (Date.now() < until) continue
      return this.#doer.findings.blames('lost', `${this.#doer.local} does not have the invited ${missing.join(', ')}`)
    }
  }

  async #isAccount(local: string): Promise<boolean> {
    try {
      const connection = await Connection.login(this.#doer.target, local)
      connection.cut('close')
      return true
    } catch (error) {
      if (error instanceof NotLetIn && error.condition === 'not-authorized') return false
      throw error
    }
  }

  /** Asks for an account, and notes what becomes of that. Rejects when nobody knows. */
  async #registers({ token, names }: Invitation, name: string): Promise<void> {
    const { password } = this.#doer.target
    names.set(name, 'open')
    const { connection } = await Connection.open(this.#doer.target)
    const asks = async (payload: string) => {
      connection.write(`<iq type='set' id='1'>${payload}</iq>`)
      const answer = await connection.next()
      if (answer.name !== 'iq') throw new Disconnected(`${answer}`)
      if (answer.attrs['type'] === 'error') throw new Refused(answer)
    }
    try {
      await asks(`<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`)
      await asks(
        `<query xmlns='jabber:iq:register'><username>${name}</username><password>${password}</password></query>`,
      )
      names.set(name, 'made')
      this.#doer.succeeds()
    } catch (error) {
      // XEP-0445 §4: it was used.
      if (!(error instanceof Refused) || error.condition !== 'item-not-found') throw error
      names.set(name, 'refused')
    } finally {
      connection.cut('close')
    }
  }
}
