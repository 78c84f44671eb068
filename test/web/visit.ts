import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { findProgram } from '../support/mariadb.ts'

/** Where pictures of what people see go, if anywhere. */
const screenshots = process.env['SCREENSHOTS']
const PATIENCE_MS = 15_000

/** Starts Debian's Chromium. @throws Error when there is none. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findProgram('chromium')
  if (executablePath === undefined) throw new Error('There is no browser. On Debian: apt-get install chromium')
  // Chromium refuses to run as root in its sandbox.
  return await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}

/** A browser of one person, who visits one server and nothing else; all that goes wrong is noted. */
export class Visit {
  readonly page: Page
  readonly #context: BrowserContext
  readonly #who: string
  readonly #complaints: string[] = []

  private constructor(page: Page, who: string, origin: string) {
    this.page = page
    this.#context = page.context()
    this.#who = who
    const here = new URL(origin).host
    const look = (url: string) => {
      const { host, protocol } = new URL(url)
      if (host !== here && protocol !== 'data:' && protocol !== 'blob:') this.#note(`asked another server: ${url}`)
    }
    page.on('request', (request) => look(request.url()))
    page.on('websocket', (socket) => look(socket.url()))
    page.on('requestfailed', (request) => {
      // What a page had asked for when it was left.
      if (request.failure()?.errorText !== 'net::ERR_ABORTED')
        this.#note(`could not get ${request.url()}: ${request.failure()?.errorText}`)
    })
    page.on('response', (response) => {
      if (response.status() >= 500) this.#note(`was answered ${response.status()} by ${response.url()}`)
    })
    page.on('pageerror', (error) => this.#note(`met an error: ${error.stack}`))
    page.on('console', (message) => {
      if (/Content Security Policy|violates the/.test(message.text()))
        this.#note(`was kept from something: ${message.text()}`)
    })
  }

  /** Opens a window; `scripts` says whether pages may run any. */
  static async begin(browser: Browser, who: string, origin: string, scripts = true): Promise<Visit> {
    const context = await browser.newContext({
      baseURL: origin,
      ignoreHTTPSErrors: true,
      javaScriptEnabled: scripts,
      reducedMotion: 'reduce',
      locale: 'en-GB',
    })
    context.setDefaultTimeout(PATIENCE_MS)
    return new Visit(await context.newPage(), who, origin)
  }

  /** Keeps a picture of the page, where somebody wants to see it. */
  async picture(what: string): Promise<void> {
    if (screenshots === undefined) return
    mkdirSync(screenshots, { recursive: true })
    await this.page.screenshot({ path: join(screenshots, `${this.#who}-${what}.png`), animations: 'disabled' })
  }

  /** What went wrong so far. */
  get complaints(): readonly string[] {
    return this.#complaints
  }

  async end(): Promise<void> {
    await this.#context.close()
  }

  #note(what: string): void {
    this.#complaints.push(`${this.#who} ${what}`)
  }
}
