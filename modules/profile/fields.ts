import { type Element, xml } from '#api'

/** The namespace of vCards by RFC 6351. */
export const NS_VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'

/**
 * Something that vcard-temp and vCard4 both can say. A value is text, or a list of texts as JSON, the same for both;
 * `undefined` is for an element that says something the other cannot.
 */
export interface Field {
  /** What vcard-temp calls it, first the name that is written. */
  readonly temp: readonly string[]
  readonly four: string
  readonly fromTemp: (element: Element) => string | undefined
  readonly toTemp: (value: string) => Element
  readonly from4: (element: Element) => string | undefined
  readonly to4: (value: string) => Element
}

/** What is said of somebody in the form that both have: values by field. */
export type Profile = ReadonlyMap<Field, readonly string[]>

const text = (element: Element | undefined): string | undefined => element?.getText().trim() || undefined
const texts = (elements: readonly Element[]): string[] => elements.map((el) => el.getText().trim())
const child = (element: Element, name: string): string => text(element.getChild(name)) ?? ''
const list = (values: readonly string[]): string | undefined =>
  values.every((value) => value === '') ? undefined : JSON.stringify(values)
const listed = (value: string): readonly string[] => JSON.parse(value) as readonly string[]
const filled = (names: readonly string[], values: readonly string[]): Element[] =>
  names.flatMap((name, at) => (values[at] ? [xml(name, null, values[at])] : []))

/** A text. `as` are the elements around it in vCard4, first the one that is written. */
function plain(temp: readonly string[], four: string, ...as: readonly string[]): Field {
  return {
    temp,
    four,
    fromTemp: text,
    toTemp: (value) => xml(temp[0]!, null, value),
    from4: (element) => as.map((name) => text(element.getChild(name))).find((value) => value !== undefined),
    to4: (value) => xml(four, null, xml(as[0]!, null, value)),
  }
}

/** Several texts that are one thing, each with a name of its own in both. */
function structured(
  temp: string,
  four: string,
  parts: readonly (readonly [temp: string, four: string])[],
  kinds: readonly string[] = [],
): Field {
  const tempNames = parts.map(([name]) => name)
  const fourNames = parts.map(([, name]) => name)
  // Kinds and nothing of which they are the kind say nothing.
  const value = (kind: string, said: readonly string[]) =>
    list(said) && list(kinds.length === 0 ? said : [kind, ...said])
  const split = (value: string) => (kinds.length === 0 ? ['', ...listed(value)] : listed(value))
  return {
    temp: [temp],
    four,
    fromTemp: (el) =>
      value(
        kindOfTemp(el, kinds),
        tempNames.map((name) => child(el, name)),
      ),
    toTemp: (value) => {
      const [kind = '', ...said] = split(value)
      return xml(temp, null, ...tempKinds(kind), ...filled(tempNames, said))
    },
    from4: (el) =>
      value(
        kindOf4(el, kinds),
        fourNames.map((name) => texts(el.getChildren(name)).join(' ').trim()),
      ),
    to4: (value) => {
      const [kind = '', ...said] = split(value)
      return xml(four, null, ...parametersOf(kind), ...filled(fourNames, said))
    },
  }
}

/** The kinds of address and number that both know; vCard4 has them in lower case. */
const PLACES = ['home', 'work', 'pref']
const NUMBERS = ['home', 'work', 'voice', 'fax', 'cell', 'video', 'pager', 'pref']

function kindOfTemp(element: Element, kinds: readonly string[]): string {
  return kinds.filter((kind) => element.getChild(kind.toUpperCase()) !== undefined).join(' ')
}

function tempKinds(kind: string): Element[] {
  return kind === '' ? [] : kind.split(' ').map((name) => xml(name.toUpperCase()))
}

function kindOf4(element: Element, kinds: readonly string[]): string {
  const parameters = element.getChild('parameters')
  const named = parameters?.getChildren('type').flatMap((type) => texts(type.getChildElements())) ?? []
  const said = new Set(named.map((name) => name.toLowerCase()))
  const preference = parameters?.getChild('pref')
  if ((preference?.getChildText('integer') ?? preference?.getText())?.trim() === '1') said.add('pref')
  return kinds.filter((kind) => said.has(kind)).join(' ')
}

function parametersOf(kind: string): Element[] {
  const kinds = kind === '' ? [] : kind.split(' ')
  if (kinds.length === 0) return []
  const types = kinds.filter((name) => name !== 'pref').map((name) => xml('text', null, name))
  const parts = types.length === 0 ? [] : [xml('type', null, ...types)]
  if (kinds.includes('pref')) parts.push(xml('pref', null, xml('integer', null, '1')))
  return [xml('parameters', null, ...parts)]
}

/** One text with kinds, such as an e-mail address. */
function kinded(
  temp: string,
  inTemp: string,
  four: string,
  kinds: readonly string[],
  from4: (element: Element) => string | undefined,
  to4: (value: string) => Element,
): Field {
  return {
    temp: [temp],
    four,
    fromTemp: (el) => child(el, inTemp) && list([kindOfTemp(el, kinds), child(el, inTemp)]),
    toTemp: (value) => {
      const [kind = '', said = ''] = listed(value)
      return xml(temp, null, ...tempKinds(kind), xml(inTemp, null, said))
    },
    from4: (el) => {
      const said = from4(el)
      return said && list([kindOf4(el, kinds), said])
    },
    to4: (value) => {
      const [kind = '', said = ''] = listed(value)
      return xml(four, null, ...parametersOf(kind), to4(said))
    },
  }
}

