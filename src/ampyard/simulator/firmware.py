"""Firmware updates: the steps a charge point goes through once it has been told where its new firmware is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import urlsplit

# In the words that both protocol versions have in common (1.6 section 7.25, 2.0.1 part 2, FirmwareStatusEnumType).
STEPS = ("Downloading", "Downloaded", "Installing", "Installed")
IDLE = "Idle"
STEP_S = 10.0  # how long each step takes, before speed
_VERSION_LENGTH = 50


@dataclass(slots=True)
class FirmwareUpdate:
    """An update under way: ``step`` is the next one to come, at ``due``. Not kept through a power-off, as most charge points do."""

    version: str
    request_id: int | None
    due: datetime
    step: int = 0

    @property
    def status(self) -> str:
        """The step that was reached last."""
        return STEPS[self.step - 1] if self.step else IDLE

    def advance(self, now: datetime, step: timedelta) -> str | None:
        """Return the step that is reached by ``now``, if another one is; one at a time."""
        if self.step == len(STEPS) or now < self.due:
            return None
        self.step += 1
        self.due = now + step
        return self.status

    @property
    def is_done(self) -> bool:
        return self.step == len(STEPS)


def version_at(location: str) -> str:
    """Return the version of the firmware at an address: the name of the file without its ending."""
    return PurePosixPath(urlsplit(location).path).stem[:_VERSION_LENGTH] or "unknown"
