"""Plugins are found without being imported, and loaded only when they are listed."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sovplatform.errors import ConfigError, PluginError
from sovplatform.plugins import Plugins
from sovplatform.plugins.discovery import BUILT_IN, installed
from sovplatform.records import RegionSpec, Role
from sovplatform.testing.memory import MemoryRegion

MakeDistribution = Callable[..., None]


def spec(provider: str) -> RegionSpec:
    return RegionSpec(name="de", jurisdiction="DE", role=Role.sovereign, provider=provider)


def provider(name: str, make: str = "MemoryRegion(spec, pilot)") -> str:
    return textwrap.dedent(
        f"""
        from sovplatform.hookspecs import hookimpl
        from sovplatform.testing.memory import MemoryRegion

        @hookimpl
        def sov_provider_name():
            return {name!r}

        @hookimpl
        def sov_make_region(spec, pilot, home):
            return {make}
        """
    )


def test_an_unlisted_plugin_is_listed_as_installed_and_never_imported(
    make_distribution: MakeDistribution, tmp_path: Path
) -> None:
    mark = tmp_path / "imported"
    make_distribution("sov-unlisted", f"from pathlib import Path\nPath({str(mark)!r}).touch()", "unlisted = sov_unlisted")
    plugins = Plugins.load()
    (found,) = [plugin for plugin in installed(plugins.names) if plugin.name == "unlisted"]
    assert (found.distribution, found.version, found.module, found.loaded) == ("sov-unlisted", "1.2", "sov_unlisted", False)
    assert "sov_unlisted" not in sys.modules
    assert not mark.exists()


def test_a_listed_plugin_makes_its_regions(make_distribution: MakeDistribution, tmp_path: Path) -> None:
    make_distribution("sov-listed", provider("here"), "listed = sov_listed")
    plugins = Plugins.load(["listed"])
    assert "here" in plugins.providers()
    assert isinstance(plugins.make_region(spec("here"), "demo", tmp_path), MemoryRegion)
    assert [plugin.loaded for plugin in installed(plugins.names) if plugin.name == "listed"] == [True]


def test_listing_a_plugin_twice_is_listing_it() -> None:
    assert Plugins.load(["memory", "memory"]).names.count("memory") == 1


def test_a_plugin_that_is_listed_and_not_installed_stops_the_program() -> None:
    with pytest.raises(PluginError, match=r"memroy is listed but not installed \(did you mean memory\?\)") as caught:
        Plugins.load(["memroy"])
    assert "pilot.yaml" in caught.value.remedy


@pytest.mark.parametrize("code", ["import no_such_module", "1 / 0", "raise SystemExit(3)", "def"])
def test_a_listed_plugin_that_does_not_import_stops_the_program(make_distribution: MakeDistribution, code: str) -> None:
    make_distribution("sov-broken", code, "broken = sov_broken")
    with pytest.raises(PluginError, match=r"broken \(sov_broken of sov-broken 1\.2\) does not load") as caught:
        Plugins.load(["broken"])
    assert caught.value.__cause__ is not None
    sys.modules.pop("sov_broken", None)


def test_a_hook_that_does_not_exist_stops_the_program(make_distribution: MakeDistribution) -> None:
    code = "from sovplatform.hookspecs import hookimpl\n@hookimpl\ndef sov_make_regoin(): pass"
    make_distribution("sov-typo", code, "typo = sov_typo")
    with pytest.raises(PluginError, match="sov_make_regoin"):
        Plugins.load(["typo"])


def test_two_plugins_cannot_have_one_provider_name(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-one", provider("same"), "one = sov_one")
    make_distribution("sov-two", provider("same"), "two = sov_two")
    with pytest.raises(PluginError, match=r"two .* takes the provider name same, which plugin one has"):
        Plugins.load(["one", "two"])


def test_two_distributions_cannot_offer_one_plugin(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-first", provider("a"), "twice = sov_first")
    make_distribution("sov-second", provider("b"), "twice = sov_second")
    with pytest.raises(PluginError, match="more than one distribution"):
        Plugins.load(["twice"])


def test_nobody_else_can_offer_a_built_in_plugin(make_distribution: MakeDistribution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovplatform.plugins.discovery.BUILT_IN", {"ours": "sovplatform-ours"})
    make_distribution("sov-impostor", "raise AssertionError('imported')", "ours = sov_impostor")
    with pytest.raises(PluginError, match="takes the name of sovplatform-ours"):
        Plugins.load()


def test_a_built_in_plugin_needs_no_listing(make_distribution: MakeDistribution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovplatform.plugins.discovery.BUILT_IN", {"ours": "sovplatform-ours"})
    make_distribution("sovplatform-ours", provider("ours"), "ours = sovplatform_ours")
    assert Plugins.load().providers() == ("ours",)


def test_a_plugin_is_not_asked_for_another_ones_region(make_distribution: MakeDistribution, tmp_path: Path) -> None:
    make_distribution("sov-greedy", provider("greedy", "1 / 0"), "greedy = sov_greedy")
    plugins = Plugins.load(["greedy", "memory"])
    assert isinstance(plugins.make_region(spec("memory"), "demo", tmp_path), MemoryRegion)


def test_a_provider_that_is_not_known_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"region de has the unknown provider memry \(did you mean memory\?\)") as caught:
        Plugins.load(["memory"]).make_region(spec("memry"), "demo", tmp_path)
    assert "memory" in caught.value.remedy


def test_a_provider_that_is_installed_and_not_listed_is_named_in_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Plugins.load().make_region(spec("memory"), "demo", tmp_path)
    assert "list it under `plugins`" in caught.value.remedy


@pytest.mark.parametrize(
    ("make", "message"), [("1 / 0", "ZeroDivisionError"), ("None", "made no region"), ("'de'", "made no region")]
)
def test_a_provider_that_makes_no_region_is_named(
    make_distribution: MakeDistribution, tmp_path: Path, make: str, message: str
) -> None:
    make_distribution("sov-bad", provider("bad", make), "bad = sov_bad")
    with pytest.raises(PluginError, match=message) as caught:
        Plugins.load(["bad"]).make_region(spec("bad"), "demo", tmp_path)
    assert "plugin bad" in str(caught.value)
    sys.modules.pop("sov_bad", None)


def test_a_users_mistake_passes_through_a_provider_unchanged(tmp_path: Path) -> None:
    wrong = spec("memory").model_copy(update={"settings": {"zone": "1"}})
    with pytest.raises(ConfigError, match="unknown setting zone"):
        Plugins.load(["memory"]).make_region(wrong, "demo", tmp_path)


def test_rules_and_commands_of_all_plugins_are_gathered(make_distribution: MakeDistribution, tmp_path: Path) -> None:
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        import click
        from sovplatform.hookspecs import hookimpl

        @hookimpl
        def sov_policy_rules():
            return [Path({str(tmp_path)!r})]

        @hookimpl
        def sov_commands():
            return [click.Command("greet")]
        """
    )
    make_distribution("sov-more", code, "more = sov_more")
    plugins = Plugins.load(["more", "memory"])
    assert plugins.rules() == (tmp_path,)
    assert [command.name for command in plugins.commands()] == ["greet"]
    assert plugins.inspectors() == ()


