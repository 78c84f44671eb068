import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from '../../../../modules/archive/search-text.ts'

for (const [xml, text] of [
  ['<message><body>Hi</body></message>', 'Hi'],
  ["<message><subject>News</subject><body>Hi</body><body xml:lang='de'>Hallo</body></message>", 'News\nHi\nHallo'],
  ['<message/>', undefined],
  ["<message><retracted xmlns='urn:xmpp:message-retract:1' id='1'/></message>", undefined],
  ["<message><body>This is encrypted</body><encryption xmlns='urn:xmpp:eme:0'/></message>", undefined],
  ["<message><x xmlns='urn:x'><body>inside</body></x></message>", undefined],
  ['<message', undefined],
] as const)
  test(xml, () => assert.equal(textOf(xml), text))
