import {
  dataForm,
  type Element,
  type FormField,
  Jid,
  JidError,
  NS_FORMS,
  readBoolean,
  readPage,
  StanzaError,
  xml,
} from '#api'
import { readDatetime } from './datetime.ts'
import { firstIdAt, knownId } from './ids.ts'
import type { Filter } from './message.ts'

export const NS_MAM = 'urn:xmpp:mam:2'
export const NS_FULLTEXT = 'urn:xmpp:fulltext:0'

const NS_VALIDATE = 'http://jabber.org/protocol/xdata-validate'
const FULLTEXT = `{${NS_FULLTEXT}}fulltext`
/** Longest id of a query, in characters: each result carries it. */
const MAX_QUERY_ID = 1024
/** How long a page is when nobody says. */
const USUAL_PAGE = 50
/** Greatest index a page may begin at: what is skipped is counted off one by one. */
const MAX_INDEX = 10_000

/** Which part of what is found is asked for (XEP-0059). */
export interface ArchivePage {
  /** How many messages at most; 0 asks for their number only (§2.7). */
  readonly max: number
  readonly after: number | undefined
  readonly before: number | undefined
  /** The last page (§2.5), or the one before `before`. */
  readonly backwards: boolean
  readonly index: number | undefined
}

/** What a client asks of its archive. */
export interface ArchiveQuery {
  readonly queryId: string | undefined
  readonly filter: Filter
  /** Only these messages; ascending, without doubles. */
  readonly ids: readonly number[] | undefined
  readonly page: ArchivePage
  /** Newest first within the page (XEP-0313 §4.3.3). */
  readonly flip: boolean
  /** Every id the query names: all must be in the archive. */
  readonly named: readonly number[]
}

const fields: readonly FormField[] = [
  { var: 'with', type: 'jid-single' },
  { var: 'start', type: 'text-single' },
  { var: 'end', type: 'text-single' },
  { var: 'before-id', type: 'text-single' },
  { var: 'after-id', type: 'text-single' },
  { var: 'ids', type: 'list-multi' },
  { var: 'include-groupchat', type: 'boolean' },
  { var: FULLTEXT, type: 'text-single' },
]

/** The fields a query can have (XEP-0313 §4.1.5); all that is in a room's archive is a room's. */
export function queryForm(ofRoom = false): Element {
  const offered = ofRoom ? fields.filter((field) => field.var !== 'include-groupchat') : fields
  const form = dataForm('form', NS_MAM, offered)
  const ids = form.getChildren('field').find((field) => field.attrs['var'] === 'ids')!
  // XEP-0313 §4.1.5: any value may be given, without a list to choose from.
  ids.append(xml('validate', { xmlns: NS_VALIDATE, datatype: 'xs:string' }, xml('open')))
  return xml('query', { xmlns: NS_MAM }, form)
}

/**
 * Reads a query (XEP-0313 §4). At most `maxPage` messages make a page, and as many can be asked for by their ids;
 * 0 is no limit.
 *
 * @throws StanzaError `bad-request`, `item-not-found` for an id that cannot be, `feature-not-implemented` for a field that
 * is not known.
 */
export function readQuery(query: Element, maxPage: number): ArchiveQuery {
  const { node, queryid } = query.attrs
  // XEP-0313 §3.3: nodes are those of other archives, such as XEP-0060's.
  if (node !== undefined) throw new StanzaError('item-not-found', 'An account’s archive has no nodes.')
  if (queryid !== undefined && queryid.length > MAX_QUERY_ID)
    throw new StanzaError('bad-request', `A queryid has ${MAX_QUERY_ID} characters at most.`)
  const page = readArchivePage(query, maxPage)
  const form = readFields(query)
  const after = mapped(form.get('after-id')?.[0], knownId)
  const before = mapped(form.get('before-id')?.[0], knownId)
  const ids = readIds(form.get('ids'), maxPage)
  const filter = readFilter(form, after, before)
  if (ids !== undefined && (filter.peer !== undefined || filter.words !== undefined || filter.groupchat === false))
    throw new StanzaError('feature-not-implemented', 'ids goes together with times and other ids only.')
  const named = [page.after, page.before, after, before].filter((id) => id !== undefined)
  return { queryId: queryid, filter, ids, page, flip: query.getChild('flip-page', NS_MAM) !== undefined, named }
}

