//! Who works in which showroom (门店人员). What they may do there their role in the organisation says.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PersonId, ShowroomId};

/// A row of `showroom_team`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "showroom_team")]
pub struct Model {
    /// Where.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: PersonId,
}

impl ActiveModelBehavior for ActiveModel {}
