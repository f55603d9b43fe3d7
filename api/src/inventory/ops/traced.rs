//! From a lot to the documents that its goods went out under, and back: what logistics follows goods by. Moves that were
//! taken back did not happen.

use entities::{
    inventory::{MoveReason, lot, stock_move},
    values::id::{StockLotId, VariantId},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, Query},
};

use crate::platform::error::Error;

/// Most moves that are looked at.
const MOST: usize = 5_000;

/// Moves for a reason that were not taken back.
fn moved(reason: MoveReason) -> Select<stock_move::Entity> {
    let back = Alias::new("back");
    let taken_back = Query::select()
        .expr(Expr::val(1))
        .from_as(stock_move::Entity, back.clone())
        .and_where(
            Expr::col((back, stock_move::Column::ReversesId)).equals((stock_move::Entity, stock_move::Column::Id)),
        )
        .take();
    stock_move::Entity::find().filter(stock_move::Column::Reason.eq(reason)).filter(Expr::exists(taken_back).not())
}

/// What went to whoever bought it, and was not taken back.
pub fn went_out() -> Select<stock_move::Entity> {
    moved(MoveReason::Shipment)
}

/// The lots of a variant that have a code: one of each owner at most.
pub async fn lots_of(db: &impl ConnectionTrait, variant: VariantId, code: &str) -> Result<Vec<lot::Model>, Error> {
    let found = lot::Entity::find().filter(lot::Column::VariantId.eq(variant)).filter(lot::Column::Code.eq(code));
    Ok(found.order_by_asc(lot::Column::Id).all(db).await?)
}

/// Lots, by their ids.
pub async fn lots(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = StockLotId>,
) -> Result<Vec<lot::Model>, Error> {
    Ok(lot::Entity::find().filter(lot::Column::Id.is_in(ids)).all(db).await?)
}

/// What of [`went_out`] meets a condition, newest first, and whether there is more of it than is looked at.
pub async fn list(db: &impl ConnectionTrait, only: Condition) -> Result<(Vec<stock_move::Model>, bool), Error> {
    cut(db, went_out().filter(only).order_by_desc(stock_move::Column::Id)).await
}

/// How the goods of these lots came in, first first, and whether there is more of it than is looked at.
pub async fn came_in(db: &impl ConnectionTrait, lots: &[StockLotId]) -> Result<(Vec<stock_move::Model>, bool), Error> {
    let came = moved(MoveReason::Receipt).filter(stock_move::Column::LotId.is_in(lots.iter().copied()));
    cut(db, came.order_by_asc(stock_move::Column::Id)).await
}

async fn cut(
    db: &impl ConnectionTrait,
    found: Select<stock_move::Entity>,
) -> Result<(Vec<stock_move::Model>, bool), Error> {
    let mut rows = found.limit(MOST as u64 + 1).all(db).await?;
    let more = rows.len() > MOST;
    rows.truncate(MOST);
    Ok((rows, more))
}
