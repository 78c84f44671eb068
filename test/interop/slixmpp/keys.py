"""Somebody with two devices whose bookmarks are one, whichever way they are kept, and who shows others the keys of OMEMO.

    /usr/bin/python3 keys.py PORT CERTIFICATE ADDRESS OTHER
    # on standard input: the passwords of both addresses

XEP-0402, XEP-0048, XEP-0049, XEP-0384
"""

import asyncio
import sys

from person import Person, complaints, refused
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET, tostring

EVENT = '{http://jabber.org/protocol/pubsub#event}'
OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'
CONFIG = 'http://jabber.org/protocol/pubsub#node_config'
BOOKMARKS, OLD = 'urn:xmpp:bookmarks:1', 'storage:bookmarks'
AXOLOTL = 'eu.siacs.conversations.axolotl'
DEVICES = f'{AXOLOTL}.devicelist'
PRIVATE = {'persist_items': 'true', 'max_items': 'max', 'send_last_published_item': 'never', 'access_model': 'whitelist'}
OPEN = {'persist_items': 'true', 'access_model': 'open'}


async def device(address, password, certificate, port, *interests):
    """A device that wants to hear of some nodes."""
    person = Person(address, password, certificate)
    for plugin in ['xep_0004', 'xep_0060', 'xep_0163', 'xep_0223']:
        person.register_plugin(plugin)
    # slixmpp wants to hear of old bookmarks by itself.
    person['xep_0030'].del_feature(feature=f'{OLD}+notify', jid=person.boundjid)
    person['xep_0163'].add_interest(list(interests), jid=person.boundjid)
    await person.logs_in(port)
    await person.comes_online()
    return person


def form(person, form_type, fields):
    made = person['xep_0004'].make_form(ftype='submit')
    made.add_field(var='FORM_TYPE', ftype='hidden', value=form_type)
    for name, value in fields.items():
        made.add_field(var=f'pubsub#{name}', value=value)
    return made


async def publishes(person, node, id, payload, options):
    """Sets the node otherwise when it is not so, and tries again, as clients do."""
    request = lambda: person['xep_0060'].publish(
        None, node, id=id, payload=payload, options=form(person, OPTIONS, options)
    )
    try:
        await request()
    except IqError as error:
        condition = error.iq.xml.find('.//{http://jabber.org/protocol/pubsub#errors}precondition-not-met')
        assert condition is not None, error
        await person['xep_0060'].set_node_config(None, node, form(person, CONFIG, options))
        await request()
        return 'after another configuration'
    return 'at once'


async def hears(person, node, id):
    """What the item of an event holds; nothing when it is gone."""

    def find(stanza):
        if stanza.name != 'message':
            return None
        items = stanza.xml.find(f'{EVENT}event/{EVENT}items')
        if items is None or items.get('node') != node:
            return None
        return next((item for item in items if id in (None, item.get('id'))), None)

    return next(iter(find(await person.sees(f'{id} at {node}', lambda s: find(s) is not None))), None)


async def reads(person, jid, node):
    answer = await person['xep_0060'].get_items(jid, node)
    return {item['id']: item.xml[0] for item in answer['pubsub']['items']['substanzas']}


def conference(name, nick):
    element = ET.Element(f'{{{BOOKMARKS}}}conference', {'name': name, 'autojoin': 'true'})
    ET.SubElement(element, f'{{{BOOKMARKS}}}nick').text = nick
    return element


async def old_bookmarks(person, method):
    answer = await person['xep_0048'].get_bookmarks(method=method)
    if method == 'xep_0049':
        found = answer['private']['bookmarks']['conferences']
    else:
        found = answer['pubsub']['items']['item']['bookmarks']['conferences']
    return {str(one['jid']): (one['name'], one['nick'], one['autojoin']) for one in found}


