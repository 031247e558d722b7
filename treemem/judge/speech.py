"""What a text plainly says: short sentences that its speaker asserts, in clauses. Anything else changes nothing.

People say what they assert of themselves in short sentences. A long text, or one with a word or a sign of a quotation,
a report, an invention, a wish or a question, is not read at all; what is left out that way is only found less often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from treemem.forks import cached
from treemem.language import Pack, fitting, tokens

#: Characters of a text, characters of a sentence, and sentences, beyond which a text is not read.
LONGEST_TEXT, LONGEST_SENTENCE, MOST_SENTENCES = 400, 160, 3
#: Signs of quotation, markup, code, an aside, or a question; and those of a looser reading.
_SIGNS = frozenset('"“”„‟«»‹›‘「」『』《》〈〉【】`>*_#|=<[]{}\\?？~^…()（）—•\t\r\n')
_LOOSE_SIGNS = frozenset('"“”„‟«»‹›‘「」『』《》〈〉【】`>*_#|=<[]{}\\?？~^…•\t🎵♪')
_COLON = re.compile(r"(?<!\d)[:：](?!\d)|[:：](?!\d\d)")
_OPENING = re.compile(r"(?<![\w])['’]")
_DOTS = re.compile(r"\.\.|\s[-–]{1,3}\s|//")
#: A colon that brings somebody's words, or a list.
_SPOKEN = re.compile(r"[:：](?!\d\d)\s{0,3}\S{1,40}\s{1,3}\S|\.\.|//|\s->\s")
_EMOTICON = re.compile(r"[:;]-?[()DPp](?=\s|$|[.,!])")
_DOUBLED = re.compile(r"([.!;?])\s{0,2}\.(?!\w)")
#: A line in the middle of a name: "forum_name".
_JOINED = re.compile(r"(?<=\w)_(?=\w)")
#: Where a sentence ends, for telling those that ask from those that say something.
_SENTENCE = re.compile(r"(?<=[.!;?？])\s+|(?<=[。！；？])")
_STOP = re.compile(r"[.!;](?:\s|$)|[。！；]")
_BREAK = re.compile(r"[.!;](?:\s|$)|[。！；，,、()（）]|\s[-–—]{1,3}\s|—|\n|[:：](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause without adverbs and leads, and whether it says that it is so now, as it was not before."""

    text: str
    now: bool


