#!/usr/bin/env python3
"""wrk with 200 connections: no error of any kind. SLUICE_E2E_FULL=1 runs it for 30 seconds."""

import re
import subprocess

from support import case, clients, daemon

SECONDS = 30 if case.FULL else 4


class Load(case.SluiceCase):
    @classmethod
    def configure(cls, configured):
        configured["dataplane"]["workers"] = daemon.cores(2)
        return configured

    def test_wrk_sees_no_error(self):
        result = subprocess.run(
            ["wrk", "--threads", "2", "--connections", "200", "--duration", f"{SECONDS}s"]
            + ["--timeout", "10s", "--header", f"Host: {clients.NAME}"]
            + [f"https://{daemon.ADDRESS}:{daemon.PORT}/1k"],
            capture_output=True,
            text=True,
            timeout=SECONDS + 60,
        )
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertNotIn("Socket errors", result.stdout)
        self.assertNotIn("Non-2xx", result.stdout)
        requests = int(re.search(r"(\d+) requests in", result.stdout).group(1))
        self.assertGreater(requests, 1000, result.stdout)
        self.assertGreaterEqual(self.growth("proxy", "sessions_opened"), 200)
        self.assertEqual(self.growth("tls", "handshakes_failed"), 0)
        self.assertEqual(self.growth("proxy", "sessions_refused"), 0)


if __name__ == "__main__":
    case.main()
