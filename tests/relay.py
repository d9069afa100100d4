"""A mail relay that listens."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any


class Conversation(socketserver.StreamRequestHandler):
    """A relay of twenty lines that writes down what it hears."""

    def handle(self) -> None:
        self.say("220 relay")
        while line := self.rfile.readline():
            heard = line.decode().strip()
            self.server.heard.append(heard)
            verb = heard.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-relay\r\n250 STARTTLS")
            elif verb == "DATA":
                self.say("354 go on")
                while (line := self.rfile.readline().rstrip()) != b".":
                    self.server.heard.append(line.decode())
                self.say("250 kept")
            elif verb == "RCPT":
                self.say(self.server.recipients)
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.connection.close()
                return
            else:
                self.say("221 bye" if verb == "QUIT" else "250 good")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def relay() -> Iterator[Any]:
    """A relay on a free port; `heard` is what it was told."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
    server.heard, server.recipients = [], "250 good"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
