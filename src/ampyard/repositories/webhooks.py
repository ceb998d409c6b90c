"""Calling webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass

from ampyard.repositories.egress import Egress, EgressError

# The receiver has gone for good, by its own word (Standard Webhooks; RFC 9110, 15.5.11).
_GONE = 410


class WebhookError(Exception):
    """A webhook was not delivered; `permanent`: it would not be another time either. `status_code` is what was answered, if anything."""

    def __init__(self, message: str, *, permanent: bool = False, status_code: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status_code = status_code


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts to webhooks; see `Egress` for whom it calls."""

    private_allowed: bool = False

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body; returns the status that was answered with, from 200 to 299.

        Raises:
            WebhookError: it must not be called, was not reached, or answered otherwise. Redirects are not followed.
        """
        try:
            answer = await Egress(self.private_allowed).call("POST", url, headers, body, most_bytes=0)
        except EgressError as error:
            raise WebhookError(str(error), permanent=error.permanent) from error
        if not answer.is_success:
            message = f"{answer.host} answered {answer.status}{f': {answer.text}' if answer.text else ''}"
            raise WebhookError(message, permanent=answer.status == _GONE, status_code=answer.status)
        return answer.status
