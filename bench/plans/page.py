"""The page that people read: what was looked at, how long it took, and the plans."""

import re
from collections.abc import Iterator, Mapping, Sequence

from bench.plans.explain import LARGE_ROWS, SLOW_MS, Explained, Observed

_MONTH = re.compile(r"_[0-9]{4}_[0-9]{2}(_|$)")
_INTRODUCTION = """\
# Query plans on a large tenant

Written by `make plans`; do not edit. Every list of the internal graph in each of its orders, with each of its filters, counted and from
its end, every edge of 50 entities at once and every chart is asked through the engine, by one who sees the whole tenant and by one who
sees one resource group. Each statement is then explained (`EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)`) {rounds} times; times are medians
of planning and execution together, and of an operation with several statements their sum. An operation is to take less than {slow:g}
ms, and to read no table of more than {large:,} rows from one end to the other.
"""


def page(observed: Sequence[Observed], sizes: Mapping[str, float], *, rounds: int, environment: Mapping[str, str]) -> str:
    """Return the page."""
    return "\n".join(_lines(observed, sizes, rounds, environment)) + "\n"


def _lines(observed: Sequence[Observed], sizes: Mapping[str, float], rounds: int, environment: Mapping[str, str]) -> Iterator[str]:
    yield _INTRODUCTION.format(rounds=rounds, slow=SLOW_MS, large=LARGE_ROWS)
    yield from (f"- {name}: {value}" for name, value in environment.items())
    faulty = [(it, faults) for it in observed if (faults := it.faults(sizes))]
    times = sorted(it.ms for it in observed)
    told = {"median": _at(times, 0.5), "95th percentile": _at(times, 0.95), "highest": times[-1]}
    yield f"- Operations: {len(observed)}; {', '.join(f'{name} {ms:.1f} ms' for name, ms in told.items())}"
    yield f"- Not as they are to be: {len(faulty)}"
    yield from ("", "## Tables", "", "| table | rows |", "|---|--:|")
    large = sorted(((rows, name) for name, rows in sizes.items() if rows > LARGE_ROWS and not name[-1].isdigit()), reverse=True)
    yield from (f"| {name} | {rows:,.0f} |" for rows, name in large)
    if faulty:
        yield from ("", "## Not as they are to be", "", "| operation | caller | what |", "|---|---|---|")
        yield from (f"| {it.asked.name} | {it.caller} | {'; '.join(faults)} |" for it, faults in faulty)
    yield from ("", "## Operations", "", "| operation | caller | statements | rows | ms |", "|---|---|--:|--:|--:|")
    for it in observed:
        yield f"| {it.asked.name} | {it.caller} | {len(it.statements)} | {sum(s.rows for s in it.statements)} | {it.ms:.1f} |"
    yield from ("", "## Plans", "")
    for it in observed:
        # What is ordered or narrowed otherwise, or by another caller, has much the same plan, and can be seen by running this.
        if (it.caller == observed[0].caller and not any(mark in it.asked.name for mark in (" by {", " where "))) or it.faults(sizes):
            yield f"### {it.asked.name}, {it.caller}: {it.ms:.1f} ms"
            for statement in it.statements:
                yield from ("", "```", *_tree(statement), "```", "")


def _tree(statement: Explained) -> Iterator[str]:
    for depth, node in statement.nodes():
        on = node.get("Index Name") or node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name") or ""
        rows, loops = node["Actual Rows"], node["Actual Loops"]
        read = node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0)
        if node["Node Type"] == "Result" or _MONTH.search(on):
            continue  # the same for each month, and for each thing that row-level security asks
        times = f" x {loops:g}" if loops > 1 else ""
        yield f"{'  ' * depth}{node['Node Type']} {on}".rstrip() + f": {rows:g} rows{times}, {read} blocks"


def _at(times: Sequence[float], share: float) -> float:
    return times[int(share * (len(times) - 1))]
