import { type FormField, Jid, readBoolean, StanzaError } from '#api'
import type { NodeConfig } from './records.ts'
import { refusal, unsupported } from './refusal.ts'

/** Who may subscribe to a node and read it (XEP-0060 §4.5). */
export type AccessModel = 'authorize' | 'open' | 'presence' | 'roster' | 'whitelist'
/** Who may publish beside the publishers. */
export type PublishModel = 'open' | 'publishers' | 'subscribers'
/** When somebody gets the newest item unasked. */
export type SendLast = 'never' | 'on_sub' | 'on_sub_and_presence'

/** What a node is set to, all defaults filled in. */
export interface NodeSettings {
  readonly title: string
  readonly description: string
  readonly type: string
  readonly language: string
  readonly contacts: readonly string[]
  readonly accessModel: AccessModel
  readonly publishModel: PublishModel
  readonly rosterGroups: readonly string[]
  /** How many items are kept. */
  readonly maxItems: number
  readonly persistItems: boolean
  /** After how many seconds an item goes; 0 is never. */
  readonly itemExpire: number
  /** Bytes of a payload; 0 is no limit. */
  readonly maxPayloadSize: number
  readonly deliverNotifications: boolean
  readonly deliverPayloads: boolean
  readonly notifyConfig: boolean
  readonly notifyDelete: boolean
  readonly notifyRetract: boolean
  readonly notifySub: boolean
  readonly presenceBased: boolean
  readonly sendLast: SendLast
  readonly notificationType: 'chat' | 'headline' | 'normal'
  readonly itemReply: 'owner' | 'publisher'
}

/** What bounds the settings. */
export interface NodeLimits {
  /** Most items of a node; `max` stands for it. */
  readonly maxItems: number
  /** Largest payload in bytes; 0 is no limit. */
  readonly maxPayload: number
}

/** How a field of the configuration form is read. */
interface ConfigField {
  readonly name: string
  readonly label: string
  readonly type: NonNullable<FormField['type']>
  readonly options?: readonly string[]
  /** Made from the limits, such as the largest number. */
  readonly check?: (value: string, limits: NodeLimits) => boolean
}

const isNumber = (value: string): boolean => /^\d{1,9}$/.test(value)
/** Most characters of a value, and of all values of a field: nodes in memory have them. */
const [MAX_TEXT, MAX_TEXTS] = [1000, 10_000]

/** The fields of the configuration form, in its order (XEP-0060 §16.4.4); `pubsub#` goes before each name. */
export const configFields: readonly ConfigField[] = [
  { name: 'title', label: 'A short name of the node', type: 'text-single' },
  { name: 'description', label: 'What the node is about', type: 'text-single' },
  { name: 'type', label: 'What kind of thing is published', type: 'text-single' },
  { name: 'language', label: 'The language of what is published', type: 'text-single' },
  { name: 'contact', label: 'Whom to ask about the node', type: 'jid-multi' },
  {
    name: 'access_model',
    label: 'Who may subscribe and read',
    type: 'list-single',
    options: ['authorize', 'open', 'presence', 'roster', 'whitelist'],
  },
  { name: 'roster_groups_allowed', label: 'Roster groups that may subscribe and read', type: 'list-multi' },
  {
    name: 'publish_model',
    label: 'Who may publish',
    type: 'list-single',
    options: ['publishers', 'subscribers', 'open'],
  },
  {
    name: 'max_items',
    label: 'How many items are kept, or max',
    type: 'text-single',
    check: (value, { maxItems }) =>
      value === 'max' || (isNumber(value) && (maxItems === 0 || Number(value) <= maxItems)),
  },
  { name: 'persist_items', label: 'Items are kept', type: 'boolean' },
  {
    name: 'item_expire',
    label: 'After how many seconds an item is removed, or max for never',
    type: 'text-single',
    check: (value) => value === 'max' || isNumber(value),
  },
  {
    name: 'max_payload_size',
    label: 'The largest payload, in bytes',
    type: 'text-single',
    check: (value, { maxPayload }) => isNumber(value) && (maxPayload === 0 || Number(value) <= maxPayload),
  },
  { name: 'deliver_notifications', label: 'Subscribers are notified', type: 'boolean' },
  { name: 'deliver_payloads', label: 'Notifications hold the payload', type: 'boolean' },
  { name: 'notify_config', label: 'Subscribers are notified of another configuration', type: 'boolean' },
  { name: 'notify_delete', label: 'Subscribers are notified when the node is deleted', type: 'boolean' },
  { name: 'notify_retract', label: 'Subscribers are notified of items that are removed', type: 'boolean' },
  { name: 'notify_sub', label: 'Owners are notified of subscribers', type: 'boolean' },
  { name: 'presence_based_delivery', label: 'Only those who are available are notified', type: 'boolean' },
  {
    name: 'send_last_published_item',
    label: 'When the newest item is sent unasked',
    type: 'list-single',
    options: ['never', 'on_sub', 'on_sub_and_presence'],
  },
  {
    name: 'notification_type',
    label: 'The type of notifications',
    type: 'list-single',
    options: ['normal', 'headline', 'chat'],
  },
  {
    name: 'itemreply',
    label: 'Whom a reply to an item goes to',
    type: 'list-single',
    options: ['owner', 'publisher'],
  },
]

const byName = new Map(configFields.map((field) => [field.name, field]))
const PREFIX = 'pubsub#'

/** Fields of nodes that hold nodes (XEP-0248), of which there are none here, and their only values. */
const fixed: Readonly<Record<string, readonly string[]>> = { 'pubsub#node_type': ['leaf'], 'pubsub#collection': [''] }

