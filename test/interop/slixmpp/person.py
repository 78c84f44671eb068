"""A person with slixmpp: logs in over verified TLS, and keeps what arrives until a scene asks for it."""

import asyncio
import logging
import os
import time

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.stanza import StreamFeatures

PATIENCE = 15  # seconds until something that has not come counts as missing
PLUGINS = (
    ['xep_0012', 'xep_0030', 'xep_0048', 'xep_0049', 'xep_0054', 'xep_0077', 'xep_0092']
    + ['xep_0115', 'xep_0184', 'xep_0191', 'xep_0199', 'xep_0202', 'xep_0203']
)


class Complaints(logging.Handler):
    """What slixmpp has warned of; what nobody expected fails the run."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(f'{record.levelname} {record.name}: {record.getMessage()}')


complaints = Complaints()
# DEBUG=1 shows every stanza.
everything = [logging.StreamHandler()] if 'DEBUG' in os.environ else []
logging.basicConfig(level=logging.DEBUG, handlers=[complaints, *everything])


class Person(ClientXMPP):
    """One session; the server's certificate has to verify."""

    def __init__(self, jid, password, certificate, tls=None):
        super().__init__(jid, password)
        if tls is not None:
            self.ssl_context.maximum_version = tls
        self.ca_certs = certificate
        self.use_ipv6 = False
        self.use_aiodns = False
        self.auto_authorize = None
        self.auto_subscribe = False
        self.inbox = []
        self.arrived = asyncio.Event()
        self.outcome = self.loop.create_future()
        self.features_after_login = None
        for plugin in PLUGINS:
            # Accounts are made by register() alone, never because a login finds the feature.
            self.register_plugin(plugin, {'create_account': False} if plugin == 'xep_0077' else None)
        self.add_filter('in', self._keep)
        self.add_event_handler('session_start', lambda _: self._settle('session'))
        # One failed mechanism is not the end: slixmpp goes on with the next.
        self.refusals = []
        self.add_event_handler('failed_auth', lambda _: self.refusals.append(self['feature_mechanisms'].mech.name))
        self.add_event_handler('failed_all_auth', lambda _: self._settle('refused'))
        self.add_event_handler('disconnected', lambda _: self._settle('disconnected'))
        self.add_event_handler('connection_failed', lambda reason: self._settle(f'connection failed: {reason}'))

    def _settle(self, outcome):
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def _keep(self, stanza):
        if isinstance(stanza, StreamFeatures):
            self.features_after_login = stanza
        self.inbox.append(stanza)
        self.arrived.set()
        return stanza

    async def logs_in(self, port, direct=False):
        """Over STARTTLS, or TLS from the start when `direct`."""
        outcome = await self._tries(port, direct)
        refused = f', refused before: {", ".join(self.refusals)}' if self.refusals else ''
        assert outcome == 'session', f'{self.boundjid} did not log in: {outcome}{refused}'
        print(f'  {self.boundjid}: {self.socket.version()}, {self["feature_mechanisms"].mech.name}{refused}')

    async def is_refused(self, port):
        """Tries every mechanism, and none lets it in."""
        outcome = await self._tries(port)
        assert outcome == 'refused', outcome
        complaints.lines.remove('ERROR slixmpp.features.feature_mechanisms.mechanisms: No appropriate login method.')

    async def _tries(self, port, direct=False):
        self.default_port = port
        self.connect(('localhost', port), use_ssl=direct, force_starttls=not direct)
        return await asyncio.wait_for(self.outcome, PATIENCE)

    async def registers_and_logs_in(self, port):
        """Makes the account in band, then logs in on the same stream (XEP-0077 §3.1)."""
        self['xep_0077'].create_account = True

        # COMPAT(slixmpp 1.8): it holds back every stanza before the session starts, those of registration too.
        self._always_send_everything = True

        async def register(form):
            assert form['register']['fields'] >= {'username', 'password'}, form
            request = self.Iq(stype='set')
            request['register']['username'] = self.boundjid.user
            request['register']['password'] = self.password
            await request.send()
            self._always_send_everything = False
            print(f'  {self.boundjid.bare}: registered in band')

        self.add_event_handler('register', register)
        await self.logs_in(port)

    async def comes_online(self, version=''):
        """Asks for the roster, with the version known so far, and becomes available."""
        self.client_roster.version = version
        roster = await self.get_roster()
        self.send_presence()
        await self.sees_presence(self.boundjid, 'available')
        return roster

    async def sees(self, what, wanted):
        """Resolves with the first stanza that is wanted, and takes it out of the inbox."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for at, stanza in enumerate(self.inbox):
                if wanted(stanza):
                    del self.inbox[at]
                    return stanza
            self.arrived.clear()
            try:
                await asyncio.wait_for(self.arrived.wait(), max(0.01, deadline - time.monotonic()))
            except asyncio.TimeoutError:
                seen = '\n    '.join(str(s) for s in self.inbox[-20:])
                raise AssertionError(f'{self.boundjid} did not see {what}; but:\n    {seen}') from None

    async def sees_presence(self, sender, kind):
        return await self.sees(
            f'{kind} from {sender}',
            lambda s: s.name == 'presence' and sender in (s['from'], s['from'].bare) and s['type'] == kind,
        )

    async def sees_message(self, sender, body):
        return await self.sees(
            f'the message "{body}" of {sender}',
            lambda s: s.name == 'message' and s['from'].bare == sender and s['body'] == body,
        )

    async def sees_subscription(self, contact, state):
        """Waits for the roster push that says so, and checks that slixmpp believes it."""
        await self.sees(
            f'a roster push: {contact} is {state}',
            lambda s: s.name == 'iq' and s['type'] == 'set'
            and s['roster']['items'].get(contact, {}).get('subscription') == state,
        )
        if state != 'remove':
            assert self.client_roster[contact]['subscription'] == state, self.client_roster

    def sees_nothing_of(self, sender):
        """Call it behind a round trip to the server: what it sent before has come by then."""
        late = [s for s in self.inbox if s.name in ('message', 'presence') and s['from'].bare == sender]
        assert not late, late

    async def leaves(self, status=''):
        gone = self.disconnected
        self.send_presence(ptype='unavailable', pstatus=status or None)
        self.disconnect()
        await asyncio.wait_for(gone, PATIENCE)


async def refused(request):
    """The condition that a request fails with."""
    try:
        await request
    except IqError as error:
        return error.condition
    raise AssertionError('it was not refused')
