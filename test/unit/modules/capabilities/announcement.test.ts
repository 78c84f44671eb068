import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnnouncement } from '../../../../modules/capabilities/announcement.ts'
import { parseDocument } from '../../../../src/api.ts'

const HASH = 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY='
const CAPS2 = `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${HASH}</hash></c>`
const ODD = `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='md5'>${HASH}</hash></c>`
const caps = (attributes: string) => `<c xmlns='http://jabber.org/protocol/caps' ${attributes}/>`
const long = 'x'.repeat(1000)

const table: Record<string, readonly [inside: string, node: string | undefined, key?: string]> = {
  nothing: ['', undefined],
  'no node': [caps(`hash='sha-1' ver='v'`), undefined],
  'no version': [caps(`hash='sha-1' node='n'`), undefined],
  'an empty version': [caps(`hash='sha-1' node='n' ver=''`), undefined],
  'a node beyond measure': [caps(`hash='sha-1' node='${long}' ver='v'`), undefined],
  'a hash': [caps(`hash='sha-1' node='n' ver='v'`), 'n#v', 'sha-1 v'],
  'another hash': [caps(`hash='sha-256' node='n' ver='v'`), 'n#v', 'sha-256 v'],
  'a hash that is not known': [caps(`hash='md5' node='n' ver='v'`), 'n#v'],
  'no hash': [caps(`node='n' ver='v'`), 'n#v'],
  'the second kind': [CAPS2, `urn:xmpp:caps#sha-256.${HASH}`, `urn:xmpp:caps#sha-256.${HASH}`],
  both: [
    caps(`hash='sha-1' node='n' ver='v'`) + CAPS2,
    `urn:xmpp:caps#sha-256.${HASH}`,
    `urn:xmpp:caps#sha-256.${HASH}`,
  ],
  'the second kind as nobody knows it': [ODD + caps(`hash='sha-1' node='n' ver='v'`), 'n#v', 'sha-1 v'],
}
for (const [what, [inside, node, key]] of Object.entries(table))
  test(`an announcement with ${what}`, () => {
    const announcement = readAnnouncement(parseDocument(`<presence>${inside}</presence>`))
    assert.deepEqual([announcement?.node, announcement?.key], [node, key])
  })
