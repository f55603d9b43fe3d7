//! Keys of machine clients (客户端密钥): public halves only. Two keys may be good at the same time, so that a
//! client can move to a new one without a gap.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{ClientKeyId, MachineClientId};

/// Which signature a key makes (签名算法).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum KeyAlgorithm {
    /// `EdDSA` over Curve25519 (RFC 8037).
    Ed25519,
    /// ECDSA over P-256 with SHA-256 (RFC 7518).
    #[graphql(name = "ES256")]
    Es256,
}

/// A row of `client_key`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "client_key")]
pub struct Model {
    /// Identifier; also the `kid` of its assertions.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ClientKeyId,
    /// Whose.
    pub client_id: MachineClientId,
    /// Which signature it makes.
    pub algorithm: KeyAlgorithm,
    /// The public key: `x`, or `x.y`, in base64url as a JWK has them.
    #[sea_orm(column_type = "String(StringLen::N(100))")]
    pub public_key: String,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// After this its assertions are refused.
    pub retires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
