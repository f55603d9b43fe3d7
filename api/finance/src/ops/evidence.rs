//! Evidence packages: what is known of a receivable in one file, signed, one version after the other.
//!
//! Nothing of its financing stands in one: not who was asked for money on it, nor that anybody was. So one file is the
//! same for its seller, its debtor and its financier, and whoever sees the receivable may read it.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use entities::{
    finance::{
        ReceivableEventKind as Kind, confirmation,
        evidence::{self, Doc, DocRole, MOST_BYTES, Package, Seal},
        evidence_package::{self, Head},
        merkle::{self, hex},
        receivable::{self, event},
    },
    party::{Action, Viewer},
    procurement::receivable::{Evidence, canonical},
    values::{
        ErrorCode, Refusal,
        id::{EvidencePackageId, ReceivableId},
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, not_found},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs, key},
    vault::{Vault, sha256_hex},
};
use procurement::ops::payables;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::{Value, json};

use super::confirmations::known_as;

/// By which rule packages are signed.
pub const ALGORITHM: &str = "Ed25519";
/// For what the vault gives a key.
const PURPOSE: &str = "evidence";
/// Characters of a key's name.
const KEY_NAME: usize = 16;
/// Most events of a package: with all that may stand beside them a file stays below [`MOST_BYTES`].
const MOST_EVENTS: u64 = 5_000;
/// The media type of what is written in canonical form.
const CANONICAL: &str = "application/json";
/// The media type of a file of which nothing but its hash is known.
const UNKNOWN: &str = "application/octet-stream";

const NEWEST: &str = "newest-evidence-package";

/// What may be told to both sides of what happened. Whatever is not named here stays out of packages: a debtor reads them
/// too, and nothing of the seller's money is its business.
const TOLD: [Kind; 15] = [
    Kind::Created,
    Kind::Paid,
    Kind::Withdrawn,
    Kind::Credited,
    Kind::SetOff,
    Kind::Corrected,
    Kind::Disputed,
    Kind::Settled,
    Kind::Verified,
    Kind::ConfirmationRequested,
    Kind::ConfirmationRecalled,
    Kind::Confirmed,
    Kind::PartlyConfirmed,
    Kind::Rejected,
    Kind::Expired,
];

/// The key that signs packages: one for as long as the master key is the same, so that whoever pinned it once finds it
/// again in ten years. It is derived anew when it is needed, and kept nowhere.
#[derive(Debug)]
pub struct Key {
    /// Its name: the beginning of the SHA-256 of its public half, in hex.
    pub id: String,
    /// Its public half, in base64.
    pub public: String,
    pair: Ed25519KeyPair,
}

impl Key {
    /// The key of this house.
    pub fn of(vault: &Vault) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&vault.seed(PURPOSE));
        let pair = pair.map_err(|rejected| Error::internal(rejected.to_string()))?;
        let public: &[u8] = pair.public_key().as_ref();
        Ok(Self { id: named(public), public: BASE64_STANDARD.encode(public), pair })
    }

    fn sign(&self, message: &str) -> Seal {
        Seal {
            algorithm: ALGORITHM.to_owned(),
            key_id: self.id.clone(),
            public_key: self.public.clone(),
            value: BASE64_STANDARD.encode(self.pair.sign(message.as_bytes())),
        }
    }
}

/// The name of a public key.
fn named(public: &[u8]) -> String {
    sha256_hex(public).chars().take(KEY_NAME).collect()
}

/// Whether a signature is one over this message, of the key that it names. Whose key that is, it does not say.
pub fn fits(seal: &Seal, message: &[u8]) -> bool {
    let read = |text: &str| BASE64_STANDARD.decode(text).ok();
    let (Some(public), Some(value)) = (read(&seal.public_key), read(&seal.value)) else { return false };
    seal.algorithm == ALGORITHM
        && seal.key_id == named(&public)
        && UnparsedPublicKey::new(&ED25519, &public).verify(message, &value).is_ok()
}

