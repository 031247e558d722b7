"""What the driver and the server say went wrong, in the words of treemem."""

from __future__ import annotations

from neo4j.exceptions import AuthError, ClientError, Neo4jError

from treemem.errors import (
    InvalidInputError,
    SchemaError,
    StoreError,
    StoreFullError,
    StoreTimeoutError,
    StoreUnavailableError,
    TreememError,
)

#: Codes of a server that takes no writes: a read-only database, a secondary of a cluster.
_READ_ONLY = ("ReadOnly", "Cluster.NotALeader", "General.ForbiddenOnReadOnlyDatabase")


def translate(error: Exception, uri: str) -> TreememError:
    """Return the treemem error that says what happened to the server and what to do."""
    code = getattr(error, "code", None) or ""
    if isinstance(error, AuthError):
        return StoreError(
            f"{uri} refused the user name or password; pass user= and password= or set "
            "TREEMEM_NEO4J_USER and TREEMEM_NEO4J_PASSWORD"
        )
    if any(part in code for part in _READ_ONLY) or _forbids_writing(code, error):
        return StoreFullError(
            f"{uri} is read-only, or its user may only read ({code}); nothing was written. Reading works; to write, "
            "make the database writable or connect as a user who may write"
        )
    if "ConstraintValidationFailed" in code:
        return SchemaError(
            f"{uri}: a constraint that is not treemem's refuses what was to be written, so nothing was ({error}). "
            "Drop it (SHOW CONSTRAINTS lists them), or use another database"
        )
    if "InvalidBookmark" in code:
        return InvalidInputError(
            f"bookmarks: {uri} does not know one of them ({error}); pass what bookmarks() of a memory over the same "
            "database returned"
        )
    if "DatabaseNotFound" in code:
        return StoreError(f"{uri}: {error}; pass the name of an existing database")
    if "TransactionTimedOut" in code:
        return StoreTimeoutError(f"{uri} gave up: {code}; allow more time")
    if isinstance(error, ClientError) or (isinstance(error, Neo4jError) and "Transient" not in code):
        return StoreError(f"{uri}: {code or type(error).__name__}: {error}")
    return StoreUnavailableError(
        f"{uri} cannot be reached or went away ({type(error).__name__}: {error}); check that Neo4j runs there"
    )


def _forbids_writing(code: str, error: Exception) -> bool:
    """Return whether a user's role does not let it write."""
    said = str(error).lower()
    return "Security.Forbidden" in code and any(word in said for word in ("write", "create", "set ", "delete", "merge"))
