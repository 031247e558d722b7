"""Keys of a service in one file: made, listed, rotated, revoked, and asked what a token opens.

A token is 256 random bits, and the file holds its SHA-256 alone. A slow hash, as passwords want it, would buy nothing:
nobody can try 2^256 tokens. Hashes are compared in constant time, each of them, so that the time tells nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from treemem.checks import shown
from treemem.config import TreeTextMemoryConfig
from treemem.errors import ConfigError, InvalidInputError
from treemem.exchange.files import private_folder
from treemem.locations import is_server, require_file
from treemem.opening import default_path, file_of
from treemem.service.access import RIGHTS, Access, checked_project
from treemem.service.key_file import Entry, KeyFile, utc
from treemem.service.locking import locked
from treemem.temporal import Clock, system_clock

log = logging.getLogger("treemem.service")
#: What tokens begin with, so that people and scanners know one where it should not be.
PREFIX = "treemem-"
#: No token is longer; what is, is not looked at.
_LONGEST = 128
_MOST_KEYS, _LONGEST_LABEL = 10_000, 200
_MOST_GRACE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its token. `expires_at` None is never; `rotating_until` is how long a former token still opens."""

    id: str
    project: str
    rights: frozenset[str]
    label: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    rotating_until: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A key with its new token, which is nowhere else and is not shown again."""

    key: Key
    token: str = field(repr=False)


class ServiceKeys:
    """The keys in a file, which is read again whenever it changed. Thread-safe, and safe between processes."""

    def __init__(self, path: Path, *, clock: Clock = system_clock) -> None:
        """The file need not be there yet: nobody is let in then."""
        require_file(path, "file of keys")
        self._file = KeyFile(path)
        self._clock = clock
        self._told: str | None = None

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._file.path

    def access(self, token: str) -> Access | None:
        """Return what a token opens, None for one that opens nothing. A damaged file opens nothing, and is logged."""
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST or not token.isascii():
            return None
        try:
            entries = self._file.content().entries
        except ConfigError as error:
            if self._told != str(error):
                self._told = str(error)
                log.error("nobody is let in: %s", error)
            return None
        self._told = None
        now, asked = self._clock(), _hash(token)
        found = None
        for entry in entries:
            for kept, until in entry.hashes():
                if hmac.compare_digest(kept, asked) and (until is None or now < until):
                    found = entry
        if found is None or (found.expires_at is not None and now >= found.expires_at):
            return None
        try:
            return Access(found.project, found.rights)
        except InvalidInputError as error:  # somebody wrote into the file by hand
            log.error("nobody is let in with key %s: %s", found.id, error)
            return None

    def list(self) -> list[Key]:
        """Return every key, revoked and expired ones too, the newest first. Raises ConfigError."""
        now = self._clock()
        keys = [_key(entry, now) for entry in self._file.content().entries]
        return sorted(keys, key=lambda key: (key.made_at, key.id), reverse=True)

    def make(
        self, project: str, rights: Iterable[str], *, label: str = "", expires_at: datetime | None = None
    ) -> NewToken:
        """Make a key for a project. Raises InvalidInputError, ConfigError, StoreError."""
        project, allowed = checked_project(project), _checked_rights(rights)
        now = self._clock()
        if not isinstance(label, str) or len(label) > _LONGEST_LABEL:
            raise InvalidInputError(f"label: wanted at most {_LONGEST_LABEL} characters")
        if expires_at is not None and utc(expires_at, "expires_at") <= now:
            raise InvalidInputError(f"expires_at: wanted a time to come, found {expires_at.isoformat()}")
        token = _new_token()
        entry = Entry.new(secrets.token_hex(6), project, allowed, label, now, expires_at, _hash(token))
        with self._writing():
            _, head, entries = self._file.content()
            if len(entries) >= _MOST_KEYS:
                raise InvalidInputError(
                    f"{self.path}: holds {_MOST_KEYS:,} keys; take those that were revoked out of it"
                )
            self._file.write(head, [*entries, entry])
        return NewToken(_key(entry, now), token)

    def rotate(self, key_id: str, *, grace: timedelta = timedelta(0)) -> NewToken:
        """Give a key a new token. Its former ones open for `grace` from now on at most, and then never again.

        Raises InvalidInputError for a key that is not there, was revoked or has expired, ConfigError, StoreError.
        """
        if not timedelta(0) <= grace <= _MOST_GRACE:
            raise InvalidInputError(f"grace: wanted 0 to {_MOST_GRACE.days} days, found {grace}")
        now, token = self._clock(), _new_token()

        def rotated(entry: Entry) -> Entry:
            if entry.expires_at is not None and now >= entry.expires_at:
                raise InvalidInputError(f"key {key_id!r} expired at {entry.expires_at.isoformat()}; make another one")
            return entry.rotated(_hash(token), now, now + grace)

        return NewToken(_key(self._changed(key_id, rotated), now), token)

    def revoke(self, key_id: str) -> Key:
        """Let a key open nothing any more, its former tokens neither; revoking it again changes nothing.

        Raises InvalidInputError for a key that is not there, ConfigError, StoreError.
        """
        now = self._clock()
        return _key(self._changed(key_id, lambda entry: entry.revoked(now), revoked_too=True), now)

    def _changed(self, key_id: str, change: Callable[[Entry], Entry], *, revoked_too: bool = False) -> Entry:
        """Put what `change` makes of a key in its place, and return it."""
        with self._writing():
            _, head, entries = self._file.content()
            found = next((entry for entry in entries if entry.id == key_id), None)
            if found is None:
                raise InvalidInputError(f"no key {key_id!r} in {self.path}; treemem keys list shows them")
            if found.revoked_at is not None and not revoked_too:
                raise InvalidInputError(f"key {key_id!r} was revoked; make another one")
            changed = change(found)
            self._file.write(head, [changed if entry is found else entry for entry in entries])
        return changed

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock under which the file is read, changed and put in place."""
        private_folder(self.path.parent)
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            yield


def _new_token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _checked_rights(rights: Iterable[str]) -> frozenset[str]:
    given = {rights} if isinstance(rights, str) else set(rights)
    if not given or not given <= set(RIGHTS):
        raise InvalidInputError(f"rights: wanted some of {', '.join(RIGHTS)}, found {shown(sorted(map(str, given)))}")
    return frozenset(given)


def _key(entry: Entry, now: datetime) -> Key:
    former = [until for _, until in entry.hashes() if until is not None and until > now]
    return Key(
        entry.id,
        entry.project,
        entry.rights,
        entry.label,
        entry.made_at,
        entry.expires_at,
        entry.revoked_at,
        max(former, default=None),
    )


def place_of_keys(config: TreeTextMemoryConfig) -> Path:
    """Return where the keys lie that settings mean: the file they name, else beside the embedded store, else, for a
    server, in the user's data folder. Raises ConfigError.
    """
    if config.service.keys is not None:
        return Path(config.service.keys)
    location = config.store or str(default_path())
    beside = default_path() if is_server(location) else file_of(location)
    return beside.with_name("keys.json")
