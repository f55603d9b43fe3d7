//! Lists that hang on each row of another list: the first or last entries of every parent in one
//! statement, and how many there are.

use std::collections::{BTreeSet, HashMap};

use async_graphql::dataloader::Loader;
use entities::{
    catalog::{offer, product_change, product_history},
    values::id::{ProductChangeId, ProductId, VariantId},
};
use platform::{error::SharedError, page::PageArgs};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, Iterable, Order, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, OverStatement, Query, WindowStatement},
};

use super::CatalogLoader;

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
