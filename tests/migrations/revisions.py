"""Which revisions there are, by their files: so that tests need not be told of each new one."""

from pathlib import Path

from ampyard import migrations

_FOLDER = Path(migrations.__file__).parent / "versions"
REVISIONS = sorted(file.stem.split("_")[0] for file in _FOLDER.glob("[0-9]*.py"))
