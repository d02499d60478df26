"""The test case that the end-to-end tests derive from: one Sluice per class, with its peers."""

import os
import pathlib
import sys
import tempfile
import unittest

from support import certificates, clients, daemon, origin, sandbox

# The long form of the tests: full sizes and times everywhere.
FULL = os.environ.get("SLUICE_E2E_FULL") == "1"


class SluiceCase(unittest.TestCase):
    """Starts an nginx and a Sluice in front of it, once for all tests of the class; checks after
    the last one that every level is back where it was, and that it ends without a trace."""

    @classmethod
    def configure(cls, configured):
        """May change the configuration, or return another one."""
        return configured

    allow_faults = False

    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with
        cls._directory = tempfile.TemporaryDirectory(prefix="sluice-e2e-")
        cls.addClassCleanup(cls._directory.cleanup)
        cls.home = pathlib.Path(cls._directory.name)
        cls.trusted = cls.make_certificates(cls.home / "certs")
        cls.nginx = origin.Nginx(cls.home / "nginx", daemon.ORIGIN_PORT)
        cls.addClassCleanup(cls.nginx.process.kill)
        cls.make_files(cls.nginx.root)
        configured = cls.configure(daemon.configuration(cls.home))
        cls.sluice = daemon.Daemon(cls.home, configured, allow_faults=cls.allow_faults)
        cls.addClassCleanup(cls.sluice.process.kill)
        cls.at_start = cls.sluice.status()

    @classmethod
    def make_certificates(cls, directory):
        return certificates.make(directory, "www", [clients.NAME])

    @classmethod
    def make_files(cls, root):
        (root / "1k").write_bytes(os.urandom(1024))

    @classmethod
    def tearDownClass(cls):
        try:
            cls.sluice.settle(cls.at_start)
            cls.sluice.stop()
            cls.nginx.close()
        except AssertionError:
            print(cls.sluice.process.output()[-4000:], file=sys.stderr)
            raise

    def setUp(self):
        self.before = self.sluice.status()

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures:
            print(f"--- sluice, during {self.id()} ---", file=sys.stderr)
            print(self.sluice.process.output()[-4000:], file=sys.stderr)

    def client(self, port=daemon.PORT, **options):
        """A TLS client after its handshake."""
        made = clients.TlsClient(clients.connect(port), self.trusted, **options)
        self.addCleanup(made.close)
        return made.handshake()

    def growth(self, layer, name):
        """What a counter has grown by since the test began."""
        return self.sluice.status().counter(layer, name) - self.before.counter(layer, name)

    def assert_counted(self, layer, name, at_least=1):
        self.sluice.count(layer, name, self.before, at_least)


def main():
    sandbox.enter()
    unittest.main(verbosity=2)
