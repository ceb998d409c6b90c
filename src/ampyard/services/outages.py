import logging


class Outage:
    """Something that fails for a while, told of once when it begins and once when it is over, however often it is tried.

    Args:
        what: what fails, as the log line begins: "Relaying events".
        log: where to tell it.
        longest_delay_s: tries are spaced ever wider, from a quarter of a second up to this.
        unexpected: the log line carries the traceback, unless it is a mere loss of a connection.
    """

    def __init__(self, what: str, log: logging.Logger, *, longest_delay_s: float = 5.0, unexpected: bool = False) -> None:
        self._what = what
        self._log = log
        self._longest_delay_s = longest_delay_s
        self._unexpected = unexpected
        self._failures = 0

    def failed(self, error: BaseException) -> float:
        """Note a failed try; returns how long to wait before the next one, in seconds."""
        self._failures += 1
        if self._failures == 1:
            reason = str(error) or type(error).__name__
            self._log.warning("%s fails (%s); it is tried again until it works.", self._what, reason, exc_info=self._trace(error))
        return min(0.25 * 2.0 ** min(self._failures - 1, 16), self._longest_delay_s)

    def over(self) -> None:
        """Note that it works."""
        if self._failures:
            self._log.info("%s works again, after %d failed tries.", self._what, self._failures)
        self._failures = 0

    def _trace(self, error: BaseException) -> BaseException | None:
        return error if self._unexpected and not isinstance(error, OSError) else None
