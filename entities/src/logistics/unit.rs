//! Handling units (物流单元): what is moved as one piece, known by its SSCC.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::Serialize;

use crate::values::id::{HandlingUnitId, ShipmentId};

/// A row of `handling_unit`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "handling_unit")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HandlingUnitId,
    /// Of which shipment.
    pub shipment_id: ShipmentId,
    /// The unit that it stands on or lies in.
    pub parent_id: Option<HandlingUnitId>,
    /// Serial shipping container code (系列货运包装箱代码).
    #[sea_orm(unique)]
    pub sscc: String,
    /// What it weighs with everything in it, in grams.
    pub weight_g: i64,
    /// When it was packed.
    pub packed_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// A row of `logistics_sequence`: numbers that are given out one after the other.
pub mod sequence {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    /// The serial numbers of SSCCs.
    pub const SSCC: &str = "sscc";

    /// A row of `logistics_sequence`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "logistics_sequence")]
    pub struct Model {
        /// Of what.
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// The next one.
        pub next: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
