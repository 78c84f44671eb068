import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Element } from '../../src/api.ts'
import type { Actor, Story } from './story.ts'

export const NS: string = 'urn:xmpp:sasl:2'
export const NS_BIND: string = 'urn:xmpp:bind:0'
export const NS_SM: string = 'urn:xmpp:sm:3'
export const PASSWORD: string = 'wherefore art thou'
/** An installation of a client. */
export const AGENT: string = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
export const base64 = (text: string | Uint8Array): string => Buffer.from(text as string).toString('base64')
export const plain = (user: string, password: string = PASSWORD, authzid = ''): string =>
  base64(`${authzid}\0${user}\0${password}`)

/** What a client that logs in says. */
export interface Authenticate {
  readonly mechanism?: string
  /** Base64; `undefined` is none. */
  readonly initial?: string | undefined
  readonly agent?: string
  /** What it asks for, as XML. */
  readonly inline?: string
}

export function authenticateText({ mechanism = 'PLAIN', initial, agent, inline = '' }: Authenticate): string {
  const response = initial === undefined ? '' : `<initial-response>${initial}</initial-response>`
  const userAgent =
    agent === undefined
      ? ''
      : `<user-agent id='${agent}'><software>Tester</software><device>Verona’s balcony</device></user-agent>`
  return `<authenticate xmlns='${NS}' mechanism='${mechanism}'>${response}${userAgent}${inline}</authenticate>`
}

export const header = (domain: string, attributes = ''): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0' ${attributes}>`

/** Connects and hears the features; the account is made. */
export async function opens(s: Story, local = 'romeo'): Promise<{ client: Actor; features: Element }> {
  await s.createAccount(local)
  const client = await s.connects()
  return { client, features: await client.opens(s.domain) }
}

/** Logs in with a password; what the server answers. */
export async function logsIn(client: Actor, said: Authenticate = {}, local = 'romeo'): Promise<Element> {
  client.send(authenticateText({ initial: plain(local), ...said }))
  return await client.next()
}

/** Logs in over a new connection and binds; the client, its success and the features after it. */
export async function binds(
  s: Story,
  { local = 'romeo', agent, ask = '', tag = 'Tester', inline = '' }: BindWish = {},
): Promise<{ client: Actor; success: Element; bound: Element }> {
  const { client } = await opens(s, local)
  const bind = `<bind xmlns='${NS_BIND}'><tag>${tag}</tag>${ask}</bind>${inline}`
  const success = await logsIn(client, { inline: bind, ...(agent !== undefined && { agent }) }, local)
  assert.equal(success.name, 'success', String(success))
  client.jid = addressOf(success)
  assert.equal((await client.next()).name, 'features')
  return { client, success, bound: success.getChild('bound', NS_BIND)! }
}

export interface BindWish {
  readonly local?: string
  readonly agent?: string
  readonly ask?: string
  readonly tag?: string
  readonly inline?: string
}

export const addressOf = (success: Element): string => success.getChildText('authorization-identifier', NS)!

export function failsWith(answer: Element, condition: string): void {
  assert.equal(answer.name, 'failure', String(answer))
  assert.equal(answer.attrs['xmlns'], NS)
  assert.ok(answer.getChild(condition, 'urn:ietf:params:xml:ns:xmpp-sasl'), `expected ${condition}, got ${answer}`)
}

/** A client's side of SCRAM, without channel binding. */
export class Scram {
  readonly #hash: string
  readonly #bare: string
  readonly #password: string
  serverFirst = ''
  /** What the server has to prove itself with. */
  serverFinal = ''

  constructor(hash: 'sha1' | 'sha256' | 'sha512', user: string, password: string = PASSWORD) {
    this.#hash = hash
    this.#bare = `n=${user},r=clientnonce`
    this.#password = password
  }

  get first(): string {
    return base64(`n,,${this.#bare}`)
  }

  /** The answer to a challenge, in base64. */
  final(challenge: Element): string {
    this.serverFirst = Buffer.from(challenge.getText(), 'base64').toString()
    const parts = Object.fromEntries(this.serverFirst.split(',').map((part) => [part[0], part.slice(2)])) as Record<
      'i' | 'r' | 's',
      string
    >
    const salted = saltedPassword(this.#hash, this.#password, parts.s, Number(parts.i))
    const clientKey = this.#hmac(salted, 'Client Key')
    const withoutProof = `c=${base64('n,,')},r=${parts.r}`
    const message = `${this.#bare},${this.serverFirst},${withoutProof}`
    const signature = this.#hmac(createHash(this.#hash).update(clientKey).digest(), message)
    const proof = clientKey.map((byte, at) => byte ^ signature[at]!)
    this.serverFinal = `v=${base64(this.#hmac(this.#hmac(salted, 'Server Key'), message))}`
    return base64(`${withoutProof},p=${base64(proof)}`)
  }

  #hmac(key: Uint8Array, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest()
  }
}

export function saltedPassword(hash: string, password: string, salt: string, iterations: number): Buffer {
  return pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, createHash(hash).digest().length, hash)
}
