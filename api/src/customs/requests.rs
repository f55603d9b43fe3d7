//! Withdrawals (撤单) and returns (退货): asked of customs for a declaration, and what came of it.
//!
//! A withdrawal is asked while customs has the list and has not decided; before that nothing need be asked. A return is
//! asked for after the release; its goods come back, are looked at, and then customs is asked. Only when customs agrees,
//! whoever the document belongs to gives back quota, stock and money ([`Moved`]).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        declaration,
        paper::{self, PaperKind, PaperState},
        request::{self, CustomsRequestKind, CustomsRequestState, ReturnedLine, ReturnedLines, goods_due},
        sale::{self, Stamp},
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal,
        id::{CustomsRequestId, DeclarationId, StockLocationId},
        refusal::line,
    },
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::json;

use super::{
    advance::{guid, papers_of, put, taken_back},
    document_of,
    jobs::{Asked, Moved},
    lists, locked, sale_of,
};
use crate::{
    app::{App, Call, Work},
    platform::{
        clock::business_day,
        error::{Error, not_found},
        graphql::encode,
        vault,
    },
};

/// Most returns that lapse at once.
const AT_ONCE: u64 = 200;

/// What came of taking a declaration back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// It is taken back, or there was none: customs has nothing of it.
    Done,
    /// Customs is asked.
    Asked,
}

/// Takes a document's declaration back, in the transaction of whoever takes the document back. Refused when customs has
/// decided.
pub async fn take_back(app: &App, work: &mut Work, document: &str, reason: &str) -> Result<TakenBack, Error> {
    let Some(row) = lists::of_document(work.tx(), document).await? else { return Ok(TakenBack::Done) };
    let row = locked(work.tx(), row.id).await?;
    if row.state.is_over() {
        return Ok(TakenBack::Done);
    }
    let papers = papers_of(work.tx(), row.id).await?;
    let list = papers.iter().find(|paper| paper.kind == PaperKind::List);
    match list.map(|list| list.state) {
        None | Some(PaperState::Draft | PaperState::Failed | PaperState::Rejected) => {
            taken_back(work, &row).await?;
            Ok(TakenBack::Done)
        }
        Some(state) if state.can_be_withdrawn() => {
            let open = lists::requests(work.tx(), row.id).await?;
            if !open.iter().any(|ask| ask.kind == CustomsRequestKind::Cancellation && ask.state.is_open()) {
                let ask = insert(work, &row, CustomsRequestKind::Cancellation, reason, Vec::new(), None).await?;
                ask_for_cancellation(app, work, &row, &ask, &papers).await?;
            }
            Ok(TakenBack::Asked)
        }
        Some(_) => {
            let from = async_graphql::Value::from(row.state).to_string();
            let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "CANCEL");
            Err(refusal.at("id").into())
        }
    }
}

