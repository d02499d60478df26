#!/usr/bin/env python3
"""Clients and backends over IPv6, each with the other of the same family or of IPv4.

    ipv6_test.py one_worker | two_workers
"""

import os
import socket
import sys

from support import case, clients, daemon, sandbox

SCENARIO = sys.argv.pop(1) if len(sys.argv) > 1 else "one_worker"
WORKERS = 2 if SCENARIO == "two_workers" else 1

MB = 1024 * 1024
TO_IPV4_BACKEND = 1001
IPV6 = f"[{daemon.IPV6_ADDRESS}]"


class Ipv6(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        configured["dataplane"]["workers"] = daemon.cores(WORKERS)
        port = configured["dataplane"]["ports"][0]
        port["addresses"].append(f"{daemon.IPV6_ADDRESS}/64")
        port["gateway"] = [daemon.NEIGHBOUR, daemon.IPV6_NEIGHBOUR]
        configured["backends"] = {
            "origin": {"servers": [f"[{daemon.IPV6_NEIGHBOUR}]:{daemon.ORIGIN_PORT}"]},
            "ipv4": {"servers": [f"{daemon.NEIGHBOUR}:{daemon.ORIGIN_PORT}"]},
        }
        over_ipv6 = daemon.listener("ipv6", daemon.PORT, "origin")
        mixed = daemon.listener("mixed", TO_IPV4_BACKEND, "ipv4")
        over_ipv6["address"] = f"{IPV6}:{daemon.PORT}"
        mixed["address"] = f"{IPV6}:{TO_IPV4_BACKEND}"
        configured["listeners"] += [over_ipv6, mixed]
        return configured

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        daemon.attach_kernel_over_ipv6()
        # Nobody answers for an address that another node might turn out to have.
        sandbox.eventually(cls.is_reachable, 10, "an answer from Sluice's address")

    @classmethod
    def make_files(cls, root):
        super().make_files(root)
        (root / "1m").write_bytes(os.urandom(MB))

    @staticmethod
    def is_reachable():
        try:
            socket.create_connection((daemon.IPV6_ADDRESS, daemon.PORT), timeout=1).close()
        except OSError:
            return False
        return True

    def download(self, port, address):
        source = self.nginx.root / "1m"
        target = self.home / "downloaded"
        self.addCleanup(target.unlink)
        url = f"https://{clients.NAME}:{port}/1m"
        clients.curl(self.trusted, "-o", target, url, port=port, address=address)
        self.assertEqual(clients.sha256(target), clients.sha256(source))

    def upload(self, port, address):
        source = self.nginx.root / "1m"
        url = f"https://{clients.NAME}:{port}/upload/uploaded"
        clients.curl(self.trusted, "-T", source, url, port=port, address=address)
        stored = self.nginx.root / "upload/uploaded"
        self.addCleanup(stored.unlink)
        self.assertEqual(clients.sha256(stored), clients.sha256(source))

    def test_1_mb_down(self):
        self.download(daemon.PORT, IPV6)
        self.assertGreaterEqual(self.growth("proxy", "bytes_to_client"), MB)

    def test_1_mb_up(self):
        self.upload(daemon.PORT, IPV6)
        self.assertGreaterEqual(self.growth("proxy", "bytes_to_backend"), MB)

    def test_client_over_ipv6_and_backend_over_ipv4(self):
        self.download(TO_IPV4_BACKEND, IPV6)
        self.upload(TO_IPV4_BACKEND, IPV6)

    def test_client_over_ipv4_and_backend_over_ipv6(self):
        self.download(daemon.PORT, daemon.ADDRESS)
        self.upload(daemon.PORT, daemon.ADDRESS)

    def test_every_worker_serves(self):
        for _ in range(32):
            clients.curl(
                self.trusted, "-o", os.devnull, f"https://{clients.NAME}/1k", address=IPV6
            )
        opened = zip(
            self.sluice.status().per_worker("proxy", "sessions_opened"),
            self.before.per_worker("proxy", "sessions_opened"),
        )
        for after, before in opened:
            self.assertGreater(after, before)


if __name__ == "__main__":
    case.main()
