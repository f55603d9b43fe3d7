//! A declaration goes on: what it waits for, what its papers say of each other, its next step. Everything that changes
//! something of it ends here.

use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        ceb::Document,
        codes::yuan,
        declaration::{self, Blocker, Blockers, DeclarationState},
        list_rules, match_row, matching,
        paper::{self, PaperKind, PaperState},
        sale::{FiledLine, Sale, Stamp},
    },
    party::{Action, Resource},
    platform::EventKind,
    trade::Limits,
    values::{
        Locale,
        id::{DeclarationId, OrganisationId, PersonId, StockLocationId},
    },
};
use inventory::{book, ledger::By};
use party::ops::identities;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use serde_json::json;

use super::{
    document_of,
    gathered::{Gathered, gather},
    jobs::{Advance, Moved},
    kept_text, lists, locked,
    papers::{about, again, differs, list_of, own_paper, papers_of, put, put_new, resend, taken_key},
    parties,
    requests::{self, Overtaken},
    sale_of, sale_place, taxes,
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
    // Also when an earlier release became known: what it counts to may be another year.
    if next.state != before.state || next.released_at != before.released_at {
        let moved = Moved { declaration: next.id, document: next.document.clone(), state: next.state, request: None };
        work.enqueue(&moved).await?;
        work.tell(next.seller_id, EventKind::DeclarationChanged, encode(next.id).0, next.version).await?;
    }
    Ok(next)
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
    if let (Some(gathered), None) = (&gathered, order) {
        // Else another paper has its key: `write_own` says so.
        let awaited = gathered.arrangement.order_by_party;
        blockers.push(if awaited { Blocker::NoOrder } else { Blocker::PapersRejected });
    }
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
    let mismatched = matched(app, work, next.id, list.as_ref().map(|(list, _)| list), &documents).await?;
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

/// On what terms papers are matched: whether the buyer is known to be who the order says, by how much weights may differ.
pub(super) async fn terms(
    app: &App,
    db: &impl ConnectionTrait,
    papers: &matching::Papers<'_>,
) -> Result<matching::Terms, Error> {
    let settings = &app.config().customs.matching;
    let named = |name: &str| papers.order.and_then(|order| order.head.get(name)).unwrap_or_default();
    let (name, number) = (named("buyerName"), named("buyerIdNumber"));
    Ok(matching::Terms {
        identity_verified: identities::is_verified(app, db, name, number).await?,
        weight_tolerance_permille: settings.weight_tolerance_permille,
        weight_tolerance_grams: settings.weight_tolerance_grams,
    })
}

/// Matches the papers, and keeps what was found; answers whether something does not match.
async fn matched(
    app: &App,
    work: &Work,
    id: DeclarationId,
    list: Option<&Document>,
    three: &Three,
) -> Result<bool, Error> {
    let papers = matching::Papers {
        list,
        order: three.order.as_ref(),
        payment: three.payment.as_ref().map(|payment| &payment.head),
        waybill: three.waybill.as_ref().map(|waybill| &waybill.head),
    };
    let found = matching::rows(&papers, &terms(app, work.tx(), &papers).await?);
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
        .filter(paper::Column::Kind.is_in([PaperKind::Order, PaperKind::Payment, PaperKind::Waybill]))
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
        (PaperKind::Order, !arrangement.order_by_party),
        (PaperKind::Payment, !arrangement.payment_by_party),
        (PaperKind::Waybill, !arrangement.waybill_by_party && next.waybill.is_some()),
    ];
    for (kind, _) in wanted.into_iter().filter(|(_, own)| *own) {
        if papers.iter().any(|paper| paper.kind == kind) {
            continue;
        }
        let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
        let Some((document, sender)) = own_paper(next, gathered, kind, &stamp) else { continue };
        match put_new(app, work, about(next), kind, sender, &document, &stamp).await? {
            Some(paper) => papers.push(paper),
            None => next.alarm = Some(kept_text(&taken_key(kind, &document), LONGEST_ALARM)),
        }
    }
    Ok(())
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

/// The same of a document, for whoever it belongs to.
pub async fn odd(work: &Work, document: &str, what: &str) -> Result<(), Error> {
    match lists::of_document(work.tx(), document).await? {
        Some(row) => alarm(work, row.id, what).await,
        None => Ok(()),
    }
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
