//! Quotations: submitted, revised and taken back by their supplier until the deadline, opened with their round.
//!
//! What a quotation says is sealed in the vault for its own row and lies nowhere else until [`open_all`]: it is no
//! part of an answer that is kept for repeats, of the audit, of an event, of a job or of a refusal. What hangs on the
//! request's row is how many there are; of a sealed one neither its other columns nor an event tell of a quotation.
//! The audit of what a supplier does is in its own chain and in the trail of the quotation: that of a request is read
//! by who oversees the zone before the opening, that of a quotation after it.

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Viewer, machine_client::Scope},
    platform::EventKind,
    procurement::{
        QuotationState, QuotationStep, RfqState,
        quotation::{self, MOST_VERSIONS, QuotationContent},
        rfq,
    },
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, QuotationId, RfqId},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Iterable, Order, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, OverStatement, Query, WindowStatement},
};
use serde_json::{Value, json};

use super::{acting, files, fresh, rfqs, tell_both};
use crate::jobs::BY;

const NEWEST: &str = "newest-quotation";
/// Most quotations that one turn of the clock ends.
const SWEPT: u64 = 100;

/// Which quotations.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub rfq: Option<RfqId>,
    pub state: Option<QuotationState>,
}

/// The place in the vault of what a quotation says.
fn content_place(id: QuotationId) -> String {
    format!("quotation.content:{id}")
}

/// What a quotation says, for its own supplier and for the opening. Whoever calls has looked who asks.
pub(super) fn own_content(app: &App, row: &quotation::Model) -> Result<QuotationContent, Error> {
    if let Some(content) = &row.content {
        return Ok(content.clone());
    }
    let sealed = row.sealed.as_deref().ok_or_else(|| Error::internal("a quotation without content"))?;
    let plain = app.vault().unseal(&content_place(row.id), sealed)?;
    // What cannot be read is not repeated: the log must not hold a part of it.
    serde_json::from_slice(&plain).map_err(|_| Error::internal("the content of a quotation cannot be read"))
}

/// What a quotation says, when the viewer may read it: opened, whoever sees it; before that its supplier alone.
pub fn content(app: &App, viewer: &Viewer, row: &quotation::Model) -> Result<Option<QuotationContent>, Error> {
    let own = viewer.reads_for(Scope::Procurement) == Some(row.supplier_id);
    if own || row.opened_at.is_some() { own_content(app, row).map(Some) } else { Ok(None) }
}

/// An answer that was given before, with what of it is not kept for repeats.
async fn again(work: &Work, before: quotation::Model) -> Result<quotation::Model, Error> {
    let row = quotation::Entity::find_by_id(before.id).one(work.tx()).await?;
    Ok(quotation::Model { sealed: row.and_then(|row| row.sealed), ..before })
}

/// The newest quotation of a supplier in the round that is on.
pub(super) async fn newest(
    tx: &impl ConnectionTrait,
    row: &rfq::Model,
    supplier: OrganisationId,
) -> Result<Option<quotation::Model>, Error> {
    let own = quotation::Entity::find()
        .filter(quotation::Column::RfqId.eq(row.id))
        .filter(quotation::Column::SupplierId.eq(supplier))
        .filter(quotation::Column::Round.eq(row.round));
    Ok(own.order_by_desc(quotation::Column::Version).one(tx).await?)
}