async def keeps_bookmarks(modern, older):
    """One device has the newer form; the other one both older ones."""
    wood, hall = 'wood@conference.localhost', 'hall@conference.localhost'
    await publishes(modern, BOOKMARKS, wood, conference('A wood near Athens', 'Hermia'), PRIVATE)
    assert (await hears(modern, BOOKMARKS, wood)).get('name') == 'A wood near Athens'
    assert len(await hears(older, OLD, None)) == 1
    for method in ['xep_0049', 'xep_0223']:
        expected = {wood: ('A wood near Athens', 'Hermia', True)}
        assert await old_bookmarks(older, method) == expected, await old_bookmarks(older, method)
        bookmarks = older['xep_0048'].stanza.Bookmarks()
        bookmarks.add_conference(wood, 'Hermia', autojoin=True, name='A wood near Athens')
        bookmarks.add_conference(hall, 'Hermia', autojoin=False, name='The hall')
        await older['xep_0048'].set_bookmarks(bookmarks, method=method)
        assert (await hears(modern, BOOKMARKS, hall)).get('name') == 'The hall'
        assert len(await hears(older, OLD, None)) == 2
        assert set(await reads(modern, None, BOOKMARKS)) == {wood, hall}
        await modern['xep_0060'].retract(None, BOOKMARKS, hall, notify=True)
        assert await hears(modern, BOOKMARKS, hall) is None
        assert len(await hears(older, OLD, None)) == 1
    # What was the same all the time was not told again.
    assert not [s for s in modern.inbox if s.name == 'message' and wood in str(s)], modern.inbox
    print(f'  {modern.boundjid.bare}: the bookmarks are one in all three forms')


def device_list(*devices):
    element = ET.Element(f'{{{AXOLOTL}}}list')
    for id in devices:
        ET.SubElement(element, f'{{{AXOLOTL}}}device', {'id': str(id)})
    return element


def bundle():
    element = ET.Element(f'{{{AXOLOTL}}}bundle')
    ET.SubElement(element, f'{{{AXOLOTL}}}identityKey').text = 'aWRlbnRpdHk='
    prekeys = ET.SubElement(element, f'{{{AXOLOTL}}}prekeys')
    for id in range(100):
        ET.SubElement(prekeys, f'{{{AXOLOTL}}}preKeyPublic', {'preKeyId': str(id)}).text = 'a' * 44
    return element


async def befriend(one, other):
    for asks, answers in [(one, other), (other, one)]:
        asks.send_presence_subscription(pto=answers.boundjid.bare, ptype='subscribe')
        await answers.sees_presence(asks.boundjid.bare, 'subscribe')
        answers.send_presence_subscription(pto=asks.boundjid.bare, ptype='subscribed')
        await asks.sees_subscription(answers.boundjid.bare, 'to' if asks is one else 'both')


async def shows_keys(person, second, other):
    """A stranger finds them, a contact hears of a new device; the older device of the same account, too."""
    own = person.boundjid.bare
    # Made by a client that does not say how: for contacts only.
    await person['xep_0060'].publish(None, DEVICES, id='current', payload=device_list(1))
    assert await refused(other['xep_0060'].get_items(own, DEVICES)) == 'service-unavailable'
    how = await publishes(person, DEVICES, 'current', device_list(1), OPEN)
    assert how == 'after another configuration', how
    await publishes(person, f'{AXOLOTL}.bundles:1', 'current', bundle(), OPEN)
    assert tostring((await reads(other, own, DEVICES))['current']) == tostring(device_list(1))
    assert tostring((await reads(other, own, f'{AXOLOTL}.bundles:1'))['current']) == tostring(bundle())
    await befriend(other, person)
    # The newest to a new contact, the next to all.
    assert len(await hears(other, DEVICES, 'current')) == 1
    assert await publishes(second, DEVICES, 'current', device_list(1, 2), OPEN) == 'at once'
    for listener in [person, second, other]:
        while len(await hears(listener, DEVICES, 'current')) == 1:
            pass
    print(f'  {own}: keys are found by strangers, news of devices reaches a contact')


async def main(port, certificate, address, other):
    password, others = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    desk = await device(f'{address}/desk', password, certificate, port, BOOKMARKS, DEVICES)
    phone = await device(f'{address}/phone', password, certificate, port, OLD, DEVICES)
    stranger = await device(f'{other}/wood', others, certificate, port, BOOKMARKS, OLD, DEVICES)
    await keeps_bookmarks(desk, phone)
    await shows_keys(desk, phone, stranger)
    for node in [BOOKMARKS, OLD]:
        assert await refused(stranger['xep_0060'].get_items(address, node)) == 'not-allowed'
    assert not [s for s in stranger.inbox if s.name == 'message' and 'bookmarks' in str(s)], stranger.inbox
    for person in [desk, phone, stranger]:
        await person.leaves()
    assert not complaints.lines, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADDRESS, OTHER = sys.argv[1:]
    asyncio.get_event_loop().run_until_complete(main(int(PORT), CERTIFICATE, ADDRESS, OTHER))
