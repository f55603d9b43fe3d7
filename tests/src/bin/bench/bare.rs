//! The same SQL sent directly: what a page costs without HTTP, GraphQL and this house.
//!
//! The texts are taken by hand from what `catalog::ops::list` and the loaders make for the pages of the bench, with
//! the same values bound. They are prepared once a connection. How many a page of the server takes is in the table
//! beside how many these are: when they differ, one of the two has moved on.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement, Value,
    prelude::{DateTimeUtc, Uuid},
};

use super::{
    Failure,
    driver::{self, MOST, Timings},
};

const HEAD: &str = "product.id, product.slug, product.category_id, product.brand_id, product.owner_id, product.status, \
                    product.rejection, product.name, product.sort_zh, product.sort_en, product.version, \
                    product.created_at, product.updated_at, product.listed_at, product.published_at";
const OFFER: &str = "offer.id, offer.product_id, offer.variant_id, offer.seller_id, offer.sku, offer.supply_mode, \
                     offer.status, offer.moq, offer.multiple, offer.lead_time_days, offer.version, offer.created_at, \
                     offer.updated_at";
/// What buyers see of offers; `$1` is `active`, `$2` is `published`.
const PUBLIC_OFFERS: &str = "offer.status = $1 AND EXISTS(SELECT 1 FROM product WHERE product.id = offer.product_id \
                             AND product.status = $2)";
const CATEGORY: &str = "SELECT id, slug, parent_id, path, position, name, version FROM category WHERE id IN";
const PUBLISHED: &str = "published";
const ACTIVE: &str = "active";
/// Rows of a page, and one that tells whether there are more.
const FETCH: u64 = 21;

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// 20 products with price and category.
    List,
    /// One product with everything that its page shows.
    Product,
}

impl Page {
    /// How it is called in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "the list page's SQL, bare",
            Self::Product => "the product page's SQL, bare",
        }
    }
}

/// A place in the list by newest: a page starts after it.
#[derive(Clone, Copy, Debug)]
struct Place(DateTimeUtc, Uuid);

/// The database past the server.
#[derive(Clone)]
pub(crate) struct Bare {
    db: DatabaseConnection,
    places: Vec<Place>,
    slugs: Vec<String>,
}

