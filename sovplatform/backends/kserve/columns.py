"""From requests to tensors: one tensor per raw column, float32 or string, of shape [rows, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError

if TYPE_CHECKING:
    import numpy

    Tensors = dict[str, numpy.ndarray[Any, Any]]

NUMBER = "number"
CATEGORY = "category"
MAX_ROWS = 50_000
_TYPES = {"tensor(float)": NUMBER, "tensor(string)": CATEGORY}


def _check_rows(count: int) -> None:
    """One request must not keep the others waiting."""
    if count > MAX_ROWS:
        raise ConfigError(f"a request of {count} rows", remedy=f"send at most {MAX_ROWS} at once")


class Columns:
    """A model's inputs. Every complaint is a ConfigError of one line, and none repeats a value of the request."""

    def __init__(self, inputs: Mapping[str, str]) -> None:
        """`inputs` maps a column to ONNX's name of its tensor type."""
        import numpy

        self._numpy = numpy
        strange = sorted(f"{name} ({kind})" for name, kind in inputs.items() if kind not in _TYPES)
        if strange or not inputs:
            raise ConfigError(
                f"the model's inputs are not columns: {', '.join(strange) or 'none'}", remedy="use float and string tensors"
            )
        self.kinds = {name: _TYPES[kind] for name, kind in inputs.items()}

    def sample(self) -> Tensors:
        """One row with nothing in it."""
        return self.from_instances([{}])

    def from_instances(self, instances: object) -> Tensors:
        """V1: a list of `{column: value}`. A missing number is NaN, a missing category the empty string."""
        if not isinstance(instances, list) or not instances:
            raise ConfigError("instances is not a list with rows in it", remedy='send {"instances": [{COLUMN: VALUE, …}]}')
        kinds = self.kinds
        _check_rows(len(instances))
        for row in instances:
            if not isinstance(row, dict):
                raise ConfigError("an instance is not an object", remedy="send {COLUMN: VALUE, …}")
            if not row.keys() <= kinds.keys():
                raise self._unknown(row.keys() - kinds.keys())
        return {
            name: self._numbers(name, instances) if kind is NUMBER else self._categories(name, instances)
            for name, kind in kinds.items()
        }

    def from_arrays(self, arrays: Sequence[tuple[str, Any]]) -> Tensors:
        """V2: one array per column, of [rows] or [rows, 1], all of the same number of rows."""
        numpy = self._numpy
        given = dict(arrays)
        if not given.keys() <= self.kinds.keys():
            raise self._unknown(given.keys() - self.kinds.keys())
        rows = {len(array) if array.ndim else 0 for array in given.values()}
        if len(rows) != 1 or rows == {0} or len(given) != len(arrays):
            raise ConfigError(
                "the tensors do not have one and the same number of rows", remedy="send [rows, 1] for each column once"
            )
        count = rows.pop()
        _check_rows(count)
        tensors: Tensors = {}
        for name, kind in self.kinds.items():
            if name in given:
                tensors[name] = self._cast(name, kind, given[name], count)
            elif kind is NUMBER:
                tensors[name] = numpy.full((count, 1), numpy.nan, dtype=numpy.float32)
            else:
                tensors[name] = numpy.full((count, 1), "", dtype=object)
        return tensors

    def _numbers(self, name: str, rows: list[dict[str, Any]]) -> Any:
        nan = self._numpy.nan
        values = [[nan if (value := row.get(name)) is None else value] for row in rows]
        for (value,) in values:
            if type(value) is not float and type(value) is not int:
                raise self._mistyped(name, NUMBER, type(value).__name__)
        try:
            return self._numpy.array(values, dtype=self._numpy.float32)
        except OverflowError as err:
            raise self._mistyped(name, NUMBER, "one too large") from err

    def _categories(self, name: str, rows: list[dict[str, Any]]) -> Any:
        values = [["" if (value := row.get(name)) is None else value] for row in rows]
        for (value,) in values:
            if type(value) is not str:
                raise self._mistyped(name, CATEGORY, type(value).__name__)
        self._check_texts(name, [value for (value,) in values])
        return self._numpy.array(values, dtype=object)

    def _cast(self, name: str, kind: str, array: Any, rows: int) -> Any:
        numpy = self._numpy
        if array.size != rows:
            raise ConfigError(f"column {name} has a tensor of shape {list(array.shape)}", remedy="send [rows, 1]")
        if kind is NUMBER:
            if array.dtype.kind not in "fiu":
                raise self._mistyped(name, NUMBER, str(array.dtype))
            return array.astype(numpy.float32).reshape(rows, 1)
        if array.dtype.kind not in "OSU":
            raise self._mistyped(name, CATEGORY, str(array.dtype))
        try:
            texts = [value.decode() if isinstance(value, bytes) else value for value in array.reshape(-1).tolist()]
        except UnicodeDecodeError as err:
            raise self._mistyped(name, CATEGORY, "bytes that are not UTF-8") from err
        if not all(isinstance(text, str) for text in texts):
            raise self._mistyped(name, CATEGORY, "something else")
        self._check_texts(name, texts)
        return numpy.array(texts, dtype=object).reshape(rows, 1)

    def _check_texts(self, name: str, texts: Sequence[str]) -> None:
        """Half of a surrogate pair is text to Python; ONNX Runtime fails on it, which would be held against the model."""
        try:
            "".join(texts).encode()
        except UnicodeEncodeError as err:
            raise self._mistyped(name, CATEGORY, "text that is not Unicode") from err

    def _unknown(self, names: set[str]) -> ConfigError:
        return ConfigError(
            f"the model has no column {', '.join(sorted(map(str, names))[:5])}",
            remedy=f"send {', '.join(sorted(self.kinds)[:40])}",
        )

    @staticmethod
    def _mistyped(name: str, wanted: str, got: str) -> ConfigError:
        text = "text" if wanted is CATEGORY else "a number"
        return ConfigError(f"column {name} is a {wanted}, not {got}", remedy=f"send {text} or null")
