//! Reversals: what was reported of money that came was wrong. It never came: what was posted of it is posted with the
//! other sign, interest runs on from its value date, and what it settled is owed again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entities::{
    finance::financing::{self, FactKind, fact},
    party::Action,
    values::{
        id::{FinancingFactId, OrganisationId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{Change, LONGEST_NOTE, concluded, dated, facts_of, locked, note, other_words, rebooked, reference};
use crate::ops::programmes::financier;

/// What a bank takes back.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Reversal {
    pub bank_reference: String,
    pub line: i32,
    pub reversal_reference: String,
    pub on: NaiveDate,
    pub reason: String,
}

/// A line of a transaction of a financier, as it was reported.
async fn told(
    work: &Work,
    own: OrganisationId,
    kind: FactKind,
    (reference, line): (&str, i32),
) -> Result<Option<fact::Model>, Error> {
    let known = fact::Entity::find()
        .filter(fact::Column::FinancierId.eq(own))
        .filter(fact::Column::Kind.eq(kind))
        .filter(fact::Column::BankReference.eq(reference))
        .filter(fact::Column::Line.eq(line));
    Ok(known.one(work.tx()).await?)
}

async fn of(work: &Work, fact: &fact::Model) -> Result<financing::Model, Error> {
    let row = financing::Entity::find_by_id(fact.financing_id).one(work.tx()).await?;
    row.ok_or_else(|| Error::internal("a financing is gone"))
}

/// Takes a line back that was reported of money that came. Each is taken back once; said again in the same words, it is
/// done already.
pub async fn reverse(app: &App, call: &Call, said: &Reversal) -> Result<financing::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let wanted = reference(&said.bank_reference, "bankReference")?;
    let counter = reference(&said.reversal_reference, "reversalReference")?;
    let reason = text::paragraph(&said.reason, LONGEST_NOTE).map_err(|refusal| refusal.at("reason"))?;
    let today = business_day(app.clock().now());
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let came = told(&work, own, FactKind::Received, (&wanted, said.line)).await?;
    let came = came.ok_or_else(|| not_found("bankReference", &wanted))?;
    let seen = of(&work, &came).await?;
    let requests = locked(&work, &BTreeSet::from([seen.request_id])).await?;
    let row = of(&work, &came).await?;
    if let Some(before) = told(&work, own, FactKind::Reversed, (&counter, said.line)).await? {
        let same = before.reverses_id == Some(came.id) && before.value_date == said.on;
        return if same { work.commit(row).await } else { Err(other_words(&counter, "reversalReference").into()) };
    }
    let taken_back = fact::Entity::find().filter(fact::Column::ReversesId.eq(came.id)).one(work.tx()).await?;
    if taken_back.is_some() {
        return Err(other_words(&wanted, "bankReference").into());
    }
    dated(said.on, (came.value_date, today))?;
    let fact = fact::Model {
        id: FinancingFactId::new(work.now),
        financing_id: row.id,
        financier_id: own,
        kind: FactKind::Reversed,
        payer: came.payer,
        amount_minor: came.amount_minor,
        value_date: said.on,
        bank_reference: Some(counter.clone()),
        line: said.line,
        note: Some(reason.clone()),
        reverses_id: Some(came.id),
        by: work.viewer().subject(),
        at: work.now,
    };
    note(&work, &fact, "reversalReference").await?;
    let facts = facts_of(work.tx(), &[row.id]).await?.remove(&row.id).unwrap_or_default();
    let next = rebooked(&work, &row, &facts, std::slice::from_ref(&fact)).await?;
    let change = Change { before: row, after: next.clone(), fact: fact.id };
    concluded(&mut work, today, &requests, &BTreeMap::new(), &[change]).await?;
    let before = json!({ "amount": next.money(came.amount_minor), "on": came.value_date, "reference": wanted });
    let after = json!({ "reference": counter, "on": said.on, "reason": reason });
    work.audit(Some(own), "reverseCollection", encode(next.id).0, before, after);
    work.commit(next).await
}
