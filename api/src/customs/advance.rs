//! A declaration goes on: what it waits for, what its papers say of each other, its next step. Everything that changes
//! something of it ends here.

use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        ceb::Document,
        codes::{CHINA, country, yuan},
        declaration::{self, Blocker, Blockers, DeclarationState, Transport},
        list_rules, match_row, matching,
        paper::{self, PaperKind, PaperState},
        sale::{self, FiledLine, ListTerms, Party, Sale, Stamp},
    },
    party::{Action, Resource},
    platform::EventKind,
    trade::Limits,
    values::{
        ErrorCode, Locale, Refusal, Refusals,
        id::{CustomsPaperId, DeclarationId, OrganisationId, PersonId, StockLocationId},
        refusal::{Check, line},
    },
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;

use super::{
    document_of,
    gathered::{Gathered, gather},
    jobs::{Advance, Moved, Send},
    kept_text, lists, locked, parties,
    requests::{self, Overtaken},
    sale_of, sale_place, sealed_document, taxes,
};
use crate::{
    app::{App, Call, Work},
    inventory::{book, ledger::By},
    platform::{
        clock::business_day,
        customs::fresh_guid,
        db::wrote,
        error::{Error, not_found, stale, taken},
        graphql::encode,
    },
};

/// Most declarations that become overdue at once.
const AT_ONCE: u64 = 200;
/// Longest text of an alarm.
const LONGEST_ALARM: usize = 300;

/// An order that was paid, and is to be declared.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its number.
    pub document: String,
    /// Who sells.
    pub seller: OrganisationId,
    /// Who buys.
    pub person: PersonId,
    /// As bonded or as direct import.
    pub mode: SupplyMode,
    /// From which warehouse.
    pub location: Option<StockLocationId>,
    /// The facts, as they are now.
    pub sale: Sale,
}

