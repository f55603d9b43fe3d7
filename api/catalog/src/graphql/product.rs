//! Products and variants.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    catalog::{AttributeKind, IndustryTag, MediaKind, ProductStatus, SupplyMode, media, product::Head, variant},
    values::{Currency, Gtin},
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt, CurrencyCode, Money,
        connection::{list_cost, times},
        encode,
        text::{Translation, translations},
    },
    page::{Cursor, PageArgs},
};

use super::{Brand, Category, Offer, ProductChange, ProductHistoryEntry};
use crate::{
    loaders::{
        self, AttributeNamed, ChangesOf, CountOf, End, HistoryOf, MediaOf, OfferCountOf, OffersOf, OffersParent,
        PriceTagOf, SupplyOf, TagsOf, TextsOf, VariantsOf,
    },
    ops::{self, list::Availability},
    policy,
};

/// A master product: described once, offered by many (商品).
#[derive(Clone, Debug)]
pub struct Product(pub Head);

/// A master product: described once, offered by many (商品).
#[Object]
impl Product {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Readable key.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Name in the language asked for, or in `locale`.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<String> {
        Ok(context.text(&self.0.name, locale.as_deref())?.unwrap_or_default())
    }

    /// Description in the language asked for, or in `locale`.
    async fn description(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        let texts = loaders::of(context).load_one(TextsOf(self.0.id)).await?;
        texts.map_or(Ok(None), |t| context.text(&t.description, locale.as_deref()))
    }

    /// Name in all languages.
    async fn name_translations(&self) -> Vec<Translation> {
        translations(&self.0.name)
    }

    /// Description in all languages.
    async fn description_translations(&self, context: &Context<'_>) -> Result<Vec<Translation>> {
        let texts = loaders::of(context).load_one(TextsOf(self.0.id)).await?;
        Ok(texts.map(|t| translations(&t.description)).unwrap_or_default())
    }

    /// State.
    async fn status(&self) -> ProductStatus {
        self.0.status
    }

    /// Why it was rejected, while it is.
    async fn rejection_reason(&self) -> Option<&str> {
        self.0.rejection.as_deref()
    }

