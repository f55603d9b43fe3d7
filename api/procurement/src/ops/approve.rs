//! Approving an invoice that matched: from then on it is owed. Recording is never refused for a mismatch, this is.

use entities::{
    party::Action,
    procurement::{
        invoice::{self, InvoiceState, InvoiceStep},
        terms::Side,
    },
    values::{ErrorCode, Refusal, id::SupplierInvoiceId},
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
};
use sea_orm::EntityTrait;
use serde_json::json;

use super::{
    acting,
    matching::{Debits, Held, latest, lines_of, mismatch, own, stepped, told, took_in},
    payables,
};

/// Approves an invoice; what is owed for it exists from then on. Whoever took in goods of its orders does not approve
/// it, and whoever let it through although it did not fit does not either.
pub async fn approve(app: &App, call: &Call, id: SupplierInvoiceId, expected: i32) -> Result<invoice::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, buyer, Side::Buyer, id, expected).await?;
    if before.state == InvoiceState::Exception {
        return Err(mismatch(&latest(work.tx(), id).await?.result));
    }
    InvoiceStep::Approve.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let lines = lines_of(work.tx(), id).await?;
    // Whoever changes what came of the orders waits: what is looked at here is what the evidence says.
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    let subject = work.viewer().subject();
    if before.overridden_by.as_deref() == Some(&subject) || took_in(&work, &held.orders()).await? {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let next = invoice::Model { approved_by: Some(subject), approved_at: Some(work.now), ..before.clone() };
    let next = stepped(&work, &before, InvoiceStep::Approve, next).await?;
    let debits = Debits::read(work.tx(), id).await?;
    let payable = payables::create(app, &mut work, &next, (&lines, &held), debits.total_minor).await?;
    let shown = json!({
        "state": next.state,
        "payable": encode(payable.id).0,
        "face": payable.money(payable.face_minor),
        "evidenceSha256": payable.evidence_sha256,
    });
    work.audit(Some(buyer), "approveSupplierInvoice", encode(id).0, json!({ "state": before.state }), shown);
    if payable.outstanding_minor() == 0 {
        // Of nothing that is owed nothing is to be paid: it is settled already, and was told so.
        let settled = invoice::Entity::find_by_id(id).one(work.tx()).await?;
        return work.commit(settled.ok_or_else(|| Error::internal("an invoice is gone"))?).await;
    }
    told(&mut work, &next, &[]).await?;
    work.commit(next).await
}
