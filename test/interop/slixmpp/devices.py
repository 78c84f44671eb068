"""One account with two devices and an app server that wakes one of them, and somebody who writes to it.

    /usr/bin/python3 devices.py PORT CERTIFICATE COMPONENT_PORT DOMAIN ADDRESS OTHER
    # on standard input: the secret of the app server's DOMAIN, and the passwords of both addresses
"""

import asyncio
import sys

from person import PATIENCE, Person, complaints
from slixmpp import ComponentXMPP
from slixmpp.xmlstream import ET, tostring
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

PUSH = 'urn:xmpp:push:0'
PUBSUB = 'http://jabber.org/protocol/pubsub'
FORMS = 'jabber:x:data'
PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'
# What passes unharmed: a receipt asked for and given, a marker, a correction, a reaction.
PAYLOADS = [
    "<request xmlns='urn:xmpp:receipts'/>",
    "<received xmlns='urn:xmpp:receipts' id='r1'/>",
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>",
    "<replace xmlns='urn:xmpp:message-correct:0' id='c1'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='x1'><reaction>👍🏽</reaction><reaction>♥</reaction></reactions>",
]


class AppServer(ComponentXMPP):
    """Takes notifications and says that it has (XEP-0357 §7)."""

    def __init__(self, domain, secret, port):
        super().__init__(domain, secret, '127.0.0.1', port)
        self.use_ipv6 = False
        self.use_aiodns = False
        self.notifications = asyncio.Queue()
        publish = MatchXPath(f'{{jabber:component:accept}}iq/{{{PUBSUB}}}pubsub')
        self.register_handler(Callback('publish', publish, self._take))

    def _take(self, iq):
        publish = iq.xml.find(f'{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish')
        fields = publish.findall(f'.//{{{PUSH}}}notification/{{{FORMS}}}x/{{{FORMS}}}field')
        summary = {field.get('var'): field.findtext(f'{{{FORMS}}}value') for field in fields}
        secret = iq.xml.findtext(f'.//{{{PUBSUB}}}publish-options//{{{FORMS}}}field[@var="secret"]/{{{FORMS}}}value')
        iq.reply().send()
        self.notifications.put_nowait((str(iq['from']), publish.get('node'), summary['message-count'], secret))

    async def connects(self):
        started = self.loop.create_future()
        self.add_event_handler('session_start', started.set_result)
        self.connect()
        await asyncio.wait_for(started, PATIENCE)

    async def takes(self):
        return await asyncio.wait_for(self.notifications.get(), PATIENCE)


async def device(address, password, certificate, port):
    """A device that wants copies."""
    person = Person(address, password, certificate)
    for plugin in ['xep_0198', 'xep_0280', 'xep_0313', 'xep_0352']:
        person.register_plugin(plugin)
    person.copies = asyncio.Queue()
    for direction in ['received', 'sent']:
        keep = lambda m, d=direction: person.copies.put_nowait((d, m[f'carbon_{d}']))
        person.add_event_handler(f'carbon_{direction}', keep)
    await person.logs_in(port)
    await person.comes_online()
    await person['xep_0280'].enable()
    return person


async def copy(person):
    return await asyncio.wait_for(person.copies.get(), PATIENCE)


def payload(message):
    """What a message carries, but for the ids that archives give it."""
    return sorted(tostring(child) for child in message.xml if not child.tag.endswith('stanza-id'))


async def converses(writer, desk, phone):
    """Each side's other device sees what is written, as it was written."""
    for person in [writer, desk]:
        # What is sent is for the scene to say.
        person['xep_0184'].auto_ack = False
    for one, other in [(writer, desk), (desk, writer)]:
        for number, extra in enumerate([None, *PAYLOADS]):
            body = f'text {number}' if number in (0, 1, 4) else None
            message = one.make_message(mto=other.boundjid, mbody=body, mtype='chat')
            if extra is not None:
                message.xml.append(ET.fromstring(extra))
            wanted = payload(message)
            message.send()
            seen = await other.sees('the message', lambda s: s.name == 'message' and payload(s) == wanted)
            direction, copied = await copy(phone)
            assert direction == ('received' if other is desk else 'sent'), direction
            assert payload(copied) == payload(seen), (tostring(copied.xml), tostring(seen.xml))
            assert copied['from'] == one.boundjid and copied['to'] == other.boundjid


async def looks_away(writer, phone):
    """What can wait waits while nobody looks at the phone; texts do not."""
    phone['xep_0352'].send_inactive()
    await phone['xep_0199'].ping('localhost')
    writer.send_presence(pto=phone.boundjid, pstatus='hidden')
    await writer['xep_0199'].ping('localhost')
    await phone['xep_0199'].ping('localhost')
    phone.sees_nothing_of(writer.boundjid.bare)
    phone['xep_0352'].send_active()
    await phone.sees('the presence', lambda s: s.name == 'presence' and s['status'] == 'hidden')


