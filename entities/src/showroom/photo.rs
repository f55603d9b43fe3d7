//! Photos of a floor (现场照片), by the hash of their bytes. People may be on them: they are sealed.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ShowroomId;

/// Largest photo, in bytes: a phone makes it smaller before it sends it.
pub const LARGEST: usize = 600_000;

/// What photos are.
pub const KINDS: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// A row of `showroom_photo`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "showroom_photo")]
pub struct Model {
    /// Of which showroom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub showroom_id: ShowroomId,
    /// SHA-256 of the bytes, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: String,
    /// What it is.
    pub media_type: String,
    /// Its bytes, sealed.
    pub body: Vec<u8>,
    /// Who took it.
    pub kept_by: String,
    /// When.
    pub kept_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
