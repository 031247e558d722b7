"""Tables of `neo4j-admin database import full` as Parquet: numbers and truth values with their types, the rest as text.

The tool takes no column of lists from Parquet, so that lists, vectors among them, are texts as in CSV; so are times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from treemem.errors import ConfigError
from treemem.exchange.fields import listed

#: Rows that are held before they are written: one group of a file.
_GROUP = 2_000


class ParquetTable:
    """One file of rows: the keys of a node or a relationship, then its properties. Raises ConfigError."""

    def __init__(self, file: IO[bytes], keys: tuple[str, ...], columns: Mapping[str, str]) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise ConfigError("Parquet is written with pyarrow; pip install 'treemem[parquet]'") from error
        types = {"long": pyarrow.int64(), "double": pyarrow.float64(), "boolean": pyarrow.bool_()}
        self._kinds = dict(columns)
        named = [
            (name if kind in types else f"{name}:{kind}", types.get(kind, pyarrow.string()))
            for name, kind in columns.items()
        ]
        self._schema = pyarrow.schema([*((key, pyarrow.string()) for key in keys), *named])
        self._table = pyarrow.table
        self._array = pyarrow.array
        self._writer = parquet.ParquetWriter(file, self._schema, compression="snappy")
        self._rows: list[tuple[Any, ...]] = []

    def write(self, keys: tuple[str, ...], properties: Mapping[str, Any]) -> None:
        """Add a row."""
        said = (listed(kind, properties.get(name)) for name, kind in self._kinds.items())
        self._rows.append((*keys, *said))
        if len(self._rows) >= _GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [self._array(c, field.type) for c, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(self._table(arrays, schema=self._schema))
            self._rows.clear()
