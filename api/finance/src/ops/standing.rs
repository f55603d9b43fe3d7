//! What operators know of organisations, and of invoices: who belongs together, with whom nobody deals, what the tax
//! authority said. And what everybody may ask: whether an invoice is financed already, never by whom.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        FingerprintState, receivable,
        request::fingerprint,
        standing::{related, sanctioned},
    },
    party::{Action, OrganisationRole, Viewer, filing, organisation},
    procurement::{InvoiceKind, invoice_no, receivable::fingerprint_text},
    values::{
        ErrorCode, Money, Refusal,
        id::{OrganisationId, ReceivableId},
        identity::Uscc,
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, fresh, not_found},
    graphql::encode,
    guarded,
    vault::Vault,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::{
    confirmations::known_as,
    receivables::{Happened, changed},
};

/// Which key fingerprints are made with.
pub(super) const KEY_VERSION: i32 = 1;

/// How an invoice that somebody asks about is like one that is financed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum MatchKind {
    /// It is the same invoice (完全一致).
    Exact,
    /// It has its seller and number, and another amount or day (号码一致).
    Number,
    /// Nothing like it is financed (无).
    Nothing,
}

/// An invoice that somebody asks about.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Asked {
    pub seller: String,
    pub debtor: String,
    pub kind: InvoiceKind,
    pub no: String,
    pub code: Option<String>,
    pub issue_date: NaiveDate,
    pub amount: Money,
}

/// The hash of an invoice's seller and number alone, which finds the same number with another amount.
pub(super) fn number_hash(vault: &Vault, seller: &str, code: Option<&str>, no: &str) -> String {
    let folded = invoice_no::folded(&format!("{}{no}", code.unwrap_or_default()));
    vault.lookup("invoice number", &format!("v1|{seller}|{folded}"))
}

/// The same of a receivable.
pub(super) async fn number_of(app: &App, work: &Work, row: &receivable::Model) -> Result<String, Error> {
    let seller = known_as(work, row.seller_id).await?;
    Ok(number_hash(app.vault(), &seller, row.invoice_code.as_deref(), &row.invoice_no))
}

/// Refused unless somebody may ask about invoices of a seller: banks, that seller, who oversees the zone. A debtor would
/// learn what it is not told.
pub async fn may_ask(db: &impl ConnectionTrait, viewer: &Viewer, seller: &str) -> Result<(), Error> {
    if viewer.oversees() || viewer.plays(OrganisationRole::Bank) {
        return Ok(());
    }
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    let own = organisation::Entity::find_by_id(own).one(db).await?.and_then(|row| row.uscc);
    if own.is_some_and(|code| code.as_str() == seller.trim()) { Ok(()) } else { Err(Error::Forbidden) }
}

/// Whether an invoice is financed, and how like it is: never who holds it.
pub async fn financed(app: &App, db: &impl ConnectionTrait, asked: &Asked) -> Result<MatchKind, Error> {
    let seller: Uscc = asked.seller.parse().map_err(|refusal: Refusal| refusal.at("sellerUscc"))?;
    let debtor: Uscc = asked.debtor.parse().map_err(|refusal: Refusal| refusal.at("debtorUscc"))?;
    let number = invoice_no::read(asked.kind, &asked.no, asked.code.as_deref(), None)?;
    let code = number.code.as_deref();
    let text = fingerprint_text(
        (seller.as_str(), debtor.as_str()),
        (code, &number.no),
        asked.issue_date,
        asked.amount.currency,
        asked.amount.minor,
    );
    let exact = app.vault().lookup("receivable", &text);
    let like = number_hash(app.vault(), seller.as_str(), code, &number.no);
    let either =
        Condition::any().add(fingerprint::Column::Hash.eq(&exact)).add(fingerprint::Column::NumberHash.eq(like));
    let live =
        fingerprint::Entity::find().filter(either).filter(fingerprint::Column::State.ne(FingerprintState::Cancelled));
    let found = live.all(db).await?;
    Ok(match (found.iter().any(|row| row.hash == exact), found.is_empty()) {
        (true, _) => MatchKind::Exact,
        (false, false) => MatchKind::Number,
        (false, true) => MatchKind::Nothing,
    })
}

/// Notes that two organisations belong together, or do not.
pub async fn relate(
    app: &App,
    call: &Call,
    (one, other): (OrganisationId, OrganisationId),
    related_now: bool,
    reason: &str,
) -> Result<(), Error> {
    let zone = acting(call, Action::KeepStanding)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    if one == other {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", encode(other).0).at("otherId").into());
    }
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    for (id, field) in [(one, "organisationId"), (other, "otherId")] {
        known(&work, id, field).await?;
    }
    related::Entity::delete_many()
        .filter(related::Column::OneId.eq(first))
        .filter(related::Column::OtherId.eq(second))
        .exec(work.tx())
        .await?;
    if related_now {
        let row = related::Model {
            one_id: first,
            other_id: second,
            reason: reason.clone(),
            by: work.viewer().subject(),
            at: work.now,
        };
        related::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    }
    let shown = json!({ "other": encode(second).0, "related": related_now, "reason": reason });
    work.audit(Some(zone), "setRelatedParties", encode(first).0, Value::Null, shown);
    work.commit(()).await
}

