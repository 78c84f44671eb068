import { story } from '../support/story.ts'

const prefs = "<exodus xmlns='exodus:prefs' theme='dark'><defaultnick>Hamlet</defaultnick></exodus>"

// XEP-0049 §2.3
story('What Hamlet’s client keeps, his other clients find', async (s) => {
  const denmark = await s.login('hamlet/denmark')
  await denmark.sends`<iq type='set' id='s'><query xmlns='jabber:iq:private'>${prefs}</query></iq>`
  await denmark.receives`<iq type='result' id='s'/>`
  const england = await s.login('hamlet/england')
  await england.sends`<iq type='get' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>`
  await england.receives`<iq type='result' id='g'><query xmlns='jabber:iq:private'>${prefs}</query></iq>`
})

story('What was never stored is an empty element', async (s) => {
  const hamlet = await s.login('hamlet')
  await hamlet.sends`<iq type='get' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>`
  await hamlet.receives`<iq type='result' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>`
})

story('Name and namespace, letter by letter, tell elements apart, and the last one stays', async (s) => {
  const hamlet = await s.login('hamlet')
  for (const [el, text] of [
    ["a xmlns='urn:one'", 'first'],
    ["b xmlns='urn:one'", 'second'],
    ["a xmlns='urn:One'", 'third'],
    ["a xmlns='urn:one'", 'fourth'],
  ])
    await hamlet.asks`<iq type='set'><query xmlns='jabber:iq:private'><${el}>${text}</${el![0]}></query></iq>`
  for (const [el, text] of [
    ["a xmlns='urn:one'", 'fourth'],
    ["b xmlns='urn:one'", 'second'],
    ["a xmlns='urn:One'", 'third'],
  ]) {
    await hamlet.sends`<iq type='get' id='g'><query xmlns='jabber:iq:private'><${el}/></query></iq>`
    await hamlet.receives`<iq type='result' id='g'><query xmlns='jabber:iq:private'><${el}>${text}</${el![0]}></query></iq>`
  }
})

// XEP-0049 §2.3, §3, §4
story('Requests that are about nothing, too much, reserved namespaces or others are refused', async (s) => {
  const hamlet = await s.login('hamlet')
  const macbeth = await s.login('macbeth')
  for (const type of ['get', 'set']) {
    await hamlet.isRefused('not-acceptable')`<iq type='${type}'><query xmlns='jabber:iq:private'/></iq>`
    await hamlet.isRefused('not-acceptable')`<iq type='${type}'><query xmlns='jabber:iq:private'><bare/></query></iq>`
    await hamlet.isRefused(
      'not-acceptable',
    )`<iq type='${type}'><query xmlns='jabber:iq:private'><a xmlns='urn:a'/><b xmlns='urn:b'/></query></iq>`
    for (const xmlns of [
      'jabber:client',
      'jabber:iq:roster',
      'http://jabber.org/protocol/muc',
      'vcard-temp',
      'urn:long:'.padEnd(1100, 'x'),
    ])
      await hamlet.isRefused(
        'not-acceptable',
      )`<iq type='${type}'><query xmlns='jabber:iq:private'><a xmlns='${xmlns}'/></query></iq>`
    await macbeth.isRefused(
      'service-unavailable',
    )`<iq type='${type}' to='${hamlet.bare}'><query xmlns='jabber:iq:private'>${prefs}</query></iq>`
  }
})

story(
  'Size and number are limited; what is there can always be replaced or emptied',
  async (s) => {
    const hamlet = await s.login('hamlet')
    const put = (name: string, text: string) =>
      `<query xmlns='jabber:iq:private'><${name} xmlns='urn:x'>${text}</${name}></query>`
    await hamlet.isRefused('policy-violation')`<iq type='set'>${put('a', 'x'.repeat(1024))}</iq>`
    await hamlet.asks`<iq type='set'>${put('a', '1')}</iq>`
    await hamlet.asks`<iq type='set'>${put('b', '1')}</iq>`
    await hamlet.isRefused('policy-violation')`<iq type='set'>${put('c', '1')}</iq>`
    await hamlet.asks`<iq type='set'>${put('b', '2')}</iq>`
    await hamlet.asks`<iq type='set'>${put('a', '')}</iq>`
    await hamlet.asks`<iq type='set'>${put('c', '1')}</iq>`
  },
  { modules: { 'private-storage': { maxSize: 1024, maxElements: 2 } } },
)

story('A deleted account leaves nothing to the next of its name', async (s) => {
  const hamlet = await s.login('hamlet')
  await hamlet.asks`<iq type='set'><query xmlns='jabber:iq:private'>${prefs}</query></iq>`
  await s.host.deleteAccount('hamlet')
  await s.host.accounts.create('hamlet', 'wherefore art thou')
  const next = await s.connects()
  await next.logsIn('hamlet', s.domain, 'wherefore art thou')
  await next.sends`<iq type='get' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>`
  await next.receives`<iq type='result' id='g'><query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'/></query></iq>`
})
