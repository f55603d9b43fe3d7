//! Batch loaders of the catalog: whatever a list shows of its rows is read for all of them at once.
//! A loader belongs to one request and sees what its viewer may see.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    catalog::{
        IndustryTag, OfferStatus, ProductStatus, SupplyMode, attribute, attributes::AttributeValues, brand, category,
        category_attribute, media, offer, offer_price, product, product_change, product_history, product_price,
        product_tag, variant,
    },
    party::Viewer,
    values::{
        Currency, Localized, Money,
        id::{BrandId, CategoryId, OfferId, ProductChangeId, ProductId, VariantId},
    },
};
use sea_orm::{
    ColumnTrait, DerivePartialModel, EntityTrait, ExprTrait, Iterable, JoinType, Order, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
    sea_query::{Expr, OverStatement, Query, WindowStatement},
};

use super::ops::{list::Availability, vocabulary};
use crate::{
    app::App,
    platform::{error::SharedError, graphql::Batches, page::PageArgs},
};

/// Loads what this context owns.
#[derive(Debug)]
pub struct CatalogLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type CatalogLoaders = DataLoader<CatalogLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> CatalogLoaders {
    let loader = CatalogLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a CatalogLoaders {
    context.data_unchecked::<CatalogLoaders>()
}

impl Loader<ProductId> for CatalogLoader {
    type Value = product::Head;
    type Error = SharedError;

    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Self::Value>, SharedError> {
        let seen = product::Entity::visible_to(&self.viewer).filter(product::Column::Id.is_in(ids.iter().copied()));
        let rows = seen.into_partial_model::<product::Head>().all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The long texts of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextsOf(pub ProductId);

/// Description and attributes of a product.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "product::Entity")]
pub struct Texts {
    id: ProductId,
    /// Description by language.
    pub description: Localized,
    /// Typed attribute values.
    pub attributes: AttributeValues,
}

impl Loader<TextsOf> for CatalogLoader {
    type Value = Texts;
    type Error = SharedError;

    async fn load(&self, keys: &[TextsOf]) -> Result<HashMap<TextsOf, Texts>, SharedError> {
        let rows = product::Entity::find().filter(product::Column::Id.is_in(keys.iter().map(|k| k.0)));
        let rows = rows.into_partial_model::<Texts>().all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (TextsOf(row.id), row)).collect())
    }
}

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

impl Loader<VariantId> for CatalogLoader {
    type Value = variant::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[VariantId]) -> Result<HashMap<VariantId, Self::Value>, SharedError> {
        let of = product::Entity::belongs_to(variant::Entity)
            .from(product::Column::Id)
            .to(variant::Column::ProductId)
            .into();
        // From the products that the viewer may see.
        let rows = product::Entity::visible_to(&self.viewer)
            .join(JoinType::InnerJoin, of)
            .filter(variant::Column::Id.is_in(ids.iter().copied()))
            .select_only()
            .columns(variant::Column::iter())
            .into_model::<variant::Model>()
            .all(self.app.db().read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<OfferId> for CatalogLoader {
    type Value = offer::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[OfferId]) -> Result<HashMap<OfferId, Self::Value>, SharedError> {
        let seen = offer::Entity::visible_to(&self.viewer).filter(offer::Column::Id.is_in(ids.iter().copied()));
        let rows = seen.all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The variants of a product, in their order; a rule keeps them few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariantsOf(pub ProductId);

impl Loader<VariantsOf> for CatalogLoader {
    type Value = Vec<variant::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[VariantsOf]) -> Result<HashMap<VariantsOf, Self::Value>, SharedError> {
        let rows = variant::Entity::find()
            .filter(variant::Column::ProductId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(variant::Column::Position)
            .all(self.app.db().read())
            .await?;
        Ok(grouped(rows, |row| VariantsOf(row.product_id)))
    }
}

/// The media of a product, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaOf(pub ProductId);

impl Loader<MediaOf> for CatalogLoader {
    type Value = Vec<media::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[MediaOf]) -> Result<HashMap<MediaOf, Self::Value>, SharedError> {
        let rows = media::Entity::find()
            .filter(media::Column::ProductId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(media::Column::Position)
            .all(self.app.db().read())
            .await?;
        Ok(grouped(rows, |row| MediaOf(row.product_id)))
    }
}

/// The tags of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TagsOf(pub ProductId);

impl Loader<TagsOf> for CatalogLoader {
    type Value = Vec<IndustryTag>;
    type Error = SharedError;

    async fn load(&self, keys: &[TagsOf]) -> Result<HashMap<TagsOf, Self::Value>, SharedError> {
        let rows = product_tag::Entity::find()
            .filter(product_tag::Column::ProductId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(product_tag::Column::Tag)
            .all(self.app.db().read())
            .await?;
        let mut tags: HashMap<TagsOf, Vec<IndustryTag>> = HashMap::new();
        for row in rows {
            tags.entry(TagsOf(row.product_id)).or_default().push(row.tag);
        }
        Ok(tags)
    }
}

/// The price tag of a product in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PriceTagOf(pub ProductId, pub Currency);

/// The cheapest active offer of a product and its price.
#[derive(Clone, Debug)]
pub struct PriceTag {
    /// The offer.
    pub offer: offer::Model,
    /// Its price of one unit at its minimum order.
    pub price: Money,
}

impl Loader<PriceTagOf> for CatalogLoader {
    type Value = PriceTag;
    type Error = SharedError;

    async fn load(&self, keys: &[PriceTagOf]) -> Result<HashMap<PriceTagOf, PriceTag>, SharedError> {
        let products: BTreeSet<ProductId> = keys.iter().map(|k| k.0).collect();
        let currencies: BTreeSet<Currency> = keys.iter().map(|k| k.1).collect();
        let tagged = offer::Entity::belongs_to(product_price::Entity)
            .from(offer::Column::Id)
            .to(product_price::Column::OfferId)
            .into();
        // From the offers that the viewer may see: a tag never shows what is hidden.
        let rows = offer::Entity::visible_to(&self.viewer)
            .filter(offer::Column::Status.eq(OfferStatus::Active))
            .join(JoinType::InnerJoin, tagged)
            .filter(product_price::Column::ProductId.is_in(products))
            .filter(product_price::Column::Currency.is_in(currencies))
            .select_also(product_price::Entity)
            .all(self.app.db().read())
            .await?;
        let tag = |(offer, tag): (offer::Model, Option<product_price::Model>)| {
            let tag = tag?;
            Some((PriceTagOf(tag.product_id, tag.currency), PriceTag { price: tag.price(), offer }))
        };
        Ok(rows.into_iter().filter_map(tag).collect())
    }
}

/// All tiers of an offer, by currency and quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TiersOf(pub OfferId);

impl Loader<TiersOf> for CatalogLoader {
    type Value = Vec<offer_price::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[TiersOf]) -> Result<HashMap<TiersOf, Self::Value>, SharedError> {
        let rows = offer_price::Entity::find()
            .filter(offer_price::Column::OfferId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(offer_price::Column::Currency)
            .order_by_asc(offer_price::Column::MinQuantity)
            .all(self.app.db().read())
            .await?;
        Ok(grouped(rows, |row| TiersOf(row.offer_id)))
    }
}

/// The first (or last) offers of a product or variant that the viewer may see, by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OffersOf {
    /// Of what.
    pub of: OffersParent,
    /// Which of them.
    pub end: End,
}

/// One end of a list: how many rows, and whether from its beginning or from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// At most this many of each parent.
    pub limit: u64,
    /// Counted from the end.
    pub last: bool,
}

impl End {
    /// The end of a list that a page without a cursor shows.
    pub fn of(page: &PageArgs) -> Option<Self> {
        page.cursor.is_none().then_some(Self { limit: page.fetch(), last: page.backward })
    }
}

/// What offers hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OffersParent {
    /// All of a product.
    Product(ProductId),
    /// Those for one variant.
    Variant(VariantId),
}

impl Loader<OffersOf> for CatalogLoader {
    type Value = Vec<offer::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[OffersOf]) -> Result<HashMap<OffersOf, Self::Value>, SharedError> {
        let mut offers = HashMap::new();
        // Usually all keys of a batch ask for the same: one statement. Aliased fields may differ.
        let ends: BTreeSet<End> = keys.iter().map(|k| k.end).collect();
        for end in ends {
            let (mut products, mut variants) = (Vec::new(), Vec::new());
            for key in keys.iter().filter(|k| k.end == end) {
                match key.of {
                    OffersParent::Product(id) => products.push(sea_orm::Value::from(id.0)),
                    OffersParent::Variant(id) => variants.push(sea_orm::Value::from(id.0)),
                }
            }
            let visible = || offer::Entity::visible_to(&self.viewer);
            for row in self.ends(visible(), offer::Column::ProductId, offer::Column::Id, products, end).await? {
                let key = OffersOf { of: OffersParent::Product(row.product_id), end };
                offers.entry(key).or_insert_with(Vec::new).push(row);
            }
            for row in self.ends(visible(), offer::Column::VariantId, offer::Column::Id, variants, end).await? {
                let key = OffersOf { of: OffersParent::Variant(row.variant_id), end };
                offers.entry(key).or_insert_with(Vec::new).push(row);
            }
        }
        Ok(offers)
    }
}

/// The newest (or oldest) history entries of a product. The caller has checked who may read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HistoryOf(pub ProductId, pub End);

impl Loader<HistoryOf> for CatalogLoader {
    type Value = Vec<product_history::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[HistoryOf]) -> Result<HashMap<HistoryOf, Self::Value>, SharedError> {
        use product_history::{Column, Entity};
        let mut entries: HashMap<HistoryOf, Self::Value> = HashMap::new();
        let ends: BTreeSet<End> = keys.iter().map(|k| k.1).collect();
        for end in ends {
            let parents = keys.iter().filter(|k| k.1 == end).map(|k| k.0.0.into()).collect();
            // Newest first: the beginning of the list is the end of the table.
            let of_table = End { last: !end.last, ..end };
            for row in self.ends(Entity::find(), Column::ProductId, Column::Id, parents, of_table).await? {
                entries.entry(HistoryOf(row.product_id, end)).or_default().push(row);
            }
        }
        Ok(entries)
    }
}

