import { createHash } from 'node:crypto'
import { defineSlot, type Element, parseDocument, StanzaError, serialize, Wire, xml } from '#api'
import type { RoomAspect, RoomRequest } from '../hooks.ts'
import { NS_MUC_USER } from '../namespaces.ts'
import type { Seat } from '../occupant.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { isPublic } from './listing.ts'

const NS_VCARD = 'vcard-temp'
const NS_UPDATE = 'vcard-temp:x:update'
/** Pictures in a vCard: forms of one (XEP-0486 §5.1). */
const MAX_PHOTOS = 6

/** The SHA-1 of each picture of a room in hex; `undefined` until somebody asked. */
const pictures = defineSlot<{ hashes: readonly string[] | undefined }>('muc/pictures', () => ({ hashes: undefined }))

/** The vCard of a room, and in it the picture by which people know it (XEP-0486, XEP-0054). */
export function vcards({ settings, serviceIqs }: Pick<RoomService, 'serviceIqs' | 'settings'>): RoomAspect {
  const { maxSize, inPresence } = settings.avatars
  serviceIqs.set(`get vCard ${NS_VCARD}`, () => xml('vCard', { xmlns: NS_VCARD }, xml('FN', null, settings.name)))
  return {
    name: 'vcard',
    serviceFeatures: [NS_VCARD],
    features: () => [NS_VCARD],
    // XEP-0486 §4: no field without a picture.
    async info(room) {
      const values = await hashesOf(room)
      return values.length === 0
        ? []
        : [{ var: 'muc#roominfo_avatarhash', type: 'text-multi', label: 'Avatar hash', values }]
    },
    iqs: [
      { type: 'get', name: 'vCard', xmlns: NS_VCARD, handler: (_query, request) => find(request) },
      {
        type: 'set',
        name: 'vCard',
        xmlns: NS_VCARD,
        handler: (card, request) => publish(card, request, maxSize, inPresence),
      },
    ],
    // XEP-0486 §5.2: "doesn't encourage this".
    ...(inPresence && {
      async entering({ room, creates }) {
        if (!creates) await hashesOf(room)
      },
      entered: (room: Room, seat: Seat) => {
        const { hashes = [] } = room.slots.get(pictures)
        if (hashes.length > 0) room.send(seat, updateOf(room, hashes), room.jid)
      },
    }),
    destroying: (room) => room.slots.set(pictures, pictures.initial()),
  }
}

/** The hashes of the pictures of a room; no picture is read for it. */
async function hashesOf(room: Room): Promise<readonly string[]> {
  const known = room.slots.get(pictures)
  known.hashes ??= (await room.service.store.vcards.hash(room.known.id)).split(' ').filter((hash) => hash !== '')
  return known.hashes
}

/** XEP-0486 §3.4: for all who find the room; an empty one when there is none. */
async function find(request: RoomRequest): Promise<Element> {
  const { room } = request
  await mustFind(request)
  const kept = await room.service.store.vcards.find(room.known.id)
  return kept === undefined ? xml('vCard', { xmlns: NS_VCARD }) : parseDocument(kept.vcard)
}

async function mustFind({ room, seat, affiliation }: RoomRequest): Promise<void> {
  if (seat !== undefined) return
  if (room.get(isPublic)) return
  if (!isAtLeast(await affiliation(), 'member'))
    throw new StanzaError('forbidden', 'Only those who belong to the room are told.')
}

/** XEP-0486 §3.2: on disk, then all are told that the room has changed. */
async function publish(card: Element, request: RoomRequest, maxSize: number, inPresence: boolean): Promise<void> {
  const { room } = request
  if ((await request.affiliation()) !== 'owner')
    throw new StanzaError('forbidden', 'Only owners say what is in the vCard of a room.')
  const { vcards } = room.service.store
  const hashes = hashesIn(card)
  if (card.getChildElements().length === 0) await vcards.save(room.known.id, undefined)
  else {
    const vcard = serialize(card)
    if (maxSize > 0 && Buffer.byteLength(vcard) > maxSize)
      throw new StanzaError('policy-violation', `The vCard is larger than ${maxSize} bytes.`, { type: 'modify' })
    await vcards.save(room.known.id, { vcard, hash: hashes.join(' ') })
  }
  room.slots.set(pictures, { hashes })
  request.afterwards(() => {
    room.announce(xml('x', { xmlns: NS_MUC_USER }, xml('status', { code: '104' })))
    if (inPresence) room.sendToAll(updateOf(room, hashes), room.jid)
  })
}

/** XEP-0153 §3: of the picture itself, not of its base64. One that is elsewhere has none. */
export function hashesIn(card: Element): string[] {
  const photos = card.getChildren('PHOTO', NS_VCARD)
  if (photos.length > MAX_PHOTOS) throw new StanzaError('not-acceptable', `${MAX_PHOTOS} pictures are the most.`)
  return photos.flatMap((photo) => {
    const octets = Buffer.from(photo.getChildText('BINVAL', NS_VCARD) ?? '', 'base64')
    return octets.length === 0 ? [] : createHash('sha1').update(octets).digest('hex')
  })
}

/** XEP-0486 §5.2: the presence of the room itself. */
function updateOf(room: Room, [hash]: readonly string[]): Wire {
  const photo = xml('photo', null, ...(hash === undefined ? [] : [hash]))
  return Wire.of(xml('presence', { from: room.address }, xml('x', { xmlns: NS_UPDATE }, photo)))
}
