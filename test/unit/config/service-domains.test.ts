import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceDomains } from '../../../src/config/service-domains.ts'

test('a name of a service is a domain, or stands before that of the host, however it is written', () => {
  assert.deepEqual(serviceDomains(['conference'], 'localhost'), ['conference.localhost'])
  assert.deepEqual(serviceDomains(['Rooms', 'MUC.Example.ORG', 'müc.exämple.org'], 'verona.example'), [
    'rooms.verona.example',
    'muc.example.org',
    'müc.exämple.org',
  ])
})

test('what is no domain, or the same one again, is refused by name', () => {
  for (const name of ['a@b.c', 'rooms/x', 'rooms.example/x', 'a b', '-', 'x..y'])
    assert.throws(
      () => serviceDomains(['conference', name], 'localhost'),
      (error: Error) => error.message.includes(name),
      name,
    )
  for (const again of ['CONFERENCE', 'conference.localhost'])
    assert.throws(() => serviceDomains(['conference', again], 'localhost'), /conference\.localhost twice/, again)
})
