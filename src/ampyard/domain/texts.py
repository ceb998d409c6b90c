"""Text that people write: names, remarks."""

from ampyard.domain.errors import InvalidInputError


def checked_text(text: str, field: str, *, at_most: int, at_least: int = 1) -> str:
    """Return a text without surrounding spaces; `field` is what clients call it.

    Raises:
        InvalidInputError: it is too long or too short, or has line breaks or control characters.
    """
    found = text.strip()
    if not at_least <= len(found) <= at_most:
        raise InvalidInputError(f"{field} has {len(found)} characters; give {at_least} to {at_most}.", ("input", field))
    if not found.isprintable():
        raise InvalidInputError(f"{field} has line breaks or control characters; write it on one line without them.", ("input", field))
    return found
