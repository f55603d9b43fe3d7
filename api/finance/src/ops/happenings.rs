//! What happens to receivables that were brought along: payments, credit notes, set-offs, and what of it was wrong.
//!
//! Of a receivable for a matched invoice all of that is said of its payable, in procurement. What happens to one that is
//! financed is noted all the same: it changes no history, and leaves uncovered what it leaves uncovered.

use entities::{
    finance::{
        ReceivableEventKind as Kind, ReceivableSide, confirmation,
        receivable::{self, event},
    },
    party::Action,
    values::{
        ErrorCode, Money, Refusal,
        id::{OrganisationId, ReceivableId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, fresh, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::receivables::{Happened, changed, of_side};

/// Longest reference: with the kind before it, it is that of what is taken back.
const LONGEST: usize = 100;

/// Something that takes off what is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum Settling {
    /// It was paid, or a part of it; either side says so (付款).
    Payment,
    /// The seller took something off (红字、抵减).
    CreditNote,
    /// The debtor set a claim of its own off (抵销).
    SetOff,
}

impl Settling {
    fn kind(self) -> Kind {
        match self {
            Self::Payment => Kind::Paid,
            Self::CreditNote => Kind::Credited,
            Self::SetOff => Kind::SetOff,
        }
    }

    /// Whether it is this side that says so: a credit note is the seller's, a set-off the debtor's.
    fn is_said_by(self, side: ReceivableSide) -> bool {
        match self {
            Self::Payment => side != ReceivableSide::Financier,
            Self::CreditNote => side == ReceivableSide::Seller,
            Self::SetOff => side == ReceivableSide::Debtor,
        }
    }

    /// The receivable with so much more of it, or less.
    fn moved(self, row: &receivable::Model, minor: i64) -> receivable::Model {
        let row = row.clone();
        match self {
            Self::Payment => receivable::Model { paid_minor: row.paid_minor + minor, ..row },
            Self::CreditNote => receivable::Model { credited_minor: row.credited_minor + minor, ..row },
            Self::SetOff => receivable::Model { set_off_minor: row.set_off_minor + minor, ..row },
        }
    }
}

/// What is said of a receivable.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Entry {
    pub id: ReceivableId,
    pub expected_version: i32,
    pub kind: Settling,
    pub amount: Money,
    pub reference: String,
    pub note: Option<String>,
}

/// A receivable, and on which side of it an organisation is that may say something of it.
async fn seen(
    work: &Work,
    own: OrganisationId,
    id: ReceivableId,
) -> Result<(receivable::Model, ReceivableSide), Error> {
    let known = receivable::Entity::find_by_id(id).one(work.tx()).await?;
    let side = match known {
        Some(row) if row.seller_id == own => ReceivableSide::Seller,
        Some(row) if row.debtor_id == own => ReceivableSide::Debtor,
        _ => return Err(not_found("id", encode(id).as_str())),
    };
    let row = of_side(work, side, own, id).await?;
    if row.payable_id.is_some() {
        // The buyer says it of what it owes, and the receivable follows.
        return Err(Refusal::illegal(row.source, "RECORD").at("id").into());
    }
    Ok((row, side))
}

/// Notes that something was paid, credited or set off. One of a kind has one reference.
pub async fn record(app: &App, call: &Call, entry: &Entry) -> Result<receivable::Model, Error> {
    let own = acting(call, Action::KeepReceivables)?;
    let reference = text::line(&entry.reference, LONGEST).map_err(|refusal| refusal.at("reference"))?;
    let said = text::given(entry.note.as_deref()).map(|said| text::paragraph(said, 300)).transpose();
    let said = said.map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, side) = seen(&work, own, entry.id).await?;
    if told_of(&work, entry.id, entry.kind.kind(), &reference).await?.is_some() {
        // Told before the version: whoever says it again need not read again.
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", reference).at("reference").into());
    }
    fresh(row.version, entry.expected_version)?;
    // Who waived its defences sets nothing off.
    let waived = entry.kind == Settling::SetOff && waived(&work, entry.id).await?;
    if waived || !entry.kind.is_said_by(side) {
        return Err(Refusal::illegal(row.confirmation, name(entry.kind)).at("kind").into());
    }
    let outstanding = row.outstanding_minor();
    let amount = entry.amount;
    if amount.currency != row.currency {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
        return Err(refusal.at("currency").at("amount").into());
    }
    if !(1..=outstanding).contains(&amount.minor) {
        let (least, most) = (row.money(1).decimal(), row.money(outstanding).decimal());
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string());
        return Err(refusal.at("amount").into());
    }
    let happened = Happened {
        kind: entry.kind.kind(),
        amount_minor: amount.minor,
        reference: Some(reference.clone()),
        note: said,
    };
    let next = changed(&mut work, &row, entry.kind.moved(&row, amount.minor), happened).await?;
    let shown = json!({ "kind": name(entry.kind), "amount": amount, "reference": reference });
    work.audit(Some(own), "recordReceivableEvent", encode(entry.id).0, Value::Null, shown);
    work.commit(next).await
}

/// What was said was wrong: that much is outstanding again. Each is taken back once.
pub async fn withdraw(
    app: &App,
    call: &Call,
    (id, expected): (ReceivableId, i32),
    kind: Settling,
    reference: &str,
    reason: &str,
) -> Result<receivable::Model, Error> {
    let own = acting(call, Action::KeepReceivables)?;
    let reference = text::line(reference, LONGEST).map_err(|refusal| refusal.at("reference"))?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, side) = seen(&work, own, id).await?;
    // A payment is taken back by who makes it: a seller that took back what its debtor said would be paid twice.
    if !kind.is_said_by(side) || (kind == Settling::Payment && side != ReceivableSide::Debtor) {
        return Err(Refusal::illegal(row.confirmation, format!("WITHDRAW {}", name(kind))).at("kind").into());
    }
    let said = told_of(&work, id, kind.kind(), &reference).await?;
    let said = said.ok_or_else(|| not_found("reference", &reference))?;
    // One reference may be that of a payment and of a credit note: each is taken back by itself.
    let back = format!("{} {reference}", name(kind));
    if told_of(&work, id, Kind::Withdrawn, &back).await?.is_some() {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", reference).at("reference").into());
    }
    fresh(row.version, expected)?;
    let happened = Happened {
        kind: Kind::Withdrawn,
        amount_minor: said.amount_minor,
        reference: Some(back),
        note: Some(reason.clone()),
    };
    let next = changed(&mut work, &row, kind.moved(&row, -said.amount_minor), happened).await?;
    let shown = json!({ "kind": name(kind), "reference": reference, "reason": reason });
    work.audit(Some(own), "withdrawReceivableEvent", encode(id).0, Value::Null, shown);
    work.commit(next).await
}

fn name(kind: Settling) -> String {
    async_graphql::Value::from(kind).to_string()
}

/// What was said of a receivable under a reference.
async fn told_of(work: &Work, id: ReceivableId, kind: Kind, reference: &str) -> Result<Option<event::Model>, Error> {
    let known = event::Entity::find()
        .filter(event::Column::ReceivableId.eq(id))
        .filter(event::Column::Kind.eq(kind))
        .filter(event::Column::Reference.eq(reference));
    Ok(known.one(work.tx()).await?)
}

/// Whether the debtor said that it pays whatever it may have against the seller.
async fn waived(work: &Work, id: ReceivableId) -> Result<bool, Error> {
    let rows = confirmation::Entity::find()
        .filter(confirmation::Column::ReceivableId.eq(id))
        .filter(confirmation::Column::WaiverOfDefences.eq(true));
    Ok(rows.one(work.tx()).await?.is_some())
}
