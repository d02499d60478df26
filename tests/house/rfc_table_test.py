#!/usr/bin/env python3
"""Tests of rfc_table.py: small trees, each with one fault of the table that has to be found."""

import pathlib
import tempfile
import unittest

import rfc_table

HEADING = "| section | demand | test |\n|---|---|---|\n"
NUMBERS = " ".join(f"MUST-{n}" for n in rfc_table.NUMBERED)
SOURCE = "TEST(Rfc, Holds) {}\nTEST_F(Fixture, Too) {}\nTEST(\n    Rfc, InTwoLines) {}\n"
WHOLE = HEADING + f"| 1 | {NUMBERS} | `Rfc.Holds`, `Fixture.Too`, `Rfc.InTwoLines` |\n"


def findings_in(table, files=None):
    """What the check says of a tree with this table, as "path:line: message" lines."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        tree = {rfc_table.FOLDER + "a_test.cpp": SOURCE, rfc_table.TABLE: table}
        for path, text in {**tree, **(files or {})}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        found, _ = rfc_table.check(root)
        return [str(f) for f in sorted(found)]


class RfcTable(unittest.TestCase):
    def assert_found(self, table, *words, line=None, files=None):
        """One finding that says all of `words`."""
        found = findings_in(table, files)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])
        if line is not None:
            self.assertTrue(found[0].startswith(f"{rfc_table.TABLE}:{line}: "), found[0])

    def test_whole_table_is_clean(self):
        self.assertEqual(findings_in(WHOLE), [])

    def test_test_that_does_not_exist_is_found_with_its_line(self):
        self.assert_found(WHOLE + "| 2 | more | `Rfc.Gone` |\n", "Rfc.Gone is no test", line=4)

    def test_test_of_another_folder_counts(self):
        files = {"tests/wire/w_test.cpp": "TEST(Wire, Holds) {}\n"}
        self.assertEqual(findings_in(WHOLE + "| 2 | more | `Wire.Holds` |\n", files), [])

    def test_test_outside_the_tests_does_not_count(self):
        files = {"bench/b.cpp": "TEST(Bench, Holds) {}\n"}
        row = "| 2 | more | `Bench.Holds` |\n"
        self.assert_found(WHOLE + row, "Bench.Holds is no test", files=files)

    def test_reason_stands_in_for_a_test(self):
        self.assertEqual(findings_in(WHOLE + "| 2 | more | no such option is sent |\n"), [])

    def test_row_without_test_or_reason_is_found(self):
        self.assert_found(WHOLE + "| 2 | more | |\n", "does not say", line=4)

    def test_number_left_out_is_found(self):
        self.assert_found(WHOLE.replace("MUST-41 ", ""), "MUST-41 of RFC 9293")

    def test_test_without_a_row_is_found(self):
        files = {rfc_table.FOLDER + "b_test.cpp": "TEST(Rfc, Unnamed) {}\n"}
        self.assert_found(WHOLE, "b_test.cpp", "Rfc.Unnamed", files=files)


if __name__ == "__main__":
    unittest.main()
