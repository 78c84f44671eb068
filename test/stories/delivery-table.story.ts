import assert from 'node:assert/strict'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const types = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const

/**
 * The table of RFC 6121 §8.5.4, a letter a type in the order of `types`: `D`elivered to all who take messages for the
 * account, stored `O`ffline, `E`rror to the sender, `S`ilence. Where it leaves a choice: a message to a resource that is gone
 * is an error for groupchat, and goes the way of chat for normal. `nobody` is as silent as the store of somebody away.
 */
const table: Readonly<Record<string, { readonly bare: string; readonly gone: string }>> = {
  nobody: { bare: 'SSESS', gone: 'SSESS' },
  away: { bare: 'OOESS', gone: 'OOESS' },
  machine: { bare: 'OOESS', gone: 'OOESS' },
  one: { bare: 'DDEDS', gone: 'DDESS' },
  two: { bare: 'DDEDS', gone: 'DDESS' },
}

async function sessions(s: Story, name: string): Promise<Actor[]> {
  if (name === 'away') await s.createAccount(name)
  const presences =
    {
      machine: ['<presence><priority>-1</priority></presence>'],
      one: ['<presence/>'],
      two: ['<presence/>', '<presence/>'],
    }[name] ?? []
  const actors: Actor[] = []
  for (const [n, presence] of presences.entries()) actors.push(await s.online(`${name}/r${n}`, presence))
  for (const actor of actors) await drain(actor)
  return actors
}

/** What came to a client since it was listened to last: the ids of messages. */
async function heard(actor: Actor): Promise<string[]> {
  const ids: string[] = []
  actor.send(`<iq type='get' id='fence' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
  for (let el = await actor.next(); el.attrs['id'] !== 'fence'; el = await actor.next())
    if (el.name === 'message') ids.push(el.attrs['id']!)
  return ids
}

for (const [name, rows] of Object.entries(table))
  story(
    `Messages of every type to ${name}, to the account and to a resource that is gone // RFC 6121 §8.5.4`,
    async (s) => {
      const romeo = await s.login('romeo/orchard')
      const takers = await sessions(s, name)
      const to = `${name}@${s.domain}`
      const outcomes = { bare: '', gone: '' }
      for (const way of ['bare', 'gone'] as const)
        for (const type of types) {
          const address = way === 'bare' ? to : `${to}/gone`
          await romeo.sends`<message id='${type}' type='${type}' to='${address}'><body>Hi</body></message>`
          romeo.send(`<iq type='get' id='behind' to='${to}'><fence xmlns='urn:example'/></iq>`)
          const answer = await romeo.next()
          if (answer.attrs['id'] !== 'behind') {
            assert.equal(answer.getChild('error')?.getChildElements()[0]?.name, 'service-unavailable')
            await romeo.receives`<iq type='error' id='behind'/>`
          }
          const counts = new Set((await Promise.all(takers.map(heard))).map((ids) => ids.length))
          assert.ok(counts.size <= 1, 'all of them or none')
          // What is written for nobody stands under no name, for a moment.
          const stored = await s.database.knex('offline_messages').whereNot('local', '').count({ n: '*' }).first()
          await s.database.knex('offline_messages').delete()
          outcomes[way] += counts.has(1) ? 'D' : answer.name === 'message' ? 'E' : Number(stored?.['n']) > 0 ? 'O' : 'S'
        }
      assert.deepEqual(outcomes, rows)
    },
  )

story('A resource that is there gets every type, whatever its priority // RFC 6121 §8.5.3.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const juliet of [
    await s.login('juliet/silent'),
    await s.online('juliet/machine', '<presence><priority>-1</priority></presence>'),
  ])
    for (const type of types) {
      await romeo.sends`<message id='${type}' type='${type}' to='${juliet.jid}'><body>Hi</body></message>`
      await juliet.receives`<message id='${type}' type='${type}' from='${romeo.jid}' to='${juliet.jid}'><body>Hi</body></message>`
    }
})
