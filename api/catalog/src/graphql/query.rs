//! The part of the query root that the catalog adds.

use std::collections::HashSet;

use async_graphql::{Context, ID, Object, Result, ScalarType};
use entities::{
    catalog::ChangeStatus,
    party::Action,
    values::{
        Currency,
        id::{BrandId, CategoryId},
    },
};
use platform::{
    cache::Topic,
    graphql::{Connection, ContextExt, CurrencyCode, connection::list_cost, decode},
    page::PageArgs,
    responses::Tag,
};

use search::Kind;

use super::{
    Brand, Category, Product, ProductChange,
    inputs::{BrandRef, CategoryRef, ProductFilter, ProductOrder, ProductRef},
};
use crate::{
    loaders,
    ops::{
        changes,
        list::{self, Beside},
        vocabulary::{self, Branch},
        words,
    },
};

/// Most products that a search by words keeps.
const BEST_FITS: usize = 1_000;

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct CatalogQuery;

#[Object]
impl CatalogQuery {
    /// Products, newest first unless asked otherwise (商品列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which products.")] filter: Option<ProductFilter>,
        #[graphql(desc = "In which order.")] order_by: Option<ProductOrder>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Product>> {
        context.may(Action::ReadPublic)?;
        let (app, viewer) = (context.app(), context.viewer());
        context.reads().note(Tag::Any(Kind::Product));
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let fits = match filter.text.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            Some(text) => Some(words::best_fits(app, viewer, text, BEST_FITS).await?),
            None => None,
        };
        let filter = filter.into_filter(viewer, fits)?;
        let (sort, order) = ProductOrder::resolve(order_by.as_ref(), context.locale());
        let db = app.db().read();
        let count = async {
            if !context.wants_total() {
                return Ok(None);
            }
            // The key says everything the number depends on: who looks, at what.
            let key = format!("products:{}:{:?}:{filter:?}:{sort:?}", viewer.oversees(), viewer.organisation());
            let counted = list::count_products(db, viewer, &filter, sort);
            app.cache().count(Topic::Catalog, &key, counted).await.map(Some)
        };
        let (rows, total) = futures_util::try_join!(
            list::list_products(db, viewer, &filter, (sort, order), &page, beside(context)),
            count
        )?;
        loaders::feed(context, &rows.rows).await;
        Ok(Connection::new(rows, total, |row| (row.cursor, Product(row.head))))
    }

    /// One product (商品).
    async fn product(&self, context: &Context<'_>, by: ProductRef) -> Result<Option<Product>> {
        context.may(Action::ReadPublic)?;
        let found = list::find_product(context.app().db().read(), context.viewer(), &by.resolve()?).await?;
        context.reads().note(match &found {
            Some(product) => Tag::One(Kind::Product, product.id.0),
            // Any may become the one that was asked for.
            None => Tag::Any(Kind::Product),
        });
        Ok(found.map(Product))
    }

    /// Categories: the whole tree, or one branch of it (类目列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn categories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those right under this category.")] parent_id: Option<ID>,
        #[graphql(desc = "Only those at the top.", default)] top_only: bool,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Category>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let branch = match (parent_id, top_only) {
            (Some(id), _) => Branch::Under(decode(&id, "parentId")?),
            (None, true) => Branch::Top,
            (None, false) => Branch::Whole,
        };
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(vocabulary::count_categories(db, branch).await?) } else { None };
        let rows = vocabulary::list_categories(db, branch, &page).await?;
        Ok(Connection::new(rows, total, |row| (vocabulary::category_cursor(&row), Category(row))))
    }

    /// One category (类目).
    async fn category(&self, context: &Context<'_>, by: CategoryRef) -> Result<Option<Category>> {
        context.may(Action::ReadPublic)?;
        let found = match by {
            CategoryRef::Id(id) => loaders::of(context).load_one(decode::<CategoryId>(&id, "by")?).await?,
            CategoryRef::Slug(slug) => vocabulary::category_by_slug(context.app().db().read(), &slug).await?,
        };
        Ok(found.map(Category))
    }

    /// Brands by slug (品牌列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn brands(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Brand>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let total = if context.wants_total() { Some(vocabulary::count_brands(db).await?) } else { None };
        let rows = vocabulary::list_brands(db, &page).await?;
        Ok(Connection::new(rows, total, |row| (vocabulary::brand_cursor(&row), Brand(row))))
    }

    /// One brand (品牌).
    async fn brand(&self, context: &Context<'_>, by: BrandRef) -> Result<Option<Brand>> {
        context.may(Action::ReadPublic)?;
        let found = match by {
            BrandRef::Id(id) => loaders::of(context).load_one(decode::<BrandId>(&id, "by")?).await?,
            BrandRef::Slug(slug) => vocabulary::brand_by_slug(context.app().db().read(), &slug).await?,
        };
        Ok(found.map(Brand))
    }

    /// Proposed changes that the viewer may see, newest first (变更申请列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn product_changes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only of this product.")] product_id: Option<ID>,
        #[graphql(desc = "Only in this state.")] status: Option<ChangeStatus>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProductChange>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let product = product_id.map(|id| decode(&id, "productId")).transpose()?;
        let (db, viewer) = (context.app().db().read(), context.viewer());
        let total =
            if context.wants_total() { Some(changes::count_changes(db, viewer, product, status).await?) } else { None };
        let rows = changes::list_changes(db, viewer, product, status, &page).await?;
        Ok(Connection::new(rows, total, |row| (changes::change_cursor(&row), ProductChange(row))))
    }
}

/// What is asked of the products of the list that is being resolved and can be read with them.
fn beside(context: &Context<'_>) -> Beside {
    let list = context.look_ahead();
    let asked = |name: &str| {
        [list.field("nodes"), list.field("edges").field("node")]
            .into_iter()
            .flat_map(|row| row.field(name).selection_fields())
            .collect::<Vec<_>>()
    };
    let currencies = asked("price").into_iter().chain(asked("cheapestOffer")).map(|field| {
        let given = field.arguments().ok()?.into_iter().find(|(name, _)| name == "currency");
        given.map_or(Some(Currency::CNY), |(_, value)| CurrencyCode::parse(value).ok().map(|code| code.0))
    });
    let currencies: HashSet<Option<Currency>> = currencies.collect();
    // Several are left to the loader, which reads them all at once.
    let price = if currencies.len() == 1 { currencies.into_iter().next().flatten() } else { None };
    Beside { category: !asked("category").is_empty(), price }
}
