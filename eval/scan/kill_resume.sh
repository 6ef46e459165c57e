#!/usr/bin/env bash
# kill_resume.sh PROGRAM FOLDER [KILLS]: scans FOLDER once without interruption; then kills a scan with --data at KILLS
# random moments, workers and all left to find out by themselves, goes on each time, and compares the last, finished
# output with the first: the same records, none lost, none doubled. Then the same with Ctrl-C. Leaves nothing behind.
set -eu
program=$(realpath "$1") folder=$2 kills=${3:-20}
if [ ! -d "$folder" ]; then
    echo "skipped: there is no folder $folder"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec 2>>"$work/err" # the shell's own "Killed" lines
scan() { "$program" scan "$folder" --format ndjson --workers 2 "$@" 2>>"$work/err"; }

started=$(date +%s%N)
scan >"$work/whole.ndjson" || [ $? -le 2 ]
took_ms=$((($(date +%s%N) - started) / 1000000))
echo "uninterrupted: $(grep -c '"kind":"file"' "$work/whole.ndjson") records in $took_ms ms"

for name in KILL INT; do
    data=$work/data-$name landed=0
    for _ in $(seq "$kills"); do
        "$program" scan "$folder" --format ndjson --workers 2 --data "$data" >"$work/part" 2>>"$work/err" &
        pid=$!
        # Each run gets further than the last; a random moment within a fifth of a whole run.
        sleep "$(awk -v ms="$took_ms" -v r=$RANDOM 'BEGIN { print 0.02 + ms / 5000 * r / 32768 }')"
        kill -$name "$pid" && landed=$((landed + 1))
        status=0
        wait "$pid" 2>>"$work/err" || status=$?
        if [ $name = KILL ] && [ -s "$work/part" ] && [ $status -gt 128 ]; then
            echo "a killed run printed something"
            exit 1
        fi
    done
    started=$(date +%s%N)
    scan --data "$data" >"$work/last.ndjson" || [ $? -le 2 ]
    last_ms=$((($(date +%s%N) - started) / 1000000))
    if ! cmp "$work/whole.ndjson" "$work/last.ndjson"; then
        echo "SIG$name: the resumed run says something else"
        exit 1
    fi
    started=$(date +%s%N)
    scan --data "$data" >"$work/again.ndjson" || [ $? -le 2 ]
    again_ms=$((($(date +%s%N) - started) / 1000000))
    cmp "$work/whole.ndjson" "$work/again.ndjson"
    doubled=$(grep '"kind":"file"' "$work/last.ndjson" | grep -o '"path":"[^"]*"' | sort | uniq -d | wc -l)
    echo "SIG$name: $landed of $kills landed; resumed in $last_ms ms, again in $again_ms ms: the same bytes, $doubled doubled"
done
sleep 1
left=$(pgrep -fc "^$program __worker" || true)
echo "worker processes left: $left"
[ "$left" -eq 0 ]
