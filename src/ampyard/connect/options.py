from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How the charge-point endpoint behaves.

    Attributes:
        heartbeat_interval_s: What a boot notification is answered with.
        boot_grace_s: How long a new socket may be silent before it is taken for a charge point that had lost the link alone.
        limit_timeout_s: How long a charge point may take to answer a power limit; shorter than the limit's own life.
        command_timeout_s: The same for every other command.
        presence_interval_s: How often the charge points of this process are recorded as still there.
        poll_interval_s: How often commands are looked for, should a notification have been missed.
        messages_per_s: How many messages a socket may send in the long run; a faster one is read more slowly.
        message_burst: How many it may send at once.
        max_message_bytes: The longest message accepted; a longer one closes the socket (RFC 6455, 7.4.1: 1009).
        drain_timeout_s: How long a stop waits until every socket is closed and recorded as disconnected.
    """

    heartbeat_interval_s: int = 60
    boot_grace_s: float = 5.0
    limit_timeout_s: float = 8.0
    command_timeout_s: float = 25.0
    presence_interval_s: float = 15.0
    poll_interval_s: float = 1.0
    messages_per_s: float = 50.0
    message_burst: int = 200
    max_message_bytes: int = 1024 * 1024
    drain_timeout_s: float = 4.0
