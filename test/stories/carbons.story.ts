import assert from 'node:assert/strict'
import { sentCopyExtra } from '../../modules/carbons/hooks.ts'
import carbons from '../../modules/carbons/index.ts'
import {
  defineModule,
  type Element,
  flows,
  type Handover,
  parseDocument,
  serialize,
  streamElements,
  xml,
} from '../../src/api.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:carbons:2'
const NS_CHAT_STATES = 'http://jabber.org/protocol/chatstates'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'

async function enables(...actors: Actor[]): Promise<void> {
  for (const actor of actors) await actor.asks`<iq type='set'><enable xmlns='${NS}'/></iq>`
}

/** Expects the next stanza to be a copy, addressed as XEP-0280 §7 and §8 ask, of exactly this message, forwarded as XEP-0297 §3 asks. */
async function receivesCopy(actor: Actor, direction: 'received' | 'sent', message: string): Promise<Element> {
  const wrapper = await actor.receives`<message from='${actor.bare}' to='${actor.jid}'/>`
  const mark = wrapper.getChild(direction, NS)
  assert.ok(mark !== undefined, `not a copy of what was ${direction}: ${serialize(wrapper)}`)
  assert.equal(wrapper.getChildElements().length, 1)
  const copied = mark.getChild('forwarded', 'urn:xmpp:forward:0')!.getChild('message', 'jabber:client')!
  assert.equal(wrapper.attrs['type'], copied.attrs['type'], 'the type is kept')
  assert.equal(contentOf(copied), message)
  return copied
}

/** The payload of a message, without the ids that archives give. */
function contentOf(message: Element): string {
  const payload = message.getChildElements().filter((child) => child.name !== 'stanza-id')
  return payload.map(serialize).join('')
}

/** The ids that archives have given a message, each with the archive's account. */
function idsOf(message: Element): Record<string, string> {
  return Object.fromEntries(message.getChildren('stanza-id').map(({ attrs }) => [attrs['by']!, attrs['id']!]))
}

/** Romeo with two clients and Juliet with two, all of whom want copies and have announced themselves. */
async function cast(s: Story): Promise<[Actor, Actor, Actor, Actor]> {
  const all: Actor[] = []
  for (const who of ['romeo/orchard', 'romeo/home', 'juliet/balcony', 'juliet/chamber']) all.push(await s.online(who))
  for (const actor of all) await drain(actor)
  await enables(...all)
  return all as [Actor, Actor, Actor, Actor]
}

story('Clients find carbons on the server and in their account // XEP-0280 §3, §6.2', async (s) => {
  const romeo = await s.login('romeo')
  for (const to of [s.domain, romeo.bare]) {
    const info = await romeo.asks`<iq type='get' to='${to}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
    const features = info.getChild('query')!.getChildren('feature')
    for (const wanted of [NS, 'urn:xmpp:carbons:rules:0'])
      assert.ok(
        features.some((feature) => feature.attrs['var'] === wanted),
        `${wanted} of ${to}`,
      )
  }
})

story('Copies are turned on and off, and again // XEP-0280 §4, §5, §10.1', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const chamber = await s.login('juliet/chamber')
  const romeo = await s.login('romeo/orchard')
  const says = () => romeo.sends`<message to='${juliet.jid}' type='chat'><body>Hi</body></message>`
  const hears = () => juliet.receives`<message from='${romeo.jid}'><body>Hi</body></message>`
  await says()
  await hears()
  await chamber.receivesNothing()
  for (const _ of [1, 2]) await enables(chamber)
  await says()
  await hears()
  await receivesCopy(chamber, 'received', '<body>Hi</body>')
  for (const _ of [1, 2]) await chamber.asks`<iq type='set'><disable xmlns='${NS}'/></iq>`
  await says()
  await hears()
  await chamber.receivesNothing()
})

story('Nobody turns them on or off for others // XEP-0280 §4.1, §5.1', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo')
  await enables(juliet)
  for (const name of ['enable', 'disable'])
    for (const to of [juliet.bare, juliet.jid, s.domain, `nobody@${s.domain}`]) {
      romeo.send(`<iq type='set' id='${name}' to='${to}'><${name} xmlns='${NS}'/></iq>`)
      // A client answers for itself.
      if (to === juliet.jid) await juliet.receives`<iq id='${name}' from='${romeo.jid}'/>`
      else
        await romeo.receives`<iq type='error' id='${name}'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
    }
  await juliet.isRefused('service-unavailable')`<iq type='get'><enable xmlns='${NS}'/></iq>`
})

