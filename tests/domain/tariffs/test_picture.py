"""The picture in the documents is of what the engine does."""

from ampyard.domain.tariffs.pricing import price
from tests.domain.tariffs.building import amounts, used
from tests.domain.tariffs.picture import FILE, SESSION, TARIFF, picture


def test_the_picture_is_drawn_anew_when_the_engine_changes() -> None:
    assert FILE.read_text() == picture(), "make plots draws it"


def test_what_the_picture_tells() -> None:
    cost = price(SESSION, [TARIFF])
    # 40 of 70 minutes of 7.7 kWh before 17:00 in Berlin; 8.83 kWh are billed as 8.9, 40 minutes of parking as 45.
    assert used(cost) == [
        ("FLAT", "1", "0.5", "0.5"),
        ("ENERGY", "4.4", "0.29", "1.276"),
        ("ENERGY", "4.5", "0.39", "1.755"),
        ("PARKING_TIME", "45", "2", "1.5"),
    ]
    assert amounts(cost.total_cost) == ("5.03", "5.99")
