"""Two people who show each other who they are: pictures the old way and the new one, moods, tunes and nicks.

    /usr/bin/python3 profile.py PORT CERTIFICATE ADDRESS OTHER
    # on standard input: the passwords of both addresses
"""

import asyncio
import hashlib
import struct
import sys

from person import Person, complaints

METADATA = 'urn:xmpp:avatar:metadata'
NEW_WAY = ['xep_0060', 'xep_0084', 'xep_0107', 'xep_0118', 'xep_0163', 'xep_0172']
# Says in presence itself which picture there is.
OLD_WAY = ['xep_0153']


def picture(seed):
    """As much of a PNG as a server looks at."""
    return b'\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR' + struct.pack('>II', 64, 64) + b'\x08\x06\0\0\0' + seed


async def shows_up(address, password, certificate, port, plugins):
    person = Person(address, password, certificate)
    for plugin in plugins:
        person.register_plugin(plugin)
    for plugin in ['xep_0107', 'xep_0118', 'xep_0172']:
        person[plugin].session_bind(person.boundjid)
    await person.logs_in(port)
    await person.comes_online()
    return person


async def befriend(one, other):
    for asks, answers in [(one, other), (other, one)]:
        asks.send_presence_subscription(pto=answers.boundjid.bare, ptype='subscribe')
        await answers.sees_presence(asks.boundjid.bare, 'subscribe')
        answers.send_presence_subscription(pto=asks.boundjid.bare, ptype='subscribed')
        await asks.sees_subscription(answers.boundjid.bare, 'to' if asks is one else 'both')


async def is_told(person, sender, node):
    """The payload of an item that somebody has published."""

    def wanted(stanza):
        if stanza.name != 'message' or stanza['from'] != sender:
            return False
        items = stanza.xml.find('.//{http://jabber.org/protocol/pubsub#event}items')
        return items is not None and items.get('node') == node

    message = await person.sees(f'{node} of {sender}', wanted)
    return list(message.xml.find('.//{http://jabber.org/protocol/pubsub#event}item'))[0]


async def sees_hash(person, sender, expected):
    def wanted(stanza):
        if stanza.name != 'presence' or stanza['from'] != sender:
            return False
        photo = stanza.xml.find('.//{vcard-temp:x:update}photo')
        return photo is not None and (photo.text or '') == expected

    await person.sees(f'the hash {expected!r} of {sender}', wanted)


async def new_way(person, other):
    """XEP-0084 there, vCards and presence here (XEP-0398)."""
    data = picture(b'rosaline')
    avatar = person['xep_0084']
    name = avatar.generate_id(data)
    await avatar.publish_avatar(data)
    await avatar.publish_avatar_metadata({'id': name, 'type': 'image/png', 'bytes': len(data)})
    told = await is_told(other, person.boundjid.bare, METADATA)
    assert told.find('{%s}info' % METADATA).get('id') == name, told
    await sees_hash(other, person.boundjid, name)
    card = await other['xep_0054'].get_vcard(person.boundjid.bare)
    photo = card['vcard_temp']['PHOTO']
    assert (photo['TYPE'], photo['BINVAL']) == ('image/png', data), card


async def old_way(person, other):
    """A vCard there, XEP-0084 here."""
    data = picture(b'lawrence')
    await person['xep_0153'].set_avatar(avatar=data, mtype='image/png')
    told = await is_told(other, person.boundjid.bare, METADATA)
    info = told.find('{%s}info' % METADATA).attrib
    assert info['id'] == hashlib.sha1(data).hexdigest() and info['bytes'] == str(len(data)), info
    found = await other['xep_0084'].retrieve_avatar(person.boundjid.bare, info['id'])
    assert found['pubsub']['items']['item']['avatar_data']['value'] == data, found
    await sees_hash(other, person.boundjid, info['id'])


async def no_picture(person, other):
    await person['xep_0084'].stop()
    told = await is_told(other, person.boundjid.bare, METADATA)
    assert len(told) == 0, told


async def moods(person, other):
    sender = person.boundjid.bare
    await person['xep_0107'].publish_mood('happy', text='Aurora')
    mood = await is_told(other, sender, 'http://jabber.org/protocol/mood')
    assert mood.find('{http://jabber.org/protocol/mood}happy') is not None, mood
    await person['xep_0118'].publish_tune(artist='Prokofiev', title='Dance of the Knights')
    tune = await is_told(other, sender, 'http://jabber.org/protocol/tune')
    assert tune.findtext('{http://jabber.org/protocol/tune}artist') == 'Prokofiev', tune
    await person['xep_0172'].publish_nick('Rose')
    nick = await is_told(other, sender, 'http://jabber.org/protocol/nick')
    assert nick.text == 'Rose', nick


async def main(port, certificate, address, other):
    password, others = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    rosaline = await shows_up(f'{address}/window', password, certificate, port, NEW_WAY)
    lawrence = await shows_up(f'{other}/cell', others, certificate, port, NEW_WAY + OLD_WAY)
    await befriend(rosaline, lawrence)
    await new_way(rosaline, lawrence)
    print(f'  {address}: a picture that is published is in the vCard and in presence')
    await old_way(lawrence, rosaline)
    print(f'  {other}: a picture in a vCard is published')
    await no_picture(rosaline, lawrence)
    await moods(rosaline, lawrence)
    print(f'  {address}: no picture any more; but a mood, a tune and a nick')
    for person in [rosaline, lawrence]:
        await person.leaves()
    assert not complaints.lines, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADDRESS, OTHER = sys.argv[1:]
    asyncio.get_event_loop().run_until_complete(main(int(PORT), CERTIFICATE, ADDRESS, OTHER))
