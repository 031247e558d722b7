"""What goes wrong, as codes of the API: one table from errors to codes, and from codes to HTTP statuses."""

from __future__ import annotations

from typing import Any

from treemem.errors import (
    ConflictError,
    EmbedderError,
    FrozenMemoryError,
    InvalidInputError,
    LeaseError,
    LLMError,
    MemoryExistsError,
    MemoryNotFoundError,
    ModelMismatchError,
    NotAllowedError,
    OperationMismatchError,
    OperationNotFoundError,
    QueueFullError,
    RerankerError,
    StoreError,
    TaskNotFoundError,
    TreememError,
    UndoRefusedError,
)
from treemem.service.running import BusyError

OK = 0
PARAMETERS, NOT_FOUND, EMPTY, EMPTY_LIST, TYPE = 40000, 40001, 40002, 40003, 40006
FILE_TYPE, BASE64, LONG_USER, LONG_CONVERSATION, RELATIVITY = 40007, 40008, 40010, 40011, 40012
NO_KEY, BAD_KEY, NO_RIGHT = 40100, 40132, 40306
RATE, TOO_LONG, NO_MEMORY, NO_USER = 40300, 40305, 40307, 40308
INTERNAL, UNSUPPORTED, MEMORY_SERVICE, SEARCH_SERVICE = 50000, 50002, 50004, 50005
MANY_FILES, LARGE_FILE, LARGE_FILES, FILE_FORMAT = 50103, 50104, 50105, 50107
NO_BASE, NOT_LINKED, NO_TASK, NOT_ADDED = 50120, 50123, 50131, 50144

#: The HTTP status of each code; all others have that of their first three digits.
STATUS = {
    NO_KEY: 401,
    BAD_KEY: 401,
    NO_RIGHT: 403,
    NOT_FOUND: 404,
    NO_MEMORY: 404,
    NO_USER: 404,
    NO_BASE: 404,
    NO_TASK: 404,
    NOT_LINKED: 400,
    MANY_FILES: 400,
    LARGE_FILE: 413,
    LARGE_FILES: 413,
    FILE_FORMAT: 400,
    RATE: 429,
    TOO_LONG: 400,
    INTERNAL: 500,
    UNSUPPORTED: 400,
    MEMORY_SERVICE: 503,
    SEARCH_SERVICE: 503,
    NOT_ADDED: 409,
}

#: Errors of the product and their codes, the particular before the general.
ERRORS: tuple[tuple[type[TreememError], int], ...] = (
    (MemoryNotFoundError, NO_MEMORY),
    (OperationNotFoundError, NOT_FOUND),
    (TaskNotFoundError, NO_TASK),
    (NotAllowedError, NO_RIGHT),
    (BusyError, RATE),
    (QueueFullError, RATE),
    (LLMError, MEMORY_SERVICE),
    (EmbedderError, SEARCH_SERVICE),
    (RerankerError, SEARCH_SERVICE),
    (StoreError, MEMORY_SERVICE),
    (MemoryExistsError, NOT_ADDED),
    (OperationMismatchError, NOT_ADDED),
    (FrozenMemoryError, NOT_ADDED),
    (ConflictError, NOT_ADDED),
    (UndoRefusedError, NOT_ADDED),
    (LeaseError, NOT_ADDED),
    (ModelMismatchError, NOT_ADDED),
    (InvalidInputError, PARAMETERS),
)


class Refusal(TreememError):
    """A request that is not done, with the code that says why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def code_of(error: TreememError) -> int:
    """Return the code of an error."""
    if isinstance(error, Refusal):
        return error.code
    return next((code for kind, code in ERRORS if isinstance(error, kind)), INTERNAL)


def status_of(code: int) -> int:
    """Return the HTTP status of a code."""
    return 200 if code == OK else STATUS.get(code, 400 if code < 50000 else 500)


def envelope(data: Any, code: int = OK, message: str = "ok", request_id: str = "") -> dict[str, Any]:
    """Return what every answer is wrapped in."""
    return {"code": code, "message": message, "data": data, "request_id": request_id}


#: What pydantic finds wrong, as codes.
_KINDS = {"missing": EMPTY, "too_short": EMPTY_LIST, "string_too_short": EMPTY}


def of_validation(errors: Any) -> tuple[int, str]:
    """Return the code and a sentence for what a request's model found wrong; no value of the request is repeated."""
    told = []
    first = None
    for error in errors:
        place = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
        kind, where = error["type"], ".".join(place) or "body"
        if kind == "value_error" and isinstance(error.get("ctx", {}).get("error"), Refusal):
            refusal = error["ctx"]["error"]
            code, sentence = refusal.code, str(refusal)
        else:
            code = _KINDS.get(kind, TYPE if kind.endswith("_type") or kind.endswith("_parsing") else PARAMETERS)
            if kind.endswith("_type") and error.get("input", 0) is None:
                code = EMPTY
            if kind == "string_too_long" and where == "user_id":
                code = LONG_USER
            if kind == "string_too_long" and where == "conversation_id":
                code = LONG_CONVERSATION
            if where == "relativity" and kind not in ("missing", "float_type"):
                code = RELATIVITY
            sentence = f"{where}: {error['msg']}"
        first = first or code
        told.append(sentence)
    return first or PARAMETERS, "; ".join(dict.fromkeys(told[:5]))
