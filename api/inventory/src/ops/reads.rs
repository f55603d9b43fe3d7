//! What is read of stock: locations, balances, the history.

use entities::{
    inventory::{LocationKind, balance, location, stock_move},
    party::{Action, Resource, Viewer},
    values::id::{OrganisationId, StockLocationId, VariantId},
};
use platform::{
    app::allowed,
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, Order, QueryFilter, Statement,
};

/// Names of the orders, for cursors.
const BY_CODE: &str = "location";
const BY_AGE: &str = "balance";
const NEWEST: &str = "newest-move";

/// Whose stock a viewer reads: its own organisation's; who oversees the zone may name any.
pub(crate) fn whose(viewer: &Viewer, of: Option<OrganisationId>) -> Result<OrganisationId, Error> {
    let of = of.or(viewer.organisation()).ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadStock, Resource::of(of))?;
    Ok(of)
}

/// The locations of an organisation, those that stand for the outside too, in the order of their making.
pub async fn list_locations(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<location::Model>, Error> {
    let list = location::Entity::find().filter(location::Column::OrganisationId.eq(whose(viewer, of)?));
    page.by_id(db, list, location::Column::Id, BY_CODE, Order::Asc).await
}

/// The cursor of a location in that list.
pub fn location_cursor(row: &location::Model) -> Cursor {
    Cursor::of_id(BY_CODE, row.id)
}

/// Which balances.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub of: Option<OrganisationId>,
    pub variant: Option<VariantId>,
    pub location: Option<StockLocationId>,
}

/// What lies in the house, or on the way between its places.
pub async fn list_stock(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<balance::Model>, Error> {
    let only = Condition::all()
        .add_option(filter.variant.map(|id| balance::Column::VariantId.eq(id)))
        .add_option(filter.location.map(|id| balance::Column::LocationId.eq(id)));
    let list = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(whose(viewer, filter.of)?))
        .filter(balance::Column::Outside.eq(false))
        .filter(only);
    page.by_id(db, list, balance::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a balance in that list.
pub fn balance_cursor(row: &balance::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// A move, and how much of the variant the house had after it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The move.
    pub row: stock_move::Model,
    /// On hand after it, over all places of the house.
    pub on_hand_after: i64,
}

/// Why so much of a variant is on hand: its moves, newest first, each with what there was after it.
pub async fn history(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    variant: VariantId,
    page: &PageArgs,
) -> Result<Page<Told>, Error> {
    let owner = whose(viewer, of)?;
    let list = stock_move::Entity::find()
        .filter(stock_move::Column::OwnerId.eq(owner))
        .filter(stock_move::Column::VariantId.eq(variant));
    let page = page.by_id(db, list, stock_move::Column::Id, NEWEST, Order::Desc).await?;
    let Some(newest) = page.rows.first() else {
        return Ok(Page { rows: Vec::new(), has_next: page.has_next, has_previous: page.has_previous });
    };
    // What came into the house less what left it, up to the newest move of the page.
    let outside: Vec<String> =
        LocationKind::iter().filter(|kind| kind.is_virtual()).map(|kind| format!("'{}'", kind.to_value())).collect();
    let outside = outside.join(", ");
    let statement = format!(
        "SELECT CAST(COALESCE(SUM(CASE WHEN t.kind IN ({outside}) THEN 0 ELSE m.quantity END \
         - CASE WHEN f.kind IN ({outside}) THEN 0 ELSE m.quantity END), 0) AS BIGINT) AS n \
         FROM stock_move m JOIN stock_location f ON f.id = m.from_id JOIN stock_location t ON t.id = m.to_id \
         WHERE m.owner_id = $1 AND m.variant_id = $2 AND m.id <= $3"
    );
    let values = [owner.0.into(), variant.0.into(), newest.id.0.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), statement, values);
    let row = db.query_one_raw(statement).await?;
    let mut after = row.map(|row| row.try_get::<i64>("", "n")).transpose()?.unwrap_or_default();
    let ends = page.rows.iter().flat_map(|row| [row.from_id, row.to_id]);
    let locations = location::Entity::find().filter(location::Column::Id.is_in(ends)).all(db).await?;
    let inside = |id: StockLocationId| locations.iter().any(|row| row.id == id && !row.kind.is_virtual());
    let mut told = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let change =
            if inside(row.to_id) { row.quantity } else { 0 } - if inside(row.from_id) { row.quantity } else { 0 };
        told.push(Told { row, on_hand_after: after });
        after -= change;
    }
    Ok(Page { rows: told, has_next: page.has_next, has_previous: page.has_previous })
}

/// The cursor of a move in that list.
pub fn move_cursor(row: &Told) -> Cursor {
    Cursor::of_id(NEWEST, row.row.id)
}
