#!/usr/bin/env python3
"""Between client and backend: dead backends, half-closed streams, backpressure, the end of it all."""

import hashlib
import random
import socket
import threading
import time

from support import case, clients, daemon, origin, sandbox

ECHO_PORT = 8081
SPEAKER_PORT = 8082
LAZY_PORT = 8083
HASTY_PORT = 8084
CLOSED_PORT = 8099  # nothing listens there
SILENT_ADDRESS = "198.18.0.99"  # nobody has it

# Listener ports.
HALF_DEAD, ALL_DEAD, UNREACHABLE, ECHO, SPEAKER, LAZY, HASTY, MIXED = range(1001, 1009)


def echo_until_end(connection):
    """Says nothing before the end of the input, then sends all of it back."""
    received = bytearray()
    while chunk := connection.recv(65536):
        received += chunk
    connection.sendall(received)


class Speaker:
    """Sends a farewell and its FIN at once, and goes on listening."""

    def __init__(self):
        self.heard = b""
        self.done = threading.Event()

    def __call__(self, connection):
        connection.sendall(b"farewell")
        connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(65536):
            self.heard += chunk
        self.done.set()


class Lazy:
    """Reads nothing until it is told to, then everything; answers with its hash."""

    def __init__(self):
        self.may_read = threading.Event()

    def __call__(self, connection):
        self.may_read.wait(60)
        echo_hash(connection)


def echo_hash(connection):
    digest = hashlib.sha256()
    while chunk := connection.recv(65536):
        digest.update(chunk)
    connection.sendall(digest.digest())


def hang_up(connection):
    """Resets the connection after the first bytes."""
    connection.recv(1)
    clients.reset(connection)


