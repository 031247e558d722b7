"""Commands on the keys of a service: keys make, list, rotate, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from treemem.cli.guard import errors
from treemem.cli.lists import Format, date, form_of, show_list
from treemem.cli.shell import AsJson, Config, Store, app, say, settings
from treemem.cli.terminal import cell
from treemem.schemas.plain import plain
from treemem.service.access import RIGHTS
from treemem.service.keys import Key, NewToken, ServiceKeys, place_of_keys
from treemem.temporal import from_micros, parse_time
from treemem.zones import reading_in, zone_of

keys = typer.Typer(help="The keys of a service: who may come in, to which project, with which rights.")
app.add_typer(keys, name="keys", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Option("--file", help="The file of the keys. Default: TREEMEM_SERVICE_KEYS, or by the store.")
]
KeyId = Annotated[str, typer.Argument(help="The key's id; treemem keys list shows them.")]


def _opened(file: Path | None, store: str | None, config: Path | None) -> tuple[ServiceKeys, str | None]:
    """Return the keys that the options, the file of settings and the environment name, and the zone of the settings."""
    said = settings(store, None, config)
    return ServiceKeys(place_of_keys(said) if file is None else file), said.zone


@keys.command()
def make(
    project: Annotated[str, typer.Option(help="The project that it is bound to.")],
    right: Annotated[
        list[str] | None, typer.Option(help="read, write or admin; repeat it. Default: read and write.")
    ] = None,
    label: Annotated[str, typer.Option(help="Who or what has it.")] = "",
    expires: Annotated[str | None, typer.Option(help="When it ends (ISO 8601). Default: never.")] = None,
    file: File = None,
    store: Store = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its token is shown this once."""
    found, zone = _opened(file, store, config)
    with reading_in(zone_of(zone)):
        end = None if expires is None else from_micros(parse_time(expires, "--expires"))
    made = found.make(project, right or RIGHTS[:2], label=label, expires_at=end)
    _show(made, found, as_json)


@keys.command(name="list")
def list_(
    file: File = None, store: Store = None, config: Config = None, as_json: AsJson = False, format: Format = None
) -> None:
    """List the keys, the newest first, without their tokens."""
    form = form_of(as_json, format)
    found, _ = _opened(file, store, config)
    many = found.list()
    rows = []
    for key in many:
        rights = ", ".join(each for each in RIGHTS if each in key.rights)
        rows.append((key.id, key.project, rights, key.label, date(key.made_at), _end(key), _state(key)))
    names = ("id", "project", "rights", "label", "made", "expires", "state")
    show_list(form, [_plain(key) for key in many], names, rows, f"no keys in {found.path}; treemem keys make")


@keys.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[float, typer.Option(help="Seconds for which the former token still opens.")] = 0.0,
    file: File = None,
    store: Store = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new token, which is shown this once."""
    found, _ = _opened(file, store, config)
    if not 0 <= grace <= 366 * 86_400:
        raise typer.BadParameter("wanted seconds from 0 to a year", param_hint="--grace")
    _show(found.rotate(key_id, grace=timedelta(seconds=grace)), found, as_json)


@keys.command()
def revoke(
    key_id: KeyId, file: File = None, store: Store = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Let a key open nothing any more, at once."""
    found, _ = _opened(file, store, config)
    say(as_json, _plain(found.revoke(key_id)), f"key {key_id} opens nothing any more")


def _show(made: NewToken, found: ServiceKeys, as_json: bool) -> None:
    """Show a new token: on standard output nothing but it, so that a script can take it from there."""
    say(as_json, {**_plain(made.key), "token": made.token}, made.token, soft_wrap=True)
    if not as_json:
        note = f"key {made.key.id}, in {found.path}; the token is not kept, and not shown again"
        errors.print(cell(note), soft_wrap=True)


def _plain(key: Key) -> dict[str, object]:
    return {**plain(key), "rights": sorted(key.rights), "state": _state(key)}


def _state(key: Key) -> str:
    now = datetime.now().astimezone()
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    return "valid" if key.rotating_until is None else f"valid, the former token until {date(key.rotating_until)}"


def _end(key: Key) -> str:
    return "never" if key.expires_at is None else date(key.expires_at)
