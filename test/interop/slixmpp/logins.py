"""Logs in with each mechanism, as far as slixmpp gets: logins.py PORT TLS-PORT CERTIFICATE, the password on standard input."""

import asyncio
import ssl
import sys

from person import Person

SCRAM = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
# Before 1.8.5 slixmpp binds by tls-unique alone, which TLS 1.3 does not have; without -PLUS it says that the server cannot
# bind, which the server knows better.
CASES = [('PLAIN', None), *[(f'{name}-PLUS', ssl.TLSVersion.TLSv1_2) for name in SCRAM]]


async def main(port, tls_port, certificate, password):
    for direct in (False, True):
        for mechanism, tls in CASES:
            person = Person('friar@localhost/cell', password, certificate, tls)
            person['feature_mechanisms'].use_mech = mechanism
            await person.logs_in(tls_port if direct else port, direct)
            used = person['feature_mechanisms'].mech.name
            assert used == mechanism, f'{used} in place of {mechanism}'
            await person.leaves()
            print(f'slixmpp: {mechanism}: {"TLS" if direct else "STARTTLS"}', flush=True)


if __name__ == '__main__':
    port, tls_port, certificate = sys.argv[1:]
    work = main(int(port), int(tls_port), certificate, sys.stdin.readline().rstrip('\n'))
    asyncio.get_event_loop().run_until_complete(work)
