//! What clients send, and how it becomes a query.

use async_graphql::{Enum, ID, InputObject};
use catalog::{
    graphql::PriceBandInput,
    indexing::{availability, id, value},
    ops::list::Availability,
};
use entities::{
    catalog::{IndustryTag, ProductStatus, SupplyMode},
    party::OrganisationRole,
    values::{
        CountryCode, Currency, Locale,
        id::{BrandId, CategoryId, OrganisationId, PlaceId},
    },
};
use platform::{
    error::Error,
    graphql::{
        CurrencyCode, bounded,
        id::{NodeId, decode_all},
    },
};
use search::{Band, Facet, Kind, Query, Sort, Visible};

/// Longest text that is looked for; what is longer is cut there by every engine alike.
const LONGEST: usize = 1_000;

/// What can be found (搜索对象).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SearchKind {
    /// Products (商品).
    Product,
    /// Organisations (组织).
    Organisation,
    /// Brands (品牌).
    Brand,
    /// Categories (类目).
    Category,
}

impl SearchKind {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Product => Kind::Product,
            Self::Organisation => Kind::Organisation,
            Self::Brand => Kind::Brand,
            Self::Category => Kind::Category,
        }
    }

    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Product => Self::Product,
            Kind::Organisation => Self::Organisation,
            Kind::Brand => Self::Brand,
            Kind::Category => Self::Category,
        }
    }
}

/// What finds are counted by (分面).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SearchFacet {
    /// Categories, each with all below it (类目).
    Category,
    /// Brands (品牌).
    Brand,
    /// Who actively offers (卖家).
    Seller,
    /// Countries of origin (原产国).
    Origin,
    /// Ways of supply (供货方式).
    SupplyMode,
    /// Specialty industries (特色产业).
    Tag,
    /// Whether it can be bought now (供应情况).
    Availability,
    /// Roles of organisations (组织角色).
    Role,
    /// Where organisations sit (地点).
    Place,
}

impl SearchFacet {
    pub(super) fn facet(self) -> Facet {
        match self {
            Self::Category => Facet::Category,
            Self::Brand => Facet::Brand,
            Self::Seller => Facet::Seller,
            Self::Origin => Facet::Origin,
            Self::SupplyMode => Facet::SupplyMode,
            Self::Tag => Facet::Tag,
            Self::Availability => Facet::Availability,
            Self::Role => Facet::Role,
            Self::Place => Facet::Place,
        }
    }
}

/// What a search is narrowed to. Lists mean "any of"; everything given must hold (搜索筛选).
#[derive(Clone, Debug, Default, InputObject)]
pub(super) struct SearchFilter {
    /// Of these kinds; without it products and organisations.
    kinds: Option<Vec<SearchKind>>,
    /// In any of these categories or below them.
    category_ids: Option<Vec<ID>>,
    /// Of any of these brands.
    brand_ids: Option<Vec<ID>>,
    /// Actively offered by any of these sellers.
    seller_ids: Option<Vec<ID>>,
    /// With a variant from any of these countries, ISO 3166-1 alpha-2.
    origins: Option<Vec<String>>,
    /// With a variant whose HS code starts with any of these: 2, 4, 6, 8 or 10 digits.
    hs_prefixes: Option<Vec<String>>,
    /// With a lowest price in this band.
    price_band: Option<PriceBandInput>,
    /// Actively offered in any of these ways.
    supply_modes: Option<Vec<SupplyMode>>,
    /// Of any of these specialty industries.
    tags: Option<Vec<IndustryTag>>,
    /// Available in any of these senses.
    availability: Option<Vec<Availability>>,
    /// Products in any of these states, as far as the viewer sees them; without it what is public.
    statuses: Option<Vec<ProductStatus>>,
    /// Organisations in any of these roles.
    roles: Option<Vec<OrganisationRole>>,
    /// Organisations at any of these places.
    place_ids: Option<Vec<ID>>,
}

/// What finds are ordered by (搜索排序).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SearchSortField {
    /// Best fit first; without words, newest first (相关度).
    Relevance,
    /// When it became public, newest first (上新时间).
    Newest,
    /// Lowest price in `currency`; what has none comes last (价格).
    Price,
    /// Name in the language asked for: pinyin for Chinese, the alphabet otherwise (名称).
    Name,
}

