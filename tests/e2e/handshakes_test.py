#!/usr/bin/env python3
"""Handshakes with other people's TLS: every suite, group and kind of certificate, names, ALPN."""

import ssl
import subprocess
import threading

from support import case, certificates, clients, daemon

SUITES = {
    "TLS_AES_128_GCM_SHA256": "suite_aes_128_gcm_sha256",
    "TLS_AES_256_GCM_SHA384": "suite_aes_256_gcm_sha384",
    "TLS_CHACHA20_POLY1305_SHA256": "suite_chacha20_poly1305_sha256",
}
# As openssl takes them, as it prints them, and as Sluice counts them.
GROUPS = {
    "X25519": ("X25519, 253 bits", "group_x25519"),
    "P-256": ("ECDH, prime256v1, 256 bits", "group_secp256r1"),
}
RSA_NAME = "rsa.sluice.example"
STRICT_PORT = 444
ALPN_PORT = 445
NARROW_PORT = 446


class Handshakes(case.SluiceCase):
    @classmethod
    def make_certificates(cls, directory):
        return certificates.bundle(
            cls.home / "trusted.pem",
            [
                certificates.make(directory, "www", [clients.NAME]),
                certificates.make(directory, "rsa", [RSA_NAME], "rsa"),
                certificates.make(directory, "wild", ["*.wild.example"]),
            ],
        )

    @classmethod
    def configure(cls, configured):
        configured["certificates"]["default"] = "www"
        strict = daemon.listener("strict", STRICT_PORT, "origin")
        strict["routes"][0]["match"] = {"sni": [clients.NAME, "*.wild.example"]}
        strict["unknown_sni"] = "refuse"
        configured["listeners"] += [
            strict,
            daemon.listener("alpn", ALPN_PORT, "origin", alpn=["sluice/2", "http/1.1"]),
            daemon.listener(
                "narrow",
                NARROW_PORT,
                "origin",
                suites=["TLS_CHACHA20_POLY1305_SHA256"],
                groups=["secp256r1"],
            ),
        ]
        return configured

    def s_client(self, *arguments, name=clients.NAME, **options):
        return clients.s_client(
            self.trusted, "-verify_hostname", name, *arguments, name=name, **options
        )

    def assert_answered(self, output):
        self.assertIn("Verification: OK", output)
        self.assertIn("HTTP/1.1 200 OK", output)

    def test_every_suite_with_every_group_and_certificate(self):
        for suite, suite_counter in SUITES.items():
            for group, (printed, group_counter) in GROUPS.items():
                for name in (clients.NAME, RSA_NAME):
                    with self.subTest(suite=suite, group=group, name=name):
                        before = self.sluice.status()
                        output = self.s_client(
                            "-tls1_3", "-ciphersuites", suite, "-groups", group, name=name
                        )
                        self.assert_answered(output)
                        self.assertIn(f"New, TLSv1.3, Cipher is {suite}", output)
                        self.assertIn(f"Server Temp Key: {printed}", output)
                        kind = "RSA-PSS" if name == RSA_NAME else "ECDSA"
                        self.assertIn(f"Peer signature type: {kind}", output)
                        self.sluice.count("tls", suite_counter, before)
                        self.sluice.count("tls", group_counter, before)

    def test_share_of_another_group_is_asked_for(self):
        output = self.s_client("-groups", "P-384:P-256")
        self.assert_answered(output)
        self.assertIn("Server Temp Key: ECDH, prime256v1", output)
        self.assert_counted("tls", "hello_retry_requests")

    def test_middlebox_compatibility_mode_is_optional(self):
        self.assert_answered(self.s_client("-no_middlebox"))

    def test_client_that_updates_its_keys(self):
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{daemon.ADDRESS}:{daemon.PORT}"]
            + ["-servername", clients.NAME, "-CAfile", str(self.trusted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        patience = threading.Timer(30, client.kill)
        patience.start()
        try:
            # A line that begins with "K", read on its own, asks s_client for a KeyUpdate that wants
            # one in return. It goes out before the request, and ours before the answer.
            client.stdin.write(b"K\n")
            client.stdin.flush()
            self.assertTrue(any(b"KEYUPDATE" in line for line in client.stdout))
            client.stdin.write(f"GET /1k HTTP/1.0\r\nHost: {clients.NAME}\r\n\r\n".encode())
            client.stdin.flush()
            answer = client.stdout.read()
        finally:
            patience.cancel()
            client.kill()
            client.communicate()
        self.assertIn((self.nginx.root / "1k").read_bytes(), answer)
        self.assert_counted("tls", "key_updates_received")
        self.assert_counted("tls", "key_updates_sent")

    def test_gnutls_cli(self):
        for group in ("X25519", "SECP256R1"):
            with self.subTest(group=group):
                result = subprocess.run(
                    ["gnutls-cli", "--x509cafile", str(self.trusted), "--port", str(daemon.PORT)]
                    + [f"--verify-hostname={clients.NAME}", f"--sni-hostname={clients.NAME}"]
                    + ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-{group}"]
                    + ["--crlf", daemon.ADDRESS],
                    input=f"GET /1k HTTP/1.0\nHost: {clients.NAME}\n\n".encode("ascii"),
                    capture_output=True,
                    timeout=30,
                )
                output = (result.stdout + result.stderr).decode(errors="replace")
                self.assertEqual(result.returncode, 0, output)
                self.assertIn("The certificate is trusted", output)
                self.assertIn(f"Description: (TLS1.3-X.509)-(ECDHE-{group})", output)

    def test_python_verifies_and_gets_the_page(self):
        self.assertEqual(self.client().get("/1k"), (self.nginx.root / "1k").read_bytes())

    def test_name_chooses_the_certificate(self):
        for name, subject in (
            (clients.NAME, "www"),
            (RSA_NAME, "rsa"),
            ("shop.wild.example", "wild"),
            (clients.NAME.upper(), "www"),
        ):
            with self.subTest(name=name):
                self.assertIn(f"subject=CN = {subject}\n", self.s_client(name=name))

    def test_unknown_name_or_none_gets_the_default_certificate(self):
        for name in ("unknown.example", "deep.shop.wild.example", None):
            with self.subTest(name=name):
                output = clients.s_client(self.trusted, name=name)
                self.assertIn("subject=CN = www\n", output)
                self.assertIn("HTTP/1.1 200 OK", output)

    def test_listener_that_refuses_unknown_names(self):
        for name in (clients.NAME, "shop.wild.example"):
            self.assert_answered(self.s_client(name=name, port=STRICT_PORT))
        before = self.sluice.status()
        # RFC 6066 section 3: unrecognized_name(112).
        output = clients.s_client(self.trusted, name="unknown.example", port=STRICT_PORT)
        self.assertIn("unrecognized name", output)
        self.assertNotIn("BEGIN CERTIFICATE", output)
        self.sluice.count("tls", "unrecognized_name", before)
        # RFC 8446 section 9.2: missing_extension(109).
        output = clients.s_client(self.trusted, name=None, port=STRICT_PORT)
        self.assertIn("missing extension", output)
        self.sluice.count("tls", "missing_extension", before)

    def test_alpn_is_the_servers_first_that_the_client_offers(self):
        for offered, chosen in (
            ("http/1.1", "http/1.1"),
            ("http/1.1,sluice/2", "sluice/2"),
            ("h2,http/1.1", "http/1.1"),
        ):
            with self.subTest(offered=offered):
                output = self.s_client("-alpn", offered, port=ALPN_PORT)
                self.assertIn(f"ALPN protocol: {chosen}\n", output)

    def test_client_without_alpn_is_served(self):
        self.assertIn("No ALPN negotiated", self.s_client(port=ALPN_PORT))

    def test_no_common_protocol(self):
        # RFC 7301 section 3.2: no_application_protocol(120).
        output = self.s_client("-alpn", "h2", port=ALPN_PORT)
        self.assertIn("no application protocol", output)
        self.assert_counted("tls", "no_application_protocol")

    def test_route_narrows_suites_and_groups(self):
        output = self.s_client(port=NARROW_PORT)
        self.assertIn("Cipher is TLS_CHACHA20_POLY1305_SHA256", output)
        self.assertIn("Server Temp Key: ECDH, prime256v1", output)

    def test_nothing_in_common(self):
        # RFC 8446 section 4.1.1: handshake_failure or insufficient_security.
        for counter, arguments in (
            ("no_common_suite", ("-ciphersuites", "TLS_AES_128_GCM_SHA256")),
            ("no_common_group", ("-groups", "X25519")),
        ):
            with self.subTest(counter=counter):
                output = self.s_client(*arguments, port=NARROW_PORT)
                self.assertIn("handshake failure", output)
                self.assert_counted("tls", counter)
        output = self.s_client("-sigalgs", "RSA-PSS+SHA256", port=NARROW_PORT, name="www.wild.example")
        self.assertTrue("handshake failure" in output or "subject=CN = rsa" in output, output)

    def test_session_is_cut_off_by_no_one(self):
        """The end of a response is a close_notify, not just a FIN."""
        client = self.client()
        client.send(f"GET /1k HTTP/1.0\r\nHost: {clients.NAME}\r\n\r\n".encode())
        try:
            response = client.receive_all()
        except ssl.SSLError as error:
            self.fail(f"truncated: {error}")
        self.assertTrue(response.endswith((self.nginx.root / "1k").read_bytes()))


if __name__ == "__main__":
    case.main()