/// The newest (or oldest) proposed changes of a product that the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangesOf(pub ProductId, pub End);

impl Loader<ChangesOf> for CatalogLoader {
    type Value = Vec<product_change::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ChangesOf]) -> Result<HashMap<ChangesOf, Self::Value>, SharedError> {
        use product_change::{Column, Entity};
        let mut changes: HashMap<ChangesOf, Self::Value> = HashMap::new();
        let ends: BTreeSet<End> = keys.iter().map(|k| k.1).collect();
        for end in ends {
            let parents = keys.iter().filter(|k| k.1 == end).map(|k| k.0.0.into()).collect();
            let of_table = End { last: !end.last, ..end };
            let visible = Entity::visible_to(&self.viewer);
            for row in self.ends(visible, Column::ProductId, Column::Id, parents, of_table).await? {
                changes.entry(ChangesOf(row.product_id, end)).or_default().push(row);
            }
        }
        Ok(changes)
    }
}

impl Loader<ProductChangeId> for CatalogLoader {
    type Value = product_change::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[ProductChangeId]) -> Result<HashMap<ProductChangeId, Self::Value>, SharedError> {
        let seen = product_change::Entity::visible_to(&self.viewer);
        let rows = seen.filter(product_change::Column::Id.is_in(ids.iter().copied())).all(self.app.db().read()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many history entries (or visible proposed changes) a product has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountOf {
    /// History entries. The caller has checked who may read them.
    History(ProductId),
    /// Proposed changes that the viewer may see.
    Changes(ProductId),
}

impl Loader<CountOf> for CatalogLoader {
    type Value = i64;
    type Error = SharedError;

    async fn load(&self, keys: &[CountOf]) -> Result<HashMap<CountOf, i64>, SharedError> {
        let history =
            keys.iter().filter_map(|k| if let CountOf::History(id) = k { Some(id.0.into()) } else { None }).collect();
        let changes =
            keys.iter().filter_map(|k| if let CountOf::Changes(id) = k { Some(id.0.into()) } else { None }).collect();
        let history = self.counts(product_history::Entity::find(), product_history::Column::ProductId, history).await?;
        let visible = product_change::Entity::visible_to(&self.viewer);
        let changes = self.counts(visible, product_change::Column::ProductId, changes).await?;
        let history = history.into_iter().map(|(id, n)| (CountOf::History(ProductId(id)), n));
        Ok(history.chain(changes.into_iter().map(|(id, n)| (CountOf::Changes(ProductId(id)), n))).collect())
    }
}

impl CatalogLoader {
    /// How many rows each parent has, in one statement.
    async fn counts<E: EntityTrait>(
        &self,
        rows: Select<E>,
        parent: E::Column,
        ids: Vec<sea_orm::Value>,
    ) -> Result<Vec<(uuid::Uuid, i64)>, SharedError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let counts = rows
            .filter(parent.into_expr().is_in(ids))
            .select_only()
            .column(parent)
            .expr_as(Expr::cust("COUNT(*)"), "rows")
            .group_by(parent);
        Ok(counts.into_tuple::<(uuid::Uuid, i64)>().all(self.app.db().read()).await?)
    }

    /// The first or last rows of each parent by `order`, in one statement; last ones come last first.
    async fn ends<E: EntityTrait>(
        &self,
        rows: Select<E>,
        parent: E::Column,
        order: E::Column,
        ids: Vec<sea_orm::Value>,
        end: End,
    ) -> Result<Vec<E::Model>, SharedError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let direction = if end.last { Order::Desc } else { Order::Asc };
        let mut window = WindowStatement::new();
        window.add_partition_by(parent.into_expr()).order_by_expr(order.into_expr(), direction.clone());
        let mut ranked = rows.filter(parent.into_expr().is_in(ids)).into_query();
        ranked.expr_window_as(Expr::cust("ROW_NUMBER()"), window, "place");
        let ends = Query::select()
            .columns(E::Column::iter())
            .from_subquery(ranked, "ranked")
            .and_where(Expr::col("place").lte(end.limit))
            .order_by(order, direction)
            .take();
        let db = self.app.db().read();
        let statement = db.get_database_backend().build(&ends);
        Ok(E::find().from_raw_sql(statement).all(db).await?)
    }
}

