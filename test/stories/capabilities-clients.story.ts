import assert from 'node:assert/strict'
import { bestHash, capabilityHash, hashNode } from '../../modules/capabilities/hash-set.ts'
import { readInfo, verificationString } from '../../modules/capabilities/verification.ts'
import { parseDocument } from '../../src/api.ts'
import { answersInfo, CAPS, featuresOf, INFO, publishes, told } from '../support/pep.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'
import { enables, resumes } from '../support/stream-management.ts'

const CAPS2 = 'urn:xmpp:caps'
const HASHES = 'urn:xmpp:hashes:2'

let kinds = 0

/** A kind of clients that no story before has known, and that wants to hear of moods. */
function kind() {
  const inside = `${featuresOf(['mood'])}<feature var='urn:test:kind:${++kinds}'/>`
  const query = parseDocument(`<query xmlns='${INFO}'>${inside}</query>`)
  const ver = verificationString(readInfo(query)!)
  const hash = (algo: string) => `<hash xmlns='${HASHES}' algo='${algo}'>${capabilityHash(query, algo)}</hash>`
  return {
    inside,
    c: `<c xmlns='${CAPS}' hash='sha-1' node='urn:test' ver='${ver}'/>`,
    c2: (...algos: readonly string[]) => `<c xmlns='${CAPS2}'>${algos.map(hash).join('')}</c>`,
    nodeOf: (algo: string) => hashNode({ algo, value: capabilityHash(query, algo)! }),
  }
}

/** Announces something, and returns what the server asks for then. */
async function isAsked(actor: Actor, c: string) {
  actor.send(`<presence>${c}</presence>`)
  const question = `<iq type='get'><query xmlns='${INFO}' node='*'/></iq>`
  const heard = await actor.receivesInAnyOrder([question, `<presence from='${actor.jid}'/>`])
  return heard.find(({ name }) => name === 'iq')!
}

async function isNotAsked(actor: Actor, c: string): Promise<void> {
  await actor.sends`<presence>${c}</presence>`
  await actor.receives`<presence from='${actor.jid}'/>`
  await actor.receivesNothing()
}

/** Whether what its own account publishes is what a client wants to hear of. */
async function isKnown(actor: Actor, known: boolean): Promise<void> {
  await actor.receivesNothing()
  await publishes(actor, 'mood', 'a', { send_last_published_item: 'never' })
  if (known) await actor.receives`${told(actor.bare, 'mood', 'a')}`
  await actor.receivesNothing()
}

const people = async (s: Story, ...names: readonly string[]): Promise<Actor[]> => {
  const actors = []
  for (const name of names) actors.push(await s.login(name))
  return actors
}

// XEP-0115 §5.4, §6.2
story('A kind of clients is asked once, and known for all of them when the answer is what was hashed', async (s) => {
  const [romeo, juliet, nurse] = (await people(s, 'romeo', 'juliet', 'nurse')) as [Actor, Actor, Actor]
  const { c, inside } = kind()
  answersInfo(romeo, await isAsked(romeo, c), inside)
  await isKnown(romeo, true)
  await isNotAsked(juliet, c)
  await isKnown(juliet, true)
  // The same hash under another node is the same.
  await isNotAsked(nurse, c.replace('urn:test', 'urn:other'))
  await isKnown(nurse, true)
  // What is announced again, or not at all, is what it was.
  await isNotAsked(nurse, c.replace('urn:test', 'urn:other'))
  await isNotAsked(nurse, '')
  await isKnown(nurse, true)
})

story('An answer that is not what was hashed is believed of nobody else', async (s) => {
  const [paris, romeo, juliet] = (await people(s, 'paris', 'romeo', 'juliet')) as [Actor, Actor, Actor]
  const { c, inside } = kind()
  answersInfo(paris, await isAsked(paris, c), `${featuresOf(['mood', 'tune'])}`)
  await isKnown(paris, true)
  answersInfo(romeo, await isAsked(romeo, c), featuresOf([]))
  await isKnown(romeo, false)
  answersInfo(juliet, await isAsked(juliet, c), inside)
  await isKnown(juliet, true)
  await isNotAsked(await s.login('nurse'), c)
  // What holds for one alone is asked of each: it has no hash, or one that nobody can check.
  for (const old of [`<c xmlns='${CAPS}' node='urn:old' ver='1.0'/>`, c.replace('sha-1', 'md5')])
    for (const actor of [romeo, juliet]) {
      answersInfo(actor, await isAsked(actor, old), featuresOf(['mood']))
      await isKnown(actor, true)
    }
})

