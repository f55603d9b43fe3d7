//! Files that hang on things of procurement: attached by their hash, then their bytes are put where they are kept,
//! sealed.
//!
//! Bytes are those that the hash says, and begin as their media type does; once kept they never change. A file is
//! read by whoever sees the thing that it hangs on: those of a quotation by its supplier alone until its round is
//! opened, and what they are called is sealed like the quotation itself. They go along with the quotation from version
//! to version. Whoever attaches or brings bytes locks what the file hangs on: how many there may be is counted one
//! after the other, and none comes to a version that was just replaced.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Resource, Viewer},
    procurement::{
        FileSubject, QuotationState, RfqState, agreement,
        file::{self, content},
        invoice, order, quotation, receipt, rfq,
    },
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, ProcurementFileId, QuotationId, RfqId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call, Work, allowed},
    attached::{Said, aside},
    error::{Error, not_found},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
    vault,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, TryGetableMany, sea_query::Expr,
};
use serde_json::{Value, json};

use super::{acting, rfqs};

const OLDEST: &str = "oldest-procurement-file";

/// A file that is attached.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the file")]
pub struct NewFile {
    pub name: String,
    pub sha256: String,
    pub media_type: String,
    pub size: i64,
}

/// What a file hangs on, as far as it matters: whose it is, and whether it may still have another.
struct Thing {
    buyer: OrganisationId,
    supplier: Option<OrganisationId>,
    /// The request of it, or of what is quoted.
    rfq: Option<rfq::Model>,
    /// Whether it stands: a quotation that does not takes no files.
    stands: bool,
}

impl Thing {
    fn of(buyer: OrganisationId, supplier: OrganisationId) -> Self {
        Self { buyer, supplier: Some(supplier), rfq: None, stands: true }
    }
}

/// The thing that a file hangs on, when the viewer may see it.
async fn seen(tx: &impl ConnectionTrait, viewer: &Viewer, subject: FileSubject) -> Result<Option<Thing>, Error> {
    Ok(match subject {
        FileSubject::Rfq(id) => {
            let row = rfq::Entity::visible_to(viewer).filter(rfq::Column::Id.eq(id)).one(tx).await?;
            row.map(|row| Thing { buyer: row.buyer_id, supplier: None, rfq: Some(row), stands: true })
        }
        FileSubject::Quotation(id) => {
            let row = quotation::Entity::visible_to(viewer).filter(quotation::Column::Id.eq(id)).one(tx).await?;
            let Some(row) = row else { return Ok(None) };
            let of = rfq::Entity::find_by_id(row.rfq_id).one(tx).await?;
            let on = of.as_ref().is_some_and(|of| of.round == row.round) && row.state == QuotationState::Submitted;
            Some(Thing { rfq: of, stands: on, ..Thing::of(row.buyer_id, row.supplier_id) })
        }
        FileSubject::Agreement(id) => {
            let row = agreement::Entity::visible_to(viewer).filter(agreement::Column::Id.eq(id)).one(tx).await?;
            row.map(|row| Thing::of(row.buyer_id, row.supplier_id))
        }
        FileSubject::Order(id) => {
            let row = order::Entity::visible_to(viewer).filter(order::Column::Id.eq(id)).one(tx).await?;
            row.map(|row| Thing::of(row.buyer_id, row.supplier_id))
        }
        FileSubject::Receipt(id) => {
            let row = receipt::Entity::visible_to(viewer).filter(receipt::Column::Id.eq(id)).one(tx).await?;
            row.map(|row| Thing::of(row.buyer_id, row.supplier_id))
        }
        FileSubject::Invoice(id) => {
            let row = invoice::Entity::visible_to(viewer).filter(invoice::Column::Id.eq(id)).one(tx).await?;
            row.map(|row| Thing::of(row.buyer_id, row.supplier_id))
        }
    })
}

/// The thing as clients name it.
fn node(subject: FileSubject) -> String {
    match subject {
        FileSubject::Rfq(id) => encode(id).0,
        FileSubject::Quotation(id) => encode(id).0,
        FileSubject::Agreement(id) => encode(id).0,
        FileSubject::Order(id) => encode(id).0,
        FileSubject::Receipt(id) => encode(id).0,
        FileSubject::Invoice(id) => encode(id).0,
    }
}