/// Opens a declaration, in the transaction in which its order was paid; once for each document.
pub async fn open(app: &App, work: &mut Work, opening: Opening) -> Result<(), Error> {
    if lists::of_document(work.tx(), &opening.document).await?.is_some() {
        return Ok(());
    }
    let id = DeclarationId::new(work.now);
    let facts = serde_json::to_vec(&opening.sale).map_err(Error::internal)?;
    let row = declaration::Model {
        id,
        document: opening.document,
        seller_id: opening.seller,
        person_id: opening.person,
        mode: opening.mode,
        location_id: opening.location,
        state: DeclarationState::Waiting,
        blockers: Blockers::default(),
        sale: app.vault().seal(&sale_place(id), &facts)?,
        transport: None,
        waybill: None,
        gross_weight_g: opening.sale.gross_weight_g(),
        guarantor_id: None,
        invt_no: None,
        released_at: None,
        waits_until: Some(work.now + app.config().customs.wait()),
        overdue: false,
        alarm: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    declaration::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    work.enqueue(&Advance { declaration: id }).await
}

/// Looks what a declaration waits for, and takes its next step.
pub async fn advance(app: &App, work: &mut Work, id: DeclarationId) -> Result<declaration::Model, Error> {
    let before = locked(work.tx(), id).await?;
    if before.state.is_over() {
        return Ok(before);
    }
    let mut next = before.clone();
    let mut papers = papers_of(work.tx(), id).await?;
    let sent = papers.iter().find(|paper| paper.kind == PaperKind::List).map(|paper| paper.state);
    if sent.is_none() {
        prepare(app, work, &mut next, &mut papers).await?;
    }
    let list = papers.iter().find(|paper| paper.kind == PaperKind::List);
    let withdrawn = papers.iter().any(|p| p.kind == PaperKind::Cancellation && p.state == PaperState::Reviewed);
    if let Some(list) = list {
        next.state = DeclarationState::of_list(list.state);
        next.blockers = Blockers::default();
        next.invt_no = list.invt_no.clone().or(next.invt_no);
        if next.state.is_released() {
            next.released_at = lists::released_at(work.tx(), list).await?.or(next.released_at).or(Some(work.now));
        }
        if requests::overtaken(work, &next, list.state).await? == Overtaken::Withdrawn {
            next.state = DeclarationState::Cancelled;
        }
    }
    if withdrawn && !next.state.is_released() {
        next.state = DeclarationState::Cancelled;
    }
    let settled = next.state.is_released() || next.state.is_over();
    if settled {
        (next.waits_until, next.overdue) = (None, false);
    } else if next.state != before.state {
        (next.waits_until, next.overdue) = (Some(work.now + app.config().customs.wait()), false);
    }
    write(work, &before, next).await
}

/// Writes what became of a declaration, and tells of it; nothing when nothing did.
async fn write(
    work: &mut Work,
    before: &declaration::Model,
    mut next: declaration::Model,
) -> Result<declaration::Model, Error> {
    use declaration::Column as C;
    if next == *before {
        return Ok(next);
    }
    next.version = before.version + 1;
    next.updated_at = work.now;
    declaration::Entity::update_many()
        .col_expr(C::State, Expr::val(next.state))
        .col_expr(C::Blockers, Expr::val(serde_json::to_value(&next.blockers).map_err(Error::internal)?))
        .col_expr(C::Waybill, Expr::val(next.waybill.clone()))
        .col_expr(C::GrossWeightG, Expr::val(next.gross_weight_g))
        .col_expr(C::GuarantorId, Expr::val(next.guarantor_id))
        .col_expr(C::InvtNo, Expr::val(next.invt_no.clone()))
        .col_expr(C::ReleasedAt, Expr::val(next.released_at))
        .col_expr(C::WaitsUntil, Expr::val(next.waits_until))
        .col_expr(C::Overdue, Expr::val(next.overdue))
        .col_expr(C::Alarm, Expr::val(next.alarm.clone()))
        .col_expr(C::Version, Expr::val(next.version))
        .col_expr(C::UpdatedAt, Expr::val(next.updated_at))
        .filter(C::Id.eq(next.id))
        .exec(work.tx())
        .await?;
    if next.released_at != before.released_at {
        taxes::released(work, &next).await?;
    }
    if next.state != before.state {
        let moved = Moved { declaration: next.id, document: next.document.clone(), state: next.state, request: None };
        work.enqueue(&moved).await?;
        work.tell(next.seller_id, EventKind::DeclarationChanged, encode(next.id).0, next.version).await?;
    }
    Ok(next)
}

/// The papers of a declaration, the oldest first.
pub(super) async fn papers_of(db: &impl ConnectionTrait, id: DeclarationId) -> Result<Vec<paper::Model>, Error> {
    let papers = paper::Entity::find().filter(paper::Column::DeclarationId.eq(id));
    Ok(papers.order_by_asc(paper::Column::Id).all(db).await?)
}

/// Writes what papers can be written, matches what is there, and declares the list when nothing is missing any more.
async fn prepare(
    app: &App,
    work: &mut Work,
    next: &mut declaration::Model,
    papers: &mut Vec<paper::Model>,
) -> Result<(), Error> {
    let facts = sale_of(app.vault(), next)?;
    adopt(work, next, papers).await?;
    relock(work, next, &facts).await?;
    let mut blockers = Vec::new();
    let gathered = match gather(work.tx(), next, facts).await? {
        Ok(gathered) => Some(gathered),
        Err(missing) => {
            blockers.extend(missing);
            None
        }
    };
    if let Some(gathered) = &gathered {
        next.guarantor_id = Some(gathered.arrangement.guarantor_id);
        write_own(app, work, next, gathered, papers).await?;
    }
    let of = |kind: PaperKind| papers.iter().find(|paper| paper.kind == kind);
    let (order, payment, waybill) = (of(PaperKind::Order), of(PaperKind::Payment), of(PaperKind::Waybill));
    // Another paper has its key: `write_own` says so.
    blockers.extend((gathered.is_some() && order.is_none()).then_some(Blocker::PapersRejected));
    blockers.extend((gathered.is_some() && payment.is_none()).then_some(Blocker::NoPayment));
    blockers.extend((gathered.is_some() && waybill.is_none()).then_some(Blocker::NoWaybill));
    let direct = next.mode == SupplyMode::DirectImport;
    blockers.extend((direct && next.transport.is_none()).then_some(Blocker::NoTransport));
    let three: Vec<&paper::Model> = [order, payment, waybill].into_iter().flatten().collect();
    let refused = |paper: &&paper::Model| paper.state.can_be_sent() && paper.state != PaperState::Draft;
    if three.iter().any(refused) {
        blockers.push(Blocker::PapersRejected);
    } else if three.iter().any(|paper| !is_taken(paper)) {
        blockers.push(Blocker::PapersNotAccepted);
    }
    let documents = Three::opened(app, order, payment, waybill)?;
    let by_carrier = gathered.as_ref().is_some_and(|gathered| gathered.arrangement.waybill_by_party);
    if let (Some(note), true) = (documents.waybill.as_ref(), by_carrier) {
        // What the carrier weighed is what the list says.
        let weight = note.head.get("weight").and_then(entities::customs::codes::e5).map(|e5| e5 / 100);
        next.gross_weight_g = weight.filter(|grams| *grams > 0).unwrap_or(next.gross_weight_g);
    }
    let list = match (&gathered, &documents.waybill) {
        (Some(gathered), Some(note)) if !blockers.contains(&Blocker::NoTransport) => {
            next.waybill = note.head.get("logisticsNo").map(str::to_owned);
            let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
            Some((list_of(next, gathered, &stamp, None), stamp))
        }
        _ => None,
    };
    let mismatched = matched(work, next.id, list.as_ref().map(|(list, _)| list), &documents).await?;
    blockers.extend(mismatched.then_some(Blocker::Mismatch));
    let was_invalid = next.blockers.0.contains(&Blocker::ListInvalid);
    if was_invalid {
        // That was its alarm; what else is odd stays until somebody looked.
        next.alarm = None;
    }
    if let Some((list, _)) = &list {
        let limits = Limits::on(business_day(work.now)).ok_or_else(|| Error::internal("no limits hold today"))?;
        if let Some(fault) = list_rules::list_faults(list, &limits).first() {
            blockers.push(Blocker::ListInvalid);
            next.alarm = Some(fault.message(&Locale::zh_cn()).chars().take(LONGEST_ALARM).collect());
        }
    }
    next.state = match () {
        () if blockers.contains(&Blocker::PapersRejected) => DeclarationState::Rejected,
        () if mismatched => DeclarationState::Mismatched,
        () => DeclarationState::Waiting,
    };
    if let (true, Some((list, stamp)), Some(gathered)) = (blockers.is_empty(), list, &gathered) {
        let declarer = gathered.arrangement.declarer_id;
        papers.push(put(app, work, next, PaperKind::List, declarer, &list, &stamp).await?);
        let odd = |filed: &FiledLine<'_>| filed.filing.price_is_odd(filed.line.unit_minor);
        if let Some(filed) = gathered.lines().iter().find(|filed| odd(filed)) {
            // It is declared as it was sold; customs may ask.
            let (sold, said) = (yuan(filed.line.unit_minor), yuan(filed.filing.price_minor));
            next.alarm = Some(format!("line {} was sold for {sold}, and {said} is filed", filed.line.number));
        }
    }
    next.blockers = Blockers(blockers);
    Ok(())
}

/// Whether customs has a paper, or its sender said that it sent it.
fn is_taken(paper: &paper::Model) -> bool {
    paper.sent_by_party || matches!(paper.state, PaperState::Accepted | PaperState::Reviewed)
}

/// The three papers as documents.
struct Three {
    order: Option<Document>,
    payment: Option<Document>,
    waybill: Option<Document>,
}

impl Three {
    fn opened(
        app: &App,
        order: Option<&paper::Model>,
        payment: Option<&paper::Model>,
        waybill: Option<&paper::Model>,
    ) -> Result<Self, Error> {
        let open = |paper: Option<&paper::Model>| paper.map(|paper| document_of(app.vault(), paper)).transpose();
        Ok(Self { order: open(order)?, payment: open(payment)?, waybill: open(waybill)? })
    }
}

/// Matches the papers, and keeps what was found; answers whether something does not match.
async fn matched(work: &Work, id: DeclarationId, list: Option<&Document>, three: &Three) -> Result<bool, Error> {
    let papers = matching::Papers {
        list,
        order: three.order.as_ref(),
        payment: three.payment.as_ref().map(|payment| &payment.head),
        waybill: three.waybill.as_ref().map(|waybill| &waybill.head),
    };
    let found = matching::rows(&papers, &matching::Terms::default());
    let mismatched = matching::mismatch(&found).is_some();
    let rows: Vec<match_row::Model> = found
        .into_iter()
        .enumerate()
        .map(|(n, row)| match_row::Model {
            declaration_id: id,
            position: i32::try_from(n).unwrap_or(i32::MAX),
            rule: row.rule,
            left: row.left.chars().take(300).collect(),
            right: row.right.chars().take(300).collect(),
            verdict: row.verdict,
            at: work.now,
        })
        .collect();
    let before = lists::matches(work.tx(), id).await?;
    let says = |row: &match_row::Model| (row.rule, row.left.clone(), row.right.clone(), row.verdict);
    if before.iter().map(says).eq(rows.iter().map(says)) {
        return Ok(mismatched);
    }
    let of = match_row::Entity::delete_many().filter(match_row::Column::DeclarationId.eq(id));
    of.exec(work.tx()).await?;
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    match_row::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(mismatched)
}

/// Papers that parties gave before there was a declaration are its own from here on.
async fn adopt(work: &Work, next: &declaration::Model, papers: &mut Vec<paper::Model>) -> Result<(), Error> {
    let strays = paper::Entity::find()
        .filter(paper::Column::Document.eq(&next.document))
        .filter(paper::Column::DeclarationId.is_null())
        .order_by_asc(paper::Column::Id)
        .all(work.tx())
        .await?;
    for stray in strays {
        let known = papers.iter().any(|paper| paper.kind == stray.kind);
        if known || !parties::speaks_for(work.tx(), next, stray.kind, stray.sender_id).await? {
            continue;
        }
        paper::Entity::update_many()
            .col_expr(paper::Column::DeclarationId, Expr::val(Some(next.id)))
            .filter(paper::Column::Id.eq(stray.id))
            .exec(work.tx())
            .await?;
        papers.push(paper::Model { declaration_id: Some(next.id), ..stray });
    }
    Ok(())
}

/// Goods that were filed in the account book after they were ordered are locked there now.
async fn relock(work: &Work, next: &declaration::Model, facts: &Sale) -> Result<(), Error> {
    let Some(location) = next.location_id.filter(|_| next.mode == SupplyMode::BondedImport) else { return Ok(()) };
    let there = book::locked_for(work.tx(), &next.document).await?;
    if facts.lines.iter().all(|line| there.iter().any(|item| item.variant_id == line.variant)) {
        return Ok(());
    }
    let variants = facts.lines.iter().map(|line| line.variant);
    let filed = book::filed(work.tx(), next.seller_id, location, variants).await?;
    let wants: Vec<book::Wanted> = facts
        .lines
        .iter()
        .filter(|line| filed.contains(&line.variant))
        .map(|line| (next.seller_id, location, line.variant, i64::from(line.quantity)))
        .collect();
    match book::lock(work.tx(), By { actor: "customs", at: work.now }, &wants, &next.document).await {
        // Too little is in the book: it stays a blocker.
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The list of a declaration.
pub(super) fn list_of(row: &declaration::Model, gathered: &Gathered, stamp: &Stamp, pre_no: Option<&str>) -> Document {
    let terms = ListTerms {
        cop_no: &row.document,
        customs_code: &gathered.arrangement.customs_code,
        port_code: &gathered.arrangement.port_code,
        book: gathered.book.as_deref(),
        traf_mode: &gathered.arrangement.traf_mode,
        transport: row.transport.as_ref(),
        waybill: row.waybill.as_deref().unwrap_or_default(),
        gross_weight_g: row.gross_weight_g,
        pre_no,
    };
    sale::list(&gathered.sale, &gathered.parties, &gathered.lines(), &terms, stamp)
}

/// Writes those of the three papers that the house writes, and has not.
async fn write_own(
    app: &App,
    work: &mut Work,
    next: &mut declaration::Model,
    gathered: &Gathered,
    papers: &mut Vec<paper::Model>,
) -> Result<(), Error> {
    let arrangement = &gathered.arrangement;
    let wanted = [
        (PaperKind::Order, true),
        (PaperKind::Payment, !arrangement.payment_by_party),
        (PaperKind::Waybill, !arrangement.waybill_by_party && next.waybill.is_some()),
    ];
    for (kind, _) in wanted.into_iter().filter(|(_, own)| *own) {
        if papers.iter().any(|paper| paper.kind == kind) {
            continue;
        }
        let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
        let Some((document, sender)) = own_paper(next, gathered, kind, &stamp) else { continue };
        match put_new(app, work, of(next), kind, sender, &document, &stamp).await? {
            Some(paper) => papers.push(paper),
            None => next.alarm = Some(kept_text(&taken_key(kind, &document), LONGEST_ALARM)),
        }
    }
    Ok(())
}

/// A paper that the house writes, and for whom; none: it does not write this kind.
pub(super) fn own_paper(
    row: &declaration::Model,
    gathered: &Gathered,
    kind: PaperKind,
    stamp: &Stamp,
) -> Option<(Document, OrganisationId)> {
    let (facts, parties, arrangement) = (&gathered.sale, &gathered.parties, &gathered.arrangement);
    Some(match kind {
        PaperKind::Order => (sale::order(facts, parties, &gathered.lines(), stamp), row.seller_id),
        PaperKind::Payment => (sale::payment(facts, parties, stamp), arrangement.payer_id),
        PaperKind::Waybill => {
            let number = row.waybill.as_deref()?;
            let weight = row.gross_weight_g;
            (sale::waybill(facts, parties, number, &gathered.goods(), weight, stamp), arrangement.carrier_id)
        }
        PaperKind::List => (list_of(row, gathered, stamp, None), arrangement.declarer_id),
        _ => return None,
    })
}

/// What an alarm says of a key that another paper has.
fn taken_key(kind: PaperKind, document: &Document) -> String {
    format!("another paper is known as CEB{} {}", kind.number(), kind.key(&document.head))
}

/// Writes a paper of a declaration, and has it sent; its number is the house's own, so nobody else has it.
pub(super) async fn put(
    app: &App,
    work: &mut Work,
    declaration: &declaration::Model,
    kind: PaperKind,
    sender: OrganisationId,
    document: &Document,
    stamp: &Stamp,
) -> Result<paper::Model, Error> {
    put_about(app, work, of(declaration), kind, sender, document, stamp).await
}

/// What a paper is about, and the declaration that it is part of.
type About<'a> = (&'a str, Option<DeclarationId>);

fn of(declaration: &declaration::Model) -> About<'_> {
    (declaration.document.as_str(), Some(declaration.id))
}

/// The same of anything.
pub(super) async fn put_about(
    app: &App,
    work: &mut Work,
    about: About<'_>,
    kind: PaperKind,
    sender: OrganisationId,
    document: &Document,
    stamp: &Stamp,
) -> Result<paper::Model, Error> {
    let paper = put_new(app, work, about, kind, sender, document, stamp).await?;
    paper.ok_or_else(|| Error::internal(taken_key(kind, document)))
}

/// The same where another paper may be known by its key; then none.
async fn put_new(
    app: &App,
    work: &mut Work,
    (about, declaration): About<'_>,
    kind: PaperKind,
    sender: OrganisationId,
    document: &Document,
    stamp: &Stamp,
) -> Result<Option<paper::Model>, Error> {
    let id = CustomsPaperId::new(work.now);
    let row = paper::Model {
        id,
        kind,
        business_key: kind.key(&document.head),
        document: about.to_owned(),
        declaration_id: declaration,
        sender_id: sender,
        sent_by_party: false,
        given: false,
        guid: stamp.guid.clone(),
        attempt: 1,
        state: PaperState::Draft,
        status: None,
        info: None,
        pre_no: None,
        invt_no: None,
        body: sealed_document(app.vault(), id, document)?,
        sent_at: None,
        stated_at: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let once = OnConflict::columns([paper::Column::Kind, paper::Column::BusinessKey]).do_nothing().to_owned();
    let insert = paper::Entity::insert(row.clone().into_active_model()).on_conflict(once).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Ok(None);
    }
    work.enqueue(&Send { paper: id, attempt: 1, document: row.document.clone() }).await?;
    Ok(Some(row))
}

/// Sends again what failed, what customs did not take, and what nobody has answered to; mended by what is filed and
/// arranged now. While no list is declared, papers of the house that customs has and that would be written otherwise now
/// are changed there, too. What was odd has been looked at. An operator's, or the seller's, step.
pub async fn push(app: &App, call: &Call, id: DeclarationId) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepDeclarations, Resource::of(row.seller_id))?;
    let row = locked(work.tx(), id).await?;
    let papers = papers_of(work.tx(), id).await?;
    if !row.state.is_over() {
        let gathered = gather(work.tx(), &row, sale_of(app.vault(), &row)?).await?.ok();
        let list = papers.iter().find(|paper| paper.kind == PaperKind::List);
        for paper in papers.iter().filter(|paper| !paper.sent_by_party) {
            let withdraws = paper.kind == PaperKind::Cancellation;
            if withdraws && list.is_some_and(|list| !list.state.can_be_withdrawn()) {
                // There is nothing to withdraw any more.
                continue;
            }
            if list.is_none() && differs(app, &row, gathered.as_ref(), paper)? {
                resend(app, &mut work, &row, gathered.as_ref(), paper).await?;
            } else {
                again(app, &mut work, &row, gathered.as_ref(), paper).await?;
            }
        }
    }
    if row.alarm.is_some() {
        declaration::Entity::update_many()
            .col_expr(declaration::Column::Alarm, Expr::val(Option::<String>::None))
            .col_expr(declaration::Column::Version, Expr::col(declaration::Column::Version).add(1))
            .filter(declaration::Column::Id.eq(id))
            .exec(work.tx())
            .await?;
    }
    let after = advance(app, &mut work, id).await?;
    let shown = |row: &declaration::Model| json!({ "document": row.document, "state": row.state });
    work.audit(Some(row.seller_id), "pushDeclaration", encode(id).0, shown(&row), shown(&after));
    work.commit(after).await
}

