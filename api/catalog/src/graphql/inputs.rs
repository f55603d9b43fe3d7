//! What clients send, and how it becomes what operations take.

use std::collections::BTreeMap;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, OneofObject};
use entities::{
    catalog::{
        IndustryTag, MediaKind, OfferStatus, ProductStatus, SupplyMode,
        row::{DEFAULT_VARIANT, Row},
        sheet::{Edit, MediaSpec, Patch, VariantPatch},
        terms::{PriceText, TermsPatch},
    },
    party::Viewer,
    values::{CountryCode, Currency, Money, Refusal, Refusals, id::ProductId},
};
use platform::{
    error::Error,
    graphql::{
        CurrencyCode, MoneyAmount, bounded, decode,
        id::decode_all,
        scalars::MoneyInput,
        text::{TranslationInput, localized},
    },
};

use crate::{
    ops::list::{Availability, Filter, PriceBand, ProductRef as Ref, Sort, hs_range},
    policy,
};

/// Which products. Lists mean "any of"; everything given must hold (商品筛选).
#[derive(Clone, Debug, Default, InputObject)]
pub(super) struct ProductFilter {
    /// Words to look for in names, descriptions, brands and codes; the 1,000 best fits are kept.
    pub text: Option<String>,
    /// In this category or below it.
    category_id: Option<ID>,
    /// Of any of these brands.
    brand_ids: Option<Vec<ID>>,
    /// Actively offered by any of these sellers.
    seller_ids: Option<Vec<ID>>,
    /// With a variant from any of these countries, ISO 3166-1 alpha-2.
    origins: Option<Vec<String>>,
    /// With a variant whose HS code starts with these 2 to 10 digits.
    hs_prefix: Option<String>,
    /// With a lowest price in this band.
    price_band: Option<PriceBandInput>,
    /// Actively offered in any of these ways.
    supply_modes: Option<Vec<SupplyMode>>,
    /// Of any of these specialty industries.
    tags: Option<Vec<IndustryTag>>,
    /// Available in any of these senses.
    availability: Option<Vec<Availability>>,
    /// In any of these states; without it those that are PUBLISHED.
    statuses: Option<Vec<ProductStatus>>,
    /// True: only what the viewer's own organisation described.
    mine: Option<bool>,
}

/// Prices between two amounts, both included (价格区间).
#[derive(Clone, Debug, InputObject)]
pub struct PriceBandInput {
    /// ISO 4217 code.
    currency: CurrencyCode,
    /// From this amount on.
    minimum: Option<MoneyAmount>,
    /// Up to this amount.
    maximum: Option<MoneyAmount>,
}

impl ProductFilter {
    /// The filter that operations take.
    pub(super) fn into_filter(self, viewer: &Viewer, ids: Option<Vec<ProductId>>) -> Result<Filter, Error> {
        let owner = match self.mine {
            Some(true) => Some(policy::signed_in(viewer)?),
            _ => None,
        };
        let countries = |codes: Vec<String>| {
            bounded(codes)?
                .iter()
                .map(|c| Ok(c.parse::<CountryCode>().map_err(|r| r.at("origins"))?))
                .collect::<Result<_, Error>>()
        };
        Ok(Filter {
            ids,
            category: self.category_id.map(|id| decode(&id, "categoryId")).transpose()?,
            brands: self.brand_ids.map(|ids| decode_all(&bounded(ids)?, "brandIds")).transpose()?,
            sellers: self.seller_ids.map(|ids| decode_all(&bounded(ids)?, "sellerIds")).transpose()?,
            origins: self.origins.map(countries).transpose()?,
            hs_prefix: self.hs_prefix.map(|prefix| hs_range(&prefix)).transpose()?,
            price: self.price_band.map(PriceBandInput::into_band).transpose()?,
            supply_modes: self.supply_modes.map(bounded).transpose()?,
            tags: self.tags.map(bounded).transpose()?,
            availability: self.availability.map(bounded).transpose()?,
            statuses: self.statuses.map(bounded).transpose()?,
            owner,
        })
    }
}

