//! Tariff rows and short forms for the tests of this context. The rates are those since 2019-04-01; they are samples,
//! not the tariff.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    limits::{Limits, Quota},
    tariff::{Consumption, Contents, Measure, TariffRow, Trigger},
};

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn grams(text: &str) -> Contents {
    Contents { grams: Some(dec(text)), ..Contents::default() }
}

pub(super) fn millilitres(text: &str) -> Contents {
    Contents { millilitres: Some(dec(text)), ..Contents::default() }
}

pub(super) fn pieces(text: &str) -> Contents {
    Contents { pieces: Some(dec(text)), ..Contents::default() }
}

/// A buyer who has used up so much of the limits of a day.
pub(super) fn quota(date: &str, used_minor: i64, reserved_minor: i64) -> Quota {
    Quota { limits: Limits::on(day(date)).unwrap(), used_minor, reserved_minor }
}

pub(super) fn row(hs: &str, duty: &str, vat: &str, consumption: Consumption) -> TariffRow {
    TariffRow {
        hs: hs.parse().unwrap(),
        from: day("2019-04-01"),
        to: None,
        mfn_rate: dec(duty),
        provisional_rate: None,
        vat_rate: dec(vat),
        consumption,
        unit1: None,
        unit2: None,
        source: "sample".to_owned(),
    }
}

pub(super) fn water() -> TariffRow {
    row("2201101000", "0.05", "0.13", Consumption::None)
}

pub(super) fn oil() -> TariffRow {
    row("1509200000", "0.10", "0.09", Consumption::None)
}

pub(super) fn handbag() -> TariffRow {
    row("4202210090", "0.06", "0.13", Consumption::None)
}

pub(super) fn wine() -> TariffRow {
    row("2204210000", "0.14", "0.13", Consumption::AdValorem { rate: dec("0.10") })
}

pub(super) fn whisky() -> TariffRow {
    let consumption = Consumption::Compound { rate: dec("0.20"), specific: dec("0.912"), per: Measure::Litre };
    row("2208909099", "0.10", "0.13", consumption)
}

pub(super) fn cosmetics() -> TariffRow {
    let from = |per, threshold| Trigger { per, threshold: dec(threshold) };
    let triggers = vec![from(Measure::Piece, "15"), from(Measure::Millilitre, "10"), from(Measure::Gram, "10")];
    row("3304990039", "0.01", "0.13", Consumption::AdValoremFrom { rate: dec("0.15"), triggers })
}

pub(super) fn watch() -> TariffRow {
    let triggers = vec![Trigger { per: Measure::Piece, threshold: dec("10000") }];
    row("9102110000", "0.08", "0.13", Consumption::AdValoremFrom { rate: dec("0.20"), triggers })
}

pub(super) fn beer() -> TariffRow {
    let trigger = Trigger { per: Measure::Litre, threshold: dec("2.6577") };
    let consumption = Consumption::SpecificByPrice { trigger, from: dec("0.253"), below: dec("0.2227") };
    row("2203000000", "0", "0.13", consumption)
}

/// All of them, for properties that hold whatever is sold.
pub(super) fn rows() -> Vec<TariffRow> {
    vec![water(), oil(), handbag(), wine(), whisky(), cosmetics(), watch(), beer()]
}
