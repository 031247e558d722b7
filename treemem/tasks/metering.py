"""What a language model takes, counted for one task."""

from __future__ import annotations

from typing import Any

from treemem.errors import LLMError
from treemem.forks import ForkLock
from treemem.models.llm import LLM, LLMAnswer, LLMUsage, M, name_of


class Meter:
    """A language model that counts what it is asked for; an error's own `usage`, where it has one, is counted too.

    It has `look` if the model has.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._lock = ForkLock()
        self._usage = LLMUsage()

    @property
    def name(self) -> str:
        """The model's name."""
        return name_of(self._llm)

    @property
    def usage(self) -> LLMUsage:
        """What all calls took so far."""
        return self._usage

    def ask(self, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
        """Return what the model answers."""
        found: LLMAnswer[M] = self._counted(self._llm.ask, system, user, answer, max_tokens=max_tokens)
        return found

    def __getattr__(self, name: str) -> Any:
        """Return what the model has beside `ask`; `look` is counted as well."""
        found = getattr(self._llm, name)
        if name != "look":
            return found
        return lambda *args, **kwargs: self._counted(found, *args, **kwargs)

    def _counted(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            answer = call(*args, **kwargs)
        except LLMError as error:
            self._count(getattr(error, "usage", None))
            raise
        self._count(getattr(answer, "usage", None))
        return answer

    def _count(self, usage: object) -> None:
        if isinstance(usage, LLMUsage):
            with self._lock:
                self._usage = self._usage + usage
