//! A showroom (体验店): who runs it, where it is, since when.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::pattern::Site;
use crate::values::id::{OrganisationId, ShowroomId};

/// State of a showroom (门店状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShowroomState {
    /// People come in (营业).
    Open,
    /// For good (已关店).
    Closed,
}

/// A row of `showroom`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "showroom")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShowroomId,
    /// Who runs it.
    pub organisation_id: OrganisationId,
    /// Short code, unique within the organisation.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Where people find it.
    pub address: String,
    /// Code of its division (GB/T 2260), six digits.
    pub division: String,
    /// Whether it lies in a special zone of customs.
    pub special_zone: bool,
    /// The number under which customs approved that bonded goods are picked up there.
    pub approval_no: Option<String>,
    /// State.
    pub state: ShowroomState,
    /// Counts up with every change, that of its floor included.
    pub version: i32,
    /// How many changes of it were numbered ([`super::change`]).
    pub position: i64,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Where it is, by law.
    pub fn site(&self) -> Site {
        Site { special_zone: self.special_zone, approval_no: self.approval_no.clone() }
    }
}
