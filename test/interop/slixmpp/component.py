"""A component and somebody who talks with it.

    /usr/bin/python3 component.py PORT CERTIFICATE COMPONENT_PORT DOMAIN ADDRESS
    # on standard input: the secret of the component, and the password of the address
"""

import asyncio
import sys

from person import PATIENCE, Person, complaints
from slixmpp import ComponentXMPP


class Oracle(ComponentXMPP):
    """Answers every message as whoever of its domain it was asked as."""

    def __init__(self, domain, secret, port):
        super().__init__(domain, secret, '127.0.0.1', port)
        self.use_ipv6 = False
        self.use_aiodns = False
        for plugin in ['xep_0030', 'xep_0199']:
            self.register_plugin(plugin)
        self['xep_0030'].add_identity(category='component', itype='generic', name='An oracle')
        self.outcome = self.loop.create_future()
        self.add_event_handler('session_start', lambda _: self._settle('session'))
        self.add_event_handler('disconnected', lambda _: self._settle('disconnected'))
        self.add_event_handler('message', self._answer)

    def _settle(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def _answer(self, message):
        if message['type'] == 'chat' and message['body']:
            message.reply(f'{message["to"].user} says: {message["body"]}').send()

    async def connects(self):
        """How connecting turns out: `session` or `disconnected`."""
        self.connect()
        return await asyncio.wait_for(self.outcome, PATIENCE)


async def main(port, certificate, component_port, domain, address):
    secret, password = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    stranger = Oracle(domain, f'not {secret}', component_port)
    assert await stranger.connects() == 'disconnected', 'a wrong secret did'
    stranger.abort()
    oracle = Oracle(domain, secret, component_port)
    assert await oracle.connects() == 'session', 'the right secret did not do'
    await oracle['xep_0199'].ping('localhost', ifrom=domain, timeout=PATIENCE)
    print(f'  {domain}: connected as a component, once it knew the secret')

    person = Person(f'{address}/delphi', password, certificate)
    await person.logs_in(port)
    await person.comes_online()
    items = (await person['xep_0030'].get_items(jid='localhost'))['disco_items']['items']
    assert domain in {item[0] for item in items}, items
    info = (await person['xep_0030'].get_info(jid=domain))['disco_info']
    assert ('component', 'generic') in {(i[0], i[1]) for i in info['identities']}, info
    await person['xep_0199'].ping(domain)
    text = 'Know thyself? <&> 🌿'
    person.send_message(mto=f'pythia@{domain}', mbody=text, mtype='chat')
    await person.sees_message(f'pythia@{domain}', f'pythia says: {text}')
    print(f'  {address}: found it, asked it, and heard it answer')
    oracle.disconnect()
    await asyncio.wait_for(oracle.disconnected, PATIENCE)
    await person.leaves()
    # COMPAT(slixmpp 1.8): its own part for components uses what it warns of.
    own = 'WARNING slixmpp.basexmpp: server property deprecated. Use boundjid.host'
    assert set(complaints.lines) <= {own}, complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, COMPONENT_PORT, DOMAIN, ADDRESS = sys.argv[1:]
    scene = main(int(PORT), CERTIFICATE, int(COMPONENT_PORT), DOMAIN, ADDRESS)
    asyncio.get_event_loop().run_until_complete(scene)
