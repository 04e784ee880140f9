"""requirements.txt: everything pinned with its hashes, in step with pyproject.toml, and no index address anywhere."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")

# Written in pieces, so that this file is no finding of its own search.
OPTIONS = ("--(extra-)?" + "index-url", "index[-_]" + r"url\s*=", "--find-" + r"links[= ]\S*://", "--trusted-" + "host")
INDEX_OPTION = re.compile("|".join(OPTIONS))


def pins() -> dict[str, Requirement]:
    """The lock's requirements by name, without their hashes."""
    parsed = [Requirement(line.removesuffix("\\")) for line in LOCK.splitlines() if re.match("[a-z0-9]", line)]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def declared() -> list[str]:
    """Every requirement of pyproject.toml, of whatever part."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [table["build-system"]["requires"], table["project"]["dependencies"]]
    parts += [*table["project"]["optional-dependencies"].values(), *table["dependency-groups"].values()]
    return sorted({requirement for part in parts for requirement in part})


def test_every_requirement_is_pinned_and_hashed() -> None:
    assert len(pins()) > 50
    for name, pin in pins().items():
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), f"{name} is not pinned: {pin}"
        hashed = rf"^{re.escape(pin.name)}==.* \\\n    --hash=sha256:[0-9a-f]{{64}}\b"
        assert re.search(hashed, LOCK, re.MULTILINE), f"{name} has no hash"


@pytest.mark.parametrize("dependency", declared())
def test_declared_dependency_is_pinned_to_a_version_that_satisfies_it(dependency: str) -> None:
    wanted = Requirement(dependency)
    pin = pins().get(canonicalize_name(wanted.name))
    assert pin is not None, f"{wanted.name} is in pyproject.toml and not in requirements.txt; fix: make lock"
    (version,) = pin.specifier
    assert wanted.specifier.contains(version.version), f"{pin} does not satisfy {wanted}; fix: make lock"


def test_the_lock_holds_no_address_and_no_option() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*-(?!-hash=)", LOCK, re.MULTILINE)


def test_no_file_of_the_repository_names_an_index() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout: what belongs to the repository is unknown")
    found = []
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        text = path.read_text(encoding="utf-8", errors="ignore") if path.is_file() else ""
        found += [f"{name}: {match.group()}" for match in INDEX_OPTION.finditer(text)]
    assert not found


@pytest.mark.parametrize(
    "line",
    ["pip install --" + "index-url X", "--extra-index-" + "url=X", "index_" + "url = X", "--find-" + "links https://x"],
)
def test_an_index_option_would_be_found(line: str) -> None:
    assert INDEX_OPTION.search(line)
    assert not INDEX_OPTION.search("uv pip compile --no-emit-" + "index-url --no-emit-find-links")
