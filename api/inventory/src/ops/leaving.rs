//! Goods that leave the house without being sold, change their customs status, or come back from whoever bought them.

use std::collections::BTreeMap;

use entities::{
    inventory::{CustomsStatus, LocationKind, MoveReason, returned, returned::Column as C, stock_move},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, StockReturnId, VariantId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement,
    sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::{
    customer_of, few,
    goods::Transferred,
    keeping::{lawful, not_alone, open_balances, open_location, postable},
    moved, own, standing,
};
use crate::{
    ledger::{Moving, Place, in_line, of_lines},
    promises::holding::in_range,
};

/// A line of what is written off.
#[derive(Clone, Copy, Debug)]
pub struct WrittenOff {
    /// Of which balance.
    pub balance: StockBalanceId,
    /// How much.
    pub quantity: i64,
}

/// A line of what came back.
#[derive(Clone, Debug)]
pub struct CameBack {
    /// Of what.
    pub variant: VariantId,
    /// The lot as it is printed on the goods; none: of whichever were shipped, the first first.
    pub lot: Option<String>,
    /// Under which customs status it was shipped.
    pub status: CustomsStatus,
    /// How much.
    pub quantity: i64,
}

/// The number of a permit of customs, which must be there.
pub(super) fn permit(number: Option<&str>) -> Result<String, Refusal> {
    text::line(number.unwrap_or_default(), 120).map_err(|refusal| refusal.at("permitNumber"))
}

/// Writes off what is lost or destroyed. Bonded goods only with a permit of customs, whose number is then the document of
/// their moves: what customs watches over is never written off silently.
pub async fn write_off(
    app: &App,
    call: &Call,
    document: &str,
    permit_number: Option<&str>,
    lines: &[WrittenOff],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let ids: Vec<StockBalanceId> = lines.iter().map(|line| line.balance).collect();
    let balances = open_balances(&work, organisation, &ids).await?;
    not_alone(&work, &balances).await?;
    let loss = standing(work.tx(), work.now, organisation, LocationKind::Loss).await?;
    let mut moves = Vec::with_capacity(lines.len());
    for (line, from) in lines.iter().zip(&balances) {
        let document = match from.status {
            CustomsStatus::Bonded => permit(permit_number)?,
            _ => document.clone(),
        };
        moves.push(Moving {
            from: Place::of(from),
            to: (loss, from.status),
            quantity: line.quantity,
            reason: MoveReason::WriteOff,
            document,
            reverses: None,
        });
    }
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "document": document, "permitNumber": permit_number, "lines": rows.len() });
    let first = rows.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(Some(organisation), "writeOffStock", first, Value::Null, shown);
    work.commit(rows).await
}

/// Bonded goods whose duty was paid: they go under another customs status into a place that takes it. It is the move
/// alone; what the account book says of it is noted there (`noteBondedMovement`), because customs verifies it later.
pub async fn clear(
    app: &App,
    call: &Call,
    release: &str,
    lines: &[Transferred],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let release = text::line(release, 120).map_err(|refusal| refusal.at("releaseNumber"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let ids: Vec<StockBalanceId> = lines.iter().map(|line| line.balance).collect();
    let balances = open_balances(&work, organisation, &ids).await?;
    let mut moves = Vec::with_capacity(lines.len());
    for (n, (line, from)) in lines.iter().zip(&balances).enumerate() {
        if from.status != CustomsStatus::Bonded {
            let status = async_graphql::Value::from(from.status).to_string();
            let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", status).with("action", "CLEAR");
            return Err(in_line(refusal.at("balanceId").into(), n));
        }
        let to = open_location(&work, organisation, line.to, "toId").await.map_err(|error| in_line(error, n))?;
        moves.push(Moving {
            from: Place::of(from),
            to: (to.id, CustomsStatus::DutyPaid),
            quantity: line.quantity,
            reason: MoveReason::Clearance,
            document: release.clone(),
            reverses: None,
        });
    }
    let ways: Vec<_> = moves.iter().map(|one| (one.from.location, one.to.0)).collect();
    lawful(work.tx(), &ways).await?;
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "releaseNumber": release, "lines": rows.len() });
    let first = rows.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(Some(organisation), "clearStock", first, Value::Null, shown);
    work.commit(rows).await
}

/// Takes back what was shipped under a document: no more than went, less what came back already.
pub async fn return_goods(
    app: &App,
    call: &Call,
    document: &str,
    to: StockLocationId,
    lines: &[CameBack],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let to = open_location(&work, organisation, to, "locationId").await?;
    postable(work.tx(), to.id).await.map_err(|error| error.at("locationId"))?;
    let rows = take_back(&work, organisation, &document, to.id, lines).await?;
    let shown = json!({ "document": document, "to": to.code, "lines": rows.len() });
    let first = rows.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(Some(organisation), "returnStock", first, Value::Null, shown);
    work.commit(rows).await
}

