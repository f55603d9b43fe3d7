//! Papers of other parties (三单来自三方): the platform's order, the institution's payment, the carrier's waybill and that it
//! was signed for may each come from whoever says so, as the message that goes to customs.
//!
//! A party speaks for itself: the code that its paper names is that of the organisation that it acts for, and it is the one
//! that is arranged for the order. A signature is held against the certificates that the house trusts. What is refused
//! is kept with the reason. What a party gave is its word: the house hands it on and never writes it anew.

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        ceb::{self, Document, Message, Signing},
        codes, declaration, list_rules,
        message::MessageVerdict,
        paper::{self, PaperKind, PaperState},
        payment_data::Original,
    },
    party::{Action, Resource, organisation},
    values::{
        ErrorCode, Refusal,
        id::{CustomsPaperId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, taken, violates_unique},
    graphql::encode,
    vault::{self, Vault},
    xmlsig,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{
    advance::advance,
    gathered::{arranged, party, platform},
    jobs::{Send, SignedFor},
    lists,
    papers::papers_of,
    receiving, sealed_document, sending,
};

/// Largest message that a party gives.
const LARGEST: usize = 256 * 1024;

/// Which element of a paper says whose it is.
fn speaker(kind: PaperKind) -> Option<&'static str> {
    match kind {
        PaperKind::Order => Some("ebpCode"),
        PaperKind::Payment => Some("payCode"),
        PaperKind::Waybill | PaperKind::WaybillStatus => Some("logisticsCode"),
        _ => None,
    }
}

fn invalid(reason: impl Into<String>) -> Refusal {
    let reason: String = reason.into();
    Refusal::new(ErrorCode::MessageInvalid).with("reason", reason.chars().take(300).collect::<String>()).at("message")
}

/// What of a message is wrong; or its kind and its one paper.
fn checked(app: &App, text: &str, forward: bool) -> Result<(Message, PaperKind), Refusal> {
    if text.len() > LARGEST {
        return Err(invalid(format!("it has more than {LARGEST} bytes")));
    }
    let read = ceb::read(text.as_bytes()).map_err(|why| invalid(why.to_string()))?;
    if let Some(fault) = read.faults().first() {
        return Err(invalid(fault.to_string()));
    }
    let kind = PaperKind::of_number(read.kind.number).filter(|kind| speaker(*kind).is_some());
    let kind = kind.ok_or_else(|| invalid(format!("{} is nothing that a party says", read.root())))?;
    let [document] = read.documents.as_slice() else { return Err(invalid("a message of a party has one paper")) };
    let wrong = if kind == PaperKind::Order { list_rules::order_faults(document) } else { Vec::new() };
    if let Some(fault) = wrong.first() {
        return Err(invalid(fault.to_string()));
    }
    // Customs takes nothing that is declared and not signed; of a copy, what the party signed lies with customs.
    let must_be_signed = read.kind.signing == Signing::Signed || (forward && read.must_be_signed());
    if read.signature.is_some() || must_be_signed {
        xmlsig::verify(text, app.signing().trust(), app.clock().now()).map_err(|why| {
            let reason = format!("{} {why}", why.code());
            Refusal::new(ErrorCode::SignatureInvalid).with("reason", reason).at("message")
        })?;
    }
    Ok((read, kind))
}

fn original_place(id: CustomsPaperId) -> String {
    format!("customs_paper.original:{id}")
}

/// What a party was asked and answered for the payment that it gave.
pub(super) fn original_of(vault: &Vault, paper: &paper::Model) -> Result<Option<Original>, Error> {
    let Some(sealed) = &paper.original else { return Ok(None) };
    let text = vault.unseal_text(&original_place(paper.id), sealed)?;
    Ok(Some(serde_json::from_str(&text).map_err(Error::internal)?))
}

/// A party gives a paper. `forward`: the house sends it to customs for it, and its receipts come here; else the party sends
/// it itself, and this is a copy. What is refused is kept with the reason.
///
/// `original`: what stood behind a payment, which customs may ask for.
pub async fn submit(
    app: &App,
    call: &Call,
    text: &str,
    forward: bool,
    original: Option<Original>,
) -> Result<paper::Model, Error> {
    let done = match checked(app, text, forward) {
        Ok((_, kind)) if original.is_some() && kind != PaperKind::Payment => {
            Err(Refusal::new(ErrorCode::InvalidValue).with("value", "payment").at("payment").into())
        }
        Ok((read, kind)) => given(app, call, &Given { text, read, kind, forward, original }).await,
        Err(refusal) => Err(refusal.into()),
    };
    if let Err(Error::Refused(refusals)) = &done {
        let why: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        receiving::refused(app, text.as_bytes(), &why.join("; ")).await?;
    }
    done
}