/// Submits a quotation, or another version of it: that takes the place of the one before, and its files with it unless
/// they are to stay behind. `expected`: the newest version of the round that was read, 0 for none.
pub async fn submit(
    app: &App,
    call: &Call,
    id: RfqId,
    expected: Option<i32>,
    keep_files: bool,
    new: &QuotationContent,
) -> Result<quotation::Model, Error> {
    let supplier = acting(call, Action::QuoteGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    let (rfq, invitation) = rfqs::told(&work, supplier, id, "rfqId").await?;
    rfqs::window(&rfq, work.now).map_err(|refusal| refusal.at("rfqId"))?;
    if invitation.declined_at.is_some() {
        return Err(rfqs::declined("SUBMIT").at("rfqId").into());
    }
    let before = newest(work.tx(), &rfq, supplier).await?;
    let last = before.as_ref().map_or(0, |before| before.version);
    if let Some(expected) = expected {
        fresh(last, expected)?;
    }
    if last >= MOST_VERSIONS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_VERSIONS.to_string()).at("rfqId").into());
    }
    let lines = rfqs::all_lines(work.tx(), id).await?;
    let content = quotation::checked(new, &lines, business_day(rfq.deadline))?;
    let standing = before.as_ref().filter(|before| before.state == QuotationState::Submitted);
    if let Some(standing) = standing {
        stepped(&work, standing, QuotationStep::Revise, "rfqId").await?;
    }
    let row = written(app, &work, &rfq, supplier, last + 1, content)?;
    let insert = quotation::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    insert.map_err(|error| {
        let key = ["rfq_id", "supplier_id", "round", "version"];
        if violates_unique(&error, "quotation", &key) { stale() } else { error.into() }
    })?;
    if let Some(before) = before.as_ref().filter(|_| keep_files) {
        files::moved(work.tx(), before.id, row.id).await?;
    }
    counted(&work, &rfq, i32::from(standing.is_none())).await?;
    let shown = json!({ "round": row.round, "version": row.version });
    work.audit(Some(supplier), "submitQuotation", encode(row.id).0, Value::Null, shown);
    work.tell(supplier, EventKind::QuotationChanged, encode(row.id).0, row.version).await?;
    told(&mut work, &rfq).await?;
    work.commit(row).await
}

/// Tells the buyer that there is something new; of a sealed request it would learn from that when each quoted.
async fn told(work: &mut Work, rfq: &rfq::Model) -> Result<(), Error> {
    if rfq.sealed {
        return Ok(());
    }
    work.tell(rfq.buyer_id, EventKind::RfqChanged, encode(rfq.id).0, rfq.version).await
}

/// The row of a quotation; of a sealed request with nothing in clear.
fn written(
    app: &App,
    work: &Work,
    rfq: &rfq::Model,
    supplier: OrganisationId,
    version: i32,
    content: QuotationContent,
) -> Result<quotation::Model, Error> {
    let id = QuotationId::new(work.now);
    let row = quotation::Model {
        id,
        rfq_id: rfq.id,
        buyer_id: rfq.buyer_id,
        supplier_id: supplier,
        round: rfq.round,
        version,
        state: QuotationState::Submitted,
        sealed: None,
        content: None,
        submitted_by: work.viewer().subject(),
        submitted_at: work.now,
        opened_at: None,
        valid_until: None,
        created_at: work.now,
    };
    if !rfq.sealed {
        let valid_until = Some(content.valid_until);
        return Ok(quotation::Model { content: Some(content), opened_at: Some(work.now), valid_until, ..row });
    }
    let plain = serde_json::to_vec(&content).map_err(Error::internal)?;
    Ok(quotation::Model { sealed: Some(app.vault().seal(&content_place(id), &plain)?), ..row })
}

/// Counts quotations of the round that is on; refused when that is over at this moment.
async fn counted(work: &Work, row: &rfq::Model, change: i32) -> Result<(), Error> {
    let mut count = rfq::Entity::update_many()
        .col_expr(rfq::Column::Quotations, Expr::col(rfq::Column::Quotations).add(change))
        .filter(rfq::Column::Id.eq(row.id))
        .filter(rfq::Column::State.eq(RfqState::Published))
        .filter(rfq::Column::Round.eq(row.round))
        .filter(rfq::Column::Deadline.gt(work.now));
    if change != 0 && !row.sealed {
        count = count.col_expr(rfq::Column::UpdatedAt, Expr::value(work.now));
    }
    if count.exec(work.tx()).await?.rows_affected == 1 { Ok(()) } else { Err(rfqs::over(row).at("rfqId").into()) }
}

/// Takes a step of a quotation in the caller's transaction: of two who step at the same time one does.
pub(crate) async fn stepped(
    work: &Work,
    row: &quotation::Model,
    step: QuotationStep,
    field: &str,
) -> Result<quotation::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at(field))?;
    let done = quotation::Entity::update_many()
        .col_expr(quotation::Column::State, Expr::value(to))
        .filter(quotation::Column::Id.eq(row.id))
        .filter(quotation::Column::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(quotation::Model { state: to, ..row.clone() }) } else { Err(stale()) }
}

