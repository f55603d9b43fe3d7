//! What is done when a debtor does not pay in time: it is demanded of the seller, claimed of who covers, or given up.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entities::{
    finance::{
        ReceivableEventKind, RequestStep,
        financing::{self, FactKind, FinancingState, fact},
        receivable::event,
        request,
    },
    party::Action,
    values::{
        ErrorCode, Refusal,
        id::{FinancingFactId, FinancingRequestId, OrganisationId, ReceivableId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, fresh},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{
    Change, LONGEST_NOTE, facts_of, note, of_request, rebooked,
    utilised::{self, Back},
};
use crate::ops::{
    programmes::financier,
    requests::{moved, of_side},
};

/// A request that its financier does something about, and on what of it something is owed.
struct Late {
    request: request::Model,
    open: Vec<financing::Model>,
}

async fn late(
    work: &Work,
    own: OrganisationId,
    (id, expected): (FinancingRequestId, i32),
    step: RequestStep,
) -> Result<Late, Error> {
    let request = of_side(work, own, false, id).await?;
    fresh(request.version, expected)?;
    step.from(request.state).map_err(|refusal| refusal.at("id"))?;
    let all = of_request(work.tx(), id).await?;
    let open = all.into_iter().filter(|row| row.state == FinancingState::Open).collect();
    Ok(Late { request, open })
}

/// Notes on each financing what is done about what is owed on that day, and posts what follows.
async fn told(
    work: &Work,
    late: &Late,
    kind: FactKind,
    (today, said): (NaiveDate, &str),
) -> Result<Vec<Change>, Error> {
    let ids: Vec<_> = late.open.iter().map(|row| row.id).collect();
    let mut known = facts_of(work.tx(), &ids).await?;
    let mut done = Vec::with_capacity(late.open.len());
    for row in &late.open {
        let mut facts = known.remove(&row.id).unwrap_or_default();
        let value_date = Ord::max(today, row.accrued_to);
        let due = row.settled(&facts, value_date)?.position.figures.due();
        let fact = fact::Model {
            id: FinancingFactId::new(work.now),
            financing_id: row.id,
            financier_id: row.financier_id,
            kind,
            payer: None,
            amount_minor: due.total_minor(),
            value_date,
            bank_reference: None,
            line: 1,
            note: Some(said.to_owned()),
            reverses_id: None,
            by: work.viewer().subject(),
            at: work.now,
        };
        note(work, &fact, "note").await?;
        facts.push(fact.clone());
        let next = rebooked(work, row, &facts, std::slice::from_ref(&fact)).await?;
        done.push(Change { before: row.clone(), after: next, fact: fact.id });
    }
    Ok(done)
}

/// What is owed in all, in minor units.
fn owed(done: &[Change]) -> i64 {
    done.iter().map(|change| change.after.owed_minor).sum()
}

/// Demands of the seller what the debtor did not pay: with recourse, or when a dispute of the debtor is proven, in
/// which case the debtor must have raised one.
pub async fn demand_recourse(
    app: &App,
    call: &Call,
    id: (FinancingRequestId, i32),
    dispute_proven: bool,
    said: &str,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let said = text::paragraph(said, LONGEST_NOTE).map_err(|refusal| refusal.at("note"))?;
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let late = late(&work, own, id, RequestStep::DemandRecourse).await?;
    if dispute_proven && !disputed(&work, &late).await? {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "true").at("disputeProven").into());
    }
    if !dispute_proven && late.open.iter().any(|row| !row.terms.recourse) {
        return Err(Refusal::illegal(late.request.state, "DEMAND_RECOURSE").at("id").into());
    }
    let done = told(&work, &late, FactKind::RecourseDemanded, (today, &said)).await?;
    let next = moved(&mut work, &late.request, RequestStep::DemandRecourse, late.request.clone()).await?;
    let shown = json!({ "owed": next.money(owed(&done)), "disputeProven": dispute_proven, "note": said });
    work.audit(Some(own), "demandRecourse", encode(next.id).0, json!({ "state": late.request.state }), shown);
    work.commit(next).await
}

/// Whether the debtor of a receivable ever disputed it.
async fn disputed(work: &Work, late: &Late) -> Result<bool, Error> {
    let ids: BTreeSet<ReceivableId> = late.open.iter().map(|row| row.receivable_id).collect();
    let raised = event::Entity::find()
        .filter(event::Column::ReceivableId.is_in(ids))
        .filter(event::Column::Kind.eq(ReceivableEventKind::Disputed));
    Ok(raised.one(work.tx()).await?.is_some())
}

/// Claims the cover for what the debtor did not pay and the seller does not have to.
pub async fn claim_cover(
    app: &App,
    call: &Call,
    id: (FinancingRequestId, i32),
    said: &str,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let said = text::paragraph(said, LONGEST_NOTE).map_err(|refusal| refusal.at("note"))?;
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let late = late(&work, own, id, RequestStep::ClaimCover).await?;
    if late.open.iter().any(|row| row.terms.recourse) {
        return Err(Refusal::illegal(late.request.state, "CLAIM_COVER").at("id").into());
    }
    let done = told(&work, &late, FactKind::CoverClaimed, (today, &said)).await?;
    let next = moved(&mut work, &late.request, RequestStep::ClaimCover, late.request.clone()).await?;
    let shown = json!({ "owed": next.money(owed(&done)), "note": said });
    work.audit(Some(own), "claimCover", encode(next.id).0, json!({ "state": late.request.state }), shown);
    work.commit(next).await
}

/// Gives up all that is owed on a request: nothing runs any more, and what comes after all makes it good first. Who
/// reported that it was paid out does not give it up.
pub async fn write_off(
    app: &App,
    call: &Call,
    id: (FinancingRequestId, i32),
    reason: &str,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::CheckFinancing)?;
    let reason = text::paragraph(reason, LONGEST_NOTE).map_err(|refusal| refusal.at("reason"))?;
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let late = late(&work, own, id, RequestStep::WriteOff).await?;
    let ids = late.open.iter().map(|row| row.id);
    let made = fact::Entity::find()
        .filter(fact::Column::FinancingId.is_in(ids))
        .filter(fact::Column::Kind.eq(FactKind::Disbursed))
        .filter(fact::Column::By.eq(work.viewer().subject()));
    if made.one(work.tx()).await?.is_some() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let done = told(&work, &late, FactKind::WrittenOff, (today, &reason)).await?;
    let next = moved(&mut work, &late.request, RequestStep::WriteOff, late.request.clone()).await?;
    let number = next.number.as_str();
    let back: Vec<Back<'_>> = done.iter().filter_map(|change| change.back(number)).collect();
    utilised::given_back(&work, &back).await?;
    let lost: i64 = done.iter().map(|change| change.after.figures.loss_minor()).sum();
    let shown = json!({ "lost": next.money(lost), "reason": reason });
    work.audit(Some(own), "writeOffFinancing", encode(next.id).0, json!({ "state": late.request.state }), shown);
    work.commit(next).await
}