/// Locks the thing that a file hangs on; of a quotation its request, which whoever quotes locks as well.
async fn locked(tx: &impl ConnectionTrait, subject: FileSubject) -> Result<(), Error> {
    let (table, id) = match subject {
        FileSubject::Rfq(id) => ("rfq", id.0),
        FileSubject::Quotation(id) => {
            let row = quotation::Entity::find_by_id(id).select_only().column(quotation::Column::RfqId);
            let of: Option<RfqId> = row.into_tuple().one(tx).await?;
            let Some(of) = of else { return Ok(()) };
            ("rfq", of.0)
        }
        FileSubject::Agreement(id) => ("supply_agreement", id.0),
        FileSubject::Order(id) => ("purchase_order", id.0),
        FileSubject::Receipt(id) => ("goods_receipt", id.0),
        FileSubject::Invoice(id) => ("supplier_invoice", id.0),
    };
    guarded::lock(tx, table, &[id]).await
}

/// The thing that a caller may hang a file on. A request takes files of its buyer while suppliers can still heed
/// them, a quotation those of its supplier until the deadline, anything else those of both sides.
async fn takes(
    tx: &impl ConnectionTrait,
    call: &Call,
    own: OrganisationId,
    subject: FileSubject,
    now: DateTime<Utc>,
) -> Result<Thing, Error> {
    let unknown = || not_found("subjectId", node(subject));
    let found = seen(tx, &call.viewer, subject).await?.ok_or_else(unknown)?;
    let (buys, supplies) = (found.buyer == own, found.supplier == Some(own));
    let (of_rfq, theirs) = match subject {
        FileSubject::Rfq(_) => {
            call.may(Action::SourceGoods, Resource::OWN)?;
            (true, buys)
        }
        FileSubject::Quotation(_) => {
            call.may(Action::QuoteGoods, Resource::OWN)?;
            (false, supplies)
        }
        _ => (false, buys || supplies),
    };
    if !theirs {
        return Err(unknown());
    }
    if let Some(row) = &found.rfq
        && !(of_rfq && row.state == RfqState::Draft)
    {
        rfqs::window(row, now).map_err(|refusal| refusal.at("subjectId"))?;
        if !found.stands {
            return Err(rfqs::over(row).at("subjectId").into());
        }
    }
    Ok(found)
}

fn on(subject: FileSubject) -> Condition {
    Condition::all().add(match subject {
        FileSubject::Rfq(id) => file::Column::RfqId.eq(id),
        FileSubject::Quotation(id) => file::Column::QuotationId.eq(id),
        FileSubject::Agreement(id) => file::Column::AgreementId.eq(id),
        FileSubject::Order(id) => file::Column::OrderId.eq(id),
        FileSubject::Receipt(id) => file::Column::ReceiptId.eq(id),
        FileSubject::Invoice(id) => file::Column::InvoiceId.eq(id),
    })
}

fn name_place(id: ProcurementFileId) -> String {
    format!("procurement_file.name:{id}")
}

/// Where the bytes of a file are sealed for.
pub(super) fn content_place(id: ProcurementFileId) -> String {
    format!("procurement_file_content:{id}")
}

/// What a file is called, for who sees it.
pub fn name(app: &App, row: &file::Model) -> Result<String, Error> {
    match (&row.name, &row.sealed_name) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(sealed)) => app.vault().unseal_text(&name_place(row.id), sealed),
        (None, None) => Err(Error::internal("a file without a name")),
    }
}

/// An answer that was given before, with what of it is not kept for repeats.
async fn again(work: &Work, before: file::Model) -> Result<file::Model, Error> {
    let row = file::Entity::find_by_id(before.id).one(work.tx()).await?;
    Ok(file::Model { sealed_name: row.and_then(|row| row.sealed_name), ..before })
}

