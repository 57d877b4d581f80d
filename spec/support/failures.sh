#!/bin/sh
# failures.sh LOG: what failed, from the log of a part: each "FAIL" or "ERROR" of a spec with the indented lines beneath it and
# each failed condition of a C test, at most 60 lines; where there is none (a crash, a linter, a build), the log's end.
awk '
  /^(FAIL|ERROR) / || /:[0-9]+: failed: / { within = 1; found = 1 }
  /^[^ ]/ && !/^(FAIL|ERROR) / && !/:[0-9]+: failed: / { within = 0 }
  within && ++lines <= 60
  /^exit status / { found = 0 }
  END { exit !found }' "$1" || tail -n 40 "$1"
