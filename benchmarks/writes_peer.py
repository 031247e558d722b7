"""neo4j-agent-memory for `benchmarks.writes`, run by an interpreter that has it: it adds what it reads, line by line.

Messages of one conversation, without a language model and without extraction, vectors given. Its constraints and
indexes on :Entity are dropped, since they would be written by treemem's entities as well.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from typing import Any


class Given:
    """Stands for a model; the vector of a text is the one that was read with it."""

    dimensions = 384

    def __init__(self) -> None:
        self.vectors: dict[str, list[float]] = {}

    async def embed(self, text: str) -> list[float]:
        return self.vectors[text]

    async def embed_batch(self, texts: list[str]) -> list[list[float]]:
        return [self.vectors[text] for text in texts]


async def added(client: Any, model: Given, request: dict[str, Any]) -> tuple[float, float]:
    model.vectors = dict(request["items"])
    turns = asyncio.Semaphore(request["callers"])

    async def one(text: str) -> None:
        async with turns:
            await client.short_term.add_message("conversation", "user", text, extraction_mode="skip")

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(one, model.vectors))
    return time.perf_counter() - started, time.process_time() - used


def without_entities(uri: str) -> None:
    neo4j = importlib.import_module("neo4j")
    with neo4j.GraphDatabase.driver(uri) as driver:
        for kind, several in (("CONSTRAINT", "CONSTRAINTS"), ("INDEX", "INDEXES")):
            listed = f"SHOW {several} YIELD name, labelsOrTypes WHERE 'Entity' IN labelsOrTypes RETURN name"
            for (name,) in driver.execute_query(listed).records:
                if not name.startswith("treemem"):
                    driver.execute_query(f"DROP {kind} `{name}` IF EXISTS")


def main() -> None:
    library = importlib.import_module("neo4j_agent_memory")
    uri, model, loop = sys.argv[1], Given(), asyncio.new_event_loop()
    settings = library.MemorySettings(
        backend="bolt",
        neo4j={"uri": uri, "username": "neo4j", "password": "unused"},
        embedding={"provider": "openai", "dimensions": model.dimensions},
        extraction={"extractor_type": "none"},
    )
    client = library.MemoryClient(settings, embedder=model)
    loop.run_until_complete(client.connect())
    without_entities(uri)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(loop.run_until_complete(added(client, model, json.loads(line)))), flush=True)
    loop.run_until_complete(client.close())


if __name__ == "__main__":
    main()
