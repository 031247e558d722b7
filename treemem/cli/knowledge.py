"""Commands on what people prefer, and on what they say about what is remembered: preferences, feedback."""

from __future__ import annotations

from typing import Annotated

import typer

from treemem.cli.shell import AsJson, AsOf, Config, Cube, Reason, Store, app, opened, say
from treemem.schemas.plain import plain


@app.command()
def preferences(
    user: Annotated[
        str | None, typer.Option(help="Whose; without it everybody's that the settings let be seen.")
    ] = None,
    as_of: AsOf = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what users prefer, with what it rests on."""
    with opened(store, cube, config) as memory:
        profile = memory.preferences.profile(user, as_of=as_of)
        say(as_json, profile, str(profile))


@app.command()
def feedback(
    text: Annotated[str, typer.Argument(help="What is wrong, missing, called otherwise, or to be forgotten.")],
    about: Annotated[list[str] | None, typer.Option(help="The id of a memory that is meant; may be repeated.")] = None,
    conversation: Annotated[str | None, typer.Option(help="The conversation that keeps the words.")] = None,
    user: Annotated[str | None, typer.Option(help="Who says so; only memories of that user change.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Correct, complete or rename what is remembered by saying so; `treemem undo` takes it back."""
    with opened(store, cube, config, user) as memory:
        plan = memory.feedback(
            text,
            conversation_id=conversation,
            about=about or None,
            apply=not dry_run,
            operation_id=operation_id,
            reason=reason,
        )
    undo = f"\ntreemem undo {plan.operation} takes it back" if plan.applied else ""
    say(as_json, {**plain(plan), "answer": plan.answer}, f"{plan}{undo}")