impl PriceBandInput {
    /// The band that operations take.
    pub fn into_band(self) -> Result<PriceBand, Error> {
        let currency: Currency = self.currency.0;
        let minor =
            |amount: Option<MoneyAmount>| amount.map(|a| Money::parse(&a.0, currency).map(|m| m.minor)).transpose();
        Ok(PriceBand {
            currency,
            min: minor(self.minimum).map_err(|r| r.at("minimum"))?,
            max: minor(self.maximum).map_err(|r| r.at("maximum"))?,
        })
    }
}

/// What a list of products is ordered by (排序字段).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProductOrderField {
    /// When it became public (上新时间).
    Newest,
    /// Lowest price in `currency`; products without a price in it are left out (价格).
    Price,
    /// Name in the language asked for: pinyin for Chinese, the alphabet otherwise (名称).
    Name,
}

/// Which way (排序方向).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, earliest, A first (升序).
    Asc,
    /// Largest, latest, Z first (降序).
    Desc,
}

/// In which order products are listed (排序).
#[derive(Clone, Debug, InputObject)]
pub(super) struct ProductOrder {
    /// By what.
    field: ProductOrderField,
    /// Which way; without it descending for NEWEST and ascending otherwise.
    direction: Option<OrderDirection>,
    /// Currency for PRICE.
    #[graphql(default_with = "CurrencyCode(Currency::CNY)")]
    currency: CurrencyCode,
}

impl ProductOrder {
    /// Order and direction for a reader of `locale`; newest first when nothing is said.
    pub(super) fn resolve(order: Option<&Self>, locale: &entities::values::Locale) -> (Sort, sea_orm::Order) {
        let Some(order) = order else { return (Sort::Newest, sea_orm::Order::Desc) };
        let sort = match order.field {
            ProductOrderField::Newest => Sort::Newest,
            ProductOrderField::Price => Sort::Price(order.currency.0),
            ProductOrderField::Name if locale.language() == "zh" => Sort::NameZh,
            ProductOrderField::Name => Sort::NameEn,
        };
        let usual = match order.field {
            ProductOrderField::Newest => OrderDirection::Desc,
            ProductOrderField::Price | ProductOrderField::Name => OrderDirection::Asc,
        };
        let direction = match order.direction.unwrap_or(usual) {
            OrderDirection::Asc => sea_orm::Order::Asc,
            OrderDirection::Desc => sea_orm::Order::Desc,
        };
        (sort, direction)
    }
}

/// How a product is asked for: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub(super) enum ProductRef {
    /// By id.
    Id(ID),
    /// By readable key.
    Slug(String),
    /// By the barcode of one of its variants.
    Gtin(String),
}

impl ProductRef {
    /// The reference that operations take.
    pub(super) fn resolve(self) -> Result<Ref, Error> {
        Ok(match self {
            Self::Id(id) => Ref::Id(decode(&id, "by")?),
            Self::Slug(slug) => Ref::Slug(slug),
            Self::Gtin(gtin) => Ref::Gtin(gtin),
        })
    }
}

/// How a category is asked for: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub(super) enum CategoryRef {
    /// By id.
    Id(ID),
    /// By readable key.
    Slug(String),
}

/// How a brand is asked for: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub(super) enum BrandRef {
    /// By id.
    Id(ID),
    /// By readable key.
    Slug(String),
}

/// A picture, video or document (媒体).
#[derive(Clone, Debug, InputObject)]
pub(super) struct MediaInput {
    /// What it is.
    kind: MediaKind,
    /// `https://…`, or a path on this server.
    url: String,
    /// What it shows, by language.
    alt: Option<Vec<TranslationInput>>,
}

/// A typed value by the attribute's code (属性值).
#[derive(Clone, Debug, InputObject)]
pub(super) struct ProductAttributeInput {
    /// Code of the attribute.
    code: String,
    /// The value as text: `12`, `12.5`, `true`, a choice's code.
    value: String,
}

