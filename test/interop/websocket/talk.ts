import type { Player } from './player.ts'

/** More than a frame of WebSocket with 16 bits of length holds; ASCII, as xmpp.js breaks other characters where a chunk ends over TCP. */
const LONG = 'What is love? It is not hereafter. '.repeat(2_000)
/** What is worth saying: simple, hard to write, long. */
export const BODIES: readonly string[] = [
  'Present mirth hath present laughter',
  'A “rose” 🌹 is <b>&amp; & more</b>\n\tthan é',
  LONG,
]

/** Everybody who says it is heard by everybody who is to hear it. */
export async function talk(from: readonly Player[], to: readonly Player[], body: string): Promise<void> {
  await Promise.all(
    from.flatMap((one) =>
      to
        .filter((other) => other !== one)
        .map(async (other) => {
          await one.says(other.address, body)
          await other.inbox.hears(one.address, body)
        }),
    ),
  )
}
