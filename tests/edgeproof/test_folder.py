"""A folder of parts: what it must hold to be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeproof import folder
from edgeproof.cli import main
from edgeproof.errors import Refused


def test_a_folder_without_parts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refused, match="parts of one system"):
        folder.opened(tmp_path)
    assert main(["run", str(tmp_path), "(3 good)"]) == 2
    assert "received" in capsys.readouterr().err
