import asyncio
from types import TracebackType
from typing import Self

from ampyard.engine.errors import PublicError

_AGAIN_S = 1.0


class DeadlineExceededError(PublicError):
    """The operation, or the evaluation of an event, took too long and was cancelled."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"This took longer than {seconds:g} s and was stopped; what it had changed by then may stand.", code="DEADLINE_EXCEEDED"
        )


class Deadline:
    """`with Deadline(seconds):` cancels what runs in it when its time is over, and then raises `DeadlineExceededError`.

    Unlike `asyncio.timeout` it cancels again, every second, until the block is left: a client library that meets its answer and the
    cancellation at once may take the answer and forget the cancellation (redis-py before Python 3.12 does).
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._cancelled = 0

    def __enter__(self) -> Self:
        if self._seconds is not None:
            task = asyncio.current_task()
            if task is None:
                raise RuntimeError("A deadline needs a task to cancel.")
            self._task = task
            self._before = task.cancelling()
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._cancel)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._seconds is None:
            return
        self._timer.cancel()
        for _ in range(self._cancelled):
            self._task.uncancel()
        gave_in = isinstance(error, Exception | asyncio.CancelledError)
        if self._cancelled and gave_in and self._task.cancelling() <= self._before:  # else somebody else cancels it, too
            raise DeadlineExceededError(self._seconds) from error

    def check(self, errors: object) -> None:
        """Raise `DeadlineExceededError` where there are errors and they came after the deadline: likely of the cancellation itself."""
        if errors and self._cancelled and self._seconds is not None:
            raise DeadlineExceededError(self._seconds)

    def _cancel(self) -> None:
        self._cancelled += 1
        self._task.cancel()
        self._timer = asyncio.get_running_loop().call_later(_AGAIN_S, self._cancel)
