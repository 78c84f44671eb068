import assert from 'node:assert/strict'
import { type Actor, story } from '../support/story.ts'

const NS = 'jabber:iq:last'

async function last(asker: Actor, whom: string): Promise<{ seconds: string | undefined; status: string }> {
  const query = (await asker.asks`<iq type='get' to='${whom}'><query xmlns='${NS}'/></iq>`).getChild('query', NS)!
  return { seconds: query.attrs['seconds'], status: query.getText() }
}

// XEP-0012 §5
story('The server tells how long it has been up', async (s) => {
  const romeo = await s.login('romeo')
  const before = Number((await last(romeo, s.domain)).seconds)
  await s.advance(90_000)
  assert.equal(Number((await last(romeo, s.domain)).seconds), before + 90)
})

// XEP-0012 §3
story('A contact learns since when somebody is away, and the parting words', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet')
  await s.befriend(romeo, juliet)
  assert.deepEqual(await last(romeo, juliet.bare), { seconds: '0', status: '' })
  await juliet.sends`<presence type='unavailable'><status>Heading home</status></presence>`
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  assert.deepEqual(await last(romeo, juliet.bare), { seconds: '0', status: '' })
  await juliet.disconnects()
  await s.advance(903_999)
  assert.deepEqual(await last(romeo, juliet.bare), { seconds: '903', status: 'Heading home' })
})

story('Somebody cut off left without a word', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet', '<presence><status>Here</status></presence>')
  await s.befriend(romeo, juliet)
  await juliet.cuts()
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  await s.advance(5000)
  assert.deepEqual(await last(romeo, juliet.bare), { seconds: '5', status: '' })
})

story('Who has come back and left again left at the later time', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet')
  await s.befriend(romeo, juliet)
  await juliet.disconnects()
  await s.advance(60_000)
  const again = await s.login('juliet')
  await again.disconnects()
  await s.advance(3000)
  await romeo.receives`<presence type='unavailable' from='${juliet.jid}'/>`
  assert.equal((await last(romeo, juliet.bare)).seconds, '3')
})

// XEP-0012 §3, §4, §8
story('Strangers learn nothing, not even whether there is somebody', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet/balcony')
  await s.createAccount('mercutio')
  const answers = new Set<string>()
  for (const whom of [
    juliet.bare,
    juliet.jid,
    `${juliet.bare}/nowhere`,
    `mercutio@${s.domain}`,
    `nobody@${s.domain}`,
    `nobody@${s.domain}/x`,
  ]) {
    const error = await romeo.isRefused('forbidden', 'auth')`<iq type='get' to='${whom}'><query xmlns='${NS}'/></iq>`
    answers.add(error.getChild('error')!.toString())
  }
  assert.equal(answers.size, 1)
  await juliet.receivesNothing()
})

// XEP-0012 §4
story('A contact may ask a client how long it has been idle', async (s) => {
  const romeo = await s.online('romeo')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await romeo.sends`<iq type='get' id='l1' to='${juliet.jid}'><query xmlns='${NS}'/></iq>`
  await juliet.receives`<iq type='get' id='l1' from='${romeo.jid}'><query xmlns='${NS}'/></iq>`
})

story('One may ask about oneself', async (s) => {
  const romeo = await s.login('romeo')
  assert.deepEqual(await last(romeo, romeo.bare), { seconds: '0', status: '' })
})

story('Nothing is kept of a deleted account', async (s) => {
  const juliet = await s.online('juliet')
  await juliet.disconnects()
  const rows = () => s.database.knex('last_activity').where({ account: `juliet@${s.domain}` })
  await s.advance(2_000)
  for (let turns = 0; turns < 1000 && (await rows()).length === 0; turns++) await s.advance(0)
  assert.equal((await rows()).length, 1)
  await s.host.deleteAccount('juliet')
  assert.equal((await rows()).length, 0)
})
