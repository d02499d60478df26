"""What the repository checks share: which files there are, and how a finding is printed."""

import dataclasses
import os
import pathlib

# Directories that hold no source of ours.
SKIPPED = {".git", "build", "__pycache__", ".cache"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One broken rule, at a line that a reader can go to."""

    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


def files_under(root: pathlib.Path, suffixes: tuple[str, ...]) -> list[str]:
    """All files with one of the suffixes, as paths relative to `root` with forward slashes."""
    found = []
    for directory, names, files in os.walk(root):
        names[:] = [n for n in names if n not in SKIPPED]
        for name in files:
            if name.endswith(suffixes):
                found.append(pathlib.Path(directory, name).relative_to(root).as_posix())
    return sorted(found)


def text_of(root: pathlib.Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def report(findings: list[Finding], checked: int, what: str) -> int:
    """Prints every finding and a line that sums up; returns the exit code."""
    for finding in sorted(findings):
        print(finding)
    print(f"{what}: {checked} files checked, {len(findings)} findings")
    # A check that looked at nothing has not passed: the caller named the wrong root.
    return 1 if findings or checked == 0 else 0
