#!/bin/sh
# setup.sh: puts the readers of spec/support/py/readers.py that are no packages of Python into build/readers: GMime's,
# compiled here, and mailparser by npm. What cannot be had leaves its reason in NAME.missing, and its part of the specs is skipped.
# Nothing is done when all is there.
cd "$(dirname "$0")" || exit 1
out=../../../build/readers
mkdir -p "$out"

newest() {
  [ -e "$1" ] && [ -z "$(find "$2" -newer "$1")" ]
}

gmime() {
  newest "$out/gmime" gmime.c && return
  flags=$(pkg-config --cflags --libs gmime-3.0 2>&1) || { echo "libgmime-3.0-dev is not installed (make deps)"; return; }
  # shellcheck disable=SC2086
  "${CC:-cc}" -std=c11 -D_GNU_SOURCE -Wall -Wextra -O1 gmime.c -o "$out/gmime" $flags 2>&1 || echo "gmime.c does not compile"
}

mailparser() {
  newest "$out/installed" package.json && return
  command -v npm >/dev/null || { echo "npm is not installed (make deps)"; return; }
  rm -rf "$out/node_modules" "$out/installed"
  cp package.json "$out/"
  said=$(cd "$out" && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error 2>&1) ||
    { echo "npm could not install it: $said" | tail -n 3; return; }
  touch "$out/installed"
}

for reader in gmime mailparser; do
  reason=$($reader)
  rm -f "$out/$reader.missing"
  [ -z "$reason" ] || echo "$reason" >"$out/$reader.missing"
done
