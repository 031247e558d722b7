"""chat: search, prompt, answer, and writing back what was said."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from treemem.changes import ChangeSet, EdgeAssert, EdgeType
from treemem.chat.answer import ChatAnswer, ChatStream, used_ids
from treemem.chat.prompting import MOST_LINES, Budget, Line, instructions, last_lines, line_of, prompted
from treemem.chat.repeating import Repeated, Told, answered, used_of
from treemem.checks import is_several, known_names, shown, within
from treemem.contents import SHOWN, USED, is_message
from treemem.context import Context
from treemem.errors import InvalidInputError, LLMError, TreememError
from treemem.ids import checked_id
from treemem.ingest.chat import Message, plain_all
from treemem.knowledge.preferences import with_preferences
from treemem.knowledge.tools import with_tools
from treemem.models.llm import LLM, LLMUsage, say, stream
from treemem.read.conversing import messages as logged
from treemem.search.asking import SEARCHED_BY, search
from treemem.search.options import MAX_TOP_K
from treemem.search.results import SearchHit, SearchResult
from treemem.storable import checked_text
from treemem.write.intent import Intent
from treemem.write.messaging import add_messages
from treemem.write.remembering import Remember
from treemem.zones import reading_in, zone_of


def chat(
    ctx: Context,
    message: Any,
    conversation_id: str | None,
    system: str | None,
    top_k: int,
    preferences: int,
    tools: int,
    token_budget: int,
    max_tokens: int,
    count_tokens: Callable[[str], int],
    remember: bool | str,
    streams: bool,
    llm: LLM | None,
    intent: Intent,
    given: Mapping[str, Any],
) -> ChatAnswer | ChatStream:
    """See `TreeTextMemory.chat`."""
    model = llm or ctx.llm
    if model is None:
        raise InvalidInputError(
            "chat asks a language model; name one in the settings (llm), open the memory with llm=, or give llm= here"
        )
    known_names("chat", given, tuple(name for name in SEARCHED_BY if name != "conversation_id"))
    within("token_budget", token_budget, 1, 10_000_000)
    most = int(within("max_tokens", max_tokens, 1, 10_000_000))
    within("top_k", top_k, 1, MAX_TOP_K)
    policy = _policy(remember)
    if conversation_id is not None:
        checked_text(conversation_id, "conversation_id")
    given_messages = _several(message)
    said = _said(given_messages)
    before, question = said[:-1], said[-1].text
    if policy is None and intent.repeatable:
        raise InvalidInputError("operation_id: names what is written, and remember=False writes nothing; leave it out")
    done = None
    if intent.operation_id is not None:
        done = answered(ctx, checked_id(intent.operation_id, "operation_id"), question, conversation_id)
    if done is not None:
        return ChatStream(Told(done.text), (), done.conversation_id, Repeated(done)) if streams else done
    budget = Budget(token_budget, count_tokens)
    earlier = [line for each in before if (line := line_of(each)) is not None]
    if not earlier and conversation_id is not None:
        earlier = _logged(ctx, conversation_id)
    lines, left = last_lines(earlier, budget)
    shown_already = {line.memory_id for line in lines}
    wanted = min(top_k + len(shown_already - {None}), MAX_TOP_K)
    found = search(ctx, question, wanted, conversation_id=conversation_id, **given)
    found = with_preferences(ctx, found, question, preferences, given.get("known_at"))
    found = with_tools(ctx, found, question, tools, given.get("known_at"))
    hits = [hit for hit in found if hit.id not in shown_already][:top_k]
    told = [*filter(None, [system]), *instructions(before), *filter(None, [found.preference_note, found.tool_note])]
    asked = prompted(_last_line(said[-1]), told, lines, hits, found.as_of, left, budget)
    if policy is not None and conversation_id is None:
        conversation_id = f"chat-{intent.operation_id or uuid.uuid4()}"
    quoted = [line.memory_id for line in lines if line.memory_id is not None]
    kept = _Kept(ctx, given_messages, asked.hits, conversation_id, policy, intent, found, quoted)
    if streams:
        pieces = stream(model, asked.system, asked.messages, max_tokens=most)
        return ChatStream(pieces, asked.hits, conversation_id, kept)
    answer = say(model, asked.system, asked.messages, max_tokens=most)
    return kept.whole(answer.text, answer.usage)


class _Kept:
    """Writes question and answer into their conversation, by the policy of what is remembered."""

    def __init__(
        self,
        ctx: Context,
        messages: list[Any],
        hits: Sequence[SearchHit],
        conversation_id: str | None,
        policy: Remember | None,
        intent: Intent,
        found: SearchResult,
        lines: Sequence[str],
    ) -> None:
        self._ctx = ctx
        self._messages = messages
        self._hits = tuple(hits)
        self._conversation = conversation_id
        self._policy = policy
        self._intent = intent
        self._found = found
        #: The messages that the model was shown, as far as they are written.
        self._lines = list(lines)

    def whole(self, text: str, usage: LLMUsage) -> ChatAnswer:
        """Write question and answer; return the answer. Raises LLMError, and writes nothing, where it says nothing."""
        if not text.strip():
            raise LLMError("the model answered nothing, and nothing was written; ask again", "invalid", usage)
        question = answer = None
        used = used_ids(self._hits, self._ctx.cube)
        if self._policy is not None:
            said = {"role": "assistant", "content": text, "metadata": {"info": {USED: list(used)}}}
            if len(self._messages) == 1 and not self._intent.repeatable:
                question, answer = self._add([*self._messages, said], self._anew())
            else:
                ids = self._asked()
                self._lines += ids
                question = ids[-1] if ids else None
                (answer,) = self._add([said], self._anew())
        return ChatAnswer(text, self._hits, used, usage, self._conversation, question, answer, self._found.degraded)

    def broken(self) -> None:
        """Write the question alone."""
        if self._policy is not None:
            self._asked()

    def _asked(self) -> list[str]:
        """Write what was asked; of a window, of which the conversation may have all but the end, what is new."""
        alone = len(self._messages) == 1
        return self._add(self._messages, self._anew("question") if alone else replace(self._intent, operation_id=None))

    def _anew(self, part: str = "") -> Intent:
        """Return an operation whose messages are all new, whatever was said before: the chat's own, or a part of it."""
        given = self._intent.operation_id
        operation = str(uuid.uuid4()) if given is None else f"{given}:{part}" if part else given
        return replace(self._intent, operation_id=operation)

    def _add(self, messages: list[Any], intent: Intent) -> list[str]:
        assert self._policy is not None
        with reading_in(zone_of(self._ctx.config.zone)):
            return add_messages(
                self._ctx,
                messages,
                self._conversation,
                False,
                self._policy,
                "raise",
                intent,
                None,
                {},
                amend=self._derived,
            )

    def _derived(self, part: ChangeSet) -> ChangeSet:
        """Return a change set with edges from the answer to what the model was shown, so that a purge finds it."""
        used = list(used_ids(self._hits, self._ctx.cube))
        said = [s for s in part.states if s.content is not None and is_message(s.content.fields.get("sources") or ())]
        answers = [s for s in said if s.content is not None and used_of(s.content) == used]
        shown_here = [hit.id for hit in self._hits if hit.cube_id in (None, self._ctx.cube)]
        shown_here += [*self._lines, *(s.memory_id for s in said if s not in answers)]
        shown_here += [each.id for each in self._found.preferences]
        shown_here += [i for tool in self._found.tools for i in tool.quoted]
        edges = [
            EdgeAssert(
                EdgeType.DERIVED_FROM,
                state.memory_id,
                memory_id,
                valid_from=state.valid_from,
                planned=True,
                properties={"part": SHOWN},
            )
            for state in answers
            for memory_id in dict.fromkeys(shown_here)
        ]
        return replace(part, edges=(*part.edges, *edges))


