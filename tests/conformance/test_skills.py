"""Skills: kept as they were written, by version; found in what was repeated, and gone with what they rest on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_provenance import TOKEN, everywhere
from tests.helpers import day
from treemem import (
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    NotAllowedError,
    SkillPlan,
    TreeTextMemory,
)
from treemem.ingest.calls import calls_of
from treemem.ingest.skills import read_skill, written
from treemem.records import LoggedMessage
from treemem.write.skilled import skill_id

DESCALE = """---
name: descale
description: >
  Descale the espresso machine,
  once a month.
license: MIT
---
# Descaling

1. Fill the tank with citric acid.
2. Let **half** of it run through.
   - Never more.
3. Rinse.

## Examples

- The machine in the kitchen.

```
descale --half
```
"""


def called(tool: str, number: int, result: Any = "done", **more: Any) -> list[dict[str, Any]]:
    """A call and its result, as OpenAI has them."""
    function = {"name": tool, "arguments": json.dumps({"city": f"C{number}", TOKEN: 1})}
    key = f"{tool}-{number}"
    return [
        {"role": "assistant", "content": None, "tool_calls": [{"id": key, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": key, "content": result, **more},
    ]


def trips(memory: TreeTextMemory, count: int, *, start: int = 0, result: Any = "done", **more: Any) -> None:
    for n in range(start, start + count):
        memory.add_messages(
            [
                {"role": "user", "content": f"Book trip {n}."},
                *called("find_flight", n),
                *called("book_flight", n, result, **more),
                *called("send_mail", n) * (n % 2),
                {"role": "assistant", "content": f"Trip {n} is booked."},
            ],
            conversation_id=f"trip-{n}",
        )


def test_a_file_comes_back_as_it_was(memory: TreeTextMemory, tmp_path: Path) -> None:
    for name, text in {
        "unix": DESCALE,
        "windows": DESCALE.replace("\n", "\r\n").replace("descale\r\n", "descale-w\r\n"),
        "marked": "\ufeff" + DESCALE.replace("name: descale", "name: descale-m").rstrip() + " \t",
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "SKILL.md").write_bytes(text.encode())
        skill_id = memory.skills.import_(folder)
        skill = memory.skills.get(skill_id)
        assert skill.description == "Descale the espresso machine, once a month."
        assert skill.steps == (
            "Fill the tank with citric acid.",
            "Let **half** of it run through. Never more.",
            "Rinse.",
        )
        assert skill.examples == ("The machine in the kitchen.", "descale --half")
        out = tmp_path / f"{name}.md"
        assert memory.skills.export(skill.name, out).encode() == out.read_bytes() == text.encode()
        memory.skills.export(skill.name, folder)
        assert (folder / "SKILL.md").read_bytes() == text.encode()
    assert [skill.name for skill in memory.skills.list()] == ["descale", "descale-m", "descale-w"]
    hit = memory.search("How do I descale the espresso machine?")[0]
    assert hit.metadata.memory_type == "SkillMemory"
    assert memory.check() == []


def test_versions(memory: TreeTextMemory) -> None:
    first = memory.skills.add("press", "To press it.", ["Press it."], at=day(0))
    same = memory.skills.add("press", "To press it.", ["Press it."])
    second = memory.skills.add(
        "press", "To press it.", ["Press it.", "Wait: it is\nhot."], examples=["Tea."], at=day(9)
    )
    assert first == same == second
    now, then = memory.skills.get("press"), memory.skills.get("press", as_of=day(5))
    assert (now.steps, now.examples) == (("Press it.", "Wait: it is hot."), ("Tea.",))
    assert (then.steps, then.until) == (("Press it.",), day(9))
    assert now.version > then.version
    memory.delete(first)
    assert memory.skills.list() == ()
    with pytest.raises(MemoryNotFoundError, match="no skill 'press'"):
        memory.skills.export("press")
    assert memory.skills.add("press", "To press it.", ["Press it."]) == first, "and it comes back"
    assert memory.skills.get("press").steps == ("Press it.",)
    assert memory.check() == []


def test_what_is_no_skill_is_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    file = tmp_path / "SKILL.md"
    for text, why in {
        "# Descale": "first line",
        "---\nname: x\n": "no end",
        "---\nname: [\n---\n": "no YAML at line",
        "---\n- x\n---\n": "name and description",
        "---\nname: x\n---\n": "a description",
        "---\nname: 7\ndescription: x\n---\n": "a name",
        "---\nname: !!python/object/apply:os.getcwd []\ndescription: x\n---\n": "no YAML",
        f"---\nname: x\ndescription: {'[' * 5_000}\n---\n": "no YAML",
        '---\nname: "a\\nb"\ndescription: x\n---\n': "one line",
    }.items():
        file.write_text(text)
        with pytest.raises(InvalidInputError, match=why):
            memory.skills.import_(file)
    file.write_bytes(b"---\nname: \xff\n---\n")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        memory.skills.import_(file)
    for steps in ("Press it.", [""], [1], ["1. Press"], ["---"], ["# Press"], ["- Press", "Wait"]):
        with pytest.raises(InvalidInputError):
            memory.skills.add("press", "To press it.", steps)  # type: ignore[arg-type]
    assert memory.skills.list() == ()
    assert read_skill(written("a: b", 'say "x"\n--- y', ["--- is a line"]).text).description == 'say "x"\n--- y'


def test_each_user_has_its_own(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ids = [each.skills.add("press", f"As {n} does.", ["Press it."]) for each, n in ((ann, "ann"), (bob, "bob"))]
    assert ids[0] != ids[1]
    assert [(s.description, s.user_id) for s in bob.skills.list()] == [("As bob does.", "bob")]
    with pytest.raises(MemoryNotFoundError):
        bob.skills.export(ids[0])
    ann.update(ids[0], visibility="public")
    assert bob.skills.get(ids[0]).description == "As ann does."
    assert bob.skills.get("press").description == "As bob does.", "of one name its own comes first"


def test_what_succeeded_three_times_is_proposed_and_applied_by_the_user(memory: TreeTextMemory) -> None:
    ann = memory.for_caller("ann")
    trips(ann, 2)
    trips(memory.for_caller("bob"), 1, start=2)
    trips(ann, 1, start=3, result='{"error": "sold out"}')
    trips(ann, 1, start=4, status="error")
    assert ann.skills.propose().proposals == (), "twice; another user and failures do not count"
    trips(ann, 1, start=6)
    plan = ann.skills.propose()
    (found,) = plan.proposals
    assert (found.tools, found.conversations) == (("find_flight", "book_flight"), 3)
    assert ann.skills.list() == (), "nothing is written before the user wants it"
    assert memory.skills.propose() == plan
    assert memory.for_caller("bob").skills.propose().proposals == ()
    with pytest.raises((NotAllowedError, MemoryNotFoundError)):
        memory.for_caller("bob").skills.apply(plan)
    named = replace(plan, proposals=(replace(found, name="book-a-trip"),))
    (made,) = memory.skills.apply(named)
    assert ann.skills.apply(named) == [made]
    skill = ann.skills.get("book-a-trip")
    assert skill.steps == (f"Call `find_flight` with `city`, `{TOKEN}`.", f"Call `book_flight` with `city`, `{TOKEN}`.")
    assert (skill.user_id, set(skill.sources)) == ("ann", set(found.evidence))
    assert memory.for_caller("bob").skills.list() == ()
    ann.skills.apply(plan)
    assert ann.skills.propose().proposals == (), "what is there is not proposed again"
    memory.delete(made)
    assert memory.check() == []
    with pytest.raises(InvalidInputError, match="SkillPlan"):
        memory.skills.apply(SkillPlan("elsewhere", ()))


def test_a_skill_goes_with_the_calls_it_rests_on(memory: TreeTextMemory, location: str) -> None:
    trips(memory, 3)
    plan = memory.skills.propose()
    (made,) = memory.skills.apply(plan)
    calls = memory.skills.get(made).sources
    silent = next(i for i in calls if memory.history(i)[0].item.metadata.status == "logged")
    said = next(i for i in calls if memory.history(i)[0].item.metadata.status == "activated")
    done = memory.delete(said)
    assert memory.skills.list() == ()
    memory.undo(done.operation)
    assert [skill.id for skill in memory.skills.list()] == [made], "and comes back with it"
    memory.purge(silent)
    assert memory.skills.list() == ()
    with pytest.raises(MemoryNotFoundError):
        memory.history(made)
    with pytest.raises(MemoryNotFoundError):
        memory.skills.apply(plan)
    for each in {i for n in range(3) for i in (m.id for m in memory.messages(f"trip-{n}"))}:
        memory.purge(each)
    assert memory.check() == []
    assert not any(TOKEN in text for text in everywhere(memory, location))


def message(role: str, content: str, **extra: Any) -> LoggedMessage:
    at = day(0)
    return LoggedMessage("m", "c", 0, role, content, None, at, at, None, extra)


@pytest.mark.parametrize(
    ("call", "result", "failed"),
    [
        ({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}, {"tool_call_id": "1"}, False),
        ({"tool_calls": [{"id": "1", "name": "f", "args": {}}]}, {"tool_call_id": "1", "status": "error"}, True),
        ({"parts": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
         {"parts": [{"type": "tool_result", "tool_use_id": "1"}]}, False),
        ({"parts": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
         {"parts": [{"type": "tool_result", "tool_use_id": "1", "is_error": True}]}, True),
        ({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
         {"type": "function_call_output", "call_id": "1"}, False),
        ({"parts": [{"functionCall": {"name": "f", "args": {}}}]},
         {"parts": [{"functionResponse": {"name": "f", "response": {"error": "no"}}}]}, True),
        ({"function_call": {"name": "f", "arguments": "{}"}}, {"name": "f"}, False),
        ({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}, {"tool_call_id": "2"}, None),
    ],
)  # fmt: skip
def test_how_a_call_ended_is_data(call: dict[str, Any], result: dict[str, Any], failed: bool | None) -> None:
    ((one,),) = calls_of(
        [message("assistant", "", **call), message("tool", "Error: words alone say nothing", **result)]
    )
    assert (one.name, one.failed) == ("f", failed)


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ('{"error": "sold out"}', True),
        ('{"error": null, "flight": 7}', False),
        ('{"success": false}', True),
        ('{"status": "failed"}', True),
        ('{"exit_code": 2}', True),
        ('{"exit_code": 0}', False),
        ("{not JSON", False),
        ("[" * 5_000, False),
        ('{"a": ' * 5_000, False),
    ],
)
def test_a_result_that_is_json_says_itself_whether_it_failed(result: str, failed: bool) -> None:
    call = {"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "[" * 5_000}}]}
    ((one,),) = calls_of([message("assistant", "", **call), message("tool", result, tool_call_id="1")])
    assert (one.failed, one.arguments) == (failed, {})


def test_what_has_the_id_of_a_skill_neither_takes_it_nor_keeps_it_out(memory: TreeTextMemory) -> None:
    """A caller can work out an id; what he puts there stays his, and the skill gets another one."""
    bob, ann = memory.for_caller("bob"), memory.for_caller("ann")
    for owner, name, view in (({}, "deploy", memory), ({"user_id": "ann"}, "backup", ann)):
        taken = skill_id(memory.cube_id, owner, name)
        bob.add({"id": taken, "memory": "A note of mine."})
        made = view.skills.add(name, "Not for Bob.", [f"Use {TOKEN}"])
        assert made != taken
        assert view.skills.add(name, "Not for Bob.", [f"Use {TOKEN}"]) == made
        assert view.skills.get(name).id == made
        assert bob.get(taken).memory == "A note of mine."
    assert "backup" not in {skill.name for skill in bob.skills.list()}


def test_any_language_comes_back_as_it_was_written(memory: TreeTextMemory, tmp_path: Path) -> None:
    given = ("café 😀", 'Größe 😀 咖啡机除垢\u2028\x85 \\ "x"', ["Wasser füllen 😀"])
    memory.skills.add(*given)
    text = memory.skills.export("café 😀")
    assert "Größe 😀 咖啡机除垢" in text
    read = read_skill(text)
    assert (read.name, read.description, list(read.steps)) == given


def test_a_repeated_addition_does_nothing_and_what_ended_comes_back(memory: TreeTextMemory) -> None:
    first = memory.skills.add("press", "To press.", ["Press"], operation_id="one")
    memory.delete(first)
    assert memory.skills.add("press", "To press.", ["Press"], operation_id="one") == first
    assert memory.skills.list() == ()
    memory.skills.add("press", "To press.", ["Press it"], operation_id="two")
    memory.skills.add("press", "To press.", ["Press it"], operation_id="two")
    assert [skill.steps for skill in memory.skills.list()] == [("Press it",)]
    memory.undo("two")
    assert memory.skills.list() == ()
    memory.skills.add("press", "To press.", ["Press"])
    memory.expire(first)
    assert memory.skills.list() == ()
    assert memory.skills.add("press", "To press.", ["Press"]) == first
    assert [skill.name for skill in memory.skills.list()] == ["press"]


def test_a_plan_changes_no_skill_that_is_there(memory: TreeTextMemory) -> None:
    memory.skills.add("hand", "Written by hand.", ["Mine"])
    trips(memory, 3)
    (proposal,) = memory.skills.propose().proposals
    for wrong in (
        replace(proposal, name="hand"),
        replace(proposal, steps=None),
        replace(proposal, name=b"x"),
        replace(proposal, whose=("ann",)),
        3,
    ):
        with pytest.raises((InvalidInputError, MemoryExistsError)):
            memory.skills.apply(SkillPlan(memory.cube_id, (proposal, wrong)))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="two proposals"):
        memory.skills.apply(SkillPlan(memory.cube_id, (proposal, proposal)))
    assert memory.skills.get("hand").steps == ("Mine",)
