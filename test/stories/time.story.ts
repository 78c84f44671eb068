import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

// XEP-0202 §2
story('The server tells its time', async (s) => {
  const romeo = await s.login('romeo')
  const time = (await romeo.asks`<iq type='get' to='${s.domain}'><time xmlns='urn:xmpp:time'/></iq>`).getChild(
    'time',
    'urn:xmpp:time',
  )!
  assert.match(time.getChildText('tzo') ?? '', /^(Z|[+-]\d\d:\d\d)$/)
  assert.equal(time.getChildText('utc'), new Date(s.bed.clock.now()).toISOString())
})
