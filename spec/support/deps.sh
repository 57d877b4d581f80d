#!/bin/sh
# deps.sh "PACKAGES" "SERVERS": makes sure that the Debian packages are there, and the mail servers that the specs send to.
# PACKAGES are installed; `a|b`: either will do, the first is installed; `a?b`: only where there is no command b. SERVERS are only unpacked into build/servers: an
# installed mail server would start, stay enabled, and push out the one that the machine may have.
# Nothing is done when all is there. Nothing is removed unless ALLOW_REMOVE=1.
set -eu
packages=$1 servers=$2
root=build/servers/root
stamp=build/servers/unpacked

if ! command -v apt-get >/dev/null; then
  echo "make deps knows Debian only; what it would look for: $packages $servers"
  exit 0
fi

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

missing=
set -f # a ? in a word is no pattern
for choice in $packages; do
  found=
  case $choice in
  *\?*)
    if command -v "${choice#*\?}" >/dev/null; then found=1; fi
    choice=${choice%%\?*}
    ;;
  esac
  for name in $(echo "$choice" | tr '|' ' '); do
    if installed "$name"; then found=1; fi
  done
  [ -n "$found" ] || missing="$missing ${choice%%|*}"
done
set +f
unpack=
[ "$(cat "$stamp" 2>/dev/null)" = "$servers" ] || unpack=1
[ -n "$missing$unpack" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
  if [ -n "$missing" ] && ! command -v sudo >/dev/null; then
    echo "make deps: not root and no sudo; as root: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
fetched=
update() {
  [ -n "$fetched" ] || $as_root apt-get -q -o Acquire::Retries=3 update
  fetched=1
}

if [ -n "$missing" ]; then
  echo "make deps: installing$missing"
  update
  # shellcheck disable=SC2086
  plan=$(apt-get -s --no-install-recommends install $missing)
  removed=$(echo "$plan" | awk '/^Remv/ { print $2 }' | tr '\n' ' ')
  if [ -n "$removed" ] && [ "${ALLOW_REMOVE:-0}" != 1 ]; then
    echo "make deps: this would remove: $removed" >&2
    echo "make deps: nothing was done; make deps ALLOW_REMOVE=1 does it" >&2
    exit 1
  fi
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install $missing
fi

if [ -n "$unpack" ]; then
  echo "make deps: unpacking (not installing) $servers"
  rm -rf build/servers
  mkdir -p build/servers/debs
  # The lists may be older than what the archive still has.
  # shellcheck disable=SC2086
  download() { (cd build/servers/debs && apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 download $servers); }
  download || { update && download; }
  for deb in build/servers/debs/*.deb; do
    dpkg -x "$deb" "$root"
  done
  rm -r build/servers/debs
  echo "$servers" >"$stamp"
fi
