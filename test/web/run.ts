import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { Converse } from './converse.ts'
import { startServer, type WebServer } from './server.ts'
import { openBrowser, Visit } from './visit.ts'

// npm run test:web: people with browsers are invited, make accounts and talk. SCREENSHOTS=folder keeps what they see.

const PASSWORD = 'wherefore art thou'
const ROOM = 'garden@conference.localhost'
/** A picture that is at hand, 192 pixels wide. */
const PICTURE = fileURLToPath(import.meta.resolve('converse.js/dist/images/logo/conversejs-filled-192.png'))
const visits: Visit[] = []

async function visit(browser: Browser, who: string, server: WebServer, scripts = true): Promise<Visit> {
  const begun = await Visit.begin(browser, who, server.origin, scripts)
  visits.push(begun)
  return begun
}

/** Somebody makes an account with an invitation in a browser that runs no scripts, and mistypes the password first. */
async function accepts(browser: Browser, server: WebServer, invitation: string, name: string): Promise<void> {
  const guest = await visit(browser, `${name}-invited`, server, false)
  const { page } = guest
  const sends = async (again: string) => {
    await page.getByLabel('Username').fill(name)
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('Password, once more').fill(again)
    await page.getByRole('button').click()
  }
  await page.goto(invitation)
  await guest.picture('invitation')
  await sends('where for')
  await page.getByText('The passwords differ.').waitFor()
  assert.equal(await page.getByLabel('Username').inputValue(), name)
  assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '')
  await guest.picture('mistake')
  await sends(PASSWORD)
  await page.getByText(`${name}@localhost`).waitFor()
  await guest.picture('welcome')
  assert.equal(await page.getByRole('link', { name: 'Chat on localhost' }).getAttribute('href'), '/chat')
  await guest.end()
}

/** The invitation has been used up. */
async function isRefused(browser: Browser, server: WebServer, invitation: string): Promise<void> {
  const late = await visit(browser, 'mercutio', server, false)
  assert.equal((await late.page.goto(invitation))?.status(), 404)
  await late.page.getByText('This invitation does not work').waitFor()
  await late.picture('late')
  await late.end()
}

/** Two people become contacts and talk, with each other and in a room. */
async function talk(browser: Browser, server: WebServer): Promise<void> {
  const [first, second] = [await visit(browser, 'romeo', server), await visit(browser, 'juliet', server)]
  const [romeo, juliet] = [new Converse(first.page), new Converse(second.page)]
  await first.page.goto('/')
  await first.page.locator('#converse-login-jid').waitFor()
  await first.picture('login')
  await Promise.all([romeo.logsIn('romeo', PASSWORD), juliet.logsIn('juliet', PASSWORD)])
  await romeo.adds('juliet@localhost')
  await juliet.accepts('romeo@localhost')
  await Promise.all([romeo.sees('juliet@localhost'), juliet.sees('romeo@localhost')])

  const [his, hers] = [await romeo.opens('juliet@localhost'), await juliet.opens('romeo@localhost')]
  await his.says('But soft! What light through yonder window breaks?')
  await hers.shows('But soft!')
  await hers.says('Ay me!')
  await his.shows('Ay me!')
  // A picture that is elsewhere is a link; nobody else learns who reads.
  await his.says('https://verona.example/moon.png')
  await hers.shows('verona.example/moon.png')
  await his.sends({ name: 'rose.png', mimeType: 'image/png', buffer: await readFile(PICTURE) })
  const seen = await hers.picture()
  assert.deepEqual([new URL(seen.src).origin, seen.width], [server.origin, 192])
  await first.picture('chat')
  await second.picture('chat')

  const hisRoom = await romeo.enters(ROOM)
  await hisRoom.says('Is anybody here?')
  const herRoom = await juliet.enters(ROOM)
  await herRoom.shows('Is anybody here?')
  await herRoom.says('By whose direction found’st thou out this place?')
  await hisRoom.shows('By whose direction')
  await hisRoom.lists('juliet')
  await herRoom.lists('romeo')
  await first.picture('room')
  await second.picture('room')

  // Who comes back has not been away.
  await first.page.reload()
  await romeo.isIn()
  await (await romeo.opens('juliet@localhost')).shows('Ay me!')
  await first.picture('reloaded')
}

/** Another browser has what the first one had: from the archive of the server. */
async function remember(browser: Browser, server: WebServer): Promise<void> {
  const other = await visit(browser, 'juliet-elsewhere', server)
  const juliet = new Converse(other.page)
  await juliet.logsIn('juliet', PASSWORD)
  const his = await juliet.opens('romeo@localhost')
  await his.shows('But soft!')
  await his.shows('Ay me!')
  assert.equal((await his.picture()).width, 192)
  await other.picture('history')
}

/** Who has no account comes in as a guest. */
async function passBy(browser: Browser, server: WebServer): Promise<void> {
  const guest = await visit(browser, 'peter', server)
  await guest.page.goto('/')
  await guest.page.getByRole('link', { name: 'Come in as a guest' }).click()
  await guest.picture('guest')
  await guest.page.locator('#converse-login button[type=submit]').click()
  await guest.page.locator('converse-user-profile').waitFor()
  await guest.picture('guest-in')
}

async function main(folder: string): Promise<void> {
  const [server, browser] = await Promise.all([startServer(join(folder, 'server')), openBrowser()])
  try {
    const invitation = await server.invite(2)
    for (const name of ['romeo', 'juliet']) await accepts(browser, server, invitation, name)
    await isRefused(browser, server, invitation)
    await talk(browser, server)
    await remember(browser, server)
    await passBy(browser, server)
    const complaints = visits.flatMap((one) => one.complaints)
    assert.deepEqual(complaints, [], 'browsers complained')
    await browser.close()
    assert.equal(await server.process.stop(), 0)
    assert.deepEqual(server.complaints(), [], 'the server complained')
  } catch (error) {
    for (const one of visits) await one.picture('stuck').catch(() => {})
    console.error(visits.flatMap((one) => one.complaints).join('\n'))
    console.error(`The server said:\n${server.process.said()}`)
    throw error
  } finally {
    await browser.close()
    await server.process.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
const folder = await mkdtemp(join(tmpdir(), 'stonechat-web-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
try {
  await main(folder)
  console.log('Browsers get along with the server.')
} catch (error) {
  console.error((error as Error).stack)
  process.exit(1)
}
