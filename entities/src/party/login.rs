//! Ways of signing in (登录方式): what identifies a person outside. Kept encrypted, found by a keyed hash.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{LoginId, PersonId};

/// What identifies the person (登录方式).
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
pub enum LoginKind {
    /// An e-mail address (邮箱).
    Email,
    /// A mobile number (手机号).
    Phone,
    /// A `WeChat` user of this mini-program (微信小程序).
    Wechat,
}

/// A row of `login`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LoginId,
    /// Whose.
    pub person_id: PersonId,
    /// Which kind.
    pub kind: LoginKind,
    /// Keyed hash of what identifies, in hex.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub lookup: String,
    /// What identifies, sealed.
    pub sealed: Vec<u8>,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
