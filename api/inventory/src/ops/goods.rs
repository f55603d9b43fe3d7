//! Goods come in, go from one place of the house to another, and what was wrong is taken back.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entities::{
    inventory::{CustomsStatus, MoveReason, location, lot, stock_move},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, StockMoveId, VariantId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, taken},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::{
    few, is_way,
    keeping::{closed, lawful, open_balances, open_location, reversible},
    leaving::taken_back,
    moved, own, supplier_of, unseen,
};
use crate::ledger::{Moving, Place, in_line};

/// A line of a receipt.
#[derive(Clone, Debug)]
pub struct Received {
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub quantity: i64,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// The lot as it is printed on the goods; empty when they are not told apart.
    pub lot: String,
    /// When they were made.
    pub produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    pub expires_on: Option<NaiveDate>,
}

/// A line of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Transferred {
    /// From which balance.
    pub balance: StockBalanceId,
    /// To where.
    pub to: StockLocationId,
    /// How much.
    pub quantity: i64,
}

/// Takes goods in, into one location. A lot that is known keeps its dates; other dates under its code are refused.
pub async fn receive(
    app: &App,
    call: &Call,
    location: StockLocationId,
    document: &str,
    lines: &[Received],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let to = open_location(&work, organisation, location, "locationId").await?;
    let from = supplier_of(work.tx(), work.now, organisation).await?;
    let variants: Vec<VariantId> = lines.iter().map(|line| line.variant).collect();
    if let Some(n) = unseen(&work, &variants).await? {
        return Err(in_line(not_found("variantId", encode(variants[n]).as_str()), n));
    }
    let lots = lots(&work, organisation, lines).await?;
    let moves: Vec<Moving> = lines
        .iter()
        .zip(lots)
        .map(|(line, lot)| Moving {
            from: Place { owner: organisation, variant: line.variant, location: from, lot, status: line.status },
            to: (to.id, line.status),
            quantity: line.quantity,
            reason: MoveReason::Receipt,
            document: document.clone(),
            reverses: None,
        })
        .collect();
    let ways: Vec<_> = moves.iter().map(|one| (one.from.location, one.to.0)).collect();
    lawful(work.tx(), &ways).await?;
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "document": document, "lines": rows.len() });
    work.audit(Some(organisation), "receiveStock", encode(to.id).0, Value::Null, shown);
    work.commit(rows).await
}

/// The lots of lines, made where there are none.
pub(super) async fn lots(work: &Work, owner: OrganisationId, lines: &[Received]) -> Result<Vec<StockLotId>, Error> {
    let find = lot::Entity::find()
        .filter(lot::Column::OwnerId.eq(owner))
        .filter(lot::Column::VariantId.is_in(lines.iter().map(|line| line.variant)));
    let known = find.all(work.tx()).await?;
    let mut by_code: BTreeMap<(VariantId, String), lot::Model> =
        known.into_iter().map(|row| ((row.variant_id, row.code.clone()), row)).collect();
    let mut ids = Vec::with_capacity(lines.len());
    let mut new = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        // Goods that are not told apart have no code.
        let code = match line.lot.trim() {
            "" => String::new(),
            lot => text::line(lot, 40).map_err(|refusal| in_line(refusal.at("lot").into(), n))?,
        };
        if line.produced_on.zip(line.expires_on).is_some_and(|(made, end)| made >= end) {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", "expiresOn <= producedOn");
            return Err(in_line(refusal.at("expiresOn").into(), n));
        }
        let row = by_code.entry((line.variant, code.clone())).or_insert_with(|| {
            let row = lot::Model {
                id: StockLotId::new(work.now),
                owner_id: owner,
                variant_id: line.variant,
                code,
                produced_on: line.produced_on,
                expires_on: line.expires_on,
            };
            new.push(row.clone());
            row
        });
        let others = |said: Option<NaiveDate>, known: Option<NaiveDate>| said.is_some() && said != known;
        if others(line.produced_on, row.produced_on) || others(line.expires_on, row.expires_on) {
            let refusal = Refusal::new(ErrorCode::AlreadyTaken).with("value", row.code.clone());
            return Err(in_line(refusal.at("lot").into(), n));
        }
        ids.push(row.id);
    }
    if !new.is_empty() {
        let rows = new.into_iter().map(IntoActiveModel::into_active_model);
        let written = lot::Entity::insert_many(rows).exec_without_returning(work.tx()).await;
        written.map_err(|e| taken(e, "stock_lot", &["owner_id", "variant_id", "code"], "lines", "lot"))?;
    }
    Ok(ids)
}