def test_rules_that_are_not_there_stop_the_program(make_distribution: MakeDistribution) -> None:
    code = "from sovplatform.hookspecs import hookimpl\n@hookimpl\ndef sov_policy_rules(): return ['nowhere']"
    make_distribution("sov-ruleless", code, "ruleless = sov_ruleless")
    with pytest.raises(PluginError, match="nowhere"):
        Plugins.load(["ruleless"]).rules()


HOOKIMPL = "from sovplatform.hookspecs import hookimpl\n"


@pytest.fixture
def odd(make_distribution: MakeDistribution) -> Iterator[Callable[[str], None]]:
    """Install a plugin `odd` of that code, forgotten in the end: the next one has the same name and other code."""
    yield lambda code: make_distribution("sov-odd", HOOKIMPL + code, "odd = sov_odd")
    sys.modules.pop("sov_odd", None)


@pytest.mark.parametrize("answer", ["['a']", "'../../x'", "'Onprem'", "''", "7", r"'\uff4fnprem'"])
def test_a_provider_name_that_is_no_name_stops_the_program(odd: Callable[[str], None], answer: str) -> None:
    odd(f"@hookimpl\ndef sov_provider_name():\n    return {answer}\n")
    with pytest.raises(PluginError, match="odd answers sov_provider_name"):
        Plugins.load(["odd"])


def test_nobody_else_can_be_a_built_in_provider_even_where_that_is_not_installed(
    make_distribution: MakeDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILT_IN, "moon", "sovplatform-moon")
    make_distribution("sov-shadow", provider("moon"), "shadow = sov_shadow")
    with pytest.raises(PluginError, match="sovplatform-moon's alone"):
        Plugins.load(["shadow"])


@pytest.mark.parametrize("answer", ["'../../x:Forms'", "'os; x:Forms'", "'forms'", "7"])
def test_stack_forms_that_are_no_class_are_refused(odd: Callable[[str], None], answer: str) -> None:
    odd(provider("odd") + f"\n@hookimpl\ndef sov_stack_forms(provider):\n    return {answer}\n")
    with pytest.raises(PluginError, match="sov_stack_forms"):
        Plugins.load(["odd"]).stack_forms("odd")


@pytest.mark.parametrize(
    ("hook", "ask"),
    [("sov_policy_rules", Plugins.rules), ("sov_inspectors", Plugins.inspectors), ("sov_commands", Plugins.commands)],
)
@pytest.mark.parametrize("answer", ["7", "[7]", "'text'"])
def test_a_hook_that_answers_something_else_is_named(
    odd: Callable[[str], None], hook: str, ask: Callable[[Plugins], object], answer: str
) -> None:
    odd(f"@hookimpl\ndef {hook}():\n    return {answer}\n")
    with pytest.raises(PluginError, match=f"plugin odd answers {hook}"):
        ask(Plugins.load(["odd"]))


def test_a_plugin_that_ends_the_program_is_an_error_and_no_success(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-quit", f"{HOOKIMPL}@hookimpl\ndef sov_commands():\n    raise SystemExit(0)\n", "quit = sov_quit")
    with pytest.raises(PluginError, match="quit failed in sov_commands: SystemExit: 0"):
        Plugins.load(["quit"]).commands()


def test_what_a_plugin_raises_is_told_on_one_plain_line(make_distribution: MakeDistribution) -> None:
    make_distribution("sov-loud", r"raise RuntimeError('a\nb\x1b[2J' + 'x' * 9999)", "loud = sov_loud")
    with pytest.raises(PluginError, match=r"RuntimeError: a b\?\[2Jx") as caught:
        Plugins.load(["loud"])
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


def test_an_error_that_cannot_be_told_still_stops_the_program(make_distribution: MakeDistribution) -> None:
    code = "class Mute(Exception):\n    def __str__(self):\n        raise ValueError\nraise Mute\n"
    make_distribution("sov-mute", code, "mute = sov_mute")
    with pytest.raises(PluginError, match="Mute: it does not say why"):
        Plugins.load(["mute"])
