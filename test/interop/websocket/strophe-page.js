// In a page, beside strophe.js: a client that is told what to do from outside, and tells `heard` what it hears.
/* global $msg, $pres, Strophe, heard */

let connection
let status
const rooms = new Set()

globalThis.player = {
  opens(service) {
    connection = new Strophe.Connection(service, { enableStreamManagement: true })
    const hear = (message) => {
      const body = message.querySelector(':scope > body')
      if (body !== null) heard(message.getAttribute('from'), body.textContent)
      return true
    }
    const see = (presence) => {
      if (presence.querySelector('status[code="110"]') !== null) rooms.add(presence.getAttribute('from'))
      return true
    }
    // A new connection forgets them.
    connection.listen = () => {
      connection.addHandler(hear, null, 'message')
      connection.addHandler(see, null, 'presence')
    }
  },
  connects(address, password) {
    connection.connect(address, password, (now) => {
      status = now
      if (now === Strophe.Status.CONNECTED) connection.listen()
    })
  },
  isConnected: () => status === Strophe.Status.CONNECTED,
  isDisconnected: () => status === Strophe.Status.DISCONNECTED,
  isManaged: () => connection.isStreamManagementEnabled(),
  hasResumed: () => connection.hasResumed(),
  comesOnline: () => connection.send($pres()),
  says: (to, body, type) => connection.send($msg({ to, type }).c('body').t(body)),
  enters: (to) => connection.send($pres({ to }).c('x', { xmlns: 'http://jabber.org/protocol/muc' })),
  isIn: (place) => rooms.has(place),
  leaves: () => connection.disconnect(),
}
