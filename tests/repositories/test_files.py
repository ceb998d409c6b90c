"""Both file stores keep the same promises; S3 over HTTP, against a server that speaks its protocol."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ampyard.repositories.files import FileStore, FolderFiles, S3Files


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "tester")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "tester")
        environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def bucket(s3_endpoint: str) -> str:
    name = f"ampyard-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return name


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "folder":
        return FolderFiles(tmp_path / "store")
    return S3Files(request.getfixturevalue("bucket"), endpoint_url=request.getfixturevalue("s3_endpoint"))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_what_is_written_is_read(files: FileStore) -> None:
    await files.write("tenant/daily-energy/2026-11-02.csv", "Zähler\r\n".encode(), "text/csv")
    await files.write("tenant/empty", b"", "text/plain")

    assert await files.read("tenant/daily-energy/2026-11-02.csv") == "Zähler\r\n".encode()
    assert await files.read("tenant/empty") == b""


async def test_what_is_not_there_is_none(files: FileStore) -> None:
    await files.write("tenant/there/file", b"x", "text/plain")

    for key in ("tenant/missing", "tenant/there", "tenant/there/file/below"):
        assert await files.read(key) is None, key


async def test_a_second_write_replaces_the_first(files: FileStore) -> None:
    await files.write("t/a", b"a long first version", "text/plain")
    await files.write("t/a", b"short", "text/plain")

    assert await files.read("t/a") == b"short"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../escape", "t/../../escape", "t/..", "t//a", "./a", "t/a\0b", "t/"])
async def test_a_key_that_leads_elsewhere_is_refused(files: FileStore, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="is no file key"):
        await files.write(key, b"x", "text/plain")
    with pytest.raises(ValueError, match="is no file key"):
        await files.read(key)

    assert names_in(tmp_path) == []


async def test_readers_see_one_whole_version_while_writers_compete(files: FileStore) -> None:
    versions = [bytes([letter]) * 200_000 for letter in b"abcdef"]
    await files.write("t/a", versions[0], "text/plain")

    reads, _ = await asyncio.gather(
        asyncio.gather(*(files.read("t/a") for _ in range(12))),
        asyncio.gather(*(files.write("t/a", version, "text/plain") for version in versions)),
    )

    assert {*reads, await files.read("t/a")} <= set(versions)


async def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = FolderFiles(tmp_path)
    await files.write("t/a", b"old", "text/plain")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await files.write("t/a", b"new", "text/plain")

    assert await files.read("t/a") == b"old"
    assert names_in(tmp_path / "t") == ["a"]


async def test_s3_keeps_the_content_type(bucket: str, s3_endpoint: str) -> None:
    await S3Files(bucket, endpoint_url=s3_endpoint).write("t/a.csv", b"x", "text/csv; charset=utf-8")

    assert (
        boto3.client("s3", endpoint_url=s3_endpoint).head_object(Bucket=bucket, Key="t/a.csv")["ContentType"] == "text/csv; charset=utf-8"
    )


async def test_s3_tells_a_missing_bucket_from_a_missing_file(s3_endpoint: str) -> None:
    with pytest.raises(Exception, match="NoSuchBucket"):
        await S3Files("no-such-bucket", endpoint_url=s3_endpoint).read("t/a")
