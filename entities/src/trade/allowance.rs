//! What a person may take in a year (个人额度): the annual limit of retail import, and the quantities that the notes of
//! the positive list allow. Counted by the keyed hash of the resident ID, whatever accounts it is used with.
//!
//! ```text
//! reserve ──> RESERVED ──use up (released by customs)──> USED ──a return──> used down, an entry RETURNED beside it
//!                  └──────release (cancelled, expired)──> RELEASED ──reserved anew──> RESERVED
//! ```
//!
//! Years are calendar years by days of Asia/Shanghai. Reserved is of the year of the order; used, and given back, of the
//! year in which customs released the goods. So what is ordered on the last evening of a year and released after midnight
//! leaves the old year and counts to the new one.

use crate::Relation;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use sea_orm::{Iterable, entity::prelude::*};

use super::{
    limits::{Limits, QUANTITY_CAPS, QuantityCap},
    out_of_range,
    price::GoodsLine,
    yuan,
};
use crate::values::{ErrorCode, HsCode, Refusal, id::BuyerAllowanceId};

/// What is counted (额度类型). In this order several are locked.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AllowanceKind {
    /// Dutiable prices of retail import, in fen (年度交易限值).
    AnnualValue,
    /// Rice and flour of grain, in grams (粮食).
    Grain,
    /// Sugar, in grams (食糖).
    Sugar,
}

/// Grams of a kilogram, which caps are written in.
const KILOGRAM: i64 = 1_000;

impl AllowanceKind {
    /// The note of the positive list that it counts for; none: the annual limit.
    pub fn cap(self) -> Option<&'static QuantityCap> {
        let [grain, sugar] = &QUANTITY_CAPS;
        match self {
            Self::AnnualValue => None,
            Self::Grain => Some(grain),
            Self::Sugar => Some(sugar),
        }
    }

    /// Most that one person may take in a year: fen, or grams.
    pub fn most(self, limits: &Limits) -> i64 {
        self.cap().map_or(limits.annual_minor, |cap| i64::from(cap.max) * KILOGRAM)
    }

    /// The refusal of what goes beyond. How much is left stays unsaid: a seller who tries prices would learn what else
    /// the buyer bought.
    pub fn beyond(self, most: i64) -> Refusal {
        match self.cap() {
            None => Refusal::new(ErrorCode::OverAnnualLimit).with("max", yuan(most).to_string()),
            Some(cap) => Refusal::new(ErrorCode::OverQuantityCap)
                .with("hs", cap.prefixes.join(" / "))
                .with("max", Decimal::new(most, 3).normalize().to_string())
                .with("unit", cap.measure.unit()),
        }
    }
}

/// What an order takes of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Claim {
    /// Of which.
    pub kind: AllowanceKind,
    /// How much: fen, or grams.
    pub amount: i64,
    /// Most that the person may take in the year.
    pub most: i64,
}

/// What an order of retail import takes of its buyer's allowances: its dutiable price, and the grams of what the list
/// caps. Goods that are capped and do not state their contents are refused, with the line.
pub fn claims(lines: &[GoodsLine], dutiable_minor: i64, limits: &Limits) -> Result<Vec<Claim>, Refusal> {
    let mut claims = Vec::new();
    for kind in AllowanceKind::iter() {
        let amount = match kind.cap() {
            None => dutiable_minor,
            Some(cap) => grams(cap, lines)?,
        };
        if amount > 0 {
            claims.push(Claim { kind, amount, most: kind.most(limits) });
        }
    }
    Ok(claims)
}

/// The grams of lines that a cap counts; a begun gram is one.
fn grams(cap: &QuantityCap, lines: &[GoodsLine]) -> Result<i64, Refusal> {
    let mut all = Decimal::ZERO;
    for (n, line) in lines.iter().enumerate() {
        let at = |refusal: Refusal| refusal.at(n.to_string()).at("lines");
        let contents = line.contents.times(line.quantity).map_err(at)?;
        let one: [(&HsCode, _); 1] = [(&line.hs, contents)];
        all = all.checked_add(cap.quantity(one).map_err(at)?).ok_or_else(out_of_range)?;
    }
    let grams = all.checked_mul(Decimal::from(KILOGRAM)).map(|grams| grams.ceil());
    grams.and_then(|grams| grams.to_i64()).ok_or_else(out_of_range)
}

/// A row of `buyer_allowance`: unique by resident ID, year and kind. Written only together with an entry.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "buyer_allowance")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BuyerAllowanceId,
    /// Keyed hash of the resident ID, in hex.
    #[serde(skip)]
    pub lookup: String,
    /// The calendar year: of an order while it is reserved, of its release from then on.
    pub year: i32,
    /// What is counted.
    pub kind: AllowanceKind,
    /// What was released by customs, less what was returned: fen, or grams.
    pub used: i64,
    /// What is ordered and neither released nor cancelled.
    pub reserved: i64,
    /// Counts up with every change.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::{
        Contents,
        fixtures::{day, grams as g},
    };

    fn line(hs: &str, quantity: u32, contents: Contents) -> GoodsLine {
        GoodsLine { hs: hs.parse().unwrap(), unit_price_minor: 1, quantity, open_discount_minor: 0, contents }
    }

    #[test]
    fn an_order_claims_its_price_and_the_grams_that_the_list_caps() {
        let limits = Limits::on(day("2024-06-01")).unwrap();
        let lines = [
            line("1006302001", 2, g("5000")),
            line("1101000001", 1, g("999.5")),
            line("1701991010", 3, g("500")),
            line("2201101000", 9, Contents::default()),
        ];
        let found: Vec<_> =
            claims(&lines, 41_000, &limits).unwrap().iter().map(|c| (c.kind, c.amount, c.most)).collect();
        let expected = [
            (AllowanceKind::AnnualValue, 41_000, 2_600_000),
            (AllowanceKind::Grain, 11_000, 20_000),
            (AllowanceKind::Sugar, 1_500, 2_000),
        ];
        assert_eq!(found, expected, "a begun gram is one");
        let plain = claims(&lines[3..], 41_000, &limits).unwrap();
        assert_eq!(plain.len(), 1);
        let unstated = [line("2201101000", 1, Contents::default()), line("1701991010", 1, Contents::default())];
        let refusal = claims(&unstated, 1, &limits).unwrap_err();
        assert_eq!((refusal.code, refusal.field.join(".").as_str()), (ErrorCode::Incomplete, "lines.1.contents"));
    }

    #[test]
    fn a_refusal_says_the_limit_and_nothing_of_what_is_used() {
        let over = AllowanceKind::AnnualValue.beyond(2_600_000);
        assert_eq!((over.code, over.details.len()), (ErrorCode::OverAnnualLimit, 1));
        assert_eq!(over.details.get("max").map(String::as_str), Some("26000.00"));
        let over = AllowanceKind::Sugar.beyond(2_000);
        assert_eq!(over.code, ErrorCode::OverQuantityCap);
        assert_eq!(over.details.get("max").map(String::as_str), Some("2"));
    }
}
