#!/usr/bin/env python3
"""Checks who includes whom: the include law of docs/architecture.md.

    include_law.py ROOT

Prints each violation with its file and line, and exits with 1 if there is any. The law is
transitive: what a header of another layer drags in counts as included.
"""

import fnmatch
import pathlib
import re
import sys

from repository import Finding, files_under, report, text_of

# Each layer, by the folder its files lie in, and the layers it may include besides itself.
LAYERS = {
    "base": (),
    "tls": ("base",),
    "dataplane/wire": ("base",),
    "dataplane/net": ("dataplane/wire", "base"),
    "dataplane/nic": ("dataplane/wire", "base"),
    "dataplane/proxy": ("dataplane/net", "tls", "base"),
    "dataplane/run": (
        "dataplane/wire",
        "dataplane/net",
        "dataplane/nic",
        "dataplane/proxy",
        "tls",
        "base",
    ),
    "control": ("tls", "base"),
}

# Single headers of a layer that another one may include as well.
SEAMS = {
    "control": (
        "dataplane/run/mailbox.hpp",
        "dataplane/run/port_summary.hpp",
        "dataplane/run/snapshot.hpp",
    )
}

# Third-party headers and the only files that may see them.
EXTERNAL = (
    ("rte_*", ("dataplane/nic/dpdk_*", "dataplane/run/*")),
    ("openssl/*", ("tls/crypto/*", "control/certificate*")),
    ("intel-ipsec-mb.h", ("tls/crypto/*",)),
    ("ipsec-mb.h", ("tls/crypto/*",)),
)

# The composition roots, which put the layers together, and the tests see everything.
EXEMPT = ("programs/", "bench/", "tests/")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(path):
    for layer in LAYERS:
        if path.startswith(layer + "/"):
            return layer
    return None


class Tree:
    """The include graph of a source tree."""

    def __init__(self, root):
        self.files = files_under(root, (".hpp", ".cpp", ".h", ".cc"))
        self.project = {}  # path -> [(line, included path)]
        self.external = {}  # path -> [(line, header)]
        for path in self.files:
            self.project[path] = []
            self.external[path] = []
            for number, line in enumerate(text_of(root, path).splitlines(), start=1):
                match = INCLUDE.match(line)
                if match is None:
                    continue
                quoted, angled = match.groups()
                if quoted is not None:
                    self.project[path].append((number, quoted))
                else:
                    self.external[path].append((number, angled))

    def reachable(self, start):
        """What `start` includes through any number of headers: path -> how it got there."""
        chains = {}
        waiting = [(start, ())]
        while waiting:
            path, chain = waiting.pop()
            if path in chains or path not in self.project:
                continue
            chains[path] = chain
            waiting.extend((included, chain + (path,)) for _, included in self.project[path])
        return chains


def may_include(layer, path):
    target = layer_of(path)
    return target == layer or target in LAYERS[layer] or path in SEAMS.get(layer, ())


def may_reach(layer, path):
    """As may_include(), through the layers that `layer` may include."""
    return may_include(layer, path) or any(may_reach(below, path) for below in LAYERS[layer])


def may_see(path, header):
    for pattern, places in EXTERNAL:
        if fnmatch.fnmatchcase(header, pattern):
            return any(fnmatch.fnmatchcase(path, place) for place in places)
    return True


def via(chain):
    return " through " + " -> ".join(chain[1:]) if len(chain) > 1 else ""


def check_own_lines(tree, path):
    """What the file's own #include lines say."""
    layer = layer_of(path)
    for line, included in tree.project[path]:
        if included not in tree.project:
            yield Finding(path, line, f'"{included}" is no file, seen from the root of the tree')
        elif layer is not None and not may_include(layer, included):
            yield Finding(path, line, f'{layer} may not include "{included}"')
    for line, header in tree.external[path]:
        if layer is not None and not may_see(path, header):
            yield Finding(path, line, f"<{header}> may not be included here")


def check_what_follows(tree, path):
    """What the file's includes bring along, blamed on the line that begins the chain."""
    layer = layer_of(path)
    for line, included in tree.project[path]:
        if not may_include(layer, included):
            continue  # found already
        for reached, chain in tree.reachable(included).items():
            route = via((path,) + chain + (reached,)) if reached != included else ""
            if reached != included and not may_reach(layer, reached):
                yield Finding(path, line, f'{layer} may not reach "{reached}"{route}')
            for _, header in tree.external[reached]:
                # A file that may see the header hands it on to none that may not.
                if not may_see(path, header):
                    brought = f'<{header}> comes in with "{included}"'
                    yield Finding(path, line, f"{brought}, and may not be seen here{route}")


def check(root):
    """All violations in the tree below `root`, and how many files were read."""
    tree = Tree(root)
    findings = []
    for path in tree.files:
        if path.startswith(EXEMPT):
            findings += [f for f in check_own_lines(tree, path) if "is no file" in f.message]
        elif layer_of(path) is None:
            findings.append(Finding(path, 1, "lies in no layer that the include law knows"))
        else:
            findings += check_own_lines(tree, path)
            findings += check_what_follows(tree, path)
    return findings, len(tree.files)


if __name__ == "__main__":
    found, checked = check(pathlib.Path(sys.argv[1]))
    sys.exit(report(found, checked, "include law"))
