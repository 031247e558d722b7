"""The file of keys: read when it changed, written whole or not at all, and refused where it is not as we write it.

What we do not know in it, of a later version or of a person, survives every change.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from treemem.errors import ConfigError, InvalidInputError
from treemem.exchange.files import write_all
from treemem.ids import ID
from treemem.service.access import RIGHTS

_VERSION = 1
_LARGEST = 64 << 20
_HASH = re.compile(r"[0-9a-f]{64}")
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def utc(moment: datetime, field: str) -> datetime:
    """Return an aware time in UTC, or raise InvalidInputError."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInputError(f"{field}: wanted an aware datetime, found {moment!r}")
    return moment.astimezone(UTC)


@dataclass(frozen=True)
class Entry:
    """One key as the file has it: `raw`, and what of it we know."""

    raw: Mapping[str, Any]
    id: str
    project: str
    rights: frozenset[str]
    label: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def new(
        cls,
        id: str,
        project: str,
        rights: frozenset[str],
        label: str,
        made_at: datetime,
        expires_at: datetime | None,
        hash: str,
    ) -> Entry:
        return cls.read(
            {
                "id": id,
                "project": project,
                "rights": sorted(rights),
                "label": label,
                "made_at": _text(made_at),
                "expires_at": None if expires_at is None else _text(expires_at),
                "revoked_at": None,
                "hash": hash,
                "former": [],
            }
        )

    @classmethod
    def read(cls, raw: Any) -> Entry:
        """Return an entry of the file; raises ValueError, which says what is wrong with it."""
        if not isinstance(raw, dict):
            raise ValueError("a key is no object")
        for name in ("id", "project"):
            if not isinstance(raw.get(name), str) or not ID.fullmatch(raw[name]):
                raise ValueError(f"{name} of a key is missing or no name")
        rights, label = raw.get("rights"), raw.get("label", "")
        if not isinstance(rights, list) or not rights or not all(isinstance(each, str) for each in rights):
            raise ValueError(f"key {raw['id']}: rights are missing")
        if unknown := set(rights) - set(RIGHTS):
            raise ValueError(f"key {raw['id']}: {sorted(unknown)[0]!r:.40} is no right")
        if not isinstance(label, str):
            raise ValueError(f"key {raw['id']}: label is no text")
        made_at = _time(raw, "made_at")
        if made_at is None:
            raise ValueError(f"key {raw['id']}: made_at is missing")
        expires_at, revoked_at = _time(raw, "expires_at"), _time(raw, "revoked_at")
        entry = cls(raw, raw["id"], raw["project"], frozenset(rights), label, made_at, expires_at, revoked_at)
        entry.hashes()
        return entry

    def hashes(self) -> list[tuple[str, datetime | None]]:
        """Return the hash of each token that opens, with the time until which; none of a key that was revoked."""
        if self.revoked_at is not None:
            return []
        found = [(_checked_hash(self.raw, self.id), None)]
        former = self.raw.get("former", [])
        if not isinstance(former, list) or not all(isinstance(each, dict) for each in former):
            raise ValueError(f"key {self.id}: former tokens are no list of objects")
        return [*found, *((_checked_hash(each, self.id), _until(each, self.id)) for each in former)]

    def rotated(self, hash: str, now: datetime, until: datetime) -> Entry:
        """Return it with another token, its former ones ending at `until` at the latest."""
        kept = [{"hash": self.raw["hash"], "until": _text(until)}]
        for each in self.raw.get("former", []):
            kept.append({**each, "until": _text(min(until, _until(each, self.id)))})
        former = [each for each in kept if _until(each, self.id) > now]
        return Entry.read({**self.raw, "hash": hash, "former": former})

    def revoked(self, now: datetime) -> Entry:
        """Return it without any token."""
        if self.revoked_at is not None:
            return self
        return Entry.read({**self.raw, "revoked_at": _text(now), "hash": None, "former": []})


class Content(NamedTuple):
    """What a file of keys holds: what tells this file from any other, what stands beside the keys, and the keys."""

    sign: tuple[int, ...]
    head: Mapping[str, Any]
    entries: tuple[Entry, ...]


_NOTHING = Content((), {}, ())


