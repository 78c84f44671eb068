"""Gajim with its settings in a folder of its own; with a URI it tells the Gajim that runs there to open that.

    /usr/bin/python3 start.py FOLDER ADDRESS PORT CERTIFICATE TYPE [URI]
    # TYPE is START TLS or DIRECT TLS; on standard input: the password of the address
"""

import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path

# It asks no keyring and no other server, and nothing covers its window.
APP = {'use_keyring': False, 'check_for_update': False, 'show_notifications': False, 'sounds_on': False}
APP |= {'show_trayicon': False, 'mainwin_height': 700}


def settings(folder, address, password, certificate):
    """What its first windows would ask for; the certificate is believed because it is in its store."""
    (folder / 'cert_store').mkdir(parents=True)
    shutil.copy(certificate, folder / 'cert_store' / 'localhost')
    name, host = address.split('@')
    account = {'name': name, 'hostname': host, 'password': password, 'account_label': address, 'active': True}
    tables = {'app': APP, 'soundevents': {}, 'status_presets': {}, 'proxies': {}, 'plugins': {}, 'workspaces': {'w': {}}}
    with sqlite3.connect(folder / 'settings.sqlite') as database:
        database.execute('create table settings (name text unique, settings text)')
        database.execute('create table account_settings (account text unique, settings text)')
        database.execute('pragma user_version = 5')
        rows = [(name, json.dumps(values)) for name, values in tables.items()]
        database.executemany('insert into settings values (?, ?)', rows)
        of_account = json.dumps({'account': account, 'contact': {}, 'group_chat': {}})
        database.execute('insert into account_settings values (?, ?)', (name, of_account))


def connects(folder, port, tls):
    """Where the server is."""
    with sqlite3.connect(folder / 'settings.sqlite') as database:
        (text,) = database.execute('select settings from account_settings').fetchone()
        account = json.loads(text)
        account['account'] |= {'use_custom_host': True, 'custom_host': 'localhost', 'custom_port': port, 'custom_type': tls}
        database.execute('update account_settings set settings = ?', (json.dumps(account),))


def main(folder, address, port, certificate, tls, *uris):
    if not uris:
        if not (folder / 'settings.sqlite').exists():
            settings(folder, address, sys.stdin.readline().rstrip('\n'), certificate)
        connects(folder, int(port), tls)
    # It does not run as root, as whom tests often do; this one meets nobody but our server.
    os.geteuid = lambda: 1000
    from gajim.gajim import main as run

    verbose = ['--verbose'] if 'DEBUG' in os.environ else []
    sys.argv = ['gajim', '--config-path', str(folder), *verbose, *uris]
    run()


if __name__ == '__main__':
    main(Path(sys.argv[1]), *sys.argv[2:])