/// Whether customs has a paper of the house that would be written otherwise now.
fn differs(
    app: &App,
    row: &declaration::Model,
    gathered: Option<&Gathered>,
    paper: &paper::Model,
) -> Result<bool, Error> {
    if paper.given || !matches!(paper.state, PaperState::Accepted | PaperState::Reviewed) {
        return Ok(false);
    }
    let before = document_of(app.vault(), paper)?;
    // Under the number, time and type of what was sent, only what it is about can differ.
    let stamp = Stamp { guid: String::new(), again: false, at: paper.created_at };
    let now = gathered.and_then(|gathered| own_paper(row, gathered, paper.kind, &stamp));
    Ok(now.is_some_and(|(now, _)| !says_the_same(&now, &before)))
}

/// Whether two documents say the same, but for when and how often it was said.
pub(super) fn says_the_same(before: &Document, after: &Document) -> bool {
    let said = |document: &Document| -> Vec<(String, String)> {
        let stamped = |name: &str| matches!(name, "guid" | "appType" | "appTime" | "ieDate" | "preNo");
        let values = document.head.values().filter(|(name, _)| !stamped(name));
        values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    said(before) == said(after) && before.lines == after.lines
}

/// Sends one paper again, when that may help. What a party gave is its own word: it is sent again as it is, or given anew.
pub(super) async fn again(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    gathered: Option<&Gathered>,
    paper: &paper::Model,
) -> Result<(), Error> {
    let silent = matches!(paper.state, PaperState::Sent | PaperState::AtPort);
    if silent || paper.state == PaperState::Draft {
        // Nobody has answered: the same message once more is the same paper to whoever has it already.
        let job = Send { paper: paper.id, attempt: paper.attempt, document: paper.document.clone() };
        return work.enqueue(&job).await;
    }
    if paper.given || !paper.state.can_be_sent() {
        return Ok(());
    }
    if matches!(paper.kind, PaperKind::Cancellation | PaperKind::Return) {
        requests::sent_again(work, row, paper).await?;
    }
    resend(app, work, row, gathered, paper).await
}

/// Another attempt of a paper, written anew where the house writes it.
async fn resend(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    gathered: Option<&Gathered>,
    paper: &paper::Model,
) -> Result<(), Error> {
    // A list that is changed names the e-port's number of it.
    let numbered = paper.kind != PaperKind::List || paper.pre_no.is_some();
    let stored = numbered && lists::was_accepted(work.tx(), paper.id).await?;
    let stamp = Stamp { guid: fresh_guid()?, again: stored, at: work.now };
    let mended = gathered.and_then(|gathered| match paper.kind {
        PaperKind::List => {
            let pre_no = paper.pre_no.as_deref().filter(|_| stored);
            Some((list_of(row, gathered, &stamp, pre_no), gathered.arrangement.declarer_id))
        }
        kind => own_paper(row, gathered, kind, &stamp),
    });
    let (document, sender) = match mended {
        Some(mended) => mended,
        None => (restamped(document_of(app.vault(), paper)?, &stamp), paper.sender_id),
    };
    if let (PaperKind::List, Some(gathered)) = (paper.kind, gathered) {
        // Who answers for the taxes is who the list names.
        declaration::Entity::update_many()
            .col_expr(declaration::Column::GuarantorId, Expr::val(Some(gathered.arrangement.guarantor_id)))
            .filter(declaration::Column::Id.eq(row.id))
            .exec(work.tx())
            .await?;
    }
    renewed(app, work, paper, sender, &document, &stamp).await
}

/// Writes another attempt of a paper, and has it sent. Refused at `id` when another paper has its key from now on, and when
/// somebody else sent it anew meanwhile.
pub(super) async fn renewed(
    app: &App,
    work: &mut Work,
    paper: &paper::Model,
    sender: OrganisationId,
    document: &Document,
    stamp: &Stamp,
) -> Result<(), Error> {
    use paper::Column as C;
    let key = paper.kind.key(&document.head);
    let done = paper::Entity::update_many()
        .col_expr(C::BusinessKey, Expr::val(&key))
        .col_expr(C::SenderId, Expr::val(sender))
        .col_expr(C::SentAt, Expr::val(Option::<DateTime<Utc>>::None))
        .col_expr(C::Guid, Expr::val(&stamp.guid))
        .col_expr(C::Attempt, Expr::col(C::Attempt).add(1))
        .col_expr(C::State, Expr::val(PaperState::Draft))
        .col_expr(C::Status, Expr::val(Option::<String>::None))
        .col_expr(C::Info, Expr::val(Option::<String>::None))
        .col_expr(C::Body, Expr::val(sealed_document(app.vault(), paper.id, document)?))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(paper.id))
        .filter(C::Attempt.eq(paper.attempt))
        .exec(work.tx())
        .await
        .map_err(|error| taken(error, "customs_paper", &["kind", "business_key"], "id", &key))?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    let job = Send { paper: paper.id, attempt: paper.attempt + 1, document: paper.document.clone() };
    work.enqueue(&job).await
}

