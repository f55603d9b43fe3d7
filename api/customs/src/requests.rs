//! Withdrawals (撤单) and returns (退货): asked of customs for a declaration, and what came of it.
//!
//! A withdrawal is asked while customs has the list and has not decided; before that nothing need be asked. A return is
//! asked for after the release; its goods come back, are looked at, and then customs is asked. Only when customs agrees,
//! whoever the document belongs to gives back quota, stock and money ([`Moved`], [`settle`]).
//!
//! ```text
//! withdrawal  ASKED ──agreed──> APPROVED      ASKED ──no──> REFUSED ──asked once more──> ASKED
//!             ASKED ──the list is rejected, or never got there──> APPROVED: there is nothing to withdraw
//!             ASKED, REFUSED ──customs let the goods go──> FAILED
//! return      ASKED ──goods came──> INSPECTED ──agreed──> APPROVED    INSPECTED ──no──> REFUSED ──pushed──> INSPECTED
//!             ASKED ──too late, not as sold──> FAILED                 ASKED, REFUSED ──> WITHDRAWN
//! ```
//!
//! While an answer is waited for ([`CustomsRequestState::waits`]) the goods stay where they are: whoever the document
//! belongs to sees to that.

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
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
    vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::json;

use super::{
    advance::{alarm, taken_back},
    document_of,
    jobs::Moved,
    lists, locked,
    papers::{again, papers_of, put},
    sale_of,
};

/// Most returns that lapse at once.
const AT_ONCE: u64 = 200;
/// Most lines of a return: a list has at most so many (CEB621).
const MOST_LINES: usize = 100;

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
    if row.state == declaration::DeclarationState::Cancelled {
        return Ok(TakenBack::Done);
    }
    let papers = papers_of(work.tx(), row.id).await?;
    let list = papers.iter().find(|paper| paper.kind == PaperKind::List);
    match list.map(|list| list.state) {
        Some(state) if state.can_be_withdrawn() => {
            match open_cancellation(work.tx(), row.id).await? {
                // It is asked already.
                Some(ask) if ask.state.waits() => {}
                Some(ask) => ask_once_more(app, work, &row, &ask, &papers).await?,
                None => {
                    let ask = insert(work, &row, CustomsRequestKind::Cancellation, reason, Vec::new(), None).await?;
                    ask_for_cancellation(app, work, &row, &ask, &papers).await?;
                }
            }
            Ok(TakenBack::Asked)
        }
        Some(state) if !state.can_be_sent() => {
            let from = async_graphql::Value::from(row.state).to_string();
            let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "CANCEL");
            Err(refusal.at("id").into())
        }
        // Customs has no list of it.
        _ => {
            taken_back(work, &row).await?;
            Ok(TakenBack::Done)
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
        settled_at: None,
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
    let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
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

/// Customs said no to a withdrawal, and is asked once more: the same paper, anew.
async fn ask_once_more(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    ask: &request::Model,
    papers: &[paper::Model],
) -> Result<(), Error> {
    step(work, ask, &[CustomsRequestState::Refused], CustomsRequestState::Asked, None).await?;
    match papers.iter().find(|paper| Some(paper.id) == ask.paper_id) {
        Some(paper) => again(app, work, row, None, paper).await,
        None => ask_for_cancellation(app, work, row, ask, papers).await,
    }
}

async fn open_cancellation(
    db: &impl ConnectionTrait,
    declaration: DeclarationId,
) -> Result<Option<request::Model>, Error> {
    let all = lists::requests(db, declaration).await?;
    Ok(all.into_iter().find(|ask| ask.kind == CustomsRequestKind::Cancellation && ask.state.is_open()))
}

/// The list has its number: a withdrawal that waited for it is asked of customs, unless customs has decided.
pub(super) async fn numbered(app: &App, work: &mut Work, declaration: DeclarationId) -> Result<(), Error> {
    let waiting = open_cancellation(work.tx(), declaration).await?;
    let Some(ask) = waiting.filter(|ask| ask.state.waits() && ask.paper_id.is_none()) else { return Ok(()) };
    let row = locked(work.tx(), declaration).await?;
    let papers = papers_of(work.tx(), declaration).await?;
    let undecided = papers.iter().any(|paper| paper.kind == PaperKind::List && paper.state.can_be_withdrawn());
    if undecided { ask_for_cancellation(app, work, &row, &ask, &papers).await } else { Ok(()) }
}

/// What became of a withdrawal that is asked for when the list comes to a state in which there is nothing to withdraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overtaken {
    /// None was asked for, or customs still has to answer.
    No,
    /// Customs does not have the list: the declaration is taken back as it was wanted.
    Withdrawn,
}

