//! Papers of other parties (三单来自三方): the platform's order, the institution's payment, the carrier's waybill and that it
//! was signed for may each come from whoever says so, as the message that goes to customs.
//!
//! A party speaks for itself: the code that its paper names is that of the organisation that it acts for. A signature is
//! held against the certificates that the house trusts. What is refused is kept with the reason.

use entities::{
    customs::{
        ceb::{self, Document, Message, Signing},
        message::MessageVerdict,
        paper::{self, PaperKind, PaperState},
    },
    party::{Action, Resource, organisation},
    values::{
        ErrorCode, Refusal,
        id::{CustomsPaperId, OrganisationId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{advance::advance, gathered::party, jobs::Send, lists, receiving, sealed_document, sending};
use crate::{
    app::{App, Call},
    platform::{
        error::{Error, not_found},
        graphql::encode,
        vault, xmlsig,
    },
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
fn checked(app: &App, text: &str) -> Result<(Message, PaperKind), Refusal> {
    if text.len() > LARGEST {
        return Err(invalid(format!("it has more than {LARGEST} bytes")));
    }
    let read = ceb::read(text.as_bytes()).map_err(|why| invalid(why.to_string()))?;
    if let Some(fault) = read.faults().first() {
        return Err(invalid(fault.to_string()));
    }
    let kind = PaperKind::of_number(read.kind.number).filter(|kind| speaker(*kind).is_some());
    let kind = kind.ok_or_else(|| invalid(format!("{} is nothing that a party says", read.root())))?;
    if read.documents.len() != 1 {
        return Err(invalid("a message of a party has one paper"));
    }
    if read.signature.is_some() || read.kind.signing == Signing::Signed {
        xmlsig::verify(text, app.signing().trust(), app.clock().now()).map_err(|why| {
            let reason = format!("{} {why}", why.code());
            Refusal::new(ErrorCode::SignatureInvalid).with("reason", reason).at("message")
        })?;
    }
    Ok((read, kind))
}

/// A party gives a paper. `forward`: the house sends it to customs for it, and its receipts come here; else the party sends
/// it itself, and this is a copy.
pub async fn submit(app: &App, call: &Call, text: &str, forward: bool) -> Result<paper::Model, Error> {
    let (read, kind) = match checked(app, text) {
        Ok(checked) => checked,
        Err(refusal) => {
            receiving::refused(app, text.as_bytes(), &refusal.to_string()).await?;
            return Err(refusal.into());
        }
    };
    let [document] = read.documents.as_slice() else { return Err(invalid("it has no paper").into()) };
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
    let before = paper::Entity::find()
        .filter(paper::Column::Kind.eq(kind))
        .filter(paper::Column::BusinessKey.eq(&key))
        .one(work.tx())
        .await?;
    if let Some(before) = before {
        return same(app, work, before, document, own).await;
    }
    let guid = document.head.get("guid").unwrap_or_default().to_owned();
    let about = document.head.get("orderNo").unwrap_or_default();
    let declaration = lists::of_document(work.tx(), about).await?;
    let declaration = match declaration {
        Some(row) => Some(super::locked(work.tx(), row.id).await?),
        None => None,
    };
    if let Some(row) = &declaration {
        let papers = super::advance::papers_of(work.tx(), row.id).await?;
        if papers.iter().any(|paper| paper.kind == kind) {
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
        sent_by_party: !forward,
        guid: guid.clone(),
        attempt: 1,
        state: if forward { PaperState::Draft } else { PaperState::Sent },
        status: None,
        info: None,
        pre_no: None,
        invt_no: None,
        body: sealed_document(app.vault(), id, document)?,
        sent_at: (!forward).then_some(work.now),
        stated_at: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let insert = paper::Entity::insert(paper.clone().into_active_model()).exec_without_returning(work.tx()).await;
    insert.map_err(|error| crate::platform::error::taken(error, "customs_paper", &["guid"], "message", &guid))?;
    if forward {
        // Sent is what the party gave, with its signature, byte by byte.
        sending::keep(app, work.tx(), &paper, text, work.now).await?;
        work.enqueue(&Send { paper: id, attempt: 1, document: paper.document.clone() }).await?;
    } else {
        let verdict = (MessageVerdict::Taken, Some(id));
        receiving::keep(app, work.tx(), text.as_bytes(), work.now, Some(&read), verdict).await?;
    }
    if let Some(row) = declaration {
        advance(app, &mut work, row.id).await?;
    }
    let shown = json!({ "kind": kind, "document": paper.document, "hash": vault::sha256_hex(text.as_bytes()) });
    work.audit(Some(own), "giveCustomsPaper", encode(id).0, Value::Null, shown);
    work.commit(paper).await
}

/// A paper that is known already: the same once more is the same; another one changes it while nothing is declared.
async fn same(
    app: &App,
    mut work: crate::app::Work,
    before: paper::Model,
    document: &Document,
    own: OrganisationId,
) -> Result<paper::Model, Error> {
    use paper::Column as C;
    let taken = || Refusal::new(ErrorCode::AlreadyTaken).with("value", before.business_key.as_str()).at("message");
    if before.sender_id != own {
        return Err(taken().into());
    }
    if let Some(id) = before.declaration_id {
        super::locked(work.tx(), id).await?;
    }
    if super::document_of(app.vault(), &before)? == *document {
        return work.commit(before).await;
    }
    let declared = match before.declaration_id {
        Some(id) => super::advance::papers_of(work.tx(), id).await?.iter().any(|paper| paper.kind == PaperKind::List),
        None => false,
    };
    // Customs locks papers once their list is declared (-301011, -401008, -504016).
    if declared || !before.sent_by_party || document.head.get("appType") != Some("2") {
        return Err(taken().into());
    }
    let guid = document.head.get("guid").unwrap_or_default();
    paper::Entity::update_many()
        .col_expr(C::Guid, Expr::val(guid))
        .col_expr(C::Attempt, Expr::col(C::Attempt).add(1))
        .col_expr(C::Body, Expr::val(sealed_document(app.vault(), before.id, document)?))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(before.id))
        .exec(work.tx())
        .await
        .map_err(|error| crate::platform::error::taken(error, "customs_paper", &["guid"], "message", guid))?;
    if let Some(id) = before.declaration_id {
        advance(app, &mut work, id).await?;
    }
    let after = paper::Entity::find_by_id(before.id).one(work.tx()).await?;
    work.commit(after.ok_or_else(|| Error::internal("a paper is gone"))?).await
}
