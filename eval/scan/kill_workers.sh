#!/usr/bin/env bash
# kill_workers.sh PROGRAM FOLDER: scans FOLDER while its worker processes are killed again and again, and compares with an
# undisturbed scan: every file has one record, with the same digests; those that a worker died over are unreadable
# {worker, crash}; with --data a second, undisturbed run reads exactly those again and ends like the first.
set -eu
program=$(realpath "$1") folder=$2
if [ ! -d "$folder" ]; then
    echo "skipped: there is no folder $folder"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scan=("$program" scan "$folder" --format ndjson --workers 2)
"${scan[@]}" >"$work/whole" 2>"$work/err" || [ $? -le 2 ]
"${scan[@]}" --data "$work/data" >"$work/hurt" 2>"$work/err" &
pid=$!
killed=0
while kill -0 "$pid" 2>/dev/null; do
    worker=$(pgrep -P "$pid" | shuf -n 1 || true)
    [ -n "$worker" ] && kill -KILL "$worker" 2>/dev/null && killed=$((killed + 1))
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
done
wait "$pid" || [ $? -le 2 ]
digests() { grep '"kind":"file"' "$1" | grep -o '"path":"[^"]*"\|"sha256":"[^"]*"\|"sha256":null' | uniq; }
digests "$work/whole" >"$work/a"
digests "$work/hurt" >"$work/b"
cmp "$work/a" "$work/b"
echo "$killed workers killed; $(grep -c '"stage":"worker"' "$work/hurt" || true) files say so; every path and digest is there"
"${scan[@]}" --data "$work/data" >"$work/again" 2>"$work/err" || [ $? -le 2 ]
cmp "$work/whole" "$work/again"
echo "the next run ends like an undisturbed one"
