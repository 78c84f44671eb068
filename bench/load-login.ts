import { createHash, createHmac, pbkdf2Sync, randomBytes, randomUUID } from 'node:crypto'
import type { LoginFigures, LoginRun, RosterRun } from './load.ts'
import type { Target } from './load-client.ts'
import { Dialogue, headerTo } from './load-dialogue.ts'
import type { PasswordHash } from './server-kind.ts'

const nodeNames = { 'SHA-1': 'sha1', 'SHA-256': 'sha256' } as const
const keyBytes = { 'SHA-1': 20, 'SHA-256': 32 } as const
const saslXmlns = 'urn:ietf:params:xml:ns:xmpp-sasl'
const sasl2Xmlns = 'urn:xmpp:sasl:2'
const fastMechanism = 'HT-SHA-256-NONE'

/** What an account's device has kept of its last login. */
interface Device {
  readonly id: string
  ticket: Buffer | undefined
  token: string | undefined
  rosterVersion: string | undefined
}

/** Accounts that log in over and over. What a client's device would keep, such as tickets and salted passwords, is kept. */
export class Logins {
  readonly #devices = new Map<string, Device>()
  readonly #salted = new Map<string, Buffer>()

  /** Has accounts log in and leave for a while, each on one connection at a time. */
  async run(target: Target, run: LoginRun): Promise<LoginFigures> {
    const free = Array.from({ length: run.accounts }, (_, i) => `user${i}`)
    const tookMs: number[] = []
    let resumed = 0
    const start = performance.now()
    const endMs = start + run.seconds * 1000
    const work = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const local = free.shift()!
        const beganMs = performance.now()
        const dialogue = await this.#login(target, local, run)
        if (run.roster !== undefined) await this.#readRoster(dialogue, local, run.roster)
        tookMs.push(performance.now() - beganMs)
        if (dialogue.resumed) resumed++
        await dialogue.leave()
        // A server may renew tickets, or have clients use theirs again.
        this.#device(local).ticket = dialogue.session ?? this.#device(local).ticket
        free.push(local)
      }
    }
    await Promise.all(Array.from({ length: run.atOnce }, work))
    return figures(tookMs, resumed, performance.now() - start)
  }

  /** Has user0 read its roster again and again on one connection. */
  async readRosters(target: Target, { seconds, hash, roster }: RosterRun): Promise<LoginFigures> {
    const dialogue = await this.#login(target, 'user0', { hash, transport: 'plain', road: 'full' })
    const tookMs: number[] = []
    const start = performance.now()
    while (performance.now() < start + seconds * 1000) {
      const beganMs = performance.now()
      await this.#readRoster(dialogue, 'user0', roster)
      tookMs.push(performance.now() - beganMs)
    }
    const found = figures(tookMs, 0, performance.now() - start)
    await dialogue.leave()
    return found
  }

  async #login(target: Target, local: string, run: Pick<LoginRun, 'hash' | 'road' | 'transport'>): Promise<Dialogue> {
    const device = this.#device(local)
    const ticket = run.transport.endsWith('resumed') ? device.ticket : undefined
    const dialogue = await Dialogue.open(target, run.transport, ticket)
    try {
      if (run.road === 'full') await this.#takeFullRoad(dialogue, target, local, run.hash)
      else if (run.road === 'fast' && device.token !== undefined) await takeFastRoad(dialogue, target, local, device)
      else await this.#takeSasl2Road(dialogue, target, local, run.hash, device, run.road === 'fast')
      return dialogue
    } catch (error) {
      void dialogue.leave()
      throw error
    }
  }

  /** RFC 6120: authentication, a new stream, a resource. */
  async #takeFullRoad(dialogue: Dialogue, target: Target, local: string, hash: PasswordHash): Promise<void> {
    const header = headerTo(target.domain)
    await dialogue.ask(header, '</stream:features>')
    const scram = this.#scram(target, local, hash)
    const auth = `<auth xmlns='${saslXmlns}' mechanism='SCRAM-${hash}'>${scram.first}</auth>`
    const challenge = await dialogue.ask(auth, '</challenge>')
    await dialogue.ask(`<response xmlns='${saslXmlns}'>${scram.final(challenge)}</response>`, '</success>')
    await dialogue.ask(header, '</stream:features>')
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind>`
    await dialogue.ask(`<iq type='set' id='bind'>${bind}</iq>`, '</iq>')
  }

  /** XEP-0388 with Bind 2 (XEP-0386); a token for the next time (XEP-0484) is asked for when wanted. */
  async #takeSasl2Road(
    dialogue: Dialogue,
    target: Target,
    local: string,
    hash: PasswordHash,
    device: Device,
    wantsToken: boolean,
  ): Promise<void> {
    await dialogue.ask(headerTo(target.domain), '</stream:features>')
    const scram = this.#scram(target, local, hash)
    const token = wantsToken ? `<request-token xmlns='urn:xmpp:fast:0' mechanism='${fastMechanism}'/>` : ''
    const challenge = await dialogue.ask(authenticate(`SCRAM-${hash}`, scram.first, device, token), '</challenge>')
    const response = `<response xmlns='${sasl2Xmlns}'>${scram.final(challenge)}</response>`
    keepToken(device, await dialogue.ask(response, '</stream:features>'))
    if (wantsToken && device.token === undefined) throw new Error('the server gave no token')
  }

  /** RFC 5802 as a client goes through it that has kept the salted password. */
  #scram(target: Target, local: string, hash: PasswordHash): { first: string; final(challenge: string): string } {
    const bare = `n=${local},r=${randomBytes(16).toString('base64')}`
    const final = (challenge: string): string => {
      const encoded = /<challenge[^>]*>([^<]*)</.exec(challenge)![1]!
      const serverFirst = Buffer.from(encoded, 'base64').toString()
      const [, nonce, salt, rounds] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(serverFirst)!
      const salted = this.#saltedPassword(target.password, hash, salt!, Number(rounds))
      const withoutProof = `c=biws,r=${nonce}`
      const key = hmac(hash, salted, 'Client Key')
      const storedKey = createHash(nodeNames[hash]).update(key).digest()
      const signature = hmac(hash, storedKey, `${bare},${serverFirst},${withoutProof}`)
      for (let i = 0; i < key.length; i++) key[i]! ^= signature[i]!
      return base64(`${withoutProof},p=${key.toString('base64')}`)
    }
    return { first: base64(`n,,${bare}`), final }
  }

  #saltedPassword(password: string, hash: PasswordHash, salt: string, rounds: number): Buffer {
    const name = `${hash} ${rounds} ${salt}`
    const known = this.#salted.get(name)
    if (known !== undefined) return known
    const made = pbkdf2Sync(password, Buffer.from(salt, 'base64'), rounds, keyBytes[hash], nodeNames[hash])
    this.#salted.set(name, made)
    return made
  }

  async #readRoster(dialogue: Dialogue, local: string, what: 'known' | 'whole'): Promise<void> {
    const device = this.#device(local)
    const ver = what === 'known' ? (device.rosterVersion ?? '') : undefined
    const query = `<query xmlns='jabber:iq:roster'${ver === undefined ? '' : ` ver='${ver}'`}/>`
    // Whole, it ends with an end tag; with nothing new there is only the answer.
    const answer = await dialogue.ask(`<iq type='get' id='roster'>${query}</iq>`, /<\/iq>$|<iq [^>]*\/>$/)
    const version = /ver=['"]([^'"]*)/.exec(answer.slice(0, 500))?.[1]
    if (version !== undefined) device.rosterVersion = version
  }

  #device(local: string): Device {
    const known = this.#devices.get(local)
    if (known !== undefined) return known
    const made: Device = { id: randomUUID(), ticket: undefined, token: undefined, rosterVersion: undefined }
    this.#devices.set(local, made)
    return made
  }
}

/** XEP-0484: all in one go, and one answer. */
async function takeFastRoad(dialogue: Dialogue, target: Target, local: string, device: Device): Promise<void> {
  const proof = createHmac('sha256', device.token!).update('Initiator').digest()
  const initial = Buffer.concat([Buffer.from(`${local}\0`), proof]).toString('base64')
  const request = authenticate(fastMechanism, initial, device, `<fast xmlns='urn:xmpp:fast:0'/>`)
  // The features before the login come, too.
  const answer = await dialogue.ask(headerTo(target.domain) + request, /<success[\s\S]*<\/stream:features>$|<failure/)
  keepToken(device, answer)
}

function authenticate(mechanism: string, initial: string, device: Device, more: string): string {
  const agent = `<user-agent id='${device.id}'><software>bench</software></user-agent>`
  const bind = `<bind xmlns='urn:xmpp:bind:0'><tag>bench</tag></bind>`
  return `<authenticate xmlns='${sasl2Xmlns}' mechanism='${mechanism}'><initial-response>${initial}</initial-response>${agent}${bind}${more}</authenticate>`
}

function keepToken(device: Device, answer: string): void {
  const token = /<token [^>]*token=['"]([^'"]*)/.exec(answer)?.[1]
  if (token !== undefined) device.token = token
}

function figures(tookMs: number[], resumed: number, ms: number): LoginFigures {
  const sorted = Float64Array.from(tookMs).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { logins: tookMs.length, resumed, seconds: ms / 1000, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function hmac(hash: PasswordHash, key: Buffer, data: string): Buffer {
  return createHmac(nodeNames[hash], key).update(data).digest()
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
