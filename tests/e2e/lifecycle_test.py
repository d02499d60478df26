#!/usr/bin/env python3
"""How Sluice starts, refuses to start, and ends: one clear line, the right exit code, nothing left
behind."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from support import case, certificates, clients, daemon, origin, sandbox

NOBODY = 65534  # the user and group without rights


class StartUp(unittest.TestCase):
    """Configurations that cannot be."""

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.addCleanup(shutil.rmtree, directory)
        self.home = pathlib.Path(directory)
        certificates.make(self.home / "certs", "www", [clients.NAME])
        self.configured = daemon.configuration(self.home)

    def refuse(self, *words, text=None, options=()):
        """Starts Sluice, which has to refuse with one line that holds all `words`."""
        path = daemon.write_configuration(self.home, self.configured)
        if text is not None:
            path.write_text(text, encoding="utf-8")
        links = interfaces()
        result = subprocess.run(
            [daemon.programs() / "sluice", "--config", path, *options],
            capture_output=True,
            text=True,
            timeout=60,
        )
        output = result.stdout + result.stderr
        self.assertGreater(result.returncode, 0, output)  # not by a signal either
        self.assertEqual(len(output.strip().splitlines()), 1, output)
        for word in words:
            self.assertIn(word, output)
        self.assertEqual(interfaces(), links)
        self.assertFalse((self.home / "admin.sock").exists())
        return output

    def test_missing_file(self):
        missing = self.home / "missing.yaml"
        result = subprocess.run(
            [daemon.programs() / "sluice", "--config", missing], capture_output=True, text=True,
            timeout=30,
        )
        self.assertGreater(result.returncode, 0)
        self.assertIn("missing.yaml", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)

    def test_broken_yaml_is_named_with_its_place(self):
        self.refuse("sluice.yaml:3:1: ", text="dataplane:\n  ports: [\n")

    def test_unknown_key_gets_a_suggestion(self):
        self.configured["dataplane"]["worker"] = self.configured["dataplane"].pop("workers")
        output = self.refuse("worker", "workers")
        self.assertRegex(output, r"sluice\.yaml:\d+:\d+: ")

    def test_wrong_value_says_what_was_expected(self):
        self.configured["listeners"][0]["routes"][0]["backend"] = "orgin"
        output = self.refuse("orgin", "origin")
        self.assertRegex(output, r"sluice\.yaml:\d+:\d+: ")

    def test_core_that_does_not_exist(self):
        self.configured["dataplane"]["workers"] = [4095]
        self.assertRegex(self.refuse("4095"), r"sluice\.yaml:\d+:\d+: ")

    def test_faults_need_a_word_on_the_command_line(self):
        self.configured = daemon.with_faults(self.configured, loss=0.01)
        self.assertRegex(self.refuse("--allow-faults"), r"sluice\.yaml:\d+:\d+: ")

    def test_certificate_that_does_not_match_its_key(self):
        other = self.home / "other"
        certificates.make(other, "www", [clients.NAME])
        shutil.copy(other / "www.key", self.home / "certs" / "www.key")
        self.refuse("www", "key")

    def test_certificate_that_is_none(self):
        (self.home / "certs" / "www.crt").write_text("not a certificate\n")
        self.refuse("www.crt")

    def test_no_certificate_at_all(self):
        shutil.rmtree(self.home / "certs")
        (self.home / "certs").mkdir()
        self.refuse("certs")

    def test_unreadable_key(self):
        # Root reads everything that is a file.
        (self.home / "certs" / "www.key").unlink()
        (self.home / "certs" / "www.key").mkdir()
        self.refuse("www")

    def test_interface_name_that_is_taken(self):
        sandbox.run("ip", "tuntap", "add", "dev", daemon.TAP, "mode", "tap")
        self.addCleanup(sandbox.run, "ip", "link", "del", daemon.TAP)
        self.refuse(daemon.TAP)

    def test_interface_that_does_not_exist(self):
        self.configured["dataplane"]["ports"][0]["device"] = "af_packet:nosuch0"
        self.refuse("nosuch0")

    def test_pci_device_that_does_not_exist(self):
        self.configured["dataplane"]["ports"][0]["device"] = "pci:0000:7f:1f.7"
        self.refuse("0000:7f:1f.7")

    def test_missing_capability(self):
        path = daemon.write_configuration(self.home, self.configured)
        for file in (self.home, *self.home.rglob("*")):
            os.chown(file, NOBODY, NOBODY)
        result = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
            + [daemon.programs() / "sluice", "--config", path],
            capture_output=True,
            text=True,
            timeout=60,
        )
        output = result.stdout + result.stderr
        if "exec" in output and "ermission" in output:
            self.skipTest("the programs lie where other users may not go")
        self.assertGreater(result.returncode, 0, output)
        self.assertEqual(len(output.strip().splitlines()), 1, output)
        self.assertIn("CAP_NET_ADMIN", output)

    def test_command_line_that_makes_no_sense(self):
        for arguments in ([], ["--config"], ["--no-such-option"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run(
                    [daemon.programs() / "sluice", *arguments], capture_output=True, timeout=30
                )
                self.assertGreater(result.returncode, 0)

    def test_check_says_yes_and_starts_nothing(self):
        path = daemon.write_configuration(self.home, self.configured)
        sandbox.run(daemon.programs() / "sluice", "--config", path, "--check")
        self.assertNotIn(daemon.TAP, interfaces())

    def test_check_says_no_without_starting(self):
        self.configured["dataplane"]["workers"] = "none"
        self.refuse("none", options=["--check"])

    def test_check_reports_every_problem_at_once(self):
        self.configured["dataplane"]["workers"] = "none"
        self.configured["listeners"][0]["address"] = "somewhere"
        path = daemon.write_configuration(self.home, self.configured)
        result = subprocess.run(
            [daemon.programs() / "sluice", "--config", path, "--check"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        places = re.findall(r"sluice\.yaml:\d+:\d+: ", result.stdout + result.stderr)
        self.assertEqual(len(places), 2, result.stderr)


class Running(unittest.TestCase):
    """A daemon of each test's own."""

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.addCleanup(shutil.rmtree, directory)
        self.home = pathlib.Path(directory)
        self.trusted = certificates.make(self.home / "certs", "www", [clients.NAME])
        self.configured = daemon.configuration(self.home)
        self.sluice = daemon.Daemon(self.home, self.configured)
        self.addCleanup(self.sluice.process.kill)

    def connected(self):
        client = clients.TlsClient(clients.connect(), self.trusted)
        self.addCleanup(client.close)
        return client.handshake()

    def test_sigterm_closes_sessions_in_order(self):
        served = origin.TcpOrigin(daemon.ORIGIN_PORT, lambda c: c.recv(1))
        self.addCleanup(served.close)
        client = self.connected()
        self.sluice.process.popen.send_signal(signal.SIGTERM)
        self.assertEqual(client.receive_all(), b"")  # close_notify; a cut stream raises
        client.close()
        self.sluice.stop()

    def test_sigint_ends_it_as_well(self):
        self.sluice.process.popen.send_signal(signal.SIGINT)
        self.assertEqual(self.sluice.process.wait(15), 0)
        self.sluice.stop()

    def test_second_daemon_cannot_take_the_same_names(self):
        second = self.home / "second"
        second.mkdir()
        shutil.copytree(self.home / "certs", second / "certs")
        other = daemon.configuration(second)
        # The tap is taken; the first one is not disturbed by the attempt.
        refused = daemon.start(second, other)
        self.assertGreater(refused.wait(60), 0)
        self.assertIn(daemon.TAP, refused.output())
        # As is the admin socket.
        other["dataplane"]["ports"][0]["device"] = "tap:other0"
        other["admin"] = self.configured["admin"]
        refused = daemon.start(second, other)
        self.assertGreater(refused.wait(60), 0)
        self.assertIn("admin.sock", refused.output())
        self.assertNotIn("other0", interfaces())
        self.assertTrue(self.sluice.status().workers)

    def test_killed_daemon_leaves_no_tap_and_can_be_started_again(self):
        self.sluice.process.kill()
        self.assertNotIn(daemon.TAP, interfaces())
        # Its socket's file is still there; a new one takes it over.
        again = daemon.Daemon(self.home, self.configured)
        again.stop()

    def test_status_for_people_and_for_programs(self):
        text = self.sluice.control("status", "--all").stdout
        self.assertIn("handshakes_completed", text)
        self.assertIn("in software (its driver would do it on the processor, too): ", text)
        document = json.loads(self.sluice.control("status", "--json").stdout)
        self.assertEqual(len(document["workers"]), 1)
        self.assertIn("packets_available", document["workers"][0]["gauges"])
        offloads = document["ports"][0]["offloads"]
        self.assertEqual(offloads["tx_tcp_checksum"]["by"], "software")
        self.assertEqual(offloads["rss"]["why"], "the device has none")

    def test_control_of_a_daemon_that_is_not_there(self):
        result = subprocess.run(
            [daemon.programs() / "sluicectl", "--socket", self.home / "nobody.sock", "status"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertGreater(result.returncode, 0)
        self.assertIn("nobody.sock", result.stderr)

    def test_idle_daemon_is_quiet(self):
        pid = self.sluice.process.popen.pid
        sandbox.run("sleep", "1")
        start = sandbox.cpu_seconds(pid)
        sandbox.run("sleep", "3")
        # Backing off: far from the whole core that a polling loop takes.
        self.assertLess(sandbox.cpu_seconds(pid) - start, 1.0)


def interfaces():
    return sorted(os.listdir("/proc/sys/net/ipv4/conf"))


if __name__ == "__main__":
    case.main()
