import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Jid, JidError } from '../../../src/jid/jid.ts'
import { jidCacheSize, setJidCacheCapacity } from '../../../src/jid/jid-cache.ts'

/** RFC 7622 §3.5 table 1: text, localpart, domainpart, resourcepart. */
const valid: [string, string, string, string][] = [
  ['juliet@example.com', 'juliet', 'example.com', ''],
  ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
  ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
  ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
  ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', ''],
  ['fussball@example.com', 'fussball', 'example.com', ''],
  ['fu\u00DFball@example.com', 'fu\u00DFball', 'example.com', ''],
  ['\u03C0@example.com', '\u03C0', 'example.com', ''],
  ['\u03A3@example.com/foo', '\u03C3', 'example.com', 'foo'],
  ['\u03C3@example.com/foo', '\u03C3', 'example.com', 'foo'],
  ['\u03C2@example.com/foo', '\u03C2', 'example.com', 'foo'],
  ['king@example.com/\u265A', 'king', 'example.com', '\u265A'],
  ['example.com', '', 'example.com', ''],
  ['example.com/foobar', '', 'example.com', 'foobar'],
  ['a.example.com/b@example.net', '', 'a.example.com', 'b@example.net'],
  // Table 2 lists the next as wrong for its leading space; erratum 4560 takes that back: OpaqueString allows it.
  ['juliet@example.com/ foo', 'juliet', 'example.com', ' foo'],
]

/** RFC 7622 §3.5 table 2, and neighbours; with the part that is to blame. */
const invalid: [string, string][] = [
  ['"juliet"@example.com', 'localpart'],
  ['foo bar@example.com', 'localpart'],
  ['@example.com/', 'localpart|resourcepart'],
  ['henry\u2163@example.com', 'localpart'],
  ['\u265A@example.com', 'localpart'],
  ['juliet@', 'domainpart'],
  ['/foobar', 'domainpart'],
  ['', 'domainpart'],
  ['@', 'localpart|domainpart'],
  ['/', 'domainpart|resourcepart'],
  ['@example.com', 'localpart'],
  ['example.com/', 'resourcepart'],
  ['a@b@example.com', 'domainpart'],
  ['juliet@example.com /foo', 'domainpart'],
  ['juliet\n@example.com', 'localpart'],
  ['juliet@example.com/\u0000', 'resourcepart'],
  ['\uD800@example.com', 'localpart'],
  ['juliet@example.com/\uDC00', 'resourcepart'],
  ['juliet@\uD800', 'domainpart'],
]

describe('parsing', () => {
  for (const [text, local, domain, resource] of valid) {
    test(`${JSON.stringify(text)} is an address`, () => {
      const jid = Jid.parse(text)
      assert.deepEqual([jid.local, jid.domain, jid.resource], [local, domain, resource])
      assert.equal(jid.isBare, resource === '')
      const bare = local === '' ? domain : `${local}@${domain}`
      assert.equal(jid.bare.toString(), bare)
      assert.equal(jid.toString(), resource === '' ? bare : `${bare}/${resource}`)
    })
  }

  for (const [text, part] of invalid) {
    test(`${JSON.stringify(text)} is refused for its ${part}`, () => {
      assert.throws(
        () => Jid.parse(text),
        (error: Error) => error instanceof JidError && new RegExp(`^The (${part}) `).test(error.message),
      )
    })
  }

  // RFC 7622 §3.1
  test('the first slash begins the resource, and an at sign after it belongs to that', () => {
    const jid = Jid.parse('juliet@example.com//a/b@c/')
    assert.equal(jid.resource, '/a/b@c/')
    assert.equal(Jid.parse('example.com/a@b').local, '')
  })

  test('texts that mean one address become one, in every part', () => {
    const jid = Jid.parse('JULIET@Example.COM./Balcony')
    assert.equal(jid.toString(), 'juliet@example.com/Balcony')
    assert.ok(jid.equals(Jid.parse('juliet@example.com/Balcony')))
    assert.ok(!jid.equals(Jid.parse('juliet@example.com/balcony')))
    assert.ok(Jid.parse('juliet@xn--bcher-kva.example').equals(Jid.parse('juliet@B\u00DCCHER.example')))
  })

  test('messages are safe to send: no refused character is repeated in them', () => {
    for (const char of ['\u0000', '\uD800', '\u202E', '<', '\uFFFE']) {
      for (const text of [`a${char}b@example.com`, `a@b${char}c`]) {
        assert.throws(
          () => Jid.parse(text),
          (error: Error) => !error.message.includes(char),
        )
      }
    }
  })
})