/// Attaches a file: it is known by the hash of its bytes, which come next ([`keep`]).
pub async fn attach(app: &App, call: &Call, subject: FileSubject, new: &NewFile) -> Result<file::Model, Error> {
    let own = acting(call, Action::AttachProcurementFiles)?;
    let settings = &app.config().procurement;
    let largest = i64::try_from(settings.largest_file()).unwrap_or(i64::MAX);
    let mut check = Check::default();
    let said = Said { name: &new.name, sha256: &new.sha256, media_type: &new.media_type, size: new.size };
    let name = said.checked(&mut check, file::is_known, largest);
    check.done(())?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return again(&work, before).await;
    }
    locked(work.tx(), subject).await?;
    let thing = takes(work.tx(), call, own, subject, work.now).await?;
    let present = file::Entity::find().filter(on(subject)).filter(file::Column::OwnerId.eq(own));
    if present.clone().filter(file::Column::Sha256.eq(new.sha256.as_str())).count(work.tx()).await? > 0 {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", &new.sha256).at("sha256").into());
    }
    let most = u64::from(settings.files);
    if present.count(work.tx()).await? >= most {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", most.to_string()).at("subjectId").into());
    }
    let id = ProcurementFileId::new(work.now);
    let secret = matches!(subject, FileSubject::Quotation(_));
    let sealed_name = secret.then(|| app.vault().seal(&name_place(id), name.as_bytes())).transpose()?;
    let made = file::Model {
        id,
        owner_id: own,
        buyer_id: thing.buyer,
        supplier_id: thing.supplier,
        rfq_id: None,
        quotation_id: None,
        agreement_id: None,
        order_id: None,
        receipt_id: None,
        invoice_id: None,
        name: (!secret).then_some(name),
        sealed_name,
        sha256: new.sha256.clone(),
        media_type: new.media_type.clone(),
        size: new.size,
        attached_by: work.viewer().subject(),
        attached_at: work.now,
        kept_at: None,
    }
    .on(subject);
    file::Entity::insert(made.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    noted(&mut work, "attachProcurementFile", &made);
    if let Some(row) = thing.rfq.filter(|row| !secret && row.state == RfqState::Published) {
        rfqs::tell_all(&mut work, &row).await?;
    }
    work.commit(made).await
}

/// In the chain of who attached it, at what it hangs on; of a quotation that there was something, and no more.
fn noted(work: &mut Work, action: &'static str, row: &file::Model) {
    let secret = row.quotation_id.is_some();
    let at = row.subject().map_or_else(|| encode(row.id).0, node);
    let open = json!({ "name": row.name, "sha256": row.sha256, "mediaType": row.media_type, "size": row.size });
    work.audit(Some(row.owner_id), action, at, Value::Null, if secret { Value::Null } else { open });
}

/// What hung on a version of a quotation hangs on the one that takes its place.
pub(super) async fn moved(tx: &impl ConnectionTrait, from: QuotationId, to: QuotationId) -> Result<(), Error> {
    let columns = file::ActiveModel { quotation_id: Set(Some(to)), ..Default::default() };
    file::Entity::update_many().set(columns).filter(file::Column::QuotationId.eq(from)).exec(tx).await?;
    Ok(())
}

fn unknown(id: ProcurementFileId) -> Error {
    not_found("id", encode(id).as_str())
}

/// A file of the caller's, and what it hangs on.
async fn own_file(
    tx: &impl ConnectionTrait,
    call: &Call,
    id: ProcurementFileId,
) -> Result<(file::Model, FileSubject), Error> {
    let own = acting(call, Action::AttachProcurementFiles)?;
    let row = file::Entity::find_by_id(id).filter(file::Column::OwnerId.eq(own)).one(tx).await?;
    let row = row.ok_or_else(|| unknown(id))?;
    let subject = row.subject().ok_or_else(|| unknown(id))?;
    Ok((row, subject))
}

/// A file of the caller's whose bytes may still come.
async fn expected(
    tx: &impl ConnectionTrait,
    call: &Call,
    id: ProcurementFileId,
    now: DateTime<Utc>,
) -> Result<file::Model, Error> {
    let (row, subject) = own_file(tx, call, id).await?;
    takes(tx, call, row.owner_id, subject, now).await.map_err(|error| error.of("id"))?;
    Ok(row)
}

/// A file whose bytes a caller may bring: asked before any of them is read.
pub async fn awaited(app: &App, call: &Call, id: ProcurementFileId) -> Result<file::Model, Error> {
    expected(app.db().read(), call, id, app.clock().now()).await
}

/// Keeps the bytes of a file. The same once more is the same.
pub async fn keep(app: &App, call: &Call, id: ProcurementFileId, bytes: Vec<u8>) -> Result<file::Model, Error> {
    let awaited = awaited(app, call, id).await?;
    let (house, place) = (app.clone(), content_place(id));
    let (bytes, hash, sealed) = aside(move || {
        let hash = vault::sha256_hex(&bytes);
        let sealed = if hash == awaited.sha256 { house.vault().seal(&place, &bytes)? } else { Vec::new() };
        Ok((bytes, hash, sealed))
    })
    .await?;
    let mut work = app.begin(call).await?;
    let (_, subject) = own_file(work.tx(), call, id).await?;
    locked(work.tx(), subject).await?;
    // Read anew: a quotation may have taken it along to its next version.
    let found = expected(work.tx(), call, id, work.now).await?;
    let said = Said { name: "", sha256: &found.sha256, media_type: &found.media_type, size: found.size };
    said.is(&bytes, &hash, file::begins_as)?;
    let done = file::Entity::update_many()
        .col_expr(file::Column::KeptAt, Expr::val(Some(work.now)))
        .filter(file::Column::Id.eq(id))
        .filter(file::Column::KeptAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Ok(found);
    }
    let body = content::Model { file_id: id, body: sealed };
    content::Entity::insert(body.into_active_model()).exec_without_returning(work.tx()).await?;
    noted(&mut work, "keepProcurementFile", &found);
    let after = file::Model { kept_at: Some(work.now), ..found };
    work.commit(after).await
}