/// A variant to add or, when its code is known, to change (规格). Absent fields stay.
#[derive(Clone, Debug, InputObject)]
pub(super) struct VariantInput {
    /// Short code, unique within the product.
    code: Option<String>,
    /// Names by language; empty takes a language away.
    name: Option<Vec<TranslationInput>>,
    /// Barcode; null takes it away.
    gtin: MaybeUndefined<String>,
    /// Tariff code, 10 digits.
    hs_code: Option<String>,
    /// Country of origin, ISO 3166-1 alpha-2.
    origin: Option<String>,
    /// Net weight in grams.
    net_weight_g: Option<i32>,
    /// Gross weight in grams.
    gross_weight_g: Option<i32>,
    /// Net volume in millilitres, of what is sold by volume; null takes it away.
    net_volume_ml: MaybeUndefined<i32>,
    /// Pieces or sheets, of what is sold by them; null takes them away.
    piece_count: MaybeUndefined<i32>,
    /// First legal unit, customs code of 3 digits.
    unit1: Option<String>,
    /// Second legal unit; null takes it away.
    unit2: MaybeUndefined<String>,
}

impl VariantInput {
    fn into_patch(self, index: usize) -> Result<VariantPatch, Error> {
        let at = |error| within(error, &["variants", &index.to_string()]);
        Ok(VariantPatch {
            code: self.code.unwrap_or_else(|| DEFAULT_VARIANT.into()),
            name: localized(self.name, "name").map_err(at)?,
            gtin: edit(self.gtin),
            hs_code: self.hs_code,
            origin: self.origin,
            net_weight_g: self.net_weight_g,
            gross_weight_g: self.gross_weight_g,
            net_volume_ml: edit(self.net_volume_ml),
            piece_count: edit(self.piece_count),
            unit1: self.unit1,
            unit2: edit(self.unit2),
        })
    }
}

/// What is said of a product; absent fields stay (商品内容).
#[derive(Clone, Debug, InputObject)]
pub(super) struct ProductContentInput {
    /// Readable key; without one it is made of the English name.
    slug: Option<String>,
    /// The leaf category it hangs on.
    category_id: Option<ID>,
    /// Its brand; null takes it away.
    brand_id: MaybeUndefined<ID>,
    /// Names by language, laid over the present ones; empty takes a language away.
    name: Option<Vec<TranslationInput>>,
    /// Descriptions by language, likewise.
    description: Option<Vec<TranslationInput>>,
    /// All typed values; replaces the present ones.
    attributes: Option<Vec<ProductAttributeInput>>,
    /// All tags; replaces the present ones.
    tags: Option<Vec<IndustryTag>>,
    /// All media; replaces the present ones.
    media: Option<Vec<MediaInput>>,
    /// Variants to add or to change.
    variants: Option<Vec<VariantInput>>,
}

impl ProductContentInput {
    /// The patch that operations take.
    pub(super) fn into_patch(self) -> Result<Patch, Error> {
        let media = |index: usize, m: MediaInput| {
            let alt = localized(m.alt, "alt").map_err(|e| within(e, &["media", &index.to_string()]))?;
            Ok::<_, Error>(MediaSpec { kind: m.kind, url: m.url, alt })
        };
        let brand = match self.brand_id {
            MaybeUndefined::Undefined => Edit::Keep,
            MaybeUndefined::Null => Edit::Clear,
            MaybeUndefined::Value(id) => Edit::Set(decode(&id, "brandId")?),
        };
        let attributes =
            self.attributes.map(|list| list.into_iter().map(|a| (a.code, a.value)).collect::<BTreeMap<_, _>>());
        let listed = self
            .media
            .map(|list| list.into_iter().enumerate().map(|(n, m)| media(n, m)).collect::<Result<Vec<_>, _>>());
        let variants = self.variants.unwrap_or_default().into_iter().enumerate().map(|(n, v)| v.into_patch(n));
        Ok(Patch {
            slug: self.slug,
            category: self.category_id.map(|id| decode(&id, "categoryId")).transpose()?,
            brand,
            name: localized(self.name, "name")?,
            description: localized(self.description, "description")?,
            attributes,
            tags: self.tags.map(|tags| tags.into_iter().collect()),
            media: listed.transpose()?,
            variants: variants.collect::<Result<_, _>>()?,
        })
    }
}

/// A price from a quantity on (阶梯价).
#[derive(Clone, Debug, InputObject)]
pub(super) struct PriceTierInput {
    /// Price of one unit.
    price: MoneyInput,
    /// From this quantity on; without it from the minimum order.
    minimum_quantity: Option<i32>,
}

