//! Lines of a count (盘点行): what somebody counted of a lot, and what the books said at that moment.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::CustomsStatus;
use crate::values::id::{StockCountId, StockCountLineId, StockLotId, StockMoveId, VariantId};

/// A row of `stock_count_line`: unique by count, round, variant, lot and customs status.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "stock_count_line")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockCountLineId,
    /// Of which count.
    pub count_id: StockCountId,
    /// In which round of it.
    pub round: i32,
    /// Of what.
    pub variant_id: VariantId,
    /// Which lot.
    pub lot_id: StockLotId,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// What the books said when it was counted. What moves afterwards changes nothing of the difference.
    pub expected: i64,
    /// What was counted.
    pub counted: i64,
    /// Who counted.
    pub counted_by: String,
    /// When.
    pub at: DateTimeUtc,
    /// The move that posted the difference; none: there was none, or it is not posted.
    pub move_id: Option<StockMoveId>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// How much more there is than the books said.
    pub fn difference(&self) -> i64 {
        self.counted - self.expected
    }
}
