//! Categories, brands and attributes.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entities::{
    catalog::{ProductStatus, attribute, brand, category, category_attribute, product},
    values::id::{BrandId, CategoryId},
};
use platform::{error::SharedError, responses::Tag};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use search::Kind;

use super::CatalogLoader;
use crate::ops::vocabulary;

impl Loader<CategoryId> for CatalogLoader {
    type Value = category::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[CategoryId]) -> Result<HashMap<CategoryId, Self::Value>, SharedError> {
        let rows = category::Entity::find()
            .filter(category::Column::Id.is_in(ids.iter().copied()))
            .all(self.app.db().read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<BrandId> for CatalogLoader {
    type Value = brand::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[BrandId]) -> Result<HashMap<BrandId, Self::Value>, SharedError> {
        let rows = brand::Entity::find()
            .filter(brand::Column::Id.is_in(ids.iter().copied()))
            .all(self.app.db().read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The attribute definitions with these codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeNamed(pub String);

impl Loader<AttributeNamed> for CatalogLoader {
    type Value = attribute::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[AttributeNamed]) -> Result<HashMap<AttributeNamed, Self::Value>, SharedError> {
        let rows = attribute::Entity::find()
            .filter(attribute::Column::Code.is_in(keys.iter().map(|k| k.0.as_str())))
            .all(self.app.db().read())
            .await?;
        Ok(rows.into_iter().map(|row| (AttributeNamed(row.code.clone()), row)).collect())
    }
}

/// The categories from the root down to one, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineageOf(pub CategoryId);

impl Loader<LineageOf> for CatalogLoader {
    type Value = Vec<category::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[LineageOf]) -> Result<HashMap<LineageOf, Self::Value>, SharedError> {
        let ids = keys.iter().map(|k| k.0).collect();
        let lines = vocabulary::lineages(self.app.db().read(), &ids).await?;
        Ok(lines.into_iter().map(|(id, line)| (LineageOf(id), line)).collect())
    }
}

/// The subcategories of a category, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChildrenOf(pub CategoryId);

impl Loader<ChildrenOf> for CatalogLoader {
    type Value = Vec<category::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ChildrenOf]) -> Result<HashMap<ChildrenOf, Self::Value>, SharedError> {
        let rows = category::Entity::find()
            .filter(category::Column::ParentId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(category::Column::Position)
            .order_by_asc(category::Column::Slug)
            .all(self.app.db().read())
            .await?;
        let under = rows.into_iter().filter_map(|row| Some((ChildrenOf(row.parent_id?), row)));
        let mut children: HashMap<ChildrenOf, Vec<category::Model>> = HashMap::new();
        for (parent, row) in under {
            children.entry(parent).or_default().push(row);
        }
        Ok(children)
    }
}

/// How many public products a category and its subcategories have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProductsIn(pub CategoryId);

impl Loader<ProductsIn> for CatalogLoader {
    type Value = i64;
    type Error = SharedError;

    async fn load(&self, keys: &[ProductsIn]) -> Result<HashMap<ProductsIn, i64>, SharedError> {
        self.reads.note(Tag::Any(Kind::Product));
        let per_leaf = product::Entity::find()
            .filter(product::Column::Status.eq(ProductStatus::Published))
            .select_only()
            .column(product::Column::CategoryId)
            .expr_as(Expr::cust("COUNT(*)"), "products")
            .group_by(product::Column::CategoryId)
            .into_tuple::<(CategoryId, i64)>()
            .all(self.app.db().read())
            .await?;
        let tree = category::Entity::find().all(self.app.db().read()).await?;
        let path = |id: CategoryId| tree.iter().find(|c| c.id == id).map(|c| c.path.as_str());
        let within = |key: &ProductsIn| {
            let root = path(key.0)?;
            let below = per_leaf.iter().filter(|(leaf, _)| path(*leaf).is_some_and(|p| p.starts_with(root)));
            Some((*key, below.map(|(_, count)| count).sum()))
        };
        Ok(keys.iter().filter_map(within).collect())
    }
}

/// The attributes that hang on a category itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttributesOf(pub CategoryId);

impl Loader<AttributesOf> for CatalogLoader {
    type Value = Vec<attribute::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[AttributesOf]) -> Result<HashMap<AttributesOf, Self::Value>, SharedError> {
        let hangs = category_attribute::Entity::belongs_to(attribute::Entity)
            .from(category_attribute::Column::AttributeId)
            .to(attribute::Column::Id)
            .into();
        let rows = category_attribute::Entity::find()
            .filter(category_attribute::Column::CategoryId.is_in(keys.iter().map(|k| k.0)))
            .join(JoinType::InnerJoin, hangs)
            .select_also(attribute::Entity)
            .order_by_asc(attribute::Column::Code)
            .all(self.app.db().read())
            .await?;
        let mut attributes: HashMap<AttributesOf, Vec<attribute::Model>> = HashMap::new();
        for (link, attribute) in rows {
            attributes.entry(AttributesOf(link.category_id)).or_default().extend(attribute);
        }
        Ok(attributes)
    }
}
