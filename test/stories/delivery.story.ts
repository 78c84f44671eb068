import { story } from '../support/story.ts'

story('A message to a full JID reaches that resource only // RFC 6121 §8.5.3.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const balcony = await s.online('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  for (const type of ['chat', 'normal', 'headline', 'groupchat', 'error']) {
    await romeo.sends`<message to='${balcony.jid}' type='${type}' id='${type}'><body>Hi</body></message>`
    await balcony.receives`<message from='${romeo.jid}' to='${balcony.jid}' type='${type}' id='${type}'><body>Hi</body></message>`
  }
  await chamber.receivesNothing()
})

story(
  'A message to the bare JID reaches every available resource whose priority is not negative // RFC 6121 §8.5.2.1.1',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const balcony = await s.online('juliet/balcony')
    const chamber = await s.online('juliet/chamber', '<presence><priority>5</priority></presence>')
    await balcony.receives`<presence from='${chamber.jid}'/>`
    await chamber.receives`<presence from='${balcony.jid}'/>`
    const machine = await s.login('juliet/machine')
    machine.send('<presence><priority>-1</priority></presence>')
    await machine.receivesInAnyOrder([
      `<presence from='${balcony.jid}'/>`,
      `<presence from='${chamber.jid}'/>`,
      `<presence from='${machine.jid}'/>`,
    ])
    const silent = await s.login('juliet/silent')
    for (const juliet of [balcony, chamber]) await juliet.receives`<presence from='${machine.jid}'/>`
    for (const type of ['chat', 'normal', 'headline']) {
      await romeo.sends`<message to='${balcony.bare}' type='${type}'><body>Hi</body></message>`
      for (const juliet of [balcony, chamber])
        await juliet.receives`<message from='${romeo.jid}' to='${balcony.bare}' type='${type}'><body>Hi</body></message>`
    }
    for (const juliet of [machine, silent]) await juliet.receivesNothing()
  },
)

story('A groupchat message to a bare JID is refused, an error is ignored // RFC 6121 §8.5.2.1.1', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.online('juliet/balcony')
  await romeo.isRefused(
    'service-unavailable',
  )`<message to='${juliet.bare}' type='groupchat' id='1'><body>Hi</body></message>`
  await romeo.sends`<message to='${juliet.bare}' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  await juliet.receivesNothing()
  await romeo.receivesNothing()
})

story('A chat message to a resource that is gone reaches the account // RFC 6121 §8.5.3.2.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`<message to='${juliet.bare}/gone' type='chat'><body>Hi</body></message>`
  await juliet.receives`<message from='${romeo.jid}' to='${juliet.bare}/gone' type='chat'><body>Hi</body></message>`
  await romeo.sends`<message to='${juliet.bare}/gone' type='headline'><body>News</body></message>`
  await juliet.receivesNothing()
  await romeo.isRefused(
    'service-unavailable',
  )`<message to='${juliet.bare}/gone' type='groupchat' id='1'><body>Hi</body></message>`
})

story('An IQ to a full JID reaches it, and its answer returns // RFC 6121 §8.5.3.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await romeo.sends`<iq type='get' id='q1' to='${juliet.jid}'><query xmlns='urn:example'/></iq>`
  await juliet.receives`<iq type='get' id='q1' from='${romeo.jid}'><query xmlns='urn:example'/></iq>`
  await juliet.sends`<iq type='result' id='q1' to='${romeo.jid}'><query xmlns='urn:example'><answer/></query></iq>`
  await romeo.receives`<iq type='result' id='q1' from='${juliet.jid}'><query xmlns='urn:example'><answer/></query></iq>`
})

story('A request to nobody is refused, whoever it was // RFC 6121 §8.5.1, §8.5.3.2.3', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await s.createAccount('juliet')
  for (const to of [
    `juliet@${s.domain}/gone`,
    `nobody@${s.domain}/gone`,
    `juliet@${s.domain}`,
    `nobody@${s.domain}`,
    s.domain,
  ])
    await romeo.isRefused(
      'service-unavailable',
      'cancel',
    )`<iq type='get' to='${to}'><query xmlns='urn:example:unknown'/></iq>`
})

story('Errors and results answer nothing // RFC 6120 §8.3.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const error = `<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
  for (const to of [s.domain, `nobody@${s.domain}`, `nobody@${s.domain}/gone`, 'elsewhere.example', romeo.bare]) {
    await romeo.sends`<iq type='result' id='1' to='${to}'/>`
    await romeo.sends`<iq type='error' id='2' to='${to}'>${error}</iq>`
    await romeo.sends`<message type='error' to='${to}'>${error}</message>`
    await romeo.sends`<presence type='error' to='${to}'>${error}</presence>`
  }
  await romeo.receivesNothing()
})