/// The bytes of a file; what is not there, or not for this viewer, is none.
pub async fn read(app: &App, viewer: &Viewer, id: ProcurementFileId) -> Result<(file::Model, Vec<u8>), Error> {
    allowed(viewer, Action::ReadProcurement, Resource::OWN)?;
    let db = app.db().read();
    let found = file::Entity::find_by_id(id).one(db).await?.ok_or_else(|| unknown(id))?;
    let subject = found.subject().ok_or_else(|| unknown(id))?;
    seen(db, viewer, subject).await?.ok_or_else(|| unknown(id))?;
    let kept = content::Entity::find_by_id(id).one(db).await?.ok_or_else(|| unknown(id))?;
    let (house, place) = (app.clone(), content_place(id));
    let bytes = aside(move || house.vault().unseal(&place, &kept.body)).await?;
    Ok((found, bytes))
}

/// What hangs on those of these things of one kind that the viewer sees; none when it sees none.
async fn hanging<E: EntityTrait, I: TryGetableMany + Into<sea_orm::Value>>(
    db: &impl ConnectionTrait,
    (seen, id): (Select<E>, E::Column),
    hangs: file::Column,
    ids: BTreeSet<I>,
) -> Result<Option<Expr>, Error> {
    if ids.is_empty() {
        return Ok(None);
    }
    let seen: Vec<I> = seen.filter(id.is_in(ids)).select_only().column(id).into_tuple().all(db).await?;
    Ok((!seen.is_empty()).then(|| hangs.is_in(seen)))
}

/// The files of things, for who sees these, first attached first: in one statement, and one a kind of thing.
pub(crate) async fn of_each(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    subjects: &[FileSubject],
) -> Result<Vec<file::Model>, Error> {
    use file::Column as C;
    let (mut rfqs, mut quotations, mut agreements) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut orders, mut receipts, mut invoices) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for subject in subjects {
        match *subject {
            FileSubject::Rfq(id) => rfqs.insert(id),
            FileSubject::Quotation(id) => quotations.insert(id),
            FileSubject::Agreement(id) => agreements.insert(id),
            FileSubject::Order(id) => orders.insert(id),
            FileSubject::Receipt(id) => receipts.insert(id),
            FileSubject::Invoice(id) => invoices.insert(id),
        };
    }
    let of_rfqs = (rfq::Entity::visible_to(viewer), rfq::Column::Id);
    let of_quotations = (quotation::Entity::visible_to(viewer), quotation::Column::Id);
    let of_agreements = (agreement::Entity::visible_to(viewer), agreement::Column::Id);
    let of_orders = (order::Entity::visible_to(viewer), order::Column::Id);
    let of_receipts = (receipt::Entity::visible_to(viewer), receipt::Column::Id);
    let of_invoices = (invoice::Entity::visible_to(viewer), invoice::Column::Id);
    let any = Condition::any()
        .add_option(hanging(db, of_rfqs, C::RfqId, rfqs).await?)
        .add_option(hanging(db, of_quotations, C::QuotationId, quotations).await?)
        .add_option(hanging(db, of_agreements, C::AgreementId, agreements).await?)
        .add_option(hanging(db, of_orders, C::OrderId, orders).await?)
        .add_option(hanging(db, of_receipts, C::ReceiptId, receipts).await?)
        .add_option(hanging(db, of_invoices, C::InvoiceId, invoices).await?);
    // An empty condition would let everything through.
    if any.is_empty() {
        return Ok(Vec::new());
    }
    Ok(file::Entity::find().filter(any).order_by_asc(C::Id).all(db).await?)
}

/// A page of the files of a thing, which are all there.
pub fn list(rows: Vec<file::Model>, page: &PageArgs) -> Result<Page<file::Model>, Error> {
    page.slice(rows, cursor)
}

/// The cursor of a file in that list.
pub fn cursor(row: &file::Model) -> Cursor {
    Cursor::of_id(OLDEST, row.id)
}
