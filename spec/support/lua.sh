#!/bin/sh
# lua.sh INTERPRETER ARGUMENTS...: runs it with the modules in lua/ and build/INTERPRETER, from any folder.
lua=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;$root/?.lua;;"
LUA_CPATH="$root/build/$lua/?.so;;"
NETMAIL_LUA=$lua
export LUA_PATH LUA_CPATH NETMAIL_LUA
unset LUA_INIT LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
exec "$lua" "$@"
