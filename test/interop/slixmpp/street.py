"""The friend of somebody who has Gajim: shows him a picture, and meets him in a room that he has bookmarked.

    /usr/bin/python3 street.py PORT CERTIFICATE ADDRESS OTHER
    # on standard input: the passwords of both addresses; the other one first gets friend and bookmark by another device
"""

import asyncio
import ssl
import struct
import sys
import xml.etree.ElementTree as ET
import zlib

from person import PATIENCE, Person, complaints

ROOM = 'street@conference.localhost'
BOOKMARKS = 'urn:xmpp:bookmarks:1'
SIZE = 96


def picture():
    """A red disc on gold, as a PNG (and what names it)."""

    def pixel(x, y):
        inside = (x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2 < (SIZE / 3) ** 2
        return b'\xc0\x10\x20' if inside else b'\xf0\xc0\x30'

    def row(y):
        return b'\0' + b''.join(pixel(x, y) for x in range(SIZE))

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', SIZE, SIZE, 8, 2, 0, 0, 0))
    pixels = chunk(b'IDAT', zlib.compress(b''.join(row(y) for y in range(SIZE))))
    return b'\x89PNG\r\n\x1a\n' + header + pixels + chunk(b'IEND', b'')


async def arrives(address, password, certificate, port):
    # With TLS 1.2 slixmpp binds to the channel, which Gajim never does: so the server's log tells them apart.
    person = Person(address, password, certificate, ssl.TLSVersion.TLSv1_2)
    for plugin in ['xep_0045', 'xep_0060', 'xep_0084', 'xep_0163']:
        person.register_plugin(plugin)
    person['xep_0163'].add_interest(BOOKMARKS)
    await person.logs_in(port)
    await person.comes_online()
    return person


async def befriend(one, other):
    for asks, answers in [(one, other), (other, one)]:
        asks.send_presence_subscription(pto=answers.boundjid.bare, ptype='subscribe')
        await answers.sees_presence(asks.boundjid.bare, 'subscribe')
        answers.send_presence_subscription(pto=asks.boundjid.bare, ptype='subscribed')
        await asks.sees_subscription(answers.boundjid.bare, 'to' if asks is one else 'both')


async def shows_picture(person):
    data, avatar = picture(), person['xep_0084']
    await avatar.publish_avatar(data)
    name = avatar.generate_id(data)
    await avatar.publish_avatar_metadata({'id': name, 'type': 'image/png', 'bytes': len(data)})
    return name


async def bookmarks(person):
    """XEP-0402 §3.3."""
    conference = ET.Element(f'{{{BOOKMARKS}}}conference', {'name': 'A street in Verona', 'autojoin': 'true'})
    ET.SubElement(conference, f'{{{BOOKMARKS}}}nick').text = 'Montague'
    options = person['xep_0004'].make_form(ftype='submit')
    options.add_field(var='FORM_TYPE', ftype='hidden', value='http://jabber.org/protocol/pubsub#publish-options')
    for name, value in {'persist_items': '1', 'max_items': 'max', 'access_model': 'whitelist'}.items():
        options.add_field(var=f'pubsub#{name}', value=value)
    options.add_field(var='pubsub#send_last_published_item', value='never')
    await person['xep_0060'].publish(None, BOOKMARKS, id=ROOM, payload=conference, options=options)


async def sees_forgotten(person):
    """XEP-0402 §3.4."""
    gone = f'.//{{http://jabber.org/protocol/pubsub#event}}items[@node="{BOOKMARKS}"]/*[@id="{ROOM}"]'

    def wanted(stanza):
        found = stanza.xml.find(gone) if stanza.name == 'message' else None
        return found is not None and found.tag.endswith('retract')

    await person.sees('that the bookmark is gone', wanted)


async def opens_room(person):
    muc = person['xep_0045']
    await muc.join_muc_wait(ROOM, 'Abraham', timeout=PATIENCE)
    form = await muc.get_room_config(ROOM)
    form['values'] = {'muc#roomconfig_persistentroom': True, 'muc#roomconfig_roomname': 'A street in Verona'}
    await muc.set_room_config(ROOM, form)
    await says(person, 'Do you bite your thumb at us, sir?')


async def says(person, body):
    person.send_message(mto=ROOM, mbody=body, mtype='groupchat')
    await hears(person, 'Abraham', body)


async def hears(person, nick, body):
    return await person.sees(
        f'"{body}" of {nick}',
        lambda s: s.name == 'message' and s['from'] == f'{ROOM}/{nick}' and s['body'] == body,
    )


async def meets(person, other, how=''):
    """He comes online and, because of his bookmark, into the room."""
    here = await person.sees(
        f'{other} with Gajim',
        lambda s: s.name == 'presence' and s['from'].bare == other and s['from'].resource.startswith('gajim.'),
    )
    await person.sees_presence(f'{ROOM}/Montague', 'available')
    info = await person['xep_0030'].get_info(here['from'], local=False, timeout=PATIENCE)
    names = [name for _, kind, _, name in info['disco_info']['identities'] if kind == 'pc']
    assert names == ['Gajim'], info
    print(f'  {here["from"]} is in the room{how}', flush=True)


async def goes(person, other):
    for source in [f'{ROOM}/Montague', other]:
        await person.sees_presence(source, 'unavailable')


async def main(port, certificate, address, other):
    password, others = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    abraham = await arrives(f'{address}/street', password, certificate, port)
    montague = await arrives(f'{other}/elsewhere', others, certificate, port)
    await befriend(abraham, montague)
    await bookmarks(montague)
    await montague.leaves()
    await abraham.sees_presence(other, 'unavailable')
    await opens_room(abraham)
    print(f'picture {await shows_picture(abraham)}', flush=True)

    await meets(abraham, other)
    await hears(abraham, 'Montague', 'Who set this ancient quarrel new abroach?')
    await says(abraham, 'Here were the servants of your adversary.')
    print('answered', flush=True)
    await goes(abraham, other)
    await says(abraham, 'Part, fools!')
    print('alone', flush=True)
    await meets(abraham, other, ' again')
    montague = await arrives(f'{other}/elsewhere', others, certificate, port)
    print('both', flush=True)
    await sees_forgotten(montague)
    await goes(abraham, other)
    print('  and out of it, and the bookmark is gone', flush=True)
    for person in [montague, abraham]:
        await person.leaves()
    assert not complaints.lines, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADDRESS, OTHER = sys.argv[1:]
    asyncio.get_event_loop().run_until_complete(main(int(PORT), CERTIFICATE, ADDRESS, OTHER))
