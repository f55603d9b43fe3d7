//! Master products (商品): described once, offered by many.

use crate::Relation;
use sea_orm::{DerivePartialModel, ExprTrait, entity::prelude::*};

use super::{attributes::AttributeValues, lifecycle::ProductStatus};
use crate::{
    party::{Viewer, machine_client::Scope},
    values::{
        Localized, Slug,
        id::{BrandId, CategoryId, OrganisationId, ProductId},
    },
};

/// A row of `product`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "product")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProductId,
    /// Readable key.
    #[sea_orm(unique)]
    pub slug: Slug,
    /// The leaf category it hangs on.
    pub category_id: CategoryId,
    /// Its brand, when it has one.
    pub brand_id: Option<BrandId>,
    /// The organisation that first described it.
    pub owner_id: OrganisationId,
    /// State.
    pub status: ProductStatus,
    /// Why it was rejected, while it is.
    #[sea_orm(column_type = "Text")]
    pub rejection: Option<String>,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Description by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub description: Localized,
    /// Typed attribute values.
    #[sea_orm(column_type = "JsonBinary")]
    pub attributes: AttributeValues,
    /// Order by name for Chinese readers: pinyin, see [`super::sort_key`].
    #[sea_orm(column_type = "Text")]
    pub sort_zh: String,
    /// Order by name for everyone else.
    #[sea_orm(column_type = "Text")]
    pub sort_en: String,
    /// Counts up with every change.
    pub version: i32,
    /// When it was first described.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
    /// Its place in the order by newest: when it became public, before that when it was first described.
    pub listed_at: DateTimeUtc,
    /// When it became public.
    pub published_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The products that `viewer` may see: published ones, one's own, all for an operator.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let public = Column::Status.eq(ProductStatus::Published);
        match viewer.reads_for(Scope::Catalog) {
            _ if viewer.oversees() => Self::find(),
            Some(own) => Self::find().filter(public.or(Column::OwnerId.eq(own))),
            None => Self::find().filter(public),
        }
    }
}

/// What a list shows of a product: everything but the long texts, which are loaded when asked for.
#[derive(Clone, Debug, PartialEq, Eq, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
#[expect(missing_docs, reason = "the same fields as in `Model`")]
pub struct Head {
    pub id: ProductId,
    pub slug: Slug,
    pub category_id: CategoryId,
    pub brand_id: Option<BrandId>,
    pub owner_id: OrganisationId,
    pub status: ProductStatus,
    pub rejection: Option<String>,
    pub name: Localized,
    pub sort_zh: String,
    pub sort_en: String,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub listed_at: DateTimeUtc,
    pub published_at: Option<DateTimeUtc>,
}

impl From<Model> for Head {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            category_id: row.category_id,
            brand_id: row.brand_id,
            owner_id: row.owner_id,
            status: row.status,
            rejection: row.rejection,
            name: row.name,
            sort_zh: row.sort_zh,
            sort_en: row.sort_en,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            listed_at: row.listed_at,
            published_at: row.published_at,
        }
    }
}
