import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NS_VCARD4 } from '../../../../modules/profile/fields.ts'
import { apply, four, isSame, nothing, profileOf, temp } from '../../../../modules/profile/profile.ts'
import { type Element, parseDocument, serialize, xml } from '../../../../src/api.ts'

const tempCard = (inside = '') => parseDocument(`<vCard xmlns='vcard-temp'>${inside}</vCard>`)
const card4 = (inside = '') => parseDocument(`<vcard xmlns='${NS_VCARD4}'>${inside}</vcard>`)
const inside = (card: Element) => card.getChildElements().map(serialize).join('').replaceAll('"', "'")

const types = (...names: string[]) => `<type>${names.map((name) => `<text>${name}</text>`).join('')}</type>`

// XEP-0292 §9, RFC 6351.
const pairs: readonly (readonly [temp: string, four: string])[] = [
  ['<FN>Peter</FN>', '<fn><text>Peter</text></fn>'],
  ['<N><FAMILY>A</FAMILY><GIVEN>P</GIVEN></N>', '<n><surname>A</surname><given>P</given></n>'],
  [
    '<N><MIDDLE>M</MIDDLE><PREFIX>Dr</PREFIX><SUFFIX>III</SUFFIX></N>',
    '<n><additional>M</additional><prefix>Dr</prefix><suffix>III</suffix></n>',
  ],
  ['<NICKNAME>psa</NICKNAME>', '<nickname><text>psa</text></nickname>'],
  ['<BDAY>1966-08-06</BDAY>', '<bday><date>1966-08-06</date></bday>'],
  ['<PHOTO><EXTVAL>https://a.example/p</EXTVAL></PHOTO>', '<photo><uri>https://a.example/p</uri></photo>'],
  ['<EMAIL><USERID>p@a.example</USERID></EMAIL>', '<email><text>p@a.example</text></email>'],
  [
    '<EMAIL><WORK/><PREF/><USERID>p@a.example</USERID></EMAIL>',
    `<email><parameters>${types('work')}<pref><integer>1</integer></pref></parameters><text>p@a.example</text></email>`,
  ],
  [
    '<TEL><WORK/><FAX/><NUMBER>+1-303</NUMBER></TEL>',
    `<tel><parameters>${types('work', 'fax')}</parameters><uri>tel:+1-303</uri></tel>`,
  ],
  ['<TEL><NUMBER>ask the nurse</NUMBER></TEL>', '<tel><text>ask the nurse</text></tel>'],
  ['<JABBERID>p@a.example</JABBERID>', '<impp><uri>xmpp:p@a.example</uri></impp>'],
  [
    '<ADR><HOME/><POBOX>1</POBOX><EXTADD>2</EXTADD><STREET>3</STREET><LOCALITY>4</LOCALITY><REGION>5</REGION><PCODE>6</PCODE><CTRY>7</CTRY></ADR>',
    `<adr><parameters>${types('home')}</parameters><pobox>1</pobox><ext>2</ext><street>3</street><locality>4</locality><region>5</region><code>6</code><country>7</country></adr>`,
  ],
  ['<TZ>-07:00</TZ>', '<tz><text>-07:00</text></tz>'],
  ['<GEO><LAT>39.59</LAT><LON>-105.01</LON></GEO>', '<geo><uri>geo:39.59,-105.01</uri></geo>'],
  ['<ORG><ORGNAME>XSF</ORGNAME><ORGUNIT>Council</ORGUNIT></ORG>', '<org><text>XSF</text><text>Council</text></org>'],
  ['<TITLE>Director</TITLE>', '<title><text>Director</text></title>'],
  ['<ROLE>Saint</ROLE>', '<role><text>Saint</text></role>'],
  ['<CATEGORIES><KEYWORD>a</KEYWORD></CATEGORIES>', '<categories><text>a</text></categories>'],
  ['<URL>https://a.example</URL>', '<url><uri>https://a.example</uri></url>'],
  ['<DESC>More.</DESC>', '<note><text>More.</text></note>'],
]

test('what one vCard says the other says too', () => {
  for (const [old, modern] of pairs) {
    const there = card4()
    apply(there, four, profileOf(tempCard(old), temp))
    assert.equal(inside(there), modern)
    const back = tempCard()
    apply(back, temp, profileOf(card4(modern), four))
    assert.equal(inside(back), old)
  }
})

