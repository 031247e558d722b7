"""The command `doctor`: whether a memory can be used, and what to do where not."""

from __future__ import annotations

from pathlib import Path

import typer

from treemem.cli.shell import AsJson, Config, Cube, Store, app, say, settings
from treemem.schemas.plain import plain


@app.command()
def doctor(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check settings, store, indexes, model, clock, disk, permissions and tasks, and change nothing; exit code 1 if
    something is in the way of using the memory.
    """
    from treemem.doctor import Level, examine
    from treemem.service.keys import place_of_keys

    def keys() -> list[Path]:
        place = place_of_keys(settings(store, cube, config))
        return [place, place.with_name(f"{place.name}.lock")]

    findings = examine(lambda: settings(store, cube, config), private=keys)
    bad = [each for each in findings if each.level is Level.PROBLEM]
    lines = []
    for each in findings:
        lines.append(f"{each.level.value:<8} {each.check:<12} {each.found}")
        if each.todo:
            lines.append(f"{'':<21} -> {each.todo}")
    lines.append("nothing is in the way" if not bad else f"{len(bad)} problems")
    say(as_json, {"findings": plain(findings), "problems": len(bad)}, "\n".join(lines), soft_wrap=True)
    if bad:
        raise typer.Exit(1)