story('A client that does not answer, or refuses, costs nobody else anything', async (s) => {
  const { c, inside } = kind()
  const silent = await people(s, 'paris/1', 'paris/2', 'paris/3')
  for (const actor of silent) {
    actor.send(`<presence>${c}</presence>`)
    await drain(actor)
  }
  // Three are asked at once.
  const romeo = await s.login('romeo')
  await isNotAsked(romeo, c)
  await s.advance(29_000)
  await romeo.receivesNothing()
  await s.advance(2_000)
  const question = await romeo.receives`<iq type='get' from='${s.domain}'><query xmlns='${INFO}' node='*'/></iq>`
  answersInfo(romeo, question, inside)
  await isKnown(romeo, true)
  // Those who did not answer are of a kind that is known now.
  for (const actor of silent.slice(0, 1)) {
    await drain(actor)
    await actor.sends`<presence>${c}</presence>`
    await drain(actor)
    await isKnown(actor, true)
  }
  await isNotAsked(await s.login('juliet'), c)
  const refuses = await s.login('nurse')
  const { attrs } = await isAsked(refuses, kind().c)
  refuses.send(
    `<iq type='error' id='${attrs['id']}' to='${s.domain}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  )
  await isKnown(refuses, false)
})

story(
  'A client that announces one thing after the other is asked one thing at a time, and what it said last counts',
  async (s) => {
    const romeo = await s.login('romeo')
    const [first, second, third] = [kind(), kind(), kind()]
    const question = await isAsked(romeo, first.c)
    for (const { c } of [second, third]) await isNotAsked(romeo, c)
    answersInfo(romeo, question, first.inside)
    const last = await romeo.receives`<iq type='get' from='${s.domain}'><query xmlns='${INFO}' node='*'/></iq>`
    assert.ok(third.c.includes(last.getChild('query', INFO)!.attrs['node']!.split('#')[1]!))
    answersInfo(romeo, last, third.inside)
    await isKnown(romeo, true)
    // What it told first was true as well.
    const juliet = await s.login('juliet')
    await isNotAsked(juliet, first.c)
    answersInfo(juliet, await isAsked(juliet, second.c), second.inside)
  },
)

// XEP-0390 §4, §5.4, §5.5
story('Hashes of the second kind are asked for at their node, the best of those that are known first', async (s) => {
  const [romeo, juliet] = (await people(s, 'romeo', 'juliet')) as [Actor, Actor]
  for (const [algos, asked] of [
    [['sha-256'], 'sha-256'],
    [['sha3-512', 'sha3-256'], 'sha3-256'],
    [['sha-512', 'sha-256'], 'sha-256'],
    [['sha-512'], 'sha-512'],
  ] as const) {
    const { c, c2, inside, nodeOf } = kind()
    const question = await isAsked(romeo, c2(...algos) + c)
    assert.equal(question.getChild('query', INFO)!.attrs['node'], nodeOf(asked))
    answersInfo(romeo, question, inside)
    await isKnown(romeo, true)
    await isNotAsked(juliet, c2(asked))
    await isKnown(juliet, true)
    // What is known by one hash is not believed by another of the same.
    const nurse = await s.login('nurse')
    await isAsked(nurse, c)
    await nurse.disconnects()
  }
})

story('What cannot be checked by the second kind is by the first, and a lie is no more believed', async (s) => {
  const [romeo, juliet] = (await people(s, 'romeo', 'juliet')) as [Actor, Actor]
  const { c, c2, inside } = kind()
  const odd = `<c xmlns='${CAPS2}'><hash xmlns='${HASHES}' algo='crc32'>AAAA</hash></c>`
  assert.match((await isAsked(romeo, odd + c)).getChild('query', INFO)!.attrs['node']!, /^urn:test#/)
  await romeo.disconnects()
  const again = await s.login('romeo')
  answersInfo(again, await isAsked(again, c2('sha-256')), featuresOf(['tune']))
  await isKnown(again, false)
  answersInfo(juliet, await isAsked(juliet, c2('sha-256')), inside)
  await isKnown(juliet, true)
  // XEP-0390 §4.1: the language of the stream is that of an identity that names none.
  const german = await s.login('nurse')
  const query = parseDocument(`<query xmlns='${INFO}' xml:lang='de'>${inside}</query>`)
  const hash = `<c xmlns='${CAPS2}'><hash xmlns='${HASHES}' algo='sha-256'>${capabilityHash(query, 'sha-256')}</hash></c>`
  const { id } = (await isAsked(german, hash)).attrs
  german.send(
    `<iq type='result' id='${id}' to='${s.domain}' xml:lang='de'><query xmlns='${INFO}'>${inside}</query></iq>`,
  )
  await isKnown(german, true)
  await isNotAsked(await s.login('paris'), hash)
})

// XEP-0390 §5.2
story('The server announces its own hashes, and answers at their nodes with what was hashed', async (s) => {
  const { actor, features } = await s.authenticates('romeo')
  const c = features.getChild('c', CAPS2)!
  assert.deepEqual(
    c.getChildren('hash', HASHES).map(({ attrs }) => attrs['algo']),
    ['sha-256', 'sha3-256'],
  )
  await actor.isCut()
  const juliet = await s.login('juliet')
  for (const hash of c.getChildren('hash', HASHES)) {
    const value = { algo: hash.attrs['algo']!, value: hash.getText() }
    const answer =
      await juliet.asks`<iq type='get' to='${s.domain}'><query xmlns='${INFO}' node='${hashNode(value)}'/></iq>`
    const query = answer.getChild('query', INFO)!
    assert.equal(capabilityHash(query, value.algo), value.value)
    assert.ok(query.getChildren('feature').some(({ attrs }) => attrs['var'] === CAPS2))
  }
  assert.equal(bestHash(c)!.algo, 'sha-256')
})

// XEP-0198 §5
story('What a client can do is known when it comes back to its session', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const { c, inside } = kind()
  answersInfo(romeo, await isAsked(romeo, c), inside)
  await isKnown(romeo, true)
  const token = await enables(romeo)
  await romeo.cuts()
  const back = await resumes(s, romeo, token, 0)
  await publishes(back, 'mood', 'b')
  await back.receives`${told(back.bare, 'mood', 'b')}`
})