/// Takes a quotation back, before the deadline.
pub async fn withdraw(
    app: &App,
    call: &Call,
    id: QuotationId,
    expected: Option<i32>,
) -> Result<quotation::Model, Error> {
    let supplier = acting(call, Action::QuoteGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    let unknown = || not_found("id", encode(id).as_str());
    let find = || quotation::Entity::find_by_id(id).filter(quotation::Column::SupplierId.eq(supplier));
    let of = find().one(work.tx()).await?.ok_or_else(unknown)?.rfq_id;
    guarded::lock(work.tx(), "rfq", &[of.0]).await?;
    let rfq = rfq::Entity::find_by_id(of).one(work.tx()).await?.ok_or_else(unknown)?;
    let row = find().one(work.tx()).await?.ok_or_else(unknown)?;
    if let Some(expected) = expected {
        fresh(row.version, expected)?;
    }
    QuotationStep::Withdraw.from(row.state).map_err(|refusal| refusal.at("id"))?;
    rfqs::window(&rfq, work.now).map_err(|refusal| refusal.at("id"))?;
    if row.round != rfq.round {
        // It was opened with its round.
        return Err(Refusal::illegal(RfqState::Closed, "WITHDRAW").at("id").into());
    }
    let next = stepped(&work, &row, QuotationStep::Withdraw, "id").await?;
    counted(&work, &rfq, -1).await?;
    let shown = json!({ "round": row.round, "version": row.version });
    work.audit(Some(supplier), "withdrawQuotation", encode(id).0, Value::Null, shown);
    work.tell(supplier, EventKind::QuotationChanged, encode(id).0, row.version).await?;
    told(&mut work, &rfq).await?;
    work.commit(next).await
}

/// Opens the quotations of a round that was just closed, under the lock of its request; answers with how many there
/// are.
pub(super) async fn open_all(app: &App, work: &Work, rfq: &rfq::Model) -> Result<usize, Error> {
    let standing = quotation::Entity::find()
        .filter(quotation::Column::RfqId.eq(rfq.id))
        .filter(quotation::Column::Round.eq(rfq.round))
        .filter(quotation::Column::State.eq(QuotationState::Submitted))
        .order_by_asc(quotation::Column::Id);
    let rows = standing.all(work.tx()).await?;
    for row in rows.iter().filter(|row| row.opened_at.is_none()) {
        let content = own_content(app, row)?;
        let columns = quotation::ActiveModel {
            valid_until: Set(Some(content.valid_until)),
            content: Set(Some(content)),
            opened_at: Set(Some(work.now)),
            ..Default::default()
        };
        let done = quotation::Entity::update_many()
            .set(columns)
            .filter(quotation::Column::Id.eq(row.id))
            .filter(quotation::Column::OpenedAt.is_null())
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(Error::internal("a quotation changed under the lock of its request"));
        }
    }
    Ok(rows.len())
}

