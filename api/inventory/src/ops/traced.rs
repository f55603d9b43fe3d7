//! From a lot to the documents that its goods went out under, and back: what logistics follows goods by. Moves that were
//! taken back did not happen.

use std::collections::{BTreeSet, HashMap};

use entities::{
    inventory::{BookEvent, MoveReason, bonded_entry, book, gate::list, inbound, lot, stock_move},
    values::{
        BookNumber,
        id::{StockLotId, VariantId},
    },
};
use platform::error::Error;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationDef, Select,
    sea_query::{Alias, Expr, Query},
};

/// Most moves that are looked at.
const MOST: usize = 5_000;
/// Documents that are asked about in one statement.
const TOGETHER: usize = 1_000;

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
pub async fn went(db: &impl ConnectionTrait, only: Condition) -> Result<(Vec<stock_move::Model>, bool), Error> {
    cut(db, went_out().filter(only).order_by_desc(stock_move::Column::Id)).await
}

/// How the goods of these lots came in, first first, and whether there is more of it than is looked at.
pub async fn came_in(db: &impl ConnectionTrait, lots: &[StockLotId]) -> Result<(Vec<stock_move::Model>, bool), Error> {
    let came = moved(MoveReason::Receipt).filter(stock_move::Column::LotId.is_in(lots.iter().copied()));
    cut(db, came.order_by_asc(stock_move::Column::Id)).await
}

/// What stands in customs' books of what went in or out under a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Numbers of verification lists (核注清单编号), of what came in.
    pub lists: BTreeSet<String>,
    /// Items of account books (账册号, 备案序号), with what they are of.
    pub items: BTreeSet<(String, i32, VariantId)>,
}

/// The items that documents declared or locked, and the verification lists of those that are inbound notices. What people
/// noted by hand under a document is not its.
pub async fn booked(db: &impl ConnectionTrait, documents: &BTreeSet<String>) -> Result<HashMap<String, Booked>, Error> {
    let mut found: HashMap<String, Booked> = HashMap::new();
    let documents: Vec<&String> = documents.iter().collect();
    let of: RelationDef =
        bonded_entry::Entity::belongs_to(book::Entity).from(bonded_entry::Column::ItemId).to(book::Column::Id).into();
    for part in documents.chunks(TOGETHER) {
        let items: Vec<(String, BookNumber, i32, VariantId)> = bonded_entry::Entity::find()
            .select_only()
            .distinct()
            .column(bonded_entry::Column::Document)
            .column(book::Column::Book)
            .column(book::Column::Number)
            .column(book::Column::VariantId)
            .join(JoinType::InnerJoin, of.clone())
            .filter(bonded_entry::Column::Document.is_in(part.iter().copied()))
            .filter(bonded_entry::Column::Event.is_in([BookEvent::Lock, BookEvent::PreIncrease]))
            .filter(bonded_entry::Column::ByHand.eq(false))
            .into_tuple()
            .all(db)
            .await?;
        for (document, book, number, variant) in items {
            found.entry(document).or_default().items.insert((book.as_str().to_owned(), number, variant));
        }
        let notices = inbound::Entity::find().filter(inbound::Column::Number.is_in(part.iter().copied()));
        let notices = notices.all(db).await?;
        let lists = list::Entity::find().filter(list::Column::InboundId.is_in(notices.iter().map(|row| row.id)));
        for row in lists.all(db).await? {
            if let Some(notice) = notices.iter().find(|notice| Some(notice.id) == row.inbound_id) {
                found.entry(notice.number.clone()).or_default().lists.insert(row.number);
            }
        }
    }
    Ok(found)
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