    /// The leaf category it hangs on.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        Ok(loaders::of(context).load_one(self.0.category_id).await?.map(Category))
    }

    /// Its brand, when it has one.
    async fn brand(&self, context: &Context<'_>) -> Result<Option<Brand>> {
        let Some(id) = self.0.brand_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Brand))
    }

    /// The organisation that first described it.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.owner_id).await?.map(Organisation))
    }

    /// Specialty industries of the zone that it belongs to (特色产业).
    async fn tags(&self, context: &Context<'_>) -> Result<Vec<IndustryTag>> {
        Ok(loaders::of(context).load_one(TagsOf(self.0.id)).await?.unwrap_or_default())
    }

    /// What it is like, in typed values (属性).
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn attributes(&self, context: &Context<'_>) -> Result<Vec<ProductAttribute>> {
        let loader = loaders::of(context);
        let Some(texts) = loader.load_one(TextsOf(self.0.id)).await? else { return Ok(Vec::new()) };
        let definitions = loader.load_many(texts.attributes.0.keys().cloned().map(AttributeNamed)).await?;
        let locale = context.locale();
        let attribute = |(code, value): (&String, &entities::catalog::attributes::AttributeValue)| {
            let definition = definitions.get(&AttributeNamed(code.clone()))?;
            Some(ProductAttribute {
                code: code.clone(),
                name: definition.name.read(locale).unwrap_or(code).to_owned(),
                kind: definition.kind,
                unit: definition.unit.clone(),
                value: value.text(),
                label: value.label(definition, locale),
            })
        };
        Ok(texts.attributes.0.iter().filter_map(attribute).collect())
    }

    /// Pictures, videos and documents, at most 20 (媒体).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn media(&self, context: &Context<'_>) -> Result<Vec<Media>> {
        let rows = loaders::of(context).load_one(MediaOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Media).collect())
    }

    /// What is actually packed and shipped (规格).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn variants(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Variant>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let variants = loaders::of(context).load_one(VariantsOf(self.0.id)).await?.unwrap_or_default();
        let total = i64::try_from(variants.len()).ok();
        let cursor = |row: &variant::Model| Cursor::new("variant", vec![row.id.to_string().into()]);
        let rows = page.slice(variants, cursor)?;
        Ok(Connection::new(rows, total, |row| (cursor(&row), Variant(row))))
    }

    /// Who sells it, and on which terms (报价).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn offers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Offer>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        offers(context, OffersParent::Product(self.0.id), &page).await
    }

    /// The cheapest active offer in a currency (最低报价).
    async fn cheapest_offer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "ISO 4217 code.", default_with = "CurrencyCode(Currency::CNY)")] currency: CurrencyCode,
    ) -> Result<Option<Offer>> {
        let loader = loaders::of(context);
        let Some(tag) = loader.load_one(PriceTagOf(self.0.id, currency.0)).await?.flatten() else { return Ok(None) };
        Ok(loader.load_one(tag.offer).await?.map(Offer))
    }

    /// Price of one unit at the cheapest active offer's minimum order (最低价).
    async fn price(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "ISO 4217 code.", default_with = "CurrencyCode(Currency::CNY)")] currency: CurrencyCode,
    ) -> Result<Option<Money>> {
        let tag = loaders::of(context).load_one(PriceTagOf(self.0.id, currency.0)).await?.flatten();
        Ok(tag.map(|tag| tag.price.into()))
    }

    /// Whether it can be had at the moment.
    async fn availability(&self, context: &Context<'_>) -> Result<Availability> {
        let supply = loaders::of(context).load_one(SupplyOf(self.0.id)).await?;
        Ok(supply.map_or(Availability::Unavailable, |s| s.availability))
    }

    /// The ways in which active offers bring it to a buyer.
    async fn supply_modes(&self, context: &Context<'_>) -> Result<Vec<SupplyMode>> {
        Ok(loaders::of(context).load_one(SupplyOf(self.0.id)).await?.map(|s| s.modes).unwrap_or_default())
    }

    /// Who changed what, newest first; for its owner and the operator (变更历史).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProductHistoryEntry>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let (app, viewer, loader) = (context.app(), context.viewer(), loaders::of(context));
        if !policy::reads_history(viewer, self.0.owner_id) {
            return Ok(Connection::empty());
        }
        let total = if context.wants_total() {
            Some(loader.load_one(CountOf::History(self.0.id)).await?.unwrap_or_default())
        } else {
            None
        };
        let rows = match End::of(&page) {
            Some(end) => page.page(loader.load_one(HistoryOf(self.0.id, end)).await?.unwrap_or_default()),
            None => ops::history::list_history(app.db().read(), self.0.id, &page).await?,
        };
        Ok(Connection::new(rows, total, |row| (ops::history::history_cursor(&row), ProductHistoryEntry(row))))
    }

    /// Proposed changes that the viewer may see, newest first (变更申请).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProductChange>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let (app, viewer, loader) = (context.app(), context.viewer(), loaders::of(context));
        let total = if context.wants_total() {
            Some(loader.load_one(CountOf::Changes(self.0.id)).await?.unwrap_or_default())
        } else {
            None
        };
        let rows = match End::of(&page) {
            Some(end) => page.page(loader.load_one(ChangesOf(self.0.id, end)).await?.unwrap_or_default()),
            None => ops::changes::list_changes(app.db().read(), viewer, Some(self.0.id), None, &page).await?,
        };
        Ok(Connection::new(rows, total, |row| (ops::changes::change_cursor(&row), ProductChange(row))))
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was first described.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it became public.
    async fn published_at(&self) -> Option<DateTime<Utc>> {
        self.0.published_at
    }
}

