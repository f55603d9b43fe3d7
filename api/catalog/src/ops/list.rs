//! The public list of products: filters, orders, pages, counts.
//!
//! Each order walks one index (`product(status, listed_at, id)` and its like, or
//! `product_price(currency, amount_minor, product_id)`), so a page costs the same at any depth.

use entities::{
    catalog::{
        IndustryTag, OfferStatus, ProductStatus, SupplyMode, category, offer,
        product::{self, Head},
        product_price, product_tag, variant,
    },
    party::Viewer,
    values::{
        CountryCode, Currency, Gtin, HsCode, Money, Slug,
        id::{BrandId, CategoryId, OfferId, OrganisationId, ProductId},
    },
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs, first_rows, key},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, IdenStatic, Iterable,
    JoinType, Order, PartialModelTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, RelationDef,
    Select,
    sea_query::{Expr, Query, SelectStatement},
};

use crate::store::tally;

/// Which products. Lists mean "any of"; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "described at `ProductFilter` in the GraphQL room")]
pub struct Filter {
    pub ids: Option<Vec<ProductId>>,
    pub category: Option<CategoryId>,
    pub brands: Option<Vec<BrandId>>,
    pub sellers: Option<Vec<OrganisationId>>,
    pub origins: Option<Vec<CountryCode>>,
    pub hs_prefix: Option<(String, String)>,
    pub price: Option<PriceBand>,
    pub supply_modes: Option<Vec<SupplyMode>>,
    pub tags: Option<Vec<IndustryTag>>,
    pub availability: Option<Vec<Availability>>,
    pub statuses: Option<Vec<ProductStatus>>,
    pub owner: Option<OrganisationId>,
}

/// Products whose price tag lies between two amounts, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceBand {
    /// Currency of the price tag.
    pub currency: Currency,
    /// From this many minor units.
    pub min: Option<i64>,
    /// To this many minor units.
    pub max: Option<i64>,
}

/// Whether something can be bought now (供应情况).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum Availability {
    /// An active offer ships from stock (现货).
    InStock,
    /// There are active offers, all with a lead time (可订货).
    ToOrder,
    /// Nobody offers it at the moment (暂无供应).
    Unavailable,
}

/// In which order. Ties are broken by id, so every order is total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By when they became public.
    Newest,
    /// By the lowest price in a currency; products without one are left out.
    Price(Currency),
    /// By name, as Chinese readers expect.
    NameZh,
    /// By name, as readers of the Latin alphabet expect.
    NameEn,
}

impl Sort {
    fn name(self) -> String {
        match self {
            Self::Newest => "newest".into(),
            Self::Price(currency) => format!("price-{currency}"),
            Self::NameZh => "name-zh".into(),
            Self::NameEn => "name-en".into(),
        }
    }

    fn column(self) -> Expr {
        match self {
            Self::Newest => Expr::col((product::Entity, product::Column::ListedAt)),
            Self::Price(_) => Expr::col((product_price::Entity, product_price::Column::AmountMinor)),
            Self::NameZh => Expr::col((product::Entity, product::Column::SortZh)),
            Self::NameEn => Expr::col((product::Entity, product::Column::SortEn)),
        }
    }

    /// The id is taken from the table whose index is walked.
    fn id_column(self) -> Expr {
        match self {
            Self::Price(_) => Expr::col((product_price::Entity, product_price::Column::ProductId)),
            _ => Expr::col((product::Entity, product::Column::Id)),
        }
    }
}

/// What is read beside the products of a page, in the same statement, because it will be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Their categories.
    pub category: bool,
    /// Their price tags in this currency.
    pub price: Option<Currency>,
}

impl Beside {
    /// A price tag shows an offer, and what the viewer may see of offers depends on more than the tag; only of public
    /// products everyone may see it.
    fn within(self, filter: &Filter) -> Self {
        let public = filter.statuses.as_deref().is_none_or(|statuses| statuses == [ProductStatus::Published]);
        Self { price: self.price.filter(|_| public), ..self }
    }
}