/// In which order finds come (搜索排序).
#[derive(Clone, Debug, InputObject)]
pub(super) struct SearchSort {
    /// By what.
    field: SearchSortField,
    /// For PRICE and NAME: from the other end.
    #[graphql(default)]
    descending: bool,
    /// Currency for PRICE.
    #[graphql(default_with = "CurrencyCode(Currency::CNY)")]
    currency: CurrencyCode,
}

impl SearchSort {
    pub(super) fn resolve(sort: Option<&Self>, locale: &Locale) -> Sort {
        let Some(Self { field, descending, currency }) = sort else { return Sort::Relevance };
        match field {
            SearchSortField::Relevance => Sort::Relevance,
            SearchSortField::Newest => Sort::Newest,
            SearchSortField::Price => Sort::Price { currency: currency.0.to_string(), descending: *descending },
            SearchSortField::Name => Sort::Name { chinese: locale.language() == "zh", descending: *descending },
        }
    }
}

impl SearchFilter {
    /// Whether states of products are asked for.
    pub(super) fn names_states(&self) -> bool {
        self.statuses.is_some()
    }

    /// The query for these words, narrowed so.
    pub(super) fn into_query(self, text: Option<String>, visible: Visible) -> Result<Query, Error> {
        let kinds = match self.kinds {
            Some(kinds) => bounded(kinds)?.into_iter().map(SearchKind::kind).collect(),
            None => vec![Kind::Product, Kind::Organisation],
        };
        let text: String = text.unwrap_or_default().chars().take(LONGEST).collect();
        let mut query = Query::words(text, visible, &kinds, 0);
        let mut narrow = |facet: Facet, values: Option<Vec<String>>| {
            if let Some(values) = values {
                query.any_of.insert(facet, values);
            }
        };
        narrow(Facet::Category, of_ids::<CategoryId>(self.category_ids, "categoryIds")?);
        narrow(Facet::Brand, of_ids::<BrandId>(self.brand_ids, "brandIds")?);
        narrow(Facet::Seller, of_ids::<OrganisationId>(self.seller_ids, "sellerIds")?);
        narrow(Facet::Place, of_ids::<PlaceId>(self.place_ids, "placeIds")?);
        narrow(Facet::Origin, self.origins.map(countries).transpose()?);
        narrow(Facet::Hs, self.hs_prefixes.map(prefixes).transpose()?);
        narrow(Facet::SupplyMode, values(self.supply_modes)?);
        narrow(Facet::Tag, values(self.tags)?);
        narrow(Facet::Status, values(self.statuses)?);
        narrow(Facet::Role, values(self.roles)?);
        let available = self.availability.map(bounded).transpose()?;
        let available = available.map(|all| all.into_iter().map(|one| availability(one).to_owned()).collect());
        narrow(Facet::Availability, available);
        if let Some(band) = self.price_band {
            let band = band.into_band()?;
            query.band = Some(Band { currency: band.currency.to_string(), min: band.min, max: band.max });
        }
        Ok(query)
    }
}

fn values<T: serde::Serialize + PartialEq>(of: Option<Vec<T>>) -> Result<Option<Vec<String>>, Error> {
    let of = of.map(bounded).transpose()?;
    Ok(of.map(|all| all.iter().map(value).collect()))
}

fn of_ids<T: NodeId>(of: Option<Vec<ID>>, field: &'static str) -> Result<Option<Vec<String>>, Error> {
    let Some(of) = of else { return Ok(None) };
    let decoded: Vec<T> = decode_all(&bounded(of)?, field)?;
    Ok(Some(decoded.into_iter().map(|one| id(one.uuid())).collect()))
}

fn countries(codes: Vec<String>) -> Result<Vec<String>, Error> {
    let code = |code: &String| Ok(code.parse::<CountryCode>().map_err(|r| r.at("origins"))?.to_string());
    bounded(codes)?.iter().map(code).collect()
}

fn prefixes(of: Vec<String>) -> Result<Vec<String>, Error> {
    let of = bounded(of)?;
    let good = |p: &String| matches!(p.len(), 2 | 4 | 6 | 8 | 10) && p.bytes().all(|b| b.is_ascii_digit());
    if of.iter().all(good) {
        return Ok(of);
    }
    Err(Error::BadInput("hsPrefixes takes 2, 4, 6, 8 or 10 digits".into()))
}
