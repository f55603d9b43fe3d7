//! Proofs (凭证): photos and signatures of what happened. Their bytes lie elsewhere and are known by their hash.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::{ProofId, ShipmentId};

/// What a proof is (凭证类型).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProofKind {
    /// A photo of the parcel packed (打包照片).
    Packing,
    /// A photo of the parcel where it was handed over (签收照片).
    Delivery,
    /// What the taker signed (签名).
    Signature,
    /// A photo of a damage (破损照片).
    Damage,
    /// A document (单据).
    Document,
}

/// A row of `proof`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "proof")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProofId,
    /// Of which shipment.
    pub shipment_id: ShipmentId,
    /// What it is.
    pub kind: ProofKind,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
    /// When it was taken.
    pub taken_at: DateTimeUtc,
    /// Who attached it.
    pub attached_by: String,
    /// When.
    pub attached_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