/// What a party gives, once it was read.
struct Given<'a> {
    text: &'a str,
    read: Message,
    kind: PaperKind,
    forward: bool,
    original: Option<Original>,
}

impl Given<'_> {
    /// What stood behind it, as it is kept.
    fn sealed_original(&self, vault: &Vault, id: CustomsPaperId) -> Result<Option<Vec<u8>>, Error> {
        let Some(original) = &self.original else { return Ok(None) };
        let text = serde_json::to_vec(original).map_err(Error::internal)?;
        Ok(Some(vault.seal(&original_place(id), &text)?))
    }
}

async fn given(app: &App, call: &Call, given: &Given<'_>) -> Result<paper::Model, Error> {
    let kind = given.kind;
    let [document] = given.read.documents.as_slice() else { return Err(invalid("it has no paper").into()) };
    let own = call.viewer.organisation().ok_or(Error::Forbidden)?;
    call.may(Action::GiveCustomsPapers, Resource::of(own))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = organisation::Entity::find_by_id(own).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("organisationId", encode(own).as_str()))?;
    let name = speaker(kind).unwrap_or_default();
    let said = document.head.get(name).unwrap_or_default();
    if party(&row).is_none_or(|party| party.code != said) {
        return Err(invalid(format!("{name} is {said}, which is another organisation")).into());
    }
    let key = kind.key(&document.head);
    if let Some(before) = known(work.tx(), kind, &key).await? {
        return same(app, work, before, given, document, own).await;
    }
    let guid = document.head.get("guid").unwrap_or_default().to_owned();
    let about = about(work.tx(), kind, document).await?;
    let declaration = match lists::of_document(work.tx(), &about).await? {
        Some(row) => Some(super::locked(work.tx(), row.id).await?),
        None => None,
    };
    // Of two that give the same at once, one waited for the declaration until here.
    if let Some(before) = known(work.tx(), kind, &key).await? {
        return same(app, work, before, given, document, own).await;
    }
    if let Some(row) = &declaration {
        if !speaks_for(work.tx(), row, kind, own).await? {
            return Err(invalid(format!("another organisation is arranged for {about}")).into());
        }
        // How a parcel fares is said more than once: refused, then signed for.
        let papers = papers_of(work.tx(), row.id).await?;
        if kind != PaperKind::WaybillStatus && papers.iter().any(|paper| paper.kind == kind) {
            return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", about).at("message").into());
        }
    }
    let id = CustomsPaperId::new(work.now);
    let paper = paper::Model {
        id,
        kind,
        business_key: key,
        document: about.chars().take(60).collect(),
        declaration_id: declaration.as_ref().map(|row| row.id),
        sender_id: own,
        sent_by_party: !given.forward,
        given: true,
        guid: guid.clone(),
        attempt: 1,
        state: if given.forward { PaperState::Draft } else { PaperState::Sent },
        status: None,
        info: None,
        pre_no: None,
        invt_no: None,
        body: sealed_document(app.vault(), id, document)?,
        original: given.sealed_original(app.vault(), id)?,
        sent_at: (!given.forward).then_some(work.now),
        stated_at: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let insert = paper::Entity::insert(paper.clone().into_active_model()).exec_without_returning(work.tx()).await;
    insert.map_err(|error| {
        let twice = violates_unique(&error, "customs_paper", &["guid"]);
        let unique: &[&str] = if twice { &["guid"] } else { &["kind", "business_key"] };
        taken(error, "customs_paper", unique, "message", &guid)
    })?;
    goes(app, &mut work, &paper, given).await?;
    if let Some(row) = declaration {
        advance(app, &mut work, row.id).await?;
        // Only who carries the order says that it was taken in.
        let carries = arranged(work.tx(), row.seller_id, row.mode).await?.is_some_and(|of| of.carrier_id == own);
        if let Some(at) = signed_at(kind, document).filter(|_| carries) {
            work.enqueue(&SignedFor { document: paper.document.clone(), at }).await?;
        }
    }
    audited(&mut work, &paper, given.text);
    work.commit(paper).await
}

/// The paper of a kind that is known by a key.
async fn known(db: &impl ConnectionTrait, kind: PaperKind, key: &str) -> Result<Option<paper::Model>, Error> {
    let of = paper::Entity::find().filter(paper::Column::Kind.eq(kind)).filter(paper::Column::BusinessKey.eq(key));
    Ok(of.one(db).await?)
}

/// Which order a paper is about. That a parcel was signed for does not say so: its waybill does.
async fn about(db: &impl ConnectionTrait, kind: PaperKind, document: &Document) -> Result<String, Error> {
    if kind != PaperKind::WaybillStatus {
        return Ok(document.head.get("orderNo").unwrap_or_default().to_owned());
    }
    let waybill = known(db, PaperKind::Waybill, &PaperKind::Waybill.key(&document.head)).await?;
    let waybill = waybill.ok_or_else(|| invalid("its waybill is not known"))?;
    Ok(waybill.document)
}

