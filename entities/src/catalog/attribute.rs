//! Attribute definitions (属性定义): what a product of a category may be described by, and of which type.

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::{Localized, id::AttributeId};

/// The type of an attribute's value (属性类型).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttributeKind {
    /// Free text, at most 200 characters (文本).
    Text,
    /// A whole number (整数).
    Integer,
    /// A decimal number (小数).
    Decimal,
    /// Yes or no (是否).
    Boolean,
    /// One of the choices that the definition lists (选项).
    Choice,
}

/// One choice of a [`AttributeKind::Choice`] attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Stable code.
    pub code: String,
    /// Name by language.
    pub name: Localized,
}

/// The choices of an attribute, in the order they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Choices(pub Vec<Choice>);

/// A row of `attribute`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attribute")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttributeId,
    /// Stable code in `snake_case`.
    #[sea_orm(unique, column_type = "String(StringLen::N(60))")]
    pub code: String,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Type of the value.
    pub kind: AttributeKind,
    /// Unit shown behind the value (`mm`, `%`).
    #[sea_orm(column_type = "String(StringLen::N(16))")]
    pub unit: Option<String>,
    /// The choices, for [`AttributeKind::Choice`] only.
    #[sea_orm(column_type = "JsonBinary")]
    pub choices: Choices,
}

impl ActiveModelBehavior for ActiveModel {}
