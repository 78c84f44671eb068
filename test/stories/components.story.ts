import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const DOMAIN = 'bot.localhost'
const SECRET = 'the nightingale'
const withLimits = (limits: object) => ({ server: { components: { [DOMAIN]: { secret: SECRET, limits } } } })

// XEP-0114 §3
story(
  'A component speaks for its domain and hears what is for it, as long as it is there',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    await romeo.isRefused('service-unavailable', 'wait')`<message to='nurse@${DOMAIN}'/>`
    const bot = await s.joins(DOMAIN, SECRET)
    await romeo.sends`<message to='Nurse@${DOMAIN}/house' type='chat'><body>Hi</body></message>`
    await bot.receives`<message from='${romeo.jid}' to='nurse@${DOMAIN}/house' type='chat'><body>Hi</body></message>`
    for (const from of [DOMAIN, `nurse@${DOMAIN}`, `nurse@${DOMAIN}/house`]) {
      await bot.sends`<message from='${from}' to='${romeo.jid}'><body>Ho</body></message>`
      await romeo.receives`<message from='${from}'><body>Ho</body></message>`
    }
    // What it says in any other name ends it, and nobody hears of it.
    for (const from of [romeo.bare, s.domain, `x.${DOMAIN}`, '']) {
      const liar = await s.joins(DOMAIN, SECRET)
      await liar.sends`<message from='${from}' to='${romeo.jid}'><body>I am he</body></message>`
      await liar.receivesStreamError('invalid-from')
    }
    await bot.leaves()
    await romeo.isRefused('service-unavailable', 'wait')`<message to='nurse@${DOMAIN}'/>`
    await romeo.receivesNothing()
  },
  withLimits({ connections: 2 }),
)

story(
  'A component has its own limits, and the connections that it may have',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const [first, second] = [await s.joins(DOMAIN, SECRET), await s.joins(DOMAIN, SECRET)]
    await assert.rejects(s.joins(DOMAIN, SECRET), /conflict/)
    await assert.rejects(s.joins(DOMAIN, 'the lark'), /not-authorized/)
    for (const bot of [first, second])
      await bot.asks`<iq type='get' from='${DOMAIN}' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
    await first.sends`<message from='${DOMAIN}' to='${romeo.jid}'><body>${'x'.repeat(1500)}</body></message>`
    await romeo.receives`<message from='${DOMAIN}'/>`
    await first.sends`<message from='${DOMAIN}' to='${romeo.jid}'><body>${'x'.repeat(2048)}</body></message>`
    await first.receivesStreamError('policy-violation')
    await romeo.sends`<message to='nurse@${DOMAIN}'><body>Hi</body></message>`
    await second.receives`<message from='${romeo.jid}'><body>Hi</body></message>`
    await romeo.receivesNothing()
  },
  withLimits({ connections: 2, bytes: 2048 }),
)
