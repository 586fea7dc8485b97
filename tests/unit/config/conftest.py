"""A correct pilot.yaml, and a way to break it."""

from collections.abc import Callable
from pathlib import Path

import pytest

KEYS = {
    "ada": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada",
    "bob": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/ bob",
}

CORRECT = f"""\
name: demo
pattern: sigt
regions:
  - name: de
    jurisdiction: DE
    role: sovereign
    provider: onprem
  - name: fabric
    jurisdiction: US
    role: global
    provider: onprem
datasets:
  - name: credit-de
    region: de
    source: file:data.csv
    label:
      residency: [DE, AT]
      sensitivity: confidential
    budget: {{epsilon: 4, delta: 1e-5}}
task:
  name: credit
  target: {{column: Status, positive: bad}}
  features:
    - {{name: Age, type: number, min: 18, max: 90}}
    - {{name: Home, type: category, values: [rent, owner]}}
  identifiers: [iban]
training:
  epsilon: 2
  delta: 1e-5
  rounds: 30
  clip_norm: 1.0
  sampling_rate: 0.5
  learning_rate: 0.5
border:
  allow:
    - {{kind: update, source: sovereign, destination: global, max_bytes: 1000000, privacy: true}}
    - {{kind: model, source: global, destination: sovereign, max_bytes: 1000000}}
release:
  proposer: {{name: ada, key: {KEYS["ada"]}}}
  approvers:
    - {{name: bob, key: {KEYS["bob"]}}}
"""


@pytest.fixture
def pilot_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the correct pilot with (old, new) replacements made; each `old` must be there."""

    def write(*changes: tuple[str, str]) -> Path:
        text = CORRECT
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        (tmp_path / "data.csv").write_text("Age\n30\n")
        path = tmp_path / "pilot.yaml"
        path.write_text(text)
        return path

    return write
