#!/usr/bin/env python3
"""Files through Sluice, down and up, one by one and 200 at once: every byte arrives, unchanged.

    transfers_test.py one_worker | two_workers | faults | faults_two_workers | scarce | trains

The scenarios with faults put loss, reordering and duplication on both directions of the port; the
scarce one has far fewer packets than all those connections' buffers could hold; with trains the
tap's driver cuts the segments.
"""

import hashlib
import os
import subprocess
import sys

from support import case, clients, daemon

SCENARIO = sys.argv.pop(1) if len(sys.argv) > 1 else "one_worker"
FAULTS = SCENARIO.startswith("faults")
WORKERS = 2 if SCENARIO.endswith("two_workers") else 1

KB = 1024
MB = 1024 * 1024
LARGE = 100 * MB
PARALLEL_SIZE = MB
TIMEOUT = 120


class Transfers(case.SluiceCase):
    allow_faults = FAULTS

    @classmethod
    def configure(cls, configured):
        configured["dataplane"]["workers"] = daemon.cores(WORKERS)
        # Time for several SYNs to be lost: the first retransmissions take a second, two, four.
        configured["backends"]["origin"]["connect_timeout"] = "15s"
        if SCENARIO == "scarce":
            configured["dataplane"]["memory"] = {"packets_per_worker": 6000}
        if SCENARIO == "trains":
            configured["dataplane"]["ports"][0] |= {"mtu": 1486, "offloads": {"tso": "on"}}
        if not FAULTS:
            return configured
        return daemon.with_faults(
            configured, loss=0.03, reordering=0.03, duplication=0.01, seed=20240229
        )

    def file_of(self, name, size):
        path = self.nginx.root / name
        with path.open("wb") as file:
            for start in range(0, size, MB):
                file.write(os.urandom(min(MB, size - start)))
        self.addCleanup(path.unlink)
        return path

    def download(self, size):
        source = self.file_of("download", size)
        target = self.home / "downloaded"
        self.addCleanup(target.unlink)
        url = f"https://{clients.NAME}/download"
        clients.curl(self.trusted, "-o", target, url, timeout=TIMEOUT)
        self.assertEqual(target.stat().st_size, size)
        self.assertEqual(clients.sha256(target), clients.sha256(source))
        self.assertGreaterEqual(self.growth("proxy", "bytes_to_client"), size)

    def upload(self, size):
        source = self.file_of("source", size)
        url = f"https://{clients.NAME}/upload/uploaded"
        clients.curl(self.trusted, "-T", source, url, timeout=TIMEOUT)
        stored = self.nginx.root / "upload/uploaded"
        self.addCleanup(stored.unlink)
        self.assertEqual(stored.stat().st_size, size)
        self.assertEqual(clients.sha256(stored), clients.sha256(source))
        self.assertGreaterEqual(self.growth("proxy", "bytes_to_backend"), size)

    def test_1_kb_down(self):
        self.download(KB)

    def test_1_mb_down(self):
        self.download(MB)

    def test_large_down(self):
        self.download(LARGE)

    def test_1_kb_up(self):
        self.upload(KB)

    def test_1_mb_up(self):
        self.upload(MB)

    def test_large_up(self):
        self.upload(LARGE)

    def test_200_at_once(self):
        """A hundred files down and a hundred up, all different, each over a connection of its own
        and all at the same time."""
        names = [f"parallel-{i}" for i in range(100)]
        sources = [self.file_of(name, PARALLEL_SIZE) for name in names]
        downloads = self.home / "downloads"
        downloads.mkdir()
        down = curl_many(
            self.home / "down.curlrc",
            self.trusted,
            [(f"https://{clients.NAME}/{n}", "output", downloads / n) for n in names],
        )
        up = curl_many(
            self.home / "up.curlrc",
            self.trusted,
            [
                (f"https://{clients.NAME}/upload/{s.name}", "upload-file", s)
                for s in sources
            ],
        )
        for process in (down, up):
            output, _ = process.communicate(timeout=TIMEOUT)
            self.assertEqual(process.returncode, 0, output)
        for source in sources:
            expected = clients.sha256(source)
            self.assertEqual(clients.sha256(downloads / source.name), expected, source.name)
            stored = self.nginx.root / "upload" / source.name
            self.assertEqual(clients.sha256(stored), expected, source.name)
        self.assertGreaterEqual(self.growth("proxy", "sessions_opened"), 200)

    def test_many_requests_on_one_connection(self):
        body = os.urandom(300 * KB)
        (self.nginx.root / "repeated").write_bytes(body)
        expected = hashlib.sha256(body).digest()
        client = self.client()
        for _ in range(20):
            self.assertEqual(hashlib.sha256(client.get("/repeated")).digest(), expected)
        self.assertEqual(self.growth("proxy", "sessions_opened"), 1)

    @classmethod
    def tearDownClass(cls):
        if SCENARIO == "trains":
            assert cls.sluice.status().counter("nic", "sent_trains") > 0
        if FAULTS:
            # The device has done what the name of this scenario says.
            after = cls.sluice.status()
            for name in ("fault_lost", "fault_reordered", "fault_duplicated"):
                assert after.counter("nic", name) > cls.at_start.counter("nic", name), name
        super().tearDownClass()


def curl_many(path, trusted, transfers):
    """Starts one curl for all of (url, option, file), none waiting for another's connection."""
    lines = []
    for url, option, file in transfers:
        lines += [f'url = "{url}"', f'{option} = "{file}"']
    path.write_text("\n".join(lines) + "\n")
    return subprocess.Popen(
        ["curl", "-sS", "--fail", "--parallel", "--parallel-immediate", "--parallel-max", "100"]
        + ["--max-time", str(TIMEOUT), "--cacert", str(trusted)]
        + ["--resolve", f"{clients.NAME}:443:{daemon.ADDRESS}", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    case.main()
