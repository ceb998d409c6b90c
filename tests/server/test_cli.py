"""Commands given wrong settings, or servers that are not there: told in a sentence, without a traceback."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_NOT_THERE = "Check AMPYARD_DATABASE_URL; the embedded database answers while `ampyard up` runs on the same AMPYARD_HOME."


def ampyard(home: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AMPYARD_")}
    env = kept | {"AMPYARD_HOME": str(home), "COLUMNS": "200"} | {f"AMPYARD_{name.upper()}": value for name, value in settings.items()}
    argv = [sys.executable, "-m", "ampyard", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"port": "abc"}, "AMPYARD_PORT: Input should be a valid integer, unable to parse string as an integer"),
        ({"port": "65535"}, "AMPYARD_CONNECT_PORT must be set, because there is no port after AMPYARD_PORT"),
        ({"database_url": "mysql://host/database"}, "AMPYARD_DATABASE_URL: It must be a URL that begins with postgresql://"),
        ({"database_owner_url": "a:secret@host"}, "AMPYARD_DATABASE_OWNER_URL: It must be a URL that begins with postgresql://"),
        ({"redis_url": "localhost:6379"}, "AMPYARD_REDIS_URL: It must be a URL that begins with redis://"),
        ({"trusted_documents_only": "true"}, "AMPYARD_TRUSTED_DOCUMENTS_ONLY needs the manifest that AMPYARD_TRUSTED_DOCUMENTS names"),
        ({"metrics_token": "short"}, "AMPYARD_METRICS_TOKEN: Value should have at least 16 items after validation, not 5"),
        ({"host": "nowhere.invalid"}, "'nowhere.invalid' is no address of this machine. Set AMPYARD_HOST to one that is."),
    ],
)
def test_a_setting_that_cannot_be_is_named_without_its_value(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    done = ampyard(tmp_path, "up", **settings)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told + "\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", "{} is not a manifest of trusted documents: it is not a JSON object."),
        (None, "{}: No such file or directory"),
    ],
)
def test_a_manifest_that_is_none_is_told_of(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    done = ampyard(tmp_path, "api", trusted_documents=str(path))
    assert (done.returncode, done.stderr) == (1, told.format(path) + "\n")


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    done = ampyard(tmp_path, "token", database_url="", redis_url="", port="", development="")
    assert done.stderr == f"The database does not answer ([Errno {errno.ENOENT}] No such file or directory). {_NOT_THERE}\n"


A_TRANSACTION = "VHJhbnNhY3Rpb246MDE5YTAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAx"


@pytest.mark.parametrize("command", [["migrate"], ["seed"], ["token"], ["report", "daily-energy"], ["replay", A_TRANSACTION]])
def test_a_database_that_does_not_answer_is_told_of(tmp_path: Path, command: list[str]) -> None:
    with socket.socket() as bound:  # bound and not listening: nobody answers, and nobody else can begin to
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        done = ampyard(tmp_path, *command, database_url=f"postgresql://user:secret@127.0.0.1:{port}/database")
    refused = f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', {port})"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"The database does not answer ({refused}). {_NOT_THERE}\n")


def test_a_folder_that_cannot_be_made_is_told_of() -> None:
    done = ampyard(Path("/dev/null/home"), "up")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "/dev/null/home cannot be used as the data folder (Not a directory). Set AMPYARD_HOME to a folder of your own.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["replay", "x"], "transaction: 'x' is not an id of this graph"),
        (["schema", "--folder", "/nonexistent"], "/nonexistent/schema.graphql: No such file or directory"),
        (["simulate", "--url", "localhost:8701"], "'localhost:8701' is no address that begins with ws:// or wss://."),
        (["simulate", "--fleet", "/nonexistent.json"], "file '/nonexistent.json' does not exist."),
    ],
)
def test_an_argument_that_cannot_be_is_told_of(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = ampyard(tmp_path, *arguments)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fleet_file_of_another_shape_is_told_of_without_its_passwords(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    file.write_text('{"charge_points": [{"identity": "A-1", "password": {"is": "hunter2"}}], "vehicles": []}')
    done = ampyard(tmp_path, "simulate", "--fleet", str(file))

    assert done.returncode == 1
    assert "The fleet file is not of the shape that simulator/fleet.py documents:\n" in done.stderr
    assert "  charge_points.0.ocpp_version: Field required\n" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