/**
 * Reads the fields of a form into a configuration, values in one spelling.
 *
 * @param onUnknown what an unknown field means; a form of the whole configuration may have fields that other servers know.
 * @throws StanzaError `not-acceptable` for what no field can be.
 */
export function readConfig(
  form: ReadonlyMap<string, readonly string[]>,
  limits: NodeLimits,
  onUnknown: (name: string) => void = () => {},
): NodeConfig {
  const config: Record<string, string | readonly string[]> = {}
  for (const [name, values] of form) {
    if (name === 'FORM_TYPE') continue
    const field = name.startsWith(PREFIX) ? byName.get(name.slice(PREFIX.length)) : undefined
    const only = Object.hasOwn(fixed, name) ? fixed[name] : undefined
    if (field !== undefined) config[field.name] = canonical(field, values, limits)
    else if (only === undefined) onUnknown(name)
    // XEP-0248 §5.1
    else if (!values.every((value) => only.includes(value))) throw unsupported('collections')
  }
  return config
}

function canonical(field: ConfigField, values: readonly string[], limits: NodeLimits): string | readonly string[] {
  const wrong = (): StanzaError =>
    field.name === 'access_model'
      ? refusal('not-acceptable', 'unsupported-access-model', `There is no access model ${values[0]}.`)
      : new StanzaError(
          'not-acceptable',
          `The field pubsub#${field.name} cannot be ${values.join(', ').slice(0, 100)}.`,
        )
  if (values.length > 100 || values.join('').length > MAX_TEXTS || values.some(({ length }) => length > MAX_TEXT))
    throw wrong()
  if (field.type === 'list-multi' || field.type === 'jid-multi') {
    const given = values.filter((value) => value !== '')
    const read = field.type === 'list-multi' ? given : given.map((text) => Jid.tryParse(text)?.toString())
    if (read.includes(undefined)) throw wrong()
    return [...new Set(read as string[])]
  }
  if (values.length > 1) throw wrong()
  const value = (values[0] ?? '').trim()
  if (field.type === 'boolean') {
    const flag = readBoolean(value)
    if (flag === undefined) throw wrong()
    return flag ? '1' : '0'
  }
  if (field.options !== undefined && !field.options.includes(value)) throw wrong()
  if (field.check !== undefined && !field.check(value, limits)) throw wrong()
  return value
}

/** Whether two values of a field are the same. */
export function sameValue(
  one: string | readonly string[] | undefined,
  other: string | readonly string[] | undefined,
): boolean {
  const texts = (value: string | readonly string[] | undefined) => [value ?? ''].flat().filter((text) => text !== '')
  return JSON.stringify(texts(one).sort()) === JSON.stringify(texts(other).sort())
}

/** What is left of a configuration without what is so by default. */
export function unlike(config: NodeConfig, defaults: NodeConfig): NodeConfig {
  return Object.fromEntries(Object.entries(config).filter(([name, value]) => !sameValue(value, defaults[name])))
}

/** The settings a configuration comes to. */
export function settingsOf(config: NodeConfig, defaults: NodeConfig, limits: NodeLimits): NodeSettings {
  const text = (name: string): string => [config[name] ?? defaults[name] ?? ''].flat()[0] ?? ''
  const texts = (name: string): readonly string[] => [config[name] ?? defaults[name] ?? []].flat()
  const flag = (name: string): boolean => text(name) === '1'
  const most = limits.maxItems === 0 ? Number.MAX_SAFE_INTEGER : limits.maxItems
  const number = (name: string, max: number): number => (text(name) === 'max' ? max : Number(text(name)))
  const ownSize = Number(text('max_payload_size'))
  return {
    title: text('title'),
    description: text('description'),
    type: text('type'),
    language: text('language'),
    contacts: texts('contact'),
    accessModel: text('access_model') as AccessModel,
    publishModel: text('publish_model') as PublishModel,
    rosterGroups: texts('roster_groups_allowed'),
    maxItems: Math.min(number('max_items', most), most),
    persistItems: flag('persist_items'),
    itemExpire: number('item_expire', 0),
    maxPayloadSize:
      ownSize > 0 && (limits.maxPayload === 0 || ownSize < limits.maxPayload) ? ownSize : limits.maxPayload,
    deliverNotifications: flag('deliver_notifications'),
    deliverPayloads: flag('deliver_payloads'),
    notifyConfig: flag('notify_config'),
    notifyDelete: flag('notify_delete'),
    notifyRetract: flag('notify_retract'),
    notifySub: flag('notify_sub'),
    presenceBased: flag('presence_based_delivery'),
    sendLast: text('send_last_published_item') as SendLast,
    notificationType: text('notification_type') as NodeSettings['notificationType'],
    itemReply: text('itemreply') as NodeSettings['itemReply'],
  }
}

/** The form of a configuration, filled in (XEP-0060 §8.2.1). */
export function configForm(config: NodeConfig, defaults: NodeConfig): readonly FormField[] {
  return configFields.map(({ name, label, type, options }) => ({
    var: `${PREFIX}${name}`,
    type,
    label,
    values: [config[name] ?? defaults[name] ?? []].flat(),
    ...(options !== undefined && { options: options.map((value) => ({ value })) }),
  }))
}

/** What all nodes are by default; a face says what is otherwise with its own. */
export const plainDefaults: NodeConfig = {
  title: '',
  description: '',
  type: '',
  language: '',
  access_model: 'open',
  publish_model: 'publishers',
  max_items: '20',
  persist_items: '1',
  item_expire: 'max',
  max_payload_size: '0',
  deliver_notifications: '1',
  deliver_payloads: '1',
  notify_config: '0',
  notify_delete: '1',
  notify_retract: '1',
  notify_sub: '0',
  presence_based_delivery: '0',
  send_last_published_item: 'on_sub',
  notification_type: 'headline',
  itemreply: 'owner',
}
