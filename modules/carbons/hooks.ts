import { defineQuestion, type Element, type Sealed } from '#api'

/**
 * A client's message is about to be copied to the other clients of its account: what does the message in the copy carry
 * that is for its sender, such as the id by which the sender's archive knows it (XEP-0359 §3)? The event is that of the
 * addressee's side when that is on this server, else that of the sender's.
 */
export const sentCopyExtra = defineQuestion<Sealed, Element | undefined>(
  'carbons/sent-copy-extra',
  undefined,
  'A sent message is being copied to its sender’s other clients: what is put into the copy for them?',
)