/// A product of a list with its place in it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The product.
    pub head: Head,
    /// Its place.
    pub cursor: Cursor,
    /// Its category, when it was read too.
    pub category: Option<category::Model>,
    /// Its price tag in a currency, or that it has none, when it was looked for.
    pub price: Option<(Currency, Option<PriceTag>)>,
}

/// The cheapest active offer of a product and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceTag {
    /// The offer.
    pub offer: OfferId,
    /// Its price of one unit at its minimum order.
    pub price: Money,
}

/// A page of products. One statement.
pub async fn list_products(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    (sort, order): (Sort, Order),
    page: &PageArgs,
    beside: Beside,
) -> Result<Page<Listed>, Error> {
    let name = format!("{}-{}", sort.name(), if order == Order::Desc { "desc" } else { "asc" });
    let columns = vec![sort.column(), sort.id_column()];
    let place = page.beyond(&name, columns, order.clone(), |k| {
        let place = match sort {
            Sort::Newest => key::moment(k.first()?)?,
            Sort::Price(_) => key::int(k.first()?)?,
            Sort::NameZh | Sort::NameEn => key::text(k.first()?)?,
        };
        Some(vec![place, key::id(k.get(1)?)?])
    })?;
    let mut list = selected(viewer, filter, sort).filter(Condition::all().add_option(place));
    let walk = page.walk(order);
    list = list.order_by(sort.column(), walk.clone()).order_by(sort.id_column(), walk);
    list = Head::select_cols(list.select_only());
    if let Sort::Price(_) = sort {
        list = list.expr_as(sort.column(), "place");
    }
    let beside = beside.within(filter);
    if beside.category {
        list = list.join_as(JoinType::LeftJoin, its_category(), SHOWN);
        for column in category::Column::iter() {
            list = list.expr_as(Expr::col((SHOWN, column)), format!("{SHOWN}_{}", column.as_str()));
        }
    }
    if let Some(currency) = beside.price {
        list = list.join_as(JoinType::LeftJoin, price_tag_in(currency), TAG);
        list = list.expr_as(Expr::col((TAG, product_price::Column::OfferId)), "tag_offer_id");
        list = list.expr_as(Expr::col((TAG, product_price::Column::AmountMinor)), "tag_minor");
    }

    let listed = |row: &QueryResult| {
        let head = Head::from_query_result(row, "")?;
        let place = match sort {
            Sort::Newest => head.listed_at.timestamp_millis().into(),
            Sort::Price(_) => row.try_get::<i64>("", "place")?.into(),
            Sort::NameZh => head.sort_zh.as_str().into(),
            Sort::NameEn => head.sort_en.as_str().into(),
        };
        let category =
            if beside.category { category::Model::from_query_result_optional(row, SHOWN_PREFIX)? } else { None };
        let price = match beside.price {
            Some(currency) => Some((currency, tag_of(row, currency)?)),
            None => None,
        };
        let cursor = Cursor::new(name.as_str(), vec![place, head.id.to_string().into()]);
        Ok::<_, DbErr>(Listed { head, cursor, category, price })
    };
    let rows = db.query_all_raw(first_rows(db, QueryTrait::as_query(&list), page.fetch())).await?;
    Ok(page.page(rows.iter().map(listed).collect::<Result<_, _>>()?))
}

/// What the category is called that is read beside a product, and its columns.
const SHOWN: &str = "shown";
const SHOWN_PREFIX: &str = "shown_";
/// What the price tag is called that is read beside a product.
const TAG: &str = "tag";

fn tag_of(row: &QueryResult, currency: Currency) -> Result<Option<PriceTag>, DbErr> {
    let Some(offer) = row.try_get::<Option<OfferId>>("", "tag_offer_id")? else { return Ok(None) };
    Ok(Some(PriceTag { offer, price: Money { minor: row.try_get("", "tag_minor")?, currency } }))
}

/// How many products that list has. One statement; what is asked for by state and category alone is not counted but
/// read from the tally.
pub async fn count_products(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    sort: Sort,
) -> Result<i64, Error> {
    if let Some(statuses) = tallied_alone(viewer, filter, sort) {
        return tally::tallied(db, statuses, filter.category.map(subtree)).await;
    }
    let count = selected(viewer, filter, sort).select_only().expr(Expr::cust("COUNT(*)"));
    Ok(count.into_tuple::<i64>().one(db).await?.unwrap_or_default())
}