/// A page of offers: the first or last page through the loader (one statement for a whole list), those in
/// between on their own.
pub(super) async fn offers(context: &Context<'_>, of: OffersParent, page: &PageArgs) -> Result<Connection<Offer>> {
    let (app, viewer) = (context.app(), context.viewer());
    let total = if context.wants_total() {
        Some(loaders::of(context).load_one(OfferCountOf(of)).await?.unwrap_or_default())
    } else {
        None
    };
    let rows = match End::of(page) {
        Some(end) => page.page(loaders::of(context).load_one(OffersOf { of, end }).await?.unwrap_or_default()),
        None => ops::history::list_offers(app.db().read(), viewer, of, page).await?,
    };
    Ok(Connection::new(rows, total, |row| (ops::history::offer_cursor(&row), Offer(row))))
}

/// What is actually packed, declared and shipped (规格).
#[derive(Clone, Debug)]
pub struct Variant(pub variant::Model);

/// What is actually packed, declared and shipped (规格).
#[Object]
impl Variant {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Short code, unique within the product.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Name in the language asked for, or in `locale`; none when the product's name says enough.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        context.text(&self.0.name, locale.as_deref())
    }

    /// Barcode with a right check digit, when it has one (商品条码).
    async fn gtin(&self) -> Option<&str> {
        self.0.gtin.as_ref().map(Gtin::as_str)
    }

    /// Tariff code, 10 digits (海关商品编码).
    async fn hs_code(&self) -> &str {
        self.0.hs_code.as_str()
    }

    /// Country or region of origin, ISO 3166-1 alpha-2 (原产国).
    async fn origin(&self) -> &str {
        self.0.origin.as_str()
    }

    /// Net weight in grams (净重).
    async fn net_weight_g(&self) -> i32 {
        self.0.net_weight_g
    }

    /// Gross weight in grams (毛重).
    async fn gross_weight_g(&self) -> i32 {
        self.0.gross_weight_g
    }

    /// Net volume in millilitres, of what is sold by volume (净容量).
    async fn net_volume_ml(&self) -> Option<i32> {
        self.0.net_volume_ml
    }

    /// Pieces or sheets, of what is sold by them (件数、片数).
    async fn piece_count(&self) -> Option<i32> {
        self.0.piece_count
    }

    /// First legal unit of the tariff, customs code of 3 digits (法定第一计量单位).
    async fn unit1(&self) -> &str {
        self.0.unit1.as_str()
    }

    /// Second legal unit, when the tariff names one (法定第二计量单位).
    async fn unit2(&self) -> Option<&str> {
        self.0.unit2.as_ref().map(entities::values::CustomsUnit::as_str)
    }

    /// The product it belongs to.
    async fn product(&self, context: &Context<'_>) -> Result<Option<Product>> {
        Ok(loaders::of(context).load_one(self.0.product_id).await?.map(Product))
    }

    /// Who sells it, and on which terms (报价).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn offers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Offer>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        offers(context, OffersParent::Variant(self.0.id), &page).await
    }
}

/// A typed value that describes a product (商品属性).
#[derive(Clone, Debug, SimpleObject)]
pub struct ProductAttribute {
    /// Code of the attribute.
    code: String,
    /// Name in the language asked for.
    name: String,
    /// Type of the value.
    kind: AttributeKind,
    /// Unit of the value.
    unit: Option<String>,
    /// The value as it is written in inputs: a choice by its code, a number without its unit.
    value: String,
    /// The value as people read it, in the language asked for.
    label: String,
}

/// A picture, video or document of a product (媒体).
#[derive(Clone, Debug)]
pub struct Media(pub media::Model);

/// A picture, video or document of a product (媒体).
#[Object]
impl Media {
    /// What it is.
    async fn kind(&self) -> MediaKind {
        self.0.kind
    }

    /// Where it is: `https://…`, or a path on this server.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it shows, in the language asked for.
    async fn alt(&self, context: &Context<'_>) -> Result<Option<String>> {
        context.text(&self.0.alt, None)
    }
}
