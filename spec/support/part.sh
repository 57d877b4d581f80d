#!/bin/sh
# part.sh LOGS NAME KIND COMMAND...: runs one part of the tests.
# Its output goes to LOGS/NAME.log, and its count, three numbers (passed failed skipped), to LOGS/NAME.count.
# KIND count: the output ends with "N passed, N failed, N skipped". KIND one: the command is one test; exit status 77
# means skipped, its last line says why. The exit status is always 0: the summary judges.
logs=$1 name=$2 kind=$3
shift 3
log=$logs/$name.log
mkdir -p "${log%/*}"
begin=$(date +%s)
"$@" >"$log" 2>&1 </dev/null
status=$?
case $kind in
count)
  line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
  # shellcheck disable=SC2046
  set -- $(printf '%s' "${line:-0 passed, 0 failed, 0 skipped}" | tr -cd '0-9 ')
  passed=$1 failed=$2 skipped=$3
  # A crash before or after the count is a failure of its own.
  if [ -z "$line" ] || { [ $status -ne 0 ] && [ "$failed" -eq 0 ]; }; then
    failed=$((failed + 1))
    echo "exit status $status" >>"$log"
  fi
  ;;
one)
  passed=0 failed=0 skipped=0
  case $status in
  0) passed=1 ;;
  77) skipped=1 ;;
  *) failed=1 && echo "exit status $status" >>"$log" ;;
  esac
  ;;
esac
echo "$passed $failed $skipped" >"$logs/$name.count"
word=ok
[ "$skipped" -eq 0 ] || word=skip
[ "$failed" -eq 0 ] || word=FAIL
printf '%-4s %-32s %s passed, %s failed, %s skipped (%s s)\n' $word "$name" "$passed" "$failed" "$skipped" $(($(date +%s) - begin))
# At once, too: who sees only a piece of a long output should see this.
[ "$failed" -eq 0 ] || "${0%/*}/failures.sh" "$log" | sed 's/^/  /'
