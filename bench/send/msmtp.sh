#!/bin/sh
# msmtp, a process and a connection for each mail: see peer.h.
host=$1 port=$2 mails=$3 size=$4 recipients=$5
shift 6
tls=
case " $* " in
*" tls "*) tls="--tls=on --tls-starttls=off --tls-trust-file=$BENCH_CA" ;;
esac
message=$(mktemp)
trap 'rm -f "$message"' EXIT
awk -v size="$size" 'BEGIN {
  print "From: Sender <sender@example.com>\nTo: Recipient <recipient0@example.com>\nSubject: benchmark"
  print "Date: Fri, 21 Nov 2025 10:00:00 +0000\nMessage-ID: <1@example.com>\nMIME-Version: 1.0"
  print "Content-Type: text/plain; charset=utf-8\n"
  line = "BCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWX"
  for (at = 217; at == 217 || at + 78 <= size; at += 78) print (at == 217 + 78 ? "." : "A") line
}' >"$message"
to=$(awk -v n="$recipients" 'BEGIN { for (i = 0; i < n; i++) print "recipient" i "@example.com" }')
# shellcheck disable=SC2086
"$BENCH_BIN/command" "$mails" "$message" msmtp --host="$host" --port="$port" --domain=client.example \
  --from=sender@example.com $tls -- $to