impl Bare {
    /// Pages that start after every `step`th product, as many as the server is asked for, and products by slug.
    pub(crate) async fn new(
        db: DatabaseConnection,
        pages: usize,
        step: usize,
        slugs: Vec<String>,
    ) -> Result<Self, Failure> {
        let mut bare = Self { db, places: Vec::new(), slugs };
        let text = "SELECT listed_at, id FROM product WHERE status = $1 ORDER BY listed_at DESC, id DESC LIMIT $2";
        let rows = bare.all(text, vec![PUBLISHED.into(), ((pages * step) as u64).into()]).await?;
        for row in rows.iter().skip(step - 1).step_by(step) {
            bare.places.push(Place(row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
        if bare.places.is_empty() || bare.slugs.is_empty() {
            return Err("there are too few products for a bench".into());
        }
        Ok(bare)
    }

    /// How many statements a page takes.
    pub(crate) async fn statements(&self, page: Page) -> Result<u64, Failure> {
        Ok(self.page(page, 0).await?)
    }

    /// Reads pages in turns over so many connections, for so long.
    pub(crate) async fn load(&self, page: Page, connections: usize, time: Duration) -> Result<Timings, Failure> {
        driver::at_once(connections, |place| rounds(self.clone(), page, place, time)).await
    }

    async fn page(&self, page: Page, turn: usize) -> Result<u64, DbErr> {
        match page {
            Page::List => self.list(self.places[turn % self.places.len()]).await,
            Page::Product => self.product(&self.slugs[turn % self.slugs.len()]).await,
        }
    }

    async fn list(&self, Place(listed_at, id): Place) -> Result<u64, DbErr> {
        let text = format!(
            "SELECT {HEAD}, shown.id AS shown_id, shown.slug AS shown_slug, shown.parent_id AS shown_parent_id, \
             shown.path AS shown_path, shown.position AS shown_position, shown.name AS shown_name, \
             shown.version AS shown_version, tag.offer_id AS tag_offer_id, tag.amount_minor AS tag_minor FROM product \
             LEFT JOIN category AS shown ON product.category_id = shown.id \
             LEFT JOIN product_price AS tag ON product.id = tag.product_id AND tag.currency = $1 \
             WHERE product.status = $2 AND product.status = $2 AND (product.listed_at, product.id) < ($3, $4) \
             ORDER BY product.listed_at DESC, product.id DESC LIMIT {FETCH}"
        );
        self.all(&text, vec!["CNY".into(), PUBLISHED.into(), listed_at.into(), id.into()]).await?;
        Ok(1)
    }

    async fn product(&self, slug: &str) -> Result<u64, DbErr> {
        let text = format!("SELECT {HEAD} FROM product WHERE product.status = $1 AND product.slug = $2 LIMIT $3");
        let (id, category, brand) = {
            let rows = self.all(&text, vec![PUBLISHED.into(), slug.into(), 1_u64.into()]).await?;
            let row = rows.first().ok_or_else(|| DbErr::RecordNotFound(slug.to_owned()))?;
            let id: Uuid = row.try_get_by("id")?;
            let category: Uuid = row.try_get_by("category_id")?;
            let brand: Option<Uuid> = row.try_get_by("brand_id")?;
            (id, category, brand)
        };
        self.all("SELECT id, description, attributes FROM product WHERE id IN ($1)", vec![id.into()]).await?;
        self.price_tags(&[id]).await?;
        self.all(&format!("{CATEGORY} ($1)"), vec![category.into()]).await?;
        let text = "SELECT id, product_id, code, name, gtin, hs_code, origin, net_weight_g, gross_weight_g, unit1, \
                    unit2, position FROM variant WHERE product_id IN ($1) ORDER BY position ASC";
        self.all(text, vec![id.into()]).await?;
        let text = "SELECT id, slug, name, country, version FROM brand WHERE id IN ($1)";
        self.all(text, vec![brand.into()]).await?;
        let text = format!(
            "SELECT id, product_id, variant_id, seller_id, sku, supply_mode, status, moq, multiple, lead_time_days, \
             version, created_at, updated_at FROM (SELECT {OFFER}, ROW_NUMBER() OVER (PARTITION BY offer.product_id \
             ORDER BY offer.id ASC) AS place FROM offer WHERE {PUBLIC_OFFERS} AND offer.product_id IN ($3)) AS ranked \
             WHERE place <= $4 ORDER BY id ASC"
        );
        let (offers, sellers) = {
            let rows = self.all(&text, vec![ACTIVE.into(), PUBLISHED.into(), id.into(), FETCH.into()]).await?;
            (column::<Vec<Uuid>>(&rows, "id")?, column::<BTreeSet<Uuid>>(&rows, "seller_id")?)
        };
        let text = format!(
            "SELECT id, slug, name, place_id, created_at, uscc, customs_code, addresses, version FROM organisation \
             WHERE id IN {}",
            marks(1, sellers.len())
        );
        self.all(&text, ids(sellers)).await?;
        let text = format!(
            "SELECT offer_id, currency, min_quantity, amount_minor FROM offer_price WHERE offer_id IN {} \
             ORDER BY currency ASC, min_quantity ASC",
            marks(1, offers.len())
        );
        self.all(&text, ids(offers)).await?;
        Ok(9)
    }

    /// The cheapest offers of products in yuan.
    async fn price_tags(&self, products: &[Uuid]) -> Result<(), DbErr> {
        let text = format!(
            "SELECT product_price.product_id, product_price.currency, product_price.offer_id, \
             product_price.amount_minor FROM offer INNER JOIN product_price ON offer.id = product_price.offer_id \
             WHERE {PUBLIC_OFFERS} AND offer.status = $1 AND product_price.product_id IN {} \
             AND product_price.currency IN ($3)",
            marks(4, products.len())
        );
        let mut values: Vec<Value> = vec![ACTIVE.into(), PUBLISHED.into(), "CNY".into()];
        values.extend(ids(products.iter().copied()));
        self.all(&text, values).await.map(drop)
    }

    async fn all(&self, text: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
        let statement = Statement::from_sql_and_values(self.db.get_database_backend(), text, values);
        self.db.query_all_raw(statement).await
    }
}

async fn rounds(bare: Bare, page: Page, place: usize, time: Duration) -> Result<Vec<u32>, DbErr> {
    let mut taken = Vec::new();
    let begun = Instant::now();
    for turn in 0..MOST {
        if begun.elapsed() >= time {
            break;
        }
        let asked = Instant::now();
        bare.page(page, place * 7 + turn).await?;
        taken.push(driver::since(asked));
    }
    Ok(taken)
}

/// The ids in a column.
fn column<C: FromIterator<Uuid>>(rows: &[QueryResult], name: &str) -> Result<C, DbErr> {
    rows.iter().map(|row| row.try_get_by::<Uuid, _>(name)).collect()
}

/// Places for so many values: `($4, $5)`.
fn marks(from: usize, count: usize) -> String {
    let marks: Vec<String> = (from..from + count).map(|n| format!("${n}")).collect();
    format!("({})", marks.join(", "))
}

fn ids(of: impl IntoIterator<Item = Uuid>) -> Vec<Value> {
    of.into_iter().map(Value::from).collect()
}