/// Puts what is known of a receivable into a package, for its seller or for who is asked for money on it. When nothing
/// is known that the last one does not say, it is that one.
pub async fn make(app: &App, call: &Call, id: ReceivableId) -> Result<Head, Error> {
    let own = acting(call, Action::MakeEvidence)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    // One version is made after the other.
    guarded::lock(work.tx(), "receivable", &[id.0]).await?;
    let seen = receivable::Entity::visible_to(work.viewer()).filter(receivable::Column::Id.eq(id));
    // What is handed to a bank is the seller's to make, and the bank's; the debtor reads it, as the zone does.
    let inside = |row: &receivable::Model| row.seller_id == own || (row.debtor_id != own && !call.viewer.oversees());
    let row = seen.one(work.tx()).await?.filter(inside);
    let row = row.ok_or_else(|| not_found("receivableId", encode(id).as_str()))?;
    let before = latest(&work, id).await?;
    let new = EvidencePackageId::new(work.now);
    let (version, package_id) = match &before {
        Some((last, said)) => (last.version + 1, said.package_id.clone()),
        None => (1, encode(new).0),
    };
    let (docs, facts) = known(&work, &row).await?;
    let package = Package {
        package_id,
        version: version.to_string(),
        subject: encode(id).0,
        created_at: moment(work.now),
        prev_hash: before.as_ref().map(|(last, _)| last.sha256.clone()),
        docs,
        facts,
        merkle_root: String::new(),
    };
    let package = package.sealed().map_err(Error::internal)?;
    if let Some((last, said)) = &before
        && said.docs == package.docs
        && said.facts == package.facts
    {
        return work.commit(Head::from(last)).await;
    }
    let message = package.message().map_err(Error::internal)?;
    let file = evidence::file(&package, &Key::of(app.vault())?.sign(&message)).map_err(Error::internal)?;
    if file.len() > MOST_BYTES {
        // Nobody could verify it.
        let refusal = Refusal::new(ErrorCode::TooLong).with("max", MOST_BYTES.to_string());
        return Err(refusal.at("receivableId").into());
    }
    let row = evidence_package::Model {
        id: new,
        receivable_id: id,
        version,
        prev_sha256: package.prev_hash,
        sha256: sha256_hex(message.as_bytes()),
        file,
        made_by: work.viewer().subject(),
        at: work.now,
    };
    let head = Head::from(&row);
    evidence_package::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "receivable": encode(id).0, "version": version, "sha256": head.sha256 });
    work.audit(Some(own), "makeEvidencePackage", encode(new).0, Value::Null, shown);
    work.commit(head).await
}

/// The last package of a receivable, and what it says.
async fn latest(work: &Work, id: ReceivableId) -> Result<Option<(evidence_package::Model, Package)>, Error> {
    let last = evidence_package::Entity::find()
        .filter(evidence_package::Column::ReceivableId.eq(id))
        .order_by_desc(evidence_package::Column::Version);
    let Some(last) = last.one(work.tx()).await? else { return Ok(None) };
    let said = evidence::verify(last.file.as_bytes(), fits).map_err(Error::internal)?.package;
    Ok(Some((last, said)))
}

/// A moment as packages write it.
fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The value of an enumeration, as the schema writes it.
fn name(of: impl Into<async_graphql::Value>) -> String {
    let value: async_graphql::Value = of.into();
    value.to_string()
}

