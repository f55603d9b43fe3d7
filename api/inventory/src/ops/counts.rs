//! Counts: someone counts without seeing what the books say; what differed at that moment is posted, and what differs
//! much only when somebody else has looked at it. Lots that nobody counted stay as they are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entities::{
    inventory::{
        CountState, CountStep, CustomsStatus, LocationKind, MoveReason, Threshold, balance,
        count::{self, Variants},
        count_line,
        count_line::Column as C,
        lot, stock_move,
    },
    party::Viewer,
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockCountId, StockCountLineId, StockLocationId, StockLotId, VariantId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, Statement, sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::{
    few, handled,
    keeping::{closed, open_location, postable},
    moved, own,
    reads::whose,
    standing, unseen,
};
use crate::ledger::{Moving, Place, in_line, of_lines, takes};

const NEWEST: &str = "newest-count";
/// Most lines of one count: those of several submissions together.
const MOST_LINES: usize = 5_000;

/// What was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Of which balance; none: of the lot that the rest names.
    pub balance: Option<StockBalanceId>,
    /// Of what.
    pub variant: Option<VariantId>,
    /// The lot as it is printed on the goods; empty when they are not told apart.
    pub lot: String,
    /// Under which customs status.
    pub status: Option<CustomsStatus>,
    /// How much there is.
    pub counted: i64,
}

/// What to do with a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Post what differs.
    Post,
    /// Have it counted again.
    Recount,
}

/// Opens a count of a location.
pub async fn open_count(
    app: &App,
    call: &Call,
    location: StockLocationId,
    variants: &[VariantId],
    threshold: Threshold,
) -> Result<count::Model, Error> {
    let organisation = handled(call)?;
    if variants.len() > super::MAX_LINES {
        let most = Refusal::new(ErrorCode::TooMany).with("max", super::MAX_LINES.to_string());
        return Err(most.at("variantIds").into());
    }
    for (field, value, most) in [
        ("thresholdPieces", threshold.pieces, Threshold::HOUSE.pieces),
        ("thresholdPpm", threshold.ppm, Threshold::HOUSE.ppm),
    ] {
        if !(0..=most).contains(&value) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", most.to_string());
            return Err(range.at(field).into());
        }
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let location = open_location(&work, organisation, location, "locationId").await?;
    if let Some(n) = unseen(&work, variants).await? {
        let error = not_found(&n.to_string(), encode(variants[n]).as_str());
        return Err(error.at("variantIds"));
    }
    let row = count::Model {
        id: StockCountId::new(work.now),
        organisation_id: organisation,
        location_id: location.id,
        state: CountState::Open,
        variants: Variants(variants.to_vec()),
        threshold_pieces: threshold.pieces,
        threshold_ppm: threshold.ppm,
        round: 1,
        opened_by: work.viewer().subject(),
        reviewed_by: None,
        version: 1,
        created_at: work.now,
        counted_at: None,
        ended_at: None,
    };
    count::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "location": location.code, "variants": variants.len() });
    work.audit(Some(organisation), "openStockCount", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// A count of a place that whoever asks may touch.
async fn own_count(work: &Work, organisation: OrganisationId, id: StockCountId) -> Result<count::Model, Error> {
    let row = count::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.organisation_id == organisation);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let closed = closed(work.tx(), work.viewer(), &[row.location_id]).await?;
    if closed.is_empty() { Ok(row) } else { Err(not_found("id", encode(id).as_str())) }
}

/// Takes a step, or says why not: of two who step at the same time one does.
async fn step(work: &Work, row: &count::Model, step: CountStep) -> Result<count::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let mut next = count::Model { state: to, version: row.version + 1, ..row.clone() };
    match step {
        CountStep::Finish | CountStep::Escalate => next.counted_at = Some(work.now),
        CountStep::Post | CountStep::Recount => next.reviewed_by = Some(work.viewer().subject()),
        CountStep::Cancel => {}
    }
    match step {
        CountStep::Post | CountStep::Cancel => next.ended_at = Some(work.now),
        CountStep::Recount => next.round += 1,
        CountStep::Finish | CountStep::Escalate => {}
    }
    let done = count::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(count::Column::Id.eq(row.id))
        .filter(count::Column::State.is_in(from.iter().copied()))
        .filter(count::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(next);
    }
    let now = own_count(work, row.organisation_id, row.id).await?;
    step.from(now.state).map_err(|refusal| refusal.at("id"))?;
    Err(Refusal::new(ErrorCode::StaleVersion).at("id").into())
}

/// Notes what was counted, and for each line what the books say at this moment. A line that is counted again replaces
/// the one before. `finished`: everything is counted; what differs much waits for somebody else.
pub async fn submit_count(
    app: &App,
    call: &Call,
    id: StockCountId,
    lines: &[Counted],
    finished: bool,
) -> Result<count::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let now = work.now;
    let next = submitted(&mut work, call, id, lines, finished, now).await?;
    work.commit(next).await
}

