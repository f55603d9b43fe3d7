//! Where the pieces of a showroom lie, by what they are by law (货位): so a piece changes its class by a move only.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::UnitClass;
use crate::{
    inventory::LocationKind,
    values::id::{ShowroomId, StockLocationId},
};

/// A row of `showroom_place`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "showroom_place")]
pub struct Model {
    /// Of which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// For pieces of this class.
    #[sea_orm(primary_key, auto_increment = false)]
    pub class: UnitClass,
    /// Where they lie.
    pub location_id: StockLocationId,
}

impl ActiveModelBehavior for ActiveModel {}

/// The places that come with a showroom: for what, what they are, what their code ends with and what people call them. What
/// is sold lies in its back room, also while it stands on the shelf. Bonded stock lies in a warehouse that is there before.
pub const OWN: [(UnitClass, LocationKind, &str, &str); 4] = [
    (UnitClass::Saleable, LocationKind::Showroom, "", "库房 / back room"),
    (UnitClass::Sample, LocationKind::Display, ".SAMPLE", "样品 / samples"),
    (UnitClass::BondedDisplay, LocationKind::Display, ".BONDED", "保税展示 / bonded display"),
    (UnitClass::Damaged, LocationKind::QualityCheck, ".DAMAGED", "残次品 / damaged"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_takes_what_it_is_for() {
        for (class, kind, ..) in OWN {
            assert!(kind.takes(class.status()), "{class:?} does not lie in a {kind:?}");
        }
    }
}
