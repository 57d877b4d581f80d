#!/bin/sh
# setup.sh: where $RESTY_MAIL says that lua-resty-mail is to take part, unpacks nginx and its Lua module into build/bench/nginx. They are not
# installed: an installed nginx would start.
[ -n "$RESTY_MAIL" ] || exit 0
cd "$(dirname "$0")/../.." || exit 1
out=build/bench/nginx
[ -e "$out/usr/sbin/nginx" ] && exit 0
command -v apt-get >/dev/null || exit 0
mkdir -p "$out/debs"
debs="nginx libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core lua-resty-lrucache"
# shellcheck disable=SC2086
(cd "$out/debs" && apt-get -q -o APT::Sandbox::User=root download $debs) || exit 1
for deb in "$out"/debs/*.deb; do
  dpkg -x "$deb" "$out"
done
rm -r "$out/debs"
