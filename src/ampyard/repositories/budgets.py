"""What principals may spend: a bucket of points each, on the Redis-protocol server. It can be lost: a lost bucket is a full one."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ampyard.domain.access import Principal, PrincipalKind

_log = logging.getLogger(__name__)

# What a process takes ahead, where there is plenty, so that small operations need no round trip: this part of the capacity.
_AHEAD = 50
# How long points taken ahead may lie about unused before they go back for other processes to give out.
_IDLE_S = 0.5
# How long it is remembered what was left in a bucket: as long as any operation runs.
_REMEMBERED_S = 120.0
# An operation does not wait longer for the server than this, and then not again for a while.
_PATIENCE_S = 1.0
_PAUSE_S = 1.0

# A bucket is "points microseconds": what was in it when it was last touched, by the server's clock.
_TAKE = """
local capacity, rate, returned, wanted, ahead =
    tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local points = capacity
local kept = redis.call('GET', KEYS[1])
if kept then
    local at
    points, at = string.match(kept, '^(%S+) (%S+)$')
    points = tonumber(points) + math.max(0, now - tonumber(at)) * rate / 1000000
end
points = math.min(capacity, points + returned)
local granted = 0
if points >= wanted then
    granted = wanted + math.max(0, math.floor(math.min(ahead, points - wanted - capacity / 2)))
end
points = points - granted
local full_in_ms = math.ceil((capacity - points) * 1000 / rate)
redis.call('SET', KEYS[1], string.format('%.6f %.0f', points, now), 'PX', full_in_ms + 1000)
return {granted, math.floor(points)}
"""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an operation may run; how many points are left (None: nobody knows); and when there will be enough."""

    allowed: bool
    available: int | None
    retry_after_s: float = 0.0


_UNKNOWN = Admission(allowed=True, available=None)


@dataclass(slots=True)
class _Account:
    """What this process knows of one bucket, and the points it has taken from it and not spent."""

    key: str
    ahead: int = 0
    level: int = 0
    seen_at: float | None = None
    used_at: float = 0.0
    returning: bool = False
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)  # while somebody asks, points are on their way


class Budgets:
    """All buckets on one server, as one process sees them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._buckets: list[Buckets] = []

    def buckets(self, *, capacity: int, restore_per_s: int) -> "Buckets":
        """Return buckets of one size, in points, that fill at one rate. A principal has one bucket, and comes to one size of them."""
        self._buckets.append(Buckets(self._redis, capacity=capacity, restore_per_s=restore_per_s))
        return self._buckets[-1]

    async def close(self) -> None:
        """Give back what was taken ahead."""
        for buckets in self._buckets:
            await buckets.close()


class Buckets:
    """The buckets of one size.

    Points leave a bucket in one atomic script that goes by the server's clock, so that processes together never give out more than it held.
    A process takes some ahead where there is plenty; what is refunded goes to those first, and back to the bucket when it is much or
    unused. `currentlyAvailable` does not count what other processes have taken ahead.
    """

    def __init__(self, redis: Redis, *, capacity: int, restore_per_s: int) -> None:
        self.capacity = capacity
        self.restore_per_s = restore_per_s
        self.unasked = 0
        """How many operations went on because the server did not answer."""
        self._take = redis.register_script(_TAKE)
        self._ahead = capacity // _AHEAD
        self._accounts: dict[tuple[uuid.UUID, PrincipalKind, str], _Account] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._paused_until = 0.0
        self._down = False

    async def take(self, principal: Principal, points: int) -> Admission:
        """Take `points`, at most the capacity. Never fails, and never takes long: without the server operations go on."""
        account = self._account(principal)
        if account.seen_at is not None and points <= account.ahead:
            account.ahead -= points
            return Admission(allowed=True, available=self._available(account))
        async with account.asking:
            while account.seen_at is None or points > account.ahead:
                granted = await self._ask(account, points, self._ahead if points else 0)
                if granted is None:
                    self.unasked += 1
                    return _UNKNOWN
                account.ahead += granted
                available = self._available(account)
                if available < points:
                    return Admission(allowed=False, available=available, retry_after_s=(points - available) / self.restore_per_s)
                # Else they have been granted; or what was missing has come back meanwhile.
            account.ahead -= points
            return Admission(allowed=True, available=self._available(account))

    def refund(self, principal: Principal, points: int) -> int:
        """Give back points that `take` took; return how many are available now. Whatever must be sent is sent later.

        A negative number is taken on top, into debt if need be.
        """
        account = self._account(principal)
        account.ahead = min(account.ahead + points, self.capacity)
        if not 0 <= account.ahead <= 2 * self._ahead:
            self._give_back(account, keep=self._ahead)
        self._sweep_later()
        return self._available(account)

    async def close(self) -> None:
        """Give back all that was taken ahead."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*(self._ask(account, 0, 0) for account in self._accounts.values() if account.ahead))

    def _account(self, principal: Principal) -> _Account:
        key = (principal.tenant_id, principal.kind, principal.subject)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account(f"ampyard:budget:{principal.tenant_id}:{principal.author}")
        account.used_at = time.monotonic()
        return account

    def _available(self, account: _Account) -> int:
        if account.seen_at is None:
            return self.capacity
        restored = (time.monotonic() - account.seen_at) * self.restore_per_s
        return max(0, min(self.capacity, int(account.level + restored) + account.ahead))

    async def _ask(self, account: _Account, wanted: int, ahead: int, *, keep: int = 0) -> int | None:
        """Give back all that is held but `keep`, and ask for `wanted`; return what was granted, None without the server."""
        now = time.monotonic()
        if now < self._paused_until:
            return None
        if self._down:
            self._paused_until = now + _PAUSE_S  # one tries whether it is back, the others go on
        returned = account.ahead if account.ahead < 0 else max(0, account.ahead - keep)
        account.ahead -= returned  # if the server does not answer, it may have them or not: they are not spent twice
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer: Any = await self._take(keys=[account.key], args=[self.capacity, self.restore_per_s, returned, wanted, ahead])
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            if not self._down:
                _log.warning("Nobody's spending is bounded: the budgets cannot be asked (%r). Operations go on.", error)
            self._down = True
            return None
        if self._down:
            _log.warning("The budgets can be asked again; %d operations have gone on without.", self.unasked)
            self._down = False
            self._paused_until = 0.0
        granted, account.level = answer
        account.seen_at = time.monotonic()
        self._sweep_later()
        return int(granted)

    def _give_back(self, account: _Account, *, keep: int) -> None:
        if account.returning:
            return
        account.returning = True

        async def give_back() -> None:
            try:
                async with account.asking:
                    await self._ask(account, 0, 0, keep=keep)
            finally:
                account.returning = False

        task = asyncio.get_running_loop().create_task(give_back())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_IDLE_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        now = time.monotonic()
        for key, account in list(self._accounts.items()):
            if account.ahead and now - account.used_at > _IDLE_S:
                self._give_back(account, keep=0)
            elif now - account.used_at > _REMEMBERED_S:
                del self._accounts[key]
        if self._accounts:
            self._sweep_later()