/// Notes that nobody deals with an organisation, or that one may again.
pub async fn sanction(
    app: &App,
    call: &Call,
    id: OrganisationId,
    sanctioned_now: bool,
    reason: &str,
) -> Result<(), Error> {
    let zone = acting(call, Action::KeepStanding)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    known(&work, id, "organisationId").await?;
    sanctioned::Entity::delete_by_id(id).exec(work.tx()).await?;
    if sanctioned_now {
        let by = work.viewer().subject();
        let row = sanctioned::Model { organisation_id: id, reason: reason.clone(), by, at: work.now };
        sanctioned::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    }
    let shown = json!({ "sanctioned": sanctioned_now, "reason": reason });
    work.audit(Some(zone), "setSanctioned", encode(id).0, Value::Null, shown);
    work.commit(()).await
}

async fn known(work: &Work, id: OrganisationId, field: &str) -> Result<(), Error> {
    let row = organisation::Entity::find_by_id(id).one(work.tx()).await?;
    row.map(drop).ok_or_else(|| not_found(field, encode(id).as_str()))
}

/// Notes what the tax authority said of an invoice: that it is one, or not.
pub async fn verify(
    app: &App,
    call: &Call,
    (id, expected): (ReceivableId, i32),
    verified: bool,
    reference: &str,
) -> Result<receivable::Model, Error> {
    let zone = acting(call, Action::KeepStanding)?;
    let reference = text::line(reference, 100).map_err(|refusal| refusal.at("reference"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    guarded::lock(work.tx(), "receivable", &[id.0]).await?;
    let row = receivable::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    let kind = entities::finance::ReceivableEventKind::Verified;
    let note = if verified { reference.clone() } else { format!("✗ {reference}") };
    let happened = Happened { note: Some(note), ..Happened::plainly(kind) };
    let next = changed(&mut work, &row, receivable::Model { verified, ..row.clone() }, happened).await?;
    let shown = json!({ "verified": verified, "reference": reference });
    work.audit(Some(zone), "recordInvoiceVerification", encode(id).0, json!({ "verified": row.verified }), shown);
    work.commit(next).await
}

/// What is known of organisations, for several receivables at once.
#[derive(Debug, Default)]
pub(super) struct Standing {
    related: BTreeSet<(OrganisationId, OrganisationId)>,
    sanctioned: BTreeSet<OrganisationId>,
    filed: BTreeSet<OrganisationId>,
}

impl Standing {
    /// Reads it in three statements, however many there are.
    pub(super) async fn read(db: &impl ConnectionTrait, all: &BTreeSet<OrganisationId>) -> Result<Self, Error> {
        let ids = || all.iter().copied();
        let pairs = related::Entity::find()
            .filter(related::Column::OneId.is_in(ids()))
            .filter(related::Column::OtherId.is_in(ids()));
        let marked = sanctioned::Entity::find().filter(sanctioned::Column::OrganisationId.is_in(ids()));
        let filed = filing::Entity::find()
            .filter(filing::Column::OrganisationId.is_in(ids()))
            .filter(filing::Column::InForceVersion.is_not_null());
        Ok(Self {
            related: pairs.all(db).await?.into_iter().map(|row| (row.one_id, row.other_id)).collect(),
            sanctioned: marked.all(db).await?.into_iter().map(|row| row.organisation_id).collect(),
            filed: filed.all(db).await?.into_iter().filter_map(|row| row.organisation_id).collect(),
        })
    }

    pub(super) fn are_related(&self, one: OrganisationId, other: OrganisationId) -> bool {
        self.related.contains(&(one.min(other), one.max(other)))
    }

    pub(super) fn is_sanctioned(&self, id: OrganisationId) -> bool {
        self.sanctioned.contains(&id)
    }

    pub(super) fn is_known(&self, id: OrganisationId) -> bool {
        self.filed.contains(&id)
    }
}

/// Of which of these hashes something is financed, and by which receivable's request.
pub(super) async fn live(
    db: &impl ConnectionTrait,
    hashes: &[String],
) -> Result<HashMap<String, fingerprint::Model>, Error> {
    let rows = fingerprint::Entity::find()
        .filter(fingerprint::Column::Hash.is_in(hashes))
        .filter(fingerprint::Column::State.ne(FingerprintState::Cancelled));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.hash.clone(), row)).collect())
}