async fn insert(
    work: &Work,
    row: &declaration::Model,
    kind: CustomsRequestKind,
    reason: &str,
    lines: Vec<ReturnedLine>,
    goods_due: Option<chrono::NaiveDate>,
) -> Result<request::Model, Error> {
    let ask = request::Model {
        id: CustomsRequestId::new(work.now),
        declaration_id: row.id,
        kind,
        state: CustomsRequestState::Asked,
        reason: reason.to_owned(),
        lines: ReturnedLines(lines),
        goods_due,
        location_id: None,
        paper_id: None,
        note: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    request::Entity::insert(ask.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(ask)
}

/// The declarer's own number of what is asked.
fn own_number(kind: CustomsRequestKind, at: DateTime<Utc>) -> Result<String, Error> {
    let letter = if kind == CustomsRequestKind::Return { 'T' } else { 'C' };
    let day = business_day(at).format("%y%m%d");
    Ok(format!("{letter}{day}{}", vault::hex(&vault::random::<6>()?).to_uppercase()))
}

/// Asks customs for a withdrawal, once the list has its number of customs; until then it waits ([`numbered`]).
async fn ask_for_cancellation(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    ask: &request::Model,
    papers: &[paper::Model],
) -> Result<(), Error> {
    let Some(list) = papers.iter().find(|paper| paper.kind == PaperKind::List) else { return Ok(()) };
    let Some(invt_no) = list.invt_no.as_deref() else { return Ok(()) };
    let said = document_of(app.vault(), list)?;
    let stamp = Stamp { guid: guid()?, again: false, at: work.now };
    let number = own_number(ask.kind, work.now)?;
    let document = sale::cancellation(&said.head, &number, invt_no, &ask.reason, &stamp);
    let paper = put(app, work, row, PaperKind::Cancellation, list.sender_id, &document, &stamp).await?;
    with_paper(work, ask, &paper).await
}

async fn with_paper(work: &Work, ask: &request::Model, paper: &paper::Model) -> Result<(), Error> {
    request::Entity::update_many()
        .col_expr(request::Column::PaperId, Expr::val(Some(paper.id)))
        .filter(request::Column::Id.eq(ask.id))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// The list has its number: withdrawals that waited for it are asked of customs.
pub(super) async fn numbered(app: &App, work: &mut Work, declaration: DeclarationId) -> Result<(), Error> {
    let waiting = lists::requests(work.tx(), declaration).await?.into_iter().find(|ask| {
        ask.kind == CustomsRequestKind::Cancellation
            && ask.state == CustomsRequestState::Asked
            && ask.paper_id.is_none()
    });
    let Some(ask) = waiting else { return Ok(()) };
    let row = locked(work.tx(), declaration).await?;
    let papers = papers_of(work.tx(), declaration).await?;
    ask_for_cancellation(app, work, &row, &ask, &papers).await
}

/// Moves what was asked to another state; answers whether this did it.
async fn step(
    work: &Work,
    ask: &request::Model,
    from: &[CustomsRequestState],
    to: CustomsRequestState,
    note: Option<&str>,
) -> Result<bool, Error> {
    use request::Column as C;
    let note = note.map(|note| note.chars().take(300).collect::<String>()).or_else(|| ask.note.clone());
    let done = request::Entity::update_many()
        .col_expr(C::State, Expr::val(to))
        .col_expr(C::Note, Expr::val(note))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(ask.id))
        .filter(C::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Customs answered what was asked.
pub(super) async fn answered(_: &App, work: &mut Work, paper: &paper::Model) -> Result<(), Error> {
    use CustomsRequestState::{Approved, Asked as Waiting, Inspected, Refused};
    let ask = request::Entity::find().filter(request::Column::PaperId.eq(paper.id)).one(work.tx()).await?;
    let Some(ask) = ask else { return Ok(()) };
    let (to, from): (_, &[CustomsRequestState]) = match paper.state {
        PaperState::Reviewed => (Approved, &[Waiting, Inspected, Refused]),
        PaperState::Rejected | PaperState::Failed => (Refused, &[Waiting, Inspected]),
        _ => return Ok(()),
    };
    if !step(work, &ask, from, to, paper.info.as_deref()).await? {
        return Ok(());
    }
    let row = locked(work.tx(), ask.declaration_id).await?;
    let asked = Asked { kind: ask.kind, agreed: to == Approved };
    moved(work, &row, &ask, asked).await
}

async fn moved(work: &mut Work, row: &declaration::Model, ask: &request::Model, asked: Asked) -> Result<(), Error> {
    let job =
        Moved { declaration: row.id, document: row.document.clone(), state: row.state, request: Some((ask.id, asked)) };
    work.enqueue(&job).await
}

/// Asks for a return of goods of a document, in the transaction of whoever it belongs to; `lines` are of the order. No more
/// than was sold, less what comes or came back already.
pub async fn ask_return(
    app: &App,
    work: &mut Work,
    document: &str,
    reason: &str,
    lines: &[ReturnedLine],
) -> Result<request::Model, Error> {
    let row = lists::of_document(work.tx(), document).await?;
    let row = row.ok_or_else(|| Refusal::new(ErrorCode::NotReleased).at("id"))?;
    let row = locked(work.tx(), row.id).await?;
    let released = row.released_at.filter(|_| row.state.is_released());
    let released = released.ok_or_else(|| Refusal::new(ErrorCode::NotReleased).at("id"))?;
    let due = goods_due(business_day(released), business_day(work.now)).map_err(|refusal| refusal.at("id"))?;
    if lines.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("lines").into());
    }
    let mut left: BTreeMap<i32, i64> =
        sale_of(app.vault(), &row)?.lines.iter().map(|line| (line.number, i64::from(line.quantity))).collect();
    for ask in lists::requests(work.tx(), row.id).await? {
        let counts = ask.state.is_open() || ask.state == CustomsRequestState::Approved;
        for line in ask.lines.0.iter().filter(|_| counts) {
            *left.entry(line.number).or_default() -= i64::from(line.quantity);
        }
    }
    for (n, line) in lines.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("lines");
        let Some(free) = left.get_mut(&line.number) else {
            return Err(at(Refusal::new(ErrorCode::NotFound).with("value", line.number.to_string()), "number").into());
        };
        if line.quantity < 1 || i64::from(line.quantity) > *free {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", free.to_string());
            return Err(at(range, "quantity").into());
        }
        *free -= i64::from(line.quantity);
    }
    let ask = insert(work, &row, CustomsRequestKind::Return, reason, lines.to_vec(), Some(due)).await?;
    Ok(ask)
}

/// A request with its declaration, for whoever may see that.
async fn found(work: &Work, id: CustomsRequestId) -> Result<(request::Model, declaration::Model), Error> {
    let none = || not_found("id", encode(id).as_str());
    let ask = request::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(none)?;
    let row = lists::find(work.tx(), work.viewer(), ask.declaration_id).await?.ok_or_else(none)?;
    let row = locked(work.tx(), row.id).await?;
    // As it is under the lock.
    let ask = request::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(none)?;
    Ok((ask, row))
}

fn refused(ask: &request::Model, action: &str) -> Error {
    let from = async_graphql::Value::from(ask.state).to_string();
    let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action);
    refusal.at("id").into()
}

