"""What was found, check by check."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """ADVICE: the standard advises otherwise, and does not demand it. SKIPPED: it could not be looked at; the detail says why."""

    PASSED = "passed"
    FAILED = "failed"
    ADVICE = "advice"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one subject, such as `2.3.0 cdrs`; `source` is where the standard says so."""

    subject: str
    check: str
    outcome: Outcome
    detail: str
    source: str


class Findings:
    """The findings of one subject, as they are made."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.found: list[Finding] = []

    def hold(self, check: str, fault: str | None, source: str, *, advice: bool = False) -> bool:
        """Note a check, by what is wrong (None: nothing); returns whether nothing is."""
        wrong = Outcome.ADVICE if advice else Outcome.FAILED
        self.found.append(Finding(self.subject, check, Outcome.PASSED if fault is None else wrong, fault or "", source))
        return fault is None

    def skip(self, check: str, why: str, source: str) -> None:
        """Note that something could not be looked at."""
        self.found.append(Finding(self.subject, check, Outcome.SKIPPED, why, source))
