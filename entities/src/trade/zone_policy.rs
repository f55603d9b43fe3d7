//! What may be done where (区内政策): place an order, pick goods up, sell them from display.
//!
//! A policy is a dated row for a place. What no row decides is decided by [`by_default`], which says what the law says.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::{
    catalog::SupplyMode,
    values::{
        ErrorCode, Refusal,
        code::digits,
        id::{StockLocationId, ZonePolicyId},
    },
};

/// What is done with goods at a place (区内业务能力).
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
pub enum ZoneCapability {
    /// An order is placed (下单).
    Checkout,
    /// The buyer picks the goods up (自提).
    PickUp,
    /// Goods on display are sold at the counter (展示销售).
    DisplaySale,
}

/// A row of `zone_policy`: for one location, or else for a division and all below it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "zone_policy")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ZonePolicyId,
    /// What the codes of divisions begin with (GB/T 2260); empty: everywhere. Empty as well when a location is named.
    pub division: String,
    /// The one location that it is for.
    pub location_id: Option<StockLocationId>,
    /// For goods supplied so.
    pub mode: SupplyMode,
    /// What is done.
    pub capability: ZoneCapability,
    /// Whether it may be done.
    pub allowed: bool,
    /// First day.
    pub valid_from: Date,
    /// First day on which it does not hold any more; none: until another row begins.
    pub valid_to: Option<Date>,
    /// The notice or approval that it comes from.
    pub source: String,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

/// Where something is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At<'a> {
    /// Code of the division (GB/T 2260), as far as it is known.
    pub division: Option<&'a str>,
    /// The location.
    pub location: Option<StockLocationId>,
}

/// Whether something may be done, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The notice or approval that says so.
    pub source: String,
    /// Since when; none: it is what holds where nobody decided otherwise.
    pub since: Option<Date>,
}

impl Decision {
    /// Refuses what is not allowed.
    pub fn demanded(&self, capability: ZoneCapability) -> Result<(), Refusal> {
        if self.allowed {
            return Ok(());
        }
        let what = async_graphql::Value::from(capability).to_string();
        Err(Refusal::new(ErrorCode::NotAllowedHere).with("what", what).with("source", self.source.clone()))
    }
}

/// What holds where no row decides. Goods of retail import are for personal use and go to the buyer as a parcel: picking
/// them up outside of special zones is in principle not allowed, and what is sold at a counter has paid its duty first.
pub fn by_default(mode: SupplyMode, capability: ZoneCapability) -> Decision {
    use SupplyMode::{BondedImport, DirectImport, Domestic, ExportB2b};
    const RETAIL: &str = "财关税〔2018〕49号、商财发〔2018〕486号";
    const HOUSE: &str = "—";
    let (allowed, source) = match (capability, mode) {
        (ZoneCapability::Checkout, _) | (_, Domestic) => (true, HOUSE),
        (_, BondedImport | DirectImport) => (false, RETAIL),
        (_, ExportB2b) => (false, HOUSE),
    };
    Decision { allowed, source: source.to_owned(), since: None }
}

/// Whether something may be done at a place on a day: the row of the most specific place decides (its own, then that of
/// the longest division, then everywhere), of these the one that began last.
pub fn decide(rows: &[Model], at: At<'_>, mode: SupplyMode, capability: ZoneCapability, date: Date) -> Decision {
    let here = |row: &&Model| match row.location_id {
        Some(location) => at.location == Some(location),
        None => at.division.unwrap_or_default().starts_with(&row.division),
    };
    let row = rows
        .iter()
        .filter(|row| row.mode == mode && row.capability == capability)
        .filter(|row| row.valid_from <= date && row.valid_to.is_none_or(|to| date < to))
        .filter(here)
        .max_by_key(|row| (row.location_id.is_some(), row.division.len(), row.valid_from, row.id));
    row.map_or_else(
        || by_default(mode, capability),
        |row| Decision { allowed: row.allowed, source: row.source.clone(), since: Some(row.valid_from) },
    )
}

