"""What pydantic says of a value, in the words of who wrote it: what is wrong, and what to write instead."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

_WANTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "a mapping of keys to values",
    "mapping": "a mapping of keys to values",
    "model": "a mapping of keys to values",
}
_LIMITS = {"greater_than": ("gt", "over"), "greater_than_equal": ("ge", "at least"), "less_than": ("lt", "under")}
_LIMITS |= {"less_than_equal": ("le", "at most")}

JURISDICTION = "^[A-Z]{2}$"
_FORMS = {
    JURISDICTION: "use an ISO 3166-1 alpha-2 country code, such as DE, FR or CH",
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": "use lower-case letters, digits and '-', at most 63, "
    "beginning and ending with a letter or digit",
    r"^1\.\d+$": 'write a version of Kubernetes in quotes, such as "1.33": a 1, a point, and the minor version',
}
"""What to write where a form is asked for, by its pattern."""


def path_of(loc: tuple[str | int, ...]) -> str:
    """`("regions", 0, "name")` as `regions[0].name`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def described(detail: ErrorDetails, form: str = "") -> tuple[str, str]:
    """What is wrong with a value, to be read after its name, and the remedy. `form` says what is asked for, where known."""
    kind, value, context = detail["type"], detail.get("input"), detail.get("ctx", {})
    message = f"is {_show(value)}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        remedy = f"give a number {words} {context[key]:g}"
    elif kind in ("literal_error", "enum"):
        remedy = f"write {context['expected']}"
    elif kind == "string_pattern_mismatch":
        message += ", which is no jurisdiction" if context["pattern"] == JURISDICTION else ""
        remedy = f"write {form}" if form else _FORMS.get(context["pattern"], f"write it in the form {context['pattern']}")
    elif kind == "too_short":
        message, remedy = "is empty", "list at least one"
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        message, remedy = "has no `type` that is known", "write `type: number` or `type: category`"
    elif kind == "value_error":
        remedy = str(context.get("error", detail["msg"]))
    elif kind.split("_")[0] in _WANTED:
        quotes = "; put it in quotes" if kind.startswith("string") and isinstance(value, bool | int | float) else ""
        remedy = f"give {_WANTED[kind.split('_')[0]]}{quotes}"
    else:
        remedy = detail["msg"][:1].lower() + detail["msg"][1:]
    return message, remedy


def _show(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…'"