/// When a parcel was signed for (签收), as its carrier says.
fn signed_at(kind: PaperKind, document: &Document) -> Option<DateTime<Utc>> {
    let signed = kind == PaperKind::WaybillStatus && document.head.get("logisticsStatus") == Some("S");
    document.head.get("logisticsTime").filter(|_| signed).and_then(codes::read_moment)
}

/// Whether a party is the one that is arranged to say something for a declaration; anyone who can is, while nobody is
/// arranged.
pub(super) async fn speaks_for(
    db: &impl ConnectionTrait,
    row: &declaration::Model,
    kind: PaperKind,
    party: OrganisationId,
) -> Result<bool, Error> {
    if kind == PaperKind::Order {
        return Ok(platform(db).await? == Some(party));
    }
    let arranged = arranged(db, row.seller_id, row.mode).await?;
    Ok(arranged.is_none_or(|arranged| {
        let of = if kind == PaperKind::Payment { arranged.payer_id } else { arranged.carrier_id };
        of == party
    }))
}

/// What a party gave goes on its way with its signature, byte by byte; or its copy is kept.
async fn goes(app: &App, work: &mut Work, paper: &paper::Model, given: &Given<'_>) -> Result<(), Error> {
    if given.forward {
        sending::keep(app, work.tx(), paper, given.text, work.now).await?;
        let job = Send { paper: paper.id, attempt: paper.attempt, document: paper.document.clone() };
        return work.enqueue(&job).await;
    }
    let verdict = (MessageVerdict::Taken, Some(paper.id));
    receiving::keep(app, work.tx(), given.text.as_bytes(), work.now, Some(&given.read), verdict).await?;
    Ok(())
}

fn audited(work: &mut Work, paper: &paper::Model, text: &str) {
    let hash = vault::sha256_hex(text.as_bytes());
    let shown = json!({ "kind": paper.kind, "document": paper.document, "attempt": paper.attempt, "hash": hash });
    work.audit(Some(paper.sender_id), "giveCustomsPaper", encode(paper.id).0, Value::Null, shown);
}

/// A paper that is known already. The same once more is the same. Another one replaces it where customs does not have it,
/// and changes it (`appType` 2) while nothing is declared.
async fn same(
    app: &App,
    mut work: Work,
    before: paper::Model,
    given: &Given<'_>,
    document: &Document,
    own: OrganisationId,
) -> Result<paper::Model, Error> {
    use paper::Column as C;
    let taken = || Refusal::new(ErrorCode::AlreadyTaken).with("value", before.business_key.as_str()).at("message");
    if before.sender_id != own || !before.given || before.sent_by_party == given.forward {
        return Err(taken().into());
    }
    if let Some(id) = before.declaration_id {
        super::locked(work.tx(), id).await?;
    }
    let before = paper::Entity::find_by_id(before.id).one(work.tx()).await?;
    let before = before.ok_or_else(|| Error::internal("a paper is gone"))?;
    if super::document_of(app.vault(), &before)? == *document {
        return work.commit(before).await;
    }
    let declared = match before.declaration_id {
        Some(id) => papers_of(work.tx(), id).await?.iter().any(|paper| paper.kind == PaperKind::List),
        None => false,
    };
    let not_there = before.state.is_refused();
    // Customs locks papers once their list is declared (-301011, -401008, -504016).
    if !not_there && (declared || document.head.get("appType") != Some("2")) {
        return Err(taken().into());
    }
    let guid = document.head.get("guid").unwrap_or_default();
    let state = if given.forward { PaperState::Draft } else { PaperState::Sent };
    paper::Entity::update_many()
        .col_expr(C::Guid, Expr::val(guid))
        .col_expr(C::Attempt, Expr::col(C::Attempt).add(1))
        .col_expr(C::State, Expr::val(state))
        .col_expr(C::Status, Expr::val(Option::<String>::None))
        .col_expr(C::Info, Expr::val(Option::<String>::None))
        .col_expr(C::SentAt, Expr::val((!given.forward).then_some(work.now)))
        .col_expr(C::Body, Expr::val(sealed_document(app.vault(), before.id, document)?))
        .col_expr(C::Original, Expr::val(given.sealed_original(app.vault(), before.id)?))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(before.id))
        .exec(work.tx())
        .await
        .map_err(|error| platform::error::taken(error, "customs_paper", &["guid"], "message", guid))?;
    let after = paper::Entity::find_by_id(before.id).one(work.tx()).await?;
    let after = after.ok_or_else(|| Error::internal("a paper is gone"))?;
    goes(app, &mut work, &after, given).await?;
    if let Some(id) = after.declaration_id {
        advance(app, &mut work, id).await?;
    }
    audited(&mut work, &after, given.text);
    work.commit(after).await
}
