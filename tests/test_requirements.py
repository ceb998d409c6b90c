"""The locks are what people install: they must say the same as pyproject.toml, and nothing about the machine they were made on."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_ROOT = Path(__file__).parent.parent
_LOCKS = {
    "requirements.lock": ("build",),
    "requirements-dev.lock": ("build", "dev"),
    "requirements-conformance.lock": ("build", "dev", "conformance"),
}


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


@pytest.mark.parametrize("lock", ["requirements-dev.lock", "requirements-conformance.lock"])
def test_tests_run_on_the_versions_that_people_run(lock: str) -> None:
    tested = _locked(lock)
    assert {name: tested.get(name) for name in _locked("requirements.lock")} == _locked("requirements.lock")


@pytest.mark.parametrize("lock", [*_LOCKS, "conformance/codegen/requirements.lock", "bench/acn/requirements.lock"])
def test_a_lock_names_no_place(lock: str) -> None:
    text = (_ROOT / lock).read_text()
    assert re.findall(r"://|^--?\w.*|\s/\w+|file:", text, re.MULTILINE) == []
    packages = re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE)
    assert len(re.findall(r"^[a-z0-9._-]+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(packages) > 0


@pytest.mark.parametrize("name", ["conformance", "bench/node"])
def test_a_lock_of_node_says_what_packages_are_and_not_where(name: str) -> None:
    folder = _ROOT / name
    lock = json.loads((folder / "package-lock.json").read_text())
    root = lock["packages"].pop("")
    wanted = json.loads((folder / "package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        assert root.get(kind, {}) == wanted.get(kind, {}), "run: npm install"
    assert {name for name, package in lock["packages"].items() if "resolved" in package or "link" in package} == set()
    unhashed = {name for name, package in lock["packages"].items() if not package.get("inBundle") and "integrity" not in package}
    assert unhashed == set()
    assert {"ignore-scripts=true", "omit-lockfile-registry-resolved=true"} <= set((folder / ".npmrc").read_text().splitlines())
