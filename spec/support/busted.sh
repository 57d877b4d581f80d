#!/bin/sh
# busted.sh INTERPRETER [ARGUMENTS]: runs the specs on one interpreter with the modules in build/INTERPRETER.
lua=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
if ! command -v "$lua" >/dev/null; then
  echo "SKIP $lua is not installed (make deps)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;$root/?.lua;;"
LUA_CPATH="$root/build/$lua/?.so;;"
NETMAIL_LUA=$lua
export LUA_PATH LUA_CPATH NETMAIL_LUA
unset LUA_INIT LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
exec "$lua" /usr/bin/busted --output=spec/support/handler.lua "$@"
