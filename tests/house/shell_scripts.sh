#!/usr/bin/env bash
# Checks every shell script of the tree with its own interpreter's parser and with shellcheck:
# shell_scripts.sh ROOT
set -euo pipefail
cd "$1"

mapfile -t scripts < <(
  grep -rlE '^#!(/bin/sh|/bin/bash|/usr/bin/env bash)$' --exclude-dir=build --exclude-dir=.git . |
    while read -r file; do
      # Files that quote such a line further down are no scripts.
      if head -n 1 "$file" | grep -q '^#!'; then echo "$file"; fi
    done
)
((${#scripts[@]} > 0)) || {
  echo "no shell script found under $1" >&2
  exit 1
}

for script in "${scripts[@]}"; do
  [[ -x $script ]] || { echo "$script: not executable" >&2 && exit 1; }
  bash -n "$script"
done
shellcheck "${scripts[@]}"
echo "shell scripts: ${#scripts[@]} checked"
