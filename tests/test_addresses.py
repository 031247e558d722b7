"""What is meant for a server, and may hold a password, is shown by no error, wherever a path or a name was wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.helpers import HashEmbedder
from treemem import TreememError, TreeTextMemory
from treemem.checks import shown
from treemem.cli import app
from treemem.service.keys import ServiceKeys

ADDRESSES = [
    "neo4j://ann:hunter2@",
    "neo4j://ann:hunter2@host:7687/db",
    "bolt:ann:hunter2@host",
    "ann:hunter2@host:7687",
    "postgres://ann:hunter2@host/db",
    "https://host/x.pdf?api_key=hunter2",
]
CALLS: dict[str, Callable[[TreeTextMemory, Any], object]] = {
    "add_documents": lambda m, a: m.add_documents({"path": a}),
    "add_documents of a Path": lambda m, a: m.add_documents(Path(a)),
    "knowledge_bases.add_documents": lambda m, a: m.knowledge_bases.add_documents("base", {"path": a}),
    "import_ of a format": lambda m, a: m.import_("nothing", format=str(a)),
    "skills.import_": lambda m, a: m.skills.import_(a),
    "keys": lambda m, a: ServiceKeys(a).list(),
    "config": lambda m, a: TreeTextMemory.open(config=a),
    "embedder": lambda m, a: TreeTextMemory.open("never-made.db", embedder=str(a)),
}
COMMANDS = (
    "add --messages",
    "tools register",
    "kb add base",
    "add-documents",
    "stats --config",
    "keys list --file",
    "extract --messages",
    "browser --to",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_error_shows_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.chdir(tmp_path)
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        memory.knowledge_bases.make("base")
        before = sorted(tmp_path.iterdir())
        for name, call in CALLS.items():
            for given in (address, Path(address)):
                with pytest.raises(TreememError) as refused:
                    call(memory, given)
                assert "hunter2" not in str(refused.value), name
        if "://" in address:
            for store in (address, Path(address)):
                with pytest.raises(TreememError) as refused:
                    TreeTextMemory.open(store, embedder=HashEmbedder())
                assert "hunter2" not in str(refused.value)
            with pytest.raises(TreememError) as refused:
                memory.add_documents(address)
            assert "hunter2" not in str(refused.value)
        assert sorted(tmp_path.iterdir()) == before
    assert "hunter2" not in shown(address) + shown([address]) + shown({"x": Path(address)})


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TREEMEM_STORE", str(tmp_path / "m.db"))
    done = CliRunner().invoke(app, [*command.split(), ADDRESSES[0]])
    told = done.output + str(done.exception)
    assert done.exit_code
    assert "hunter2" not in told.replace(" ", "").replace("\n", "")


def test_what_is_no_address_is_shown() -> None:
    for value in ("10:30", "anna@example.org", "cube:7", "What?", "https://example.org/page", "a/b.txt"):
        assert shown(value) == repr(value)
