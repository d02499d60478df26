"""A running Sluice: its configuration, its start and end, and what it says of itself."""

import copy
import json
import os
import pathlib
import subprocess

from support import sandbox

ADDRESS = "198.18.0.2"  # Sluice's
NEIGHBOUR = "198.18.0.1"  # the kernel's side of the tap
IPV6_ADDRESS = "2001:db8::2"  # Sluice's, where a test configures it
IPV6_NEIGHBOUR = "2001:db8::1"
TAP = "sluice0"
PORT = 443
ORIGIN_PORT = 8080


def programs():
    """Where the programs of the preset under test lie."""
    root = pathlib.Path(__file__).resolve().parents[3]
    return pathlib.Path(os.environ.get("SLUICE_BIN", root / "build/release/bin"))


def cores(workers):
    """Cores for so many workers; they share them where there are fewer."""
    available = sorted(os.sched_getaffinity(0))
    return [available[i % len(available)] for i in range(workers)]


def configuration(home):
    """A plain configuration, to be changed by the test: one worker, one listener, one backend."""
    return {
        "dataplane": {
            "workers": cores(1),
            "limits": {"time_wait": "1s"},
            "ports": [
                {
                    "name": "edge",
                    "device": f"tap:{TAP}",
                    "addresses": [f"{ADDRESS}/24"],
                    "gateway": NEIGHBOUR,
                }
            ],
        },
        "certificates": {"directory": str(home / "certs")},
        "backends": {"origin": {"servers": [f"{NEIGHBOUR}:{ORIGIN_PORT}"]}},
        "listeners": [listener("https", PORT, "origin")],
        "admin": {"socket": str(home / "admin.sock")},
    }


def listener(name, port, backend, **route):
    """A listener with one route; further keys are the route's."""
    return {
        "name": name,
        "address": f"{ADDRESS}:{port}",
        "routes": [{"mode": "tcp", "backend": backend, **route}],
    }


class Status:
    """One answer of `sluicectl status --json`."""

    def __init__(self, document):
        self.document = document
        self.workers = document["workers"]

    def counter(self, layer, name):
        """The sum over all workers. A name that does not exist is the test's error."""
        return sum(self.per_worker(layer, name))

    def per_worker(self, layer, name):
        return [worker["counters"][layer][name] for worker in self.workers]

    def gauges(self):
        """All levels, summed up over the workers."""
        total = {}
        for worker in self.workers:
            for name, value in worker["gauges"].items():
                total[name] = total.get(name, 0) + value
        return total


class Daemon:
    """Starts in the constructor and is ready when it returns."""

    # Levels that a test does not bring back: what the stack learned, and is bounded otherwise.
    KEPT_GAUGES = {"neighbours"}

    def __init__(self, home, configured, allow_faults=False, tap=True):
        """`tap` is false where the kernel's interface is the test's own and not Sluice's tap."""
        self.home = home
        self.tap = tap
        self.socket = pathlib.Path(configured["admin"]["socket"])
        self.process = start(home, configured, ["--allow-faults"] if allow_faults else [])
        try:
            sandbox.eventually(lambda: self._gone_or(_tap_exists), 30, "the tap device")
            attach_kernel()
            sandbox.eventually(lambda: self._gone_or(self._answers), 30, "the admin socket")
        except AssertionError as error:
            self.process.kill()
            raise AssertionError(f"{error}\n{self.process.output()}") from None

    def _gone_or(self, condition):
        if not self.process.running:
            raise AssertionError(f"sluice ended with {self.process.popen.returncode}")
        return condition()

    def _answers(self):
        return self.control("status", "--json", check=False).returncode == 0

    def control(self, *arguments, check=True):
        result = subprocess.run(
            [programs() / "sluicectl", "--socket", self.socket, *arguments],
            capture_output=True,
            text=True,
            timeout=30,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"sluicectl {arguments}: {result.stdout}{result.stderr}")
        return result

    def status(self):
        def answered():
            status = Status(json.loads(self.control("status", "--json").stdout))
            return status if all(w["answered"] for w in status.workers) else None

        return sandbox.eventually(answered, 10, "an answer of every worker")

    def settle(self, before, seconds=15):
        """Waits until every level is back where it was: nothing has leaked."""

        def differences():
            status = self.status()
            now = status.gauges()
            self._last = {
                name: (value, now[name])
                for name, value in before.gauges().items()
                if name not in self.KEPT_GAUGES and now[name] != value
            }
            # A worker keeps one packet in reserve, from the first time that it needed it.
            before_packets, packets = self._last.get("packets_available", (0, 0))
            if 0 < before_packets - packets <= len(status.workers):
                del self._last["packets_available"]
            return self._last

        sandbox.eventually(
            lambda: not differences(), seconds, lambda: f"levels (before, now): {self._last}"
        )

    def count(self, layer, name, before, at_least=1, seconds=10):
        """Waits until a counter has grown by so much since `before`; returns its growth."""
        start_value = before.counter(layer, name)

        def growth():
            return self.status().counter(layer, name) - start_value

        sandbox.eventually(
            lambda: growth() >= at_least,
            seconds,
            lambda: f"{layer}.{name} has grown by {growth()}, expected {at_least}",
        )
        return growth()

    def stop(self):
        """Ends it in order, and checks that it took everything with it."""
        code = self.process.stop()
        tap_left = self.tap and _tap_exists()
        left = [what for what, there in (("tap", tap_left), ("socket", self.socket.exists()))
                if there]
        if code != 0 or left:
            raise AssertionError(
                f"sluice ended with {code} and left behind {left}\n{self.process.output()}"
            )


def write_configuration(home, configured):
    """JSON, which is YAML."""
    path = home / "sluice.yaml"
    path.write_text(json.dumps(configured, indent=1), encoding="utf-8")
    return path


def start(home, configured, options=()):
    path = write_configuration(home, configured)
    return sandbox.Process([programs() / "sluice", "--config", path, *options], home / "sluice.log")


def attach_kernel():
    """Gives the kernel's side of the tap its address.

    The kernel drops what does not fit into the tap's queue instead of slowing its senders down;
    hundreds of connections at once would lose every fourth packet in the usual one.
    """
    sandbox.run("ip", "address", "add", f"{NEIGHBOUR}/24", "dev", TAP)
    sandbox.run("ip", "link", "set", TAP, "up", "txqueuelen", "10000")


def attach_kernel_over_ipv6():
    """Gives the kernel's side of the tap, which has no IPv6 otherwise, an address of it."""
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{TAP}/disable_ipv6").write_text("0\n", encoding="ascii")
    sandbox.run("ip", "address", "add", f"{IPV6_NEIGHBOUR}/64", "dev", TAP, "nodad")


def make_veth(mtu):
    """A pair of interfaces instead of a tap: TAP, the kernel's, and another one for Sluice, whose
    name is returned. Frames pass with their checksums and one by one, as on a wire."""
    ours = f"{TAP}-wire"
    sandbox.run("ip", "link", "add", TAP, "mtu", str(mtu), "type", "veth", "peer", "name", ours)
    sandbox.run("ip", "link", "set", ours, "up", "mtu", str(mtu))
    for name in (TAP, ours):
        sandbox.run("ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
    return ours


def with_faults(configured, **rates):
    """A copy of the configuration whose port damages traffic in both directions."""
    changed = copy.deepcopy(configured)
    changed["dataplane"]["ports"][0]["faults"] = rates
    return changed


def _tap_exists():
    return pathlib.Path(f"/proc/sys/net/ipv4/conf/{TAP}").exists()