story('A conversation reaches all clients on both sides // XEP-0280 §7, §8', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  await orchard.sends`<message to='${balcony.jid}' type='chat' id='1'><body>a &amp; b</body><thread>t</thread></message>`
  await balcony.receives`<message from='${orchard.jid}' to='${balcony.jid}' type='chat' id='1'><body>a &amp; b</body></message>`
  const content = '<body>a &amp; b</body><thread>t</thread>'
  const addressed = { xmlns: 'jabber:client', from: orchard.jid, to: balcony.jid, type: 'chat', id: '1' }
  assert.deepEqual({ ...(await receivesCopy(chamber, 'received', content)).attrs }, addressed)
  assert.deepEqual({ ...(await receivesCopy(home, 'sent', content)).attrs }, addressed)
  await chamber.sends`<message to='${orchard.jid}' type='chat'>${content}</message>`
  await orchard.receives`<message from='${chamber.jid}'/>`
  await receivesCopy(home, 'received', content)
  await receivesCopy(balcony, 'sent', content)
  for (const actor of [orchard, home, balcony, chamber]) await actor.receivesNothing()
})

story('Whoever gets a message gets no copy of it // XEP-0280 §7, RFC 6121 §8.5', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  const machine = await s.online('juliet/machine', '<presence><priority>-1</priority></presence>')
  const silent = await s.login('juliet/silent')
  await enables(machine, silent)
  for (const actor of [machine, balcony, chamber, silent]) await drain(actor)
  for (const to of [balcony.bare, `${balcony.bare}/gone`]) {
    await orchard.sends`<message to='${to}' type='chat'><body>Hi</body></message>`
    for (const taker of [balcony, chamber])
      await taker.receives`<message from='${orchard.jid}' to='${to}'><body>Hi</body></message>`
    for (const other of [machine, silent]) await receivesCopy(other, 'received', '<body>Hi</body>')
    await receivesCopy(home, 'sent', '<body>Hi</body>')
  }
  // RFC 6121 §8.5.3.1: a resource that is there gets what is addressed to it, whatever it announced.
  await orchard.sends`<message to='${silent.jid}' type='chat'><body>Hi</body></message>`
  await silent.receives`<message from='${orchard.jid}' to='${silent.jid}'><body>Hi</body></message>`
  for (const other of [balcony, chamber, machine]) await receivesCopy(other, 'received', '<body>Hi</body>')
  await receivesCopy(home, 'sent', '<body>Hi</body>')
  for (const actor of [orchard, home, balcony, chamber, machine, silent]) await actor.receivesNothing()
})

story('A message that is stored for later is copied to those who are there, and delivered once', async (s) => {
  const machine = await s.online('juliet/machine', '<presence><priority>-1</priority></presence>')
  const romeo = await s.login('romeo/orchard')
  await enables(machine)
  await romeo.sends`<message to='${machine.bare}' type='chat'><body>Hi</body></message>`
  await receivesCopy(machine, 'received', '<body>Hi</body>')
  const balcony = await s.login('juliet/balcony')
  balcony.send('<presence/>')
  await balcony.receivesInAnyOrder([
    `<presence from='${machine.jid}'/>`,
    `<presence from='${balcony.jid}'/>`,
    `<message from='${romeo.jid}'><body>Hi</body><delay xmlns='urn:xmpp:delay' from='*' stamp='*'/></message>`,
  ])
})

story('A message to an account nobody has, or that is away, is copied for its sender // XEP-0280 §8', async (s) => {
  const orchard = await s.login('romeo/orchard')
  const home = await s.login('romeo/home')
  await enables(home)
  await s.createAccount('juliet')
  for (const name of ['juliet', 'nobody']) {
    await orchard.sends`<message to='${name}@${s.domain}' type='chat'><body>Hi</body></message>`
    await receivesCopy(home, 'sent', '<body>Hi</body>')
  }
  await orchard.receivesNothing()
})

