"""A network namespace of the test's own, and processes that cannot outlive it.

The whole test process moves into a new, nameless namespace, so that clients may be plain sockets of
the test itself. When the process ends, however it ends, the kernel takes namespace, tap devices and
children with it: nothing has to be cleaned up by name.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

SKIPPED = 77  # as CTest's SKIP_RETURN_CODE

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """Moves this process into a new network namespace with a loopback device."""
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        sys.exit(SKIPPED)
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        print("skipped: there is no /dev/net/tun")
        sys.exit(SKIPPED)
    if _libc.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    # Router solicitations and their like would only blur the counters.
    pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1\n", encoding="ascii")
    run("ip", "link", "set", "lo", "up")


def run(*command, timeout=60, **options):
    """Runs a command to its end and returns its output; raises with all of it when it fails."""
    result = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=timeout, **options
    )
    if result.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, command))}: exit code {result.returncode}\n"
            f"{result.stdout}{result.stderr}"
        )
    return result.stdout


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child with its output in a file; ended by stop(), or with the test."""

    def __init__(self, command, log):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [str(c) for c in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,
            )

    @property
    def running(self):
        return self.popen.poll() is None

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self, seconds=15):
        """Asks it to end, and returns its exit code; killing it is an error."""
        if self.running:
            self.popen.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.popen.args[0]} did not end within {seconds} s\n{self.output()}"
            ) from None

    def kill(self):
        if self.running:
            self.popen.kill()
            self.popen.wait()


def eventually(condition, seconds, what):
    """Waits until the condition is true; its value is returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def cpu_seconds(pid):
    """Processor time of all threads of a process, in user and kernel mode."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
