#!/usr/bin/env python3
"""Checks what every file of the tree has in common.

    house_rules.py ROOT

Headers open with a comment and say #pragma once; scripts and programs open with a comment; nothing
is left "to do"; links in the documents lead somewhere; text files end with a newline and hold no
tabs or trailing blanks.
"""

import pathlib
import re
import sys

from repository import Finding, files_under, report, text_of

CODE = (".hpp", ".cpp")
SCRIPTS = (".py", ".sh")
SCRIPT_FOLDERS = ("scripts/", ".ci/", "bench/")
TEXT = CODE + SCRIPTS + (".md", ".txt", ".cmake", ".yaml", ".json")

# Written apart, so that this file does not find itself.
LEFT_OVER = re.compile("|".join((r"\bTO" + "DO", r"\bFIX" + "ME", r"\bXX" + r"X\b", r"\bHA" + "CK")))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^\s*(```|~~~)")


def check_header(path, lines):
    """A header says first what it is for; so does a source file that has none to say it."""
    implements_a_header = path.endswith(".cpp") and lines and lines[0].startswith('#include "')
    if not implements_a_header and not (lines and lines[0].startswith("//")):
        yield Finding(path, 1, "does not open with a comment that says what the file is for")
    if path.endswith(".hpp") and "#pragma once" not in lines:
        yield Finding(path, 1, "has no #pragma once")


def check_script(path, lines):
    if not lines or not lines[0].startswith(("#!", "#", '"""')):
        yield Finding(path, 1, "does not open with an interpreter line or a comment")
    elif lines[0].startswith("#!") and not (len(lines) > 1 and lines[1].startswith(("#", '"""'))):
        yield Finding(path, 2, "does not say what the script is for")


def check_text(path, text):
    for number, line in enumerate(text.splitlines(), start=1):
        if line != line.rstrip():
            yield Finding(path, number, "trailing blanks")
        if "\t" in line and not path.endswith(".md"):
            yield Finding(path, number, "a tab")
        if LEFT_OVER.search(line):
            yield Finding(path, number, "something was left for later")
    if text and not text.endswith("\n"):
        yield Finding(path, text.count("\n") + 1, "no newline at the end")


def check_links(root, path, text):
    """Relative links, seen from the document's own folder."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        if fenced:
            continue
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            if not (root / path).parent.joinpath(target.split("#")[0]).exists():
                yield Finding(path, number, f"link to {target}, which does not exist")


def check(root):
    paths = files_under(root, TEXT)
    paths += [p for p in files_under(root, ("",)) if p.startswith(SCRIPT_FOLDERS) and "." not in
              pathlib.PurePath(p).name and p not in paths and "/results/" not in p]
    findings = []
    for path in paths:
        text = text_of(root, path)
        lines = text.splitlines()
        findings += check_text(path, text)
        if path.endswith(".md"):
            findings += check_links(root, path, text)
        if path.endswith(CODE) and not path.startswith("tests/"):
            findings += check_header(path, lines)
        is_bare = "." not in pathlib.PurePath(path).name
        if path.endswith(SCRIPTS) or (is_bare and text.startswith("#!")):
            findings += check_script(path, lines)
    return findings, len(paths)


if __name__ == "__main__":
    found, checked = check(pathlib.Path(sys.argv[1]))
    sys.exit(report(found, checked, "house rules"))