/// How many offers of a product or variant the viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferCountOf(pub OffersParent);

impl Loader<OfferCountOf> for CatalogLoader {
    type Value = i64;
    type Error = SharedError;

    async fn load(&self, keys: &[OfferCountOf]) -> Result<HashMap<OfferCountOf, i64>, SharedError> {
        let (mut products, mut variants) = (Vec::new(), Vec::new());
        for key in keys {
            match key.0 {
                OffersParent::Product(id) => products.push(sea_orm::Value::from(id.0)),
                OffersParent::Variant(id) => variants.push(sea_orm::Value::from(id.0)),
            }
        }
        let products = self.counts(offer::Entity::visible_to(&self.viewer), offer::Column::ProductId, products).await?;
        let variants = self.counts(offer::Entity::visible_to(&self.viewer), offer::Column::VariantId, variants).await?;
        let products = products.into_iter().map(|(id, n)| (OfferCountOf(OffersParent::Product(ProductId(id))), n));
        let variants = variants.into_iter().map(|(id, n)| (OfferCountOf(OffersParent::Variant(VariantId(id))), n));
        Ok(products.chain(variants).collect())
    }
}

/// How a product can be had at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SupplyOf(pub ProductId);

/// Availability and supply modes over all active offers of a product.
#[derive(Clone, Debug)]
pub struct Supply {
    /// Whether it can be had now.
    pub availability: Availability,
    /// In which ways.
    pub modes: Vec<SupplyMode>,
}

