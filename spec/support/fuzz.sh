#!/bin/sh
# fuzz.sh NAME SECONDS: runs the fuzz target build/fuzz/NAME. What it learns stays in build/fuzz/corpus/NAME, an input that
# breaks it is left as build/fuzz/crashes/NAME-*; spec/NAME.dict has its words, if there is one.
set -eu
name=$1 seconds=$2
corpus=build/fuzz/corpus/$name crashes=build/fuzz/crashes/$name-
mkdir -p "$corpus" "$(dirname "$crashes")"
set --
[ ! -f "spec/$name.dict" ] || set -- -dict="spec/$name.dict"
head -n 1 "spec/$name.c"
exec "build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$crashes" -print_final_stats=1 \
  "$@" "$corpus"
