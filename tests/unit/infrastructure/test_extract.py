"""The tool that takes schemas out of provider wheels, on a wheel made here, and the files that it made."""

import importlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sovplatform.infrastructure import schema

SCHEMAS = Path(__file__).parents[3] / "cdktf" / "schema"

CODE = """
function toyThingDoorToHclTerraform(struct) {
    const attrs = {
        key_id: {
            value: cdktn.stringToHclTerraform(struct.keyId),
            isBlock: false,
            type: "simple",
            storageClassType: "string",
        },
    };
}
class ToyThingDoorOutputReference extends cdktn.ComplexObject {
    // key_id - computed: false, optional: false, required: true
    get keyId() {
        return this.getStringAttribute('key_id');
    }
}
class ToyThing extends cdktn.TerraformResource {
    constructor(scope, id, config) {
        super(scope, id, {
            terraformResourceType: 'toy_thing',
        });
    }
    // arn - computed: true, optional: false, required: false
    get arn() {
        return this.getStringAttribute('arn');
    }
    // rooms - computed: false, optional: true, required: false
    get rooms() {
        return cdktn.Fn.tolist(this.getListAttribute('rooms'));
    }
    // secret_wo - computed: false, optional: true, required: false
    get secretWo() {
        return this.getStringAttribute('secret_wo');
    }
    // door - computed: false, optional: false, required: true
    _door = new ToyThingDoorOutputReference(this, "door");
    synthesizeHclAttributes() {
        const attrs = {
            rooms: {
                value: cdktn.listMapperHcl(cdktn.stringToHclTerraform, false)(this._rooms),
                isBlock: false,
                type: "set",
                storageClassType: "stringList",
            },
            secret_wo: {
                value: this.markWriteOnlyAttribute(cdktn.stringToHclTerraform(this._secretWo)),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            door: {
                value: toyThingDoorToHclTerraform(this._door.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "ToyThingDoorList",
            },
        };
    }
}
"""


@pytest.fixture(scope="module")
def extract() -> Iterator[ModuleType]:
    """As the tool finds its modules when it is run as a program: in its own directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCHEMAS)
        yield importlib.import_module("extract")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/lib/thing/index.js")
        info.size = len(CODE.encode())
        archive.addfile(info, io.BytesIO(CODE.encode()))
    path = tmp_path / "cdktn_provider_toy-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as outer:
        outer.writestr("cdktn_provider_toy/_jsii/provider-toy@1.2.0.jsii.tgz", packed.getvalue())
    return path


def test_a_type_is_extracted_with_its_blocks_and_flags(extract: ModuleType, wheel: Path, tmp_path: Path) -> None:
    types = tmp_path / "types.txt"
    types.write_text("toy_thing  # the only one\n")
    assert extract.main([str(wheel), "--types", str(types), "--out", str(tmp_path)]) == 0
    made = json.loads((tmp_path / "toy.json").read_text())
    assert made["extracted_from"] == "cdktn-provider-toy 1.2.0"
    assert made["resource_schemas"]["toy_thing"] == {
        "attributes": {
            "arn": {"type": "string", "computed": True},
            "rooms": {"type": ["set", "string"], "optional": True},
            "secret_wo": {"type": "string", "optional": True, "write_only": True},
        },
        "block_types": {
            "door": {
                "nesting_mode": "list",
                "min_items": 1,
                "max_items": 1,
                "block": {"attributes": {"key_id": {"type": "string", "required": True}}},
            }
        },
    }


def test_a_type_that_does_not_exist_is_reported_by_name(
    extract: ModuleType, wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    types = tmp_path / "types.txt"
    types.write_text("toy_thing\ntoy_ghost\n")
    assert extract.main([str(wheel), "--types", str(types), "--out", str(tmp_path)]) == 1
    assert "toy_ghost does not exist" in capsys.readouterr().err


def test_every_listed_type_has_its_schema(extract: ModuleType) -> None:
    wanted = extract.wanted(SCHEMAS / "types.txt")
    assert set(wanted) == set(schema.providers())
    for provider, names in wanted.items():
        found = schema.load(provider)
        assert set(found["resource_schemas"]) | {f"data.{name}" for name in found["data_source_schemas"]} == names


def test_the_schemas_know_the_european_sovereign_cloud() -> None:
    version = tuple(int(part) for part in schema.load("aws")["version"].split("."))
    assert version >= (6, 29)
