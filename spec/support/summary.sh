#!/bin/sh
# summary.sh LOGS NAME...: prints the logs of the parts that failed and the reasons of what was skipped; the last line
# is "N passed, N failed, N skipped". Fails when a test failed, when a part did not run, and when there was no test.
logs=$1
shift
passed=0 failed=0 skipped=0
for name in "$@"; do
  if [ ! -f "$logs/$name.count" ]; then
    echo "--- $name: could not be built or run, see above"
    failed=$((failed + 1))
    continue
  fi
  read -r p f s <"$logs/$name.count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$f" -gt 0 ]; then
    echo "--- $name failed ($logs/$name.log):"
    tail -n 40 "$logs/$name.log"
  elif [ "$s" -gt 0 ]; then
    echo "--- $name skipped $s:"
    grep -a SKIP "$logs/$name.log" | sort | uniq -c | sort -rn | head -n 20
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
