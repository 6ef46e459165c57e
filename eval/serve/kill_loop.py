#!/usr/bin/env python3
"""Kills `lodestone serve` with SIGKILL again and again under load, and counts what was lost or doubled.

    eval/serve/kill_loop.py PROGRAM [--rounds 20] [--clients 6]

Clients add contents, delete some of them, and look hashes up that match; they note what was acknowledged (status 200). A
receiver on loopback takes the webhooks, checks their signatures, and fails one in ten. After the last round:
every acknowledged add is found, no acknowledged delete is, every acknowledged match stands in the log once, every event in
the log reached the receiver at least once and under one id, and the audit log verifies. What was sent and not acknowledged
may stand or not. Hashes are random numbers; nothing but loopback is contacted.
"""
import argparse
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

SECRET = "whsec_" + base64.b64encode(hashlib.sha256(b"a test's secret").digest()).decode()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ids, failed, bad, lock, rng = {}, set(), [], threading.Lock(), random.Random(3)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        key = base64.b64decode(SECRET[len("whsec_"):])
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        with self.lock:
            # Once only: a second failure in a row is waited for in minutes.
            fails = self.headers["webhook-id"] not in self.failed and self.rng.random() < 0.1
            if fails:
                self.failed.add(self.headers["webhook-id"])
            status = 500 if fails else 200
            if expected not in self.headers["webhook-signature"].split(" "):
                self.bad.append(self.headers["webhook-id"])
            elif status == 200:
                self.ids[self.headers["webhook-id"]] = self.ids.get(self.headers["webhook-id"], 0) + 1
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    """A connection that a killed server left is no news."""

    def handle_error(self, *_):
        pass


def start(program, data):
    server = subprocess.Popen(
        [program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--open", "--allow-private-urls", "--workers", "1"],
        stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if "listening on" in line:
            threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
            return server, line.split("http://")[1].strip()
    sys.exit("the server did not start")


def ask(connection, method, path, body=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    data = answer.read()
    return answer.status, json.loads(data) if data.startswith((b"{", b"[")) else data


class Client(threading.Thread):
    """One connection; ends when the server dies under it."""

    def __init__(self, address, number, known, seen):
        super().__init__()
        self.address, self.known, self.seen = address, known, seen
        self.rng = random.Random(number)

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=20)
        mine = []
        try:
            while True:
                what = self.rng.random()
                if what < 0.3 or not mine:
                    value = f"{self.rng.getrandbits(256):064x}"
                    self.seen["sent"].add(value)
                    status, answer = ask(connection, "POST", "/c/bank/KILLED/signal", {"pdq": value})
                    if status == 200:
                        mine.append((value, answer["id"]))
                        self.seen["added"][value] = answer["id"]
                elif what < 0.4:
                    value, number = mine.pop(self.rng.randrange(len(mine)))
                    self.seen["deleting"].add(value)
                    status, answer = ask(connection, "DELETE", f"/c/bank/KILLED/content/{number}")
                    if status == 200:
                        if answer != {"deleted": 1}:
                            self.seen["wrong"].append(("delete", value, answer))
                        self.seen["deleted"].add(value)
                else:
                    value, number = self.rng.choice(mine)
                    mark = f"{self.rng.getrandbits(64):x}"
                    status, answer = ask(connection, "GET", f"/m/lookup?signal={value}&signal_type=pdq&seed={mark}")
                    if status == 200:
                        if not any(one["bank_content_id"] == number for one in answer.get("KILLED", [])):
                            self.seen["wrong"].append(("look-up", value, answer))
                        self.seen["matched"].add(mark)
        except (OSError, http.client.HTTPException, ValueError):
            return


def settle(address):
    """Waits until nothing is left to be sent."""
    connection = http.client.HTTPConnection(address, timeout=20)
    for _ in range(600):
        _, box = ask(connection, "GET", "/v1/outbox?state=pending&limit=1")
        if box["pending"] == 0:
            return box
        time.sleep(0.5)
    return box


def log(address):
    connection = http.client.HTTPConnection(address, timeout=60)
    events, before = [], None
    while True:
        path = "/v1/matches?limit=1000" + (f"&before={before}" if before else "")
        _, page = ask(connection, "GET", path)
        events += page["matches"]
        before = page["next"]
        if before is None:
            return events


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("program")
    args.add_argument("--rounds", type=int, default=20)
    args.add_argument("--clients", type=int, default=6)
    args = args.parse_args()
    receiver = Quiet(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    seen = {"sent": set(), "added": {}, "deleting": set(), "deleted": set(), "matched": set(), "wrong": []}
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        server, address = start(args.program, data)
        connection = http.client.HTTPConnection(address, timeout=20)
        assert ask(connection, "POST", "/c/banks", {"name": "KILLED"})[0] == 201
        hook = {"url": f"http://127.0.0.1:{receiver.server_port}/hook", "secrets": [SECRET]}
        status, answer = ask(connection, "POST", "/v1/rules", {"name": "all", "when": {}, "then": [{"webhook": hook}]})
        assert status in (200, 201), answer
        for round_ in range(args.rounds):
            clients = [Client(address, round_ * 1000 + i, None, seen) for i in range(args.clients)]
            for client in clients:
                client.start()
            time.sleep(rng.uniform(0.3, 3.0))
            server.send_signal(signal.SIGKILL)
            server.wait()
            for client in clients:
                client.join()
            server, address = start(args.program, data)
        box = settle(address)
        connection = http.client.HTTPConnection(address, timeout=20)
        lost, risen = [], []
        for value, number in seen["added"].items():
            _, answer = ask(connection, "GET", f"/m/raw_lookup?signal={value}&signal_type=pdq")
            there = number in answer["matches"]
            if value in seen["deleted"] and there:
                risen.append(value)
            if value not in seen["deleting"] and not there:
                lost.append(value)
        events = log(address)
        marks = [event.get("content_ref") for event in events]
        unlogged = seen["matched"] - set(marks)
        doubled = len(marks) - len(set(marks))
        time.sleep(1.5)
        server.send_signal(signal.SIGTERM)
        server.wait()
        unsent = [event["id"] for event in events if not any(key.startswith(event["id"]) for key in Receiver.ids)]
        audit = subprocess.run([args.program, "audit", "verify", "--data", data], capture_output=True, text=True)
        print(f"{args.rounds} kills: {len(seen['added'])} adds, {len(seen['deleted'])} deletes, {len(seen['matched'])} matches acknowledged")
        print(f"adds lost {len(lost)}, deletes undone {len(risen)}, wrong answers {len(seen['wrong'])}")
        print(f"events {len(events)}: not in the log {len(unlogged)}, doubled {doubled}")
        print(f"webhooks: {len(Receiver.ids)} ids, events that never arrived {len(unsent)}, ids received again "
              f"{sum(1 for n in Receiver.ids.values() if n > 1)}, bad signatures {len(Receiver.bad)}, dead {box['dead']}")
        print("audit:", audit.stdout.strip().splitlines()[-1] if audit.stdout.strip() else audit.stderr.strip())
        failed = lost or risen or seen["wrong"] or unlogged or doubled or unsent or Receiver.bad or audit.returncode
        print("whole" if not failed else "NOT WHOLE")
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
