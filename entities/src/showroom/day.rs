//! Days of a showroom (营业日): who opened it in the morning, and who closed it.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ShowroomId;

/// A row of `showroom_day`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "showroom_day")]
pub struct Model {
    /// Of which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// Which day, in Asia/Shanghai.
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: Date,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: DateTimeUtc,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
