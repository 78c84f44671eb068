/** Prepares the parts of an XMPP address, so that two texts that mean one address become one text (RFC 7622 §3). */

import { toASCII, toUnicode } from 'tr46'
import { satisfiesBidiRule } from './bidi-rule.ts'
import { JidError } from './jid-error.ts'
import { codePointProperty, firstOutOfContext } from './precis.ts'

/** The greatest length of each part, in octets of UTF-8 (RFC 7622 §3.1). */
const maxOctets = 1023
/** No text longer than this (in UTF-16 units) can shrink to {@link maxOctets} by mapping: it is refused unread. */
const maxUnits = 4096
/** The greatest length of a domain name, as A-labels (RFC 1034 §3.1, without the root's dot). */
const maxNameOctets = 253
/** RFC 8265 §3.3.3: applied until the text is stable, refused when three more times do not suffice. */
const maxRounds = 4

// RFC 7622 §3.3.1
const excludedFromLocal = /["&'/:<>@]/

/**
 * Prepares a localpart: UsernameCaseMapped (RFC 8265 §3.3) without the characters that RFC 7622 §3.3.1 excludes.
 *
 * @throws JidError when it is empty, too long or has a code point that may not stand there.
 */
export function prepareLocal(text: string): string {
  // Printable ASCII but the space and the excluded: lower case is all that the profile would do.
  if (text.length <= maxOctets && /^[!#-%(-.0-9;=?A-~]+$/.test(text)) return text.toLowerCase()
  return prepareLocalSlowly(text)
}

/** What {@link prepareLocal} does to text outside its ASCII fast path; for a text inside it both agree. */
export function prepareLocalSlowly(text: string): string {
  checkInput('localpart', text)
  const prepared = untilStable('localpart', text, mapUsername)
  const excluded = excludedFromLocal.exec(prepared)
  if (excluded !== null) throw refused('localpart', excluded[0], 'is not allowed')
  checkOctets('localpart', prepared)
  return prepared
}

/**
 * Prepares a resourcepart: OpaqueString (RFC 8265 §4.2), case kept (RFC 7622 §3.4).
 *
 * @throws JidError when it is empty, too long or has a code point that may not stand there.
 */
export function prepareResource(text: string): string {
  if (text.length <= maxOctets && /^[ -~]+$/.test(text)) return text
  return prepareResourceSlowly(text)
}

/** What {@link prepareResource} does to text outside its ASCII fast path; for a text inside it both agree. */
export function prepareResourceSlowly(text: string): string {
  checkInput('resourcepart', text)
  const prepared = untilStable('resourcepart', text, mapOpaque)
  checkOctets('resourcepart', prepared)
  return prepared
}

const asciiLabel = '(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const asciiDomain = new RegExp(`^(?=.{1,253}$)${asciiLabel}(?:\\.${asciiLabel})*$`, 'i')

/**
 * Prepares a domainpart: IDNA2008 names as U-labels in lower case without the final dot, IPv4 addresses as they are, IPv6
 * addresses in brackets in their shortest form (RFC 7622 §3.2). DNS's limits hold: labels of 63 octets, names of 253.
 *
 * @throws JidError when it is empty, too long or no host name.
 */
export function prepareDomain(text: string): string {
  // RFC 7622 §3.2: a final dot goes before anything else is looked at.
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (asciiDomain.test(name)) return name.toLowerCase()
  return prepareDomainSlowly(name)
}

/** What {@link prepareDomain} does to a name outside its ASCII fast path, once the final dot is gone. */
export function prepareDomainSlowly(name: string): string {
  checkInput('domainpart', name)
  if (name.startsWith('[')) return prepareIpv6(name)
  const strict = { checkHyphens: true, checkBidi: true, checkJoiners: true, useSTD3ASCIIRules: true }
  const { domain, error } = toUnicode(name, strict)
  if (error) throw new JidError('The domainpart is not a valid internationalized domain name.')
  // No code point takes less than an octet of an A-label; the punycode below costs the square of its length.
  if (domain.length > 2 * maxNameOctets) throw tooLongForDns()
  for (const label of domain.split('.')) checkLabel(label)
  // RFC 7622 §3.2: the limits of RFC 1034 hold, and they count A-labels; a name within them has fewer than 1023 octets.
  if (toASCII(domain, { ...strict, verifyDNSLength: true }) === null) throw tooLongForDns()
  return domain
}

/**
 * Folds a prepared localpart to what an older or a careless peer, or an eye, may take it for: two accounts of one fold
 * must not exist side by side. Peers on stringprep turn ß into ss, ς into σ and drop joiners.
 */
export function foldForCollision(local: string): string {
  const folded = local.normalize('NFKC').toUpperCase().toLowerCase()
  return folded.replace(/\p{Default_Ignorable_Code_Point}/gu, '').normalize('NFKC')
}

function tooLongForDns(): JidError {
  return new JidError('The domainpart has a label of more than 63 octets, or more than 253 octets in all.')
}

type Part = 'localpart' | 'domainpart' | 'resourcepart'

function refused(part: Part, char: string, why: string): JidError {
  const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
  return new JidError(`The ${part} has the code point U+${code}, which ${why}.`)
}

function checkInput(part: Part, text: string): void {
  if (text === '') throw new JidError(`The ${part} is empty.`)
  if (text.length > maxUnits) throw new JidError(`The ${part} is longer than ${maxOctets} octets.`)
}

function checkOctets(part: Part, text: string): void {
  if (Buffer.byteLength(text) > maxOctets) throw new JidError(`The ${part} is longer than ${maxOctets} octets.`)
}

function untilStable(part: Part, text: string, map: (text: string) => string): string {
  for (let round = 0; round < maxRounds; round += 1) {
    const mapped = map(text)
    if (mapped === text) return text
    text = mapped
  }
  throw new JidError(`The ${part} does not become stable under preparation.`)
}

/** One application of UsernameCaseMapped (RFC 8265 §3.3.3). */
function mapUsername(text: string): string {
  // Width: the decomposition of these forms. Where it differs from NFKC (jamo, the macron) both are refused.
  const narrow = text.replace(/[\u3000\uFF01-\uFFEE]/g, (char) => char.normalize('NFKC'))
  checkCodePoints('localpart', [...narrow], false)
  const mapped = narrow.toLowerCase().normalize('NFC')
  const chars = [...mapped]
  checkCodePoints('localpart', chars, false)
  checkContext('localpart', mapped)
  if (!satisfiesBidiRule(chars)) throw new JidError('The localpart mixes writing directions (RFC 5893).')
  return mapped
}

/** One application of OpaqueString (RFC 8265 §4.2.2). */
function mapOpaque(text: string): string {
  checkCodePoints('resourcepart', [...text], true)
  const mapped = text.replace(/\p{Zs}/gu, ' ').normalize('NFC')
  checkCodePoints('resourcepart', [...mapped], true)
  checkContext('resourcepart', mapped)
  return mapped
}

function checkCodePoints(part: Part, chars: readonly string[], freeform: boolean): void {
  for (const char of chars) {
    const property = codePointProperty(char)
    if (property === 'valid' || property === 'context' || (property === 'free' && freeform)) continue
    throw refused(part, char, property === 'unassigned' ? 'is not assigned' : 'is not allowed')
  }
}

function checkContext(part: Part, text: string): void {
  const char = firstOutOfContext(text)
  if (char !== undefined) throw refused(part, char, 'is not allowed where it stands')
}

// RFC 5892 §2.4
const ignorableBlocks = /[\u20D0-\u20FF\u{1D100}-\u{1D1FF}\u{1D200}-\u{1D24F}]/u

/**
 * Checks a U-label against IDNA2008 (RFC 5892 §3), which allows less than UTS #46: no symbols, no emoji. UTS #46 has
 * refused what is unstable under NFKC and case folding already, so that what is left is PRECIS's IdentifierClass.
 */
function checkLabel(label: string): void {
  if (label === '') throw new JidError('The domainpart has an empty label.')
  checkCodePoints('domainpart', [...label], false)
  checkContext('domainpart', label)
  const ignorable = ignorableBlocks.exec(label)
  if (ignorable !== null) throw refused('domainpart', ignorable[0], 'is not allowed')
}

function prepareIpv6(name: string): string {
  const address = /^\[([0-9a-f:.]+)\]$/i.exec(name)?.[1]
  // The URL parser reads IPv6 addresses strictly and writes the one shortest form (RFC 5952).
  if (address === undefined || !URL.canParse(`http://[${address}]/`)) {
    throw new JidError('The domainpart is not a valid IPv6 address in brackets.')
  }
  return new URL(`http://[${address}]/`).hostname
}
