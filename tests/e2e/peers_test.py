#!/usr/bin/env python3
"""The Linux kernel as TCP peer, in both roles: its window, the MTU, the IP version and what the path
does to frames are varied, and files go both ways.

    peers_test.py [PART]

Each download has the kernel receive as a client and send as a server, each upload the reverse: the
client's leg and the backend's pass the same port, with the same faults in both directions. A few
representative paths are run, or with SLUICE_E2E_FULL=1 all of them; PART picks those whose name,
such as "ipv6 mtu 9000 loss 0.05", contains it.
"""

import dataclasses
import itertools
import multiprocessing
import os
import pathlib
import socket
import sys
import tempfile
import time
import traceback

from support import case, certificates, clients, daemon, origin, sandbox

KB = 1024
MB = 1024 * KB
AT_ONCE = 3  # paths: most of the time is spent waiting for timers
TIMEOUT = 150


@dataclasses.dataclass(frozen=True)
class Window:
    """How much the kernel takes at most, and what Sluice's buffers are meanwhile."""

    name: str
    kernel_buffer: int  # bytes, of which the window is about a half
    ours: str
    most: int  # bytes of a file that pass in time


WINDOWS = (
    Window("1K", 2304, "128K", 32 * KB),
    Window("64K", 128 * KB, "128K", MB),
    Window("4M", 8 * MB, "8M", 16 * MB),
)
# Bytes of a file by the loss that it is sent through.
SIZES = {0: 16 * MB, 0.01: 4 * MB, 0.05: MB, 0.1: 512 * KB}
MTUS = {"ipv4": (576, 1500, 9000), "ipv6": (1280, 1500, 9000)}


@dataclasses.dataclass(frozen=True)
class Path:
    family: str
    mtu: int
    loss: float
    reordering: float
    window: Window

    @property
    def name(self):
        return (
            f"{self.family} mtu {self.mtu} loss {self.loss:g} reordering {self.reordering:g} "
            f"window {self.window.name}"
        )

    @property
    def size(self):
        return min(self.window.most, SIZES[self.loss])

    @property
    def address(self):
        return daemon.ADDRESS if self.family == "ipv4" else f"[{daemon.IPV6_ADDRESS}]"

    @property
    def neighbour(self):
        return daemon.NEIGHBOUR if self.family == "ipv4" else f"[{daemon.IPV6_NEIGHBOUR}]"


def all_paths():
    return [
        Path(family, mtu, loss, reordering, window)
        for family in MTUS
        for mtu, loss, reordering, window in itertools.product(
            MTUS[family], SIZES, (0, 0.05), WINDOWS
        )
    ]


def representative_paths():
    small, middle, large = WINDOWS
    return [
        Path("ipv4", 576, 0.05, 0.05, small),
        Path("ipv4", 1500, 0.1, 0.05, middle),
        Path("ipv4", 9000, 0.01, 0.05, large),
        Path("ipv6", 1280, 0.01, 0, middle),
        Path("ipv6", 1500, 0, 0, large),
        Path("ipv6", 9000, 0.05, 0, small),
    ]


def configuration(home, path, device):
    configured = daemon.configuration(home)
    dataplane = configured["dataplane"]
    dataplane["limits"] |= {"receive_buffer": path.window.ours, "send_buffer": path.window.ours}
    port = dataplane["ports"][0]
    port["mtu"] = path.mtu
    if device is not None:
        port["device"] = f"af_packet:{device}"
    if path.family == "ipv6":
        port["addresses"] = [f"{daemon.IPV6_ADDRESS}/64"]
        port["gateway"] = daemon.IPV6_NEIGHBOUR
    configured["listeners"][0]["address"] = f"{path.address}:{daemon.PORT}"
    # Several SYNs may be lost, and a handshake that does not fit into the window takes its time.
    configured["listeners"][0]["timeouts"] = {"handshake": "100s"}
    origin_server = {"servers": [f"{path.neighbour}:{daemon.ORIGIN_PORT}"]}
    configured["backends"]["origin"] = origin_server | {"connect_timeout": "60s"}
    return daemon.with_faults(
        configured, loss=path.loss, reordering=path.reordering, delay="2ms", seed=20240229
    )


