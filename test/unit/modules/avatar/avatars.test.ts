import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Avatars } from '../../../../modules/avatar/avatars.ts'
import { PresenceHashes } from '../../../../modules/avatar/presence.ts'
import type { PepApi } from '../../../../modules/pep/index.ts'
import { Jid, xml } from '../../../../src/api.ts'

const juliet = Jid.parse('juliet@capulet.lit')
const metadata = (id: string) => `<metadata xmlns='urn:xmpp:avatar:metadata'><info id='${id}'/></metadata>`

/** Nodes whose reading the test ends. */
class SlowNodes {
  readonly reads: PromiseWithResolvers<string>[] = []
  readonly pep = {
    items: async () => {
      const read = Promise.withResolvers<string>()
      this.reads.push(read)
      return [{ payload: await read.promise }]
    },
    isOpen: async () => true,
  } as unknown as PepApi
}

test('many who ask at once cost one reading, and who asks later none', async () => {
  const { pep, reads } = new SlowNodes()
  const avatars = new Avatars(pep, 10)
  const answers = [avatars.of(juliet), avatars.of(juliet)]
  reads[0]!.resolve(metadata('one'))
  for (const answer of answers) assert.equal((await answer).hash, 'one')
  assert.deepEqual(avatars.of(juliet), { hash: 'one', isKnown: true, isOpen: true })
  assert.equal(avatars.known(juliet)?.hash, 'one')
  assert.equal(reads.length, 1)
})

test('what was read before a change is not remembered after it', async () => {
  const { pep, reads } = new SlowNodes()
  const avatars = new Avatars(pep, 10)
  const old = avatars.of(juliet)
  avatars.forget(juliet)
  const now = avatars.of(juliet)
  reads[1]!.resolve(metadata('new'))
  assert.equal((await now).hash, 'new')
  reads[0]!.resolve(metadata('old'))
  assert.equal((await old).hash, 'old')
  assert.equal(avatars.known(juliet)?.hash, 'new')
})

test('a failed reading is tried again, and presence passes without a hash meanwhile', async () => {
  const { pep, reads } = new SlowNodes()
  const avatars = new Avatars(pep, 0)
  const errors: unknown[] = []
  const hashes = new PresenceHashes({} as never, avatars, {} as never, {} as never, (error) => errors.push(error))
  const read = new Map<unknown, unknown>()
  const event = {
    origin: { slots: new Map() } as never,
    type: '',
    from: juliet.withResource('balcony'),
    to: juliet,
    directed: false,
    get: ((slot: unknown) => read.get(slot)) as never,
    set: ((slot: unknown, value: unknown) => read.set(slot, value)) as never,
  }
  const passes = async (outcome: (at: PromiseWithResolvers<string>) => void): Promise<string> => {
    const ready = hashes.ready(event)
    outcome(reads.at(-1)!)
    await ready
    const presence = xml('presence')
    hashes.stamp(event, presence)
    return String(presence)
  }
  assert.equal(await passes((at) => at.reject(new Error('no database'))), '<presence/>')
  assert.equal(errors.length, 1)
  const hash = '<presence><x xmlns="vcard-temp:x:update"><photo>one</photo></x></presence>'
  // Nothing is remembered here, and still the presence has it.
  assert.equal(await passes((at) => at.resolve(metadata('one'))), hash)
  assert.equal(reads.length, 2)
})
