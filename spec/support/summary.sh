#!/bin/sh
# summary.sh LOGS NAME...: prints the reasons of what was skipped, then what failed; the last line is "N passed, N failed,
# N skipped". Fails when a test failed, when a part did not run, and when there was no test.
logs=$1
shift
passed=0 failed=0 skipped=0 bad=
for name in "$@"; do
  if [ ! -f "$logs/$name.count" ]; then
    failed=$((failed + 1)) bad="$bad $name"
    continue
  fi
  read -r p f s <"$logs/$name.count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$f" -gt 0 ]; then
    bad="$bad $name"
  elif [ "$s" -gt 0 ]; then
    echo "--- $name skipped $s:"
    grep -a SKIP "$logs/$name.log" | sort | uniq -c | sort -rn | head -n 20
  fi
done
for name in $bad; do
  if [ -f "$logs/$name.count" ]; then
    echo "--- $name failed ($logs/$name.log):"
    "${0%/*}/failures.sh" "$logs/$name.log"
  else
    echo "--- $name: could not be built or run, see above"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
