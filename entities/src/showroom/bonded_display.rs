//! Bonded display (保税展示交易): goods under customs supervision that stand in a showroom outside the zone, under a
//! guarantee of all that they would be taxed with. Shanghai Customs 2014/9; section 6.4.
//!
//! A bonded display is one document: so many pieces of one lot go out of a bonded warehouse to one showroom. Its pieces
//! lie in parts ([`super::bonded_part`]), each in one state, and a step takes some of them from one part to another; so
//! of twenty pieces three are sold and seventeen come back, and the parts always add up to twenty. What goes on to
//! another showroom is a document of its own there, under the same papers and the same last day.

use crate::Relation;
use chrono::{Datelike, Duration, Months, NaiveDate};
use sea_orm::entity::prelude::*;

use crate::{
    trade::{Contents, Regime, Rounding, TariffRow, tax::line_tax},
    values::{
        ErrorCode, Money, Refusal,
        id::{BondedDisplayId, OrganisationId, ShowroomId, StockLocationId, StockLotId, VariantId},
    },
};

/// So many months after it left the zone a piece is back, unless that is extended.
pub const RETURN_MONTHS: u32 = 6;
/// So many days after its sale a piece is declared.
pub const DECLARE_DAYS: i64 = 30;
/// Digits of a customs declaration's number (报关单号).
const DECLARATION_DIGITS: usize = 18;

/// A row of `bonded_display`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bonded_display")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedDisplayId,
    /// Whose goods, and whose guarantee.
    pub organisation_id: OrganisationId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// The bonded display of another showroom that they came from.
    pub origin_id: Option<BondedDisplayId>,
    /// The bonded warehouse that they go out of and come back to.
    pub from_id: StockLocationId,
    /// Of what.
    pub variant_id: VariantId,
    /// Which lot.
    pub lot_id: StockLotId,
    /// How many pieces.
    pub quantity: i64,
    /// The dutiable price of a piece, in fen.
    pub unit_price_minor: i64,
    /// Duty on a piece in full.
    pub duty_minor: i64,
    /// Consumption tax on a piece in full.
    pub consumption_minor: i64,
    /// Import VAT on a piece in full.
    pub vat_minor: i64,
    /// The day whose tariff these are by.
    pub taxed_on: Date,
    /// The application to customs (业务申报表, type C).
    pub application_no: String,
    /// The order under which they went out (出入库单).
    pub outbound_no: Option<String>,
    /// The gate pass under which they went out (核放单).
    pub pass_no: Option<String>,
    /// The last day on which they may be out.
    pub return_by: Date,
    /// The document that put that day off; none: it was not.
    pub extension_no: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Who applied.
    pub created_by: String,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When they left the zone.
    pub gated_out_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What a piece would be taxed with.
    pub fn unit_tax(&self) -> FullTax {
        FullTax { duty_minor: self.duty_minor, consumption_minor: self.consumption_minor, vat_minor: self.vat_minor }
    }

    /// What its goods are promised for until they leave the warehouse.
    pub fn hold(&self) -> String {
        format!("bonded-display:{}", self.id)
    }
}

/// What one piece is taxed with in general trade (全额税款), in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the three taxes")]
pub struct FullTax {
    pub duty_minor: i64,
    pub consumption_minor: i64,
    pub vat_minor: i64,
}

impl FullTax {
    /// The taxes of one piece by a row of the tariff: all of them, without what retail imports are let off.
    pub fn of(row: &TariffRow, unit_price_minor: i64, contents: &Contents) -> Result<Self, Refusal> {
        let tax = line_tax(row, unit_price_minor, contents, Regime::Full, Rounding::default())?;
        Ok(Self {
            duty_minor: tax.duty.payable_minor,
            consumption_minor: tax.consumption.payable_minor,
            vat_minor: tax.vat.payable_minor,
        })
    }

    /// All three.
    pub fn total_minor(self) -> i64 {
        self.duty_minor + self.consumption_minor + self.vat_minor
    }

    /// What so many pieces bind of a guarantee; refused when money cannot be that much.
    pub fn times(self, pieces: i64) -> Result<i64, Refusal> {
        let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", Money::MAX_MINOR.to_string());
        let bound = self.total_minor().checked_mul(pieces).filter(|bound| (0..=Money::MAX_MINOR).contains(bound));
        bound.ok_or_else(|| range().at("quantity"))
    }
}

