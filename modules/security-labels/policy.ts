import { type Element, Jid, type OptionComplaint, parseDocument, type ReadonlyElement, StanzaError, xml } from '#api'

/** The namespace of labels (XEP-0258). */
export const NS_LABEL = 'urn:xmpp:sec-label:0'
const NS_ESS = 'urn:xmpp:sec-label:ess:0'

/** A label as the admin configures it. */
export interface LabelConfig {
  readonly name: string
  readonly label: string
  readonly selector?: string | undefined
  readonly color: string
  readonly background: string
  readonly cleared: readonly string[]
}

/** What the admin configures. */
export interface PolicyConfig {
  readonly labels: readonly LabelConfig[]
  readonly groups: Readonly<Record<string, readonly Jid[]>>
  readonly default?: string | undefined
  readonly enforce: boolean
  readonly unlabelled: 'allowed' | 'refused'
}

/** A label of the catalogue, and who may have what bears it. */
export interface Label {
  readonly name: string
  readonly selector: string
  /** `<securitylabel/>` as clients put it into messages; not to be changed. */
  readonly element: Element
  clears(address: Jid): boolean
}

/**
 * Who may have what: the labels an admin configured, and the answers to what XEP-0258 §5 asks of a server. An address is that of an
 * account, a room, or whoever a message comes from or goes to.
 */
export class Policy {
  readonly labels: readonly Label[]
  readonly enforce: boolean
  readonly #config: PolicyConfig
  readonly #byContent = new Map<string, Label>()
  readonly #default: Label | undefined

  /** @throws Error that tells the admin what is wrong with the configuration. */
  constructor(config: PolicyConfig) {
    this.#config = config
    this.enforce = config.enforce
    this.labels = config.labels.map((label) => makeLabel(label, config.groups))
    for (const label of this.labels) {
      if (this.labels.some((other) => other !== label && other.name === label.name))
        throw new Error(`two labels are called ${label.name}`)
      const content = contentOf(label.element.getChild('label')!)
      if (content === undefined || this.#byContent.has(content))
        throw new Error(`the label ${label.name} is one that there is already`)
      this.#byContent.set(content, label)
    }
    this.#default = this.labels.find(({ name }) => name === config.default)
    if (config.default !== undefined && this.#default === undefined)
      throw new Error(`default: there is no label ${config.default}`)
  }

  /** The label a message has where it says none. */
  get default(): Label | undefined {
    return this.#default
  }

  /** Whether what bears no label may be sent at all. */
  get allowsUnlabelled(): boolean {
    return this.#default !== undefined || this.#config.unlabelled === 'allowed'
  }

  /**
   * The label that counts for a message (XEP-0258 §5): its own, an equivalent one, or the default; `undefined` for a message that has
   * none and needs none.
   *
   * @throws StanzaError `bad-request` for what is no label, `policy-violation` for one that nobody knows here, or for none where
   * there must be one.
   */
  effective(message: ReadonlyElement, isContent: boolean): Label | undefined {
    const given = message.getChildren('securitylabel', NS_LABEL)
    if (given.length === 0) return isContent ? this.#unlabelled() : undefined
    const labels = given[0]!.getChildren('label')
    // XEP-0258 §3: "one and only one" label.
    if (given.length > 1 || labels.length !== 1)
      throw new StanzaError('bad-request', 'A message has one security label.')
    const own = contentOf(labels[0]!)
    // XEP-0258 §3: an empty one stands for the default.
    if (own === undefined) return this.#unlabelled()
    for (const candidate of [labels[0]!, ...given[0]!.getChildren('equivalentlabel')]) {
      const known = this.#byContent.get(contentOf(candidate) ?? '')
      if (known !== undefined) return known
    }
    throw new StanzaError('policy-violation', 'This security label is none of the catalogue.')
  }

  #unlabelled(): Label | undefined {
    if (!this.allowsUnlabelled) throw new StanzaError('policy-violation', 'Messages need a security label here.')
    return this.#default
  }
}

/** What is wrong with a configuration whose options are right by themselves: the first of it. */
export function complaints(config: PolicyConfig): OptionComplaint[] {
  try {
    new Policy(config)
    return []
  } catch (error) {
    const message = `cannot be enforced: ${(error as Error).message}`
    return [{ option: 'labels', message, cure: 'Correct that label, or the group or default that names it.' }]
  }
}

function makeLabel(
  { name, label, selector, color, background, cleared }: LabelConfig,
  groups: PolicyConfig['groups'],
): Label {
  const marking = xml('displaymarking', { fgcolor: color, bgcolor: background }, name)
  const element = xml('securitylabel', { xmlns: NS_LABEL }, marking, xml('label', null, payloadOf(name, label)))
  return { name, selector: selector ?? name, element, clears: clearanceOf(name, cleared, groups) }
}

/** What a label says to machines: an element of the admin's, or else an ESS security label. */
function payloadOf(name: string, text: string): Element {
  if (!text.startsWith('<')) {
    if (!/^[A-Za-z\d+/]+=*$/.test(text)) throw new Error(`the label ${name} is neither base64 nor an element`)
    return xml('esssecuritylabel', { xmlns: NS_ESS }, text)
  }
  try {
    const element = parseDocument(text)
    if (element.attrs['xmlns'] !== undefined) return element
  } catch (error) {
    throw new Error(`the label ${name} is not well-formed: ${(error as Error).message}`)
  }
  throw new Error(`the label ${name} needs a namespace: <name xmlns='…'/>`)
}

function clearanceOf(label: string, cleared: readonly string[], groups: PolicyConfig['groups']): Label['clears'] {
  if (cleared.includes('everybody')) return () => true
  const addresses = new Set<string>()
  for (const entry of cleared) {
    if (Object.hasOwn(groups, entry)) for (const jid of groups[entry]!) addresses.add(jid.toString())
    else addresses.add(addressOf(label, entry))
  }
  // An account, or all of its domain.
  return ({ bare, domain }) => addresses.has(bare.toString()) || addresses.has(domain)
}

function addressOf(label: string, entry: string): string {
  const jid = Jid.tryParse(entry)
  // What has neither dot nor @ is a group that somebody has misspelt.
  if (jid?.isBare && (jid.local !== '' || /[.:]|^localhost$/.test(jid.domain))) return jid.toString()
  throw new Error(`the label ${label} clears ${entry}, which is no group, account or domain`)
}

/** What a `<label/>` says, for comparing; `undefined` for an empty one. White space around text says nothing. */
function contentOf(label: ReadonlyElement): string | undefined {
  const [child] = label.children.filter((node): node is ReadonlyElement => typeof node !== 'string')
  return child === undefined ? undefined : canonical(child)
}

function canonical({ name, attrs, children }: ReadonlyElement): string {
  const said = Object.keys(attrs)
    .filter((key) => attrs[key] !== undefined)
    .sort()
    .map((key) => [key, attrs[key]])
  const inside = children
    .map((child) => (typeof child === 'string' ? child.trim() : canonical(child)))
    .filter((text) => text !== '')
  return JSON.stringify([name, said, inside])
}
