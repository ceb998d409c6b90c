"""A round of a VEN: be known, poll the events, keep what they say, report what was asked for."""

from datetime import datetime, timedelta

from ampyard.domain.grid_links import GridLink
from ampyard.grid.calling import CallError, Line
from ampyard.grid.openadr import wire
from ampyard.grid.openadr.vtn import Tokens, Vtn
from ampyard.repositories.depots import PowerNodes
from ampyard.services import openadr
from ampyard.services.backend import Backend
from ampyard.services.grid_traffic import egress, failed
from ampyard.services.openadr import EventSaid


async def run_openadr(backend: Backend, link: GridLink, secret: str | None, tokens: Tokens) -> None:
    """Do what is due on a link that was taken; the outcome is noted there."""
    line, ven_name = Line(egress(backend)), link.ven_name or ""
    try:
        if secret is None:
            raise CallError("The client secret cannot be read; give it anew.")  # noqa: TRY301 - a failure like any other
        vtn = Vtn(link, secret, line, tokens)
        if link.registered_at is None:
            await vtn.enroll(ven_name)
        program = None if link.group_id is None else await vtn.program(link.group_id)
        events = [event for event in await vtn.events(program) if event.is_for(ven_name)]
        found, faults = _understood(events, program, ven_name, backend.clock())
        for event in events:
            await _report(backend, vtn, event, ven_name)
    except CallError as error:
        await failed(backend, link, str(error), *line.said)
        return
    now = backend.clock()
    changes = {"registered_at": link.registered_at or now}
    await openadr.polled(backend, link, found, *line.said, due_at=now + timedelta(seconds=link.interval_s), faults=faults, **changes)


def _understood(
    events: list[wire.Event], program: wire.Program | None, ven_name: str, now: datetime
) -> tuple[list[EventSaid], dict[str, str]]:
    """Return what events say, and by event what was not understood: one that is not well-formed must not hide the rest."""
    found: list[EventSaid] = []
    faults: dict[str, str] = {}
    for event in events:
        try:
            found.append(wire.said(event, program, ven_name, now))
        except ValueError as error:
            faults[event.id] = str(error)
    return found, faults


async def _report(backend: Backend, vtn: Vtn, event: wire.Event, ven_name: str) -> None:
    """Report what was used, once the event's last interval is over, where it is asked for and has not been told."""
    if not event.wants_usage:
        return
    spans = [(interval.id, begin, end) for interval, begin, end in event.spans(ven_name, backend.clock())]
    if not spans or max(end for _, _, end in spans) > backend.clock() or await openadr.was_reported(backend, vtn.link, event.id):
        return
    link = vtn.link
    used = await openadr.used_kwh(backend, link.tenant_id, link.power_node_id, [(begin, end) for _, begin, end in spans])
    async with backend.database.snapshot(link.tenant_id) as snapshot:
        node = (await PowerNodes(snapshot).by_ids([link.power_node_id]))[link.power_node_id]
    by_interval = [(number, begin, end, kwh) for (number, begin, end), kwh in zip(spans, used, strict=True)]
    await vtn.report(event.id, wire.usage_report(event, ven_name, node.name, by_interval))