/// Moves goods from one place of the house to another, under the same customs status.
pub async fn transfer(
    app: &App,
    call: &Call,
    document: &str,
    lines: &[Transferred],
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
    let mut moves = Vec::with_capacity(lines.len());
    for (n, (line, from)) in lines.iter().zip(&balances).enumerate() {
        let to = open_location(&work, organisation, line.to, "toId").await.map_err(|error| in_line(error, n))?;
        moves.push(Moving {
            from: Place::of(from),
            to: (to.id, from.status),
            quantity: line.quantity,
            reason: MoveReason::Transfer,
            document: document.clone(),
            reverses: None,
        });
    }
    let ways: Vec<_> = moves.iter().map(|one| (one.from.location, one.to.0)).collect();
    lawful(work.tx(), &ways).await?;
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "document": document, "lines": rows.len() });
    let first = rows.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(Some(organisation), "transferStock", first, Value::Null, shown);
    work.commit(rows).await
}

/// Takes back a move that was wrong, once: the goods go back where they were, when they are still there.
pub async fn reverse(app: &App, call: &Call, id: StockMoveId, document: &str) -> Result<stock_move::Model, Error> {
    let organisation = own(call)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let wrong = stock_move::Entity::find_by_id(id).one(work.tx()).await?;
    let wrong = wrong.filter(|row| row.owner_id == organisation);
    let wrong = wrong.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if wrong.reason == MoveReason::Reversal {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "REVERSAL").with("action", "REVERSE");
        return Err(refusal.at("id").into());
    }
    if !closed(work.tx(), work.viewer(), &[wrong.from_id, wrong.to_id]).await?.is_empty() {
        return Err(not_found("id", encode(id).as_str()));
    }
    let ends = location::Entity::find().filter(location::Column::Id.is_in([wrong.from_id, wrong.to_id]));
    if ends.all(work.tx()).await?.iter().any(is_way) {
        // Of a transfer, and of what came through the gate, only their own steps say what is on the way.
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "TRANSFER").with("action", "REVERSE");
        return Err(refusal.at("id").into());
    }
    let lawful = reversible(work.tx(), wrong.from_id, wrong.to_id).await;
    lawful.map_err(|error| not_taken_back(error, id))?;
    let back = Moving {
        from: Place {
            owner: wrong.owner_id,
            variant: wrong.variant_id,
            location: wrong.to_id,
            lot: wrong.lot_id,
            status: wrong.to_status,
        },
        to: (wrong.from_id, wrong.from_status),
        quantity: wrong.quantity,
        reason: MoveReason::Reversal,
        document,
        reverses: Some(wrong.id),
    };
    let rows = moved(&work, &[back]).await.map_err(|error| not_taken_back(error, id))?;
    taken_back(&work, &wrong).await.map_err(|error| not_taken_back(error, id))?;
    let row = rows.into_iter().next().ok_or_else(|| Error::internal("a move was not made"))?;
    let shown = json!({ "reverses": encode(id), "document": row.document });
    work.audit(Some(organisation), "reverseStockMove", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// A move is taken back once, as the unique index says; and what is refused of it is refused of the move.
fn not_taken_back(error: Error, id: StockMoveId) -> Error {
    match error {
        Error::Refused(refusals) => {
            let of_move = |refusal: Refusal| Refusal { field: vec!["id".into()], ..refusal };
            Error::Refused(refusals.into_iter().map(of_move).collect())
        }
        Error::Internal(cause) => match cause.downcast::<sea_orm::DbErr>() {
            Ok(cause) => taken(*cause, "stock_move", &["reverses_id"], "id", encode(id).as_str()),
            Err(cause) => Error::Internal(cause),
        },
        other => other,
    }
}