/// The list of a declaration came to a state; the declaration is locked.
pub(super) async fn overtaken(work: &mut Work, row: &declaration::Model, list: PaperState) -> Result<Overtaken, Error> {
    use CustomsRequestState::{Approved, Asked, Failed, Refused};
    let not_there = list.is_refused();
    let decided = list.is_released() || list == PaperState::ReturnedAbroad;
    if !not_there && !decided {
        return Ok(Overtaken::No);
    }
    let Some(ask) = open_cancellation(work.tx(), row.id).await? else { return Ok(Overtaken::No) };
    let (to, note) = match () {
        () if list.is_released() => (Failed, "customs had let the goods go"),
        () if decided => (Approved, "the goods go back abroad"),
        // Customs said no before: the order goes on, and its list is mended.
        () if ask.state == Refused => return Ok(Overtaken::No),
        () => (Approved, "customs does not have the list"),
    };
    if !step(work, &ask, &[Asked, Refused], to, Some(note)).await? {
        return Ok(Overtaken::No);
    }
    moved(work, row, &ask).await?;
    Ok(if not_there { Overtaken::Withdrawn } else { Overtaken::No })
}

/// A paper that asks is sent again after customs said no: an answer is waited for again.
pub(super) async fn sent_again(work: &mut Work, row: &declaration::Model, paper: &paper::Model) -> Result<(), Error> {
    use CustomsRequestState::{Asked, Inspected, Refused};
    let ask = request::Entity::find().filter(request::Column::PaperId.eq(paper.id)).one(work.tx()).await?;
    let Some(ask) = ask else { return Ok(()) };
    let to = if ask.kind == CustomsRequestKind::Return { Inspected } else { Asked };
    if step(work, &ask, &[Refused], to, None).await? {
        moved(work, row, &ask).await?;
    }
    Ok(())
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
pub(super) async fn answered(work: &mut Work, paper: &paper::Model) -> Result<(), Error> {
    use CustomsRequestState::{Approved, Asked as Waiting, Inspected, Refused};
    let ask = request::Entity::find().filter(request::Column::PaperId.eq(paper.id)).one(work.tx()).await?;
    let Some(ask) = ask else { return Ok(()) };
    let (to, from): (_, &[CustomsRequestState]) = match paper.state {
        PaperState::Reviewed => (Approved, &[Waiting, Inspected, Refused]),
        PaperState::Rejected | PaperState::Failed => (Refused, &[Waiting, Inspected]),
        _ => return Ok(()),
    };
    if !step(work, &ask, from, to, paper.info.as_deref()).await? {
        let given_up = matches!(ask.state, CustomsRequestState::Withdrawn | CustomsRequestState::Failed);
        if to == Approved && given_up && ask.kind == CustomsRequestKind::Return {
            // Customs gave the quota back, and the house did not.
            alarm(work, ask.declaration_id, "customs agreed to a return that was given up").await?;
        }
        return Ok(());
    }
    let row = locked(work.tx(), ask.declaration_id).await?;
    moved(work, &row, &ask).await
}

async fn moved(work: &mut Work, row: &declaration::Model, ask: &request::Model) -> Result<(), Error> {
    let job = Moved { declaration: row.id, document: row.document.clone(), state: row.state, request: Some(ask.id) };
    work.enqueue(&job).await
}

/// A return that customs agreed to, and what came back before it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The return.
    pub ask: request::Model,
    /// How many of each line of the order were settled before.
    pub before: BTreeMap<i32, i64>,
}

/// Marks a return as settled, in the transaction of whoever gives back what follows from it; none: customs did not
/// agree, or it was settled before. The declaration is locked: of several returns each counts what went before it.
pub async fn settle(work: &Work, id: CustomsRequestId) -> Result<Option<Settled>, Error> {
    use request::Column as C;
    let Some(ask) = by_id(work.tx(), id).await? else { return Ok(None) };
    locked(work.tx(), ask.declaration_id).await?;
    let done = request::Entity::update_many()
        .col_expr(C::SettledAt, Expr::val(Some(work.now)))
        .filter(C::Id.eq(id))
        .filter(C::Kind.eq(CustomsRequestKind::Return))
        .filter(C::State.eq(CustomsRequestState::Approved))
        .filter(C::SettledAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Ok(None);
    }
    let mut before = BTreeMap::new();
    let others = lists::requests(work.tx(), ask.declaration_id).await?;
    for other in others.iter().filter(|other| other.id != id && other.settled_at.is_some()) {
        for line in &other.lines.0 {
            *before.entry(line.number).or_default() += i64::from(line.quantity);
        }
    }
    Ok(Some(Settled { ask, before }))
}

