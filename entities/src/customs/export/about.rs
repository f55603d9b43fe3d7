//! Which papers are about which exports: an order, a waybill and a list about one; a consignment, an arrival and a departure
//! about several.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{CustomsPaperId, ExportId};

/// A row of `export_paper`. Its key is paper and export.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_paper")]
pub struct Model {
    /// The paper.
    #[sea_orm(primary_key, auto_increment = false)]
    pub paper_id: CustomsPaperId,
    /// An export that it is about.
    #[sea_orm(primary_key, auto_increment = false)]
    pub export_id: ExportId,
}

impl ActiveModelBehavior for ActiveModel {}
