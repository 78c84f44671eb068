"""Somebody who uploads a file and tells somebody else where it is, who downloads it.

    /usr/bin/python3 upload.py PORT CERTIFICATE ADDRESS OTHER
    # on standard input: the passwords of both addresses
"""

import asyncio
import io
import os
import sys

from aiohttp import ClientSession
from person import Person, complaints
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0363.http_upload import FileTooBig

NAME = 'Ce portrait, très cher.png'


async def download(url):
    async with ClientSession() as session, session.get(url) as response:
        assert response.status == 200, response.status
        return response.headers, await response.read()


async def part_of(url, start):
    """What a client asks for that was cut off."""
    async with ClientSession() as session, session.get(url, headers={'Range': f'bytes={start}-'}) as response:
        assert response.status == 206, response.status
        return await response.read()


async def finds_service(person):
    """COMPAT(slixmpp 1.8): on Python 3.11 its own search fails, for it passes coroutines to asyncio.wait."""
    disco = person['xep_0030']
    items = await disco.get_items(person.boundjid.domain)
    for jid, _, _ in items['disco_items']['items']:
        try:
            info = (await disco.get_info(jid))['disco_info']
        except IqError:
            # A component that is not connected.
            continue
        if 'urn:xmpp:http:upload:0' not in info['features']:
            continue
        assert ('store', 'file') in [identity[:2] for identity in info['identities']], info
        upload = person['xep_0363']
        upload.upload_service = jid
        for form in info.iterables:
            upload.max_file_size = int(form['values']['max-file-size'])
        return upload
    raise AssertionError('there is no service')


async def main(port, certificate, address, other):
    password, others = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    sender = Person(f'{address}/window', password, certificate)
    reader = Person(f'{other}/cell', others, certificate)
    for person in [sender, reader]:
        person.register_plugin('xep_0363')
        await person.logs_in(port)
        await person.comes_online()
    content = os.urandom(3_000_000)
    upload = await finds_service(sender)
    url = await upload.upload_file(NAME, input_file=io.BytesIO(content))
    sender.send_message(mto=reader.boundjid.bare, mbody=url, mtype='chat')
    message = await reader.sees_message(address, url)
    headers, found = await download(message['body'])
    assert found == content, len(found)
    assert (headers['Content-Type'], headers['X-Content-Type-Options']) == ('image/png', 'nosniff'), headers
    assert await part_of(url, 2_000_000) == content[2_000_000:]
    print(f'  {other}: downloads what {address} has uploaded')
    try:
        await upload.upload_file(NAME, size=upload.max_file_size + 1, input_file=io.BytesIO(b''))
        raise AssertionError('it was not refused')
    except FileTooBig as error:
        print(f'  {address}: {error}')
    for person in [sender, reader]:
        await person.leaves()
    assert not complaints.lines, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADDRESS, OTHER = sys.argv[1:]
    asyncio.get_event_loop().run_until_complete(main(int(PORT), CERTIFICATE, ADDRESS, OTHER))
