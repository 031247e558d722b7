"""What a store's location says: a file, or a Neo4j server, who asks there and which database is meant."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from treemem.errors import ConfigError, InvalidInputError

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
#: Words in the name of a setting or of a URI's parameter whose value nobody may read.
_SECRET = re.compile(r"pass|pwd|secret|token|key|auth|cred|sig", re.IGNORECASE)
#: host:port, perhaps with a user before and a database behind it: meant for a server, and no sensible file name.
_HOST_PORT = re.compile(r"\A(?:[^/\\@]*@)?([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}(?:[/?#].*)?", re.DOTALL)
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_SCHEME = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]*)://")
_ALMOST = re.compile(r"(?:neo4j|bolt)(?:\+s|\+ssc)?(?::(?!//)|//)", re.IGNORECASE)
#: What names a file and nothing else, whatever stands in it: a path from here, from home or from a root.
_A_PATH = re.compile(r"\A(?:\.{0,2}[/\\](?![/\\])|~|[A-Za-z]:[/\\](?!/))")
#: A scheme, which has more letters than a drive.
_URI_AS_PATH = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]+:/")
_AT_PORT = re.compile(r"\A/[^/@:]*+:[^@]*+@([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}/?\Z")


def is_secret(name: str) -> bool:
    """Return whether a setting of this name holds what nobody may read."""
    return _SECRET.search(name) is not None


def is_address(path: str) -> bool:
    """Return whether a path is a URI or meant for a server, perhaps with a password in it, rather than a file's.

    What pathlib makes of a URI, with a single slash, is one too.
    """
    return meant_for_a_server(path.strip()) or _URI_AS_PATH.match(path.strip()) is not None


def may_hold_secret(text: str) -> bool:
    """Return whether a text may be an address with a password or a key in it; only its first characters are read."""
    text = text[:2_000].strip()
    return ("@" in text or "?" in text) and (":/" in text or is_address(text))


def require_file(value: object, field: str, more: str = "") -> None:
    """Raise InvalidInputError for a path that is rather an address, which is not shown: a password may be in it."""
    if isinstance(value, (str, os.PathLike)) and is_address(str(value)):
        raise InvalidInputError(
            f"{field}: wanted a path, found what is meant for a server, and is not shown, since a password may be in "
            f"it; {more}(A file of such a name: by its whole path)"
        )


def is_server(location: str) -> bool:
    """Return whether a checked location is a Neo4j URI."""
    return "://" in location


def checked_location(location: str) -> dict[str, Any]:
    """Return a location as settings: `store`, and the `user`, `password` and `database` that its URI names.

    Raises ConfigError, which shows no more of a location than its scheme, host and port.
    """
    if not location.strip():
        raise ConfigError("store: empty; give a file path or neo4j://host:7687, or leave it out for the default")
    if "\x00" in location:
        raise ConfigError("store: contains a NUL character, which no path or URI may")
    scheme = _SCHEME.match(location.strip())
    if scheme is not None:
        return _server(scheme[1].lower(), location.strip())
    if meant_for_a_server(location.strip()):
        host = _ALMOST.sub("", location.strip().rpartition("@")[2].rpartition("://")[2])
        host = re.split(r"[/?#]", host.lstrip("/"), maxsplit=1)[0]
        if not _HOST.fullmatch(host):
            host = "host:7687"
        raise ConfigError(
            f"store: a server needs a scheme; did you mean neo4j://{host}? (A file of that name: ./{host})"
        )
    return {"store": location}


def meant_for_a_server(location: str) -> bool:
    """Return whether a location without a scheme of ours is a mistyped URI rather than the name of a file.

    What may hold a password is one in doubt: a file with such a name has `./` before it.
    """
    if "://" in location or _AT_PORT.match(location):
        return True
    if _A_PATH.match(location):
        return False
    before, at, _ = location.partition("@")
    if at and (":" in before or "\uff1a" in before or before.startswith("//")):
        return True
    return bool(_HOST_PORT.fullmatch(location.removeprefix("//")) or _ALMOST.match(location))


def _server(scheme: str, location: str) -> dict[str, Any]:
    if scheme not in NEO4J_SCHEMES:
        raise ConfigError(f"store: {scheme}:// is unknown; give a file path or one of {', '.join(NEO4J_SCHEMES)}")
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port == 0 or "@" in parts.path + parts.query + parts.fragment:
        raise ConfigError(
            f"store: wanted {scheme}://host:7687 or {scheme}://host:7687/database; pass user= and password= beside it"
        )
    userinfo, _, address = parts.netloc.rpartition("@")
    user, colon, password = userinfo.partition(":")
    named = {"user": unquote(user), "password": unquote(password) if colon else ""}
    path = unquote(parts.path.strip("/"))
    if "/" in path or parts.fragment:
        raise ConfigError(f"store: {scheme}://{address} is followed by more than a database; pass database=")
    databases = {path} - {""}
    context = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name.lower() in ("database", "db"):
            databases |= {value}
        elif is_secret(name) or name.lower() in ("user", "username"):
            raise ConfigError(f"store: the query of {scheme}://{address} holds {name!r}; pass user= and password=")
        elif scheme.startswith("bolt"):
            raise ConfigError(f"store: {scheme}://{address} can have no query but database; {name!r} is for neo4j://")
        else:
            context.append((name, value))
    if len(databases) > 1:
        raise ConfigError(f"store: {scheme}://{address} names two databases; name one, or pass database=")
    uri = urlunsplit((scheme, address, "", urlencode(context), ""))
    found = {"store": uri, **named, "database": next(iter(databases), "")}
    return {name: value for name, value in found.items() if value}
