//! Bank accounts of organisations (银行账户): the number is encrypted at rest and shown masked.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::{
    Currency,
    id::{BankAccountId, OrganisationId},
};

/// A row of `bank_account`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "bank_account")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BankAccountId,
    /// Whose.
    pub organisation_id: OrganisationId,
    /// The bank, by its name (开户行).
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub bank: String,
    /// The account's holder (户名).
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub holder: String,
    /// The number, sealed.
    #[serde(skip)]
    pub number: Vec<u8>,
    /// The number, masked: its last four characters.
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub masked_number: String,
    /// Keyed hash of the number, in hex.
    #[serde(skip)]
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub lookup: String,
    /// In which currency it is kept.
    #[sea_orm(column_type = "String(StringLen::N(3))")]
    pub currency: Currency,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
