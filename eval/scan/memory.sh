#!/usr/bin/env bash
# memory.sh PROGRAM PHOTO... : makes fifty JPEG of about 12 million pixels of the photos given (with PIL of $PYTHON,
# python3 by default; smaller photos are laid side by side)
# scans them with two workers, and prints the peak of the whole process tree: the sum of PSS (shared pages counted once)
# and of RSS, sampled every 50 ms. Fails at 400 MB of PSS or more.
set -eu
program=$(realpath "$1")
shift
python=${PYTHON:-python3}
if [ ! -e "${1:-}" ]; then
    echo "skipped: there is no photo ${1:-}"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/photos"
"$python" - "$work/photos" "$@" <<'PYTHON'
import sys
from PIL import Image
out, photos = sys.argv[1], sys.argv[2:]
for number in range(50):
    photo = Image.open(photos[number % len(photos)]).convert("RGB")
    if number // len(photos) % 2:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    whole = Image.new("RGB", (4032, 3024))
    for y in range(0, 3024, photo.height):
        for x in range(0, 4032, photo.width):
            whole.paste(photo, (x, y))
    # Other crops, other files; every fifth is progressive, which needs all coefficients at once.
    whole.crop((number, number, 4032, 3024)).save(f"{out}/{number:02}.jpg", quality=90, progressive=number % 5 == 4)
PYTHON
echo "$(ls "$work/photos" | wc -l) photos, $(du -sm "$work/photos" | cut -f1) MB"

"$program" scan "$work/photos" --workers 2 --format ndjson >"$work/out" 2>"$work/err" &
pid=$!
peak_pss=0 peak_rss=0
tree() { # the process and its children, in kB of the field asked for
    for one in "$pid" $(pgrep -P "$pid" || true); do
        awk -v f="$1:" '$1 == f { print $2 }' "/proc/$one/smaps_rollup" 2>/dev/null || true
    done | awk '{ sum += $1 } END { print sum + 0 }'
}
while kill -0 "$pid" 2>/dev/null; do
    pss=$(tree Pss) rss=$(tree Rss)
    [ "$pss" -gt "$peak_pss" ] && peak_pss=$pss
    [ "$rss" -gt "$peak_rss" ] && peak_rss=$rss
    sleep 0.05
done
status=0
wait "$pid" || status=$?
echo "records: $(grep -c '"kind":"file"' "$work/out"), exit status $status"
echo "peak of the process tree: $((peak_pss / 1024)) MiB PSS, $((peak_rss / 1024)) MiB RSS"
[ "$status" -le 1 ] && [ "$peak_pss" -lt $((400 * 1024)) ]