/** Without `<set/>`, the first page is meant. */
function readArchivePage(query: Element, maxPage: number): ArchivePage {
  const most = maxPage === 0 ? Number.MAX_SAFE_INTEGER : maxPage
  const wish = readPage(query, most, { usual: USUAL_PAGE, maxIndex: MAX_INDEX }) ?? { max: Math.min(USUAL_PAGE, most) }
  const { max, after, before, index } = wish
  return {
    max,
    after: mapped(after, knownId),
    // XEP-0059 §2.5: an empty one means the last page.
    before: before === '' ? undefined : mapped(before, knownId),
    backwards: before !== undefined,
    index,
  }
}

function readFilter(form: Form, after: number | undefined, before: number | undefined): Filter {
  const start = mapped(form.get('start')?.[0], readDatetime)
  const end = mapped(form.get('end')?.[0], readDatetime)
  const peer = mapped(form.get('with')?.[0], readPeer)
  const groupchat = mapped(form.get('include-groupchat')?.[0], readFlag)
  const words = form.get(FULLTEXT)?.[0]
  const fromId = Math.max(start === undefined ? 0 : firstIdAt(Math.ceil(start)), after === undefined ? 0 : after + 1)
  const toId = Math.min(
    // Whatever came within the same millisecond has that time.
    end === undefined ? Number.MAX_SAFE_INTEGER : firstIdAt(Math.floor(end) + 1) - 1,
    before === undefined ? Number.MAX_SAFE_INTEGER : before - 1,
  )
  return {
    ...(fromId > 0 && { fromId }),
    ...(toId < Number.MAX_SAFE_INTEGER && { toId }),
    ...(peer !== undefined && { peer: peer.bare.toString() }),
    ...(peer !== undefined && !peer.isBare && { resource: peer.resource }),
    ...(groupchat === false && { groupchat }),
    // XEP-0431 §2.2: "if non-empty".
    ...(words !== undefined && words.trim() !== '' && { words }),
  }
}

type Form = ReadonlyMap<string, readonly string[]>

/** The fields of the form by name, each with its values; those without a value are left out. */
function readFields(query: Element): Form {
  const values = new Map<string, readonly string[]>()
  const form = query.getChild('x', NS_FORMS)
  if (form === undefined) return values
  if (form.attrs['type'] !== 'submit') throw new StanzaError('bad-request', 'The form must be submitted.')
  for (const field of form.getChildren('field', NS_FORMS)) {
    const name = field.attrs['var']
    if (name === undefined || values.has(name))
      throw new StanzaError('bad-request', 'Each field has a name of its own.')
    // XEP-0313 §4.1.5: "If a client includes a form field that the server does not recognise".
    if (name !== 'FORM_TYPE' && !fields.some((known) => known.var === name))
      throw new StanzaError('feature-not-implemented', `There is no field ${name}.`)
    const texts = field.getChildren('value', NS_FORMS).map((value) => value.getText())
    if (texts.length > 1 && name !== 'ids') throw new StanzaError('bad-request', `${name} takes one value.`)
    if (texts.length > 0) values.set(name, texts)
  }
  if (values.get('FORM_TYPE')?.[0] !== NS_MAM) throw new StanzaError('bad-request', `The FORM_TYPE is ${NS_MAM}.`)
  return values
}

function readIds(texts: readonly string[] | undefined, max: number): readonly number[] | undefined {
  if (texts === undefined) return undefined
  if (max > 0 && texts.length > max) throw new StanzaError('policy-violation', `Ask for ${max} messages at most.`)
  return [...new Set(texts.map(knownId))].sort((a, b) => a - b)
}

function readPeer(text: string): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('bad-request', `with must be an address: ${error.message}`)
    throw error
  }
}

function readFlag(text: string): boolean {
  const flag = readBoolean(text)
  if (flag === undefined) throw new StanzaError('bad-request', 'include-groupchat is true or false.')
  return flag
}

function mapped<A, B>(value: A | undefined, map: (value: A) => B): B | undefined {
  return value === undefined ? undefined : map(value)
}
