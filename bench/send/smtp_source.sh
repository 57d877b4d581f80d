#!/bin/sh
# Postfix's smtp-source, which makes a content of letters itself, and whose start is part of what is measured: see peer.h. $BENCH_BIN is the
# folder of our programs, $SMTP_SOURCE the program.
host=$1 port=$2 mails=$3 size=$4 recipients=$5 connections=$6
keep=-d
[ "$7" = new ] && keep=
LD_LIBRARY_PATH=$(dirname "$SMTP_SOURCE")/../lib/postfix
export LD_LIBRARY_PATH
exec "$BENCH_BIN/command" 1 /dev/null "$SMTP_SOURCE" $keep -s "$connections" -m "$mails" -l "$size" -r "$recipients" \
  -f sender@example.com -t recipient@example.com "$host:$port"
