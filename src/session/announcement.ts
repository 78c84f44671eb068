import { randomId } from '../util/id.ts'
import { type Element, xml } from '../xml/element.ts'
import { Wire } from '../xml/wire.ts'
import type { Host } from './host.ts'

/** A message of the server's own to its people: a headline, which asks for no answer and is kept nowhere (RFC 6121 §5.2.2). */
export function headline(domain: string, subject: string, text: string): Element {
  const attrs = { from: domain, type: 'headline', id: randomId() }
  return xml('message', attrs, xml('subject', null, subject), xml('body', null, text))
}

/** Sends a headline to every client of a host that is available; resolves with their number. */
export function announce(host: Host, subject: string, text: string): number {
  const wire = Wire.of(headline(host.domain, subject, text))
  let reached = 0
  for (const user of host.users()) for (const session of user.available()) if (session.sendHere(wire)) reached++
  return reached
}
