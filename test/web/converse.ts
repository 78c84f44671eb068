import type { Locator, Page } from 'playwright-core'

/** What somebody does and sees in Converse.js. */
export class Converse {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Logs in at `/chat`, and resolves when contacts are shown. */
  async logsIn(name: string, password: string): Promise<void> {
    await this.page.goto('/')
    await this.page.fill('#converse-login-jid', name)
    await this.page.fill('#converse-login-password', password)
    await this.page.click('#converse-login button[type=submit]')
    await this.isIn()
  }

  /** Resolves when somebody is logged in and sees contacts. */
  async isIn(): Promise<void> {
    await this.page.locator('converse-roster .roster-contacts').waitFor()
  }

  /** Asks somebody to be a contact. */
  async adds(address: string): Promise<void> {
    await this.#menu('converse-roster', '.add-contact')
    const dialog = this.page.locator('converse-add-contact-modal')
    await dialog.locator('input[name=jid]').fill(address)
    await dialog.locator('button[type=submit]').click()
    await this.#contact(address).waitFor()
  }

  /** Agrees to be somebody's contact. */
  async accepts(address: string): Promise<void> {
    const request = this.page.locator('converse-roster-contact', { hasText: address })
    await request.locator('.accept-xmpp-request').click()
    await this.page.locator('converse-accept-contact-request-modal button[type=submit]').click()
    await this.#contact(address).waitFor()
  }

  /** Opens the conversation with a contact. */
  async opens(address: string): Promise<Locator> {
    await this.#contact(address).click()
    return this.#conversation(address)
  }

  /** Enters a room of the server, which is made if there is none. */
  async enters(name: string): Promise<Locator> {
    await this.#menu('converse-rooms-list', '.show-add-muc-modal')
    const dialog = this.page.locator('converse-add-muc-modal')
    await dialog.locator('input[name=chatroom]').fill(name)
    await dialog.locator('input[type=submit], button[type=submit]').click()
    return this.#conversation(name)
  }

  #contact(address: string): Locator {
    return this.page.locator(`a.open-chat[data-jid="${address}"]`)
  }

  #conversation(address: string): Locator {
    return this.page
      .locator(`.chatbox[id], converse-chat, converse-muc`)
      .filter({ has: this.page.locator(`[jid^="${address}"]`) })
  }

  async #menu(place: string, item: string): Promise<void> {
    await this.page.locator(`${place} converse-dropdown > button`).first().click()
    await this.page.locator(`${place} ${item}`).click()
  }
}
