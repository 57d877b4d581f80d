#!/bin/sh
# setup.sh: puts Nodemailer, of the version that package.json names, into build/bench. Nothing is done when it is there; without npm, or
# when npm fails, it is left out of the benchmark.
cd "$(dirname "$0")" || exit 1
out=../../build/bench
mkdir -p "$out"
cmp -s package.json "$out/package.json" && [ -d "$out/node_modules/nodemailer" ] && exit 0
command -v npm >/dev/null || exit 0
rm -rf "$out/node_modules"
cp package.json "$out/"
cd "$out" && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error || exit 0
