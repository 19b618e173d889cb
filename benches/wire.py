"""The least a client can do: a connection, statements in one message each, and the end.

Speaks the server's protocol itself, so that a floor has no driver in it: start-up with SCRAM, whose
salted key is kept per salt, then one simple query after the other. `spread` runs a function over many
databases with several processes, as a fleet's clients would. No TLS: the benches' server is here.
"""

import base64
import hashlib
import hmac
import multiprocessing
import os
import socket
import struct
import urllib.parse

KEYS = {}


class Wire:
    """A session, open until `close`."""

    def __init__(self, url, database):
        parts = urllib.parse.urlsplit(url)
        self.password = urllib.parse.unquote(parts.password or "").encode()
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        words = f"user\0{parts.username}\0database\0{database}\0client_encoding\0UTF8\0\0".encode()
        self.socket.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
        self.until_ready()

    def send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def message(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack_from("!I", self.buffer, 1)[0]:
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit("the server closed the connection")
            self.buffer += more
        end = 1 + struct.unpack_from("!I", self.buffer, 1)[0]
        kind, body = self.buffer[:1], self.buffer[5:end]
        self.buffer = self.buffer[end:]
        return kind, body

    def until_ready(self):
        """Reads on until the server waits for us; returns the first column of every row."""
        rows, failed = [], None
        while True:
            kind, body = self.message()
            if kind == b"R":
                self.answer(struct.unpack_from("!I", body)[0], body[4:])
            elif kind == b"E":
                failed = body.replace(b"\0", b" ").decode(errors="replace")
                if b"FATAL" in body:
                    raise SystemExit(failed)
            elif kind == b"D":
                length = struct.unpack_from("!i", body, 2)[0]
                rows.append(body[6:6 + length].decode() if length >= 0 else None)
            elif kind == b"Z":
                if failed:
                    raise SystemExit(failed)
                return rows

    def answer(self, step, body):
        if step == 10:
            self.first = "n=,r=" + base64.b64encode(os.urandom(18)).decode()
            word = ("n,," + self.first).encode()
            self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(word)) + word)
        elif step == 11:
            server = body.decode()
            fields = dict(part.split("=", 1) for part in server.split(","))
            known = (self.password, fields["s"], fields["i"])
            if known not in KEYS:
                salt = base64.b64decode(fields["s"])
                KEYS[known] = hashlib.pbkdf2_hmac("sha256", self.password, salt, int(fields["i"]))
            last = "c=biws,r=" + fields["r"]
            key = hmac.digest(KEYS[known], b"Client Key", "sha256")
            signed = hmac.digest(hashlib.sha256(key).digest(),
                                 ",".join((self.first, server, last)).encode(), "sha256")
            proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signed))).decode()
            self.send(b"p", f"{last},p={proof}".encode())

    def ask(self, sql):
        self.send(b"Q", sql.encode() + b"\0")
        return self.until_ready()

    def close(self):
        self.socket.sendall(b"X\0\0\0\4")
        self.socket.close()


def visit(url, messages, databases):
    for database in databases:
        session = Wire(url, database)
        for message in messages:
            session.ask(message)
        session.close()


def spread(url, databases, messages, clients):
    """Gives every database these messages, one connection each."""
    ours = [(url, messages, databases[first::clients]) for first in range(clients)]
    others = [multiprocessing.Process(target=visit, args=part) for part in ours]
    for process in others:
        process.start()
    for process in others:
        process.join()
    if any(process.exitcode for process in others):
        raise SystemExit("a client of the floor failed")