async def archive(person, other):
    """What the archive has of the conversation with somebody, by id, a small page at a time."""
    results = [m['mam_result'] async for m in person['xep_0313'].iterate(with_jid=other, rsm={'max': '5'})]
    return [(result['id'], result['forwarded']['stanza']['body']) for result in results]


async def comes_back(writer, desk, phone, port):
    """The phone loses its connection and goes on with its session; it missed nothing, and each archive has it once."""
    resumed = phone.loop.create_future()
    phone.add_event_handler('session_resumed', lambda _: resumed.set_result(None))
    lost = phone.disconnected
    phone.transport.abort()
    await asyncio.wait_for(lost, PATIENCE)
    missed = [f'missed {number}' for number in range(3)]
    for body in missed:
        writer.send_message(mto=phone.boundjid.bare, mbody=body, mtype='chat')
    await writer['xep_0199'].ping('localhost')
    phone.connect(address=('127.0.0.1', port))
    await asyncio.wait_for(resumed, PATIENCE)
    for body in missed:
        await phone.sees_message(writer.boundjid.bare, body)
    theirs = await archive(phone, writer.boundjid.bare)
    assert [body for _, body in theirs][-3:] == missed, theirs
    assert len({id for id, _ in theirs}) == len(theirs), theirs
    assert theirs == await archive(desk, writer.boundjid.bare)
    assert theirs == await archive(writer, phone.boundjid.bare)
    return len(theirs)


async def is_woken(writer, phone, app, certificate, port):
    """The app server wakes the phone, once it is away."""
    iq = phone.make_iq_set()
    form = (
        f"<x xmlns='{FORMS}' type='submit'><field var='FORM_TYPE'><value>{PUBLISH_OPTIONS}</value></field>"
        "<field var='secret'><value>&lt;s3cr3t&gt;</value></field></x>"
    )
    iq.xml.append(ET.fromstring(f"<enable xmlns='{PUSH}' jid='{app.boundjid}' node='n&amp;1'>{form}</enable>"))
    await iq.send()
    writer.send_message(mto=phone.boundjid.bare, mbody='seen', mtype='chat')
    await phone.sees_message(writer.boundjid.bare, 'seen')
    await phone.leaves()
    writer.send_message(mto=phone.boundjid.bare, mbody='unseen', mtype='chat')
    assert await app.takes() == (phone.boundjid.bare, 'n&1', '1', '<s3cr3t>')
    assert app.notifications.empty()


async def main(port, certificate, component_port, domain, address, other):
    secret, password, others = (sys.stdin.readline().rstrip('\n') for _ in range(3))
    app = AppServer(domain, secret, component_port)
    await app.connects()
    desk = await device(f'{address}/desk', password, certificate, port)
    phone = await device(f'{address}/phone', password, certificate, port)
    writer = Person(f'{other}/pen', others, certificate)
    writer.register_plugin('xep_0313')
    await writer.logs_in(port)
    await writer.comes_online()
    await converses(writer, desk, phone)
    print(f'  {address}: the phone saw what the desk got and sent, unharmed')
    await looks_away(writer, phone)
    print(f'  {address}: presence waited until somebody looked at the phone')
    count = await comes_back(writer, desk, phone, port)
    print(f'  {address}: the phone came back to its session; {count} messages are in all archives')
    await is_woken(writer, phone, app, certificate, port)
    print(f'  {domain}: woke the phone that was away')
    for person in [desk, writer]:
        await person.leaves()
    app.disconnect()
    await asyncio.wait_for(app.disconnected, PATIENCE)
    # COMPAT(slixmpp 1.8): its own part for components uses what it warns of.
    own = 'WARNING slixmpp.basexmpp: server property deprecated. Use boundjid.host'
    # COMPAT(slixmpp 1.8): it forgets what it has sent when it asks to resume, and wonders then that it arrived.
    forgetful = 'ERROR slixmpp.plugins.xep_0198.stream_management: Inconsistent sequence numbers from the server'
    assert all(line == own or line.startswith(forgetful) for line in complaints.lines), complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, COMPONENT_PORT, DOMAIN, ADDRESS, OTHER = sys.argv[1:]
    scene = main(int(PORT), CERTIFICATE, int(COMPONENT_PORT), DOMAIN, ADDRESS, OTHER)
    asyncio.get_event_loop().run_until_complete(scene)
