import { Element, ownText, StanzaError, type StanzaEvent, Wire, xml } from '#api'
import type { Speech } from './hooks.ts'
import { NS_OCCUPANT_ID } from './namespaces.ts'
import type { Seat } from './occupant.ts'
import { showPending } from './presence.ts'
import type { SubjectRecord } from './records.ts'
import type { Room } from './room.ts'
import type { RoomService } from './service.ts'

type Pending = void | Promise<void>

/** Takes a message to all occupants of a room (XEP-0045 §7.4). Settles when all have got it. */
export function speak(service: RoomService, event: StanzaEvent): Pending {
  const { to, stanza, from } = event
  const isSubject = changesSubject(stanza)
  // A change of the room's state waits, and is waited for.
  return service.with(to.local, !isSubject, (room) => {
    room.mustExist()
    const seat = room.seat(from)
    // XEP-0045 §10.1.3
    if (seat === undefined && room.known.locked) throw new StanzaError('item-not-found', 'There is no such room.')
    // §7.4
    if (seat === undefined) throw new StanzaError('not-acceptable', 'Only those who are in the room may speak.')
    return say(room, seat, event, isSubject)
  })
}

/** XEP-0045 §8.1: a message with a subject, and neither body nor thread. */
function changesSubject(stanza: Element): boolean {
  return (
    stanza.getChild('subject') !== undefined &&
    stanza.getChild('body') === undefined &&
    stanza.getChild('thread') === undefined
  )
}

function say(room: Room, seat: Seat, event: StanzaEvent, isSubject: boolean): Pending {
  const { service } = room
  const { occupant } = seat
  const said: Speech = { room, occupant, seat, stanza: event.stanza, isSubject }
  for (const aspect of service.doing('speaking')) aspect.speaking(said)
  const stanza = new Element('message', { ...event.stanza.attrs, from: occupant.address, to: undefined })
  stanza.children = event.stanza.children.filter(
    (child) => typeof child === 'string' || !service.forbidden.has(`${child.name} ${child.attrs['xmlns']}`),
  )
  const speech: Speech = { ...said, stanza }
  for (const aspect of service.doing('shaping')) aspect.shaping(speech)
  stanza.append(xml('occupant-id', { xmlns: NS_OCCUPANT_ID, id: occupant.id }))
  const isKept = service.archive?.keeps(speech) === true
  const written = followed(speech, isKept ? service.archive?.append(speech) : undefined)
  if (!isSubject) return inTurn(room, event, written, () => sendOut(speech, isKept))
  const subject = {
    text: ownText(stanza.getChildText('subject') ?? ''),
    nick: occupant.nick,
    occupantId: occupant.id,
    ms: service.clock.now(),
  }
  return takeSubject(speech, subject, written).then(() => sendOut(speech, isKept))
}

/** The room has a subject only once the message is kept, which may be refused. */
async function takeSubject(
  { room }: Speech,
  subject: SubjectRecord,
  written: Promise<void> | undefined,
): Promise<void> {
  await written
  await room.service.store.saveSubject(room.known.id, subject)
  room.record = { ...room.known, subject }
}

/** Settles when what follows a message is done, too. */
function followed(speech: Speech, written: Promise<void> | undefined): Promise<void> | undefined {
  let all = written
  for (const aspect of speech.room.service.doing('following')) {
    const work = aspect.following(speech)
    if (work !== undefined) all = all === undefined ? work() : all.then(work)
  }
  return all
}

/** Sends what is said out when it is on disk, in the order in which it was said; the sender's next may follow it to disk. */
function inTurn(room: Room, event: StanzaEvent, written: Promise<void> | undefined, send: () => void): Pending {
  const before = room.saying
  const ready = written === undefined ? before : before === undefined ? written : written.then(() => before)
  if (ready === undefined) return send()
  const said = ready.then(send)
  const over = (): void => {
    if (room.saying === settled) room.saying = undefined
  }
  const settled: Promise<void> = said.then(over, over)
  room.saying = settled
  // The sender's next may begin right here, and finds its place behind this one.
  event.turn?.recorded()
  return said
}

function sendOut(speech: Speech, isKept: boolean): void {
  const { room, stanza, occupant } = speech
  showPending(room, occupant)
  room.sendToAll(Wire.of(stanza), occupant.jid)
  // Where there is an archive, what it does not keep nobody hears later.
  if (isKept || room.service.archive === undefined) room.service.history.add(room, stanza)
  for (const aspect of room.service.doing('said')) aspect.said(speech)
}
