import assert from 'node:assert/strict'
import { company, hearOfChange, sees } from '../support/occupants.ts'
import { codesOf, enters, freshRoom, heardBy, itemOf, opens } from '../support/room.ts'
import { type Story, story } from '../support/story.ts'

/** Runs a command about rooms, as from the command line. */
const runs =
  (s: Story) =>
  (name: string, ...args: string[]): Promise<readonly string[]> =>
    s.bed.server.commands.run(`room ${name}`, args)

story('An admin creates a room, sees what it is like and what rooms there are, and destroys it', async (s) => {
  const run = runs(s)
  const room = freshRoom(s)
  assert.deepEqual(await run('create', room, 'Juliet@localhost/x'), [`Created ${room}, owned by juliet@localhost.`])
  for (const domain of ['conference.localhost', 'localhost']) assert.deepEqual(await run('list', domain), [room])
  const [address, created, counts, subject, present] = await run('show', room)
  assert.equal(address, room)
  assert.match(created!, /^created: 20\S+ by juliet@localhost$/)
  assert.equal(counts, 'owners: 1; admins: 0; members: 0; outcasts: 0')
  assert.deepEqual([subject, present], ['subject: ', 'in it: 0'])

  const juliet = await s.login('juliet/balcony')
  const { own } = await enters(juliet, room, 'Juliet')
  assert.equal(itemOf(own).attrs['affiliation'], 'owner')
  assert.ok(!codesOf(own).includes(201))
  assert.deepEqual((await run('show', room)).slice(-2), ['in it: 1', '  Juliet: juliet@localhost, moderator, owner'])

  await assert.rejects(run('create', room, 'romeo@localhost'), /is there already/)
  assert.deepEqual(await run('destroy', room, 'The plague'), [`Destroyed ${room}.`])
  const [gone] = await heardBy(juliet)
  assert.equal(gone!.getChild('x')!.getChild('destroy')!.getChildText('reason'), 'The plague')
  assert.deepEqual(await run('list', 'localhost'), [])
})

story('An admin configures a room, and whoever is in it hears so // XEP-0045 §10.2.1', async (s) => {
  const run = runs(s)
  const { room, all, mercutio } = await company(s)
  assert.deepEqual(await run('configure', room, 'roomname', 'Tea, and more'), ['roomname: Tea, and more'])
  await hearOfChange(all, room, 104)
  assert.deepEqual(await run('configure', room, 'muc#roomconfig_whois', 'anyone'), ['whois: anyone'])
  await hearOfChange(all, room, 172)
  assert.deepEqual(await run('configure', room, 'getmemberlist', 'moderator, participant'), [
    'getmemberlist: moderator, participant',
  ])
  await hearOfChange(all, room, 104)
  assert.deepEqual(await run('configure', room, 'getmemberlist', ''), ['getmemberlist: '])
  await hearOfChange(all, room, 104)
  assert.deepEqual(await run('configure', room, 'whois'), ['whois: anyone'])
  const values = await run('configure', room)
  for (const line of ['roomname: Tea, and more', 'membersonly: 0', 'maxusers: none']) assert.ok(values.includes(line))

  await assert.rejects(run('configure', room, 'membersonly', 'maybe'), /1 or 0/)
  await assert.rejects(run('configure', room, 'passwordprotectedroom', '1'), /needs one/)
  await assert.rejects(run('configure', room, 'colour', 'red'), /no field colour; there are: roomname, /)
  for (const actor of all) await actor.receivesNothing()
  await run('configure', room, 'membersonly', '1')
  const [gone] = (await heardBy(mercutio)).filter(({ attrs }) => attrs['from'] === `${room}/Mercutio`)
  assert.deepEqual(codesOf(gone!), [110, 322])
})

story(
  'A room that an admin makes temporary ends when nobody is in it, and the admin is told // XEP-0045 §4.2',
  async (s) => {
    const run = runs(s)
    const room = freshRoom(s)
    await run('create', room, 'juliet@localhost')
    const told = await run('configure', room, 'persistentroom', '0')
    assert.deepEqual(told, ['persistentroom: 0', `Nobody was in ${room}, so it is no more.`])
    await assert.rejects(run('show', room), /no room/)
    const other = freshRoom(s)
    await opens(await s.login('juliet/balcony'), other, 'Juliet', { persistentroom: true })
    assert.deepEqual(await run('configure', other, 'persistentroom', '0'), ['persistentroom: 0'])
    await run('show', other)
  },
)

story('An admin gives and takes affiliations, which all see // XEP-0045 §9, §10', async (s) => {
  const run = runs(s)
  const { room, juliet, romeo, mercutio, all } = await company(s)
  assert.deepEqual(await run('affiliate', room, `${romeo.bare}/any`, 'admin'), [`${romeo.bare} is admin in ${room}.`])
  await sees(mercutio, `${room}/Romeo`, { affiliation: 'admin', role: 'moderator' })
  for (const actor of [juliet, romeo]) await heardBy(actor)
  await run('affiliate', room, mercutio.bare, 'outcast', 'Brawls')
  const shown = { affiliation: 'outcast', role: 'none', type: 'unavailable', reason: 'Brawls' } as const
  await sees(mercutio, `${room}/Mercutio`, { ...shown, codes: [110, 301] })
  await sees(juliet, `${room}/Mercutio`, { ...shown, codes: [301], jid: mercutio.jid })
  await run('affiliate', room, 'mantua.example', 'member')
  assert.deepEqual(await run('affiliations', room), [
    `owner ${juliet.bare}`,
    `admin ${romeo.bare}`,
    'member mantua.example',
    `outcast ${mercutio.bare}: Brawls`,
  ])
  assert.deepEqual(await run('affiliations', room, 'admin'), [`admin ${romeo.bare}`])
  await run('affiliate', room, mercutio.bare, 'none')
  assert.deepEqual(await run('affiliations', room, 'outcast'), [])

  for (const actor of all) await heardBy(actor)
  await assert.rejects(run('affiliate', room, juliet.bare, 'none'), /must have an owner/)
  await assert.rejects(run('affiliate', room, 'mantua.example', 'owner'), /no account/)
  await assert.rejects(run('affiliate', room, romeo.bare, 'king'), /king is not an affiliation/)
  await assert.rejects(run('affiliate', room, '@', 'member'), /not an address/)
  await assert.rejects(run('affiliations', room, 'none'), /none is none of owner, /)
  for (const actor of all) await actor.receivesNothing()
})

story('A command about no room says what is wrong with its address', async (s) => {
  const run = runs(s)
  const room = freshRoom(s)
  for (const name of ['show', 'configure', 'destroy', 'affiliations'])
    await assert.rejects(run(name, room), new RegExp(`There is no room ${room}`), name)
  await assert.rejects(run('affiliate', room, 'romeo@localhost', 'member'), /There is no room/)
  await assert.rejects(run('show', `${room}/Romeo`), /is not a room: name one as room@conference\.localhost/)
  await assert.rejects(run('show', 'conference.localhost'), /is not a room/)
  await assert.rejects(
    run('show', 'verona@localhost'),
    /not a domain with this command; those are: conference\.localhost/,
  )
  await assert.rejects(run('create', room, 'mantua.example'), /not an account/)
  await assert.rejects(run('create', room, 'a b@localhost'), /not an address/)
  await assert.rejects(run('show', room), /There is no room/)
})
