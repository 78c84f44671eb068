import { open } from 'node:fs/promises'
import { type Jid, serialize, xml } from '#api'
import { forwarded } from './reader.ts'
import type { ArchiveStore } from './store.ts'

const NS_EXPORT = 'urn:xmpp:pie:0'
const PAGE = 200

/**
 * Writes an account's archive to a new file, as XEP-0227 §4.11 has it, a page at a time, and resolves with the number of
 * messages. Nobody but the server's user can read the file.
 *
 * Rejects when the file is there already or cannot be written; what was begun of it then stays.
 */
export async function exportArchive(store: ArchiveStore, account: Jid, file: string): Promise<number> {
  const output = await open(file, 'wx', 0o600)
  try {
    // An element with nothing in it ends in `/>`.
    const opening = (name: string, attrs: Record<string, string>) => `${serialize(xml(name, attrs)).slice(0, -2)}>`
    const user = `${opening('host', { jid: account.domain })}${opening('user', { name: account.local })}`
    const archive = opening('archive', { xmlns: `${NS_EXPORT}#mam` })
    await output.write(`<?xml version="1.0"?>\n${opening('server-data', { xmlns: NS_EXPORT })}${user}${archive}\n`)
    let written = 0
    for (let after = 0; ; ) {
      const { messages, complete } = await store.page(account.toString(), {}, { limit: PAGE, after })
      for (const message of messages) await output.write(resultText(message))
      written += messages.length
      after = messages.at(-1)?.id ?? after
      if (complete) break
    }
    await output.write('</archive></user></host></server-data>\n')
    await output.sync()
    return written
  } finally {
    await output.close()
  }
}

function resultText(message: Parameters<typeof forwarded>[0]): string {
  return `<result xmlns="urn:xmpp:mam:2" id="${message.id}">${forwarded(message)}</result>\n`
}
