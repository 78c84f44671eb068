import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { until } from '../process.ts'
import { Inbox, type Player } from './player.ts'

const library = fileURLToPath(new URL('dist/strophe.umd.min.js', import.meta.resolve('strophe.js/package.json')))
const script = fileURLToPath(new URL('strophe-page.js', import.meta.url))

/** strophe.js in a page of a browser, over what its address says: SCRAM by the old road; stream management over WebSocket, and over BOSH a session that outlives the page. */
export class Strophe implements Player {
  readonly client = 'strophe.js'
  readonly address: string
  readonly inbox: Inbox
  readonly #page: Page
  readonly #service: string
  readonly #password: string

  private constructor(page: Page, service: string, username: string, password: string) {
    this.address = `${username}@localhost`
    this.inbox = new Inbox(this.address)
    this.#page = page
    this.#service = service
    this.#password = password
  }

  /** Opens a page of the place that the client connects to. */
  static async open(browser: Browser, service: string, username: string, password: string): Promise<Strophe> {
    const page = await browser.newPage({ permissions: ['local-network-access'] })
    page.on('pageerror', (error) => console.error(`strophe.js: ${error.stack}`))
    const place = new URL('/strophe', service.replace(/^ws/, 'http')).href
    await page.route(place, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto(place)
    const strophe = new Strophe(page, service, username, password)
    await page.exposeFunction('heard', (from: string, body: string) => strophe.inbox.add(from, body))
    await strophe.#loads()
    return strophe
  }

  async #loads(): Promise<void> {
    await this.#page.addScriptTag({ path: library })
    await this.#page.addScriptTag({ path: script })
    await this.#do('opens', this.#service)
  }

  async logsIn(): Promise<void> {
    await this.#connects()
    await this.#do('comesOnline')
  }

  async says(to: string, body: string, type = 'chat'): Promise<void> {
    await this.#do('says', to, body, type)
  }

  async enters(room: string, nick: string): Promise<void> {
    await this.#do('enters', `${room}/${nick}`)
    await this.#until('isIn', `${room}/${nick}`)
  }

  async notices(): Promise<void> {
    await this.#until('isDisconnected')
  }

  async returns(): Promise<void> {
    await this.#connects()
    if (!(await this.#do('hasResumed'))) throw new Error('strophe.js has another session')
  }

  /** Loads the page again, and goes on with its session of BOSH (XEP-0124 §14.3). `meanwhile` happens when the page is not there. */
  async reloads(meanwhile: () => Promise<void>): Promise<void> {
    // A request that waits goes with the page.
    await this.#until('isWaiting')
    await this.#page.reload()
    await meanwhile()
    await this.#loads()
    await this.#do('restores', this.address)
    await this.#until('isRestored')
  }

  async leaves(): Promise<void> {
    await this.#do('leaves')
    await this.#until('isDisconnected')
  }

  /** Whether it has stream management. */
  async isManaged(): Promise<boolean> {
    return await this.#do('isManaged')
  }

  async #connects(): Promise<void> {
    await this.#do('connects', `${this.address}/strophe`, this.#password)
    await this.#until('isConnected')
  }

  async #until(what: string, ...about: string[]): Promise<void> {
    await until(async () => await this.#do(what, ...about), `strophe.js: not ${what} ${about.join(' ')}`)
  }

  /** See `strophe-page.js`. */
  async #do(what: string, ...about: string[]): Promise<boolean> {
    return await this.#page.evaluate(`player.${what}(...${JSON.stringify(about)}) === true`)
  }
}
