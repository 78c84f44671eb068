"""An admin who runs the server from a client, and somebody whose account it is about.

    /usr/bin/python3 admin.py PORT CERTIFICATE ADMIN ADDRESS
    # on standard input: the password of the admin, and one for the address, which is no account yet
"""

import asyncio
import sys

from person import PATIENCE, Person, complaints
from slixmpp.exceptions import IqError

ADMIN = 'http://jabber.org/protocol/admin'


class Admin(Person):
    """Gives commands stage by stage, as slixmpp's xep_0050 does it."""

    async def gives(self, name, values=None):
        """The form that comes of a command, after its form, if there is one, was filled in with these values."""
        done = self.loop.create_future()

        def shown(iq, session):
            try:
                answer(iq, session)
            except Exception as error:
                done.set_exception(error)

        def answer(iq, session):
            if iq['command']['status'] == 'completed':
                done.set_result(iq)
                return
            form = iq['command']['form']
            assert ADMIN in form.get_fields()['FORM_TYPE']['value'], form
            unknown = set(values or {}) - set(form.get_fields())
            assert not unknown, f'{name} has no fields {unknown}'
            form['type'] = 'submit'
            form.set_values(values or {})
            session['payload'] = [form]
            session['next'] = shown
            self['xep_0050'].complete_command(session)

        def failed(iq, session):
            done.set_exception(IqError(iq))

        session = {'next': shown, 'error': failed}
        # xep_0133 has a function for every command of the specification.
        getattr(self['xep_0133'], name.replace('-', '_'))(jid='localhost', session=session)
        return await asyncio.wait_for(done, PATIENCE)

    async def is_refused(self, name, values):
        """The condition of the error that comes of a command."""
        try:
            await self.gives(name, values)
        except IqError as error:
            return error.condition
        raise AssertionError(f'{name} was not refused')


def values_of(iq):
    return iq['command']['form'].get_values()


async def main(port, certificate, admin_address, address):
    admin_password, password = (sys.stdin.readline().rstrip('\n') for _ in range(2))
    admin = Admin(f'{admin_address}/palace', admin_password, certificate)
    for plugin in ['xep_0050', 'xep_0133']:
        admin.register_plugin(plugin)
    await admin.logs_in(port)
    await admin.comes_online()
    items = (await admin['xep_0133'].get_commands(jid='localhost'))['disco_items']['items']
    nodes = {node for _, node, _ in items}
    assert {f'{ADMIN}#{name}' for name in ['add-user', 'announce', 'shutdown']} <= nodes, nodes
    print(f'  {admin_address}: found {len(nodes)} commands')

    new = {'accountjid': address, 'password': password, 'password-verify': password}
    await admin.gives('add-user', new)
    assert await admin.is_refused('add-user', new) == 'conflict', 'the account was made twice'
    listed = values_of(await admin.gives('get-registered-users-list', {'max_items': '100'}))
    assert address in listed['registereduserjids'], listed
    person = Person(f'{address}/street', password, certificate)
    await person.logs_in(port)
    await person.comes_online()
    online = values_of(await admin.gives('get-online-users-num'))
    assert int(online['onlineusersnum']) >= 2, online
    await admin.gives('announce', {'announcement': 'Peace, I charge you!'})
    await person.sees_message('localhost', 'Peace, I charge you!')
    stats = values_of(await admin.gives('user-stats', {'accountjid': address}))
    assert 'street' in stats['onlineresources'], stats
    print(f'  {admin_address}: made an account, saw it in the list and online, and told it something')
    await person.leaves()
    await admin.gives('delete-user', {'accountjids': [address]})
    await admin.leaves()
    # COMPAT(slixmpp 1.8): nobody takes the error of a command from the request that xep_0050 has sent for us.
    own = 'ERROR asyncio: Future exception was never retrieved'
    assert all(line.startswith(own) and '<conflict' in line for line in complaints.lines), complaints.lines


if __name__ == '__main__':
    PORT, CERTIFICATE, ADMIN_ADDRESS, ADDRESS = sys.argv[1:]
    scene = main(int(PORT), CERTIFICATE, ADMIN_ADDRESS, ADDRESS)
    asyncio.get_event_loop().run_until_complete(scene)