/// The code of a division or what several begin with: two, four or six digits; empty: everywhere.
pub fn division(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if matches!(text.len(), 0 | 2 | 4 | 6) && digits(text) {
        return Ok(text.to_owned());
    }
    Err(Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(60).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::fixtures::day;

    fn row(n: u128, division: &str, location: Option<u128>, allowed: bool, from: &str, to: Option<&str>) -> Model {
        Model {
            id: ZonePolicyId(uuid::Uuid::from_u128(n)),
            division: division.into(),
            location_id: location.map(place),
            mode: SupplyMode::BondedImport,
            capability: ZoneCapability::PickUp,
            allowed,
            valid_from: day(from),
            valid_to: to.map(day),
            source: format!("row {n}"),
            version: 1,
        }
    }

    fn place(n: u128) -> StockLocationId {
        StockLocationId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn the_most_specific_place_decides_and_of_its_rows_the_latest() {
        let rows = [
            row(1, "", None, false, "2019-01-01", None),
            row(2, "63", None, true, "2020-01-01", Some("2021-01-01")),
            row(3, "6301", None, false, "2020-06-01", None),
            row(4, "", Some(7), true, "2022-01-01", None),
            row(5, "", Some(7), false, "2024-01-01", Some("2025-01-01")),
        ];
        for (division, location, date, allowed, source) in [
            (None, None, "2018-12-31", false, "财关税〔2018〕49号、商财发〔2018〕486号"),
            (None, None, "2024-06-01", false, "row 1"),
            (Some("630103"), None, "2020-03-01", true, "row 2"),
            (Some("630103"), None, "2020-07-01", false, "row 3"),
            (Some("632801"), None, "2020-12-31", true, "row 2"),
            (Some("632801"), None, "2021-01-01", false, "row 1"),
            (Some("110101"), None, "2020-03-01", false, "row 1"),
            (Some("630103"), Some(7), "2021-12-31", false, "row 3"),
            (Some("630103"), Some(7), "2022-01-01", true, "row 4"),
            (None, Some(7), "2024-06-01", false, "row 5"),
            (Some("630103"), Some(7), "2025-01-01", true, "row 4"),
            (Some("630103"), Some(8), "2024-06-01", false, "row 3"),
        ] {
            let at = At { division, location: location.map(place) };
            let found = decide(&rows, at, SupplyMode::BondedImport, ZoneCapability::PickUp, day(date));
            assert_eq!((found.allowed, found.source.as_str()), (allowed, source), "{division:?} {location:?} {date}");
            // Another mode or another thing is not decided by these.
            let other = decide(&rows, at, SupplyMode::BondedImport, ZoneCapability::Checkout, day(date));
            assert_eq!((other.allowed, other.since), (true, None));
        }
    }

    #[test]
    fn bonded_goods_are_neither_picked_up_nor_sold_from_the_shelf_unless_somebody_allowed_it() {
        use SupplyMode::{BondedImport, DirectImport, Domestic, ExportB2b};
        use ZoneCapability::{Checkout, DisplaySale, PickUp};
        for (mode, checkout, pick_up, display_sale) in [
            (BondedImport, true, false, false),
            (DirectImport, true, false, false),
            (Domestic, true, true, true),
            (ExportB2b, true, false, false),
        ] {
            let found = [Checkout, PickUp, DisplaySale].map(|what| by_default(mode, what).allowed);
            assert_eq!(found, [checkout, pick_up, display_sale], "{mode:?}");
        }
        let refusal = by_default(BondedImport, PickUp).demanded(PickUp).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::NotAllowedHere);
        assert_eq!(refusal.details.get("what").map(String::as_str), Some("PICK_UP"));
        for (text, ok) in [("", true), ("63", true), ("6301", true), ("630103", true), ("630", false), ("6x", false)] {
            assert_eq!(division(text).is_ok(), ok, "{text}");
        }
    }
}
