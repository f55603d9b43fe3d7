//! Proofs (凭证): photos and signatures of what happened. A proof is known by the hash of its bytes, which come after it and
//! are kept sealed: they show who took a parcel in.

use crate::Relation;
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

/// The largest that a proof may be, in bytes.
pub const LARGEST: i64 = 20 * 1024 * 1024;

/// Whether bytes begin as a medium does.
type Begins = fn(&[u8]) -> bool;

/// What a proof may be, and how its bytes begin.
const MEDIA: [(&str, Begins); 5] = [
    ("image/jpeg", |bytes| bytes.starts_with(&[0xff, 0xd8, 0xff])),
    ("image/png", |bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
    ("image/webp", |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")),
    ("image/heic", |bytes| {
        let brand = bytes.get(8..12);
        bytes.get(4..8) == Some(b"ftyp") && [b"heic", b"heix", b"mif1", b"msf1"].iter().any(|one| brand == Some(*one))
    }),
    ("application/pdf", |bytes| bytes.starts_with(b"%PDF-")),
];

/// Whether a proof may be of a media type.
pub fn is_known(media_type: &str) -> bool {
    MEDIA.iter().any(|(known, _)| *known == media_type)
}

/// Whether bytes begin as those of a media type do.
pub fn begins_as(media_type: &str, bytes: &[u8]) -> bool {
    MEDIA.iter().any(|(known, begins)| *known == media_type && begins(bytes))
}

/// A row of `proof`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
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
    /// Since when its bytes are here.
    pub kept_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// The bytes of a proof, which are never changed.
pub mod content {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::ProofId;

    /// A row of `proof_content`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "proof_content")]
    pub struct Model {
        /// Of which proof.
        #[sea_orm(primary_key, auto_increment = false)]
        pub proof_id: ProofId,
        /// Its bytes, sealed.
        pub body: Vec<u8>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_they_say_by_how_they_begin() {
        let table: [(&str, &[u8], bool); 9] = [
            ("image/jpeg", &[0xff, 0xd8, 0xff, 0xe0], true),
            ("image/jpeg", b"\x89PNG\r\n\x1a\n", false),
            ("image/png", b"\x89PNG\r\n\x1a\n....", true),
            ("image/webp", b"RIFF....WEBPVP8 ", true),
            ("image/webp", b"RIFF....WAVE", false),
            ("image/heic", b"\0\0\0\x18ftypheic....", true),
            ("application/pdf", b"%PDF-1.7", true),
            ("application/pdf", b"<html>", false),
            ("text/html", b"<html>", false),
        ];
        for (media_type, bytes, expected) in table {
            assert_eq!(begins_as(media_type, bytes), expected, "{media_type} {bytes:?}");
        }
        assert!(!begins_as("image/png", b"") && !is_known("text/html") && is_known("image/heic"));
    }
}
