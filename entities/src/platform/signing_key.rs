//! Keys that sign access tokens (签名密钥). The newest signs; older ones verify until they retire.

use crate::Relation;
use sea_orm::entity::prelude::*;

/// A row of `signing_key`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// Its name in tokens and in the key set.
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(32))")]
    pub kid: String,
    /// The public key: `x` of its JWK.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub public_key: String,
    /// The private key, sealed.
    pub private_key: Vec<u8>,
    /// Since when it signs.
    pub created_at: DateTimeUtc,
    /// After this it verifies nothing.
    pub retires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
