"""The schemas as text, as they are committed."""

from ampyard.schema.internal import schema as internal
from ampyard.schema.public import schema as public


def documents() -> dict[str, str]:
    """Return the SDL of both schemas by file name."""
    return {"schema.graphql": internal.as_str() + "\n", "schema.public.graphql": public.as_str() + "\n"}
