//! People (个人): who signs in. What identifies a person outside (e-mail, phone, `WeChat`) is a [`super::login`].

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::PersonId;

/// A row of `person`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PersonId,
    /// The name that colleagues see.
    #[sea_orm(column_type = "String(StringLen::N(80))")]
    pub display_name: String,
    /// The password as an argon2id string; none for who signs in otherwise. Never serialised.
    #[serde(skip)]
    #[sea_orm(column_type = "String(StringLen::N(200))", nullable)]
    pub password: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// When it registered.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