story('A message that leaves the server is copied for its sender', async (s) => {
  const orchard = await s.login('romeo/orchard')
  const home = await s.login('romeo/home')
  await enables(orchard, home)
  await orchard.isRefused(
    'remote-server-not-found',
  )`<message to='juliet@elsewhere.example' type='chat'><body>Hi</body></message>`
  await receivesCopy(home, 'sent', '<body>Hi</body>')
  // XEP-0280 §6.1: the error belongs to what was copied.
  const error = await home.receives`<message from='${home.bare}' to='${home.jid}' type='error'/>`
  const refused = error
    .getChild('received', NS)!
    .getChild('forwarded', 'urn:xmpp:forward:0')!
    .getChild('message', 'jabber:client')!
  assert.ok(refused.getChild('error')?.getChild('remote-server-not-found', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
  await orchard.receivesNothing()
  await orchard.isRefused(
    'remote-server-not-found',
  )`<message to='juliet@elsewhere.example' type='headline'><body>Hi</body></message>`
  await home.receivesNothing()
})

story(
  'Between two domains of a server both sides get their copies, once',
  async (s) => {
    const orchard = await s.login('romeo@montague.example/orchard')
    const home = await s.login('romeo@montague.example/home')
    const balcony = await s.login('juliet@capulet.example/balcony')
    const chamber = await s.login('juliet@capulet.example/chamber')
    await enables(home, chamber)
    await orchard.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body></message>`
    await balcony.receives`<message from='${orchard.jid}'/>`
    await receivesCopy(chamber, 'received', '<body>Hi</body>')
    await receivesCopy(home, 'sent', '<body>Hi</body>')
    for (const actor of [orchard, home, balcony, chamber]) await actor.receivesNothing()
  },
  { hosts: ['montague.example', 'capulet.example'] },
)

story('A message to oneself comes once to each client but the one that sent it', async (s) => {
  const orchard = await s.online('romeo/orchard', '<presence><priority>-1</priority></presence>')
  const home = await s.online('romeo/home')
  const silent = await s.login('romeo/silent')
  const all = [orchard, home, silent]
  for (const actor of all) await drain(actor)
  await enables(...all)
  for (const to of [`to='${home.bare}'`, `to='${home.jid}'`, '']) {
    await orchard.sends`<message ${to} type='chat'><body>Hi</body></message>`
    await home.receives`<message from='${orchard.jid}'><body>Hi</body></message>`
    await receivesCopy(silent, 'received', '<body>Hi</body>')
  }
  for (const actor of all) await actor.receivesNothing()
})

story('What is not for other clients is not copied, and stays marked // XEP-0280 §9, XEP-0334 §4.3', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  for (const mark of [`<private xmlns='${NS}'/>`, "<no-copy xmlns='urn:xmpp:hints'/>"]) {
    await orchard.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body>${mark}</message>`
    await balcony.receives`<message from='${orchard.jid}'><body>Hi</body>${mark}</message>`
  }
  for (const actor of [home, chamber]) await actor.receivesNothing()
})

story('What belongs to no conversation is not copied // XEP-0280 §6.1', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  for (const [type, payload] of [
    ['groupchat', '<body>Hi</body>'],
    ['headline', '<body>News</body>'],
    ['normal', "<x xmlns='urn:example'/>"],
    ['error', '<body>quoted</body>'],
  ]) {
    await orchard.sends`<message to='${balcony.jid}' type='${type}'>${payload}</message>`
    await balcony.receives`<message from='${orchard.jid}' type='${type}'/>`
  }
  for (const actor of [home, chamber]) await actor.receivesNothing()
})

story('Private messages of a room’s occupants are copied when sent, not when received // XEP-0280 §6.1', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  const mark = `<x xmlns='${NS_MUC_USER}'/>`
  await orchard.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body>${mark}</message>`
  await balcony.receives`<message from='${orchard.jid}'/>`
  await receivesCopy(home, 'sent', `<body>Hi</body><x xmlns="${NS_MUC_USER}"/>`)
  await chamber.receivesNothing()
  const invitation = `<x xmlns="jabber:x:conference" jid="room@conference.example"/>`
  await orchard.sends`<message to='${balcony.jid}'>${invitation}</message>`
  await balcony.receives`<message from='${orchard.jid}'/>`
  await receivesCopy(home, 'sent', invitation)
  await receivesCopy(chamber, 'received', invitation)
})

story('The error to a copied message is copied on both sides, any other is not // XEP-0280 §6.1, §10.3', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  const error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  await orchard.sends`<message to='${balcony.jid}' type='chat' id='mine'><body>Hi</body></message>`
  for (const actor of [balcony, chamber, home]) await actor.next()
  await balcony.sends`<message to='${orchard.jid}' type='error' id='other'>${error}</message>`
  await orchard.receives`<message from='${balcony.jid}' type='error' id='other'/>`
  for (const actor of [home, chamber]) await actor.receivesNothing()
  await balcony.sends`<message to='${orchard.jid}' type='error' id='mine'>${error}</message>`
  await orchard.receives`<message from='${balcony.jid}' type='error' id='mine'/>`
  const quoted = error.replaceAll("'", '"')
  await receivesCopy(home, 'received', quoted)
  await receivesCopy(chamber, 'sent', quoted)
})

story('The error to a copy goes nowhere // XEP-0280 §10.3', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  await orchard.sends`<message to='${balcony.jid}' type='chat' id='1'><body>Hi</body></message>`
  for (const actor of [balcony, home]) await actor.next()
  const copy = await chamber.next()
  await chamber.sends`<message to='${copy.attrs['from']}' type='error' id='1'>${contentOf(copy)}<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  for (const actor of [chamber, orchard, home, balcony]) await actor.receivesNothing()
})

