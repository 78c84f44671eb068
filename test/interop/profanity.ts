import type { TestServer } from './server.ts'
import { type Terminal, Tmux } from './terminal.ts'

const MERCUTIO = { address: 'mercutio@localhost', password: 'queen mab 1595' }
const TYBALT = { address: 'tybalt@localhost', password: 'prince of cats' }

/** Two people with Profanity find each other and talk, and one of them talks with a slixmpp program, `echo@localhost`. */
export async function playProfanity(server: TestServer, folder: string, say: (scene: string) => void): Promise<void> {
  await server.addUser(MERCUTIO.address, MERCUTIO.password)
  const tmux = await Tmux.start(folder)
  try {
    // XEP-0368
    say('tybalt registers, and they log in, mercutio over direct TLS, tybalt over STARTTLS')
    await register(await tmux.profanity('newcomer'), server)
    const [mercutio, tybalt] = [await tmux.profanity('mercutio'), await tmux.profanity('tybalt')]
    await logIn(mercutio, MERCUTIO, `port ${server.tlsPort} tls legacy`)
    await logIn(tybalt, TYBALT, `port ${server.port} tls trust`)
    say('they add each other')
    await addEachOther(mercutio, tybalt)
    say('they chat')
    await chat(mercutio, tybalt)
    say('tybalt’s second Profanity sees both sides of what the first one says')
    await sharesConversation(mercutio, tybalt, await tmux.profanity('tybalt-elsewhere'), server)
    say('mercutio is away and comes back')
    await writeToTheAbsent(mercutio, tybalt, server)
    say('mercutio writes to a slixmpp client')
    await mercutio.types('/msg echo@localhost A plague o’ both your houses!')
    await mercutio.shows('Echo of A plague o’ both your houses!')
    say('they meet in a room, where tybalt is kicked, and comes back to what was said')
    await meetInRoom(mercutio, tybalt)
    for (const terminal of [mercutio, tybalt]) {
      for (const line of await terminal.complaints()) console.log(`  Profanity's log: ${line}`)
      await terminal.quits()
    }
  } finally {
    await tmux.stop()
  }
}

/** In a Profanity of its own: 0.13 does not log in any more once it has registered. */
async function register(newcomer: Terminal, server: TestServer): Promise<void> {
  await newcomer.types(`/register tybalt localhost port ${server.port} tls trust`)
  await newcomer.shows('Enter password:')
  await newcomer.types(TYBALT.password)
  await newcomer.shows('Confirm password:')
  await newcomer.types(TYBALT.password)
  await newcomer.shows('Registration successful.')
  await newcomer.quits()
}

async function logIn(terminal: Terminal, { address, password }: typeof TYBALT, how: string): Promise<void> {
  await terminal.types(`/connect ${address} server localhost ${how}`)
  await terminal.shows('Enter password:')
  await terminal.types(password)
  if (how.endsWith('legacy')) {
    // RFC 7590: the certificate is self-signed, and this way of connecting asks.
    await terminal.shows("Use '/tls allow' to accept this certificate.")
    await terminal.types('/tls allow')
  }
  await terminal.shows(/logged in successfully, online/)
  await terminal.shows('[TLS] [online]')
}

async function addEachOther(mercutio: Terminal, tybalt: Terminal): Promise<void> {
  await mercutio.types(`/sub request ${TYBALT.address}`)
  await tybalt.shows(`Received authorization request from ${MERCUTIO.address}`)
  await tybalt.types(`/sub allow ${MERCUTIO.address}`)
  await mercutio.shows(`Subscription received from ${TYBALT.address}`)
  await tybalt.types(`/sub request ${MERCUTIO.address}`)
  await mercutio.shows(`Received authorization request from ${TYBALT.address}`)
  await mercutio.types(`/sub allow ${TYBALT.address}`)
  await tybalt.shows(`Subscription received from ${MERCUTIO.address}`)
  await mercutio.shows(/\+\+ tybalt@localhost .*is online/)
  await tybalt.shows(/\+\+ mercutio@localhost .*is online/)
}

async function chat(mercutio: Terminal, tybalt: Terminal): Promise<void> {
  await tybalt.types(`/msg ${MERCUTIO.address} Mercutio, thou consort'st with Romeo.`)
  await mercutio.types(`/msg ${TYBALT.address}`)
  await mercutio.shows("Mercutio, thou consort'st with Romeo.")
  await mercutio.types('Consort? <♫> What, dost thou make us minstrels?')
  await tybalt.shows('Consort? <♫> What, dost thou make us minstrels?')
}

/** Profanity asks for copies (XEP-0280) by itself. */
async function sharesConversation(mercutio: Terminal, tybalt: Terminal, elsewhere: Terminal, server: TestServer) {
  await logIn(elsewhere, TYBALT, `port ${server.port} tls trust`)
  await tybalt.types(`/msg ${MERCUTIO.address} Boy, this shall not excuse the injuries.`)
  await mercutio.shows('this shall not excuse the injuries.')
  await elsewhere.types(`/msg ${MERCUTIO.address}`)
  await elsewhere.shows('this shall not excuse the injuries.')
  await mercutio.types('O calm, dishonourable, vile submission!')
  await tybalt.shows('O calm, dishonourable, vile submission!')
  await elsewhere.shows('O calm, dishonourable, vile submission!')
  await elsewhere.quits()
}

async function writeToTheAbsent(mercutio: Terminal, tybalt: Terminal, server: TestServer): Promise<void> {
  await mercutio.types('/disconnect')
  await mercutio.shows('logged out successfully')
  await tybalt.shows('mercutio@localhost [offline]')
  await tybalt.types('A word with one of you.')
  await tybalt.types('And but one word with one of us?')
  await logIn(mercutio, MERCUTIO, `port ${server.port} tls trust`)
  await mercutio.types(`/msg ${TYBALT.address}`)
  await mercutio.shows(/A word with one of you\.[\s\S]*And but one word with one of us\?/)
}

const ROOM = 'square@conference.localhost'

async function meetInRoom(mercutio: Terminal, tybalt: Terminal): Promise<void> {
  await mercutio.types(`/join ${ROOM} nick Mercutio`)
  await mercutio.shows('You have joined the room as Mercutio, role: moderator, affiliation: owner')
  await mercutio.types('/room accept')
  await mercutio.shows('Room unlocked.')
  await tybalt.types(`/join ${ROOM} nick Tybalt`)
  await tybalt.shows('You have joined the room as Tybalt')
  // In the list at the right.
  await mercutio.shows(/Participants\s[\s\S]*Tybalt/)
  await mercutio.types('Good king of cats, nothing but one of your nine lives.')
  await tybalt.shows('nothing but one of your nine lives.')
  await tybalt.types('I am for you.')
  await mercutio.shows('Tybalt: I am for you.')
  await mercutio.types('/kick Tybalt A plague o’ both your houses!')
  await tybalt.shows(/kicked/i)
  await mercutio.shows(/Tybalt has been kicked/i)
  await mercutio.types('I am sped.')
  await tybalt.types(`/join ${ROOM} nick Tybalt`)
  await tybalt.shows('I am sped.')
}
