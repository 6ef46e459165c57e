#!/usr/bin/env python3
"""CPU of one look-up over HTTP, memory, and time to start, of `lodestone serve` (and of a peer at a URL) at N hashes.

    bench/serve/load.py PROGRAM [--hashes 1000000] [--seconds 10] [--peer http://127.0.0.1:5100 --peer-pid PID]

Fills a data folder with N random PDQ hashes (`bank import`), starts the server on loopback, and sends raw look-ups over
kept connections: a tenth of the queries are hashes of the bank with 0 to 31 bits flipped, the rest random. CPU is the
server's own (user and system, from /proc), divided by requests; a peer's is read the same way, over new connections when it
closes them. Every planted query has to be found. Files: a 1 megapixel JPEG, drawn here. Nothing but loopback is contacted.
"""
import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HZ = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and its children, their children too."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as children:
                    todo += [int(child) for child in children.read().split()]
        except OSError:
            pass
    return found


def cpu_seconds(pid, children=True):
    total = 0
    for one in tree(pid) if children else [pid]:
        try:
            with open(f"/proc/{one}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += sum(int(field) for field in fields[11:15])  # with children that have ended
        except OSError:
            pass
    return total / HZ


def rss_mib(pid):
    rss = {"VmRSS": 0, "RssAnon": 0, "RssFile": 0}
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            name = line.split(":")[0]
            if name in rss:
                rss[name] = int(line.split()[1]) / 1024
    return rss


class Target:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=30)


def hammer(target, requests, seconds, threads=2):
    """Sends requests in turn over kept connections; returns how many, and what came back for each index."""
    end = time.time() + seconds
    counts, wrong, waits = [0] * threads, [], []

    def run(me):
        connection = target.connect()
        at = me
        while time.time() < end:
            method, path, body, headers, expected = requests[at % len(requests)]
            at += threads
            begun = time.perf_counter()
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
            except (http.client.HTTPException, OSError):
                connection = target.connect()
                continue
            waits.append(time.perf_counter() - begun)
            counts[me] += 1
            if answer.status != 200 or (expected is not None and expected not in data):
                wrong.append((answer.status, path, data[:200]))
            if answer.will_close:
                connection.close()
                connection = target.connect()

    workers = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    waits.sort()
    return sum(counts), wrong, waits


def flipped(value, bits, rng):
    number = int(value, 16)
    for bit in rng.sample(range(256), bits):
        number ^= 1 << bit
    return f"{number:064x}"


def picture():
    """A benign 1.08 MP JPEG: a chart of soft colours with noise."""
    from PIL import Image
    import io
    rng = random.Random(7)
    small = Image.new("RGB", (60, 45))
    small.putdata([tuple(rng.randrange(256) for _ in range(3)) for _ in range(60 * 45)])
    out = io.BytesIO()
    small.resize((1200, 900), Image.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def measure(name, target, pid, raw, files, seconds):
    figures = {}
    for kind, requests, children in (("raw look-up", raw, True), ("file look-up", files, True)):
        if not requests:
            continue
        hammer(target, requests, 1.0)  # warm
        before = cpu_seconds(pid, children)
        count, wrong, waits = hammer(target, requests, seconds)
        spent = cpu_seconds(pid, children) - before
        if wrong:
            sys.exit(f"{name}: {len(wrong)} wrong answers to {kind}s, the first: {wrong[0]}")
        middle = waits[len(waits) // 2] * 1e3 if waits else 0
        figures[kind] = spent / max(count, 1) * 1e6
        print(f"{name:10} {kind:13} {count / seconds:9.0f} /s   CPU {figures[kind]:9.1f} us   p50 {middle:7.2f} ms   {count} requests")
    memory = rss_mib(pid)
    print(f"{name:10} resident {memory['VmRSS']:.0f} MiB (of it {memory['RssAnon']:.0f} its own, {memory['RssFile']:.0f} mapped)")
    return figures


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("program")
    args.add_argument("--hashes", type=int, default=1_000_000)
    args.add_argument("--seconds", type=float, default=10)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--peer")
    args.add_argument("--peer-pid", type=int)
    args = args.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        values = [f"{rng.getrandbits(256):064x}" for _ in range(args.hashes)]
        path = os.path.join(folder, "list.txt")
        with open(path, "w") as out:
            out.write("\n".join(values) + "\n")
        data = os.path.join(folder, "data")
        begun = time.time()
        subprocess.run([args.program, "bank", "import", "BENCH", f"pdq:{path}", "--data", data], check=True,
                       stdout=subprocess.DEVNULL)
        print(f"import of {args.hashes} hashes: {time.time() - begun:.1f} s")
        begun = time.time()
        server = subprocess.Popen([args.program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--open"],
                                  stderr=subprocess.PIPE, text=True)
        url = None
        for line in server.stderr:
            if "listening on" in line:
                url = line.split()[-1]
                break
        threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
        print(f"ready {time.time() - begun:.2f} s after start")
        raw = []
        for i in range(20_000):
            if i % 10 == 0:
                at = rng.randrange(len(values))
                query = flipped(values[at], rng.randrange(32), rng)
                expected = str(at + 1).encode()
            else:
                query, expected = f"{rng.getrandbits(256):064x}", b"matches"
            raw.append(("GET", f"/m/raw_lookup?signal={query}&signal_type=pdq", None, {}, expected))
        boundary = "b0undary"
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n'
                f"Content-Type: image/jpeg\r\n\r\n").encode() + picture() + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        files = [("POST", "/m/lookup", body, headers, b"pdq")]
        try:
            for _ in range(args.rounds):
                measure("lodestone", Target(url), server.pid, raw, files, args.seconds)
                if args.peer:
                    # The peer is filled with its own hashes: the same queries, any answer.
                    any_raw = [(m, p, b, h, b"matches") for m, p, b, h, _ in raw]
                    measure("peer", Target(args.peer), args.peer_pid, any_raw, files, args.seconds)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
