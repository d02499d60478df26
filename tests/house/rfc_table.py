#!/usr/bin/env python3
"""Checks the table that says which test shows which demand of TCP's RFCs.

    rfc_table.py ROOT

Every test that the table names exists; every row names a test or says why there is none; every test
of the table's folder stands in it; and no number of RFC 9293 appendix B is left out.
"""

import pathlib
import re
import sys

from repository import Finding, files_under, report, text_of

FOLDER = "tests/dataplane/net/tcp/rfc/"
TABLE = FOLDER + "README.md"
NUMBERED = range(1, 70)  # MUST-1 to MUST-69

DEFINED = re.compile(r"\b(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")
NAMED = re.compile(r"`(\w+\.\w+)`")
NUMBER = re.compile(r"\bMUST-(\d+)\b")
RULE = re.compile(r"[|\s:-]+")


def tests_in(text):
    return {f"{suite}.{name}" for suite, name in DEFINED.findall(text)}


def rows_of(text):
    """The tables' rows without their headings: (line number, cells)."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("|") or RULE.fullmatch(line):
            continue
        is_heading = number < len(lines) and RULE.fullmatch(lines[number]) is not None
        if not is_heading:
            yield number, [cell.strip() for cell in line.strip("|").split("|")]


def check_rows(text, defined):
    for number, cells in rows_of(text):
        if len(cells) != 3 or not all(cells):
            yield Finding(TABLE, number, "does not say section, demand, and test or reason")
        for name in NAMED.findall(cells[-1]):
            if name not in defined:
                yield Finding(TABLE, number, f"{name} is no test")


def check_numbers(text):
    found = {int(n) for _, cells in rows_of(text) for n in NUMBER.findall(" ".join(cells))}
    for missing in sorted(set(NUMBERED) - found):
        yield Finding(TABLE, 1, f"MUST-{missing} of RFC 9293 is left out")


def check_folder(text, defined_in):
    named = set(NAMED.findall(text))
    for path, tests in defined_in.items():
        if path.startswith(FOLDER):
            for test in sorted(tests - named):
                yield Finding(path, 1, f"{test} stands in no row of {TABLE}")


def check(root):
    text = text_of(root, TABLE)
    paths = [p for p in files_under(root, (".cpp", ".hpp")) if p.startswith("tests/")]
    defined_in = {path: tests_in(text_of(root, path)) for path in paths}
    defined = set().union(*defined_in.values()) if defined_in else set()
    findings = list(check_rows(text, defined))
    findings += check_numbers(text)
    findings += check_folder(text, defined_in)
    return findings, sum(1 for _ in rows_of(text))


if __name__ == "__main__":
    found, checked = check(pathlib.Path(sys.argv[1]))
    sys.exit(report(found, checked, "RFC table"))
