"""Answers every chat message; says `ready` when it does: echo.py PORT CERTIFICATE, the password on standard input."""

import asyncio
import sys

from person import Person


async def main(port, certificate, password):
    echo = Person('echo@localhost/cave', password, certificate)

    def answer(message):
        if message['type'] == 'chat' and message['body']:
            message.reply(f'Echo of {message["body"]}').send()

    echo.add_event_handler('message', answer)
    await echo.logs_in(port)
    await echo.comes_online()
    print('ready', flush=True)
    await echo.disconnected


if __name__ == '__main__':
    asyncio.get_event_loop().run_until_complete(main(int(sys.argv[1]), sys.argv[2], sys.stdin.readline().rstrip('\n')))
