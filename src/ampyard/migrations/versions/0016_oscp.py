"""OSCP: the handshake that is still to be acknowledged, and the token that the other side is being told."""

import sqlalchemy as sa
from alembic import op

from ampyard.migrations import online

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grid_link", sa.Column("handshake_id", sa.Text(), nullable=True))
    op.add_column("grid_link", sa.Column("next_token_hash", sa.Text(), nullable=True))
    op.execute("GRANT SELECT (next_token_hash) ON grid_link TO ampyard_system")
    online.create_index("uq_grid_link_next_token", "grid_link", ["next_token_hash"], unique=True)


def downgrade() -> None:
    op.drop_column("grid_link", "next_token_hash")
    op.drop_column("grid_link", "handshake_id")
