from pathlib import Path

from ampyard.server.logfile import Log, read_tail


def test_a_log_that_has_grown_large_is_moved_aside_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "api.log"
    log = Log(path, rotate_at_bytes=20)
    for number in range(7):
        log.write(b"line %d....\n" % number)  # 11 bytes each: the third of a file begins beyond 20
    log.close()
    assert path.read_bytes() == b"line 6....\n"
    assert path.with_name("api.log.1").read_bytes() == b"line 4....\nline 5....\n"


def test_a_log_goes_on_where_an_earlier_run_ended(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    for text in (b"first\n", b"second\n"):
        log = Log(path)
        log.write(text)
        log.close()
    assert read_tail(path) == "first\nsecond"
    assert path.stat().st_mode & 0o777 == 0o600
