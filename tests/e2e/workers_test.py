#!/usr/bin/env python3
"""Four workers on two cores: each owns connections, what arrives elsewhere is passed on, backend
connections belong to their client's worker."""

import os

from support import case, clients, daemon

WORKERS = 4
CONNECTIONS = 200


class Workers(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        configured["dataplane"]["workers"] = daemon.cores(WORKERS)
        return configured

    @classmethod
    def make_files(cls, root):
        super().make_files(root)
        (root / "body").write_bytes(os.urandom(200_000))

    def use_connections(self):
        """So many connections, eight at a time, each with two requests."""
        expected = (self.nginx.root / "body").read_bytes()

        def work(_):
            for _ in range(CONNECTIONS // 8):
                client = clients.TlsClient(clients.connect(), self.trusted).handshake()
                for _ in range(2):
                    self.assertEqual(client.get("/body"), expected)
                client.finish()
                client.receive_all()
                client.close()

        clients.in_threads(8, work)

    def grown_per_worker(self, layer, name):
        now = self.sluice.status().per_worker(layer, name)
        return [a - b for a, b in zip(now, self.before.per_worker(layer, name))]

    def test_every_worker_does_its_share(self):
        self.assertEqual(len(self.before.workers), WORKERS)
        self.use_connections()

        sessions = self.grown_per_worker("proxy", "sessions_opened")
        self.assertEqual(sum(sessions), CONNECTIONS)
        # A fair hash leaves a worker with fewer than ten of 200 once in a million million runs.
        self.assertGreater(min(sessions), 10, sessions)
        self.assertEqual(self.grown_per_worker("tls", "handshakes_completed"), sessions)

        # Each backend connection was opened by its client's worker, and its answers came home to
        # it: wherever they arrived, nothing was taken for a stranger's.
        self.assertEqual(self.grown_per_worker("proxy", "backend_connects"), sessions)
        self.assertEqual(self.grown_per_worker("net", "tcp_active_opens"), sessions)
        self.assertEqual(self.growth("net", "tcp_no_listener"), 0)
        self.assertEqual(self.growth("proxy", "backend_connect_failures"), 0)
        predicted = self.growth("run", "predicted_opens")
        mispredicted = self.growth("run", "mispredicted_opens")
        self.assertEqual(predicted + mispredicted, CONNECTIONS)

        # The kernel's tap spreads flows over queues in its own way: some frames had to be passed on,
        # and every one of them arrived.
        forwarded = self.grown_per_worker("run", "forwarded_out")
        self.assertGreater(sum(forwarded), 0)
        self.assertEqual(self.growth("run", "forwarded_in"), sum(forwarded))
        self.assertEqual(self.growth("run", "forward_drops"), 0)

    def test_connections_end_on_every_worker(self):
        self.use_connections()
        opened = self.grown_per_worker("proxy", "sessions_opened")
        self.sluice.settle(self.before)
        self.assertEqual(self.grown_per_worker("proxy", "sessions_closed"), opened)


if __name__ == "__main__":
    case.main()
