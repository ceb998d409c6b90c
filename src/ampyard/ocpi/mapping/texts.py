"""Texts of ours in the fields of OCPI."""

# What a required field says where there is nothing to say (2.2.1 and 2.3.0, section 4.1.10).
NOT_AVAILABLE = "#NA"


def fit(text: str, length: int) -> str:
    """Return a text that a string of OCPI takes: printable and bounded. Ours are neither, and one odd name must not hide a whole list."""
    return "".join(character if character.isprintable() else " " for character in text)[:length]


def fit_or_none(text: str | None, length: int) -> str | None:
    """Return a text that an optional string of OCPI takes, or None where it would be empty."""
    return fit(text, length) or None if text is not None else None


def coordinates(latitude: float, longitude: float) -> dict[str, str]:
    """Return a GeoLocation: about 10 cm (8.4, GeoLocation)."""
    return {"latitude": f"{latitude:.6f}", "longitude": f"{longitude:.6f}"}