story('Nobody but the server can say that a message is a copy // XEP-0280 §12, CVE-2017-5589', async (s) => {
  const [tybalt, , juliet, chamber] = await cast(s)
  await chamber.asks`<iq type='set'><disable xmlns='${NS}'/></iq>`
  for (const direction of ['sent', 'received'])
    for (const [from, to] of [
      [tybalt, juliet],
      [tybalt, chamber],
      [chamber, juliet],
    ] as const)
      for (const type of ['chat', 'normal', 'headline', 'groupchat', 'error']) {
        await from.sends`<message to='${to.jid}' type='${type}' id='forged'>
          <${direction} xmlns='${NS}'><forwarded xmlns='urn:xmpp:forward:0'>
            <message xmlns='jabber:client' from='romeo@montague.example/garden' to='${to.jid}' type='chat'><body>Come</body></message>
          </forwarded></${direction}><other xmlns='urn:example'/></message>`
        for (const actor of [juliet, chamber]) {
          if (actor === from) continue
          for (const heard of await everything(actor)) {
            const isOurs = heard.attrs['from'] === actor.bare
            assert.equal(heard.toString().includes('Come'), false, serialize(heard))
            if (!isOurs) assert.ok(heard.getChild('other', 'urn:example'), serialize(heard))
          }
        }
      }
})

async function everything(actor: Actor): Promise<Element[]> {
  const heard: Element[] = []
  actor.send(`<iq type='get' id='fence' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
  for (let el = await actor.next(); el.attrs['id'] !== 'fence'; el = await actor.next()) heard.push(el)
  return heard
}

story('Nor can whoever is elsewhere // XEP-0280 §12', async (s) => {
  const juliet = await s.login('juliet/balcony')
  const forged = (from: string) =>
    parseDocument(
      `<message from='${from}' to='${juliet.jid}' type='chat'><received xmlns='${NS}'><forwarded xmlns='urn:xmpp:forward:0'>
        <message xmlns='jabber:client' from='romeo@montague.example/garden' to='${juliet.jid}'><body>Come</body></message>
      </forwarded></received><body>Hi</body></message>`,
    )
  for (const from of ['tybalt@elsewhere.example/home', juliet.bare]) {
    s.host.route(forged(from))
    assert.equal(contentOf(await juliet.receives`<message from='${from}'/>`), '<body>Hi</body>')
  }
})

story('A blocked sender’s message is copied to nobody', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  await balcony.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${orchard.bare}'/></block></iq>`
  for (const actor of [orchard, home]) await drain(actor)
  await orchard.isRefused('service-unavailable')`<message to='${balcony.jid}' type='chat'><body>Hi</body></message>`
  for (const actor of [home, balcony, chamber]) await actor.receivesNothing()
})

/** Plays an archive that gives ids, and a client's stream management that never acknowledges. */
const props = defineModule({
  name: 'props',
  summary: 'Gives ids and withholds acknowledgements.',
  implements: [],
  depends: { carbons },
  setup(ctx) {
    const id = (by: string) => xml('stanza-id', { xmlns: 'urn:xmpp:sid:0', by, id: `of ${by}` })
    ctx.flow(flows.message.arriving, 'shape', ({ stanza, to }) => stanza.append(id(to.bare.toString())))
    ctx.answer(sentCopyExtra, (event) => id(event.from.bare.toString()))
    ctx.add(streamElements, {
      name: 'unsure',
      xmlns: 'urn:example',
      bound: (_element, session) => {
        const owed: (Handover | undefined)[] = []
        session.queue = {
          add: (_text, handover) => {
            handover?.hold()
            owed.push(handover)
            return true
          },
          acknowledged: () => false,
          unacknowledged: () => [],
          abandon: () => owed.filter((handover) => handover !== undefined).filter((handover) => handover.giveUp()),
        }
      },
    })
  },
})

