#!/bin/sh
# lua-resty-mail within nginx, which takes no arguments of ours: see peer.h. $RESTY_MAIL is the folder with resty/mail.lua and
# resty/random.lua (of lua-resty-string), $NGINX_ROOT the one into which nginx and its Lua module were unpacked (setup.sh), or empty
# where they are installed.
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
modules=$NGINX_ROOT/usr/lib/nginx/modules
cat >"$folder/nginx.conf" <<CONF
load_module $modules/ndk_http_module.so;
load_module $modules/ngx_http_lua_module.so;
daemon off;
master_process off;
pid $folder/pid;
error_log stderr warn;
env BENCH_JOB;
env BENCH_FILE;
events { worker_connections 256; }
http {
  access_log off;
  lua_package_path "$RESTY_MAIL/?.lua;$NGINX_ROOT/usr/share/lua/5.1/?.lua;$here/../../?.lua;;";
  ${BENCH_CA:+lua_ssl_trusted_certificate $BENCH_CA;}
  init_worker_by_lua_file $here/resty_mail.lua;
}
CONF
BENCH_JOB="$*" "$NGINX_ROOT/usr/sbin/nginx" -p "$folder" -e stderr -c "$folder/nginx.conf"
status=$?
rm -rf "$folder"
exit $status
