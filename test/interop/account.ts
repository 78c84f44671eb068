import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import tls from 'node:tls'
import { xml } from '@xmpp/xml'

/** Makes an account as its owner would (XEP-0077); rejects with what the server says when it is refused. */
export async function register(port: number, certificate: string, address: string, password: string): Promise<void> {
  const [username, domain] = address.split('@') as [string, string]
  const socket = tls.connect({ port, host: '127.0.0.1', servername: domain, ca: await readFile(certificate) })
  socket.setEncoding('utf8').setTimeout(PATIENCE_MS, () => socket.destroy(new Error('The server does not answer.')))
  await once(socket, 'secureConnect')
  const query = xml('query', 'jabber:iq:register', xml('username', {}, username), xml('password', {}, password))
  socket.write(
    `<stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
  )
  socket.write(xml('iq', { type: 'set', id: 'account' }, query).toString())
  let answer = ''
  for await (const text of socket) {
    answer += text
    if (/<iq [^>]*id="account"/.test(answer)) break
  }
  socket.destroy()
  if (!/<iq [^>]*type="result"/.test(answer)) throw new Error(`No account ${address} was made:\n${answer}`)
}

const PATIENCE_MS = 10_000
