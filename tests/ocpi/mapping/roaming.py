"""Tariffs, sessions and CDRs as the domain has them, of any kind."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from hypothesis import strategies as st

from ampyard.domain.local_time import Weekday
from ampyard.domain.roaming.cdrs import Cdr, CdrLocation, CdrTotals, SignedData, SignedValue
from ampyard.domain.roaming.partners import PartyId
from ampyard.domain.roaming.periods import CdrDimension, CdrDimensionType, CdrPeriod
from ampyard.domain.roaming.sessions import AuthMethod, CdrToken, Session, SessionStatus
from ampyard.domain.roaming.tariffs import PartyTariff
from ampyard.domain.tariffs.energy_mix import EnergyMix, EnergySource, EnvironmentalImpact
from ampyard.domain.tariffs.model import (
    DisplayText,
    PriceComponent,
    PriceLimit,
    ReservationRestriction,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
    TariffType,
    TaxIncluded,
    TaxRate,
)
from ampyard.domain.tariffs.money import Price, TaxAmount

PARTY = PartyId("DE", "AYD")

# As OCPI has them: to the millisecond.
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 # hypothesis wants it so
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
amounts = st.decimals(0, 10_000, places=4)
percentages = st.sampled_from([Decimal(0), Decimal("7.0"), Decimal(19), Decimal("9.975")])
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs", "Cn", "Co", "Cf"]), min_size=1, max_size=20)
ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=36)


def _rises(span: tuple[Decimal | None, Decimal | None]) -> bool:
    return span[0] is None or span[1] is None or span[0] < span[1]


_spans = st.tuples(st.none() | amounts, st.none() | amounts).filter(_rises)
_dates = st.dates(date(2024, 1, 1), date(2026, 1, 1))


@st.composite
def restrictions(draw: st.DrawFn) -> TariffRestrictions:
    (kwh, current, power) = (draw(_spans) for _ in range(3))
    days = sorted(draw(st.sets(_dates, min_size=2, max_size=2)))
    return TariffRestrictions(
        start_time=draw(st.none() | st.sampled_from([time(0), time(17, 30)])),
        end_time=draw(st.none() | st.sampled_from([time(0), time(6, 5)])),
        start_date=draw(st.none() | st.just(days[0])),
        end_date=draw(st.none() | st.just(days[1])),
        min_kwh=kwh[0],
        max_kwh=kwh[1],
        min_current=current[0],
        max_current=current[1],
        min_power=power[0],
        max_power=power[1],
        min_duration=draw(st.none() | st.integers(0, 100)),
        max_duration=draw(st.none() | st.integers(101, 200)),
        day_of_week=draw(st.frozensets(st.sampled_from(Weekday))),
    )


@st.composite
def elements(draw: st.DrawFn) -> TariffElement:
    reservation = draw(st.none() | st.sampled_from(ReservationRestriction))
    kinds = [TariffDimensionType.FLAT, TariffDimensionType.TIME] if reservation else list(TariffDimensionType)
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3, unique=True))
    components = tuple(PriceComponent(kind, draw(amounts), draw(st.none() | percentages), draw(st.integers(0, 300))) for kind in chosen)
    return TariffElement(components, replace(draw(restrictions()), reservation=reservation))


@st.composite
def limits(draw: st.DrawFn) -> tuple[PriceLimit | None, PriceLimit | None]:
    low, high = sorted(draw(st.tuples(amounts, amounts)))
    taxed = draw(st.booleans())
    least, most = (PriceLimit(one, one + 1 if taxed else None) for one in (low, high))
    return draw(st.sampled_from([(None, None), (least, None), (None, most), (least, most)]))


energy_mixes = st.builds(
    EnergyMix,
    is_green_energy=st.booleans(),
    energy_sources=st.lists(st.builds(EnergySource, st.sampled_from(["SOLAR", "COAL"]), percentages), max_size=2).map(tuple),
    environ_impact=st.lists(st.builds(EnvironmentalImpact, st.just("CARBON_DIOXIDE"), amounts), max_size=1).map(tuple),
    supplier_name=st.none() | texts,
    energy_product_name=st.none() | texts,
)
rates = st.builds(TaxRate, st.sampled_from(["GST", "QST"]), percentages, st.none() | ids)


@st.composite
def tariffs(draw: st.DrawFn) -> PartyTariff:
    least, most = draw(limits())
    begins, ends = sorted(draw(st.sets(moments, min_size=2, max_size=2)))
    terms = Tariff(
        id=draw(ids),
        currency=draw(st.sampled_from(["EUR", "CAD", "JPY"])),
        elements=tuple(draw(st.lists(elements(), min_size=1, max_size=3))),
        tax_included=draw(st.sampled_from(TaxIncluded)),
        taxes=tuple(draw(st.lists(rates, max_size=2))),
        type=draw(st.none() | st.sampled_from(TariffType)),
        min_price=least,
        max_price=most,
        preauthorize_amount=draw(st.none() | amounts),
        start_date_time=draw(st.none() | st.just(begins)),
        end_date_time=draw(st.none() | st.just(ends)),
        tariff_alt_text=tuple(draw(st.lists(st.builds(DisplayText, st.sampled_from(["de", "en"]), texts), max_size=2))),
        tariff_alt_url=draw(st.none() | st.just("https://fleet.example/tariff")),
        energy_mix=draw(st.none() | energy_mixes),
    )
    return PartyTariff(PARTY, terms, draw(moments))


prices = st.builds(Price, amounts, st.lists(st.builds(TaxAmount, rates, amounts), max_size=2).map(tuple))
dimensions = st.builds(CdrDimension, st.sampled_from(CdrDimensionType), amounts)
periods = st.builds(CdrPeriod, moments, st.lists(dimensions, min_size=1, max_size=3).map(tuple), st.none() | ids)
tokens = st.builds(CdrToken, st.just(PartyId("NL", "TST")), ids, st.sampled_from(["RFID", "EMAID", "X_OWN"]), ids)
sessions = st.builds(
    Session,
    id=st.uuids(),
    tenant_id=st.uuids(),
    partner_id=st.uuids(),
    depot_id=st.uuids(),
    transaction_id=st.uuids(),
    country_code=st.just("DE"),
    party_id=st.just("AYD"),
    start_date_time=moments,
    end_date_time=st.none() | moments,
    kwh=amounts,
    cdr_token=tokens,
    auth_method=st.sampled_from(AuthMethod),
    authorization_reference=st.none() | ids,
    evse_uid=st.none() | st.uuids(),
    connector_id=st.none() | st.just("1"),
    meter_id=st.none() | st.text(max_size=300),
    currency=st.just("EUR"),
    charging_periods=st.lists(periods, max_size=2).map(tuple),
    total_cost=st.none() | prices,
    status=st.sampled_from(SessionStatus),
    last_updated=moments,
)
locations = st.builds(
    CdrLocation,
    id=ids,
    name=st.none() | st.text(max_size=300),
    address=st.text(max_size=60),
    city=st.text(max_size=60),
    postal_code=st.none() | st.text(max_size=12),
    state=st.none() | st.text(max_size=30),
    country=st.just("DEU"),
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    evse_uid=st.none() | ids,
    evse_id=st.none() | ids,
    connector_id=st.none() | ids,
    connector_standard=st.sampled_from(["IEC_62196_T2", "MCS", "SAE_J3400"]),
    connector_format=st.sampled_from(["SOCKET", "CABLE"]),
    connector_power_type=st.sampled_from(["DC", "AC_3_PHASE"]),
)
signed_data = st.builds(
    SignedData,
    encoding_method=st.just("OCMF"),
    encoding_method_version=st.none() | st.integers(1, 9),
    public_key=st.none() | ids,
    signed_values=st.lists(st.builds(SignedValue, st.sampled_from(["Start", "End"]), texts, ids), min_size=1, max_size=2).map(tuple),
    url=st.none() | st.just("https://fleet.example/check"),
)
totals = st.builds(
    CdrTotals,
    total_cost=prices,
    total_energy=amounts,
    total_time=amounts,
    total_parking_time=st.none() | amounts,
    total_fixed_cost=st.none() | prices,
    total_energy_cost=st.none() | prices,
    total_time_cost=st.none() | prices,
    total_parking_cost=st.none() | prices,
    total_reservation_cost=st.none() | prices,
)
cdrs = st.builds(
    Cdr,
    id=st.uuids(),
    tenant_id=st.uuids(),
    partner_id=st.uuids(),
    depot_id=st.uuids(),
    transaction_id=st.uuids(),
    country_code=st.just("DE"),
    party_id=st.just("AYD"),
    start_date_time=moments,
    end_date_time=moments,
    session_id=st.none() | st.uuids(),
    cdr_token=tokens,
    auth_method=st.sampled_from(AuthMethod),
    authorization_reference=st.none() | ids,
    cdr_location=locations,
    meter_id=st.none() | st.text(max_size=300),
    currency=st.just("EUR"),
    tariffs=st.lists(tariffs(), max_size=1).map(tuple),
    charging_periods=st.lists(periods, min_size=1, max_size=2).map(tuple),
    signed_data=st.none() | signed_data,
    totals=totals,
    remark=st.none() | st.text(max_size=300),
    invoice_reference_id=st.none() | ids,
    credit_reference_id=st.none() | st.uuids(),
    home_charging_compensation=st.booleans(),
    last_updated=moments,
)


def price(before: str, *taxes: tuple[str, str]) -> Price:
    """Return an amount with what is due of taxes, each by its rate in percent and the amount."""
    return Price(Decimal(before), tuple(TaxAmount(TaxRate("VAT", Decimal(rate)), Decimal(amount)) for rate, amount in taxes))


def one_cdr(number: int = 0) -> Cdr:
    """Return a CDR of four periods, as a usual one is."""
    begin = datetime(2026, 3, 1, 8, tzinfo=UTC)
    terms = Tariff(
        id="kwh",
        currency="EUR",
        elements=(TariffElement((PriceComponent(TariffDimensionType.ENERGY, Decimal("0.39"), Decimal(19)),)),),
    )
    return Cdr(
        id=uuid.UUID(int=number),
        tenant_id=uuid.UUID(int=1),
        partner_id=uuid.UUID(int=2),
        depot_id=uuid.UUID(int=3),
        transaction_id=uuid.UUID(int=4),
        country_code="DE",
        party_id="AYD",
        start_date_time=begin,
        end_date_time=begin.replace(hour=12),
        session_id=uuid.UUID(int=5),
        cdr_token=CdrToken(PartyId("NL", "TST"), "0123ABCD", "RFID", "NL-TST-C12345678-S"),
        auth_method=AuthMethod.WHITELIST,
        authorization_reference="4711",
        cdr_location=CdrLocation(
            id=str(uuid.UUID(int=3)),
            name="Nord",
            address="Straße 1",
            city="Berlin",
            postal_code="10115",
            state=None,
            country="DEU",
            latitude=52.5,
            longitude=13.4,
            evse_uid=str(uuid.UUID(int=6)),
            evse_id="DE*AYD*E1*1",
            connector_id="1",
            connector_standard="IEC_62196_T2",
            connector_format="SOCKET",
            connector_power_type="AC_3_PHASE",
        ),
        meter_id=None,
        currency="EUR",
        tariffs=(PartyTariff(PARTY, terms, begin),),
        charging_periods=tuple(
            CdrPeriod(
                begin.replace(hour=8 + hour),
                (CdrDimension(CdrDimensionType.ENERGY, Decimal("11.040")), CdrDimension(CdrDimensionType.TIME, Decimal(1))),
                "kwh",
            )
            for hour in range(4)
        ),
        signed_data=None,
        totals=CdrTotals(
            total_cost=price("17.22", ("19", "3.27")),
            total_energy=Decimal("44.160"),
            total_time=Decimal(4),
            total_energy_cost=price("17.22", ("19", "3.27")),
        ),
        remark=None,
        invoice_reference_id=None,
        credit_reference_id=None,
        home_charging_compensation=False,
        last_updated=begin.replace(hour=13),
    )