/// The same in a change that is under way, of what was counted at a moment.
pub async fn submitted(
    work: &mut Work,
    call: &Call,
    id: StockCountId,
    lines: &[Counted],
    finished: bool,
    at: DateTime<Utc>,
) -> Result<count::Model, Error> {
    let organisation = handled(call)?;
    if !finished {
        few(lines)?;
    } else if lines.len() > super::MAX_LINES {
        let most = Refusal::new(ErrorCode::TooMany).with("max", super::MAX_LINES.to_string());
        return Err(most.at("lines").into());
    }
    let row = own_count(work, organisation, id).await?;
    CountStep::Finish.from(row.state).map_err(|refusal| refusal.at("id"))?;
    noted(work, &row, lines, at.min(work.now)).await?;
    let all = lines_of(work.tx(), &row).await?;
    if all.len() > MOST_LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_LINES.to_string()).at("lines").into());
    }
    let next = if finished {
        let threshold = row.threshold();
        let much = all.iter().any(|line| threshold.is_passed(line.expected, line.counted));
        step(work, &row, if much { CountStep::Escalate } else { CountStep::Finish }).await?
    } else {
        row
    };
    let shown = json!({ "lines": lines.len(), "round": next.round, "state": next.state });
    work.audit(Some(organisation), "submitStockCount", encode(id).0, Value::Null, shown);
    Ok(next)
}

/// The lines of the count's present round.
async fn lines_of(tx: &impl ConnectionTrait, row: &count::Model) -> Result<Vec<count_line::Model>, Error> {
    let lines = count_line::Entity::find()
        .filter(count_line::Column::CountId.eq(row.id))
        .filter(count_line::Column::Round.eq(row.round))
        .order_by_asc(count_line::Column::Id);
    Ok(lines.all(tx).await?)
}

/// By how much the books of these places changed after a moment.
async fn moved_since(
    work: &Work,
    row: &count::Model,
    places: &[Place],
    at: DateTime<Utc>,
) -> Result<HashMap<Place, i64>, Error> {
    use stock_move::Column as M;
    let here = Condition::any().add(M::FromId.eq(row.location_id)).add(M::ToId.eq(row.location_id));
    let moves = stock_move::Entity::find()
        .filter(M::OwnerId.eq(row.organisation_id))
        .filter(M::VariantId.is_in(places.iter().map(|place| place.variant)))
        .filter(M::At.gt(at))
        .filter(here)
        .all(work.tx())
        .await?;
    let mut sums: HashMap<Place, i64> = HashMap::new();
    for one in moves {
        let place = |location, status| Place {
            owner: one.owner_id,
            variant: one.variant_id,
            location,
            lot: one.lot_id,
            status,
        };
        *sums.entry(place(one.from_id, one.from_status)).or_default() -= one.quantity;
        *sums.entry(place(one.to_id, one.to_status)).or_default() += one.quantity;
    }
    sums.retain(|place, _| place.location == row.location_id);
    Ok(sums)
}

async fn noted(work: &Work, row: &count::Model, lines: &[Counted], at: DateTime<Utc>) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let places = places(work, row, lines).await?;
    let there = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(row.organisation_id))
        .filter(balance::Column::LocationId.eq(row.location_id))
        .filter(balance::Column::VariantId.is_in(places.iter().map(|place| place.variant)));
    let mut there: HashMap<Place, i64> =
        there.all(work.tx()).await?.iter().map(|row| (Place::of(row), row.on_hand)).collect();
    if at < work.now {
        // What was counted then is held against what the books said then.
        for (place, since) in moved_since(work, row, &places, at).await? {
            *there.entry(place).or_default() -= since;
        }
    }
    let by = work.viewer().subject();
    let mut models = Vec::with_capacity(lines.len());
    for (n, (line, place)) in lines.iter().zip(&places).enumerate() {
        if places[..n].contains(place) {
            return Err(in_line(Refusal::new(ErrorCode::Duplicate).with("value", n.to_string()).into(), n));
        }
        if !(0..=balance::MOST).contains(&line.counted) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", balance::MOST.to_string());
            return Err(in_line(range.at("counted").into(), n));
        }
        let model = count_line::Model {
            id: StockCountLineId::new(work.now),
            count_id: row.id,
            round: row.round,
            variant_id: place.variant,
            lot_id: place.lot,
            status: place.status,
            expected: there.get(place).copied().unwrap_or_default(),
            counted: line.counted,
            counted_by: by.clone(),
            at,
            move_id: None,
        };
        models.push(model.into_active_model());
    }
    let again = OnConflict::columns([C::CountId, C::Round, C::VariantId, C::LotId, C::Status])
        .update_columns([C::Expected, C::Counted, C::CountedBy, C::At])
        .to_owned();
    count_line::Entity::insert_many(models).on_conflict(again).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Where the lines are: of the count's location, and of its variants. A lot that nobody knew is found here.
