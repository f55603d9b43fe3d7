//! Tariff rows as they are stored (税率表). Rates are whole parts per million, so that both databases keep them exactly.

use crate::Relation;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use sea_orm::entity::prelude::*;

use super::tariff::{Consumption, TariffRow};
use crate::values::{CustomsUnit, ErrorCode, HsCode, Refusal, Refusals, id::TariffRowId, refusal::Check};

/// Digits of a part per million.
const PPM_DIGITS: u32 = 6;

/// A row of `tariff_row`: unique by HS code and first day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "tariff_row")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TariffRowId,
    /// The HS code.
    pub hs_code: HsCode,
    /// First day.
    pub valid_from: Date,
    /// First day on which it does not hold any more; none: until another row begins.
    pub valid_to: Option<Date>,
    /// Most-favoured-nation duty, in parts per million.
    pub mfn_ppm: i32,
    /// Provisional duty, which goes before the other one.
    pub provisional_ppm: Option<i32>,
    /// Import VAT, in parts per million.
    pub vat_ppm: i32,
    /// Consumption tax.
    #[sea_orm(column_type = "JsonBinary")]
    pub consumption: Consumption,
    /// First legal unit, when the row says it.
    pub unit1: Option<CustomsUnit>,
    /// Second legal unit, when there is one.
    pub unit2: Option<CustomsUnit>,
    /// The notice that it comes from.
    pub source: String,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

/// A rate in parts per million as a fraction.
pub fn fraction(ppm: i32) -> Decimal {
    Decimal::new(i64::from(ppm), PPM_DIGITS).normalize()
}

/// A fraction in parts per million; refused when it has more digits than these, or is none.
pub fn ppm(fraction: Decimal) -> Result<i32, Refusal> {
    let scaled = fraction.checked_mul(Decimal::from(10_i64.pow(PPM_DIGITS))).filter(Decimal::is_integer);
    scaled
        .and_then(|n| n.to_i32())
        .ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", fraction.to_string()))
}

impl Model {
    /// The row as rules take it, held to what rates may be.
    pub fn checked(&self) -> Result<TariffRow, Refusals> {
        let row = TariffRow {
            hs: self.hs_code.clone(),
            from: self.valid_from,
            to: self.valid_to,
            mfn_rate: fraction(self.mfn_ppm),
            provisional_rate: self.provisional_ppm.map(fraction),
            vat_rate: fraction(self.vat_ppm),
            consumption: self.consumption.clone(),
            unit1: self.unit1.clone(),
            unit2: self.unit2.clone(),
            source: self.source.clone(),
        };
        row.checked()
    }

    /// A row of the rules as it is stored.
    pub fn of(id: TariffRowId, version: i32, row: &TariffRow) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let mfn_ppm = check.take("mfnRate", ppm(row.mfn_rate));
        let provisional_ppm = row.provisional_rate.map(|rate| check.take("provisionalRate", ppm(rate)));
        let vat_ppm = check.take("vatRate", ppm(row.vat_rate));
        let (Some(mfn_ppm), Some(vat_ppm)) = (mfn_ppm, vat_ppm) else { return Err(check.0) };
        check.done(Self {
            id,
            hs_code: row.hs.clone(),
            valid_from: row.from,
            valid_to: row.to,
            mfn_ppm,
            provisional_ppm: provisional_ppm.flatten(),
            vat_ppm,
            consumption: row.consumption.clone(),
            unit1: row.unit1.clone(),
            unit2: row.unit2.clone(),
            source: row.source.clone(),
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::fixtures::{beer, dec, rows};

    #[test]
    fn a_row_comes_back_as_it_was_stored() {
        let id = TariffRowId(uuid::Uuid::nil());
        for row in rows() {
            assert_eq!(Model::of(id, 1, &row).unwrap().checked().unwrap(), row);
        }
        let finer = TariffRow { vat_rate: dec("0.1300001"), ..beer() };
        assert_eq!(Model::of(id, 1, &finer).unwrap_err()[0].code, ErrorCode::InvalidValue);
        let absurd = Model { vat_ppm: 13_000_000, ..Model::of(id, 1, &beer()).unwrap() };
        assert_eq!(absurd.checked().unwrap_err()[0].code, ErrorCode::OutOfRange, "13 typed for 13 %");
        assert_eq!(fraction(130_000), dec("0.13"));
    }
}
