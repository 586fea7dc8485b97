"""The module that a generator made of one Terraform type, as regular as a table, in the words of a provider's schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

META_ARGUMENTS = frozenset({"alias"})
PARENT = re.compile(r"^class (\w+) extends cdktn\.(Terraform(?:Resource|DataSource|Provider)) \{", re.M)
_CLASS = re.compile(r"^class (\w+) extends cdktn\.\w+ \{\n(.*?)^\}", re.M | re.S)
_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
_MEMBER = re.compile(
    r"^    // (\S+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*?)(?=^    // \S+ - computed: |\Z)", re.M | re.S
)
_ENTRY = re.compile(
    r'^ +"?([\w-]+)"?: \{\n +value: (.*),\n +isBlock: (\w+),\n +type: "(\w+)",\n +storageClassType: "([^"]*)",', re.M
)
_PROPERTY = re.compile(r"#(\w+) \w+#\w+\}\n(?:(?!    readonly).*\n)*?    readonly \w+(\??):")
_INTERFACE = re.compile(r"^export interface (\w+) (?:extends [\w.]+ )?\{\n(.*?)^\}", re.M | re.S)
_SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}


class Unreadable(Exception):
    """The generated code is not what this tool knows: say so, rather than extract half a schema."""


@dataclass(frozen=True)
class Entry:
    """How one attribute or block is written out."""

    value: str
    kind: str
    storage: str


@dataclass(frozen=True)
class Member:
    """How one attribute or block may be used, and what its getter says of its type."""

    flags: Mapping[str, bool]
    body: str


class Module:
    """The generated module of one type, and the modules of its nested structures."""

    def __init__(self, code: str, declarations: str) -> None:
        self.classes = {match[1]: match[2] for match in _CLASS.finditer(code)}
        self.functions = {match[1]: match[2] for match in _FUNCTION.finditer(code)}
        self.interfaces = {match[1]: dict(_PROPERTY.findall(match[2])) for match in _INTERFACE.finditer(declarations)}
        parent = PARENT.search(code)
        if parent is None:
            raise Unreadable("no resource class")
        self.name = parent[1]

    def schema(self) -> dict[str, Any]:
        body = self.classes[self.name]
        return self._block(
            self._members(body), body[body.index("synthesizeHclAttributes()") :] if "synthesizeHclA" in body else ""
        )

    def _members(self, body: str) -> dict[str, Member]:
        found = {}
        for name, computed, optional, required, rest in _MEMBER.findall(body):
            flags = {"computed": computed, "optional": optional, "required": required}
            found[name] = Member({flag: True for flag, told in flags.items() if told == "true"}, rest)
        return found

    def _block(self, members: Mapping[str, Member], written: str) -> dict[str, Any]:
        """A block's schema. The generator lists attributes by name and then blocks by name, which tells what a struct is."""
        entries = {name: Entry(value, kind, storage) for name, value, _, kind, storage in _ENTRY.findall(written)}
        first_block = self._first_block(list(entries), entries)
        block: dict[str, Any] = {"attributes": {}, "block_types": {}}
        for name in sorted(members.keys() | entries.keys()):
            member, entry = members.get(name), entries.get(name)
            if name in META_ARGUMENTS:
                continue
            if entry is None:
                block["attributes"][name] = {"type": self._computed_type(name, members[name]), "computed": True}
            elif entry.storage[0].islower():
                block["attributes"][name] = {"type": self._type(entry), **_flags(member), **_write_only(entry)}
            elif list(entries).index(name) >= first_block:
                block["block_types"][name] = self._nested_block(entry, _flags(member))
            else:
                block["attributes"][name] = {**self._nested_attribute(entry), **_flags(member), **_write_only(entry)}
        return {key: value for key, value in block.items() if value}

    def _first_block(self, names: list[str], entries: Mapping[str, Entry]) -> int:
        """The index of the first block among the names. What could be either at the border is a block."""
        first = len(names)
        while first and entries[names[first - 1]].storage[0].isupper() and "Hcl, false)" not in _shape(entries[names[first - 1]]):
            if first < len(names) and names[first - 1] > names[first]:
                break
            first -= 1
        return first

    def _nested_block(self, entry: Entry, flags: Mapping[str, bool]) -> dict[str, Any]:
        mapped = "Mapper" in entry.value
        nesting = "single" if entry.kind == "struct" else entry.kind
        bounds = {"min_items": 1} if flags.get("required") and nesting != "single" else {}
        if nesting != "single" and not mapped:
            bounds["max_items"] = 1
        return {"nesting_mode": nesting, **bounds, "block": self._struct(entry)}

    def _nested_attribute(self, entry: Entry) -> dict[str, Any]:
        struct, nesting = self._struct(entry), "single" if entry.kind == "struct" else entry.kind
        if "undefined ? null :" not in self.functions[_struct_function(entry)]:
            return {"nested_type": {"attributes": struct.get("attributes", {}), "nesting_mode": nesting}}
        return {"type": [nesting, ["object", {name: _plain(spec) for name, spec in struct["attributes"].items()}]]}

    def _struct(self, entry: Entry) -> dict[str, Any]:
        function = _struct_function(entry)
        if function not in self.functions:
            raise Unreadable(f"no function {function}ToHclTerraform")
        struct = function[0].upper() + function[1:]
        body = self.classes.get(f"{struct}OutputReference")
        members = self._members(body) if body is not None else self._declared(struct)
        return self._block(members, self.functions[function])

    def _declared(self, struct: str) -> dict[str, Member]:
        """A provider's nested blocks have no getters: what is optional is told by their declaration alone."""
        return {
            name: Member({"optional": True} if optional else {"required": True}, "")
            for name, optional in self.interfaces[struct].items()
        }

    def _type(self, entry: Entry) -> Any:
        inner = re.findall(r"(listMapperHcl|hashMapperHcl)\(|cdktn\.(string|number|boolean|any)ToHclTerraform", entry.value)
        scalar = next((scalar for _, scalar in inner if scalar), "")
        if not scalar:
            raise Unreadable(entry.value)
        if scalar == "any":
            return "dynamic"
        shape: Any = _SCALARS[scalar]
        mappers = [mapper for mapper, _ in inner if mapper]
        for depth, mapper in reversed(list(enumerate(mappers))):
            outer = "map" if mapper == "hashMapperHcl" else "list"
            shape = [entry.kind if depth == 0 and outer == "list" else outer, shape]
        return shape

    def _computed_type(self, name: str, member: Member) -> Any:
        """The type of what only the provider sets."""
        made = re.search(r"new (?:\w+_\d+\.)?(\w+?)(List|Map)?(OutputReference)?\(this, [\"']\w+[\"'](?:, (\w+))?\)", member.body)
        if made:
            attributes = self._members(self.classes[f"{made[1]}OutputReference"])
            shape: Any = ["object", {key: self._computed_type(key, nested) for key, nested in sorted(attributes.items())}]
            if made[2] == "Map":
                return ["map", shape]
            return [("set" if made[4] == "true" else "list"), shape] if made[2] else shape
        library = re.search(r"new cdktn\.(String|Number|Boolean|Any)(Map)?(List)?\(", member.body)
        if library:
            shape = _SCALARS[library[1].lower()]
            for found, outer in ((library[2], "map"), (library[3], "list")):
                shape = [outer, shape] if found else shape
            return shape
        kind = "set" if "Fn.tolist(" in member.body else "list"
        getters: tuple[tuple[str, Any], ...] = (
            ("getStringAttribute", "string"),
            ("getNumberAttribute", "number"),
            ("getBooleanAttribute", "bool"),
            ("getListAttribute", [kind, "string"]),
            ("getNumberListAttribute", [kind, "number"]),
            ("getStringMapAttribute", ["map", "string"]),
            ("getNumberMapAttribute", ["map", "number"]),
            ("getBooleanMapAttribute", ["map", "bool"]),
            ("getAnyMapAttribute", "dynamic"),
            ("interpolationForAttribute", "dynamic"),
        )
        for getter, told in getters:
            if getter in member.body:
                return told
        raise Unreadable(f"the getter of {name}")


def _shape(entry: Entry) -> str:
    return re.sub(r"(?:\w+_\d+\.)?\w+ToHclTerraform, false\)", "Hcl, false)", entry.value)


def _struct_function(entry: Entry) -> str:
    return str(re.findall(r"(\w+)ToHclTerraform", entry.value)[0])


def _flags(member: Member | None) -> dict[str, bool]:
    return {"optional": True} if member is None else dict(member.flags)


def _write_only(entry: Entry) -> dict[str, bool]:
    return {"write_only": True} if "markWriteOnlyAttribute" in entry.value else {}


def _plain(spec: Mapping[str, Any]) -> Any:
    """An attribute's type inside an object, where nested attributes are objects themselves."""
    if "type" in spec:
        return spec["type"]
    nested = spec["nested_type"]
    shape = ["object", {name: _plain(inner) for name, inner in nested["attributes"].items()}]
    return shape if nested["nesting_mode"] == "single" else [nested["nesting_mode"], shape]
