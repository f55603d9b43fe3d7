//! Legs of a shipment (运输段): by one means of transport from one place to another.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{OrganisationId, ShipmentId, ShipmentLegId};

/// A means of transport (运输方式).
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
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransportMode {
    /// By road (公路).
    Road,
    /// By rail (铁路).
    Rail,
    /// By air (航空).
    Air,
    /// By sea (海运).
    Sea,
    /// By a courier, door to door (快递).
    Courier,
}

/// A row of `shipment_leg`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "shipment_leg")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShipmentLegId,
    /// Of which shipment.
    pub shipment_id: ShipmentId,
    /// From 1.
    pub number: i32,
    /// How.
    pub mode: TransportMode,
    /// Who carries it.
    pub carrier_id: OrganisationId,
    /// From where, as a division or UN/LOCODE.
    pub origin: String,
    /// To where.
    pub destination: String,
    /// When it left.
    pub departed_at: Option<DateTimeUtc>,
    /// When it came.
    pub arrived_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What of a place tells how long it takes to get there: the province of a division, a UN/LOCODE as it is. A district is
/// too small for a median.
pub fn lane_end(place: &str) -> String {
    match place.get(..2) {
        Some(province) if place.len() == 6 && place.bytes().all(|b| b.is_ascii_digit()) => format!("{province}0000"),
        _ => place.to_owned(),
    }
}

/// The first and the last place that has this [`lane_end`], in the order of their bytes.
pub fn lane_ends(place: &str) -> (String, String) {
    let first = lane_end(place);
    let last = match first.strip_suffix("0000") {
        Some(province) if first.len() == 6 => format!("{province}9999"),
        _ => first.clone(),
    };
    (first, last)
}

/// A division of the country or a UN/LOCODE; empty where nobody said.
pub fn is_place(text: &str) -> bool {
    let division = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    let (country, place) = text.split_at_checked(2).unwrap_or_default();
    let locode = text.len() == 5
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && place.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'9').contains(&b));
    text.is_empty() || division || locode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_divisions_or_locodes_and_lanes_are_between_provinces() {
        for (text, good, lane) in [
            ("630103", true, "630000"),
            ("CNXNN", true, "CNXNN"),
            ("", true, ""),
            ("63010", false, "63010"),
            ("cnxnn", false, "cnxnn"),
            ("CN1NN", false, "CN1NN"),
            ("西宁", false, "西宁"),
        ] {
            assert_eq!((is_place(text), lane_end(text).as_str()), (good, lane), "{text}");
        }
        for (place, first, last) in
            [("630103", "630000", "639999"), ("CNXNN", "CNXNN", "CNXNN"), ("", "", ""), ("630000", "630000", "639999")]
        {
            assert_eq!(lane_ends(place), (first.to_owned(), last.to_owned()), "{place}");
        }
    }
}