class Proxy(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        good = f"{daemon.NEIGHBOUR}:{daemon.ORIGIN_PORT}"
        dead = f"{daemon.NEIGHBOUR}:{CLOSED_PORT}"
        configured["dataplane"]["limits"] |= {"receive_buffer": "256K", "send_buffer": "256K"}
        backends = {
            HALF_DEAD: {"servers": [dead, good], "retry_after": "60s"},
            ALL_DEAD: {"servers": [dead], "retry_after": "0s"},
            UNREACHABLE: {
                "servers": [f"{SILENT_ADDRESS}:80", good],
                "connect_timeout": "300ms",
                "retry_after": "60s",
            },
            ECHO: {"servers": [f"{daemon.NEIGHBOUR}:{ECHO_PORT}"]},
            SPEAKER: {"servers": [f"{daemon.NEIGHBOUR}:{SPEAKER_PORT}"]},
            LAZY: {"servers": [f"{daemon.NEIGHBOUR}:{LAZY_PORT}"]},
            HASTY: {"servers": [f"{daemon.NEIGHBOUR}:{HASTY_PORT}"]},
            MIXED: {"servers": [good, f"{daemon.NEIGHBOUR}:{ECHO_PORT}"]},
        }
        for port, backend in backends.items():
            configured["backends"][f"b{port}"] = backend
            configured["listeners"].append(daemon.listener(f"l{port}", port, f"b{port}"))
        return configured

    @classmethod
    def make_files(cls, root):
        super().make_files(root)
        (root / "large").write_bytes(random.Random(2).randbytes(50 * 1024 * 1024))

    def origin(self, port, serve):
        made = origin.TcpOrigin(port, serve)
        self.addCleanup(made.close)
        return made

    def get(self, port):
        client = self.client(port)
        client.send(b"GET /1k HTTP/1.0\r\n\r\n")
        return client.receive_all()

    # --- backends that are not there ---

    def test_dead_server_of_two_is_skipped(self):
        body = (self.nginx.root / "1k").read_bytes()
        for _ in range(10):
            self.assertTrue(self.get(HALF_DEAD).endswith(body))
        # Tried once, passed over from then on.
        self.assertEqual(self.growth("proxy", "backend_connect_failures"), 1)
        self.assertGreaterEqual(self.growth("proxy", "backend_skipped"), 4)

    def test_unreachable_server_costs_its_timeout_once(self):
        body = (self.nginx.root / "1k").read_bytes()
        for _ in range(4):
            self.assertTrue(self.get(UNREACHABLE).endswith(body))
        self.assertEqual(self.growth("proxy", "backend_connect_failures"), 1)

    def test_no_server_at_all_ends_the_session(self):
        client = self.client(ALL_DEAD)
        with self.assertRaises((OSError, AssertionError)):
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            client.receive_exactly(1)
        self.assert_counted("proxy", "backend_unavailable")
        # The others go on.
        self.assertTrue(self.get(daemon.PORT))

    def test_servers_take_turns(self):
        self.origin(ECHO_PORT, lambda c: (c.recv(65536), c.sendall(b"the other one")))
        answers = [self.get(MIXED) for _ in range(6)]
        self.assertEqual(sum(a == b"the other one" for a in answers), 3)

    def test_reset_by_the_backend_is_no_orderly_end(self):
        self.origin(HASTY_PORT, hang_up)
        client = self.client(HASTY)
        client.send(b"x")
        with self.assertRaises(OSError):  # an alert, or the stream cut off: not close_notify
            client.receive_all()
        self.assert_counted("proxy", "backend_resets")

    # --- streams that end in one direction first ---

    def test_client_that_finished_still_gets_the_answer(self):
        self.origin(ECHO_PORT, echo_until_end)
        client = self.client(ECHO)
        sent = random.Random(3).randbytes(1_000_000)
        client.send(sent)
        client.finish()
        self.assertEqual(client.receive_all(), sent)

    def test_client_that_finished_without_a_byte(self):
        self.origin(ECHO_PORT, lambda c: c.sendall(b"got " + c.recv(1)))
        client = self.client(ECHO)
        client.finish()
        self.assertEqual(client.receive_all(), b"got ")

    def test_backend_that_finished_still_gets_what_the_client_says(self):
        speaker = Speaker()
        self.origin(SPEAKER_PORT, speaker)
        client = self.client(SPEAKER)
        self.assertEqual(client.receive_all(), b"farewell")
        sent = random.Random(4).randbytes(1_000_000)
        client.send(sent)
        client.finish()
        self.assertTrue(speaker.done.wait(20))
        self.assertEqual(hashlib.sha256(speaker.heard).digest(), hashlib.sha256(sent).digest())

    # --- one side is slow ---

    def test_client_that_does_not_read_holds_the_backend_up(self):
        sock = clients.connect(receive_buffer=65536)
        client = clients.TlsClient(sock, self.trusted)
        self.addCleanup(client.close)
        client.handshake()
        client.send(b"GET /large HTTP/1.0\r\n\r\n")
        held = self.stalled("bytes_to_client")
        # What fits into buffers: Sluice's two of 256 KiB, and the client's own.
        self.assertLess(held, 4 * 1024 * 1024)
        used = self.before.gauges()["packets_available"] - self.packets_available()
        self.assertLess(used, 2000)
        body = client.receive_all().partition(b"\r\n\r\n")[2]
        expected = (self.nginx.root / "large").read_bytes()
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(expected).digest())

    def test_backend_that_does_not_read_holds_the_client_up(self):
        lazy = Lazy()
        self.origin(LAZY_PORT, lazy)
        client = self.client(LAZY)
        sent = (self.nginx.root / "large").read_bytes()

        def send():
            client.send(sent)
            client.finish()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        held = self.stalled("bytes_to_backend")
        self.assertLess(held, 16 * 1024 * 1024)  # the backend's kernel buffers several megabytes
        self.assertTrue(sender.is_alive())
        used = self.before.gauges()["packets_available"] - self.packets_available()
        self.assertLess(used, 2000)
        lazy.may_read.set()
        sender.join(60)
        self.assertEqual(client.receive_all(), hashlib.sha256(sent).digest())

    def stalled(self, name):
        """Waits until the counter stands still, and returns what it has grown by."""
        last = -1

        def stands_still():
            nonlocal last
            value = self.growth("proxy", name)
            unchanged = value == last and value > 0
            last = value
            time.sleep(0.3)
            return unchanged

        sandbox.eventually(stands_still, 20, "a standstill")
        return last

    def packets_available(self):
        return self.sluice.status().gauges()["packets_available"]


if __name__ == "__main__":
    case.main()
