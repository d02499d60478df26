#!/usr/bin/env python3
"""Tests of include_law.py: small trees, each with one violation that has to be found."""

import pathlib
import tempfile
import unittest

import include_law


def findings_in(files):
    """What the check says of a tree with these files, as "path:line: message" lines."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found, _ = include_law.check(root)
        return [str(f) for f in sorted(found)]


class IncludeLaw(unittest.TestCase):
    def assert_found(self, files, place, *words):
        """One finding, at `place`, that says all of `words`."""
        found = findings_in(files)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ": "), found[0])
        for word in words:
            self.assertIn(word, found[0])

    def test_lawful_tree_is_clean(self):
        files = {
            "base/a.hpp": "#include <vector>\n",
            "dataplane/wire/w.hpp": '#include "base/a.hpp"\n',
            "dataplane/net/n.hpp": '#include "dataplane/wire/w.hpp"\n',
            "dataplane/proxy/p.cpp": '#include "dataplane/net/n.hpp"\n',
            "dataplane/nic/dpdk_d.cpp": "#include <rte_ethdev.h>\n",
            "dataplane/run/eal.cpp": "#include <rte_eal.h>\n",
            "tls/crypto/aead.cpp": "#include <intel-ipsec-mb.h>\n#include <openssl/evp.h>\n",
            "control/certificates.cpp": "#include <openssl/x509.h>\n",
            "tests/base/t.cpp": '#include "dataplane/net/n.hpp"\n#include <rte_eal.h>\n',
            "programs/sluice.cpp": '#include "tests/base/t.cpp"\n',
        }
        self.assertEqual(findings_in(files), [])

    def test_forbidden_layer_is_found_with_its_line(self):
        files = {"base/a.cpp": '\n#include "tls/t.hpp"\n', "tls/t.hpp": ""}
        self.assert_found(files, "base/a.cpp:2", "base", '"tls/t.hpp"')

    def test_tls_and_net_do_not_see_each_other(self):
        net = {"dataplane/net/n.hpp": '#include "tls/t.hpp"\n', "tls/t.hpp": ""}
        self.assert_found(net, "dataplane/net/n.hpp:1", '"tls/t.hpp"')
        tls = {"tls/t.hpp": '#include "dataplane/net/n.hpp"\n', "dataplane/net/n.hpp": ""}
        self.assert_found(tls, "tls/t.hpp:1", '"dataplane/net/n.hpp"')

    def test_layer_of_a_layer_has_to_be_named_by_the_law(self):
        files = {
            "dataplane/proxy/p.cpp": '#include "dataplane/wire/w.hpp"\n',
            "dataplane/wire/w.hpp": "",
        }
        self.assert_found(files, "dataplane/proxy/p.cpp:1", '"dataplane/wire/w.hpp"')

    def test_control_sees_two_headers_of_run_only(self):
        files = {
            "control/c.cpp": '#include "dataplane/run/mailbox.hpp"\n#include "dataplane/run/w.hpp"\n',
            "dataplane/run/mailbox.hpp": "",
            "dataplane/run/w.hpp": "",
        }
        self.assert_found(files, "control/c.cpp:2", '"dataplane/run/w.hpp"')

    def test_what_a_seam_drags_in_counts(self):
        files = {
            "control/c.cpp": '#include "dataplane/run/snapshot.hpp"\n',
            "dataplane/run/snapshot.hpp": '#include "dataplane/run/inner.hpp"\n',
            "dataplane/run/inner.hpp": '#include "dataplane/net/n.hpp"\n',
            "dataplane/net/n.hpp": "",
        }
        found = findings_in(files)
        self.assertEqual(len(found), 2, found)
        self.assertTrue(all(f.startswith("control/c.cpp:1: ") for f in found), found)
        self.assertIn("dataplane/run/snapshot.hpp -> dataplane/run/inner.hpp", found[0])

    def test_external_headers_have_their_places(self):
        places = {
            "dataplane/nic/memory.cpp": "rte_mbuf.h",
            "dataplane/net/n.cpp": "rte_cycles.h",
            "tls/server/s.cpp": "openssl/evp.h",
            "control/config.cpp": "openssl/x509.h",
            "tls/record/r.cpp": "intel-ipsec-mb.h",
        }
        for path, header in places.items():
            with self.subTest(path=path):
                self.assert_found({path: f"#include <{header}>\n"}, f"{path}:1", header)

    def test_external_header_behind_a_project_header_is_found(self):
        files = {
            "dataplane/nic/memory.cpp": '#include "dataplane/nic/dpdk_d.hpp"\n',
            "dataplane/nic/dpdk_d.hpp": "#include <rte_ethdev.h>\n",
        }
        self.assert_found(files, "dataplane/nic/memory.cpp:1", "<rte_ethdev.h>")

    def test_include_that_is_not_from_the_root_is_found(self):
        files = {"base/a.cpp": '#include "b.hpp"\n', "base/b.hpp": ""}
        self.assert_found(files, "base/a.cpp:1", '"b.hpp"')

    def test_file_outside_all_layers_is_found(self):
        self.assert_found({"extra/e.cpp": ""}, "extra/e.cpp:1", "no layer")

    def test_cycle_of_headers_ends(self):
        files = {"base/a.hpp": '#include "base/b.hpp"\n', "base/b.hpp": '#include "base/a.hpp"\n'}
        self.assertEqual(findings_in(files), [])


if __name__ == "__main__":
    unittest.main()
