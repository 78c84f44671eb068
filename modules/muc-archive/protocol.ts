import { type Element, type Host, type Jid, parseDocument, StanzaError, serialize, xml } from '#api'
import { type DomainArchive, preferencesElement, type Sight } from '../archive/hooks.ts'
import { messageWithheld, mustRead, type RoomIq, type RoomRequest, seesJids } from '../muc/hooks.ts'
import { preferencesSlot } from './room-archives.ts'
import { RoutedAsker } from './routed-asker.ts'
import { withoutSender } from './stored-message.ts'

const NS_MAM = 'urn:xmpp:mam:2'

/** The requests about the archives of rooms (XEP-0313, XEP-0441); `archiveOf` gives that of a service. */
export function archiveIqs(host: Host, archiveOf: (service: string) => DomainArchive): readonly RoomIq[] {
  const of = ({ room }: RoomRequest): DomainArchive => archiveOf(room.service.domain)

  const query = async (element: Element, request: RoomRequest): Promise<Element> => {
    await mustRead(request)
    const { event, room, from } = request
    const asker = event.origin ?? new RoutedAsker(from.toString(), (stanza) => host.route(stanza))
    const sight = withoutWithheld(host, from.bare, await sightOf(request))
    return await of(request).answer(room.address, asker, element, sight)
  }
  const metadata = async (_element: Element, request: RoomRequest): Promise<Element> => {
    await mustRead(request)
    const { room } = request
    return await of(request).metadata(room.address, { sinceMs: room.known.createdMs })
  }
  const form = async (_element: Element, request: RoomRequest): Promise<Element> => {
    await mustRead(request)
    return of(request).form()
  }
  const prefs = async (_element: Element, request: RoomRequest): Promise<Element> => {
    await mustOwn(request)
    return preferencesElement(await of(request).preferences(request.room.address))
  }
  const setPrefs = async (element: Element, request: RoomRequest): Promise<Element> => {
    await mustOwn(request)
    const { room } = request
    const preferences = await of(request).setPreferences(room.address, element)
    room.slots.set(preferencesSlot, preferences)
    return preferencesElement(preferences)
  }
  return [
    { type: 'get', name: 'query', xmlns: NS_MAM, handler: form },
    { type: 'set', name: 'query', xmlns: NS_MAM, isShared: true, handler: query },
    { type: 'get', name: 'metadata', xmlns: NS_MAM, handler: metadata },
    { type: 'get', name: 'prefs', xmlns: NS_MAM, handler: prefs },
    { type: 'set', name: 'prefs', xmlns: NS_MAM, handler: setPrefs },
  ]
}

/** XEP-0313 §6.1.2: real JIDs are for those who may see them in the room. */
async function sightOf(request: RoomRequest): Promise<Sight> {
  const sinceMs = request.room.known.createdMs
  if (await seesJids(request)) return { sinceMs }
  const self = request.from.bare.toString()
  return { sinceMs, view: withoutSender, knows: (sender) => sender === self }
}

/** What is kept from somebody leaves its place empty, so that pages stay what they are. */
function withoutWithheld(host: Host, account: Jid, sight: Sight): Sight {
  const view = sight.view ?? ((text: string) => text)
  return {
    ...sight,
    view(text) {
      const message = {
        account,
        // Parsed only where somebody asks.
        get stanza() {
          return parseDocument(withoutSender(text))
        },
      }
      if (!host.hooks.ask(messageWithheld, message)) return view(text)
      return serialize(xml('message', parseDocument(text).attrs))
    },
  }
}

async function mustOwn({ affiliation }: RoomRequest): Promise<void> {
  if ((await affiliation()) !== 'owner') throw new StanzaError('forbidden', 'Only owners say what a room keeps.')
}
