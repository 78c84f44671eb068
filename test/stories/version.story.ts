import { release, type } from 'node:os'
import { story } from '../support/story.ts'

// XEP-0092 §2, §5
story('The server tells its name and version, and nothing of its operating system', async (s) => {
  const romeo = await s.login('romeo')
  await romeo.sends`<iq type='get' id='v1' to='${s.domain}'><query xmlns='jabber:iq:version'/></iq>`
  await romeo.receives`
    <iq type='result' id='v1' from='${s.domain}'>
      <query xmlns='jabber:iq:version'><name>Stonechat</name><version>0.0.0-test</version></query>
    </iq>`
})

story(
  'The operating system is told when the admin wants it',
  async (s) => {
    const romeo = await s.login('romeo')
    await romeo.sends`<iq type='get' id='v1' to='${s.domain}'><query xmlns='jabber:iq:version'/></iq>`
    await romeo.receives`
    <iq type='result' id='v1'>
      <query xmlns='jabber:iq:version'><name>Stonechat</name><version>0.0.0-test</version><os>${type()} ${release()}</os></query>
    </iq>`
  },
  { modules: { version: { showOs: true } } },
)
