#!/usr/bin/env python3
"""Tests of house_rules.py: small trees, each with one broken rule that has to be found."""

import pathlib
import tempfile
import unittest

import house_rules


def findings_in(files):
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found, _ = house_rules.check(root)
        return [str(f) for f in sorted(found)]


HEADER = "// What it is for.\n#pragma once\n"


class HouseRules(unittest.TestCase):
    def assert_found(self, files, place, words):
        found = findings_in(files)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ": "), found[0])
        self.assertIn(words, found[0])

    def test_orderly_tree_is_clean(self):
        files = {
            "base/a.hpp": HEADER,
            "base/a.cpp": '#include "base/a.hpp"\n',
            "scripts/run": "#!/bin/sh\n# Runs.\n",
            "README.md": "[code](base/a.hpp) [web](https://example.com) [here](#part)\n",
            "docs/d.md": "```\n[not a link](nowhere)\n```\n[up](../base/a.hpp#L1)\n",
        }
        self.assertEqual(findings_in(files), [])

    def test_header_without_opening_comment(self):
        self.assert_found({"base/a.hpp": "#pragma once\n"}, "base/a.hpp:1", "comment")

    def test_header_without_pragma_once(self):
        self.assert_found({"base/a.hpp": "// What.\n"}, "base/a.hpp:1", "#pragma once")

    def test_source_without_header_needs_an_opening_comment(self):
        self.assert_found({"programs/p.cpp": "int main() {}\n"}, "programs/p.cpp:1", "comment")

    def test_script_that_does_not_say_what_it_is_for(self):
        self.assert_found({"scripts/run": "#!/bin/sh\nset -e\n"}, "scripts/run:2", "script")

    def test_things_left_for_later(self):
        left = "// " + "TO" + "DO: more\n"
        self.assert_found({"base/a.hpp": HEADER + left}, "base/a.hpp:3", "later")

    def test_trailing_blanks_tabs_and_missing_newline(self):
        self.assert_found({"base/a.hpp": HEADER + "int a; \n"}, "base/a.hpp:3", "trailing")
        self.assert_found({"base/a.hpp": HEADER + "\tint a;\n"}, "base/a.hpp:3", "tab")
        self.assert_found({"base/a.hpp": HEADER + "int a;"}, "base/a.hpp:3", "newline")

    def test_link_that_leads_nowhere(self):
        self.assert_found({"docs/d.md": "\n[gone](a.md)\n"}, "docs/d.md:2", "a.md")


if __name__ == "__main__":
    unittest.main()