story(
  'Each side’s copy carries the id of its own archive and no other’s // XEP-0359 §3',
  async (s) => {
    const [orchard, home, balcony, chamber] = await cast(s)
    const idOf = (actor: Actor) => ({ [actor.bare]: `of ${actor.bare}` })
    await orchard.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body></message>`
    assert.deepEqual(idsOf(await balcony.next()), idOf(balcony))
    assert.deepEqual(idsOf(await receivesCopy(chamber, 'received', '<body>Hi</body>')), idOf(balcony))
    assert.deepEqual(idsOf(await receivesCopy(home, 'sent', '<body>Hi</body>')), idOf(home))
    // To oneself there is one archive.
    await orchard.sends`<message to='${orchard.jid}' type='chat'><body>Hi</body></message>`
    assert.deepEqual(idsOf(await orchard.next()), idOf(orchard))
    assert.deepEqual(idsOf(await receivesCopy(home, 'received', '<body>Hi</body>')), idOf(orchard))
  },
  { modules: { archive: { enabled: false } }, extra: [props] },
)

story(
  'A message that only its copies may have reached goes to somebody else, with its own address // XEP-0198 §4',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const balcony = await s.login('juliet/balcony')
    const chamber = await s.login('juliet/chamber')
    await enables(chamber)
    for (const actor of [balcony, chamber]) {
      actor.send("<unsure xmlns='urn:example'/>")
      await drain(actor)
    }
    await romeo.sends`<message to='${balcony.jid}' type='chat' id='1'><body>Hi</body></message>`
    await balcony.receives`<message id='1'/>`
    await chamber.receives`<message from='${chamber.bare}'/>`
    const nurse = await s.online('juliet/nurse')
    await balcony.cuts()
    await nurse.receivesNothing()
    await chamber.cuts()
    await nurse.receives`<message from='${romeo.jid}' to='${balcony.jid}' id='1'><body>Hi</body><delay xmlns='urn:xmpp:delay' from='*' stamp='*'/></message>`
    await nurse.receivesNothing()
  },
  { modules: { archive: { enabled: false } }, extra: [props] },
)

story(
  'A message whose copy may not have arrived and that was stored is stored once',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const machine = await s.online('juliet/machine', '<presence><priority>-1</priority></presence>')
    await enables(machine)
    machine.send("<unsure xmlns='urn:example'/>")
    await romeo.sends`<message to='${machine.bare}' type='chat' id='1'><body>Hi</body></message>`
    await machine.receives`<message from='${machine.bare}'/>`
    await machine.cuts()
    const balcony = await s.online('juliet/balcony')
    await balcony.receives`<message id='1'/>`
    await balcony.receivesNothing()
  },
  { modules: { archive: { enabled: false } }, extra: [props] },
)

story('Chat states, receipts and markers are copied // XEP-0280 §6.1, §10.2', async (s) => {
  const [orchard, home, balcony, chamber] = await cast(s)
  for (const payload of [
    `<composing xmlns="${NS_CHAT_STATES}"/>`,
    '<received xmlns="urn:xmpp:receipts" id="1"/>',
    '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>',
  ]) {
    await orchard.sends`<message to='${balcony.jid}'>${payload}</message>`
    await balcony.receives`<message from='${orchard.jid}'>${payload}</message>`
    await receivesCopy(chamber, 'received', payload)
    await receivesCopy(home, 'sent', payload)
  }
})

story('A client that wants no copies gets none, and its own are sent all the same // XEP-0280 §8', async (s) => {
  const orchard = await s.login('romeo/orchard')
  const home = await s.login('romeo/home')
  const balcony = await s.login('juliet/balcony')
  await enables(home)
  await orchard.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body></message>`
  await receivesCopy(home, 'sent', '<body>Hi</body>')
  await home.sends`<message to='${balcony.jid}' type='chat'><body>Ho</body></message>`
  for (const actor of [orchard, home]) await actor.receivesNothing()
})
