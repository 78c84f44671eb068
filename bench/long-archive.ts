import { type ArchiveRange, domain } from './server-kind.ts'

const text = 'All the world is a stage. '.repeat(20)

/** The text of a message of a long archive. */
export function longBody(): string {
  return text.slice(0, 180)
}

/** Message number `i` of a long archive as XML, with a namespace of its own or as a child of something in the same. */
export function longMessage(i: number, { peers }: ArchiveRange): string {
  return `<message to='user0@${domain}' from='peer${i % peers}@${domain}/x' type='chat' id='m${i}'><body>${longBody()}</body></message>`
}

/** The same as an SQL expression; `i` names the number. */
export function longStanza(i: string, peers: number, xmlns: string): string {
  const head = `<message xmlns="${xmlns}" to="user0@${domain}" from="peer`
  return `concat('${head}', ${i} % ${peers}, '@${domain}/x" type="chat" id="m', ${i}, '"><body>${longBody()}</body></message>')`
}
