//! Papers (申报单证): written of what is known, handed to sending, and sent again: mended, or as they are.
//!
//! A paper is another attempt when it is sent anew; what customs has of the one before stays with that
//! ([`super::receiving`]). What a party gave is its own word ([`super::parties`]) and is never written here.

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        ceb::{Document, Record},
        codes, declaration,
        paper::{self, PaperKind, PaperState},
        sale::{self, ListTerms, Stamp},
    },
    values::id::{CustomsPaperId, DeclarationId, OrganisationId},
};
use platform::{
    app::{App, Work},
    customs::fresh_guid,
    db::wrote,
    error::{Error, stale, taken},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};

use super::{document_of, gathered::Gathered, jobs::Send, lists, requests, sealed_document};

/// The papers of a declaration, the oldest first.
pub(super) async fn papers_of(db: &impl ConnectionTrait, id: DeclarationId) -> Result<Vec<paper::Model>, Error> {
    let papers = paper::Entity::find().filter(paper::Column::DeclarationId.eq(id));
    Ok(papers.order_by_asc(paper::Column::Id).all(db).await?)
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
pub(super) fn taken_key(kind: PaperKind, document: &Document) -> String {
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
    put_about(app, work, about(declaration), kind, sender, document, stamp).await
}

/// What a paper is about, and the declaration that it is part of.
pub(super) type About<'a> = (&'a str, Option<DeclarationId>);

pub(super) fn about(declaration: &declaration::Model) -> About<'_> {
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
pub(super) async fn put_new(
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
        original: None,
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

/// Whether customs has a paper of the house that would be written otherwise now.
pub(super) fn differs(
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
pub(super) async fn resend(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    gathered: Option<&Gathered>,
    paper: &paper::Model,
) -> Result<(), Error> {
    // A list or a return that is changed names the e-port's number of it.
    let numbered = !matches!(paper.kind, PaperKind::List | PaperKind::Return) || paper.pre_no.is_some();
    let stored = numbered && lists::was_accepted(work.tx(), paper.id).await?;
    let stamp = Stamp { guid: fresh_guid()?, again: stored, at: work.now };
    let mended = gathered.and_then(|gathered| match paper.kind {
        PaperKind::List => {
            let pre_no = paper.pre_no.as_deref().filter(|_| stored);
            Some((list_of(row, gathered, &stamp, pre_no), gathered.arrangement.declarer_id))
        }
        kind => own_paper(row, gathered, kind, &stamp),
    });
    let (document, sender) = if let Some(mended) = mended {
        mended
    } else {
        let mut document = restamped(paper.kind, document_of(app.vault(), paper)?, &stamp);
        if paper.kind == PaperKind::Return {
            document.head = numbered_by_port(&document.head, paper.pre_no.as_deref().filter(|_| stored));
        }
        (document, paper.sender_id)
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

/// The same with the e-port's number, at its place in the schema; or without one.
fn numbered_by_port(head: &Record, pre_no: Option<&str>) -> Record {
    head.values().filter(|(name, _)| *name != "preNo").fold(Record::default(), |record, (name, value)| {
        let record = record.with(name, value);
        if name == "copNo" { record.with_some("preNo", pre_no) } else { record }
    })
}

/// The same document under another number and time; changed where customs has it, but for what is never changed: a
/// withdrawal is always new.
pub(super) fn restamped(kind: PaperKind, document: Document, stamp: &Stamp) -> Document {
    let changes = stamp.again && kind != PaperKind::Cancellation;
    let head = document.head.values().fold(Record::default(), |record, (name, value)| {
        let value = match name {
            "guid" => stamp.guid.clone(),
            "appTime" => codes::moment(stamp.at),
            "appType" => if changes { "2" } else { "1" }.to_owned(),
            _ => value.to_owned(),
        };
        record.with(name, value)
    });
    Document { head, lines: document.lines }
}
