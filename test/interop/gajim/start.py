"""Gajim with a profile in a folder of its own, which is made when it is not there.

    /usr/bin/python3 start.py FOLDER ADDRESS PORT CERTIFICATE TYPE
    # TYPE: START TLS or DIRECT TLS; on standard input: the password of the address
"""

import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path


def make(folder, address, password, port, certificate, tls):
    """What Gajim would ask for in its first windows."""
    # It believes this certificate; its own store is asked, not the system's.
    (folder / 'cert_store').mkdir(parents=True)
    shutil.copy(certificate, folder / 'cert_store' / 'localhost')
    # Neither of them reaches for anything but our server; and no notification covers a picture of the screen.
    app = {'use_keyring': False, 'check_for_update': False, 'show_notifications': False, 'sounds_on': False}
    app |= {'use_speller': False, 'show_trayicon': False, 'action_on_close': 'quit', 'mainwin_height': 700}
    name, host = address.split('@')
    account = {'name': name, 'hostname': host, 'password': password, 'account_label': address, 'active': True}
    account |= {'use_custom_host': True, 'custom_host': 'localhost', 'custom_port': port, 'custom_type': tls}
    settings = {'app': app, 'soundevents': {}, 'status_presets': {}, 'proxies': {}, 'plugins': {}, 'workspaces': {'w': {}}}
    database = sqlite3.connect(folder / 'settings.sqlite')
    database.executescript(
        """create table settings (name text unique, settings text);
        create table account_settings (account text unique, settings text);
        pragma user_version = 5"""
    )
    database.executemany('insert into settings values (?, ?)', [(n, json.dumps(s)) for n, s in settings.items()])
    of_account = {'account': account, 'contact': {}, 'group_chat': {}}
    database.execute('insert into account_settings values (?, ?)', (name, json.dumps(of_account)))
    database.commit()
    database.close()


def main(folder, address, port, certificate, tls):
    password = sys.stdin.readline().rstrip('\n')
    if not (folder / 'settings.sqlite').exists():
        make(folder, address, password, int(port), certificate, tls)
    # It does not run as root, as whom CI does; nothing but a server of ours ever talks to this one.
    os.geteuid = lambda: 1000
    from gajim.gajim import main as run

    sys.argv = ['gajim', '--config-path', str(folder)]
    if 'DEBUG' in os.environ:
        sys.argv.append('--verbose')
    run()


if __name__ == '__main__':
    main(Path(sys.argv[1]), *sys.argv[2:])
