"""`check` runs the suite against what is installed, and the suite can fail."""

import textwrap
from collections.abc import Callable

import pytest

from sovplatform.errors import PluginError
from sovplatform.testing import check

MakeDistribution = Callable[..., None]

BROKEN = textwrap.dedent(
    """
    from sovplatform.errors import Unsupported
    from sovplatform.hookspecs import hookimpl
    from sovplatform.records import Signature
    from sovplatform.testing.memory import MemoryKeyStore, MemoryRegion, MemoryRegistry

    class KeyStore(MemoryKeyStore):
        def facts(self, name):
            return super().facts(name).model_copy(update={"exportable": True})

        def unwrap(self, data_key, context=b""):
            return b"0" * 32

        def sign(self, name, data):
            return super().sign(name, b"something else")

    class Registry(MemoryRegistry):
        def register(self, name, directory, **more):
            directory.mkdir(exist_ok=True)
            return super().register(name, directory, **more)

    class Region(MemoryRegion):
        def __init__(self, spec, pilot, home):
            super().__init__(spec, pilot)
            home.mkdir(parents=True, exist_ok=True)
            self._keystore = KeyStore(spec.name, spec.jurisdiction)
            self._registry = Registry(spec.name)

        def status(self):
            return super().status().model_copy(update={"up": True})

        def trainer(self):
            raise Unsupported("training", reason="")

        def server(self):
            raise Unsupported("serving", reason="this site stores only")

    @hookimpl
    def sov_provider_name():
        return "shaky"

    @hookimpl
    def sov_make_region(spec, pilot, home):
        return Region(spec, pilot, home)
    """
)


def test_the_memory_provider_passes() -> None:
    findings = check("memory")
    assert len(findings) > 70
    assert [finding for finding in findings if not finding.ok] == []
    assert {finding.check.partition(":")[0] for finding in findings} == {"Region", "KeyStore", "Registry", "Trainer", "Server"}


def test_a_broken_provider_fails_where_it_is_broken(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-shaky", BROKEN, "shaky = sov_shaky")
    findings = check("shaky")
    failed = {finding.check for finding in findings if not finding.ok}
    assert failed >= {
        "Region: making a region touches nothing",
        "Region: its keys are in its jurisdiction and cannot leave",
        "Region: a service is there or unsupported for a reason [trainer]",
        "KeyStore: a signature verifies with the public key and nothing else [sign]",
        "KeyStore: changed bytes are denied",
        "Registry: a directory that is not there is not found",
    }
    assert "Region: a service is there or unsupported for a reason [server]" not in failed
    assert {finding.detail for finding in findings if finding.ok and finding.check.startswith("Server:")} == {
        "unsupported: serving (this site stores only)"
    }
    assert all(finding.detail and finding.remedy for finding in findings if not finding.ok)


def test_a_provider_that_does_not_load_fails_with_its_error(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-gone", "import no_such_module", "gone = sov_gone")
    findings = check("gone")
    assert not any(finding.ok for finding in findings)
    assert any("no_such_module" in finding.detail for finding in findings)


def test_the_tests_that_a_provider_ships_run_too(make_distribution: MakeDistribution) -> None:
    make_distribution(
        "sov-own", "class TestOwn:\n    def test_it_holds(self): assert 1 == 2", "memory = sov_own", group="sovplatform.testing"
    )
    (own,) = [finding for finding in check("memory") if finding.check.startswith("Own:")]
    assert own.check == "Own: it holds"
    assert not own.ok


def test_a_provider_that_is_not_installed_is_told_so() -> None:
    with pytest.raises(PluginError, match="no plugin nowhere is installed"):
        check("nowhere")
