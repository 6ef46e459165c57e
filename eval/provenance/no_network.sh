#!/usr/bin/env bash
# Examines files in a network namespace that has no network: the output must be the same as with one, and no socket may be
# asked for.
#   no_network.sh LODESTONE FILE…
# Ends with 0 when both hold, or when this system allows no such namespace (and says so).
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 LODESTONE FILE…" >&2; exit 2; }
lodestone=$1; shift
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
run() { # exit status 1 and 2 say something of the files, not of the network
  local to=$1; shift
  local status=0
  "$@" >"$to" 2>"$to.err" || status=$?
  [ "$status" -le 2 ] || { echo "failed: status $status" >&2; cat "$to.err" >&2; exit 1; }
}
run "$out/with" "$lodestone" examine "$@" --format ndjson
if ! unshare -rn true 2>/dev/null; then
  echo "skipped: this system allows no network namespace"
else
  run "$out/without" unshare -rn "$lodestone" examine "$@" --format ndjson
  cmp "$out/with" "$out/without" || { echo "the output differs without a network" >&2; exit 1; }
  echo "same output without a network: $(wc -l <"$out/without") objects"
fi
if command -v strace >/dev/null; then
  status=0
  strace -f -qq -e trace=%network -o "$out/calls" "$lodestone" examine "$@" --format ndjson >/dev/null 2>&1 || status=$?
  # A pair of local sockets that std uses to start a process is no network.
  calls=$(grep -cE '(socket|connect|bind|sendto|sendmsg)\(' "$out/calls" || true)
  if [ "$calls" -ne 0 ]; then
    grep -E '(socket|connect|bind|sendto|sendmsg)\(' "$out/calls" | head >&2
    echo "$calls calls for a socket" >&2; exit 1
  fi
  echo "no call for a socket in any process"
else
  echo "skipped: no strace to count calls with"
fi
