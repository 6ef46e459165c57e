#!/usr/bin/env python3
"""How fast an exchange is fetched: parsed, stored, indexed, found.

  fetch_speed.py --ours target/release/lodestone [--api ncmec|tat] [--entries 1000000] [--page 1000] [--data DIR]

A mock of the service on loopback tells that many synthetic entries (a random PDQ each; for ncmec an MD5 too); the program
adds the exchange, fetches it, matches the last entry, and fetches again, which changes nothing. Quoted are entries for each
CPU second of the program (user and system, start and index included): the mock is a process of its own, and machines are
shared. Exit 1 when an entry is missing, is not found, or comes twice. Nothing but loopback is asked.
"""
import argparse, hashlib, json, multiprocessing, os, resource, shutil, subprocess, sys, tempfile, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

BEGIN = 1_600_000_000
NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"


def pdq(number):
    return hashlib.sha256(b"pdq %d" % number).hexdigest()


def iso(at_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def ncmec(query, entries, size):
    start = int(query.get("start", ["0"])[0])
    stop = min(start + size, entries)
    if iso(BEGIN) < query["from"][0]:
        start = stop = entries
    rows = "".join(
        f'<image><member id="42">Member</member><timestamp>{iso(BEGIN + n % 1000)}</timestamp><id>image{n}</id>'
        f"<classification>A1</classification><fingerprints><md5>{pdq(n)[:32]}</md5><pdq>{pdq(n)}</pdq></fingerprints></image>"
        for n in range(start, stop)
    )
    more = ""
    if stop < entries:
        window = f"from={query['from'][0]}&amp;to={query['to'][0]}".replace(":", "%3A")
        more = f"<paging><next>/v2/entries?{window}&amp;start={stop}</next></paging>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="{NAMESPACE}"><images count="{stop - start}">{rows}'
        f"</images>{more}</queryResult>"
    )


def tat(query, entries, size):
    after = query.get("after", [""])[0].split(",")
    start = int(after[1]) + 1 if len(after) == 2 else 0
    stop = min(start + size, entries)
    rows = [
        {"hash_digest": pdq(n), "algorithm": "PDQ", "ideology": "none", "file_type": "jpg", "deleted": False,
         "updated_on": float(BEGIN + n // 1000), "id": n, "created_on": "2025-03-03 23:05:22,587"}
        for n in range(start, stop)
    ]
    last = f"{BEGIN + (stop - 1) // 1000},{stop - 1}" if rows else None
    return json.dumps({"count": entries, "next": "more" if stop < entries else None, "previous": None,
                       "checkpoint": last, "results": rows})


def serve(api, entries, size, told):
    class Answers(BaseHTTPRequestHandler):
        def answer(self, body):
            body = body.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            self.answer((ncmec if api == "ncmec" else tat)(query, entries, size))

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.answer(json.dumps({"user": {}, "token": "mock"}))

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    told.put(server.server_port)
    server.serve_forever()


def run(program, *arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done, cpu, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--api", choices=["ncmec", "tat"], default="ncmec")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--page", type=int, default=1000)
    parser.add_argument("--data")
    args = parser.parse_args()
    told = multiprocessing.Queue()
    mock = multiprocessing.Process(target=serve, args=(args.api, args.entries, args.page, told), daemon=True)
    mock.start()
    port = told.get()
    folder = args.data or tempfile.mkdtemp(prefix="fetch-speed-")
    data = ["--data", os.path.join(folder, "state")]
    os.makedirs(folder, exist_ok=True)
    credentials = os.path.join(folder, "credentials.json")
    with open(credentials, "w") as file:
        json.dump({"user": "u", "password": "p", "username": "u"}, file)
    bad = []
    made, _, _ = run(args.ours, "exchange", "add", "BENCH", "--api", args.api, "--base-url", f"http://127.0.0.1:{port}",
                     "--credentials", credentials, *data)
    if made.returncode != 0:
        sys.exit(made.stderr)
    for time_of in ("first", "again"):
        done, cpu, wall = run(args.ours, "exchange", "fetch", "BENCH", "--format", "ndjson", *data)
        if done.returncode != 0:
            sys.exit(done.stderr)
        object_ = json.loads(done.stdout)
        want = args.entries if time_of == "first" else 0
        if object_["added"] != want or object_["fetched_items"] != args.entries:
            bad.append(f"{time_of}: {object_}")
        rate = args.entries / cpu if time_of == "first" else 0
        print(f"{time_of}: {object_['added']} added in {object_['pages']} pages, {cpu:.2f} s of CPU, {wall:.2f} s"
              + (f": {rate:.0f} entries a CPU second" if rate else ""))
    found, cpu, _ = run(args.ours, "match", "--signal", f"pdq:{pdq(args.entries - 1)}", "--format", "ndjson", *data)
    if found.returncode != 1:
        bad.append(f"the last entry is not found: {found.stdout[:300]} {found.stderr[:300]}")
    print(f"match: {cpu:.2f} s of CPU")
    mock.terminate()
    if not args.data:
        shutil.rmtree(folder)
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