/// The terms of an offer; absent fields stay (交易条件).
#[derive(Clone, Debug, InputObject)]
pub(super) struct OfferTermsInput {
    /// How the goods reach the buyer.
    supply_mode: Option<SupplyMode>,
    /// Minimum order quantity.
    minimum_order: Option<i32>,
    /// Quantities are multiples of this.
    order_multiple: Option<i32>,
    /// Days until it ships; 0 ships from stock.
    lead_time_days: Option<i32>,
    /// All prices; replaces the present ones.
    price_tiers: Option<Vec<PriceTierInput>>,
}

impl OfferTermsInput {
    /// The patch that operations take.
    pub(super) fn into_patch(self) -> TermsPatch {
        let price = |tier: PriceTierInput| PriceText {
            currency: tier.price.currency,
            amount: tier.price.amount.0,
            min_quantity: tier.minimum_quantity,
        };
        TermsPatch {
            supply_mode: self.supply_mode,
            moq: self.minimum_order,
            multiple: self.order_multiple,
            lead_time_days: self.lead_time_days,
            prices: self.price_tiers.map(|tiers| tiers.into_iter().map(price).collect()),
        }
    }
}

/// One offer with as much of its product as the seller knows; references are readable keys (批量行).
/// What a row means is described at `bulkUpsertOffers`.
#[derive(Clone, Debug, InputObject)]
pub(super) struct OfferRowInput {
    /// Slug of the seller; without it the viewer's organisation.
    seller: Option<String>,
    /// The seller's article number.
    pub sku: String,
    /// Slug of the product; without it made of the English name.
    product: Option<String>,
    /// Slug of the leaf category.
    category: Option<String>,
    /// Slug of the brand.
    brand: Option<String>,
    /// Names by language.
    name: Option<Vec<TranslationInput>>,
    /// Descriptions by language.
    description: Option<Vec<TranslationInput>>,
    /// All typed values.
    attributes: Option<Vec<ProductAttributeInput>>,
    /// All tags.
    tags: Option<Vec<IndustryTag>>,
    /// The variant that is offered.
    variant: Option<VariantInput>,
    /// On which terms.
    terms: Option<OfferTermsInput>,
    /// State the offer should be in.
    status: Option<OfferStatus>,
}

impl OfferRowInput {
    /// The row that the operation takes; what cannot be read is the row's own refusal.
    pub(super) fn into_row(self) -> Result<Row, Refusals> {
        let read = |input: Self| {
            let attributes = input.attributes.map(|list| list.into_iter().map(|a| (a.code, a.value)).collect());
            let named = input.variant.as_ref().and_then(|v| v.code.clone());
            let variant = match input.variant {
                Some(variant) => variant.into_patch(0)?,
                None => VariantPatch { code: DEFAULT_VARIANT.into(), ..VariantPatch::default() },
            };
            Ok::<_, Error>(Row {
                variant: named,
                patch: Patch {
                    slug: input.product.clone(),
                    name: localized(input.name, "name")?,
                    description: localized(input.description, "description")?,
                    attributes,
                    tags: input.tags.map(|tags| tags.into_iter().collect()),
                    variants: vec![variant],
                    ..Patch::default()
                },
                seller: input.seller,
                sku: input.sku,
                product: input.product,
                category: input.category,
                brand: input.brand,
                terms: input.terms.map(OfferTermsInput::into_patch).unwrap_or_default(),
                status: input.status,
            })
        };
        let row = read(self).map_err(|error| match error {
            Error::Refused(refusals) => refusals,
            // Nothing else can come of decoding values.
            _ => vec![Refusal::new(entities::values::ErrorCode::InvalidValue)],
        })?;
        row.checked()
    }
}

fn edit<T>(value: MaybeUndefined<T>) -> Edit<T> {
    match value {
        MaybeUndefined::Undefined => Edit::Keep,
        MaybeUndefined::Null => Edit::Clear,
        MaybeUndefined::Value(value) => Edit::Set(value),
    }
}

/// The same error, pointing further in from the input's root.
pub(super) fn within(error: Error, path: &[&str]) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let place = |refusal: Refusal| path.iter().rev().fold(refusal, |r, step| r.at(*step));
    Error::Refused(refusals.into_iter().map(place).collect())
}
