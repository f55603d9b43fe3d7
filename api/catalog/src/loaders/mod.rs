//! Batch loaders of the catalog: whatever a list shows of its rows is read for all of them at once.
//! A loader belongs to one request and sees what its viewer may see.
//!
//! - here: what a product is and what belongs to it
//! - [`lists`]: lists that hang on each row, and their counts
//! - [`vocabulary`]: categories, brands, attributes

mod lists;
mod vocabulary;

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
        IndustryTag, OfferStatus, SupplyMode, attributes::AttributeValues, media, offer, offer_price, product,
        product_price, product_tag, variant,
    },
    party::Viewer,
    values::{
        Currency, Localized,
        id::{OfferId, ProductId, VariantId},
    },
};
use platform::{
    app::App,
    error::SharedError,
    graphql::Batches,
    responses::{Reads, Tag},
};
use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait, Iterable, JoinType, QueryFilter, QueryOrder, QuerySelect};
use search::Kind;

use super::ops::list::{Availability, Listed, PriceTag};

pub use lists::{ChangesOf, CountOf, End, HistoryOf, OfferCountOf, OffersOf, OffersParent};
pub use vocabulary::{AttributeNamed, AttributesOf, ChildrenOf, LineageOf, ProductsIn};

/// Loads what this context owns.
#[derive(Debug)]
pub struct CatalogLoader {
    app: App,
    viewer: Viewer,
    reads: Reads,
}

/// The loaders of one request: asked for twice, loaded once.
pub type CatalogLoaders = DataLoader<CatalogLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches, reads: &Reads) -> CatalogLoaders {
    let loader = CatalogLoader { app: app.clone(), viewer: viewer.clone(), reads: reads.clone() };
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
        for id in ids {
            self.reads.note(Tag::One(Kind::Product, id.0));
        }
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

impl Loader<PriceTagOf> for CatalogLoader {
    /// None: it has none that the viewer may see.
    type Value = Option<PriceTag>;
    type Error = SharedError;

    async fn load(&self, keys: &[PriceTagOf]) -> Result<HashMap<PriceTagOf, Self::Value>, SharedError> {
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
            .select_only()
            .columns(product_price::Column::iter())
            .into_model::<product_price::Model>()
            .all(self.app.db().read())
            .await?;
        let tag = |row: product_price::Model| {
            (PriceTagOf(row.product_id, row.currency), Some(PriceTag { offer: row.offer_id, price: row.price() }))
        };
        Ok(rows.into_iter().map(tag).collect())
    }
}

/// Keeps what a list read beside its products, so that it is not loaded again.
pub async fn feed(context: &Context<'_>, listed: &[Listed]) {
    let loader = of(context);
    loader.feed_many(listed.iter().filter_map(|row| row.category.clone()).map(|row| (row.id, row))).await;
    let tag = |row: &Listed| row.price.map(|(currency, tag)| (PriceTagOf(row.head.id, currency), tag));
    loader.feed_many(listed.iter().filter_map(tag)).await;
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

fn grouped<K: std::hash::Hash + Eq, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
