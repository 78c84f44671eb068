// In a page, beside strophe.js: a client that is told what to do from outside, and tells `heard` what it hears.
/* global $msg, $pres, Strophe, heard */

let connection
let status
const rooms = new Set()

function onStatus(now) {
  status = now
  if (now === Strophe.Status.CONNECTED || now === Strophe.Status.ATTACHED) connection.listen()
}

globalThis.player = {
  opens(service) {
    // A session of BOSH is kept for when the page is loaded again.
    connection = new Strophe.Connection(service, { enableStreamManagement: true, keepalive: true })
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
  connects: (address, password) => connection.connect(address, password, onStatus),
  restores: (address) => connection.restore(address, onStatus),
  isConnected: () => status === Strophe.Status.CONNECTED,
  isWaiting: () => connection._proto._requests.length === 1,
  isRestored: () => status === Strophe.Status.ATTACHED,
  isDisconnected: () => status === Strophe.Status.DISCONNECTED,
  isManaged: () => connection.isStreamManagementEnabled(),
  hasResumed: () => connection.hasResumed(),
  comesOnline: () => connection.send($pres()),
  says: (to, body, type) => connection.send($msg({ to, type }).c('body').t(body)),
  enters: (to) => connection.send($pres({ to }).c('x', { xmlns: 'http://jabber.org/protocol/muc' })),
  isIn: (place) => rooms.has(place),
  leaves: () => connection.disconnect(),
}
