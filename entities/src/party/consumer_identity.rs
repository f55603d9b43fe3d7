//! Consumer identities (消费者实名信息): name and resident ID of a person who buys bonded goods. Encrypted at
//! rest, found by a keyed hash, shown masked; reading one in clear is audited.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::PersonId;

/// A row of `consumer_identity`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "consumer_identity")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: PersonId,
    /// The name, sealed.
    #[serde(skip)]
    pub name: Vec<u8>,
    /// The name, masked: 张**.
    #[sea_orm(column_type = "String(StringLen::N(80))")]
    pub masked_name: String,
    /// The resident ID, sealed.
    #[serde(skip)]
    pub number: Vec<u8>,
    /// The resident ID, masked.
    #[sea_orm(column_type = "String(StringLen::N(18))")]
    pub masked_number: String,
    /// Keyed hash of the resident ID, in hex. Several accounts may be one person's.
    #[serde(skip)]
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub lookup: String,
    /// When it was last given.
    pub updated_at: DateTimeUtc,
    /// Whether the base of identities knows the number under the name; none: nobody asked it since it was given.
    pub same_person: Option<bool>,
    /// Who asked it, and under which number: `公安部 NCIIC 20261101-7`.
    pub verified_with: Option<String>,
    /// When it was asked.
    pub verified_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