describe('building', () => {
  test('each part is prepared', () => {
    const jid = Jid.of('Juliet', 'EXAMPLE.com.', 'A\u00A0b')
    assert.equal(jid.toString(), 'juliet@example.com/A b')
    assert.equal(Jid.of('', 'example.com').toString(), 'example.com')
    assert.ok(Jid.of('juliet', 'example.com').isBare)
  })

  test('a part cannot smuggle in another', () => {
    assert.throws(() => Jid.of('a@b', 'example.com'), JidError)
    assert.throws(() => Jid.of('a/b', 'example.com'), JidError)
    assert.throws(() => Jid.of('a', 'example.com/x'), JidError)
    assert.throws(() => Jid.of('', 'a@example.com'), JidError)
    assert.throws(() => Jid.of('\uFF20', 'example.com'), JidError)
    assert.throws(() => Jid.of('a', ''), JidError)
  })

  test('another resource keeps the account', () => {
    const jid = Jid.parse('juliet@example.com/balcony')
    const other = jid.withResource('Cell\u00E9')
    assert.equal(other.toString(), 'juliet@example.com/Cell\u00E9')
    assert.ok(other.bare.equals(jid.bare))
    assert.equal(jid.bare.withResource('balcony').equals(jid), true)
    assert.throws(() => jid.withResource(''), JidError)
    assert.throws(() => jid.withResource('\u0007'), JidError)
  })

  test('a bare address is its own bare address, and the addresses of an account share one', () => {
    const jid = Jid.parse('romeo@example.com/orchard')
    assert.equal(jid.bare.bare, jid.bare)
    assert.equal(Jid.parse('romeo@example.com/street').bare, jid.bare)
    assert.equal(Jid.parse('romeo@example.com'), jid.bare)
  })
})

describe('the memory of texts', () => {
  test('a known text gives the same object, also when the text was not canonical', () => {
    assert.equal(Jid.parse('Mercutio@Example.com/X'), Jid.parse('Mercutio@Example.com/X'))
  })

  test('it is bounded, keeps what is used and can be turned off', (t) => {
    t.after(() => setJidCacheCapacity(10_000))
    setJidCacheCapacity(20)
    const kept = Jid.parse('kept@example.com')
    for (let i = 0; i < 200; i += 1) {
      Jid.parse(`user${i}@example.com/x`)
      assert.equal(Jid.parse('kept@example.com'), kept)
      assert.ok(jidCacheSize() <= 20, `${jidCacheSize()} texts`)
    }
    const first = Jid.parse('first@example.com')
    for (let i = 0; i < 40; i += 1) Jid.parse(`user${i}@example.com`)
    assert.notEqual(Jid.parse('first@example.com'), first)
    assert.ok(Jid.parse('first@example.com').equals(first))
    setJidCacheCapacity(0)
    assert.notEqual(Jid.parse('a@example.com/b'), Jid.parse('a@example.com/b'))
    assert.equal(jidCacheSize(), 0)
  })

  test('long texts are not remembered', () => {
    const text = `a@example.com/${'x'.repeat(1000)}`
    assert.notEqual(Jid.parse(text), Jid.parse(text))
    assert.ok(Jid.parse(text).equals(Jid.parse(text)))
  })

  test('wrong texts are refused each time', () => {
    for (let i = 0; i < 3; i += 1) assert.throws(() => Jid.parse('@example.com'), JidError)
  })
})

test('the canonical text of any address parses to the same address', () => {
  const char = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('a', 'Z', '\u0301', '\u00DF', '\u03A3', '\u0130', '\u05D0', '\uFF21', '\u200C', '\u00A0', '1'),
  )
  const part = fc.array(char, { minLength: 1, maxLength: 5 }).map((chars) => chars.join(''))
  let accepted = 0
  fc.assert(
    fc.property(
      part,
      fc.constantFrom('EXAMPLE.com', 'b\u00FCcher.example', '[::1]'),
      part,
      (local, domain, resource) => {
        let jid: Jid
        try {
          jid = Jid.of(local, domain, resource)
        } catch (error) {
          assert.ok(error instanceof JidError, String(error))
          return
        }
        accepted += 1
        const again = Jid.parse(jid.toString())
        assert.deepEqual(
          [again.local, again.domain, again.resource, again.toString()],
          [jid.local, jid.domain, jid.resource, jid.toString()],
        )
        assert.ok(again.equals(jid))
      },
    ),
    { numRuns: 5000 },
  )
  assert.ok(accepted > 100, `only ${accepted} addresses were valid`)
})