story('A domain that is not served cannot be reached // RFC 6120 §8.3.3.16', async (s) => {
  const romeo = await s.login('romeo')
  await romeo.isRefused(
    'remote-server-not-found',
    'cancel',
  )`<message to='benvolio@elsewhere.example' id='1'><body>Hi</body></message>`
  await romeo.isRefused(
    'remote-server-not-found',
    'cancel',
  )`<iq type='get' to='elsewhere.example'><ping xmlns='urn:xmpp:ping'/></iq>`
})

story('An address that is none is refused // RFC 6120 §8.3.3.8', async (s) => {
  const romeo = await s.login('romeo')
  for (const to of ['@localhost', 'a@b@c', 'localhost/', '', ' ', 'bad domain'])
    await romeo.isRefused('jid-malformed', 'modify')`<message to='${to}' id='1'><body>Hi</body></message>`
})

story('An address is prepared before it is looked up // RFC 7622 §3', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`<message to='JULIET@${s.domain.toUpperCase()}/balcony' type='chat'><body>Hi</body></message>`
  await juliet.receives`<message to='${juliet.jid}' type='chat'><body>Hi</body></message>`
})

const badIqs: readonly string[] = [
  `<iq id='1' type='fetch'><ping xmlns='urn:xmpp:ping'/></iq>`,
  `<iq id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
  `<iq id='1' type='get'/>`,
  `<iq id='1' type='get'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>`,
]
for (const iq of badIqs)
  story(`${iq} is a bad request // RFC 6120 §8.2.3`, async (s) => {
    const romeo = await s.login('romeo')
    await romeo.isRefused('bad-request', 'modify')([iq] as unknown as TemplateStringsArray)
  })

story('A presence of a type there is not is a bad request // RFC 6121 §4.7.1', async (s) => {
  const romeo = await s.login('romeo')
  await romeo.isRefused('bad-request', 'modify')`<presence type='available' id='1'/>`
})

story('A message of a type there is not is a normal one // RFC 6121 §5.2.2', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.online('juliet/balcony')
  await romeo.sends`<message to='${juliet.bare}' type='whisper'><body>Hi</body></message>`
  await juliet.receives`<message type='whisper'><body>Hi</body></message>`
})

story('Stanzas between two stay in order, to the account and to its resource // RFC 6120 §10.1', async (s) => {
  const romeo = await s.login('romeo')
  const juliet = await s.online('juliet/balcony')
  for (let i = 0; i < 500; i++)
    romeo.send(
      `<message to='${i % 2 === 0 ? juliet.jid : juliet.bare}' type='chat' id='${i}'><body>${i}</body></message>`,
    )
  for (let i = 0; i < 500; i++) await juliet.receives`<message id='${i}'/>`
})

story(
  'Messages between domains of one server',
  async (s) => {
    const romeo = await s.login('romeo@montague.example/orchard')
    const juliet = await s.login('juliet@capulet.example/balcony')
    await romeo.sends`<message to='${juliet.jid}' type='chat'><body>Hi</body></message>`
    await juliet.receives`<message from='${romeo.jid}' type='chat'><body>Hi</body></message>`
  },
  { hosts: ['montague.example', 'capulet.example'] },
)