async fn places(work: &Work, row: &count::Model, lines: &[Counted]) -> Result<Vec<Place>, Error> {
    let ids: Vec<StockBalanceId> = lines.iter().filter_map(|line| line.balance).collect();
    let found = balance::Entity::find().filter(balance::Column::Id.is_in(ids)).all(work.tx()).await?;
    let named: Vec<VariantId> = lines.iter().filter_map(|line| line.variant).collect();
    let known = lot::Entity::find()
        .filter(lot::Column::OwnerId.eq(row.organisation_id))
        .filter(lot::Column::VariantId.is_in(named.iter().copied()));
    let mut lots: HashMap<(VariantId, String), StockLotId> =
        known.all(work.tx()).await?.into_iter().map(|lot| ((lot.variant_id, lot.code), lot.id)).collect();
    let missing = unseen(work, &named).await?.map(|n| named[n]);
    let kind = entities::inventory::location::Entity::find_by_id(row.location_id).one(work.tx()).await?;
    let kind = kind.map_or(LocationKind::Loss, |location| location.kind);
    let mut new = Vec::new();
    let mut places = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let place = match (line.balance, line.variant, line.status) {
            (Some(id), None, None) => {
                let mine = |found: &&balance::Model| {
                    found.id == id && found.owner_id == row.organisation_id && found.location_id == row.location_id
                };
                let found = found.iter().find(mine);
                Place::of(found.ok_or_else(|| in_line(not_found("balanceId", encode(id).as_str()), n))?)
            }
            (None, Some(variant), Some(status)) if missing != Some(variant) => {
                takes(kind, status).map_err(|refusal| in_line(refusal.into(), n))?;
                let code = match line.lot.trim() {
                    "" => String::new(),
                    lot => text::line(lot, 40).map_err(|refusal| in_line(refusal.at("lot").into(), n))?,
                };
                let lot = *lots.entry((variant, code.clone())).or_insert_with(|| {
                    let id = StockLotId::new(work.now);
                    new.push(lot::Model {
                        id,
                        owner_id: row.organisation_id,
                        variant_id: variant,
                        code,
                        produced_on: None,
                        expires_on: None,
                    });
                    id
                });
                Place { owner: row.organisation_id, variant, location: row.location_id, lot, status }
            }
            (None, Some(variant), Some(_)) => {
                return Err(in_line(not_found("variantId", encode(variant).as_str()), n));
            }
            _ => {
                let either = "balanceId, or variantId with customsStatus";
                return Err(in_line(Refusal::new(ErrorCode::InvalidValue).with("value", either).into(), n));
            }
        };
        if !row.variants.0.is_empty() && !row.variants.0.contains(&place.variant) {
            return Err(in_line(not_found("variantId", encode(place.variant).as_str()), n));
        }
        places.push(place);
    }
    if !new.is_empty() {
        let rows = new.into_iter().map(IntoActiveModel::into_active_model);
        lot::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    }
    Ok(places)
}

