//! Media of a product (媒体): pictures, videos, documents, in the order they are shown.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Localized,
    id::{MediaId, ProductId},
};

/// What a medium is (媒体类型).
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
pub enum MediaKind {
    /// A picture (图片).
    Image,
    /// A video (视频).
    Video,
    /// A document such as a certificate (文件).
    Document,
}

/// A row of `media`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MediaId,
    /// The product it shows.
    pub product_id: ProductId,
    /// Order among the product's media, from 0.
    pub position: i32,
    /// Kind.
    pub kind: MediaKind,
    /// Where it is: `https://…`, or a path on this server.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// What it shows, for who cannot see it.
    #[sea_orm(column_type = "JsonBinary")]
    pub alt: Localized,
}

impl ActiveModelBehavior for ActiveModel {}
