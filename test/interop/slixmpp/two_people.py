"""Two people with slixmpp find each other and talk.

    /usr/bin/python3 two_people.py PORT TLS_PORT CERTIFICATE    # the password of juliet on standard input
"""

import asyncio
import ssl
import sys
from datetime import datetime, timedelta, timezone

from person import Person, complaints, refused

ROMEO, JULIET, HOST = 'romeo@localhost', 'juliet@localhost', 'localhost'
PENCIL, QUILL = 'pencil and paper', 'quill and ink, 2 drops'


async def add_each_other(romeo, juliet):
    romeo.send_presence_subscription(pto=JULIET, ptype='subscribe', pnick='Romeo')
    await juliet.sees_presence(ROMEO, 'subscribe')
    juliet.send_presence_subscription(pto=ROMEO, ptype='subscribed')
    await romeo.sees_presence(JULIET, 'subscribed')
    await romeo.sees_subscription(JULIET, 'to')
    assert (await romeo.sees_presence(juliet.boundjid, 'available'))['type'] == 'available'
    juliet.send_presence_subscription(pto=ROMEO, ptype='subscribe')
    await romeo.sees_presence(JULIET, 'subscribe')
    romeo.send_presence_subscription(pto=JULIET, ptype='subscribed')
    await juliet.sees_presence(ROMEO, 'subscribed')
    await juliet.sees_presence(romeo.boundjid, 'available')
    await juliet.sees_subscription(ROMEO, 'both')
    await romeo.sees_subscription(JULIET, 'both')


async def see_each_other(romeo, juliet):
    juliet.send_presence(pshow='away', pstatus='On the balcony', ppriority=3)
    seen = await romeo.sees('juliet away', lambda s: s.name == 'presence' and s['status'] == 'On the balcony')
    assert (seen['show'], seen['priority'], seen['from']) == ('away', 3, juliet.boundjid), seen
    romeo.update_roster(JULIET, name='Juliet ♥', groups=['Verona', 'Capulets'])
    push = await romeo.sees(
        'the push of the name',
        lambda s: s.name == 'iq' and s['roster']['items'].get(JULIET, {}).get('name') == 'Juliet ♥',
    )
    assert set(push['roster']['items'][JULIET]['groups']) == {'Verona', 'Capulets'}, push


async def chat(romeo, juliet):
    text = 'But soft, what light? <&>"\' ¡ça & là! 🌙\nA second line.'
    romeo.send_message(mto=JULIET, mbody=text, mtype='chat')
    received = await juliet.sees_message(ROMEO, text)
    assert (received['type'], received['from']) == ('chat', romeo.boundjid), received
    answer = received.reply('Ay me!')
    answer['request_receipt'] = True
    answer.send()
    answered = await romeo.sees_message(JULIET, 'Ay me!')
    await juliet.sees('the receipt', lambda s: s.name == 'message' and s['receipt'] == answered['id'])


async def clock_of(person, jid):
    reply = await person['xep_0202'].get_entity_time(jid)
    # COMPAT(slixmpp 1.8): its own reading of <utc/> adds a second Z.
    return datetime.fromisoformat(reply.xml.findtext('.//{urn:xmpp:time}utc').replace('Z', '+00:00'))


