"""Two people in a room: what it takes from opening it to being thrown out of it.

    /usr/bin/python3 room.py PORT CERTIFICATE ADDRESS OTHER
    # on standard input: the passwords of both addresses
"""

import asyncio
import sys

from person import PATIENCE, Person, complaints
from slixmpp.exceptions import PresenceError

ROOM = 'capulet-hall@conference.localhost'


async def guest(address, password, certificate, port):
    person = Person(address, password, certificate)
    for plugin in ['xep_0045', 'xep_0249', 'xep_0313']:
        person.register_plugin(plugin)
    await person.logs_in(port)
    await person.comes_online()
    return person


def enters(person, nick, **how):
    return person['xep_0045'].join_muc_wait(ROOM, nick, timeout=PATIENCE, **how)


async def hears(person, nick, body):
    return await person.sees(
        f'"{body}" of {nick}',
        lambda s: s.name == 'message' and s['from'] == f'{ROOM}/{nick}' and s['body'] == body,
    )


def statuses(presence):
    return presence['muc']['status_codes']


async def opens(host):
    """A room that stays, for whoever wants to come."""
    muc = host['xep_0045']
    entered = await enters(host, 'Capulet')
    assert statuses(entered[0]) >= {110, 201}, entered[0]
    form = await muc.get_room_config(ROOM)
    form['values'] = {'muc#roomconfig_persistentroom': True, 'muc#roomconfig_roomname': 'A hall'}
    await muc.set_room_config(ROOM, form)
    info = await host['xep_0030'].get_info(ROOM, local=False)
    assert 'muc_persistent' in info['disco_info']['features'], info
    assert ('conference', 'text', None, 'A hall') in info['disco_info']['identities'], info
    rooms = await host['xep_0030'].get_items('conference.localhost', local=False)
    assert ROOM in [jid for jid, _, _ in rooms['disco_items']['items']], rooms


async def talk(host, guest):
    muc = host['xep_0045']
    for body in ['Welcome, gentlemen!', 'A hall, a hall! give room!']:
        host.send_message(mto=ROOM, mbody=body, mtype='groupchat')
        await hears(host, 'Capulet', body)
    muc.set_subject(ROOM, 'Old accustom’d feast')
    # What was said before, the subject and who is there.
    own, subject, occupants, history = await enters(guest, 'Romeo', maxstanzas=10)
    assert 110 in statuses(own), own
    assert [m['body'] for m in history] == ['Welcome, gentlemen!', 'A hall, a hall! give room!'], history
    assert all(m['delay']['stamp'] for m in history), history
    assert subject['subject'] == 'Old accustom’d feast', subject
    assert [p['from'].resource for p in occupants] == ['Capulet', 'Romeo'], occupants
    guest.send_message(mto=ROOM, mbody='What lady is that?', mtype='groupchat')
    await hears(host, 'Romeo', 'What lady is that?')
    await hears(guest, 'Romeo', 'What lady is that?')
    host.send_message(mto=f'{ROOM}/Romeo', mbody='Why, who art thou?', mtype='chat')
    await hears(guest, 'Capulet', 'Why, who art thou?')
    # XEP-0410: whoever pings their own nick is in the room.
    await guest['xep_0199'].ping(f'{ROOM}/Romeo', timeout=PATIENCE)


async def remembers(guest):
    """The archive of the room has what was said, by the ids it was said under."""
    found = await guest['xep_0313'].retrieve(jid=ROOM, rsm={'max': 50}, timeout=PATIENCE)
    bodies = [r['mam_result']['forwarded']['stanza']['body'] for r in found['mam']['results']]
    assert [body for body in bodies if body] == [
        'Welcome, gentlemen!',
        'A hall, a hall! give room!',
        'What lady is that?',
    ], bodies
    return len(bodies)


def being_out(person):
    """Resolves with the presence that ends it, when slixmpp has understood it."""
    out = person.loop.create_future()
    person.add_event_handler(f'muc::{ROOM}::got_offline', out.set_result, disposable=True)
    return asyncio.wait_for(out, PATIENCE)


async def throws_out(host, guest):
    muc = host['xep_0045']
    out = being_out(guest)
    await muc.set_role(ROOM, 'Romeo', 'none', reason='A villain')
    gone = await out
    assert statuses(gone) >= {110, 307} and gone['muc']['role'] == 'none', gone
    await enters(guest, 'Romeo', maxstanzas=0)
    out = being_out(guest)
    await muc.set_affiliation(ROOM, 'outcast', jid=guest.boundjid.bare)
    gone = await out
    assert statuses(gone) >= {110, 301}, gone
    assert [str(jid) for jid in await muc.get_affiliation_list(ROOM, 'outcast')] == [guest.boundjid.bare]
    try:
        await enters(guest, 'Romeo')
    except PresenceError as error:
        assert error.condition == 'forbidden', error
    else:
        raise AssertionError('a banned guest came in')
    await muc.destroy(ROOM, reason='More light, ye knaves')


async def main(port, certificate, address, other):
    password, others = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    capulet = await guest(f'{address}/hall', password, certificate, port)
    romeo = await guest(f'{other}/mask', others, certificate, port)
    await opens(capulet)
    print(f'  {ROOM}: opened and found')
    await talk(capulet, romeo)
    print(f'  {ROOM}: who comes later sees what was said, and all hear all')
    print(f'  {ROOM}: {await remembers(romeo)} messages are in its archive')
    await throws_out(capulet, romeo)
    print(f'  {ROOM}: a guest was kicked and banned; the room is no more')
    for person in [romeo, capulet]:
        await person.leaves()
    assert not complaints.lines, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADDRESS, OTHER = sys.argv[1:]
    asyncio.get_event_loop().run_until_complete(main(int(PORT), CERTIFICATE, ADDRESS, OTHER))