/// The same document under another number and time.
fn restamped(document: Document, stamp: &Stamp) -> Document {
    let said = document.head.values().fold(entities::customs::ceb::Record::default(), |record, (name, value)| {
        let value = match name {
            "guid" => stamp.guid.clone(),
            "appTime" => entities::customs::codes::moment(stamp.at),
            _ => value.to_owned(),
        };
        record.with(name, value)
    });
    Document { head: said, lines: document.lines }
}

/// How goods come, as it is typed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Coming<'a> {
    pub vehicle: &'a str,
    pub voyage: &'a str,
    pub bill: &'a str,
    pub traf_mode: &'a str,
    pub country: &'a str,
}

/// How goods come, checked; all that is wrong with it at once.
pub fn transport(coming: Coming<'_>) -> Result<Transport, Refusals> {
    let mut check = Check::default();
    let traf_no = check.take("vehicle", line(coming.vehicle, 100));
    let voyage_no = check.take("voyage", line(coming.voyage, 32));
    let bill_no = check.take("bill", line(coming.bill, 37));
    let mode = coming.traf_mode.trim();
    let known = matches!(mode.as_bytes(), [b'2'..=b'6' | b'9']);
    let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", mode);
    let traf_mode = check.take("trafMode", known.then(|| mode.to_owned()).ok_or_else(wrong));
    let unknown = || Refusal::new(ErrorCode::InvalidCountry).with("value", coming.country);
    let of = coming.country.parse().ok().and_then(|code| country(&code)).filter(|number| *number != CHINA);
    let from = check.take("country", of.ok_or_else(unknown));
    match (traf_no, voyage_no, bill_no, traf_mode, from) {
        (Some(traf_no), Some(voyage_no), Some(bill_no), Some(traf_mode), Some(from)) => {
            check.done(Transport { traf_no, voyage_no, bill_no, traf_mode, country: from.to_owned() })
        }
        _ => Err(check.0),
    }
}