/// What is known of a receivable: its documents by their hashes, and what is so at this moment. Nothing that goes by the
/// day is in it, and no counter: what did not change is the same tomorrow.
async fn known(work: &Work, row: &receivable::Model) -> Result<(Vec<Doc>, Value), Error> {
    let evidence = rests_on(work, row).await?;
    let said = stated(work, row.id).await?;
    let (events, chain) = happened(work, row).await?;
    let amount = |minor: i64| row.money(minor).decimal().to_string();
    let amounts = json!({
        "face": amount(row.face_minor),
        "credited": amount(row.credited_minor),
        "paid": amount(row.paid_minor),
        "setOff": amount(row.set_off_minor),
        "outstanding": amount(row.outstanding_minor()),
        "confirmed": amount(row.confirmed_minor),
        "fundable": amount(row.fundable_minor()),
    });
    let status = json!({
        "commercial": name(row.commercial()),
        "confirmation": name(row.confirmation),
        "disputed": row.disputed,
        "performed": row.performed,
        "verified": row.verified,
        "consignment": row.consignment,
        "billClaim": row.bill_claim,
        "writtenOff": row.written_off,
    });
    let invoice = json!({
        "kind": name(row.invoice_kind),
        "number": row.invoice_no,
        "code": row.invoice_code,
        "issueDate": row.issue_date.to_string(),
        "dueDate": row.due_date.to_string(),
    });
    let rests = json!({
        "sha256": row.evidence_sha256,
        "previousSha256": row.previous_sha256,
        "revision": row.revision,
        "match": evidence.matched,
        "approvals": evidence.approvals,
        "debitNotes": evidence.debit_notes,
        "waybills": evidence.waybills,
    });
    let (seller, debtor) = (known_as(work, row.seller_id).await?, known_as(work, row.debtor_id).await?);
    let confirmations: Vec<Value> = said.iter().map(|one| shown(row, one)).collect::<Result<_, Error>>()?;
    let facts = json!({
        "source": name(row.source),
        "seller": seller,
        "debtor": debtor,
        "invoice": invoice,
        "currency": row.currency.code(),
        "amounts": amounts,
        "status": status,
        "evidence": rests,
        "confirmations": confirmations,
        "events": events,
        "eventChain": chain,
    });
    Ok((documents(&evidence, &said), facts))
}

/// What a receivable is made of: its own words, or those of its payable.
async fn rests_on(work: &Work, row: &receivable::Model) -> Result<Evidence, Error> {
    if let Some(own) = &row.evidence {
        return Ok(own.clone());
    }
    let of = match row.payable_id {
        Some(payable) => payables::evidence_of(work.tx(), &[payable]).await?.remove(&payable),
        None => None,
    };
    of.ok_or_else(|| Error::internal("a receivable rests on nothing"))
}

/// What the debtor stated of a receivable, first first.
async fn stated(work: &Work, id: ReceivableId) -> Result<Vec<confirmation::Model>, Error> {
    let rows = confirmation::Entity::find()
        .filter(confirmation::Column::ReceivableId.eq(id))
        .filter(confirmation::Column::Statement.is_not_null())
        .order_by_asc(confirmation::Column::Id);
    Ok(rows.all(work.tx()).await?)
}

/// A statement as a fact. In canonical form it has its hash again, so nobody needs it from elsewhere.
fn shown(row: &receivable::Model, said: &confirmation::Model) -> Result<Value, Error> {
    let statement: Option<Value> =
        said.statement.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
    Ok(json!({
        "result": name(said.result),
        "amount": said.amount_minor.map(|minor| row.money(minor).decimal().to_string()),
        "statement": statement,
        "statementSha256": said.statement_sha256,
    }))
}

/// What happened to a receivable, first first, and the end of the hash chain over that: who has an older package sees
/// that its events are the beginning of these.
async fn happened(work: &Work, row: &receivable::Model) -> Result<(Vec<Value>, String), Error> {
    let rows = event::Entity::find()
        .filter(event::Column::ReceivableId.eq(row.id))
        .filter(event::Column::Kind.is_in(TOLD))
        .order_by_asc(event::Column::Id)
        .limit(MOST_EVENTS + 1)
        .all(work.tx())
        .await?;
    if rows.len() as u64 > MOST_EVENTS {
        let refusal = Refusal::new(ErrorCode::TooMany).with("max", MOST_EVENTS.to_string());
        return Err(refusal.at("receivableId").into());
    }
    let told = |one: &event::Model| {
        json!({
            "kind": name(one.kind),
            "amount": row.money(one.amount_minor).decimal().to_string(),
            "reference": one.reference,
            "at": moment(one.at),
        })
    };
    let events: Vec<Value> = rows.iter().map(told).collect();
    let bodies: Vec<String> =
        events.iter().map(canonical).collect::<serde_json::Result<_>>().map_err(Error::internal)?;
    let chain = hex(&merkle::chain(bodies.iter().map(String::as_str)));
    Ok((events, chain))
}

