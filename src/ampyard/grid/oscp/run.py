"""What we owe the capacity provider, in one round: registration, acknowledgements, heartbeats, what we cannot keep, measurements."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ampyard.domain.grid_links import GridLink, MeasurementStyle
from ampyard.domain.grid_signals import GridSignal, SignalKind
from ampyard.domain.ids import new_id
from ampyard.grid.calling import CallError, Line
from ampyard.grid.oscp import wire
from ampyard.services import oscp
from ampyard.services.backend import Backend
from ampyard.services.grid_traffic import called, egress, failed

# Without a wish of the other side's. A link on which nobody has registered has nothing to be called for.
_USUAL = timedelta(minutes=1)
_IDLE = timedelta(hours=1)
# So many heartbeats of ours may be lost before the other side shall take us to be offline.
_MISSED = 3


async def run_oscp(backend: Backend, link: GridLink, token: str | None, base_url: str) -> None:
    """Do what is due on a link that was taken; the outcome is noted there. `base_url` is where the other side reaches us."""
    if link.url is None:
        await called(backend, link, due_at=backend.clock() + _IDLE)
        return
    line = Line(egress(backend))
    side = _Side(backend, link, link.url, token, line)
    changes: dict[str, Any] = {}
    try:
        if link.registered_at is None:
            await side.send("register", wire.register(await oscp.next_token(backend, link), base_url), kept={"base_url": base_url})
            changes["registered_at"] = backend.clock()
        if link.handshake_id is not None:
            acknowledged = wire.handshake_acknowledge(link.interval_s)
            await side.send("handshake_acknowledge", acknowledged, correlation_id=link.handshake_id)
            changes["handshake_id"] = None
        interval = _USUAL if link.peer_interval_s is None else timedelta(seconds=link.peer_interval_s)
        if link.peer_interval_s is not None:
            await side.send("heartbeat", {"offline_mode_at": (backend.clock() + _MISSED * interval).isoformat()})
        await side.tell(await oscp.untold(backend, link))
        changes |= await side.measure()
    except CallError as error:
        await failed(backend, link, str(error), *line.said, **changes)
        return
    await called(backend, link, *line.said, due_at=backend.clock() + interval, **changes)


@dataclass
class _Side:
    """The other side of a link, to whom messages are sent by their names."""

    backend: Backend
    link: GridLink
    url: str
    token: str | None
    line: Line

    async def send(self, name: str, body: dict[str, Any], *, correlation_id: str | None = None, kept: dict[str, Any] | None = None) -> None:
        """Send a message, whole as one segment; `kept` is what is kept of it. Raises `CallError` unless it is taken."""
        ids = (str(new_id()), correlation_id)
        if self.token is None:
            raise CallError("What we come with there cannot be read; have the other side register anew.")
        headers = {"authorization": f"Token {self.token}", "x-request-id": ids[0], "x-segment-index": "1", "x-segment-count": "1"}
        if correlation_id is not None:
            headers["x-correlation-id"] = correlation_id
        await self.line.json("POST", f"{self.url}/{name}", headers, body, name=name, ids=ids, kept=body if kept is None else kept)

    async def tell(self, signals: list[GridSignal]) -> None:
        """Tell of forecasts that we cannot comply with, message by message, and of what we ask for."""
        group_id = self.link.group_id or ""
        by_message: dict[str | None, list[GridSignal]] = {}
        for signal in signals:
            if signal.kind is SignalKind.REQUESTED:
                await self.send("adjust_group_capacity_forecast", wire.adjust_group_capacity_forecast(group_id, [signal]))
                await oscp.told(self.backend, self.link, [signal])
            else:
                by_message.setdefault(signal.external_id, []).append(signal)
        for message_id, of_message in by_message.items():
            body = wire.group_capacity_compliance_error(of_message)
            await self.send("group_capacity_compliance_error", body, correlation_id=message_id)
            await oscp.told(self.backend, self.link, of_message)

    async def measure(self) -> dict[str, Any]:
        """Tell measurements where they are wanted; returns what changes with it on the link."""
        if not set(self.link.peer_measurements) & {style.value for style in MeasurementStyle}:
            return {}
        measured = await oscp.measured(self.backend, self.link)
        if measured is None:
            return {}
        await self.send("update_group_measurements", wire.update_group_measurements(self.link.group_id or "", measured))
        return {"measured_until": measured.end}
