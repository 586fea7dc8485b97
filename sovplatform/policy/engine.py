"""PolicyEngine: asks the rules, and takes no answer for a no."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from sovplatform.errors import ConfigError, SovError, Unavailable
from sovplatform.policy.program import Unevaluable, package_of, plain, rule_files

if TYPE_CHECKING:
    from sovplatform.policy.program import Program

RULES = Path(__file__).parent / "rules"
LIBRARY = "lib"
TIMEOUT_SECONDS = 5.0
START_SECONDS = 60.0
UNDECIDED = "policy.undecided"


@dataclass(frozen=True)
class Verdict:
    """`rules` are the ids that spoke: of those that allow, or of those that deny.

    `denials` are rule, message and address, one by one; the address says what of the input is meant, and may be empty.
    """

    allow: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    denials: tuple[tuple[str, str, str], ...] = ()


class PolicyEngine:
    """The built-in rules, and further directories of rules that can only add denials. May be shared by threads.

    A package is `allow` (true or not), `grants` (ids of the rules that allow) and `deny` (objects of `rule`, `msg` and
    perhaps `address`, or texts).
    Further rules are compiled apart from the built-in ones, and of them `deny` alone is read: whatever else they define, they
    can't turn a no into a yes. Their package is a built-in one, or `lib.…` for what they share.

    Args:
        rule_dirs: the directories of further rules.
        timeout: seconds that an answer may take.
        packages: the built-in packages that will be asked; by default all. Those for infrastructure take long to compile.
        workers: how many questions may be answered at once; each compiles the rules anew, and is made when it is needed.

    Raises:
        ConfigError: a directory holds no rules, or rules that do not compile or could never be asked.
    """

    def __init__(
        self,
        rule_dirs: Sequence[Path] = (),
        *,
        timeout: float = TIMEOUT_SECONDS,
        packages: Collection[str] = (),
        workers: int = 1,
    ) -> None:
        own = [path for path in rule_files(RULES) if not packages or package_of(path) in packages]
        self._packages = frozenset(package_of(path) for path in own)
        self._programs = [own, further_rules(rule_dirs)] if rule_dirs else [own]
        self._timeout = timeout
        self._lock = threading.Lock()
        self._workers = [_Worker(self._programs)]
        self._most = workers

    def evaluate(self, package: str, input: Mapping[str, Any]) -> Verdict:
        """The verdict of `package` (for example `sovplatform.border`) on `input`; an error or a timeout is a denial."""
        if package not in self._packages:
            return _no(f"there is no policy {package}")
        try:
            answers = self._ask(package, plain(input))
            return _verdict(package, answers[0], answers[1:])
        except Unevaluable as err:
            return _no(str(err))

    def _ask(self, package: str, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        worker = self._least_busy()
        try:
            return worker.ask(package, document, self._timeout)
        except TimeoutError as err:
            with self._lock:
                if worker in self._workers:  # it may be stuck for good: leave it behind
                    self._workers[self._workers.index(worker)] = _Worker(self._programs)
            raise Unevaluable(f"policy {package} did not answer within {self._timeout:g} s") from err
        finally:
            worker.leave()

    def _least_busy(self) -> _Worker:
        with self._lock:
            worker = min(self._workers, key=lambda one: one.waiting)
            if worker.waiting and len(self._workers) < self._most:
                worker = _Worker(self._programs)
                self._workers.append(worker)
            worker.enter()
            return worker


def further_rules(directories: Sequence[Path]) -> list[Path]:
    """The files of rules that stand beside the built-in ones.

    Raises:
        ConfigError: a directory without rules, or rules that nobody would ask.
    """
    packages = {package_of(path) for path in rule_files(RULES)}
    files: list[Path] = []
    for directory in directories:
        found = rule_files(Path(directory))
        if not found:
            raise ConfigError(f"there are no rules in {directory}", remedy="put .rego files there, or do not list it")
        for path in found:
            package = package_of(path)
            if package not in packages and package.split(".")[0] != LIBRARY:
                raise ConfigError(
                    f"{path} is of package {package}, which nobody asks",
                    remedy=f"make it one of {', '.join(sorted(packages))}, or {LIBRARY}.NAME",
                )
        files += found
    return files


def _no(reason: str) -> Verdict:
    return Verdict(allow=False, reasons=(reason,), rules=(UNDECIDED,), denials=((UNDECIDED, reason, ""),))


def _verdict(package: str, own: Mapping[str, Any], further: Sequence[Mapping[str, Any]]) -> Verdict:
    if not isinstance(own.get("deny"), list) or "allow" not in own:
        raise Unevaluable(f"policy {package} gives no answer")
    denials = [denial for answer in (own, *further) for denial in _denials(package, answer)]
    if denials:
        reasons, rules = dict.fromkeys(reason for reason, _, _ in denials), dict.fromkeys(rule for _, rule, _ in denials)
        told = tuple((rule, reason, address) for reason, rule, address in denials)
        return Verdict(allow=False, reasons=tuple(reasons), rules=tuple(rules), denials=told)
    if own["allow"] is not True:
        return _no("no rule allows it")
    return Verdict(allow=True, reasons=(), rules=tuple(sorted(str(grant) for grant in own.get("grants", ()))))


def _denials(package: str, answer: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = answer.get("deny", [])
    if not isinstance(found, list):
        raise Unevaluable(f"deny of policy {package} is no set")
    denials = []
    for item in found:
        entry = item if isinstance(item, dict) else {"msg": item}
        said = str(entry.get("msg", "denied without a reason")), str(entry.get("rule", "policy.further"))
        denials.append((*said, str(entry.get("address", ""))))
    return sorted(denials)


class _Worker:
    """One thread that owns the interpreters: they are not made to be shared, and this way a caller need not wait forever."""

    def __init__(self, programs: Sequence[Sequence[Path]]) -> None:
        self.waiting = 0
        """How many have asked it and have no answer yet."""
        self._counting = threading.Lock()
        self._requests: SimpleQueue[tuple[str, Mapping[str, Any], SimpleQueue[Any]]] = SimpleQueue()
        ready: SimpleQueue[SovError | None] = SimpleQueue()
        threading.Thread(target=self._run, args=(programs, ready), name="policy", daemon=True).start()
        try:
            problem = ready.get(timeout=START_SECONDS)
        except Empty as err:
            raise Unavailable("the policy's rules did not compile in time", remedy="look for rules that never end") from err
        if problem is not None:
            raise problem

    def _run(self, files: Sequence[Sequence[Path]], ready: SimpleQueue[SovError | None]) -> None:
        from sovplatform.policy.program import Program

        try:
            programs = [Program(part) for part in files]
        except SovError as err:
            ready.put(err)
            return
        except Exception as err:  # the caller waits: whatever happened here is told there
            ready.put(ConfigError(f"the policy's rules cannot be loaded: {type(err).__name__}", remedy="install regopy"))
            return
        ready.put(None)
        while True:
            package, document, reply = self._requests.get()
            try:
                reply.put(_answers(programs, package, document))
            except Unevaluable as err:
                reply.put(err)
            except Exception as err:  # an error in here is an answer too: no
                reply.put(Unevaluable(f"policy {package} cannot be evaluated ({type(err).__name__})"))

    def enter(self) -> None:
        """Somebody is about to ask."""
        with self._counting:
            self.waiting += 1

    def leave(self) -> None:
        """Somebody asked and goes, with an answer or without."""
        with self._counting:
            self.waiting -= 1

    def ask(self, package: str, document: Mapping[str, Any], timeout: float) -> list[Mapping[str, Any]]:
        reply: SimpleQueue[list[Mapping[str, Any]] | Unevaluable] = SimpleQueue()
        self._requests.put((package, document, reply))
        try:
            answer = reply.get(timeout=timeout)
        except Empty as err:
            raise TimeoutError from err
        if isinstance(answer, Unevaluable):
            raise answer
        return answer


def _answers(programs: Sequence[Program], package: str, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    own, *further = programs
    return [own.evaluate(package, document), *(p.evaluate(package, document) for p in further if package in p.packages)]