/// A parcel was signed for, in the transaction in which that became known: customs is told, once, unless the carrier
/// does.
pub async fn signed_for(app: &App, work: &mut Work, document: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let Some(row) = lists::of_document(work.tx(), document).await? else { return Ok(()) };
    let row = locked(work.tx(), row.id).await?;
    let papers = papers_of(work.tx(), row.id).await?;
    let Some(waybill) = papers.iter().find(|paper| paper.kind == PaperKind::Waybill) else { return Ok(()) };
    if waybill.sent_by_party || papers.iter().any(|paper| paper.kind == PaperKind::WaybillStatus) {
        return Ok(());
    }
    let said = document_of(app.vault(), waybill)?;
    let named = |name: &str| said.head.get(name).unwrap_or_default().to_owned();
    let carrier = Party { code: named("logisticsCode"), name: named("logisticsName") };
    let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
    let document = sale::signed_for(&carrier, &named("logisticsNo"), at, &stamp);
    put(app, work, &row, PaperKind::WaybillStatus, waybill.sender_id, &document, &stamp).await?;
    Ok(())
}

/// Says how the goods of a direct import come.
pub async fn set_transport(
    app: &App,
    call: &Call,
    id: DeclarationId,
    transport: Transport,
) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepDeclarations, Resource::of(row.seller_id))?;
    if row.mode != SupplyMode::DirectImport {
        // Bonded goods set out from within the country: their list would say a flight that nobody took.
        let name = async_graphql::Value::from(row.mode).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("id").into());
    }
    let row = locked(work.tx(), id).await?;
    if row.state.is_released() || row.state.is_over() {
        let from = async_graphql::Value::from(row.state).to_string();
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "SET_TRANSPORT");
        return Err(refusal.at("id").into());
    }
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Transport, Expr::val(serde_json::to_value(&transport).map_err(Error::internal)?))
        .filter(declaration::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    let after = advance(app, &mut work, id).await?;
    work.audit(Some(row.seller_id), "setTransport", encode(id).0, json!(row.transport), json!(transport));
    work.commit(after).await
}