/// The states whose products a list has, all of them, when it asks for nothing else than these and a category.
fn tallied_alone<'f>(viewer: &Viewer, filter: &'f Filter, sort: Sort) -> Option<&'f [ProductStatus]> {
    let alone = Filter { statuses: filter.statuses.clone(), category: filter.category, ..Filter::default() };
    let statuses = filter.statuses.as_deref().unwrap_or(&[ProductStatus::Published]);
    let all_seen = viewer.oversees() || statuses == [ProductStatus::Published];
    (*filter == alone && all_seen && !matches!(sort, Sort::Price(_))).then_some(statuses)
}

/// The products that `viewer` sees and `filter` lets through. Without a word about states, those that
/// are public: a list is what buyers browse, also for who may see more.
fn selected(viewer: &Viewer, filter: &Filter, sort: Sort) -> Select<product::Entity> {
    let mut list = product::Entity::visible_to(viewer);
    list = match &filter.statuses {
        Some(statuses) => list.filter(product::Column::Status.is_in(statuses.iter().copied())),
        None => list.filter(product::Column::Status.eq(ProductStatus::Published)),
    };
    if let Sort::Price(currency) = sort {
        list = list.join(JoinType::InnerJoin, price_tag()).filter(product_price::Column::Currency.eq(currency));
    }
    if let Some(ids) = &filter.ids {
        list = list.filter(product::Column::Id.is_in(ids.iter().copied()));
    }
    if let Some(category) = filter.category {
        list = list.filter(product::Column::CategoryId.in_subquery(subtree(category)));
    }
    if let Some(brands) = &filter.brands {
        list = list.filter(product::Column::BrandId.is_in(brands.iter().copied()));
    }
    if let Some(owner) = filter.owner {
        list = list.filter(product::Column::OwnerId.eq(owner));
    }
    if let Some(tags) = &filter.tags {
        let tagged = Query::select()
            .column(product_tag::Column::ProductId)
            .from(product_tag::Entity)
            .and_where(product_tag::Column::Tag.is_in(tags.iter().copied()))
            .take();
        list = list.filter(product::Column::Id.in_subquery(tagged));
    }
    if filter.origins.is_some() || filter.hs_prefix.is_some() {
        list = list.filter(product::Column::Id.in_subquery(with_variant(filter)));
    }
    if let Some(band) = &filter.price {
        list = list.filter(product::Column::Id.in_subquery(in_band(band)));
    }
    if filter.sellers.is_some() || filter.supply_modes.is_some() {
        list = list.filter(product::Column::Id.in_subquery(offered(filter, None)));
    }
    if let Some(wanted) = &filter.availability {
        let mut any = Condition::any();
        for availability in wanted {
            any = any.add(available(filter, *availability));
        }
        list = list.filter(any);
    }
    list
}

fn its_category() -> RelationDef {
    product::Entity::belongs_to(category::Entity).from(product::Column::CategoryId).to(category::Column::Id).into()
}

fn price_tag_in(currency: Currency) -> RelationDef {
    let tag = price_tag();
    tag.on_condition(move |_, tag| Condition::all().add(Expr::col((tag, product_price::Column::Currency)).eq(currency)))
}

fn price_tag() -> RelationDef {
    product::Entity::belongs_to(product_price::Entity)
        .from(product::Column::Id)
        .to(product_price::Column::ProductId)
        .into()
}

/// Ids of a category and everything under it.
fn subtree(category: CategoryId) -> SelectStatement {
    let root = |column: Expr| {
        Query::select().expr(column).from(category::Entity).and_where(category::Column::Id.eq(category)).take()
    };
    // A path ends in '/', and '0' is the character after it: everything between is in the subtree.
    let from = root(Expr::col(category::Column::Path));
    let to = root(Expr::cust("substr(path, 1, length(path) - 1) || '0'"));
    Query::select()
        .column(("node", category::Column::Id))
        .from_as(category::Entity, "node")
        .and_where(Expr::col(("node", category::Column::Path)).gte(Expr::SubQuery(None, Box::new(from.into()))))
        .and_where(Expr::col(("node", category::Column::Path)).lt(Expr::SubQuery(None, Box::new(to.into()))))
        .take()
}

