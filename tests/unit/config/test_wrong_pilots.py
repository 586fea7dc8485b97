"""Every wrong pilot.yaml gets one error that names file, line and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sovplatform import config
from sovplatform.errors import EXIT_USAGE, ConfigError

ADA = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
BOB = "AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"

TO_FILL_IN = {"source that cannot be read", "missing file", "not a key", "a key cut short", "rules that do not exist"}
"""What a pilot may lack while it is planned and priced: data, rules and people."""
OF_PLACES = {
    "unknown provider",
    "jurisdiction that does not exist",
    "sovereign like global",
    "two regions of one name",
    "a name that the key service keeps",
    "a name that the journal has",
    "dataset in the global region",
    "label that forbids its own region",
}
"""What no plan may be made of."""

WRONG = {
    # name: (old, new, line, in the message, in the remedy)
    "unknown key": ("jurisdiction: DE", "jurisdicton: DE", 5, "unknown key 'jurisdicton' in regions[0]", "'jurisdiction'"),
    "unknown key at the top": ("pattern: sigt", "pattern: sigt\nregoins: []", 3, "unknown key 'regoins'", "'regions'"),
    "unknown key of a feature": ("min: 18", "mim: 18", 24, "unknown key 'mim' in task.features[0]", "did you mean 'min'?"),
    "missing key": ("    jurisdiction: DE\n", "", 4, "lacks the key 'jurisdiction'", "add it"),
    "unknown pattern": ("pattern: sigt", "pattern: fth", 2, "pattern is 'fth'", "'sigt'"),
    "wrong name": ("name: demo", "name: Demo Pilot", 1, "name is 'Demo Pilot'", "lower-case"),
    "wrong type": ("rounds: 30", "rounds: many", 30, "training.rounds is 'many'", "a whole number"),
    "a list where a mapping belongs": ("{epsilon: 4, delta: 1e-5}", "[4]", 19, "budget is a list", "a mapping"),
    "text that YAML takes for a number": ("values: [rent, owner]", "values: [1, 2]", 25, "is 1", "quotes"),
    "out of range": ("epsilon: 2\n", "epsilon: -2\n", 28, "training.epsilon is -2", "over 0"),
    "unknown feature type": ("type: number", "type: numeric", 24, "task.features[0]", "type: number"),
    "unknown sensitivity": ("sensitivity: confidential", "sensitivity: secret", 18, "'secret'", "sensitivity is one of"),
    "unknown provider": ("provider: onprem", "provider: onpremm", 7, "which no plugin offers", "did you mean 'onprem'?"),
    "jurisdiction that does not exist": ("jurisdiction: DE", "jurisdiction: XX", 5, "'XX' of region 'de' does not", "ISO 3166"),
    "jurisdiction in small letters": ("jurisdiction: DE", "jurisdiction: de", 5, "'de'", "write it in capitals: DE"),
    "jurisdiction people mistake": ("jurisdiction: DE", "jurisdiction: UK", 5, "'UK'", "did you mean GB?"),
    "jurisdiction of no country": ("jurisdiction: DE", "jurisdiction: EU", 5, "'EU'", "member state"),
    "residency that does not exist": ("[DE, AT]", "[DE, XX]", 17, "'XX'", "ISO 3166"),
    "sovereign like global": ("jurisdiction: US", "jurisdiction: DE", 5, "jurisdiction of the global", "elsewhere"),
    "two regions of one name": ("name: fabric", "name: de", 8, "region 'de' is there twice", "its own name"),
    "no global region": ("role: global", "role: edge", 3, "exactly one region with role 'global', not 0", "role: global"),
    "no sovereign region": ("role: sovereign", "role: edge", 3, "no region has the role 'sovereign'", "role: sovereign"),
    "dataset in an unknown region": ("region: de\n", "region: dee\n", 14, "'dee', which there is not", "did you mean 'de'?"),
    "dataset in the global region": ("region: de\n", "region: fabric\n", 14, "whose role is 'global'", "sovereign"),
    "label that forbids its own region": ("[DE, AT]", "[AT]", 16, "does not permit its own region's jurisdiction, DE", "add DE"),
    "label that permits the global region": ("[DE, AT]", "[DE, US]", 17, "permits the jurisdiction of the global", "may rest"),
    "source that cannot be read": ("source: file:data.csv", "source: data.csv", 15, "cannot be read", "file:PATH.csv"),
    "missing file": ("file:data.csv", "file:other.csv", 15, "'other.csv' of dataset 'credit-de' does not exist", "relative"),
    "training over a budget": ("{epsilon: 4,", "{epsilon: 1,", 19, "training spends ε = 2, over", "lower training.epsilon"),
    "delta over a budget": ("delta: 1e-5}", "delta: 1e-6}", 19, "δ = 1e-05, over the budget", "lower training.delta"),
    "target among the features": ("name: Age", "name: Status", 24, "is the target", "remove"),
    "identifier among the features": ("[iban]", "[Age]", 24, "is an identifier", "never become features"),
    "empty bounds": ("max: 90", "max: 18", 24, "bounds of feature 'Age' are empty", "less than"),
    "feature given twice": ("name: Home", "name: Age", 25, "feature 'Age' is there twice", "its own name"),
    "unknown task": ("  name: credit\n", "  name: credit\n  entrypoint: tabula\n", 22, "no built-in task 'tabula'", "tabular"),
    "unknown kind": ("kind: update", "kind: updates", 36, "'updates' is no kind", "did you mean 'update'?"),
    "raw data let out": ("kind: update", "kind: dataset", 36, "lets datasets leave", "raw data stays"),
    "updates without privacy": (", privacy: true", "", 36, "without evidence of privacy", "privacy: true"),
    "rules that do not exist": ("border:\n", "border:\n  rules: [policy]\n", 35, "directory 'policy'", ".rego"),
    "repository outside": ("release:\n", "release:\n  repository: ../other\n", 39, "not inside the pilot", "relative"),
    "repository among the keys": ("release:\n", "release:\n  repository: .sov/people\n", 39, "not inside", "relative"),
    "repository inside another": ("release:\n", "release:\n  repository: .git/x\n", 39, "not inside", "relative"),
    "a name that the key service keeps": ("name: fabric", "name: sys", 8, "cannot be called 'sys'", "such as us-1"),
    "a name that the journal has": ("name: fabric", "name: operator", 8, "cannot be called 'operator'", "such as us-1"),
    "names too long together": ("  name: credit\n", f"  name: {'c' * 49}\n", 21, "too long together", "by 1 letter or"),
    "a name that leads elsewhere": ("name: demo", "name: ../demo", 1, "name is '../demo'", "lower-case"),
    "a name in code": ("name: demo", "name: demo%2f..", 1, "name is 'demo%2f..'", "lower-case"),
    "a name with a line break": ("name: demo", 'name: "demo\\n"', 1, "name is ", "lower-case"),
    "a name that looks like another": ("name: demo", "name: d\u0435mo", 1, "name is ", "lower-case"),
    "a name that is an option": ("name: demo", "name: --force", 1, "name is '--force'", "lower-case"),
    "a name that is a directory's": ("name: demo", "name: .git", 1, "name is '.git'", "lower-case"),
    "a name without end": ("name: demo", f"name: {'d' * 64}", 1, "name is ", "63"),
    "a region that leads elsewhere": ("name: fabric", "name: a/b", 8, "name is 'a/b'", "lower-case"),
    "a dataset that leads elsewhere": ("name: credit-de", "name: ..", 13, "name is '..'", "lower-case"),
    "a task that leads elsewhere": ("  name: credit\n", "  name: models:/x\n", 21, "name is 'models:/x'", "lower-case"),
    "an approver that leads elsewhere": ("name: bob", "name: ../bob", 41, "name is '../bob'", "lower-case"),
    "not a key": (f"key: ssh-ed25519 {BOB} bob", "key: ssh-rsa AAAA bob", 41, "not an ed25519", "ssh-keygen"),
    "a key cut short": (BOB, BOB[:-8], 41, "not an ed25519", "ssh-keygen"),
    "proposer is only approver": (f"bob, key: ssh-ed25519 {BOB}", f"ada, key: ssh-ed25519 {ADA}", 40, "only approver", "else"),
    "proposer under another name": (BOB, ADA, 41, "has the key of the proposer", "of their own"),
    "more approvals than approvers": ("release:\n", "release:\n  approvals: 2\n", 39, "only 1 people", "lower"),
    "a key given twice": ("name: demo\n", "name: demo\nname: other\n", 2, "given twice (first on line 1)", "keep one"),
    "unreadable YAML": ("regions:\n", "regions: [\n", 4, "not readable as YAML", "indentation"),
    "tabs": ("    role: sovereign", "\trole: sovereign", 6, "not readable as YAML", "tabs"),
    "a tag": ("name: demo", "name: !!python/name:os.system", 1, "is not allowed", "remove the tag"),
    "a merge key": ("name: demo", "<<: {a: b}\nname: demo", 1, "`<<` is not supported", "write the keys out"),
    "an item that is no mapping": ("  - name: de\n", "  - oops\n  - name: de\n", 4, "regions[0] is 'oops'", "a mapping"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_pilot_gets_one_error_with_line_and_remedy(case: str, pilot_file: Callable[..., Path]) -> None:
    old, new, line, message, remedy = WRONG[case]
    path = pilot_file((old, new))
    with pytest.raises(ConfigError) as caught:
        config.load(path, providers=lambda plugins: ("onprem",))
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == EXIT_USAGE
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", sorted(TO_FILL_IN))
def test_what_is_filled_in_later_does_not_stop_a_plan(case: str, pilot_file: Callable[..., Path]) -> None:
    old, new, *_ = WRONG[case]
    assert config.load(pilot_file((old, new)), providers=lambda plugins: ("onprem",), for_infrastructure=True).name == "demo"


@pytest.mark.parametrize("case", sorted(OF_PLACES))
def test_what_is_wrong_with_the_places_stops_a_plan(case: str, pilot_file: Callable[..., Path]) -> None:
    old, new, line, message, _ = WRONG[case]
    path = pilot_file((old, new))
    with pytest.raises(ConfigError) as caught:
        config.load(path, providers=lambda plugins: ("onprem",), for_infrastructure=True)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert message in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        config.load(tmp_path / "pilot.yaml")


def test_an_empty_file_is_an_error(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file()
    path.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="is empty"):
        config.load(path)


def test_a_file_that_is_not_text_is_named_with_its_line(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file()
    path.write_bytes(b"name: demo\npattern: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"pilot.yaml:2: not UTF-8"):
        config.load(path)


def test_a_file_that_is_too_large_is_refused(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file()
    path.write_text("#" * 300_000)
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        config.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        "a: &a [*a]\n",
        "a: " + "[" * 60 + "]" * 60,
        "[" * 100_000,
    ],
    ids=["aliases of aliases", "an alias of itself", "nesting", "deep nesting"],
)
def test_a_file_that_expands_is_refused(text: str, pilot_file: Callable[..., Path]) -> None:
    path = pilot_file()
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"expand too far|nested too deeply"):
        config.load(path)


def test_several_problems_are_counted_and_the_misspelling_comes_first(pilot_file: Callable[..., Path]) -> None:
    path = pilot_file(("name: demo", "nmae: demo"), ("rounds: 30", "rounds: many"))
    with pytest.raises(ConfigError, match=r"unknown key 'nmae' .*\(and 2 more\)"):
        config.load(path)


def test_a_listed_plugin_that_is_missing_is_named_with_its_line(pilot_file: Callable[..., Path]) -> None:
    from sovplatform.plugins import Plugins

    path = pilot_file(("pattern: sigt", "pattern: sigt\nplugins: [no-such-plugin]"))
    with pytest.raises(ConfigError, match=r"pilot.yaml:3: plugin no-such-plugin is listed but not installed"):
        config.load(path, providers=lambda plugins: Plugins.load(plugins).providers())