/// Whether what a paper asks for is still wanted.
pub(super) async fn is_asked(db: &impl ConnectionTrait, paper: &paper::Model) -> Result<bool, Error> {
    let ask = request::Entity::find().filter(request::Column::PaperId.eq(paper.id)).one(db).await?;
    Ok(ask.is_some_and(|ask| ask.state.waits()))
}

/// Whether an answer of customs is waited for about a document: its goods stay where they are. The declaration is locked
/// until the transaction ends, so that nothing is asked meanwhile.
pub async fn waits(tx: &impl ConnectionTrait, document: &str) -> Result<bool, Error> {
    let Some(row) = lists::of_document(tx, document).await? else { return Ok(false) };
    locked(tx, row.id).await?;
    Ok(lists::requests(tx, row.id).await?.iter().any(|ask| ask.state.waits()))
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
    if lines.len() > MOST_LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_LINES.to_string()).at("lines").into());
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
    let mut merged: BTreeMap<i32, i32> = BTreeMap::new();
    for line in lines {
        *merged.entry(line.number).or_default() += line.quantity;
    }
    let lines = merged.into_iter().map(|(number, quantity)| ReturnedLine { number, quantity }).collect();
    insert(work, &row, CustomsRequestKind::Return, reason, lines, Some(due)).await
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
    inventory::ops::own_location(work.tx(), row.seller_id, location, "locationId").await?;
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
        let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
        let lines: Vec<(i32, i32)> = ask.lines.0.iter().map(|line| (line.number, line.quantity)).collect();
        let number = own_number(ask.kind, work.now)?;
        let document = sale::goods_return(&said, &number, &invt_no, &lines, &ask.reason, &stamp);
        let paper = put(app, &mut work, &row, PaperKind::Return, list.sender_id, &document, &stamp).await?;
        with_paper(&work, &ask, &paper).await?;
    } else {
        moved(&mut work, &row, &ask).await?;
    }
    let after = request::Entity::find_by_id(id).one(work.tx()).await?;
    let after = after.ok_or_else(|| Error::internal("a request is gone"))?;
    let shown = |ask: &request::Model| json!({ "document": row.document, "state": ask.state });
    work.audit(Some(row.seller_id), "inspectReturn", encode(id).0, shown(&ask), shown(&after));
    work.commit(after).await
}

/// A return that nobody wants any more: its goods have not come, or customs said no.
pub async fn withdraw(app: &App, call: &Call, id: CustomsRequestId) -> Result<request::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (ask, row) = found(&work, id).await?;
    call.may(Action::PlaceOrders, Resource::of_person(row.person_id))
        .or_else(|_| call.may(Action::FulfilOrders, Resource::of(row.seller_id)))?;
    let from = [CustomsRequestState::Asked, CustomsRequestState::Refused];
    let of_goods = ask.kind == CustomsRequestKind::Return;
    if !of_goods || !step(&work, &ask, &from, CustomsRequestState::Withdrawn, None).await? {
        return Err(refused(&ask, "WITHDRAW"));
    }
    moved(&mut work, &row, &ask).await?;
    let after = request::Entity::find_by_id(id).one(work.tx()).await?;
    let after = after.ok_or_else(|| Error::internal("a request is gone"))?;
    let shown = |ask: &request::Model| json!({ "document": row.document, "state": ask.state });
    work.audit(Some(row.seller_id), "withdrawReturn", encode(id).0, shown(&ask), shown(&after));
    work.commit(after).await
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
        if let Err(error) = lapses(app, &ask).await {
            // The others do not wait for it.
            tracing::error!(request = %ask.id, cause = error.told(), "a return did not lapse");
        }
    }
    Ok(())
}

async fn lapses(app: &App, ask: &request::Model) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let row = locked(work.tx(), ask.declaration_id).await?;
    let why = Some("the goods did not come in time");
    if step(&work, ask, &[CustomsRequestState::Asked], CustomsRequestState::Failed, why).await? {
        moved(&mut work, &row, ask).await?;
        work.commit(()).await?;
    }
    Ok(())
}

/// A request, for whoever follows it.
pub async fn by_id(db: &impl ConnectionTrait, id: CustomsRequestId) -> Result<Option<request::Model>, Error> {
    Ok(request::Entity::find_by_id(id).one(db).await?)
}