/// Decides about a count. What differs is posted as a move to or from loss: the difference of the moment of counting, so
/// what was sold since changes nothing of it. What would leave less than is promised is refused by its line. When a line
/// differs by more than the threshold, nobody who counted decides.
pub async fn review_count(app: &App, call: &Call, id: StockCountId, review: Review) -> Result<count::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_count(&work, organisation, id).await?;
    let lines = lines_of(work.tx(), &row).await?;
    let by = work.viewer().subject();
    let next = match review {
        Review::Recount => step(&work, &row, CountStep::Recount).await?,
        Review::Post => {
            CountStep::Post.from(row.state).map_err(|refusal| refusal.at("id"))?;
            if row.state == CountState::Review && lines.iter().any(|line| line.counted_by == by) {
                return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
            }
            if lines.iter().any(|line| line.difference() != 0) {
                postable(work.tx(), row.location_id).await.map_err(|error| error.at("id"))?;
            }
            let next = step(&work, &row, CountStep::Post).await?;
            post(&work, &row, &lines).await?;
            next
        }
    };
    let shown = json!({ "state": next.state, "round": next.round });
    work.audit(Some(organisation), "reviewStockCount", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

async fn post(work: &Work, row: &count::Model, lines: &[count_line::Model]) -> Result<(), Error> {
    let loss = standing(work.tx(), work.now, row.organisation_id, LocationKind::Loss).await?;
    // A count is posted once, so this names one set of moves, one of each lot and status.
    let document = format!("count:{}", row.id);
    let (mut moves, mut of) = (Vec::new(), Vec::new());
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| line.difference() != 0) {
        let here = Place {
            owner: row.organisation_id,
            variant: line.variant_id,
            location: row.location_id,
            lot: line.lot_id,
            status: line.status,
        };
        let (from, to) = if line.difference() < 0 {
            (here, (loss, line.status))
        } else {
            (Place { location: loss, ..here }, (row.location_id, line.status))
        };
        moves.push(Moving {
            from,
            to,
            quantity: line.difference().abs(),
            reason: MoveReason::Count,
            document: document.clone(),
            reverses: None,
        });
        of.push(n);
    }
    let written = moved(work, &moves).await.map_err(|error| of_lines(error, &of))?;
    if written.is_empty() {
        return Ok(());
    }
    // One statement: the moves are found by what they moved.
    let statement = Statement::from_sql_and_values(
        work.tx().get_database_backend(),
        "UPDATE stock_count_line SET move_id = (SELECT m.id FROM stock_move m WHERE m.owner_id = $1 AND m.document = $2 \
         AND m.variant_id = stock_count_line.variant_id AND m.lot_id = stock_count_line.lot_id \
         AND m.from_status = stock_count_line.status AND m.reason = 'count' LIMIT 1) \
         WHERE count_id = $3 AND round = $4 AND counted <> expected",
        [row.organisation_id.0.into(), document.into(), row.id.0.into(), row.round.into()],
    );
    work.tx().execute_raw(statement).await?;
    Ok(())
}

/// Gives a count up; nothing is posted.
pub async fn cancel_count(app: &App, call: &Call, id: StockCountId) -> Result<count::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_count(&work, organisation, id).await?;
    let next = step(&work, &row, CountStep::Cancel).await?;
    let before = json!({ "state": row.state });
    work.audit(Some(organisation), "cancelStockCount", encode(id).0, before, json!({ "state": next.state }));
    work.commit(next).await
}

/// Counts of an organisation, newest first.
pub async fn list_counts(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<count::Model>, Error> {
    let list = count::Entity::find().filter(count::Column::OrganisationId.eq(whose(viewer, of)?));
    page.by_id(db, list, count::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a count in that list.
pub fn count_cursor(row: &count::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A count; none when there is none or it may not be seen.
pub async fn find_count(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: StockCountId,
) -> Result<Option<count::Model>, Error> {
    let row = count::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| whose(viewer, Some(row.organisation_id)).is_ok()))
}

/// A line of a count, and what lies there now.
#[derive(Clone, Debug)]
pub struct CountLine {
    /// The line.
    pub row: count_line::Model,
    /// What the books say now.
    pub on_hand: i64,
    /// Whether the viewer may see what the books said: not before it is posted, and then everyone; but who decides and
    /// did not count, as soon as it is counted.
    pub open: bool,
}

/// The lines of a count's present round, in the order of counting.
pub async fn count_lines(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    row: &count::Model,
    page: &PageArgs,
) -> Result<Page<CountLine>, Error> {
    let list = count_line::Entity::find()
        .filter(count_line::Column::CountId.eq(row.id))
        .filter(count_line::Column::Round.eq(row.round));
    let page = page.by_id(db, list, count_line::Column::Id, NEWEST, Order::Asc).await?;
    let there = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(row.organisation_id))
        .filter(balance::Column::LocationId.eq(row.location_id))
        .filter(balance::Column::VariantId.is_in(page.rows.iter().map(|line| line.variant_id)));
    let there: HashMap<Place, i64> = there.all(db).await?.iter().map(|row| (Place::of(row), row.on_hand)).collect();
    let open = match row.state {
        CountState::Posted => true,
        CountState::Counted | CountState::Review => {
            let mine = count_line::Entity::find()
                .filter(count_line::Column::CountId.eq(row.id))
                .filter(count_line::Column::CountedBy.eq(viewer.subject()));
            mine.one(db).await?.is_none()
        }
        CountState::Open | CountState::Recount | CountState::Cancelled => false,
    };
    let line = |line: count_line::Model| {
        let place = Place {
            owner: row.organisation_id,
            variant: line.variant_id,
            location: row.location_id,
            lot: line.lot_id,
            status: line.status,
        };
        CountLine { on_hand: there.get(&place).copied().unwrap_or_default(), row: line, open }
    };
    Ok(Page {
        rows: page.rows.into_iter().map(line).collect(),
        has_next: page.has_next,
        has_previous: page.has_previous,
    })
}

/// The cursor of a line in that list.
pub fn line_cursor(line: &CountLine) -> Cursor {
    Cursor::of_id(NEWEST, line.row.id)
}
