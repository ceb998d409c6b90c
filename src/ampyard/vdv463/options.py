from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How the endpoint behaves.

    Attributes:
        tell_every_s: How often charging information is sent though nothing has changed.
        tell_at_most_every_s: How long changes are gathered until they are sent.
        confirm_timeout_s: How long the other side may take to confirm; until then no further information is sent.
        presence_interval_s: How often the link is looked at: whether another socket holds it, it is disabled, its tenant is suspended.
        boot_timeout_s: How long a new socket may take to boot; then it is closed.
        messages_per_s: How many messages a socket may send in the long run; a faster one is read more slowly.
        message_burst: How many it may send at once.
        max_message_bytes: The longest message accepted; a longer one closes the socket (RFC 6455, 7.4.1: 1009).
        kept_characters: How much of a message the message log keeps.
    """

    tell_every_s: float = 15.0
    tell_at_most_every_s: float = 1.0
    confirm_timeout_s: float = 30.0
    presence_interval_s: float = 10.0
    boot_timeout_s: float = 60.0
    messages_per_s: float = 5.0
    message_burst: int = 20
    max_message_bytes: int = 4 * 1024 * 1024
    kept_characters: int = 20_000
