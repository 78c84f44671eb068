import type { Locator, Page } from 'playwright-core'

/** A conversation that is open in Converse.js, with a person or in a room. */
export class Conversation {
  readonly #box: Locator

  constructor(box: Locator) {
    this.#box = box
  }

  async says(text: string): Promise<void> {
    await this.#box.locator('textarea.chat-textarea').fill(text)
    await this.#box.locator('textarea.chat-textarea').press('Enter')
    await this.shows(text)
  }

  /** Resolves when a message is there. */
  async shows(text: string): Promise<void> {
    await this.#box.locator('converse-chat-message-body', { hasText: text }).waitFor()
  }

  /** Resolves when somebody is seen to be in the room. */
  async lists(nick: string): Promise<void> {
    await this.#box.locator('converse-muc-occupant-list-item', { hasText: nick }).waitFor()
  }

  /** Sends a file as with the button that has a paper clip. */
  async sends(file: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer }): Promise<void> {
    await this.#box.locator('input.fileupload').setInputFiles(file)
  }

  /** Resolves with the address of a picture and its width in pixels, when one is there and has been loaded. */
  async picture(): Promise<{ readonly src: string; readonly width: number }> {
    const picture = this.#box.locator('converse-chat-message-body img.chat-image')
    await picture.waitFor()
    return await picture.evaluate(async (element) => {
      const image = element as unknown as { src: string; naturalWidth: number; decode(): Promise<void> }
      await image.decode()
      return { src: image.src, width: image.naturalWidth }
    })
  }
}

/** What somebody does and sees in Converse.js. */
export class Converse {
  readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  /** Logs in where the server leads whoever knows its name only; resolves when contacts are shown. */
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
    await this.#choose('converse-roster', '.add-contact')
    const dialog = this.page.locator('converse-add-contact-modal')
    await dialog.locator('input[name=jid]').fill(address)
    await dialog.locator('button[type=submit]').click()
  }

  /** Agrees to be the contact of somebody who has asked. */
  async accepts(address: string): Promise<void> {
    const request = this.page.locator('converse-roster-contact', { hasText: address })
    await request.locator('converse-dropdown > button').click()
    await request.locator('.accept-xmpp-request').click()
    await this.page.locator('converse-accept-contact-request-modal button[type=submit]').click()
  }

  /** Resolves when a contact is seen to be online. */
  async sees(address: string): Promise<void> {
    await this.page.locator(`li[data-status=online] a.open-chat[data-jid="${address}"]`).first().waitFor()
  }

  /** Opens the conversation with a contact. */
  async opens(address: string): Promise<Conversation> {
    await this.page.locator(`converse-roster a.open-chat[data-jid="${address}"]`).first().click()
    return new Conversation(this.page.locator(`converse-chat[jid="${address}"]`))
  }

  /** Enters a room of the server, which is made if there is none. */
  async enters(room: string): Promise<Conversation> {
    await this.#choose('converse-rooms-list', '.show-add-muc-modal')
    const dialog = this.page.locator('converse-add-muc-modal')
    await dialog.locator('input[name=chatroom]').fill(room.split('@', 1)[0]!)
    await dialog.locator('input[name=join]').click()
    return new Conversation(this.page.locator(`converse-muc[jid="${room}"]`))
  }

  async #choose(place: string, item: string): Promise<void> {
    await this.page.locator(`${place} converse-dropdown > button`).first().click()
    await this.page.locator(`${place} ${item}`).click()
  }
}
