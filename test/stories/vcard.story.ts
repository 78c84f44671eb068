import { story } from '../support/story.ts'

const card =
  "<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY><GIVEN>Juliet</GIVEN></N></vCard>"

// XEP-0054 §3.1: "an IQ-result containing an empty <vCard/> element".
story('One’s own vCard is empty at first', async (s) => {
  const juliet = await s.login('juliet')
  const reply = await juliet.asks`<iq type='get'><vCard xmlns='vcard-temp'/></iq>`
  if (reply.getChild('vCard', 'vcard-temp')?.children.length !== 0) throw new Error(`not empty: ${reply}`)
})

// XEP-0054 §3.2, §3.3
story('What Juliet tells of herself anybody may read, now and when she is away', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await juliet.sends`<iq type='set' id='v1'>${card}</iq>`
  await juliet.receives`<iq type='result' id='v1'/>`
  await juliet.sends`<iq type='get' id='v2'><vCard xmlns='vcard-temp'/></iq>`
  await juliet.receives`<iq type='result' id='v2'>${card}</iq>`
  await romeo.sends`<iq type='get' id='v3' to='${juliet.bare}'><vCard xmlns='vcard-temp'/></iq>`
  await romeo.receives`<iq type='result' id='v3' from='${juliet.bare}'>${card}</iq>`
  await juliet.disconnects()
  await romeo.sends`<iq type='get' id='v4' to='${juliet.bare}'><vCard xmlns='vcard-temp'/></iq>`
  await romeo.receives`<iq type='result' id='v4' from='${juliet.bare}'>${card}</iq>`
})

// XEP-0054 §3.3: "The server MUST return the same error condition in both cases".
story('An account without a vCard and no account get the same answer', async (s) => {
  const romeo = await s.login('romeo')
  await s.createAccount('juliet')
  await s.login('mercutio')
  const answers = []
  for (const name of ['juliet', 'mercutio', 'nobody']) {
    const answer = await romeo.isRefused(
      'service-unavailable',
    )`<iq type='get' id='same' to='${name}@${s.domain}'><vCard xmlns='vcard-temp'/></iq>`
    answers.push(String(answer).replaceAll(name, '?'))
  }
  if (new Set(answers).size !== 1) throw new Error(answers.join('\n'))
})

// XEP-0054 §3.2
story('Nobody changes the vCard of another', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.login('juliet')
  await romeo.isRefused('service-unavailable')`<iq type='set' to='${juliet.bare}'>${card}</iq>`
  await romeo.isRefused('service-unavailable')`<iq type='set' to='nobody@${s.domain}'>${card}</iq>`
  await romeo.isRefused('service-unavailable')`<iq type='get' to='${juliet.bare}'><vCard xmlns='vcard-temp'/></iq>`
})

story('An empty vCard takes the earlier one away', async (s) => {
  const juliet = await s.login('juliet')
  const romeo = await s.login('romeo')
  await juliet.asks`<iq type='set'>${card}</iq>`
  await juliet.asks`<iq type='set'><vCard xmlns='vcard-temp'/></iq>`
  await romeo.isRefused('service-unavailable')`<iq type='get' to='${juliet.bare}'><vCard xmlns='vcard-temp'/></iq>`
})

story(
  'A vCard that is too large is refused and the earlier one stays',
  async (s) => {
    const juliet = await s.login('juliet')
    await juliet.asks`<iq type='set'>${card}</iq>`
    await juliet.isRefused(
      'policy-violation',
    )`<iq type='set'><vCard xmlns='vcard-temp'><DESC>${'x'.repeat(2048)}</DESC></vCard></iq>`
    await juliet.sends`<iq type='get' id='still'><vCard xmlns='vcard-temp'/></iq>`
    await juliet.receives`<iq type='result' id='still'>${card}</iq>`
  },
  { modules: { vcard: { maxSize: 2048 } } },
)

story('A deleted account leaves no vCard to the next of its name', async (s) => {
  const juliet = await s.login('juliet')
  await juliet.asks`<iq type='set'>${card}</iq>`
  await s.host.deleteAccount('juliet')
  await s.host.accounts.create('juliet', 'another password')
  const romeo = await s.login('romeo')
  await romeo.isRefused('service-unavailable')`<iq type='get' to='juliet@${s.domain}'><vCard xmlns='vcard-temp'/></iq>`
})