class Speech:
    """What one text says, read as far as it is asked for. `pack` is the language that reads it."""

    def __init__(self, text: str) -> None:
        self.text = text if len(text) <= LONGEST_TEXT else ""
        said = tokens(self.text)
        self.pack, *self._others = fitting(self.text, said)
        spelled = self.pack.rewritten("spelled", self.text.replace("’", "'"))
        #: Its words as they are written, and as the forms spell them: "dont" has a "not".
        self.said = said if spelled == self.text else [*said, *tokens(spelled)]

    @cached
    def _parted(self) -> tuple[str, str]:
        """The sentences that say something, and those that ask for something: questions and requests."""
        whole = self._without_lead(self.text.strip().replace("’", "'"))
        whole = self.pack.rewritten("colons", whole)
        whole = _DOUBLED.sub(r"\1", self.pack.pattern("asides").sub(".", whole)).lstrip(" .")
        parts: tuple[list[str], list[str]] = ([], [])
        for sentence in _SENTENCE.split(whole):
            if sentence.endswith(("?", "？")):
                begins = self.pack.pattern("asking").search(sentence)
                said, asked = (sentence[: begins.start()], sentence[begins.end() :]) if begins else ("", sentence)
                told = said and not self.pack.pattern("condition").search(said)
                if told:
                    parts[0].append(said + ".")
                parts[1].append(asked if told else sentence)
            else:
                parts[self.pack.pattern("request").match(sentence) is not None].append(sentence)
        return " ".join(parts[0]).strip(), " ".join(parts[1])

    @property
    def saying(self) -> str:
        """The sentences that say something."""
        return self._parted[0]

    @cached
    def _asks_of_words(self) -> bool:
        """Whether what is asked is about words and not the world: "Translate this", "a poem, please"."""
        return self._has(self._parted[1], "unsure")

    def unsure(self, text: str) -> bool:
        """Return whether a text has a word of a report, a wish, an invention and the like, of any language it is in."""
        return self._has(text, "unsure", "polite")

    def _has(self, text: str, *names: str) -> bool:
        folded, said = text.casefold(), tokens(text)
        return any(pack.says(name, folded, said) for pack in (self.pack, *self._others) for name in names)

    @cached
    def sentences(self) -> tuple[str, ...]:
        """The sentences of a text that is nothing but what its speaker asserts; none of any other."""
        text = self.saying
        if not text or not _SIGNS.isdisjoint(text) or any(p.search(text) for p in (_COLON, _OPENING, _DOTS)):
            return ()
        plain = self.pack.rewritten("spelled", text)
        if self.unsure(plain) or self._asks_of_words:
            return ()
        found = tuple(part for raw in _STOP.split(plain) if (part := raw.strip(" ,")))
        return found if len(found) <= MOST_SENTENCES and all(len(s) <= LONGEST_SENTENCE for s in found) else ()

    @cached
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses of these sentences, in the form that the forms of a language describe."""
        return tuple(clause for sentence in self.sentences for clause in clauses_of(self.pack, sentence))

    @cached
    def opening(self) -> tuple[Clause, ...]:
        """The clauses of the first sentence; of the second one where the first is a lead of few words."""
        first = tuple(clauses_of(self.pack, self.sentences[0])) if self.sentences else ()
        if first or len(self.sentences) < 2 or len(self.sentences[0].split()) > 3:
            return first
        return tuple(clauses_of(self.pack, self.sentences[1]))

    @cached
    def loose(self) -> tuple[str, ...]:
        """The clauses of a looser reading, broken at every comma, aside and "and", as they are said."""
        return self._loose(tolerant=False)

    @cached
    def tolerant(self) -> tuple[str, ...]:
        """The same of an older text, where words that only say more ("also") are passed over."""
        return self._loose(tolerant=True)

    @cached
    def spoken(self) -> str:
        """The text of the looser reading; nothing where a sign says that its speaker does not simply say it."""
        plain = _EMOTICON.sub(" ", self.saying)
        text = _JOINED.sub(" ", plain)
        unclear = not _LOOSE_SIGNS.isdisjoint(text) or _OPENING.search(text) or _SPOKEN.search(text)
        return "" if unclear else plain

    def _loose(self, *, tolerant: bool) -> tuple[str, ...]:
        if not self.spoken:
            return ()
        plain = self.pack.rewritten("spelled", self.spoken)
        if self.unsure(self.pack.pattern("tolerated").sub(" ", plain) if tolerant else plain) or self._asks_of_words:
            return ()
        parts = (part for whole in _BREAK.split(plain) for part in self.pack.pattern("joins").split(whole))
        return tuple(part for raw in parts if (part := raw.strip(" ,.!。！")))

    def _without_lead(self, text: str) -> str:
        """Return a text without a lead that ends with a colon: "Update: ..."; other words there are refused."""
        head, colon, rest = text.partition("：" if "：" in text[:20] else ":")
        return rest.strip() if colon and head.strip().casefold() in self.pack.words("leads") else text


def clauses_of(pack: Pack, sentence: str) -> Iterator[Clause]:
    """Yield the clauses of a sentence; one without a subject has that of the one before, or is the speaker's."""
    now = False
    for _ in range(2):
        match = pack.pattern("lead").match(sentence)
        if match is None or match.end() == len(sentence):
            break
        now = now or match.group().strip(" ,").casefold() in pack.words("now_leads")
        sentence = sentence[match.end() :]
    if not pack.pattern("dated").search(sentence):
        sentence = pack.rewritten("times", sentence)
    subject = ""
    for raw in pack.pattern("clauses").split(sentence):
        clause = _plain(pack, raw.strip(), now)
        if not clause.text:
            now = clause.now
            continue
        now = False
        first = pack.pattern("no_subject_before").match(clause.text)
        if subject and first is not None and not clause.text.startswith(subject):
            clause = Clause(subject + (" " if pack.spaced else "") + clause.text, clause.now)
        elif not subject:
            lower = clause.text[:1].lower() + clause.text[1:]
            told = pack.rewritten("unsaid", lower)
            clause = clause if told == lower else Clause(told, clause.now)
        found = pack.pattern("subject").match(clause.text)
        subject = found.group().strip() if found else subject
        yield clause


def _plain(pack: Pack, text: str, now: bool) -> Clause:
    """Return a clause in base forms, without adverbs; `now` is whether it is known to be so now only."""
    text, found = pack.pattern("now").subn("", f" {text} " if pack.spaced else text)
    text = pack.pattern("dropped").sub("", text)
    if pack.spaced:
        bases = pack.mapped("bases")
        text = " ".join(bases.get(word[:1].lower() + word[1:], word) for word in text.split())
    now = now or found > 0 or pack.pattern("now_not").search(text) is not None
    return Clause(pack.rewritten("rewrites", text).strip(), now)
