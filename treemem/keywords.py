"""Names of arguments: unknown, missing and double ones are refused in a sentence that names the nearest known one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from treemem.checks import known_names
from treemem.errors import InvalidInputError

T = TypeVar("T")
Names = Callable[[Sequence[Any], Mapping[str, Any]], None]


def checked_names(owner: type[T], only: Collection[str] = ()) -> type[T]:
    """Return a class that refuses wrong names of arguments: its own `__init__`, public methods and class methods.

    Or `only` those named. Without it Python raises TypeError, which is no TreememError.
    """
    for name, member in list(vars(owner).items()):
        if (name.startswith("_") and name != "__init__") or (only and name not in only):
            continue
        if isinstance(member, classmethod):
            called = f"{owner.__name__}.{name}"
            setattr(owner, name, classmethod(_checked(called, member.__func__)))
        elif inspect.isfunction(member):
            setattr(owner, name, _checked(owner.__name__ if name == "__init__" else name, member))
    return owner


def _checked(called: str, function: Callable[..., Any]) -> Callable[..., Any]:
    check = names_of(called, function)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wait(owner: Any, *args: Any, **kwargs: Any) -> Any:
            check(args, kwargs)
            return await function(owner, *args, **kwargs)

        return wait
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def step(owner: Any, *args: Any, **kwargs: Any) -> Any:
            check(args, kwargs)
            async for each in function(owner, *args, **kwargs):
                yield each

        return step

    @functools.wraps(function)
    def call(owner: Any, *args: Any, **kwargs: Any) -> Any:
        check(args, kwargs)
        return function(owner, *args, **kwargs)

    return call


def names_of(called: str, function: Callable[..., Any]) -> Names:
    """Return what raises InvalidInputError for arguments of a method that it does not take; `called` is its name."""
    given = list(inspect.signature(function).parameters.values())[1:]
    named = [p for p in given if p.kind is not p.VAR_KEYWORD]
    known = [p.name for p in named]
    order = [p.name for p in named if p.kind is p.POSITIONAL_OR_KEYWORD]
    takes_any = len(given) > len(named)
    required = [p.name for p in named if p.default is p.empty]

    def check(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        if not takes_any:
            known_names(called, kwargs, known)
        if len(args) > len(order):
            raise InvalidInputError(
                f"{called}: wanted at most {len(order)} arguments without a name, found {len(args)}"
            )
        twice = [each for each in order[: len(args)] if each in kwargs]
        missing = [each for each in required if each not in order[: len(args)] and each not in kwargs]
        if twice or missing:
            what = f"{twice[0]} is given twice" if twice else f"{missing[0]} is missing"
            raise InvalidInputError(f"{called}: {what}; it takes {', '.join(known)}")

    return check
