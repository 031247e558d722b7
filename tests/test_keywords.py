"""Wrong names of arguments end in a sentence, in everything public that people call."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

import treemem
from tests.helpers import HashEmbedder
from treemem import AsyncTreeTextMemory, InvalidInputError, TreememError, TreeTextMemory

#: Made by treemem, not by its users; or a protocol.
_MADE = ("records", "graphs", "changes", "explain", "results", "turn", "plan", "report")


def _called() -> list[str]:
    found = []
    for name in treemem.__all__:
        each = getattr(treemem, name)
        made = getattr(each, "__module__", "").rpartition(".")[2] in _MADE or name in (
            "LLMAnswer",
            "LLMText",
            "LLMUsage",
            "TimeReading",
            "EdgeType",
        )
        protocol = getattr(each, "_is_protocol", False)
        checks = getattr(each, "model_validate", None)  # a pydantic model names unknown fields in its own error
        if inspect.isclass(each) and not issubclass(each, Exception) and not (made or protocol or checks):
            found.append(name)
    return found


def test_what_is_called() -> None:
    assert {"TreeTextMemory", "SearchOptions", "MiniLM", "OpenAILLM", "When", "field"} <= set(_called())


@pytest.mark.parametrize("name", _called())
def test_a_constructor_refuses_unknown_names(name: str) -> None:
    with pytest.raises(TreememError):
        getattr(treemem, name)(surely_unknown=1)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(InvalidInputError, match=r"TreeTextMemory\.open: there is no 'cub'; did you mean 'cube'"):
        TreeTextMemory.open(cub="x")  # type: ignore[call-arg]
    with pytest.raises(InvalidInputError, match="did you mean 'hops'"):
        treemem.SearchOptions(hps=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidInputError, match="at most 1 arguments without a name, found 2"):
        treemem.field("tags", 2)  # type: ignore[call-arg]
    with pytest.raises(InvalidInputError, match="value is missing"):
        treemem.field("tags").contains()  # type: ignore[call-arg]


def test_the_asynchronous_verbs_refuse_them_too(tmp_path: Path) -> None:
    wrong: Any = {"surely_unknown": 1}

    async def refused(verb: Any) -> None:
        async def call() -> None:
            if inspect.isasyncgenfunction(verb):
                await anext(verb(**wrong))
            elif inspect.iscoroutinefunction(verb):
                await verb(**wrong)
            else:
                verb(**wrong)

        with pytest.raises(InvalidInputError, match="there is no 'surely_unknown'"):
            await call()

    async def run() -> None:
        async with await AsyncTreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
            for owner in (memory, memory.reorganizer):
                for name, verb in inspect.getmembers(owner, inspect.ismethod):
                    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(verb).parameters.values())
                    if not name.startswith("_") and not takes_any:
                        await refused(verb)

    asyncio.run(run())
