"""Changes of blocks: decode the ids, call the service."""

from collections.abc import Sequence
from typing import Any

from ampyard.domain.blocks import Block
from ampyard.domain.depots import Depot
from ampyard.domain.local_time import Weekday
from ampyard.resolvers.changes import Caller
from ampyard.resolvers.ids import decode_id, optional_id
from ampyard.services import block_lists, blocks
from ampyard.services.blocks import NewBlock
from ampyard.services.imports import ImportFile


async def create_block(caller: Caller, **given: Any) -> dict[str, Any]:
    """Plan a block."""
    return {"block": await blocks.create_block(caller.backend, caller.principal, NewBlock(**_decoded("input", given)))}


async def edit_block(caller: Caller, *, block_id: str, release_assignments: bool = False, **changes: Any) -> dict[str, Any]:
    """Change what is given of a block."""
    wanted = decode_id("input.blockId", block_id, Block)
    decoded = _decoded("input", changes)
    return {"block": await blocks.edit_block(caller.backend, caller.principal, wanted, decoded, release=release_assignments)}


async def remove_block(caller: Caller, *, block_id: str, release_assignments: bool = False) -> dict[str, Any]:
    """Take a block out of the plan."""
    wanted = decode_id("input.blockId", block_id, Block)
    return {"block": await blocks.remove_block(caller.backend, caller.principal, wanted, release=release_assignments)}


async def upsert_blocks(caller: Caller, *, blocks: Sequence[Any], release_assignments: bool = False) -> dict[str, Any]:
    """Make or change blocks by their external ids."""
    wanted = [NewBlock(**_decoded(f"input.blocks.{n}", vars(one))) for n, one in enumerate(blocks)]
    return {"blocks": await block_lists.upsert_blocks(caller.backend, caller.principal, wanted, release=release_assignments)}


async def import_blocks(caller: Caller, *, file_name: str, content: str, dry_run: bool) -> dict[str, Any]:
    """Make or change blocks as a file says."""
    file = ImportFile(file_name, content)
    return {"report": await block_lists.import_blocks(caller.backend, caller.principal, file, dry_run=dry_run)}


def _decoded(path: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return fields of an input as a block has them."""
    decoded = dict(given)
    for place in ("departure", "return"):
        if f"{place}_depot_id" in decoded:
            decoded[f"{place}_depot_id"] = optional_id(f"{path}.{place}DepotId", decoded[f"{place}_depot_id"], Depot)
    if decoded.get("weekdays") is not None:
        decoded["weekdays"] = frozenset[Weekday](decoded["weekdays"])
    return decoded
