"""Extract the schemas of the resource types that we use from prebuilt provider wheels: no Node, no Terraform, no network.

    python cdktf/schema/extract.py WHEEL… --types cdktf/schema/types.txt --out cdktf/schema

A wheel of `cdktn-provider-NAME` holds `_jsii/*.tgz`. Its `.jsii` assembly (JSON) tells the names, and what is optional; the
generated module of each type, `package/lib/TYPE/index.js`, tells that and more: set or list, attribute or block, computed,
write-only. `generated.py` reads it. What neither tells: which attributes are sensitive, and bounds of a block's number other
than "at least one" and "at most one".

The words of the files are those of `terraform providers schema -json`. To add a type: a line in `types.txt`, and run this again.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generated import PARENT, Module, Unreadable

_OURS = re.compile(r"terraformResourceType: '(\w+)'")


def wanted(path: Path) -> dict[str, set[str]]:
    """The types by provider. `data.TYPE` is a data source."""
    types: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        for name in line.partition("#")[0].split():
            types.setdefault(name.removeprefix("data.").partition("_")[0], set()).add(name)
    return types


def modules(wheel: Path) -> Iterator[tuple[str, str, str]]:
    """Each generated module: its folder, its code and its declarations."""
    with zipfile.ZipFile(wheel) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".tgz"))
        code: dict[str, dict[str, str]] = {}
        with tarfile.open(fileobj=io.BytesIO(archive.read(inner)), mode="r:gz") as packed:
            for member in packed:
                match = re.fullmatch(r"package/lib/([\w-]+)/(?:index-structs/)?\w+\.(js|d\.ts)", member.name)
                stream = packed.extractfile(member) if match else None
                if match and stream:
                    text = stream.read().decode().partition("//# sourceMappingURL")[0]
                    suffixes = code.setdefault(match[1], {})
                    suffixes[match[2]] = suffixes.get(match[2], "") + text
    for folder, texts in code.items():
        yield folder, texts.get("js", ""), texts.get("d.ts", "")


def extract(wheel: Path, types: Mapping[str, set[str]]) -> tuple[str, dict[str, Any], set[str]]:
    """The provider's name, its schema file, and which of the wanted types it has not."""
    distribution, version = wheel.name.split("-")[:2]
    provider = distribution.rpartition("_")[2]
    missing = set(types.get(provider, ()))
    found: dict[str, Any] = {"resource_schemas": {}, "data_source_schemas": {}}
    for folder, code, declarations in modules(wheel):
        match = _OURS.search(code)
        if match is None:
            continue
        parent = PARENT.search(code)
        kind = parent[2] if parent else ""
        name = f"data.{match[1]}" if kind == "TerraformDataSource" else match[1]
        try:
            if kind == "TerraformProvider":
                found["provider"] = Module(code, declarations).schema()
                found["version"] = _text(r"providerVersion: '([^']+)'", code)
            elif kind and name in missing:
                target = found["data_source_schemas" if name.startswith("data.") else "resource_schemas"]
                target[match[1]] = Module(code, declarations).schema()
                missing.discard(name)
        except (Unreadable, KeyError, ValueError) as err:
            raise SystemExit(f"error: {wheel.name}: {folder} ({name}): cannot read the generated code: {err}") from err
    found |= {"source": f"hashicorp/{provider}", "extracted_from": f"{distribution.replace('_', '-')} {version}"}
    return provider, found, missing


def _text(pattern: str, code: str) -> str:
    match = re.search(pattern, code)
    return match[1] if match else ""


def write(path: Path, schema: Mapping[str, Any]) -> None:
    """One type on one line: small, and a change of a provider is read in a diff."""
    lines = []
    for key in sorted(schema):
        if key.endswith("_schemas"):
            rows = ",\n".join(f"{json.dumps(name)}:{_compact(schema[key][name])}" for name in sorted(schema[key]))
            lines.append(f"{json.dumps(key)}:{{\n{rows}\n}}")
        else:
            lines.append(f"{json.dumps(key)}:{_compact(schema[key])}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Extract the schemas of the types that we use from prebuilt provider wheels.")
    parser.add_argument("wheels", nargs="+", type=Path, metavar="WHEEL")
    parser.add_argument("--types", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    types = wanted(options.types)
    unknown: set[str] = set()
    for wheel in options.wheels:
        provider, schema, missing = extract(wheel, types)
        write(options.out / f"{provider}.json", schema)
        unknown |= missing
        print(
            f"{provider}: {schema['source']} {schema.get('version')}, {len(schema['resource_schemas'])} resource types",
            file=sys.stderr,
        )
    for name in sorted(unknown):
        print(f"error: {name} does not exist in this version of its provider", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
