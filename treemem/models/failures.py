"""What a model raises, whoever wrote it, becomes an error of treemem's with the original as its cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from treemem.errors import TreememError

R = TypeVar("R")
_MAX_CHARACTERS = 300


def answered(call: Callable[[], R], failed: Callable[[str], TreememError]) -> R:
    """Return what a call of a model returns; raise `failed(what it said)` for whatever it raises.

    Errors of treemem pass as they are, and so does what tells a program to stop: KeyboardInterrupt, SystemExit,
    GeneratorExit and the cancelling of a task. Other BaseExceptions, such as the panic of a Rust library, count as
    failures.
    """
    try:
        return call()
    except (TreememError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        from asyncio import CancelledError

        if isinstance(error, CancelledError):
            raise
        raise failed(said(error)) from error


def said(error: BaseException) -> str:
    """Return the kind of an error and its message in one line of at most 300 characters."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # its __str__ is the user's code, too
        message = ""
    return f"{type(error).__name__}: {message}"[:_MAX_CHARACTERS] if message else type(error).__name__
