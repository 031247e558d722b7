"""Commands on tools, skills and knowledge bases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tests.commands import Shell
from treemem.cli import app
from treemem.cli.basing import kb
from treemem.cli.tooling import skills, tools

SKILL = """---
name: descale
description: Descale the espresso machine.
---
1. Fill the tank.
2. Rinse.
"""


def _talk(folder: Path) -> None:
    said: list[dict[str, Any]] = [{"role": "user", "content": "Book a flight to Porto."}]
    for tool in ("find_flight", "book_flight"):
        function = {"name": tool, "arguments": json.dumps({"city": "Porto"})}
        said.append({"role": "assistant", "tool_calls": [{"id": tool, "type": "function", "function": function}]})
        said.append({"role": "tool", "tool_call_id": tool, "content": "done"})
    (folder / "talk.json").write_text(json.dumps(said))


def test_tools(shell: Shell, tmp_path: Path) -> None:
    assert "no tools" in shell.run("tools", "list")
    _talk(tmp_path)
    shell.run("add", "--messages", "talk.json", "--conversation", "c")
    assert [(each["name"], each["calls"]) for each in shell.json("tools", "list")] == [
        ("book_flight", 1),
        ("find_flight", 1),
    ]
    assert "100%" in shell.run("tools", "list", "--format", "markdown")
    (tmp_path / "schema.json").write_text(json.dumps([{"name": "find_flight", "description": "Finds flights"}]))
    assert len(shell.json("tools", "register", "schema.json")["ids"]) == 1
    assert shell.json("tools", "search", "Finds flights", "--limit", "1")[0]["name"] == "find_flight"
    shown = shell.run("tools", "show", "find_flight")
    assert "find_flight: Finds flights (1 calls, 100% ok)" in shown
    assert 'Asked: "Book a flight to Porto."' in shown
    assert shell.json("tools", "show", "find_flight")["success_rate"] == 1.0
    assert shell.json("tools", "list", "--user", "bob")[0]["calls"] == 1, "nobody's"
    done = shell.json("tools", "forget", "find_flight")
    assert len(shell.json("tools", "list")) == 1
    shell.run("undo", done["operation"])
    assert len(shell.json("tools", "list")) == 2
    shell.run("tools", "show", "nothing", code=1)
    shell.run("tools", "register", "nowhere.json", code=1)
    (tmp_path / "schema.json").write_text("[")
    shell.run("tools", "register", "schema.json", code=1)


def test_skills(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_text(SKILL)
    (skill_id,) = shell.json("skills", "add", "SKILL.md")["ids"]
    assert skill_id in shell.run("skills", "list")
    assert shell.run("skills", "show", "descale").strip() == SKILL.strip()
    shell.run("skills", "export", "descale", "out.md")
    assert (tmp_path / "out.md").read_text() == SKILL
    _talk(tmp_path)
    shell.run("add", "--messages", "talk.json", "--conversation", "c")
    assert "no procedure" in shell.run("skills", "propose")
    assert len(shell.json("skills", "propose", "--times", "1")["proposals"]) == 1
    assert len(shell.json("skills", "list")) == 1, "nothing was written"
    shell.run("skills", "propose", "--times", "1", "--only", "other", code=1)
    made = shell.json("skills", "propose", "--times", "1", "--only", "find-flight-then-book-flight", "--apply")
    assert made["ids"] == [s["id"] for s in shell.json("skills", "list") if s["name"] != "descale"]


def test_knowledge_bases(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "lift.md").write_text("# Lift\n\nThe lift is out of order until May.")
    assert "read by bob" in shell.run("kb", "make", "house", "--reader", "bob", "--description", "The house")
    (added,) = shell.json("kb", "add", "house", "lift.md", "--id", "lift")
    assert added["document_id"] == "lift"
    shell.run("kb", "add", "house", "lift.md", "lift.md", "--id", "lift", code=1)
    assert "lift" in shell.run("kb", "documents", "house", "--user", "bob")
    shell.run("kb", "documents", "house", "--user", "eve", code=1)
    assert shell.json("kb", "list", "--user", "eve") == []
    shell.run("kb", "add", "house", "lift.md", "--user", "bob", code=1)
    shell.run("kb", "share", "house", "--everyone")
    assert "everyone" in shell.run("kb", "list", "--user", "eve")
    shell.run("kb", "remove", "house", "lift")
    assert shell.json("kb", "documents", "house") == []
    shell.run("kb", "purge", "house", added["id"] if "id" in added else added["added"][0], "--yes")
    assert shell.json("kb", "drop", "house", "--backups", "backups", "--yes")["backup"] is not None
    assert shell.json("kb", "list") == []


def test_each_is_described() -> None:
    text = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()
    for name, group in (("tools", tools), ("skills", skills), ("kb", kb)):
        assert f"  {name}" in CliRunner().invoke(app, ["--help"]).stdout.replace("│ ", "  ")
        for command in group.registered_commands:
            assert command.callback is not None
            assert f"`treemem {name} {command.name or command.callback.__name__}" in text
