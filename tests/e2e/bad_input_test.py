#!/usr/bin/env python3
"""Peers that do not keep to the rules: each gets the right answer and is counted by name, leaves
nothing behind, and disturbs no other connection."""

import random
import socket
import time

from support import case, clients, daemon

# RFC 8446 section 6.
PROTOCOL_VERSION = 70
RECORD_OVERFLOW = 22
DECODE_ERROR = 50
UNEXPECTED_MESSAGE = 10
BAD_RECORD_MAC = 20

SHORT_PORT = 444


def record(content_type, payload, version=0x0303):
    return bytes([content_type, version >> 8, version & 255]) + len(payload).to_bytes(2) + payload


class BadInput(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        listener = daemon.listener("short", SHORT_PORT, "origin")
        listener["timeouts"] = {"handshake": "1s", "idle": "2s"}
        configured["listeners"].append(listener)
        return configured

    @classmethod
    def make_files(cls, root):
        super().make_files(root)
        (root / "large").write_bytes(random.Random(1).randbytes(20 * 1024 * 1024))

    def setUp(self):
        super().setUp()
        # After the test's own clients have been closed.
        self.addCleanup(lambda: self.sluice.settle(self.at_start))
        # A well-behaved client that is there all the time.
        self.bystander = self.client()
        self.expected = (self.nginx.root / "1k").read_bytes()
        self.assertEqual(self.bystander.get("/1k"), self.expected)

    def tearDown(self):
        self.assertEqual(self.bystander.get("/1k"), self.expected, "another connection suffered")

    def answer_to(self, data, port=daemon.PORT):
        """What a connection that sends just `data` gets back, until it is closed."""
        with clients.connect(port) as sock:
            sock.settimeout(10)
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused and closed already
            return clients.read_to_end(sock)

    def assert_alert(self, answer, description):
        self.assertEqual(answer[:1], b"\x15", answer)
        self.assertEqual(answer[5:], bytes([2, description]), answer)

    def first_flight(self):
        sock = clients.connect()
        self.addCleanup(sock.close)
        client = clients.TlsClient(sock, self.trusted)
        return client, client.first_flight()

    # --- not TLS 1.3 ---

    def test_plain_http(self):
        self.answer_to(b"GET / HTTP/1.1\r\nHost: www.sluice.example\r\n\r\n")
        self.assert_counted("tls", "plain_http")

    def test_random_bytes(self):
        source = random.Random(20240301)
        for size in (1, 5, 6, 100, 5000, 70000):
            with self.subTest(size=size):
                # The first byte is no TLS content type, the rest may be anything.
                self.answer_to(b"\x80" + source.randbytes(size))
        self.assert_counted("tls", "not_tls", 5)

    def test_random_bytes_dressed_as_handshake_records(self):
        source = random.Random(20240302)
        for size in (4, 5, 64, 1000, 16384):
            with self.subTest(size=size):
                answer = self.answer_to(record(22, source.randbytes(size), 0x0301))
                self.assertEqual(answer[:1], b"\x15", answer)
        self.assert_counted("tls", "handshakes_failed", 5)

    def test_tls_1_2_only(self):
        output = clients.s_client(self.trusted, "-tls1_2")
        # RFC 8446 section 4.2.1: protocol_version.
        self.assertIn("alert protocol version", output)
        self.assert_counted("tls", "no_tls13")

    def test_connection_without_a_byte(self):
        self.assertEqual(self.answer_to(b""), b"")
        self.assert_counted("proxy", "client_gone_in_handshake")

    # --- a ClientHello in pieces ---

    def test_client_hello_in_one_byte_segments(self):
        client, hello = self.first_flight()
        for octet in hello:
            client.sock.sendall(bytes([octet]))
            time.sleep(0.0005)  # so that the kernel does not put them together
        client.handshake()
        self.assertEqual(client.get("/1k"), self.expected)

    def test_client_hello_over_many_records(self):
        client, hello = self.first_flight()
        message = hello[5:]
        for size in (1, 7):
            with self.subTest(size=size):
                pieces = (message[i : i + size] for i in range(0, len(message), size))
                client.sock.sendall(b"".join(record(22, piece, 0x0301) for piece in pieces))
                client.handshake()
                self.assertEqual(client.get("/1k"), self.expected)
            client, hello = self.first_flight()
            message = hello[5:]

    def test_client_hello_that_never_ends(self):
        _, hello = self.first_flight()
        # The message says that it is 2^24 - 1 bytes long.
        endless = hello[5:6] + b"\xff\xff\xff" + bytes(16000)
        answer = self.answer_to(record(22, endless, 0x0301) * 20)
        self.assertEqual(answer[:1], b"\x15", answer)
        self.assert_counted("tls", "message_too_long")

    def test_truncated_client_hello(self):
        _, hello = self.first_flight()
        for size in (1, 5, 6, 50, len(hello) - 1):
            with self.subTest(size=size):
                self.answer_to(hello[:size])
        self.assert_counted("proxy", "client_gone_in_handshake", 5)

    # --- records ---

    def test_oversized_plaintext_record(self):
        # RFC 8446 section 5.1: more than 2^14 bytes is record_overflow.
        self.assert_alert(self.answer_to(record(22, bytes(16385), 0x0301)), RECORD_OVERFLOW)
        # What no record may be is refused by its header alone.
        self.assert_alert(self.answer_to(b"\x16\x03\x01\x41\x01"), RECORD_OVERFLOW)
        self.assert_counted("tls", "record_overflow", 2)

    def test_oversized_protected_record(self):
        # RFC 8446 section 5.2: more than 2^14 + 256 bytes is record_overflow.
        client = self.client()
        client.sock.sendall(b"\x17\x03\x03\x41\x01" + bytes(100))
        with self.assertRaisesRegex(OSError, "(?i)record.overflow"):
            client.receive()
        self.assert_counted("tls", "record_overflow")

    def test_forged_record(self):
        client = self.client()
        client.sock.sendall(record(23, bytes(64)))
        with self.assertRaisesRegex(OSError, "(?i)bad.record.mac"):
            client.receive()
        self.assert_counted("tls", "bad_record_mac")

    def test_handshake_message_out_of_order(self):
        # A Finished in the clear instead of a ClientHello.
        answer = self.answer_to(record(22, b"\x14\x00\x00\x20" + bytes(32), 0x0301))
        self.assert_alert(answer, UNEXPECTED_MESSAGE)
        self.assert_counted("tls", "unexpected_message")

    def test_close_within_a_stream_without_close_notify(self):
        client = self.client()
        client.send(b"GET /large HTTP/1.0\r\n\r\n")
        client.receive_exactly(1000)
        client.sock.shutdown(socket.SHUT_WR)
        self.assert_counted("proxy", "client_truncated")

    # --- peers that vanish ---

    def test_reset_in_the_middle_of_the_handshake(self):
        client, hello = self.first_flight()
        client.sock.sendall(hello)
        client.sock.recv(1)  # the answer is on its way
        clients.reset(client.sock)
        self.assert_counted("proxy", "client_gone_in_handshake")

    def test_reset_in_the_middle_of_a_download(self):
        client = self.client()
        client.send(b"GET /large HTTP/1.0\r\n\r\n")
        client.receive_exactly(100_000)
        clients.reset(client.sock)
        self.assert_counted("proxy", "client_resets")

    def test_reset_in_the_middle_of_an_upload(self):
        client = self.client()
        client.send(b"PUT /upload/part HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        client.send(bytes(100_000))
        clients.reset(client.sock)
        self.assert_counted("proxy", "client_resets")

    def test_silence_in_the_middle_of_the_handshake(self):
        with clients.connect(SHORT_PORT) as sock:
            sock.sendall(clients.TlsClient(sock, self.trusted).first_flight()[:40])
            self.assert_counted("proxy", "handshake_timeouts")
            clients.read_to_end(sock)

    def test_silence_after_the_handshake(self):
        client = self.client(SHORT_PORT)
        self.assertEqual(client.receive(), b"")  # an idle session is closed in order
        self.assert_counted("proxy", "idle_timeouts")


if __name__ == "__main__":
    case.main()