impl Loader<SupplyOf> for CatalogLoader {
    type Value = Supply;
    type Error = SharedError;

    async fn load(&self, keys: &[SupplyOf]) -> Result<HashMap<SupplyOf, Supply>, SharedError> {
        let rows = offer::Entity::find()
            .filter(offer::Column::ProductId.is_in(keys.iter().map(|k| k.0)))
            .filter(offer::Column::Status.eq(OfferStatus::Active))
            .select_only()
            .columns([offer::Column::ProductId, offer::Column::SupplyMode])
            .column_as(offer::Column::LeadTimeDays.min(), "lead_time_days")
            .group_by(offer::Column::ProductId)
            .group_by(offer::Column::SupplyMode)
            .order_by_asc(offer::Column::SupplyMode)
            .into_tuple::<(ProductId, SupplyMode, i32)>()
            .all(self.app.db().read())
            .await?;
        let mut supplies: HashMap<SupplyOf, Supply> = HashMap::new();
        for (product, mode, lead_time_days) in rows {
            let supply = supplies
                .entry(SupplyOf(product))
                .or_insert(Supply { availability: Availability::ToOrder, modes: Vec::new() });
            supply.modes.push(mode);
            if lead_time_days == 0 {
                supply.availability = Availability::InStock;
            }
        }
        Ok(supplies)
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

fn grouped<K: std::hash::Hash + Eq, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
