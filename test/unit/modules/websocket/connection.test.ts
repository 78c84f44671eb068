import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import WebSocket from 'ws'
import { WebSocketConnection } from '../../../../modules/websocket/connection.ts'

function connect() {
  const socket = Object.assign(new EventEmitter(), { OPEN: WebSocket.OPEN, readyState: WebSocket.OPEN as number })
  const wrote: Buffer[] = []
  const carrier = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      wrote.push(chunk)
      done()
    },
  })
  const client = { address: '127.0.0.1', secure: true, channelBinding: undefined }
  const limits = { pauseBytes: 0, pauseMs: 0, dropBytes: 0 }
  const clock = { now: () => 0, after: () => () => {} }
  return { socket, wrote, connection: new WebSocketConnection(socket as never, carrier, client, limits, clock) }
}

test('what was written in a turn leaves in one piece, a message for each element', () => {
  const { wrote, connection } = connect()
  connection.write('<presence/>')
  connection.write('<r xmlns="urn:xmpp:sm:3"/>')
  connection.flush()
  connection.flush()
  const one = '<presence xmlns="jabber:client"/>'
  const other = '<r xmlns="urn:xmpp:sm:3"/>'
  const head = (text: string) => String.fromCharCode(0x81, text.length)
  assert.deepEqual(
    wrote.map((chunk) => chunk.toString('latin1')),
    [`${head(one)}${one}${head(other)}${other}`],
  )
})

// RFC 6455 §5.5.1
test('nothing follows the answer to a client’s end', () => {
  const { socket, wrote, connection } = connect()
  connection.write('<presence/>')
  socket.readyState = WebSocket.CLOSING
  connection.flush()
  assert.deepEqual(wrote, [])
})