/// The last day on which what leaves the zone on a day is back, unless that is extended.
pub fn latest_return(leaves: NaiveDate) -> NaiveDate {
    leaves.checked_add_months(Months::new(RETURN_MONTHS)).unwrap_or(leaves)
}

/// Until which day a piece is declared that was sold, or found lost, on a day: within 30 days, and within the calendar
/// year (集中申报不得跨年).
pub fn declare_by(left: NaiveDate) -> NaiveDate {
    let year_end = NaiveDate::from_ymd_opt(left.year(), 12, 31).unwrap_or(left);
    (left + Duration::days(DECLARE_DAYS)).min(year_end)
}

/// The number of a customs declaration: 18 digits.
pub fn declaration_no(text: &str) -> Result<String, Refusal> {
    let number = text.trim();
    if number.len() == DECLARATION_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(number.to_owned());
    }
    if number.is_empty() {
        return Err(Refusal::new(ErrorCode::Required));
    }
    let short: String = number.chars().take(60).collect();
    Err(Refusal::new(ErrorCode::InvalidValue).with("value", short))
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::*;
    use crate::trade::Consumption;

    pub(in crate::showroom) fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Handbags: duty 6 %, VAT 13 %.
    pub(in crate::showroom) fn handbag() -> TariffRow {
        TariffRow {
            hs: "4202210090".parse().unwrap(),
            from: day("2019-04-01"),
            to: None,
            mfn_rate: "0.06".parse().unwrap(),
            provisional_rate: None,
            vat_rate: "0.13".parse().unwrap(),
            consumption: Consumption::None,
            unit1: None,
            unit2: None,
            source: "sample".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        fixtures::{day, handbag},
        *,
    };
    use crate::trade::Consumption;

    #[test]
    fn a_piece_is_taxed_in_full() {
        let tax = FullTax::of(&handbag(), 100_000, &Contents::default()).unwrap();
        assert_eq!(tax, FullTax { duty_minor: 6_000, consumption_minor: 0, vat_minor: 13_780 });
        assert_eq!((tax.total_minor(), tax.times(20).unwrap()), (19_780, 395_600));
        // With consumption tax: (1000 + 60) / 0.8 is the composition.
        let taxed = TariffRow { consumption: Consumption::AdValorem { rate: "0.2".parse().unwrap() }, ..handbag() };
        let tax = FullTax::of(&taxed, 100_000, &Contents::default()).unwrap();
        assert_eq!(tax, FullTax { duty_minor: 6_000, consumption_minor: 26_500, vat_minor: 17_225 });
        assert_eq!(tax.times(Money::MAX_MINOR).unwrap_err().code, ErrorCode::OutOfRange);
        assert_eq!(tax.times(i64::MAX).unwrap_err().code, ErrorCode::OutOfRange);
    }

    #[test]
    fn what_is_sold_is_declared_within_thirty_days_and_within_its_year() {
        for (left, expected) in [
            ("2025-12-20", "2025-12-31"),
            ("2025-12-01", "2025-12-31"),
            ("2025-11-30", "2025-12-30"),
            ("2025-12-31", "2025-12-31"),
            ("2026-01-01", "2026-01-31"),
            ("2028-02-01", "2028-03-02"),
        ] {
            assert_eq!(declare_by(day(left)), day(expected), "{left}");
        }
    }

    #[test]
    fn what_goes_out_is_back_within_six_months() {
        assert_eq!(latest_return(day("2026-03-01")), day("2026-09-01"));
        assert_eq!(latest_return(day("2026-08-31")), day("2027-02-28"), "the last day of a shorter month");
    }

    #[test]
    fn a_declaration_has_eighteen_digits() {
        assert_eq!(declaration_no(" 970120260000000001 ").unwrap(), "970120260000000001");
        for (text, code) in [
            ("", ErrorCode::Required),
            ("97012026000000001", ErrorCode::InvalidValue),
            ("9701202600000000011", ErrorCode::InvalidValue),
            ("97012026000000000A", ErrorCode::InvalidValue),
        ] {
            assert_eq!(declaration_no(text).unwrap_err().code, code, "{text}");
        }
    }
}
