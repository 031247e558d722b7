"""`treemem serve` under load: `python -m benchmarks.service_load [--clients 200] [--seconds 60] [--memories 10000]`.

Starts the service on an embedded store, then tells:

- the memory of the process before anybody asked, with the model loaded;
- how much longer a search takes over HTTP than in Python, on a cube of so many memories, by turns, in pairs;
- how many messages a second one client at a time and eight at a time add;
- what many clients get that add and search at once, until the service is told to end (SIGTERM) in the middle of it, and
  whether a message that was acknowledged is missing afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks.synthetic import text
from treemem import TreeTextMemory

KEY = "k" * 32


class Served:
    """A service in a process of its own; `url` is where."""

    def __init__(self, store: Path, *options: str) -> None:
        command = [sys.executable, "-m", "treemem", "serve", "--port", "0", "--store", str(store), *options]
        place = {**os.environ, "TREEMEM_SERVICE_TOKEN": KEY}
        self.process = subprocess.Popen(command, env=place, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.url = self.process.stderr.readline().strip()
        # Its log is read and thrown away, so that it never waits for a reader.
        self._log = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def resident(self) -> int:
        """Return its resident bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def end(self) -> float:
        """Tell it to end, and return how many seconds that took."""
        begun = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._log.wait()
        return time.perf_counter() - begun


def texts(count: int, seed: int) -> list[str]:
    chosen = np.random.default_rng(seed)
    return [text(chosen) for _ in range(count)]


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Token {KEY}"}, timeout=60)


def searches(url: str, store: Path, questions: list[str]) -> tuple[list[float], list[float]]:
    """Return the seconds of each question over HTTP and in Python, asked one after the other."""
    over_http, in_python = [], []
    with client(url) as asking, TreeTextMemory.open(store, cube="default", user_id="anna") as memory:
        memory.search("warm")
        for number, question in enumerate(["warm", *questions]):
            begun = time.perf_counter()
            asking.post("/search/memory", json={"user_id": "anna", "query": question}).raise_for_status()
            between = time.perf_counter()
            memory.search(question, 9, preferences=9)  # what the route asks for by itself
            ended = time.perf_counter()
            if number:
                over_http.append(between - begun)
                in_python.append(ended - between)
    return over_http, in_python


def one_message(user: str, text: str) -> dict[str, object]:
    return {"user_id": user, "conversation_id": "c", "messages": [{"role": "user", "content": text}]}


async def adding(url: str, clients: int, seconds: float) -> float:
    """Return how many messages a second so many clients add, each after the answer to the one before."""
    done = 0
    until = time.perf_counter() + seconds

    async def one(number: int) -> None:
        nonlocal done
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Token {KEY}"}, timeout=60) as asking:
            turn = 0
            while time.perf_counter() < until:
                turn += 1
                body = one_message(f"rate-{clients}-{number}", f"Note {turn} of client {number}: the kettle is on.")
                (await asking.post("/add/message", json=body)).raise_for_status()
                done += 1

    await asyncio.gather(*(one(number) for number in range(clients)))
    return done / seconds


class Load:
    """Clients that add and search until the service has gone."""

    def __init__(self, url: str, clients: int, seed: int) -> None:
        self._url, self._clients, self._seed = url, clients, seed
        self.statuses: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {"add": [], "search": []}
        self.acknowledged: list[tuple[str, str]] = []
        self._gone = False

    async def run(self) -> None:
        await asyncio.gather(*(self._one(number) for number in range(self._clients)))

    async def _one(self, number: int) -> None:
        choose = random.Random(self._seed + number)
        user = f"load-{number}"
        async with httpx.AsyncClient(
            base_url=self._url, headers={"Authorization": f"Token {KEY}"}, timeout=60
        ) as asking:
            turn = 0
            while not self._gone:
                turn += 1
                kind = choose.choice(("add", "search"))
                text = f"Message {turn} of {user}: {choose.choice(('tea', 'rain', 'bees', 'trams'))} again."
                path, body = (
                    ("/add/message", one_message(user, text))
                    if kind == "add"
                    else ("/search/memory", {"user_id": user, "query": text})
                )
                begun = time.perf_counter()
                try:
                    answer = await asking.post(path, json=body)
                except httpx.TransportError:
                    self.statuses["no answer"] += 1
                    self._gone = True
                    return
                self.statuses[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    self.seconds[kind].append(time.perf_counter() - begun)
                    if kind == "add":
                        self.acknowledged.append((user, text))
                elif answer.status_code in (429, 503):
                    await asyncio.sleep(choose.uniform(0.05, 0.5))

    def missing(self, store: Path) -> int:
        """Return how many messages that were acknowledged are not in the store."""
        users = {user for user, _ in self.acknowledged}
        kept: set[tuple[str, str]] = set()
        for user in users:
            with TreeTextMemory.open(store, cube="default", user_id=user) as memory:
                kept |= {(user, message.content) for message in memory.messages("c", limit=10_000)}
        return len(set(self.acknowledged) - kept)


async def loaded(load: Load, served: Served, seconds: float) -> float:
    """Run a load, end the service in the middle of it, and return how many seconds the end took."""
    clients = asyncio.create_task(load.run())
    await asyncio.sleep(seconds)
    took = await asyncio.to_thread(served.end)
    await clients
    return took


def percentile(values: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=22)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "memory.db"
        with TreeTextMemory.open(store, cube="default", user_id="anna") as memory:
            memory.add(texts(given.memories, given.seed))
        served = Served(store)
        try:
            with client(served.url) as asking:  # the model is loaded for the first question
                asking.post("/search/memory", json={"user_id": "nobody", "query": "warm"}).raise_for_status()
            print(f"idle: {served.resident() / 1e6:.0f} MB", flush=True)
            questions = texts(given.questions, given.seed + 1)
            over_http, in_python = searches(served.url, store, questions)
            more = statistics.median(h - p for h, p in zip(over_http, in_python, strict=True)) * 1_000
            print(
                f"search at {given.memories:,}: over HTTP p50 {percentile(over_http, 0.5):.1f} ms, "
                f"in Python {percentile(in_python, 0.5):.1f}, median of the differences {more:.1f}",
                flush=True,
            )
            for clients in (1, 8):
                rate = asyncio.run(adding(served.url, clients, 10))
                print(f"adding, {clients} at a time: {rate:.0f} messages a second", flush=True)
            load = Load(served.url, given.clients, given.seed)
            took = asyncio.run(loaded(load, served, given.seconds))
        finally:
            if served.process.poll() is None:
                served.end()
        print(f"{given.clients} clients, {given.seconds:.0f} s: {dict(load.statuses)}; it ended in {took:.1f} s")
        for kind, seconds in load.seconds.items():
            print(
                f"{kind}: {len(seconds) / given.seconds:.0f} a second, p50 {percentile(seconds, 0.5):.0f} ms, "
                f"p99 {percentile(seconds, 0.99):.0f}"
            )
        missing = load.missing(store)
        print(f"acknowledged {len(load.acknowledged):,}, missing {missing}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
