#!/bin/sh
# Makes the certificates that the specs need: mkcerts.sh DIR writes NAME.pem and NAME.key there.
#   ca           what a client under test trusts (its CaFile)
#   good         right in every way: localhost, 127.0.0.1, ::1, mail.example.test
#   wronghost    signed by ca, for another name
#   expired      signed by ca, over since 2021
#   unknownca    right names, signed by otherca, which nobody trusts
#   selfsigned   right names, its own issuer
#   client       signed by ca, for clients (TLS client authentication)
# and, each signed by ca and odd in one way,
#   future       valid from 2090          wrongeku  right names, for clients          weak     an RSA key of 1024 bits
#   iponly       IP:127.0.0.1             ipasdns   DNS:127.0.0.1                     cnonly   no names but the subject's, localhost
#   sanwins      subject localhost, but DNS:other.example.test                        nulsan   DNS:localhost, NUL, .evil.test
#   wildcard     DNS:*.example.test       wildpart  DNS:ma*.example.test, DNS:loc*    wildtld  DNS:*
# DIR is new or empty; when the set is there already nothing is done. Several may start at once: each makes a set aside and
# one of them wins the rename.
set -eu

dir=${1:?usage: mkcerts.sh DIR}
[ -e "$dir/weak.pem" ] && exit 0
mkdir -p "$(dirname "$dir")"
work=$(mktemp -d "$dir.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Test keys guard nothing, and servers such as Exim read them only after they have dropped root.
umask 022
chmod 755 "$work"
mkdir "$work/signing"

own_names=DNS:localhost,DNS:mail.example.test,IP:127.0.0.1,IP:::1

start=20200101000000Z
key='ec -pkeyopt ec_paramgen_curve:P-256'
subject=

request() { # NAME: a new key and a request with it
  # shellcheck disable=SC2086 # the key's words are several
  openssl req -new -newkey $key -nodes -sha256 -subj "/O=netmail spec/CN=${subject:-$1}" -keyout "$work/$1.key" -out "$work/signing/$1.csr" 2>"$work/signing/log"
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
    -startdate "$start" -enddate "$end" -extfile "$work/signing/extensions" \
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
  sign wrongeku ca $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = clientAuth'
  sign iponly ca $far "$leaf" 'subjectAltName = IP:127.0.0.1' 'extendedKeyUsage = serverAuth'
  sign ipasdns ca $far "$leaf" 'subjectAltName = DNS:127.0.0.1' 'extendedKeyUsage = serverAuth'
  sign wildcard ca $far "$leaf" 'subjectAltName = DNS:*.example.test' 'extendedKeyUsage = serverAuth'
  sign wildpart ca $far "$leaf" 'subjectAltName = DNS:ma*.example.test, DNS:loc*' 'extendedKeyUsage = serverAuth'
  sign wildtld ca $far "$leaf" 'subjectAltName = DNS:*' 'extendedKeyUsage = serverAuth'
  nul=DER:30:16:82:14:6c:6f:63:61:6c:68:6f:73:74:00:2e:65:76:69:6c:2e:74:65:73:74
  sign nulsan ca $far "$leaf" "subjectAltName = $nul" 'extendedKeyUsage = serverAuth'
  subject=localhost
  sign cnonly ca $far "$leaf" 'extendedKeyUsage = serverAuth'
  sign sanwins ca $far "$leaf" 'subjectAltName = DNS:other.example.test' 'extendedKeyUsage = serverAuth'
  subject=
  start=20900101000000Z
  sign future ca $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
  start=20200101000000Z
  key=rsa:1024
  sign weak ca $far "$leaf" "subjectAltName = $own_names" 'extendedKeyUsage = serverAuth'
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
# A set of an older kind makes room.
[ -e "$dir/weak.pem" ] || [ ! -e "$dir/good.pem" ] || { mv -T "$dir" "$work.old" 2>/dev/null && rm -rf "$work.old"; }
mv -T "$work" "$dir" 2>/dev/null || [ -e "$dir/weak.pem" ] || {
  echo "mkcerts.sh: $dir is in the way" >&2
  exit 1
}