def limit_kernel(window):
    """What its sockets in this namespace take, and how much they may have in flight."""
    limits = {"tcp_rmem": window.kernel_buffer, "tcp_wmem": max(window.kernel_buffer, 16 * KB)}
    for name, size in limits.items():
        pathlib.Path(f"/proc/sys/net/ipv4/{name}").write_text(f"{size} {size} {size}\n")


def is_reachable(path):
    address = path.address.strip("[]")
    try:
        socket.create_connection((address, daemon.PORT), timeout=5).close()
    except OSError:
        return False
    return True


def transfer(path, trusted, nginx, home):
    """A file down and another one up; returns how long each of them took, in seconds."""
    url = f"https://{clients.NAME}"
    down, downloaded = nginx.root / "down", home / "downloaded"
    up, uploaded = home / "up", nginx.root / "upload" / "up"
    for file in (down, up):
        file.write_bytes(os.urandom(path.size))
    times = []
    for arguments, source, target in (
        (("-o", downloaded, f"{url}/down"), down, downloaded),
        (("-T", up, f"{url}/upload/up"), up, uploaded),
    ):
        began = time.monotonic()
        clients.curl(trusted, *arguments, timeout=TIMEOUT, address=path.address)
        times.append(time.monotonic() - began)
        assert clients.sha256(source) == clients.sha256(target), f"{target.name} is another file"
    return times


def run(path):
    device = daemon.make_veth(path.mtu) if path.mtu > 1500 else None
    with tempfile.TemporaryDirectory(prefix="sluice-e2e-") as directory:
        home = pathlib.Path(directory)
        trusted = certificates.make(home / "certs", "www", [clients.NAME])
        limit_kernel(path.window)
        nginx = origin.Nginx(home / "nginx", daemon.ORIGIN_PORT)
        configured = configuration(home, path, device)
        sluice = daemon.Daemon(home, configured, allow_faults=True, tap=device is None)
        try:
            at_start = sluice.status()
            sandbox.run("ip", "link", "set", daemon.TAP, "mtu", str(path.mtu))
            if path.family == "ipv6":
                daemon.attach_kernel_over_ipv6()
            sandbox.eventually(lambda: is_reachable(path), 60, "an answer from Sluice's address")
            down, up = transfer(path, trusted, nginx, home)
            status = sluice.status()
            sluice.settle(at_start, seconds=120)
            sluice.stop()
            nginx.close()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{sluice.process.output()[-4000:]}") from None
        finally:
            sluice.process.kill()
            nginx.process.kill()
            if device is not None:
                sandbox.run("ip", "link", "delete", daemon.TAP)
    counted = [status.counter("net", f"tcp_{n}") for n in ("retransmits", "timeouts")]
    return f"{path.size // KB:6} KB  down {down:6.1f} s  up {up:6.1f} s" + (
        "  sent again {:5}, timeouts {:4}".format(*counted)
    )


def attempt(path):
    try:
        return path, True, run(path)
    except Exception:  # pylint: disable=broad-except
        return path, False, traceback.format_exc()


def main():
    sandbox.enter()
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = all_paths() if case.FULL or part else representative_paths()
    chosen = [path for path in chosen if part in path.name]
    failed = 0
    # Each of the processes has a namespace of its own, within which it makes and leaves its paths.
    with multiprocessing.Pool(AT_ONCE, initializer=sandbox.enter) as pool:
        for path, passed, text in pool.imap_unordered(attempt, chosen):
            failed += not passed
            print(f"{'ok    ' if passed else 'FAILED'} {path.name:58} {text}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} paths: every byte arrived")
    sys.exit(1 if failed or not chosen else 0)


if __name__ == "__main__":
    main()