fn with_variant(filter: &Filter) -> SelectStatement {
    let mut query = Query::select().column(variant::Column::ProductId).from(variant::Entity).take();
    if let Some(origins) = &filter.origins {
        query.and_where(variant::Column::Origin.is_in(origins.iter().cloned()));
    }
    if let Some((from, to)) = &filter.hs_prefix {
        query.and_where(Expr::col(variant::Column::HsCode).gte(from.as_str()));
        query.and_where(Expr::col(variant::Column::HsCode).lt(to.as_str()));
    }
    query
}

fn in_band(band: &PriceBand) -> SelectStatement {
    let mut query = Query::select()
        .column(product_price::Column::ProductId)
        .from(product_price::Entity)
        .and_where(product_price::Column::Currency.eq(band.currency))
        .take();
    if let Some(min) = band.min {
        query.and_where(product_price::Column::AmountMinor.gte(min));
    }
    if let Some(max) = band.max {
        query.and_where(product_price::Column::AmountMinor.lte(max));
    }
    query
}

/// Ids of products with an active offer of the sellers and supply modes asked for, `from_stock` when that matters.
fn offered(filter: &Filter, from_stock: Option<bool>) -> SelectStatement {
    let mut query = Query::select()
        .column(offer::Column::ProductId)
        .from(offer::Entity)
        .and_where(offer::Column::Status.eq(OfferStatus::Active))
        .take();
    if let Some(sellers) = &filter.sellers {
        query.and_where(offer::Column::SellerId.is_in(sellers.iter().copied()));
    }
    if let Some(modes) = &filter.supply_modes {
        query.and_where(offer::Column::SupplyMode.is_in(modes.iter().copied()));
    }
    if from_stock == Some(true) {
        query.and_where(offer::Column::LeadTimeDays.eq(0));
    }
    query
}

/// The availability seen through the same sellers and supply modes that the filter asks for.
fn available(filter: &Filter, availability: Availability) -> Condition {
    let id = || product::Column::Id;
    match availability {
        Availability::InStock => Condition::all().add(id().in_subquery(offered(filter, Some(true)))),
        Availability::ToOrder => Condition::all()
            .add(id().in_subquery(offered(filter, None)))
            .add(id().not_in_subquery(offered(filter, Some(true)))),
        Availability::Unavailable => Condition::all().add(id().not_in_subquery(offered(filter, None))),
    }
}

/// How a single product is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductRef {
    /// By id.
    Id(ProductId),
    /// By readable key.
    Slug(String),
    /// By the barcode of one of its variants.
    Gtin(String),
}

/// One product that `viewer` may see. A key that cannot be one finds nothing.
pub async fn find_product(db: &impl ConnectionTrait, viewer: &Viewer, by: &ProductRef) -> Result<Option<Head>, Error> {
    let found = product::Entity::visible_to(viewer);
    let found = match by {
        ProductRef::Id(id) => found.filter(product::Column::Id.eq(*id)),
        ProductRef::Slug(text) => match text.parse::<Slug>() {
            Ok(slug) => found.filter(product::Column::Slug.eq(slug)),
            Err(_) => return Ok(None),
        },
        ProductRef::Gtin(text) => match text.parse::<Gtin>() {
            Ok(gtin) => {
                let packed = Query::select()
                    .column(variant::Column::ProductId)
                    .from(variant::Entity)
                    .and_where(variant::Column::Gtin.eq(gtin))
                    .take();
                found.filter(product::Column::Id.in_subquery(packed))
            }
            Err(_) => return Ok(None),
        },
    };
    Ok(found.into_partial_model::<Head>().one(db).await?)
}

/// The range of HS codes with a prefix, for [`Filter::hs_prefix`].
pub fn hs_range(prefix: &str) -> Result<(String, String), Error> {
    HsCode::range(prefix).map_err(|_| {
        Error::BadInput(format!("hsPrefix takes 2 to 10 digits, not {:?}", prefix.chars().take(20).collect::<String>()))
    })
}