def _policy(remember: bool | str) -> Remember | None:
    """Return what of the messages is remembered, None for nothing at all."""
    modes = get_args(Remember)
    if isinstance(remember, bool):
        return "new" if remember else None
    if remember not in modes:
        raise InvalidInputError(f"remember: wanted True, False or one of {', '.join(modes)}, found {shown(remember)}")
    found: Remember = remember  # type: ignore[assignment]
    return found


def _several(message: Any) -> list[Any]:
    """Return what was given as messages; a text is one. Raises InvalidInputError."""
    if isinstance(message, str):
        return [{"role": "user", "content": message}]
    if not is_several(message) or isinstance(message, (bytes, Mapping, type)):
        raise InvalidInputError(f"message: wanted a text or a list of messages, found {type(message).__name__}")
    return list(message)


def _said(messages: list[Any]) -> list[Message]:
    """Return the messages in the plain form, the last of them the user's. Raises InvalidInputError."""

    def refused(position: int, error: TreememError) -> None:
        raise error

    said = [each for _, each in plain_all(messages, refused)]
    if not said or said[-1].role != "user" or not said[-1].text:
        raise InvalidInputError(
            "message: wanted a text, or messages of which the last is the user's and says something"
        )
    return said


def _last_line(message: Message) -> str:
    line = line_of(message)
    assert line is not None
    return line.text


def _logged(ctx: Context, conversation_id: str) -> list[Line]:
    """Return the last lines of a conversation as it is kept."""
    found = []
    for each in logged(ctx, conversation_id, MOST_LINES, None, None):
        line = line_of(Message(each.role, each.content, each.name))
        if line is not None:
            found.append(Line(line.role, line.text, each.id))
    return found