test('other ways to write the same are the same', () => {
  const table: [temp: string, four: string][] = [
    ['<NOTE> More. </NOTE>', '<note><text>More.</text></note>'],
    [
      '<TEL><WORK/><MSG/><NUMBER>+1</NUMBER></TEL>',
      `<tel><parameters>${types('WORK', 'textphone')}</parameters><text>+1</text></tel>`,
    ],
    [
      '<EMAIL><INTERNET/><PREF/><USERID>p</USERID></EMAIL>',
      '<email><parameters><pref>1</pref></parameters><text>p</text></email>',
    ],
    ['<BDAY>--0806</BDAY>', '<bday><text>--0806</text></bday>'],
    ['<JABBERID>ü@a.example/x y</JABBERID>', '<impp><uri>xmpp:%C3%BC@a.example/x%20y</uri></impp>'],
    ['<FN>A</FN><FN>A</FN>', '<fn><text>A</text></fn>'],
    ['<FN>A</FN><URL>b</URL>', '<url><uri>b</uri></url><fn><text>A</text></fn>'],
  ]
  for (const [old, modern] of table)
    assert.ok(isSame(profileOf(tempCard(old), temp), profileOf(card4(modern), four)), old)
  assert.ok(!isSame(profileOf(tempCard('<FN>A</FN>'), temp), profileOf(tempCard('<FN>B</FN>'), temp)))
  assert.ok(!isSame(profileOf(tempCard('<FN>A</FN><FN>B</FN>'), temp), profileOf(tempCard('<FN>A</FN>'), temp)))
})

test('what the other cannot say is no part of it, and stays', () => {
  const onlyTemp = [
    '<MAILER>quill</MAILER>',
    '<FN/>',
    '<TEL><HOME/><NUMBER/></TEL>',
    '<ADR><WORK/></ADR>',
    '<GEO><LAT>here</LAT></GEO>',
    '<PHOTO><TYPE>image/png</TYPE><BINVAL>AAAA</BINVAL></PHOTO>',
    "<FN xmlns='urn:other'>A</FN>",
  ]
  const only4 = [
    '<gender><sex><text>F</text></sex></gender>',
    '<photo><uri>data:image/png;base64,AAAA</uri></photo>',
    '<impp><uri>sip:p@a.example</uri></impp>',
    '<impp><uri>xmpp:%</uri></impp>',
    '<tz><uri>https://tz.example</uri></tz>',
    '<geo><uri>geo:1,2;u=3</uri></geo>',
    "<group name='work'><fn><text>A</text></fn></group>",
    '<email/>',
  ]
  for (const [cards, make, dialect] of [
    [onlyTemp, tempCard, temp],
    [only4, card4, four],
  ] as const)
    for (const element of cards) {
      const card = make(element)
      assert.ok(isSame(profileOf(card, dialect), nothing), element)
      apply(card, dialect, nothing)
      assert.equal(card.getChildElements().length, 1, element)
    }
})

test('elements that say what they should stay as they are, others go and come', () => {
  const card = tempCard('<TEL><VOICE/><MSG/><NUMBER>1</NUMBER></TEL><FN>Old</FN><SOUND/>')
  apply(
    card,
    temp,
    profileOf(
      card4(`<fn><text>New</text></fn><tel><parameters>${types('voice')}</parameters><text>1</text></tel>`),
      four,
    ),
  )
  assert.equal(inside(card), '<TEL><VOICE/><MSG/><NUMBER>1</NUMBER></TEL><SOUND/><FN>New</FN>')
})

/** Any element of either vocabulary, with any text. */
const said = fc.string({ unit: 'grapheme', maxLength: 12 })
const leaf = (names: readonly string[]) => fc.tuple(fc.constantFrom(...names), said)
const tree = (names: readonly string[], parts: readonly string[]): fc.Arbitrary<Element> =>
  fc
    .tuple(fc.constantFrom(...names), said, fc.array(leaf(parts), { maxLength: 4 }))
    .map(([name, text, inner]) => xml(name, null, text, ...inner.map(([part, value]) => xml(part, null, value))))

test('what is carried over is read there as it was, whatever it is', () => {
  const tempNames = [
    'FN',
    'N',
    'NICKNAME',
    'BDAY',
    'PHOTO',
    'EMAIL',
    'TEL',
    'JABBERID',
    'ADR',
    'GEO',
    'ORG',
    'CATEGORIES',
    'DESC',
    'NOTE',
  ]
  const tempParts = [
    'FAMILY',
    'GIVEN',
    'EXTVAL',
    'USERID',
    'NUMBER',
    'HOME',
    'PREF',
    'CELL',
    'STREET',
    'LAT',
    'LON',
    'ORGNAME',
    'ORGUNIT',
    'KEYWORD',
  ]
  const names4 = [
    'fn',
    'n',
    'nickname',
    'bday',
    'photo',
    'email',
    'tel',
    'impp',
    'adr',
    'geo',
    'org',
    'categories',
    'note',
  ]
  const parts4 = ['surname', 'given', 'uri', 'text', 'date', 'date-time', 'street']
  const table = [
    [tempNames, tempParts, temp, four, card4],
    [names4, parts4, four, temp, tempCard],
  ] as const
  for (const [names, parts, from, to, make] of table)
    fc.assert(
      fc.property(fc.array(tree(names, parts), { maxLength: 5 }), (elements) => {
        const profile = profileOf(xml('card', null, ...elements), from)
        const card = make()
        apply(card, to, profile)
        assert.ok(isSame(profileOf(card, to), profile), inside(card))
        const before = serialize(card)
        apply(card, to, profile)
        assert.equal(serialize(card), before)
      }),
      { numRuns: 300 },
    )
})