const number = kinded(
  'TEL',
  'NUMBER',
  'tel',
  NUMBERS,
  (el) => text(el.getChild('uri'))?.replace(/^tel:/i, '') ?? text(el.getChild('text')),
  // RFC 3966 §3 has neither spaces nor words.
  (said) => (/^[+0-9().-]+$/.test(said) ? xml('uri', null, `tel:${said}`) : xml('text', null, said)),
)

const email = kinded(
  'EMAIL',
  'USERID',
  'email',
  PLACES,
  (el) => text(el.getChild('text')),
  (said) => xml('text', null, said),
)

/** XEP-0292 §11.1.2. */
const address: Field = {
  temp: ['JABBERID'],
  four: 'impp',
  fromTemp: text,
  toTemp: (value) => xml('JABBERID', null, value),
  from4: (el) => {
    const uri = text(el.getChild('uri'))
    if (!uri?.startsWith('xmpp:')) return undefined
    try {
      return decodeURIComponent(uri.slice('xmpp:'.length)).trim() || undefined
    } catch {
      return undefined
    }
  },
  to4: (value) => xml('impp', null, xml('uri', null, `xmpp:${encodeURI(value)}`)),
}

const place: Field = {
  temp: ['GEO'],
  four: 'geo',
  fromTemp: (el) => {
    const at = [child(el, 'LAT'), child(el, 'LON')]
    return at.every((degrees) => /^-?[0-9.]+$/.test(degrees)) ? list(at) : undefined
  },
  toTemp: (value) => xml('GEO', null, ...filled(['LAT', 'LON'], listed(value))),
  from4: (el) => {
    const at = /^geo:(-?[0-9.]+),(-?[0-9.]+)$/i.exec(text(el.getChild('uri')) ?? '')
    return at === null ? undefined : list(at.slice(1))
  },
  to4: (value) => xml('geo', null, xml('uri', null, `geo:${listed(value).join()}`)),
}

/** Units may follow the name of an organisation; vCard4 has them by their order. */
const organisation: Field = {
  temp: ['ORG'],
  four: 'org',
  fromTemp: (el) => list([child(el, 'ORGNAME'), ...texts(el.getChildren('ORGUNIT')).filter((unit) => unit !== '')]),
  toTemp: (value) => {
    const [name, ...units] = listed(value)
    return xml('ORG', null, ...filled(['ORGNAME'], [name!]), ...units.map((unit) => xml('ORGUNIT', null, unit)))
  },
  from4: (el) => {
    const [name = '', ...units] = texts(el.getChildren('text'))
    return list([name, ...units.filter((unit) => unit !== '')])
  },
  to4: (value) => xml('org', null, ...listed(value).map((part) => xml('text', null, part))),
}

const words: Field = {
  temp: ['CATEGORIES'],
  four: 'categories',
  fromTemp: (el) => list(texts(el.getChildren('KEYWORD')).filter((word) => word !== '')),
  toTemp: (value) => xml('CATEGORIES', null, ...listed(value).map((word) => xml('KEYWORD', null, word))),
  from4: (el) => list(texts(el.getChildren('text')).filter((word) => word !== '')),
  to4: (value) => xml('categories', null, ...listed(value).map((word) => xml('text', null, word))),
}

/** A picture that is somewhere else; one in the vCard itself is the avatar. */
const photo: Field = {
  temp: ['PHOTO'],
  four: 'photo',
  fromTemp: (el) => (child(el, 'BINVAL') === '' ? text(el.getChild('EXTVAL')) : undefined),
  toTemp: (value) => xml('PHOTO', null, xml('EXTVAL', null, value)),
  from4: (el) => {
    const uri = text(el.getChild('uri'))
    return uri?.startsWith('data:') ? undefined : uri
  },
  to4: (value) => xml('photo', null, xml('uri', null, value)),
}

/** All that both can say (XEP-0292 §11). */
export const fields: readonly Field[] = [
  plain(['FN'], 'fn', 'text'),
  structured('N', 'n', [
    ['FAMILY', 'surname'],
    ['GIVEN', 'given'],
    ['MIDDLE', 'additional'],
    ['PREFIX', 'prefix'],
    ['SUFFIX', 'suffix'],
  ]),
  plain(['NICKNAME'], 'nickname', 'text'),
  plain(['BDAY'], 'bday', 'date', 'date-time', 'text'),
  photo,
  email,
  number,
  address,
  structured(
    'ADR',
    'adr',
    [
      ['POBOX', 'pobox'],
      ['EXTADD', 'ext'],
      ['STREET', 'street'],
      ['LOCALITY', 'locality'],
      ['REGION', 'region'],
      ['PCODE', 'code'],
      ['CTRY', 'country'],
    ],
    PLACES,
  ),
  plain(['TZ'], 'tz', 'text'),
  place,
  organisation,
  plain(['TITLE'], 'title', 'text'),
  plain(['ROLE'], 'role', 'text'),
  words,
  plain(['URL'], 'url', 'uri'),
  // XEP-0292 §11.1.1
  plain(['DESC', 'NOTE'], 'note', 'text'),
]
