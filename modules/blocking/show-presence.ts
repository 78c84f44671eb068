import { type Host, type Jid, type User, xml } from '#api'
import type { Change } from './block-lists.ts'

/**
 * Shows a change of the list to the contacts who see the user's presence: whoever is blocked now sees each resource go
 * (XEP-0191 §3.3), whoever is no longer sees those that are available come (§3.4).
 */
export function showTo(host: Host, user: User, subscribers: Iterable<Jid>, { before, after }: Change): void {
  for (const contact of subscribers) {
    const was = before.blocks(contact)
    const is = after.blocks(contact)
    if (is && !was) for (const address of addressesOf(user)) host.route(unavailable(address, contact.toString()))
    if (was && !is) announce(host, user, contact)
    if (!was && !is) showToResources(host, user, contact, { before, after })
  }
}

/** A blocked resource of a contact goes alone; when it is unblocked it gets what all of the contact's resources get. */
function showToResources(host: Host, user: User, contact: Jid, { before, after }: Change): void {
  const start = `${contact}/`
  for (const item of after.items())
    if (item.startsWith(start) && !before.has(item))
      for (const address of addressesOf(user)) host.route(unavailable(address, item))
  for (const item of before.items()) if (item.startsWith(start) && !after.has(item)) announce(host, user, contact)
}

function announce(host: Host, user: User, contact: Jid): void {
  for (const session of user.available()) {
    const { attrs, children } = session.presence!
    const presence = xml('presence', { ...attrs, from: session.address, to: contact.toString(), id: undefined })
    // Shared, not copied: nobody edits what a session has announced.
    presence.children = children
    host.route(presence)
  }
}

function* addressesOf(user: User): Generator<string> {
  for (const session of user.available()) yield session.address
}

function unavailable(from: string, to: string) {
  return xml('presence', { type: 'unavailable', from, to })
}
