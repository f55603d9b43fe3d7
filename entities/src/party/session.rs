//! Sessions (会话): a signed-in device. A session is the family of its refresh tokens: each refresh counts
//! its generation up, and a token of an earlier generation that comes back was stolen (or its thief came
//! first): the session ends.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{OrganisationId, PersonId, SessionId};

/// Why a session ended (结束原因).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionEnd {
    /// Its owner signed out or ended it from another device (退出登录).
    SignedOut,
    /// A refresh token was used twice (刷新令牌被重复使用).
    Reused,
    /// The password was changed (密码已修改).
    PasswordChanged,
}

/// A row of `session`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Whose.
    pub person_id: PersonId,
    /// The organisation acted for.
    pub organisation_id: Option<OrganisationId>,
    /// Which refresh token is the current one.
    pub generation: i32,
    /// The device, as it named itself.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub device: String,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it was last refreshed.
    pub refreshed_at: DateTimeUtc,
    /// After this it cannot be refreshed.
    pub expires_at: DateTimeUtc,
    /// When it ended before its time.
    pub ended_at: Option<DateTimeUtc>,
    /// Why.
    pub ended: Option<SessionEnd>,
}

impl ActiveModelBehavior for ActiveModel {}
