//! What came back (退货累计) of what was shipped under a document, so that no more comes back than went.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::CustomsStatus;
use crate::values::id::{OrganisationId, StockLotId, StockReturnId, VariantId};

/// A row of `stock_return`: unique by owner, document, variant, lot and customs status.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_return")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockReturnId,
    /// Whose goods.
    pub owner_id: OrganisationId,
    /// The document under which they were shipped.
    pub document: String,
    /// What they are.
    pub variant_id: VariantId,
    /// Of which lot.
    pub lot_id: StockLotId,
    /// Under which customs status they went.
    pub status: CustomsStatus,
    /// How much came back, shipments that were taken back included.
    pub returned: i64,
}

impl ActiveModelBehavior for ActiveModel {}