/// The carrier's number of a parcel is known, and what it weighs; in the transaction in which it became so.
pub async fn waybill_known(
    app: &App,
    work: &mut Work,
    document: &str,
    number: &str,
    gross_weight_g: i64,
) -> Result<(), Error> {
    let Some(row) = lists::of_document(work.tx(), document).await? else { return Ok(()) };
    let row = locked(work.tx(), row.id).await?;
    if row.waybill.is_some() {
        return Ok(());
    }
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Waybill, Expr::val(Some(number)))
        .col_expr(declaration::Column::GrossWeightG, Expr::val(Ord::max(gross_weight_g, 1)))
        .filter(declaration::Column::Id.eq(row.id))
        .exec(work.tx())
        .await?;
    advance(app, work, row.id).await?;
    Ok(())
}

/// A declaration is taken back before customs has its list, in the transaction of whoever takes it back.
pub(super) async fn taken_back(work: &mut Work, row: &declaration::Model) -> Result<declaration::Model, Error> {
    let next = declaration::Model {
        state: DeclarationState::Cancelled,
        blockers: Blockers::default(),
        waits_until: None,
        overdue: false,
        ..row.clone()
    };
    write(work, row, next).await
}

/// The same of a document, for whoever it belongs to.
pub async fn odd(work: &Work, document: &str, what: &str) -> Result<(), Error> {
    match lists::of_document(work.tx(), document).await? {
        Some(row) => alarm(work, row.id, what).await,
        None => Ok(()),
    }
}

