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
# libFuzzer's own exit status for a finding is 77, which would count as skipped.
exec "build/fuzz/$name" -error_exitcode=70 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$crashes" -print_final_stats=1 \
  "$@" "$corpus"