async def ask_the_server(romeo):
    info = (await romeo['xep_0030'].get_info(jid=HOST))['disco_info']
    assert ('server', 'im') in {(i[0], i[1]) for i in info['identities']}, info
    expected = ['http://jabber.org/protocol/disco#info', 'jabber:iq:last', 'jabber:iq:private', 'jabber:iq:version']
    expected += ['jabber:iq:register', 'urn:xmpp:blocking', 'urn:xmpp:ping', 'urn:xmpp:time', 'vcard-temp', 'msgoffline']
    missing = set(expected) - set(info['features'])
    assert not missing, f'disco#info lacks {missing}'
    await romeo['xep_0030'].get_items(jid=HOST)
    own = (await romeo['xep_0030'].get_info(jid=ROMEO))['disco_info']
    assert ('account', 'registered') in {(i[0], i[1]) for i in own['identities']}, own
    version = (await romeo['xep_0092'].get_version(HOST))['software_version']
    assert version['name'] == 'Stonechat' and version['version'], version
    skew = await clock_of(romeo, HOST) - datetime.now(timezone.utc)
    assert abs(skew) < timedelta(seconds=60), skew
    up = (await romeo['xep_0012'].get_last_activity(HOST))['last_activity']['seconds']
    assert 0 <= up < 300, up
    rtt = await romeo['xep_0199'].ping(HOST)
    await romeo['xep_0199'].ping(ROMEO)
    name = f'{version["name"]} {version["version"]}'
    print(f'  {name}, up {up} s, ping {rtt * 1000:.1f} ms, {len(info["features"])} features')
    assert await refused(romeo.make_iq_get('urn:example:unknown', ito=HOST).send()) == 'service-unavailable'


async def ask_each_other(romeo, juliet):
    full = juliet.boundjid
    await romeo['xep_0199'].ping(full)
    assert (await romeo['xep_0092'].get_version(full))['software_version']['name']
    assert (await romeo['xep_0012'].get_last_activity(JULIET))['last_activity']['seconds'] == 0
    # slixmpp has asked by itself for what stands behind juliet's caps (XEP-0115).
    assert 'urn:xmpp:ping' in (await romeo['xep_0115'].get_caps(full))['features']
    own = romeo.features_after_login.xml.find('{http://jabber.org/protocol/caps}c')
    assert own is not None, 'no caps of the server'


async def keep_things(romeo, juliet):
    card = juliet['xep_0054'].make_vcard()
    card['FN'] = 'Juliet Capulet'
    card['NICKNAME'] = 'Jule'
    await juliet['xep_0054'].publish_vcard(card)
    assert (await romeo['xep_0054'].get_vcard(JULIET))['vcard_temp']['FN'] == 'Juliet Capulet'
    bookmarks = romeo['xep_0048'].stanza.Bookmarks()
    bookmarks.add_conference('garden@rooms.localhost', 'Romeo', autojoin=True)
    await romeo['xep_0048'].set_bookmarks(bookmarks, method='xep_0049')
    kept = (await romeo['xep_0048'].get_bookmarks(method='xep_0049'))['private']['bookmarks']['conferences']
    assert [c['jid'] for c in kept] == ['garden@rooms.localhost'], kept


async def block(romeo, juliet):
    await romeo['xep_0191'].block(JULIET)
    await juliet.sees_presence(romeo.boundjid, 'unavailable')
    assert (await romeo['xep_0191'].get_blocked())['blocklist']['items'] == {JULIET}
    juliet.send_message(mto=romeo.boundjid, mbody='Do you hear me?', mtype='chat')
    error = await juliet.sees('an error', lambda s: s.name == 'message' and s['type'] == 'error')
    assert error['error']['condition'] == 'service-unavailable', error
    assert await refused(romeo['xep_0199'].send_ping(juliet.boundjid)) == 'not-acceptable'
    romeo.sees_nothing_of(JULIET)
    await romeo['xep_0191'].unblock(JULIET)
    await juliet.sees_presence(romeo.boundjid, 'available')
    assert not (await romeo['xep_0191'].get_blocked())['blocklist']['items']