/// The documents of a package, by their names. Of a text that both sides have in canonical form, and of a file whose
/// bytes are not here, the hash alone is known: its size is left empty.
fn documents(evidence: &Evidence, said: &[confirmation::Model]) -> Vec<Doc> {
    let mut docs = BTreeMap::new();
    let mut put = |role: DocRole, name: String, (media_type, size): (&str, &str), sha256: &str| {
        let doc = Doc {
            role,
            name: name.clone(),
            media_type: media_type.to_owned(),
            size: size.to_owned(),
            sha256: sha256.to_owned(),
        };
        docs.insert(name, doc);
    };
    let text = (CANONICAL, "");
    for order in &evidence.orders {
        put(DocRole::Po, format!("po-{}-r{}.json", order.number, order.revision), text, &order.sha256);
    }
    for receipt in &evidence.receipts {
        put(DocRole::Grn, format!("grn-{}.json", receipt.number), text, &receipt.sha256);
    }
    let invoice = &evidence.invoice;
    if !invoice.lines_sha256.is_empty() {
        put(DocRole::Invoice, "invoice-lines.json".to_owned(), text, &invoice.lines_sha256);
    }
    let attached = |sha256: &String| evidence.files.iter().any(|file| file.sha256 == *sha256);
    if let Some(sha256) = invoice.file_sha256.as_ref().filter(|sha256| !attached(sha256)) {
        put(DocRole::Invoice, format!("invoice-{sha256}"), (UNKNOWN, ""), sha256);
    }
    for file in &evidence.files {
        let role = match file.role.as_str() {
            "PO" => DocRole::Po,
            "INVOICE" => DocRole::Invoice,
            _ => DocRole::Grn,
        };
        let name = format!("{}-{}", file.role.to_lowercase(), file.sha256);
        put(role, name, (file.media_type.as_str(), file.size.as_str()), &file.sha256);
    }
    for (n, one) in said.iter().enumerate() {
        if let (Some(statement), Some(sha256)) = (&one.statement, &one.statement_sha256) {
            let size = statement.len().to_string();
            put(DocRole::Confirmation, format!("confirmation-{}.json", n + 1), (CANONICAL, size.as_str()), sha256);
        }
    }
    docs.into_values().collect()
}

/// The packages of a receivable that the viewer may see, the newest version first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: ReceivableId,
    page: &PageArgs,
) -> Result<Page<Head>, Error> {
    use evidence_package::{Column, Entity};
    let place = vec![Expr::col((Entity, Column::Version))];
    let beyond = page.beyond(NEWEST, place, Order::Desc, |k| Some(vec![key::int(k.first()?)?]))?;
    let list = Entity::visible_to(viewer).filter(Column::ReceivableId.eq(of));
    let list = beyond.into_iter().fold(list, QueryFilter::filter);
    let list = list.order_by(Column::Version, page.walk(Order::Desc)).limit(page.fetch());
    Ok(page.page(list.into_partial_model::<Head>().all(db).await?))
}

/// The cursor of a package in that list.
pub fn cursor(row: &Head) -> Cursor {
    Cursor::new(NEWEST, vec![row.version.into()])
}

/// A package; none when there is none or it may not be seen.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: EvidencePackageId) -> Result<Option<Head>, Error> {
    let found = evidence_package::Entity::visible_to(viewer).filter(evidence_package::Column::Id.eq(id));
    Ok(found.into_partial_model::<Head>().one(db).await?)
}

/// The files of packages; who sees a package sees its file.
pub async fn files(
    db: &impl ConnectionTrait,
    ids: &[EvidencePackageId],
) -> Result<HashMap<EvidencePackageId, String>, Error> {
    let found: Vec<(EvidencePackageId, String)> = evidence_package::Entity::find()
        .select_only()
        .columns([evidence_package::Column::Id, evidence_package::Column::File])
        .filter(evidence_package::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}
