#!/bin/sh
# Makes the certificates that the specs need: mkcerts.sh DIR writes NAME.pem and NAME.key there.
#   ca           what a client under test trusts (its CaFile)
#   good         right in every way: localhost, 127.0.0.1, ::1, mail.example.test
#   wronghost    signed by ca, for another name
#   expired      signed by ca, over since 2021
#   unknownca    right names, signed by otherca, which nobody trusts
#   selfsigned   right names, its own issuer
#   client       signed by ca, for clients (TLS client authentication)
# DIR is new or empty; when the set is there already nothing is done. Several may start at once: each makes a set aside and
# one of them wins the rename.
set -eu

dir=${1:?usage: mkcerts.sh DIR}
[ -e "$dir/good.pem" ] && exit 0
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Test keys guard nothing, and servers such as Exim read them only after they have dropped root.
umask 022
chmod 755 "$work"
mkdir "$work/signing"

own_names=DNS:localhost,DNS:mail.example.test,IP:127.0.0.1,IP:::1

request() { # NAME: a new P-256 key and a request with it
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
    -subj "/O=netmail spec/CN=$1" -keyout "$work/$1.key" -out "$work/signing/$1.csr" 2>"$work/signing/log"
}

# `openssl ca` signs them all: before OpenSSL 3.4 no other command takes both ends of the validity.
sign() { # NAME ISSUER NOT-AFTER EXTENSION...
  name=$1 issuer=$2 end=$3
  shift 3
  request "$name"
  printf '%s\n' "$@" >"$work/signing/extensions"
  : >"$work/signing/index"
  cat >"$work/signing/conf" <<CNF
[ca]
default_ca = issuer
[issuer]
database = $work/signing/index
new_certs_dir = $work/signing
rand_serial = yes
default_md = sha256
policy = any
[any]
organizationName = optional
commonName = supplied
CNF
  case $issuer in
    "$name") set -- -selfsign ;;
    *) set -- -cert "$work/$issuer.pem" ;;
  esac
  openssl ca -batch -notext -config "$work/signing/conf" "$@" -keyfile "$work/$issuer.key" \
    -startdate 20200101000000Z -enddate "$end" -extfile "$work/signing/extensions" \
    -in "$work/signing/$name.csr" -out "$work/$name.pem" 2>"$work/signing/log"
}

make_all() {
  far=20991231235959Z
  authority='basicConstraints = critical, CA:TRUE'
  may_sign='keyUsage = critical, keyCertSign, cRLSign'
  leaf='basicConstraints = critical, CA:FALSE'
  sign ca ca $far "$authority" "$may_sign"
  sign otherca otherca $far "$authority" "$may_sign"
  sign good ca $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
  sign wronghost ca $far "$leaf" 'subjectAltName = DNS:wrong.example.test' 'extendedKeyUsage = serverAuth'
  sign expired ca 20210101000000Z "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
  sign unknownca otherca $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
  sign selfsigned selfsigned $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
  sign client ca $far "$leaf" 'subjectAltName = email:user@example.test' 'extendedKeyUsage = clientAuth'
}

# In a subshell whose exit status is read apart: inside `if` or `||`, set -e would be off.
set +e
(set -e && make_all)
made=$?
set -e
if [ $made -ne 0 ]; then
  cat "$work/signing/log" >&2
  exit 1
fi
rm -r "$work/signing"
chmod 644 "$work"/*
mv -T "$work" "$dir" 2>/dev/null || [ -e "$dir/good.pem" ] || {
  echo "mkcerts.sh: $dir is in the way" >&2
  exit 1
}