/// What still stands of a request is lost: all of it went to others, or it was given up.
pub(crate) async fn lose_rest(work: &Work, id: RfqId) -> Result<(), Error> {
    let (from, to) = QuotationStep::Lose.leads();
    quotation::Entity::update_many()
        .col_expr(quotation::Column::State, Expr::value(to))
        .filter(quotation::Column::RfqId.eq(id))
        .filter(quotation::Column::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// The quotations of a round that were opened and stood then; each has its content. Nobody may have quoted in it: they
/// are those of the last round up to it that has any.
pub(crate) async fn opened(db: &impl ConnectionTrait, rfq: RfqId, round: i32) -> Result<Vec<quotation::Model>, Error> {
    let gone = [QuotationState::Superseded, QuotationState::Withdrawn];
    let all = || {
        quotation::Entity::find()
            .filter(quotation::Column::RfqId.eq(rfq))
            .filter(quotation::Column::State.is_not_in(gone))
            .filter(quotation::Column::OpenedAt.is_not_null())
            .filter(quotation::Column::Content.is_not_null())
    };
    let last = all()
        .filter(quotation::Column::Round.lte(round))
        .select_only()
        .expr(Expr::col((quotation::Entity, quotation::Column::Round)).max())
        .into_query();
    let rows = all().filter(quotation::Column::Round.in_subquery(last)).order_by_asc(quotation::Column::Id);
    Ok(rows.all(db).await?)
}

/// Ends opened quotations that do not hold any more; answers with how many. What has an award does not stand as
/// submitted, so none of those is among them.
pub async fn expire_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = quotation::Entity::find()
        .filter(quotation::Column::State.eq(QuotationState::Submitted))
        .filter(quotation::Column::ValidUntil.lt(business_day(now)))
        .order_by_asc(quotation::Column::Id)
        .limit(SWEPT);
    // Usually there is nothing, and then nobody who writes has to wait.
    let found = due.all(app.db().read()).await?;
    let mut ended = 0;
    for row in found {
        let mut work = app.begin(&Call::unasked(BY)).await?;
        guarded::lock(work.tx(), "rfq", &[row.rfq_id.0]).await?;
        match stepped(&work, &row, QuotationStep::Expire, "id").await {
            Ok(next) => {
                uncounted(&work, &row).await?;
                let (node, shown) = (encode(row.id).0, json!({ "state": next.state }));
                work.audit(Some(row.supplier_id), "expireQuotation", node.as_str(), Value::Null, shown);
                let (buyer, supplier) = (row.buyer_id, row.supplier_id);
                tell_both(&mut work, EventKind::QuotationChanged, buyer, supplier, &node, row.version).await?;
                work.commit(()).await?;
                ended += 1;
            }
            // Somebody else ended it at this moment.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

/// One that ends while its round is still on, of a request that is not sealed and was put off, is not counted any more:
/// its supplier may quote anew, and is counted then.
async fn uncounted(work: &Work, row: &quotation::Model) -> Result<(), Error> {
    let of = rfq::Entity::update_many()
        .col_expr(rfq::Column::Quotations, Expr::col(rfq::Column::Quotations).sub(1))
        .col_expr(rfq::Column::UpdatedAt, Expr::value(work.now))
        .filter(rfq::Column::Id.eq(row.rfq_id))
        .filter(rfq::Column::State.eq(RfqState::Published))
        .filter(rfq::Column::Round.eq(row.round));
    of.exec(work.tx()).await?;
    Ok(())
}

/// The first quotations of each of these requests that the viewer may see, newest first; `backward`: the last ones, the
/// oldest first. In one statement, however many requests there are.
pub(crate) async fn ends(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    rfqs: &[RfqId],
    most: u64,
    backward: bool,
) -> Result<Vec<quotation::Model>, Error> {
    let direction = if backward { Order::Asc } else { Order::Desc };
    let mut window = WindowStatement::new();
    window
        .add_partition_by(quotation::Column::RfqId.into_expr())
        .order_by_expr(quotation::Column::Id.into_expr(), direction.clone());
    let seen = quotation::Entity::visible_to(viewer);
    let mut ranked = seen.filter(quotation::Column::RfqId.is_in(rfqs.iter().copied())).into_query();
    ranked.expr_window_as(Expr::cust("ROW_NUMBER()"), window, "place");
    let ends = Query::select()
        .columns(quotation::Column::iter())
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(most))
        .order_by(quotation::Column::Id, direction)
        .take();
    let statement = db.get_database_backend().build(&ends);
    Ok(quotation::Entity::find().from_raw_sql(statement).all(db).await?)
}

/// Quotations that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<quotation::Model>, Error> {
    let only = Condition::all()
        .add_option(filter.rfq.map(|id| quotation::Column::RfqId.eq(id)))
        .add_option(filter.state.map(|state| quotation::Column::State.eq(state)));
    let list = quotation::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, quotation::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a quotation in that list.
pub fn cursor(row: &quotation::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A quotation; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: QuotationId,
) -> Result<Option<quotation::Model>, Error> {
    Ok(quotation::Entity::visible_to(viewer).filter(quotation::Column::Id.eq(id)).one(db).await?)
}
