#!/usr/bin/env python3
"""Clients that drop off the net: no FIN, no RST, and no answer any more, in any state. Their sessions
end, and what was on its way to them is given up in the end.

Mostly waiting: what cannot be delivered is tried for two minutes.
"""

import random

from support import case, clients, daemon, sandbox

ADDRESS = "198.18.0.77"  # the client's, which is taken away
GIVING_UP = 240  # seconds: two minutes of retransmission, and the last of its intervals, a minute


class Vanishing(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        configured["listeners"][0]["timeouts"] = {"handshake": "1s", "idle": "2s"}
        return configured

    @classmethod
    def make_files(cls, root):
        super().make_files(root)
        (root / "large").write_bytes(random.Random(1).randbytes(20 * 1024 * 1024))

    def vanishing_client(self):
        sandbox.run("ip", "address", "add", f"{ADDRESS}/32", "dev", daemon.TAP)
        made = clients.TlsClient(clients.connect(source=ADDRESS), self.trusted)
        self.addCleanup(made.close)
        return made

    def vanish(self):
        sandbox.run("ip", "address", "del", f"{ADDRESS}/32", "dev", daemon.TAP)

    def test_before_the_client_hello(self):
        self.vanishing_client()
        self.vanish()
        self.assert_counted("proxy", "handshake_timeouts")

    def test_within_the_handshake(self):
        client = self.vanishing_client()
        client.sock.sendall(client.first_flight())
        client.sock.recv(1)
        self.vanish()
        self.assert_counted("proxy", "handshake_timeouts")

    def test_idle(self):
        self.vanishing_client().handshake().get("/1k")
        self.vanish()
        self.assert_counted("proxy", "idle_timeouts")

    def test_within_a_download(self):
        client = self.vanishing_client().handshake()
        client.send(b"GET /large HTTP/1.0\r\n\r\n")
        client.receive_exactly(100_000)
        self.vanish()
        self.assert_counted("proxy", "idle_timeouts")

    def test_within_an_upload(self):
        client = self.vanishing_client().handshake()
        client.send(b"PUT /upload/part HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        client.send(bytes(100_000))
        self.vanish()
        self.assert_counted("proxy", "idle_timeouts")

    @classmethod
    def tearDownClass(cls):
        cls.sluice.settle(cls.at_start, GIVING_UP)
        super().tearDownClass()


if __name__ == "__main__":
    case.main()
