import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { JidError } from '../../../src/jid/jid.ts'
import {
  foldForCollision,
  prepareDomain,
  prepareDomainSlowly,
  prepareLocal,
  prepareLocalSlowly,
  prepareResource,
  prepareResourceSlowly,
} from '../../../src/jid/prep.ts'

type Prepare = (text: string) => string

/** The outcome of a preparation, to compare two of them. */
function outcome(prepare: Prepare, text: string): string | null {
  try {
    return prepare(text)
  } catch (error) {
    assert.ok(error instanceof JidError, String(error))
    return null
  }
}

function accepts(title: string, prepare: Prepare, rows: [string, string][]): void {
  for (const [text, expected] of rows) {
    test(`${title}: ${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, () => {
      assert.equal(prepare(text), expected)
      assert.equal(prepare(expected), expected)
    })
  }
}

function refuses(title: string, prepare: Prepare, texts: string[]): void {
  for (const text of texts) {
    test(`${title}: ${JSON.stringify(text)} is refused`, () => assert.throws(() => prepare(text), JidError))
  }
}

// RFC 8265 §3.5, but for the space: a localpart is one userpart
describe('localpart', () => {
  accepts('username', prepareLocal, [
    ['juliet@example.com'.split('@')[0]!, 'juliet'],
    ['fussball', 'fussball'],
    ['fu\u00DFball', 'fu\u00DFball'],
    ['\u03C0', '\u03C0'],
    ['\u03A3', '\u03C3'],
    ['\u03C3', '\u03C3'],
    ['\u03C2', '\u03C2'],
    // The final-sigma condition of Unicode's toLowercase
    ['\u0391\u03A3', '\u03B1\u03C2'],
    ['\u0391\u03A3\u0391', '\u03B1\u03C3\u03B1'],
    ['\u0130', 'i\u0307'],
    ['I', 'i'],
    ['\u1E9E', '\u00DF'],
    ['\u00C9', '\u00E9'],
    ['e\u0301', '\u00E9'],
    ['\u0411\u043E\u0431', '\u0431\u043E\u0431'],
    ['\u5F20\u4F1F', '\u5F20\u4F1F'],
    ['\u{20000}', '\u{20000}'],
  ])
  // RFC 8265 §3.3.1, width mapping
  accepts('width', prepareLocal, [
    ['\uFF26\uFF2F\uFF2F\uFF11', 'foo1'],
    ['\uFF76', '\u30AB'],
    ['\uFF76\uFF9E', '\u30AC'],
  ])
  refuses('width', prepareLocal, [
    '\uFF02',
    '\uFF06',
    '\uFF07',
    '\uFF0F',
    '\uFF1A',
    '\uFF1C',
    '\uFF1E',
    '\uFF20',
    '\u3000',
  ])
  refuses('width', prepareLocal, ['\uFFA1', '\uFFE3'])
  // RFC 7622 §3.3.1
  refuses('excluded', prepareLocal, ['a"', 'a&', "a'", 'a/', 'a:', 'a<', 'a>', 'a@'])
  refuses('identifier class', prepareLocal, [
    '',
    ' ',
    'a b',
    'a\t',
    '\u0000',
    '\u007F',
    '\u00A0',
    '\u2163',
    '\uFB00',
    '\u017F',
    '\u212A',
    '\u212B',
    '\u01C5',
    '\u1F88', // HasCompat, and titlecase
    '\u265A',
    '\u{1F600}',
    '\u2014',
    '\u20AC',
    '\u00B2',
    '\u20DD', // symbols, punctuation, other digits, enclosing
    '\u00AD',
    '\u034F',
    '\u200B',
    '\u202E',
    '\uFE0F',
    '\u115F',
    '\uFDD0',
    '\uFFFE', // ignorable, noncharacters
    '\u1100',
    '\u1100\u1161',
    '\uA960',
    '\uD7B0', // old hangul jamo
    '\u0378',
    '\uE000',
    '\u{10FFFD}',
    '\uD800',
    'a\uDC00',
    '\uDC00\uD800', // unassigned, private, surrogates
    '\u0640',
    '\u07FA',
    '\u302E',
    '\u3031',
    '\u303B', // RFC 5892 §2.6
  ])
  accepts('exceptions', prepareLocal, [
    ['\u06FD\u06FE', '\u06FD\u06FE'],
    ['\u0F0B', '\u0F0B'],
    ['\u3007', '\u3007'],
  ])
})

// RFC 5892 appendix A
const inContext = [
  '\u{1E922}\u{1E94B}\u200C\u{1E923}', // A.1, through a transparent letter
  '\u0915\u094D\u200C\u0937',
  '\u0628\u200C\u0628',
  '\u0628\u064E\u200C\u064E\u0628',
  '\u0628\u200C\u0628\u200C\u0628', // A.1
  '\u0915\u094D\u200D\u0937', // A.2
  'l\u00B7l',
  'col\u00B7laborar', // A.3
  '\u0375\u03B1', // A.4
  '\u05D0\u05F3', // A.5
  '\u05D0\u05F4\u05D1', // A.6
  '\u30AB\u30FBa',
  '\u3042\u30FB',
  '\u4E00\u30FB', // A.7
  '\u0628\u0660\u0669', // A.8
  '\u06A9\u06F0\u06F9', // A.9
]
const outOfContext = [
  '\u0628\u200C\u200C\u0628', // A.1
  '\u200C',
  'a\u200Cb',
  '\u0628\u200C',
  '\u200C\u0628',
  '\u0627\u200C\u0628',
  '\u0628\u200Ca', // A.1
  '\u200D',
  'a\u200Db',
  '\u0628\u200D\u0628', // A.2
  '\u00B7',
  'l\u00B7',
  '\u00B7l',
  'a\u00B7l',
  'l\u00B7a', // A.3
  '\u0375',
  '\u0375a',
  '\u03B1\u0375', // A.4
  '\u05F3',
  '\u05F3\u05D0',
  'a\u05F3', // A.5
  '\u05F4\u05D0', // A.6
  '\u30FB',
  'a\u30FBb', // A.7
  '\u0628\u0660\u06F0', // A.8, A.9
]

describe('contextual rules', () => {
  for (const [title, prepare] of Object.entries({ prepareLocal, prepareResource, prepareDomain })) {
    accepts(
      title,
      prepare,
      inContext.map((text) => [text, text]),
    )
    refuses(title, prepare, outOfContext)
  }
  test('the middle dot is judged after case mapping', () => assert.equal(prepareLocal('L\u00B7L'), 'l\u00B7l'))
  test('the resource keeps its case, and with capitals the middle dot is out of place', () => {
    assert.throws(() => prepareResource('L\u00B7L'), JidError)
  })
})

// RFC 5893 §2
describe('bidi rule', () => {
  accepts('allowed', prepareLocal, [
    ['\u05D0\u05D1', '\u05D0\u05D1'],
    ['\u05D0\u05D11', '\u05D0\u05D11'],
    ['\u05D0\u05B0', '\u05D0\u05B0'],
    ['\u0628\u0661', '\u0628\u0661'],
    ['\u05D0-\u05D1', '\u05D0-\u05D1'],
    ['a\u0897', 'a\u0897'], // a mark of Unicode 16, from a right-to-left block
    ['\u0628\u1ACF', '\u0628\u1ACF'], // a mark of Unicode 17
    ['\u{10D4A}\u{10D40}', '\u{10D4A}\u{10D40}'.normalize()], // Garay, Unicode 16
  ])
  refuses('refused', prepareLocal, [
    '1\u05D0', // condition 1
    '\u0661\u0628', // condition 1
    '-\u05D0', // condition 1
    '\u05D0a', // condition 2
    '\u05D0a\u05D1', // condition 2
    '\u05D0-', // condition 3
    '\u0628\u06611', // condition 4
    '\u{10D40}\u{10D4A}', // condition 1, digits of Unicode 16
    '\u{10D4A}1\u{10D40}', // condition 4, the same
    'a\u05D0', // condition 5
    'a\u05D0b', // condition 5
    'a\u0661', // condition 5
  ])
  test('a resource may mix directions', () => assert.equal(prepareResource('a\u05D0b'), 'a\u05D0b'))
})

// RFC 8265 §4.2, RFC 7622 §3.4
describe('resourcepart', () => {
  accepts('opaque', prepareResource, [
    ['Foo Bar', 'Foo Bar'],
    [' ', ' '],
    ['\u00A0a\u2003b\u3000', ' a b '],
    ['\u03A3\u00DF', '\u03A3\u00DF'],
    ['e\u0301', '\u00E9'],
    ['\u212B', '\u00C5'],
    ['\uFF21\u2163\uFB00', '\uFF21\u2163\uFB00'],
    ['\u265A\u{1F600}\u20AC\u2014\u00B2', '\u265A\u{1F600}\u20AC\u2014\u00B2'],
    ['"&\'/:<>@', '"&\'/:<>@'],
  ])
  refuses('freeform class', prepareResource, [
    '',
    '\t',
    '\n',
    '\u0000',
    '\u007F',
    '\u0085',
    '\u2028',
    '\u00AD',
    '\u200B',
    '\u202E',
    '\uFEFF',
    '\uFDD0',
    '\uFFFF',
    '\u1100',
    '\u0378',
    '\uE000',
    '\uD800',
    'a\uDC00',
    '\u0640',
  ])
})

// RFC 7622 §3.2
describe('domainpart', () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  accepts('name', prepareDomain, [
    ['localhost', 'localhost'],
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['1and1.example', '1and1.example'],
    ['xn--bcher-kva.example', 'b\u00FCcher.example'],
    ['XN--BCHER-KVA.example.', 'b\u00FCcher.example'],
    ['BU\u0308CHER.example', 'b\u00FCcher.example'],
    ['fa\u00DF.example', 'fa\u00DF.example'],
    ['xn--fa-hia.example', 'fa\u00DF.example'],
    ['\u03B1\u03C2.example', '\u03B1\u03C2.example'],
    ['\uFF45\uFF58.example', 'ex.example'],
    ['a\u3002example', 'a.example'],
    ['\u05D0\u05D1.example', '\u05D0\u05D1.example'],
    ['\u13A0.example', '\u13A0.example'],
    [longest, longest],
    [`${'\u00E9'.repeat(57)}.example`, `${'\u00E9'.repeat(57)}.example`],
  ])
  accepts('address', prepareDomain, [
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[2001:0DB8:0:0:0:0:0:1]', '[2001:db8::1]'],
    ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
  ])
  refuses('name', prepareDomain, [
    '',
    '.',
    '..',
    '.example',
    'a..b',
    'example..',
    'a b',
    ' example',
    'a_b',
    '_xmpp.example',
    'a@b',
    'a/b',
    'a:5222',
    'a%20b',
    'a\u0000b',
    'a<b',
    '-a.example',
    'a-.example',
    'ab--cd.example',
    'xn--',
    'xn--.example',
    'xn--abc-.example',
    'xn--a\u00E9.example',
    '\u2603.example',
    '\u{1F600}.example',
    '\u0301a.example',
    '\u00AD',
    '\u0378.example',
    'a\u20D0.example',
    '\uD800.example',
    '1a.\u05D0\u05D1',
    '\u05D0a.example',
    'a'.repeat(64),
    `${longest}d`,
    `${'\u00E9'.repeat(58)}.example`,
  ])
  refuses('address', prepareDomain, [
    '[]',
    '[::1',
    '::1',
    '[::1]:80',
    '[::g]',
    '[fe80::1%eth0]',
    '[127.0.0.1]',
    '[v1.a]',
    '[::1].a',
  ])
})

describe('messages', () => {
  const rows: [Prepare, string, RegExp][] = [
    [prepareLocal, 'a\u0378', /^The localpart has the code point U\+0378, which is not assigned\.$/],
    [prepareLocal, '\uFDD0', /^The localpart has the code point U\+FDD0, which is not allowed\.$/],
    [prepareResource, '\u{10FFFD}', /^The resourcepart has the code point U\+10FFFD, which is not allowed\.$/],
    [
      prepareResource,
      'l\u00B7',
      /^The resourcepart has the code point U\+00B7, which is not allowed where it stands\.$/,
    ],
    [prepareResource, '', /^The resourcepart is empty\.$/],
    [prepareDomain, 'a..b', /^The domainpart has an empty label\.$/],
    [prepareDomain, 'a'.repeat(64), /^The domainpart has a label of more than 63 octets/],
  ]
  for (const [prepare, text, message] of rows) {
    test(`${JSON.stringify(text)}: ${message.source}`, () => assert.throws(() => prepare(text), { message }))
  }
})

// RFC 7622 §3.1, 3.3 and 3.4: octets of UTF-8, after preparation
describe('length', () => {
  for (const [title, prepare] of Object.entries({ prepareLocal, prepareResource })) {
    accepts(title, prepare, [
      ['a'.repeat(1023), 'a'.repeat(1023)],
      [`${'\u00E9'.repeat(511)}a`, `${'\u00E9'.repeat(511)}a`],
      [`${'e\u0301'.repeat(511)}a`, `${'\u00E9'.repeat(511)}a`],
      ['\u{20000}'.repeat(255), '\u{20000}'.repeat(255)],
    ])
    refuses(title, prepare, ['a'.repeat(1024), '\u00E9'.repeat(512), '\u{20000}'.repeat(256), 'a'.repeat(1_000_000)])
  }
})

test('the cost of a long text grows no faster than its length', () => {
  const texts = [
    '\u0660'.repeat(4096),
    `${'\u30FB'.repeat(4095)}\u30AB`,
    '\u0628\u200C'.repeat(2048),
    '\u00ADa'.repeat(2048),
  ]
  texts.push(Array.from({ length: 4096 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(''))
  // What grows with the square of 4,096 takes a hundred milliseconds and more for a text; the limit leaves room for slow machines.
  const start = process.cpuUsage()
  for (const text of texts) for (const prepare of [prepareLocal, prepareResource, prepareDomain]) outcome(prepare, text)
  const { user, system } = process.cpuUsage(start)
  assert.ok(user + system < 400_000, `${user + system} \u00B5s`)
})

describe('the ASCII fast paths', () => {
  const pairs: [string, Prepare, Prepare][] = [
    ['localpart', prepareLocal, prepareLocalSlowly],
    ['resourcepart', prepareResource, prepareResourceSlowly],
    ['domainpart', prepareDomain, (text) => prepareDomainSlowly(text.endsWith('.') ? text.slice(0, -1) : text)],
  ]
  for (const [title, fast, slow] of pairs) {
    test(`${title}: every ASCII character alone, first, last and inside gives what the full preparation gives`, () => {
      for (let code = 0; code < 128; code += 1) {
        const char = String.fromCharCode(code)
        for (const text of [char, `${char}a`, `a${char}`, `a${char}B`, `ab${char}-c`]) {
          assert.equal(outcome(fast, text), outcome(slow, text), JSON.stringify(text))
        }
      }
    })
    test(`${title}: so does any ASCII text`, () => {
      const text = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.stringMatching(/^[a-zA-Z0-9.-]{0,12}$/))
      fc.assert(
        fc.property(text, (text) => assert.equal(outcome(fast, text), outcome(slow, text))),
        { numRuns: 2000 },
      )
    })
  }
})

describe('idempotence', () => {
  // Ideographs and syllables that nothing maps, private and unassigned code points are left out: they are most of Unicode.
  const characters = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter(
    (char) =>
      !/^[\p{Cn}\p{Co}\p{Cs}\p{Script=Hangul}]$/u.test(char) &&
      !(/^\p{Ideographic}$/u.test(char) && char.normalize('NFKC') === char),
  )
  const unit = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom(
      'a',
      'Z',
      '-',
      '.',
      '1',
      '\u0301',
      '\u0307',
      '\u0327',
      '\u00DF',
      '\u1E9E',
      '\u03A3',
      '\u0130',
      '\u05D0',
    ),
    fc.constantFrom('\u0628', '\uFF21', '\uFF76', '\uFF9E', '\u200C', '\u00A0', '\u0345', '\u0391', '\u1F80', '\u0149'),
  )
  const text = fc.array(unit, { maxLength: 6 }).map((units) => units.join(''))
  for (const [title, prepare] of Object.entries({ prepareLocal, prepareResource, prepareDomain })) {
    test(`${title} changes nothing the second time`, () => {
      let accepted = 0
      fc.assert(
        fc.property(text, (text) => {
          const once = outcome(prepare, text)
          if (once === null) return
          accepted += 1
          assert.equal(prepare(once), once)
        }),
        { numRuns: 5000 },
      )
      assert.ok(accepted > 100, `only ${accepted} texts were valid`)
    })

    test(`${title} is so for every single character`, () => {
      for (const char of characters) {
        const once = outcome(prepare, char)
        if (once !== null && once !== char) assert.equal(prepare(once), once, `U+${char.codePointAt(0)?.toString(16)}`)
      }
    })
  }
})

describe('folding for collisions', () => {
  test('names that a stringprep peer or an eye takes for one fold to one', () => {
    const groups = [
      ['fussball', 'fu\u00DFball'],
      ['\u03B1\u03C2', '\u03B1\u03C3'],
      ['\u0628\u0628', '\u0628\u200C\u0628'],
      ['ipek', '\u0131pek'],
    ]
    for (const [first, ...others] of groups) {
      for (const other of others) assert.equal(foldForCollision(other), foldForCollision(first!))
    }
  })
  test('names that differ for everybody stay apart', () => {
    const names = ['bob', 'b\u00F6b', 'bob1', '\u0431\u043E\u0431', 'b.ob']
    assert.equal(new Set(names.map(foldForCollision)).size, names.length)
  })
  test('a fold folds to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 4 }), (text) => {
        const local = outcome(prepareLocal, text)
        if (local === null) return
        const fold = foldForCollision(local)
        assert.equal(foldForCollision(fold), fold)
      }),
      { numRuns: 5000 },
    )
  })
})