class KeyFile:
    """A file of keys, which need not be there."""

    def __init__(self, path: Path) -> None:
        path = path.expanduser()
        #: Links on the way to its folder are for whoever names it; the file itself is never one.
        self.path = path.parent.resolve() / path.name
        self._content = _NOTHING

    def content(self) -> Content:
        """Return what the file holds now; nothing if there is none. Raises ConfigError for one that is not to be used.

        What was read is used again as long as the file is the same; a change puts another file in its place.
        """
        try:
            sign = _sign(os.lstat(self.path))
        except FileNotFoundError:
            return _NOTHING
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read ({error.strerror}); see to its folder's rights") from error
        content = self._content
        if content.sign != sign:
            content = self._content = self._opened()
        return content

    def write(self, head: Mapping[str, Any], entries: Iterable[Entry]) -> None:
        """Put a file with these keys in place, for its owner alone; what stands in `head` stays beside them.

        Hold the lock. Raises InvalidInputError, StoreError.
        """
        data = {**head, "format": "treemem keys", "version": _VERSION, "keys": [dict(each.raw) for each in entries]}
        text = json.dumps(data, indent=2, ensure_ascii=True) + "\n"
        write_all(self.path.parent, [self.path.name], lambda files: files[self.path.name].write(text.encode("ascii")))

    def _opened(self) -> Content:
        try:
            number = os.open(self.path, _FLAGS)
            try:
                found = os.fstat(number)
                self._refuse(found)
                with os.fdopen(number, "rb", closefd=False) as file:
                    data = file.read(_LARGEST)
            finally:
                os.close(number)
        except OSError as error:
            told = "it is a symbolic link, which is not followed" if self.path.is_symlink() else error.strerror
            raise ConfigError(f"{self.path}: cannot be read ({told}); name the keys' own file") from error
        try:
            head, entries = _parsed(data)
        except (ValueError, RecursionError) as error:
            why = "nested too deep" if isinstance(error, RecursionError) else error
            raise ConfigError(
                f"{self.path}: is damaged, and lets nobody in ({why}); put a copy back, or take it away and make "
                "new keys"
            ) from None
        return Content(_sign(found), head, tuple(entries))

    def _refuse(self, found: os.stat_result) -> None:
        """Raise ConfigError for what is no file of keys, or could have been made one by others."""
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{self.path}: is no file; name the keys' own file")
        if hasattr(os, "geteuid") and found.st_mode & 0o022:
            raise ConfigError(f"{self.path}: others may write to it; chmod 600 {self.path}")
        if found.st_size > _LARGEST:
            raise ConfigError(f"{self.path}: is damaged: larger than {_LARGEST:,} bytes; put a copy back")


def _parsed(data: bytes) -> tuple[dict[str, Any], list[Entry]]:
    """Return what stands beside the keys, and the keys; raises ValueError."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ValueError("no JSON" if not isinstance(error, json.JSONDecodeError) else f"no JSON, {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("wanted an object with keys")
    if found.get("version") != _VERSION:
        raise ValueError(f"wanted version {_VERSION}, found {found.get('version')!r:.40}")
    entries = [Entry.read(each) for each in found["keys"]]
    if len({entry.id for entry in entries}) != len(entries):
        raise ValueError("two keys have one id")
    return {name: value for name, value in found.items() if name != "keys"}, entries


def _sign(found: os.stat_result) -> tuple[int, ...]:
    """Return what differs as soon as another file lies there, or it was written to or given other rights."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode


def _checked_hash(raw: Mapping[str, Any], id: str) -> str:
    if not isinstance(raw.get("hash"), str) or not _HASH.fullmatch(raw["hash"]):
        raise ValueError(f"key {id}: a hash is missing, or is none of SHA-256")
    return str(raw["hash"])


def _until(raw: Mapping[str, Any], id: str) -> datetime:
    until = _time({**raw, "id": id}, "until")
    if until is None:
        raise ValueError(f"key {id}: a former token has no time at which it ends")
    return until


def _time(raw: Mapping[str, Any], name: str) -> datetime | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return utc(found, name)
    except (TypeError, ValueError, OverflowError, InvalidInputError):
        raise ValueError(f"key {raw['id']}: {name} is no time with a zone") from None


def _text(moment: datetime) -> str:
    return utc(moment, "time").isoformat()
