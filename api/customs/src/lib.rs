//! Customs (海关): an order that was paid becomes papers, the papers are matched, a list is declared, customs answers.
//!
//! Invariants: what is said to customs is made of one set of facts, fixed when the order was paid; every message in and out
//! is kept, sealed, with its hash; a declaration's state follows from its papers, and a paper's from its receipts, whatever
//! their order and number ([`entities::customs::receipt`]); customs is never called while a transaction is open.
//!
//! ```text
//! open (in the transaction that paid the order) ──> job `customs.advance`
//! advance: what is still missing? ── order, payment, waybill ──> match ──> list
//!    each paper: job `customs.send` ──> gateway ──> receipts ──> receive ──> fold ──> advance ──> job `customs.moved`
//! ```
//!
//! `customs` knows no orders: a declaration has a document, which is an order's number. What follows from a release, a
//! withdrawal or a return is done by whoever the document belongs to, told by [`jobs::Moved`].
//!
//! A declaration's row is locked before anything of it changes, and before its papers.
//!
//! - [`filings`], [`arrangements`]: what must be there beforehand
//! - [`advance`]: what a declaration waits for, and its next step; [`underway`]: how its goods come and fare
//! - [`papers`]: papers written and sent again; [`gathered`]: all that they are made of
//! - [`sending`], [`receiving`]: messages out and in; `named`: which papers a receipt is about; [`following`]: what follows
//!   from receipts
//! - [`requests`]: withdrawals and returns; [`taxes`]: bills and guarantees; [`parties`]: papers of other parties
//! - [`exports`]: what leaves the country
//! - [`payment_data`]: what customs asks about payments (announcement 179); [`deliveries`]: what came into a site
//! - [`simulator`]: the stand-in for customs
//! - [`jobs`], [`lists`], [`loaders`], [`reconcile`]

pub mod advance;
pub mod arrangements;
pub mod deliveries;
pub mod exports;
pub mod filings;
pub mod following;
pub mod gathered;
pub mod graphql;
pub mod jobs;
pub mod lists;
pub mod loaders;
mod named;
pub mod papers;
pub mod parties;
pub mod payment_data;
pub mod receiving;
pub mod reconcile;
pub mod requests;
pub mod sending;
pub mod simulator;
pub mod taxes;
pub mod underway;

use entities::{
    customs::{ceb::Document, declaration, message, paper, sale::Sale},
    values::id::{CustomsMessageId, CustomsPaperId, DeclarationId},
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
    vault::Vault,
};
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect, sea_query::LockType};

/// Longest reason that is kept.
const LONGEST_REASON: usize = 500;

/// A reason as it is kept: cut, and without what is no text. It may quote what came.
fn reason(text: &str) -> String {
    kept_text(text, LONGEST_REASON)
}

/// Text of others as it is kept: cut, and without what is no text (`PostgreSQL` keeps no NUL).
fn kept_text(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(most).collect()
}

/// Digits in a row that name somebody: a telephone has 11, a resident ID 17 or 18.
const NAMING: usize = 11;

/// Who is named by what is declared, in all ways in which they are.
fn people_of(vault: &Vault, row: &declaration::Model) -> Result<Vec<String>, Error> {
    let sale = sale_of(vault, row)?;
    let Sale { buyer, consignee, .. } = sale;
    let all = [buyer.name, buyer.mobile, buyer.resident_id, consignee.name, consignee.mobile, consignee.address];
    Ok(all.into_iter().filter(|said| said.chars().count() > 1).collect())
}

/// What customs says, without whom it says it of: it is read by whoever sells. The whole text is in the message, sealed.
fn without_people(text: &str, people: &[String]) -> String {
    let text = people.iter().fold(text.to_owned(), |text, said| text.replace(said.as_str(), "***"));
    let mut kept = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        kept.push_str(if run.len() < NAMING { &run } else { "***" });
        run.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

fn sale_place(id: DeclarationId) -> String {
    format!("declaration.sale:{id}")
}

fn paper_place(id: CustomsPaperId) -> String {
    format!("customs_paper:{id}")
}

fn message_place(id: CustomsMessageId) -> String {
    format!("customs_message:{id}")
}

/// The facts of a declaration's sale.
fn sale_of(vault: &Vault, row: &declaration::Model) -> Result<Sale, Error> {
    let text = vault.unseal_text(&sale_place(row.id), &row.sale)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// What a paper says.
fn document_of(vault: &Vault, row: &paper::Model) -> Result<Document, Error> {
    let text = vault.unseal_text(&paper_place(row.id), &row.body)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn sealed_document(vault: &Vault, id: CustomsPaperId, document: &Document) -> Result<Vec<u8>, Error> {
    vault.seal(&paper_place(id), &serde_json::to_vec(document).map_err(Error::internal)?)
}

/// The text of a message that was kept.
fn text_of(vault: &Vault, row: &message::Model) -> Result<String, Error> {
    vault.unseal_text(&message_place(row.id), &row.body)
}

/// A declaration, locked until the transaction ends: of two that change it one waits.
async fn locked(tx: &impl ConnectionTrait, id: DeclarationId) -> Result<declaration::Model, Error> {
    let mut row = declaration::Entity::find_by_id(id);
    if dialect(tx) == Dialect::Postgres {
        row = row.lock(LockType::Update);
    }
    row.one(tx).await?.ok_or_else(|| Error::internal("a declaration is gone"))
}
