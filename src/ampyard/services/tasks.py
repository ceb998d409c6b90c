import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_S = 0.1


async def end(tasks: "Iterable[asyncio.Task[Any]]", *, timeout_s: float | None = None) -> "set[asyncio.Task[Any]]":
    """Cancel tasks and wait until they have ended, whatever they end with; returns those that had not when the time was over.

    They are cancelled again and again: up to Python 3.11, `asyncio.wait_for`, which clients use inside, may swallow a
    cancellation (CPython issue 86296).
    """
    loop = asyncio.get_running_loop()
    deadline = None if timeout_s is None else loop.time() + timeout_s
    running = {task for task in tasks if not task.done()}
    while running and (deadline is None or loop.time() < deadline):
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN_S)
    return running
