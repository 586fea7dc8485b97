"""The auditor's bundle: several regions' ledgers and the keys to check them, in plain text in one directory.

trust.json                        the pinned keys of all regions
README.txt                        what this is, and how to check it without this program
ledgers/REGION/entries.jsonl      one line for each entry: the very bytes that were hashed
ledgers/REGION/checkpoints.jsonl  one line for each checkpoint: the signed note, as a JSON string
ledgers/REGION/verifier.txt       origin, and the key as signed-note tools take it
operator/                         the same of the operator's journal, if there is one, and its key in key.pem
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from sovplatform.errors import ConfigError, Conflict, LedgerCorrupt, NotFound
from sovplatform.ledger import note, store
from sovplatform.ledger.crosscheck import database, keys_of, origin_of, verify_copies
from sovplatform.ledger.operator import OPERATOR, OperatorLedger
from sovplatform.ledger.verify import Copy
from sovplatform.records import Trust, digest_of
from sovplatform.runreport import LedgerReport

TRUST = "trust.json"
KEY = "key.pem"
README = """The ledgers of pilot {pilot}, for an auditor.

Check everything:  sovctl audit verify --bundle DIRECTORY

Do not believe the keys because they lie here: compare their digests with those that you were given on another way.
{digests}

By hand. Leaf hash i of a region is SHA-256(0x00, line i of entries.jsonl without its newline), counted from 0. The
hashes form the Merkle tree of RFC 6962; its root over the first N lines is in the checkpoint of size N. Checkpoints are
signed notes (C2SP signed-note and tlog-checkpoint), signed with Ed25519 by the key `ledger` of the region in trust.json,
which verifier.txt repeats in the form that tools for such notes take. Entries hold metadata only. In operator/ is the same of
the journal of whoever planned and applied the infrastructure, sealed by the key in operator/key.pem.
"""


def export(ledgers: Mapping[str, Path], trust: Trust, destination: Path, *, operator: OperatorLedger | None = None) -> Path:
    """Write the ledgers of the regions named, and the operator's journal, as of now, into the new directory `destination`, and
    return it.

    Nothing is verified by that, so that a broken ledger can be shown to an auditor as well.

    Raises:
        Conflict: the destination exists.
        NotFound: a ledger, or its region in the trust, is not there.
        LedgerCorrupt: a file is no ledger.
    """
    if destination.exists():
        raise Conflict(f"{destination} exists", remedy="give a new directory")
    destination.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    try:
        (draft / TRUST).write_bytes(trust.canonical())
        told = "\n".join(f"  {name}  {digest}" for name, digest in digests(trust, operator).items())
        (draft / "README.txt").write_text(README.format(pilot=trust.pilot, digests=told))
        for name, path in ledgers.items():
            if name not in trust.regions:
                raise NotFound(f"region {name} is not in the trust", remedy="provision it first")
            region = trust.regions[name]
            _export_one(database(path), origin_of(region), keys_of(region), draft / "ledgers" / name)
        if operator is not None:
            _export_one(operator.copy, operator.origin, [operator.public_key], draft / OPERATOR)
            (draft / OPERATOR / KEY).write_text(operator.public_key)
        draft.chmod(0o755)
        draft.rename(destination)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return destination


def digests(trust: Trust, operator: OperatorLedger | None) -> dict[str, str]:
    """What an auditor compares with what was told on another way: the files of a bundle that hold keys, and their digests."""
    found = {TRUST: digest_of(trust.canonical())}
    return found | ({f"{OPERATOR}/{KEY}": digest_of(operator.public_key.encode())} if operator else {})


def verify_bundle(directory: Path, *, trust: Trust | None = None) -> tuple[LedgerReport, ...]:
    """Verify every ledger of a bundle, each also against the checkpoints that the others recorded of it.

    `trust` is what the auditor knows of the regions from elsewhere; without it, what the bundle itself says is taken.

    Raises:
        NotFound: the directory is no bundle.
    """
    journal = operator(directory)
    return (*verify_copies(copies(directory), trust or read_trust(directory)), *([journal.report] if journal else []))


def operator(directory: Path) -> OperatorLedger | None:
    """The operator's journal in a bundle; None when there is none.

    Raises:
        LedgerCorrupt: its key or its origin cannot be read.
    """
    home = directory / OPERATOR
    if not home.exists():
        return None
    try:
        origin = _plain(home / "verifier.txt").read_text(encoding="utf-8").splitlines()[0]
        key = _plain(home / KEY).read_text(encoding="utf-8")
        note.raw_public_key(key)
    except (OSError, ValueError, IndexError, ConfigError) as err:
        raise LedgerCorrupt("the key of the operator's journal cannot be read", remedy="ask for the bundle again") from err
    return OperatorLedger(lambda: _snapshot(home, origin), origin, key)


def read_trust(directory: Path) -> Trust:
    """The bundle's own trust.

    Raises:
        NotFound: the directory is no bundle.
        LedgerCorrupt: its trust.json cannot be read.
    """
    try:
        return Trust.from_json(_plain(directory / TRUST).read_bytes())
    except OSError as err:
        raise NotFound(f"{directory} is no audit bundle", remedy="give the directory that holds trust.json") from err
    except ValidationError as err:
        raise LedgerCorrupt(f"trust.json of {directory} cannot be read", remedy="ask for the bundle again") from err


def copies(directory: Path) -> dict[str, Copy]:
    """The ledgers in a bundle, by region."""
    trust = read_trust(directory)
    found = [path for path in sorted((directory / "ledgers").glob("*")) if path.is_dir()]
    for path in found:
        if path.is_symlink() or not path.name.isprintable():
            raise LedgerCorrupt(f"{path.name!r} in the bundle is no directory of a ledger", remedy="ask for the bundle again")
    return {path.name: _copy(path, trust) for path in found}


def _plain(path: Path) -> Path:
    """A bundle comes from somebody else: a link leads out of it, and a pipe never ends.

    Raises:
        LedgerCorrupt: the path is there, and is no plain file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise LedgerCorrupt(f"{path.name} in the bundle is no plain file", remedy="ask for the bundle again")
    return path


def _copy(directory: Path, trust: Trust) -> Copy:
    region = trust.regions.get(directory.name)
    return lambda: _snapshot(directory, origin_of(region) if region else directory.name)


@contextlib.contextmanager
def _snapshot(directory: Path, origin: str) -> Iterator[store.Snapshot]:
    try:
        lines = _plain(directory / "checkpoints.jsonl").read_text(encoding="utf-8").splitlines()
        with _plain(directory / "entries.jsonl").open("rb") as file:
            rows = ((index, None, None, line.removesuffix(b"\n"), None) for index, line in enumerate(file))
            yield store.Snapshot(origin=origin, rows=rows, notes=[str(json.loads(line)) for line in lines])
    except (OSError, ValueError, RecursionError) as err:
        raise LedgerCorrupt(f"the bundle's ledger of {directory.name} cannot be read: {err}", remedy="ask for it again") from err


def _export_one(copy: Copy, origin: str, keys: Sequence[str], directory: Path) -> None:
    directory.mkdir(parents=True)
    with copy() as snapshot:
        with (directory / "entries.jsonl").open("wb") as file:
            for _, _, _, body, _ in snapshot.rows:
                file.write(body + b"\n")
        with (directory / "checkpoints.jsonl").open("w", encoding="utf-8") as text:
            text.writelines(f"{json.dumps(line)}\n" for line in snapshot.notes)
    lines = [origin, *(note.verifier_key(origin, pem) for pem in keys)]
    (directory / "verifier.txt").write_text("\n".join(lines) + "\n")
