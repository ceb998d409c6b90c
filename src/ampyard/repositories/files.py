"""Files: one port, two stores."""

import asyncio
import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

import boto3
from botocore.exceptions import ClientError


class FileStore(Protocol):
    """Where documents are kept.

    Keys are relative paths with forward slashes, `<tenant>/<kind>/<name>`. One that is empty or has an empty, `.` or
    `..` part is refused with `ValueError`.
    """

    async def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store a file, replacing what is there under this key, whole or not at all."""

    async def read(self, key: str) -> bytes | None:
        """Return a file's content, or `None` when there is none under this key."""


class FolderFiles:
    """Files in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store a file; it is renamed into place, so no reader sees half of it."""
        del content_type  # a folder keeps none; the report's row does
        await asyncio.to_thread(self._write, self._path(key), content)

    async def read(self, key: str) -> bytes | None:
        """Return a file's content, or `None`."""
        return await asyncio.to_thread(self._read, self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / _checked(key)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: two writers of one key must not write into the same unfinished file.
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
            try:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise


class S3Files:
    """Files in an S3 bucket. Credentials and region come from the environment as boto3 reads them."""

    def __init__(self, bucket: str, *, endpoint_url: str | None = None, region: str | None = None) -> None:
        self._bucket = bucket
        self._client = boto3.client("s3", endpoint_url=endpoint_url, region_name=region)

    async def write(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        await asyncio.to_thread(self._client.put_object, Bucket=self._bucket, Key=_checked(key), Body=content, ContentType=content_type)

    async def read(self, key: str) -> bytes | None:
        """Return an object's content, or `None`."""
        return await asyncio.to_thread(self._read, _checked(key))

    def _read(self, key: str) -> bytes | None:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise


def _checked(key: str) -> str:
    # The same rule for both stores: what one takes, the other takes, and nothing leads out of a folder.
    if any(part in {"", ".", ".."} or "\0" in part for part in key.split("/")):
        raise ValueError(f"{key!r} is no file key: it must be a relative path without empty, '.' or '..' parts.")
    return key