/// The same in the transaction of whoever takes them back.
pub async fn take_back(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    to: StockLocationId,
    lines: &[CameBack],
) -> Result<Vec<stock_move::Model>, Error> {
    let customer = customer_of(work.tx(), work.now, owner).await?;
    let went = shipped(work, owner, document).await?;
    let mut taken: BTreeMap<Key, i64> = BTreeMap::new();
    let (mut moves, mut of) = (Vec::new(), Vec::new());
    for (n, line) in lines.iter().enumerate() {
        in_range(line.quantity).map_err(|refusal| in_line(refusal.into(), n))?;
        let (mut left, mut open) = (line.quantity, 0);
        for one in went.iter().filter(|one| one.is_of(line)) {
            let free = one.open - taken.get(&one.key).copied().unwrap_or_default();
            let some = free.min(left).max(0);
            (open, left) = (open + free.max(0), left - some);
            if some > 0 {
                *taken.entry(one.key).or_default() += some;
                let (variant, lot, status) = one.key;
                moves.push(Moving {
                    from: Place { owner, variant, location: customer, lot, status },
                    to: (to, status),
                    quantity: some,
                    reason: MoveReason::Return,
                    document: document.to_owned(),
                    reverses: None,
                });
                of.push(n);
            }
        }
        if left > 0 {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", open.to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
    }
    for (key, quantity) in taken {
        came_back(work, owner, document, key, quantity).await?;
    }
    moved(work, &moves).await.map_err(|error| of_lines(error, &of))
}

/// What goods are, of one owner.
type Key = (VariantId, StockLotId, CustomsStatus);

/// What was shipped of a lot under a document, and has not come back.
struct Went {
    key: Key,
    lot: String,
    open: i64,
}

impl Went {
    fn is_of(&self, line: &CameBack) -> bool {
        (self.key.0, self.key.2) == (line.variant, line.status)
            && line.lot.as_deref().is_none_or(|lot| lot.trim() == self.lot)
    }
}

async fn shipped(work: &Work, owner: OrganisationId, document: &str) -> Result<Vec<Went>, Error> {
    let moves = stock_move::Entity::find()
        .filter(stock_move::Column::OwnerId.eq(owner))
        .filter(stock_move::Column::Document.eq(document))
        .filter(stock_move::Column::Reason.eq(MoveReason::Shipment))
        .order_by_asc(stock_move::Column::Id)
        .all(work.tx())
        .await?;
    let back = returned::Entity::find()
        .filter(returned::Column::OwnerId.eq(owner))
        .filter(returned::Column::Document.eq(document))
        .all(work.tx())
        .await?;
    let lots = entities::inventory::lot::Entity::find()
        .filter(entities::inventory::lot::Column::Id.is_in(moves.iter().map(|row| row.lot_id)))
        .all(work.tx())
        .await?;
    let mut went: Vec<Went> = Vec::new();
    for row in moves {
        let key = (row.variant_id, row.lot_id, row.from_status);
        if let Some(one) = went.iter_mut().find(|one| one.key == key) {
            one.open += row.quantity;
            continue;
        }
        let came = back.iter().find(|back| (back.variant_id, back.lot_id, back.status) == key);
        let lot = lots.iter().find(|lot| lot.id == row.lot_id).map(|lot| lot.code.clone()).unwrap_or_default();
        went.push(Went { key, lot, open: row.quantity - came.map_or(0, |back| back.returned) });
    }
    Ok(went)
}

/// Notes that so much came back. The guard is in the UPDATE: of two who take the last of it back, one does.
async fn came_back(
    work: &Work,
    owner: OrganisationId,
    document: &str,
    (variant, lot, status): Key,
    quantity: i64,
) -> Result<(), Error> {
    let row = returned::Model {
        id: StockReturnId::new(work.now),
        owner_id: owner,
        document: document.to_owned(),
        variant_id: variant,
        lot_id: lot,
        status,
        returned: 0,
    };
    let known =
        OnConflict::columns([C::OwnerId, C::Document, C::VariantId, C::LotId, C::Status]).do_nothing().to_owned();
    let insert = returned::Entity::insert(row.into_active_model()).on_conflict(known);
    insert.try_insert().exec_without_returning(work.tx()).await?;
    let statement = Statement::from_sql_and_values(
        work.tx().get_database_backend(),
        "UPDATE stock_return SET returned = returned + $6 WHERE owner_id = $1 AND document = $2 AND variant_id = $3 \
         AND lot_id = $4 AND status = $5 AND returned + $6 <= (SELECT COALESCE(SUM(m.quantity), 0) FROM stock_move m \
         WHERE m.owner_id = $1 AND m.document = $2 AND m.variant_id = $3 AND m.lot_id = $4 AND m.from_status = $5 \
         AND m.reason = 'shipment')",
        [owner.0.into(), document.into(), variant.0.into(), lot.0.into(), status.to_value().into(), quantity.into()],
    );
    if work.tx().execute_raw(statement).await?.rows_affected() == 1 {
        return Ok(());
    }
    let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", "0");
    Err(range.at("lines").into())
}

/// A move is taken back. A shipment that is taken back has come back; a return that is taken back has not.
pub(super) async fn taken_back(work: &Work, wrong: &stock_move::Model) -> Result<(), Error> {
    match wrong.reason {
        MoveReason::Shipment => {
            let key = (wrong.variant_id, wrong.lot_id, wrong.from_status);
            came_back(work, wrong.owner_id, &wrong.document, key, wrong.quantity).await
        }
        MoveReason::Return => {
            let statement = Statement::from_sql_and_values(
                work.tx().get_database_backend(),
                "UPDATE stock_return SET returned = returned - $6 WHERE owner_id = $1 AND document = $2 \
                 AND variant_id = $3 AND lot_id = $4 AND status = $5 AND returned >= $6",
                [
                    wrong.owner_id.0.into(),
                    wrong.document.clone().into(),
                    wrong.variant_id.0.into(),
                    wrong.lot_id.0.into(),
                    wrong.to_status.to_value().into(),
                    wrong.quantity.into(),
                ],
            );
            let done = work.tx().execute_raw(statement).await?.rows_affected();
            if done == 1 { Ok(()) } else { Err(not_found("id", encode(wrong.id).as_str())) }
        }
        _ => Ok(()),
    }
}