/// Something of a declaration is odd: a person looks.
pub(super) async fn alarm(work: &Work, id: DeclarationId, what: &str) -> Result<(), Error> {
    let what = kept_text(what, LONGEST_ALARM);
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Alarm, Expr::val(Some(what)))
        .col_expr(declaration::Column::Version, Expr::col(declaration::Column::Version).add(1))
        .filter(declaration::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// Marks the declarations whose wait is over, and looks at each once more.
pub(super) async fn overdue(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let due = declaration::Entity::find()
        .filter(
            Condition::all().add(declaration::Column::WaitsUntil.lte(now)).add(declaration::Column::Overdue.eq(false)),
        )
        .order_by_asc(declaration::Column::WaitsUntil)
        .limit(AT_ONCE)
        .all(app.db().read())
        .await?;
    for row in due {
        if let Err(error) = is_overdue(app, row.id, now).await {
            // The others do not wait for it.
            tracing::error!(declaration = %row.id, cause = error.told(), "an overdue declaration was not looked at");
        }
    }
    Ok(())
}

async fn is_overdue(app: &App, id: DeclarationId, now: DateTime<Utc>) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    locked(work.tx(), id).await?;
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Overdue, Expr::val(true))
        .filter(declaration::Column::Id.eq(id))
        .filter(declaration::Column::WaitsUntil.lte(now))
        .exec(work.tx())
        .await?;
    advance(app, &mut work, id).await?;
    work.commit(()).await
}
