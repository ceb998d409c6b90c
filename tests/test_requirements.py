"""The locks are what people install: they must say the same as pyproject.toml, and nothing about the machine they were made on."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_ROOT = Path(__file__).parent.parent
_LOCKS = {"requirements.lock": ("build",), "requirements-dev.lock": ("build", "dev")}


def _locked(name: str) -> dict[str, set[Version]]:
    versions: dict[str, set[Version]] = {}
    for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", (_ROOT / name).read_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(package), set()).add(Version(version))
    return versions


def _required(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(line)
        for line in [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    ]


@pytest.mark.parametrize(("lock", "extras"), _LOCKS.items())
def test_a_lock_satisfies_what_the_project_requires(lock: str, extras: tuple[str, ...]) -> None:
    locked = _locked(lock)
    unsatisfied = [
        str(requirement)
        for requirement in _required(extras)
        if not any(requirement.specifier.contains(version) for version in locked.get(canonicalize_name(requirement.name), ()))
    ]
    assert unsatisfied == [], "run: make lock"


def test_tests_run_on_the_versions_that_people_run() -> None:
    developed = _locked("requirements-dev.lock")
    assert {name: developed.get(name) for name in _locked("requirements.lock")} == _locked("requirements.lock")


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    text = (_ROOT / lock).read_text()
    assert re.findall(r"://|^--?\w.*|\s/\w+|file:", text, re.MULTILINE) == []
    packages = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
    assert len(re.findall(r"^[a-z0-9._-]+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(packages) > 0
