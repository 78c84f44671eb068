import { defineNotice } from '#api'

/** What an account wants to be told of while away from a room is something else now. */
export interface ChoiceChanged {
  /** A bare JID. */
  readonly account: string
  /** The bare JID of the room, on whatever host. */
  readonly room: string
}
export const choiceChanged = defineNotice<ChoiceChanged>(
  'bookmarks/choice-changed',
  'An account’s bookmark says something else of what it wants to be told of a room.',
)
