"""Version and VersionDetails (OCPI 2.2.1 and 2.3.0, chapter 6)."""

from typing import Literal

from pydantic import Field

from ampyard.ocpi.wire.types import Many, OpenEnum, Url, WireModel


class Version(WireModel):
    version: OpenEnum
    url: Url


class Endpoint(WireModel):
    identifier: OpenEnum
    role: Literal["SENDER", "RECEIVER"]
    url: Url


class VersionDetails(WireModel):
    version: OpenEnum
    endpoints: Many[Endpoint] = Field(min_length=1)
