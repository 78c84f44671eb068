"""What Gajim's window does and shows.

    /usr/bin/python3 screen.py do ACTION [NAME=VALUE…]      # app.quit, win.send-message and the like
    /usr/bin/python3 screen.py look FILE.png [COLOUR]       # takes a picture; prints how much of it has a colour (RRGGBB)
"""

import sys

import gi

gi.require_version('Gdk', '3.0')
from gi.repository import Gdk, Gio, GLib  # noqa: E402


OBJECTS = {'app': '/org/gajim/Gajim', 'win': '/org/gajim/Gajim/window/1'}


def do(action, *parameters):
    owner, name = action.split('.')
    values = {}
    for key, value in (parameter.split('=') for parameter in parameters):
        values[key] = GLib.Variant('b', True) if value == 'true' else GLib.Variant('s', value)
    given = [GLib.Variant('a{sv}', values)] if values else []
    bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
    call = GLib.Variant('(sava{sv})', (name, given, {}))
    bus.call_sync('org.gajim.Gajim', OBJECTS[owner], 'org.gtk.Actions', 'Activate', call, None, Gio.DBusCallFlags.NONE, 5000, None)


def look(file, colour=None):
    screen = Gdk.get_default_root_window()
    picture = Gdk.pixbuf_get_from_window(screen, 0, 0, screen.get_width(), screen.get_height())
    picture.savev(file, 'png', [], [])
    if colour is not None:
        pixels, size = picture.get_pixels(), picture.get_n_channels()
        wanted = bytes.fromhex(colour)
        print(sum(pixels[at : at + 3] == wanted for at in range(0, len(pixels), size)))


if __name__ == '__main__':
    {'do': do, 'look': look}[sys.argv[1]](*sys.argv[2:])
