"""Commands on tools and skills: tools list, show, search, register, forget; skills list, show, add, export, propose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.lists import Form, Format, date, form_of, show_list
from treemem.cli.reading import json_of
from treemem.cli.shell import AsJson, AsOf, Config, Cube, Reason, Store, User, app, opened, say
from treemem.errors import InvalidInputError
from treemem.schemas.plain import plain
from treemem.tool_records import Tool

tools = typer.Typer(help="The tools that conversations called: what each is, how often it worked, what was learnt.")
app.add_typer(tools, name="tools", no_args_is_help=True)
skills = typer.Typer(help="How things are done: skills that were added, or found in what was repeated.")
app.add_typer(skills, name="skills", no_args_is_help=True)

ToolName = Annotated[str, typer.Argument(help="What the tool is called.")]
SkillName = Annotated[str, typer.Argument(help="What the skill is called, or its id.")]
Times = Annotated[int, typer.Option(min=1, help="In how many conversations of one owner it was done at least.")]


def _show_tools(found: Iterable[Tool], form: Form) -> None:
    listed = [*found]
    rows = [(t.name, t.calls, _rate(t), date(t.last_used) if t.last_used else "", t.description) for t in listed]
    data = [_plain(tool) for tool in listed]
    show_list(form, data, ("tool", "calls", "ok", "last used", "description"), rows, "no tools")


def _plain(tool: Tool) -> dict[str, Any]:
    return {**plain(tool), "success_rate": tool.success_rate}


def _rate(tool: Tool) -> str:
    return "" if tool.success_rate is None else f"{tool.success_rate:.0%}"


@tools.command(name="list")
def list_tools(
    as_of: AsOf = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the tools, by name."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        _show_tools(memory.tools.list(as_of=as_of), form)


@tools.command(name="search")
def search_tools(
    question: Annotated[str, typer.Argument(help="What is to be done.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many tools at most.")] = 6,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Find the tools that bear on a question, the nearest first."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        _show_tools(memory.tools.search(question, limit), form)


@tools.command(name="show")
def show_tool(
    name: ToolName,
    as_of: AsOf = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a tool: its schema, its newest calls, what failed and what then worked."""
    with opened(store, cube, config, user) as memory:
        tool = memory.tools.get(name, as_of=as_of)
        lines = [str(tool), f"parameters ({tool.origin}): {', '.join(tool.parameters.get('properties') or ()) or '-'}"]
        lines += [f"{date(call.since)}  {call.text}" for call in tool.recent]
        lines += [f"learnt: {each.text}" for each in tool.experience]
        say(as_json, _plain(tool), "\n".join(lines))


@tools.command()
def register(
    file: Annotated[Path, typer.Argument(help="A JSON file with a schema, or a list of them.")],
    at: Annotated[str | None, typer.Option(help="When it began to be so (ISO 8601). Default: now.")] = None,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Keep the schema of a tool, as OpenAI, Anthropic or the Model Context Protocol write it."""
    given = json_of(file, "the schema of a tool, or a list of them")
    with opened(store, cube, config, user) as memory:
        ids = [
            memory.tools.register(each, at=at, reason=reason)
            for each in (given if isinstance(given, list) else [given])
        ]
        say(as_json, {"ids": ids}, "\n".join(ids))


@tools.command()
def forget(
    name: ToolName,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Hide what is known of a tool; the messages stay, and treemem undo brings it back."""
    with opened(store, cube, config, user) as memory:
        done = memory.tools.forget(name, reason=reason)
        say(as_json, done, f"forgotten; treemem undo {done.operation} takes it back")


@skills.command(name="list")
def list_skills(
    as_of: AsOf = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the skills, by name."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        found = memory.skills.list(as_of=as_of)
        rows = [(each.id, each.name, len(each.steps), each.description) for each in found]
        show_list(form, found, ("id", "skill", "steps", "description"), rows, "no skills")


@skills.command(name="show")
def show_skill(
    name: SkillName,
    as_of: AsOf = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a skill as its SKILL.md."""
    with opened(store, cube, config, user) as memory:
        skill = memory.skills.get(name, as_of=as_of)
        say(as_json, skill, skill.text, soft_wrap=True)


@skills.command(name="add")
def add_skill(
    path: Annotated[Path, typer.Argument(help="A SKILL.md, or the folder that it lies in.")],
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Keep a SKILL.md; the next version where its name is known."""
    with opened(store, cube, config, user) as memory:
        skill_id = memory.skills.import_(path, reason=reason)
        say(as_json, {"ids": [skill_id]}, skill_id)


@skills.command()
def export(
    name: SkillName,
    path: Annotated[Path, typer.Argument(help="The file, or a folder.")],
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the SKILL.md of a skill into a file or a folder."""
    with opened(store, cube, config, user) as memory:
        memory.skills.export(name, path)
        say(as_json, {"path": str(path)}, f"written to {path}")


@skills.command()
def propose(
    times: Times = 3,
    apply: Annotated[bool, typer.Option("--apply", help="Store what is proposed.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="The name of a proposal; may be repeated.")] = None,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the skills that repeated procedures would make; nothing is written without --apply."""
    with opened(store, cube, config, user) as memory:
        plan = memory.skills.propose(times=times)
        if only:
            unknown = sorted({*only} - {each.name for each in plan.proposals})
            if unknown:
                raise InvalidInputError(f"--only: no proposal is called {unknown[0]!r}; leave it out to see all")
            plan = replace(plan, proposals=tuple(each for each in plan.proposals if each.name in only))
        ids = [*memory.skills.apply(plan, reason=reason)] if apply else []
        say(as_json, {**plain(plan), "ids": ids}, "\n".join([str(plan), *ids]))
