import assert from 'node:assert/strict'
import { test } from 'node:test'
import { componentOptions } from '../../../src/config/component-config.ts'
import { parseDocument } from '../../../src/config/document.ts'
import { optionsJsonSchema, serverJsonSchema } from '../../../src/config/json-schema.ts'
import { decodeOptions } from '../../../src/config/layers.ts'
import { optionsOf } from '../../../src/config/module-config.ts'
import { option } from '../../../src/config/option.ts'
import {
  componentsYaml,
  modulesMarkdown,
  moduleYaml,
  optionsMarkdown,
  serverYaml,
  xepsMarkdown,
} from '../../../src/config/reference.ts'
import { serverOptions } from '../../../src/config/server-options.ts'

const offline = {
  name: 'offline',
  summary: 'Keeps messages for those who are away.',
  implements: [
    { xep: 160, version: '1.0.1' },
    { xep: 203, version: '2.0', partial: true, note: 'on delivery | only' },
  ],
  options: {
    limit: option.int().min(1).orOff().default(100).describe('Most messages kept for one account.'),
    types: option.list(option.oneOf('chat', 'normal')).default(['chat']).describe('Types that are kept.'),
    url: option.string().optional().example('https://example.org/').describe('Where to tell of it.'),
    sweep: option
      .group({ every: option.duration().default('1h').describe('How often old ones are deleted.') })
      .describe('Deleting.'),
  },
  enabledByDefault: false,
}
const ping = { name: 'ping', summary: 'Answers pings.', implements: [{ xep: 199, version: '2.0.1' }] }

/** The text with every option that stands at its default taken into force. */
const uncommented = (yaml: string) => yaml.replace(/^#(?! \S)/gm, '')

test('the file of a module', () => {
  assert.equal(
    moduleYaml(offline),
    `# offline: Keeps messages for those who are away.
# Every option stands here at its default. To change one, take away its # here, or better put it into
# modules/offline.yaml or hosts/DOMAIN/offline.yaml of your configuration folder, which upgrades leave alone.

# Whether this module is on. Takes true or false.
#enabled: false

# Most messages kept for one account. Takes a whole number of at least 1, or off.
#limit: 100

# Types that are kept. Takes a list, each chat or normal.
#types: [chat]

# Where to tell of it. Takes a text. Not set unless given.
# url: https://example.org/

# Deleting.
#sweep:
#  # How often old ones are deleted. Takes a duration (30s, 15m, 12h).
#  every: 1h
`,
  )
})

test('as it ships, a file changes nothing; without its # it says what holds anyway', () => {
  for (const [text, options] of [
    [moduleYaml(offline), optionsOf(offline)],
    [serverYaml(), serverOptions],
    [componentsYaml(), componentOptions],
  ] as const) {
    const standard = decodeOptions(options, [], { base: '/conf' })
    const shipped = decodeOptions(options, [parseDocument('/conf/x.yaml', text)], { base: '/conf' })
    const said = decodeOptions(options, [parseDocument('/conf/x.yaml', uncommented(text))], { base: '/conf' })
    assert.deepEqual(shipped, { ...standard, problems: [] })
    assert.deepEqual(said.problems, [])
    assert.deepEqual(said.values, standard.values)
    const untouched = [...said.origins].filter(([, origin]) => origin === 'default').map(([key]) => key)
    // Those that have no default.
    assert.ok(untouched.length <= 4, `not in the file: ${untouched}`)
  }
})

test('every option of the server has its sentence', () => {
  const lines = optionsMarkdown([])
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  assert.ok(lines.length > 35)
  for (const line of lines) assert.match(line, /\| [A-Z][^|]*\. \|$|\| [A-Z][^|]*NAME\}\. \|$/, line)
})

test('the page of options has a table for each module, groups by path', () => {
  const page = optionsMarkdown([ping, offline])
  assert.ok(page.indexOf('## offline') < page.indexOf('## ping'))
  assert.ok(
    page.includes(
      '| `limits.stanza.bytes` | a size (512, 64KiB, 10MiB) of at least 10000, or off | `256KiB` | Largest stanza, in bytes. |',
    ),
  )
  assert.ok(page.includes('| `sweep.every` | a duration (30s, 15m, 12h) | `1h` | How often old ones are deleted. |'))
  assert.ok(page.includes('| `url` | a text | not set | Where to tell of it. |'))
})

test('the pages of modules and extensions', () => {
  assert.equal(
    modulesMarkdown([ping, offline]).split('\n\n').at(-1),
    `| Module | What it does | Specifications | On by default |
| --- | --- | --- | --- |
| [offline](../../modules/offline/README.md) | Keeps messages for those who are away. | [XEP-0160](https://xmpp.org/extensions/xep-0160.html), [XEP-0203](https://xmpp.org/extensions/xep-0203.html) | no |
| [ping](../../modules/ping/README.md) | Answers pings. | [XEP-0199](https://xmpp.org/extensions/xep-0199.html) | yes |
`,
  )
  assert.equal(
    xepsMarkdown([ping, offline]).split('\n\n').at(-1),
    `| XEP | Version | Status | Module | Note |
| --- | --- | --- | --- | --- |
| [XEP-0160](https://xmpp.org/extensions/xep-0160.html) | 1.0.1 | complete | offline |  |
| [XEP-0199](https://xmpp.org/extensions/xep-0199.html) | 2.0.1 | complete | ping |  |
| [XEP-0203](https://xmpp.org/extensions/xep-0203.html) | 2.0 | partial | offline | on delivery \\| only |
`,
  )
})

test('the JSON Schema knows the keys, bounds and words', () => {
  assert.deepEqual(optionsJsonSchema({ n: option.int().min(1).max(9).default(3).describe('So many.') }), {
    type: 'object',
    properties: { n: { description: 'So many. Default: 3', type: 'integer', minimum: 1, maximum: 9 } },
    additionalProperties: false,
  })
  const { properties } = serverJsonSchema() as { properties: Record<string, { properties?: object; enum?: unknown }> }
  assert.deepEqual(Object.keys(properties), Object.keys(serverOptions))
  assert.deepEqual(properties['resourceConflict']!.enum, ['kick', 'refuse'])
  assert.deepEqual(Object.keys(properties['listen']!.properties!), [
    'client',
    'clientTls',
    'http',
    'https',
    'component',
  ])
})