/// Returned goods came, and were looked at: when they are as they were, customs is asked; else the return failed.
pub async fn inspect(
    app: &App,
    call: &Call,
    id: CustomsRequestId,
    location: StockLocationId,
    as_sold: bool,
    note: Option<&str>,
) -> Result<request::Model, Error> {
    let note = note.map(|note| line(note, 300)).transpose().map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (ask, row) = found(&work, id).await?;
    call.may(Action::KeepStock, Resource::of(row.seller_id))?;
    if ask.kind != CustomsRequestKind::Return || ask.state != CustomsRequestState::Asked {
        return Err(refused(&ask, "INSPECT"));
    }
    if let Some(due) = ask.goods_due.filter(|due| business_day(work.now) > *due) {
        return Err(Refusal::new(ErrorCode::ReturnTooLate).with("last", due.to_string()).at("id").into());
    }
    crate::inventory::ops::own_location(work.tx(), row.seller_id, location, "locationId").await?;
    let to = if as_sold { CustomsRequestState::Inspected } else { CustomsRequestState::Failed };
    if !step(&work, &ask, &[CustomsRequestState::Asked], to, note.as_deref()).await? {
        return Err(refused(&ask, "INSPECT"));
    }
    request::Entity::update_many()
        .col_expr(request::Column::LocationId, Expr::val(Some(location)))
        .filter(request::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    if as_sold {
        let papers = papers_of(work.tx(), row.id).await?;
        let list = papers.iter().find(|paper| paper.kind == PaperKind::List);
        let (list, invt_no) = list
            .and_then(|list| Some((list, list.invt_no.clone()?)))
            .ok_or_else(|| Error::internal("a list was released and has no number"))?;
        let said = document_of(app.vault(), list)?;
        let stamp = Stamp { guid: guid()?, again: false, at: work.now };
        let lines: Vec<(i32, i32)> = ask.lines.0.iter().map(|line| (line.number, line.quantity)).collect();
        let number = own_number(ask.kind, work.now)?;
        let document = sale::goods_return(&said, &number, &invt_no, &lines, &ask.reason, &stamp);
        let paper = put(app, &mut work, &row, PaperKind::Return, list.sender_id, &document, &stamp).await?;
        with_paper(&work, &ask, &paper).await?;
    } else {
        moved(&mut work, &row, &ask, Asked { kind: ask.kind, agreed: false }).await?;
    }
    let after = request::Entity::find_by_id(id).one(work.tx()).await?;
    let after = after.ok_or_else(|| Error::internal("a request is gone"))?;
    let shown = |ask: &request::Model| json!({ "document": row.document, "state": ask.state });
    work.audit(Some(row.seller_id), "inspectReturn", encode(id).0, shown(&ask), shown(&after));
    work.commit(after).await
}

/// A return that nobody wants any more, while its goods have not come.
pub async fn withdraw(app: &App, call: &Call, id: CustomsRequestId) -> Result<request::Model, Error> {
    let work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (ask, row) = found(&work, id).await?;
    call.may(Action::PlaceOrders, Resource::of_person(row.person_id))
        .or_else(|_| call.may(Action::FulfilOrders, Resource::of(row.seller_id)))?;
    let open = ask.kind == CustomsRequestKind::Return && ask.state == CustomsRequestState::Asked;
    if !open || !step(&work, &ask, &[CustomsRequestState::Asked], CustomsRequestState::Withdrawn, None).await? {
        return Err(refused(&ask, "WITHDRAW"));
    }
    let after = request::Entity::find_by_id(id).one(work.tx()).await?;
    work.commit(after.ok_or_else(|| Error::internal("a request is gone"))?).await
}

/// Returns whose goods did not come in time fail.
pub(super) async fn lapsed(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let due = request::Entity::find()
        .filter(request::Column::State.eq(CustomsRequestState::Asked))
        .filter(request::Column::GoodsDue.lt(business_day(now)))
        .order_by_asc(request::Column::GoodsDue)
        .limit(AT_ONCE)
        .all(app.db().read())
        .await?;
    for ask in due {
        let mut work = app.begin(&Call::unasked("customs")).await?;
        let row = locked(work.tx(), ask.declaration_id).await?;
        let why = Some("the goods did not come in time");
        if step(&work, &ask, &[CustomsRequestState::Asked], CustomsRequestState::Failed, why).await? {
            moved(&mut work, &row, &ask, Asked { kind: ask.kind, agreed: false }).await?;
            work.commit(()).await?;
        }
    }
    Ok(())
}

/// A request, for whoever follows it.
pub async fn by_id(db: &impl ConnectionTrait, id: CustomsRequestId) -> Result<Option<request::Model>, Error> {
    Ok(request::Entity::find_by_id(id).one(db).await?)
}
