"""What a store's location says: a file, or a Neo4j server, who asks there and which database is meant."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from treemem.errors import ConfigError

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
#: Words in the name of a setting or of a URI's parameter whose value nobody may read.
_SECRET = re.compile(r"pass|pwd|secret|token|key|auth|cred|sig", re.IGNORECASE)
#: host:port, perhaps with a user before and a database behind it: meant for a server, and no sensible file name.
_HOST_PORT = re.compile(r"\A(?:[^/\\@]*@)?([\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}(?:[/?#].*)?", re.DOTALL)
_SCHEME = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]*)://")
_ALMOST = re.compile(r"(?:neo4j|bolt)(?:\+s|\+ssc)?:(?!//)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether a setting of this name holds what nobody may read."""
    return _SECRET.search(name) is not None


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
    if _HOST_PORT.fullmatch(location) or _ALMOST.match(location):
        host = location.rpartition("@")[2]
        host = re.split(r"[/?#]", _ALMOST.sub("", host).lstrip("/"), maxsplit=1)[0]
        raise ConfigError(
            f"store: a server needs a scheme; did you mean neo4j://{host}? (A file of that name: ./{host})"
        )
    return {"store": location}


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
