#!/usr/bin/env python3
"""Ten thousand connections opened and closed in turn: afterwards everything is where it was."""

import os
import pathlib

from support import case, clients

CONNECTIONS = 10_000
THREADS = 4
WARM_UP = 500

# AddressSanitizer keeps freed memory back, 256 MB of it, which would look like a leak.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1")


class Churn(case.SluiceCase):
    def open_and_close(self, count):
        context = clients.context(self.trusted)

        def work(_):
            for _ in range(count // THREADS):
                with clients.connect() as sock:
                    with context.wrap_socket(sock, server_hostname=clients.NAME) as tls:
                        tls.sendall(b"GET /1k HTTP/1.0\r\n\r\n")
                        received = 0
                        while chunk := tls.recv(4096):
                            received += len(chunk)
                        self.assertGreater(received, 1024)

        clients.in_threads(THREADS, work)

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.sluice.process.popen.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def test_ten_thousand_connections_leave_nothing(self):
        # Pools touch their memory on first use: the first connections show how much that is.
        self.open_and_close(WARM_UP)
        self.sluice.settle(self.before)
        resident_before = self.resident_kib()

        self.open_and_close(CONNECTIONS)
        self.assertEqual(self.growth("tls", "handshakes_completed"), CONNECTIONS + WARM_UP)
        self.assertEqual(self.growth("tls", "handshakes_failed"), 0)
        self.sluice.settle(self.before)
        # A leak of one kilobyte per connection would be ten megabytes.
        self.assertLess(self.resident_kib() - resident_before, 5 * 1024)

    def test_abandoned_handshakes_leave_nothing(self):
        for _ in range(500):
            with clients.connect() as sock:
                sock.sendall(clients.TlsClient(sock, self.trusted).first_flight())
                clients.reset(sock)
        self.sluice.settle(self.before)

    def test_session_resumption_is_not_offered(self):
        """No ticket is issued, so that each of the connections above was a full handshake."""
        client = self.client()
        client.get("/1k")
        session = client.tls.session
        self.assertFalse(session is not None and session.has_ticket)


if __name__ == "__main__":
    case.main()