async def write_to_the_absent(romeo, juliet, log_in_again):
    await juliet.leaves('Good night')
    assert (await romeo.sees_presence(juliet.boundjid, 'unavailable'))['status'] == 'Good night'
    last = (await romeo['xep_0012'].get_last_activity(JULIET))['last_activity']
    assert 0 <= last['seconds'] < 60 and last['status'] == 'Good night', last
    before = datetime.now(timezone.utc) - timedelta(seconds=2)
    lines = ['Parting is such sweet sorrow', 'that I shall say good night', 'till it be morrow.']
    for line in lines:
        romeo.send_message(mto=JULIET, mbody=line, mtype='chat')
    await romeo['xep_0199'].ping(HOST)
    juliet = await log_in_again()
    received = [await juliet.sees('an offline message', lambda s: s.name == 'message') for _ in lines]
    assert [m['body'] for m in received] == lines, received
    for message in received:
        stamp = message['delay']['stamp']
        assert before <= stamp <= datetime.now(timezone.utc) + timedelta(seconds=2), message
    print(f'  offline messages stamped {received[0]["delay"]["stamp"]} by {received[0]["delay"]["from"]}')
    await romeo.sees_presence(juliet.boundjid, 'available')
    return juliet


async def main(port, tls_port, certificate, password):
    def scene(name):
        print(f'slixmpp: {name}', flush=True)

    async def juliet_logs_in(roster_version=''):
        juliet = Person(f'{JULIET}/balcony', password, certificate)
        await juliet.logs_in(tls_port, direct=True)
        roster = await juliet.comes_online(roster_version)
        if roster_version:
            # RFC 6121 §2.6.3: an empty result, for the roster has not changed.
            assert not roster['roster']['items'] and not roster['roster']['ver'], roster
        return juliet

    scene('romeo registers and logs in over STARTTLS, juliet logs in over direct TLS')
    romeo = Person(f'{ROMEO}/orchard', PENCIL, certificate, tls=ssl.TLSVersion.TLSv1_2)
    await romeo.registers_and_logs_in(port)
    assert romeo['feature_mechanisms'].mech.name == 'SCRAM-SHA-512-PLUS', 'tls-unique does not work on TLS 1.2'
    await romeo.comes_online()
    juliet = await juliet_logs_in()
    scene('they add each other')
    await add_each_other(romeo, juliet)
    scene('they see each other')
    await see_each_other(romeo, juliet)
    scene('they chat')
    await chat(romeo, juliet)
    scene('romeo asks the server: disco, version, time, last activity, ping')
    await ask_the_server(romeo)
    scene('romeo asks juliet: ping, version, last activity, caps')
    await ask_each_other(romeo, juliet)
    scene('vCards and bookmarks')
    await keep_things(romeo, juliet)
    scene('romeo blocks and unblocks juliet')
    await block(romeo, juliet)
    scene('juliet is away, and comes back with a roster version')
    version = juliet.client_roster.version
    assert version, 'the roster has no version'
    juliet = await write_to_the_absent(romeo, juliet, lambda: juliet_logs_in(version))
    scene('romeo changes his password')
    await romeo['xep_0077'].change_password(QUILL, jid=HOST)
    await romeo.leaves()
    await juliet.sees_presence(romeo.boundjid, 'unavailable')
    await Person(ROMEO, PENCIL, certificate).is_refused(port)
    romeo = Person(f'{ROMEO}/orchard', QUILL, certificate)
    await romeo.logs_in(port)
    await romeo.comes_online()
    await juliet.sees_presence(romeo.boundjid, 'available')
    scene('juliet removes romeo, romeo removes his account')
    await juliet.del_roster_item(ROMEO)
    await romeo.sees_presence(JULIET, 'unsubscribed')
    await romeo.sees_presence(juliet.boundjid, 'unavailable')
    gone = romeo.disconnected
    await romeo['xep_0077'].cancel_registration(jid=HOST)
    await asyncio.wait_for(gone, 15)
    await Person(ROMEO, QUILL, certificate).is_refused(port)
    await juliet.leaves()


if __name__ == '__main__':
    asyncio.get_event_loop().run_until_complete(
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.stdin.readline().rstrip('\n'))
    )
    sys.exit('\n'.join(['slixmpp complained:', *complaints.lines]) if complaints.lines else 0)
