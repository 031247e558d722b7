"""Archives in Zstandard (extra `zstd`), written and read as a stream.

What a file of a few kilobytes unpacks to has no bound of its own: readers take line after line, none longer than they
bear, and stop at the first that is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from treemem.errors import ConfigError, InvalidInputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: How a file in Zstandard begins: RFC 8878, section 3.1.1.
MAGIC = b"\x28\xb5\x2f\xfd"
#: The byte order mark of UTF-8.
MARK = b"\xef\xbb\xbf"
#: What ends the name of one.
SUFFIX = ".zst"
#: The most memory that a file may ask for to be unpacked, in bytes.
_WINDOW = 1 << 27


def plain(file: IO[bytes]) -> IO[bytes]:
    """Return what a file holds from its beginning, unpacked where it is packed; the file stays open.

    A byte order mark before it, as some editors write one, is passed over.
    """
    file.seek(0)
    head = file.read(len(MAGIC))
    packed = head == MAGIC
    file.seek(len(MARK) if head.startswith(MARK) else 0)
    return cast("IO[bytes]", io.BufferedReader(_Unpacked(file), 1 << 20)) if packed else file


def packing(write: Callable[[IO[bytes]], Any]) -> Callable[[IO[bytes]], Any]:
    """Return what writes the same packed, with a checksum."""
    library = _library()

    def packed(file: IO[bytes]) -> Any:
        compressor = library.ZstdCompressor(level=3, write_checksum=True)
        with compressor.stream_writer(file, closefd=False) as stream:
            return write(stream)

    return packed


class _Unpacked(io.RawIOBase):
    """What a packed file holds, as bytes; raises InvalidInputError where it is damaged."""

    def __init__(self, file: IO[bytes]) -> None:
        library = _library()
        self._error = library.ZstdError
        unpacking = library.ZstdDecompressor(max_window_size=_WINDOW)
        self._stream = unpacking.stream_reader(file, read_across_frames=True, closefd=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except self._error as error:
            raise InvalidInputError(f"Zstandard: {error}; the file is damaged, nothing was read") from error


def _library() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise ConfigError("Zstandard wants a package: pip install 'treemem[zstd]'") from error
    return zstandard
