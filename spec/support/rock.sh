#!/bin/sh
# rock.sh INTERPRETER INCLUDES: builds and installs the rock with LuaRocks into build/rocks/INTERPRETER, offline, and loads it
# from there. On a copy of the sources: LuaRocks leaves its objects beside them.
set -eu
lua=$1 includes=$2
if ! command -v "$lua" >/dev/null; then
  echo "SKIP $lua is not installed (make deps)"
  exit 77
fi
tree=$PWD/build/rocks/$lua copy=$PWD/build/rocks/src-$lua
rm -rf "$tree" "$copy"
mkdir -p "$copy"
cp -r src lua LICENSE docs examples netmail-scm-1.rockspec "$copy/"
case $lua in
luajit) version=5.1 ;;
*) version=${lua#lua} ;;
esac
# The other four are built faster: here the packaging is on trial, not the compiler.
set --
[ "$lua" = lua5.4 ] || set -- CFLAGS="-O0 -fPIC"
(cd "$copy" && luarocks --lua-version="$version" --tree="$tree" make netmail-scm-1.rockspec LUA_INCDIR="$includes" "$@")
# Nothing but the rock and the interpreter's own folders.
cd /
unset LUA_INIT LUA_PATH_5_2 LUA_PATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_2 LUA_CPATH_5_3 LUA_CPATH_5_4
export LUA_PATH="$tree/share/lua/$version/?.lua;$tree/share/lua/$version/?/init.lua" LUA_CPATH="$tree/lib/lua/$version/?.so"
"$lua" -e '
  local netmail = require "netmail"
  local from = assert(package.searchpath or function(name) return name end)("netmail", package.path)
  print("loaded", netmail._VERSION, from)
  local message = netmail.MailMessage{ From = "a@example.test", To = "b@example.test", Subject = "x", Text = "y" }
  assert(message:ToString():find("\r\nSubject: x\r\n", 1, true))
  require "netmail.net"
  require "netmail.crypto"'
rm -rf "$copy"
