#!/bin/sh
# busted.sh INTERPRETER [ARGUMENTS]: runs the specs on one interpreter with the modules in build/INTERPRETER.
lua=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
if ! command -v "$lua" >/dev/null; then
  echo "SKIP $lua is not installed (make deps)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
# Where this is set, the messages of the specs are written down there for other readers (corpus.lua).
if [ -n "${NETMAIL_CORPUS:-}" ]; then mkdir -p "${NETMAIL_CORPUS%/*}"; fi
exec "$here/lua.sh" "$lua" "$(command -v busted)" --output=spec/support/handler.lua ${NETMAIL_CORPUS:+--helper=spec/support/corpus.lua} "$@"
