//! What is brought along: sellers import receivables that the house did not see come to be, debtors upload what they owe,
//! which confirms it at once.
//!
//! A batch is taken as a whole: its number of items and its control sum hold, and every row is good, or nothing is
//! written. One invoice is one receivable: what is there already is refused, and what a debtor uploads of it confirms it.

use chrono::NaiveDate;
use entities::{
    finance::{
        ConfirmationResult, ConfirmationStatus, ConfirmationStep, EncumbranceStatus, ReceivableEventKind as Kind,
        ReceivableSide, ReceivableSource, confirmation,
        receivable::{self, due_within_a_year},
    },
    party::{Action, organisation},
    procurement::{
        InvoiceKind, invoice_no,
        receivable::{Evidence, InvoiceOf, MatchOf, PartyOf, VERSION, canonical, fingerprint_text},
    },
    values::{
        ErrorCode, Money, Refusal, Refusals,
        id::{ConfirmationId, OrganisationId, ReceivableId},
        identity::Uscc,
        refusal::{Check, line, sha256},
    },
};
use platform::{
    app::{App, Call, Work, acting},
    clock::business_day,
    error::{Error, not_found, violates_unique},
    graphql::encode,
    guarded,
    vault::sha256_hex,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::{
    Control,
    confirmations::{pays, stated},
    receivables::{Happened, at_item, changed, note, told},
};

/// Most waybills of a row.
const MOST_WAYBILLS: usize = 20;

/// The other side of a receivable: by its id here, or by its unified social credit code.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub enum Party {
    Id(OrganisationId),
    Uscc(String),
}

/// A receivable that is brought along.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Row {
    pub party: Party,
    pub kind: InvoiceKind,
    pub invoice_no: String,
    pub invoice_code: Option<String>,
    pub issue_date: NaiveDate,
    pub due_date: NaiveDate,
    pub amount: Money,
    pub waybills: Vec<String>,
    pub file_sha256: Option<String>,
    pub consignment: bool,
    pub bill_claim: bool,
}

/// A row whose words are good.
struct Read<'a> {
    row: &'a Row,
    no: String,
    code: Option<String>,
    waybills: Vec<String>,
    file_sha256: Option<String>,
}

fn read(row: &Row, today: NaiveDate) -> Result<Read<'_>, Refusals> {
    let mut check = Check::default();
    let number = match invoice_no::read(row.kind, &row.invoice_no, row.invoice_code.as_deref(), None) {
        Ok(number) => Some(number),
        Err(refusal) => {
            check.0.push(refusal);
            None
        }
    };
    check.demand(row.issue_date <= today, "issueDate", || {
        Refusal::new(ErrorCode::InvalidValue).with("value", row.issue_date.to_string())
    });
    check.take("dueDate", due_within_a_year(row.issue_date, row.due_date));
    let most = Money { minor: Money::MAX_MINOR, currency: row.amount.currency };
    check.demand(row.amount.minor > 0, "amount", || {
        let least = Money { minor: 1, ..row.amount };
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", least.decimal().to_string());
        range.with("max", most.decimal().to_string())
    });
    check.demand(row.waybills.len() <= MOST_WAYBILLS, "waybills", || {
        Refusal::new(ErrorCode::TooMany).with("max", MOST_WAYBILLS.to_string())
    });
    let mut waybills = Vec::new();
    for (n, waybill) in row.waybills.iter().take(MOST_WAYBILLS).enumerate() {
        let read = check.take("waybills", line(waybill, 64).map_err(|refusal| refusal.at(n.to_string())));
        waybills.extend(read);
    }
    let file = row.file_sha256.as_deref().and_then(|text| check.take("fileSha256", sha256(text)));
    let Some(number) = number else { return Err(check.0) };
    check.done(Read { row, no: number.no, code: number.code, waybills, file_sha256: file })
}

/// A seller brings receivables along.
pub async fn import(app: &App, call: &Call, rows: &[Row], control: Control) -> Result<Vec<receivable::Model>, Error> {
    bring(app, call, ReceivableSide::Seller, rows, control).await
}

/// A debtor brings along what it owes, and pays it without any defence: confirmed at once.
pub async fn upload(app: &App, call: &Call, rows: &[Row], control: Control) -> Result<Vec<receivable::Model>, Error> {
    bring(app, call, ReceivableSide::Debtor, rows, control).await
}

async fn bring(
    app: &App,
    call: &Call,
    side: ReceivableSide,
    rows: &[Row],
    control: Control,
) -> Result<Vec<receivable::Model>, Error> {
    let (action, name) = match side {
        ReceivableSide::Seller => (Action::KeepReceivables, "importReceivables"),
        ReceivableSide::Debtor | ReceivableSide::Financier => (Action::ConfirmReceivables, "uploadPayables"),
    };
    let own = acting(call, action)?;
    control.holds(rows.iter().map(|row| row.amount))?;
    let today = business_day(app.clock().now());
    let mut refused = Refusals::new();
    let mut good = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        match read(row, today) {
            Ok(row) => good.push(row),
            Err(refusals) => {
                refused.extend(refusals.into_iter().map(|refusal| refusal.at(n.to_string()).at("items")));
            }
        }
    }
    if !refused.is_empty() {
        return Err(refused.into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let mine = party(&work, own).await?;
    let mut done = Vec::new();
    for (n, row) in good.iter().enumerate() {
        // Boxed: a row with its evidence is large.
        let made = Box::pin(taken_on(app, &mut work, side, &mine, row)).await;
        done.push(made.map_err(|error| at_item(error, n))?);
    }
    for row in &done {
        let shown = json!({ "face": row.money(row.face_minor), "invoice": row.invoice_no, "source": row.source });
        work.audit(Some(own), name, encode(row.id).0, Value::Null, shown);
    }
    work.commit(done).await
}

async fn party(work: &Work, id: OrganisationId) -> Result<organisation::Model, Error> {
    let row = organisation::Entity::find_by_id(id).one(work.tx()).await?;
    row.ok_or_else(|| Error::internal("an organisation is gone"))
}

/// Who the other side of a row is; it has to be an organisation here.
async fn other(work: &Work, named: &Party) -> Result<organisation::Model, Error> {
    match named {
        Party::Id(id) => {
            let row = organisation::Entity::find_by_id(*id).one(work.tx()).await?;
            row.ok_or_else(|| not_found("partyId", encode(*id).as_str()))
        }
        Party::Uscc(text) => {
            let code: Uscc = text.parse().map_err(|refusal: Refusal| refusal.at("uscc"))?;
            let row = organisation::Entity::find().filter(organisation::Column::Uscc.eq(code.clone()));
            row.one(work.tx()).await?.ok_or_else(|| not_found("uscc", code.as_str()))
        }
    }
}

fn shown(row: &organisation::Model) -> PartyOf {
    PartyOf { id: encode(row.id).0, uscc: row.uscc.as_ref().map(|code| code.as_str().to_owned()) }
}

async fn taken_on(
    app: &App,
    work: &mut Work,
    side: ReceivableSide,
    mine: &organisation::Model,
    read: &Read<'_>,
) -> Result<receivable::Model, Error> {
    let theirs = other(work, &read.row.party).await?;
    if theirs.id == mine.id {
        let field = if matches!(read.row.party, Party::Id(_)) { "partyId" } else { "uscc" };
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", theirs.slug.as_str()).at(field).into());
    }
    let (seller, debtor) = match side {
        ReceivableSide::Seller => (mine, &theirs),
        ReceivableSide::Debtor | ReceivableSide::Financier => (&theirs, mine),
    };
    let known = |party: &PartyOf| party.uscc.clone().unwrap_or_else(|| party.id.clone());
    let amount = read.row.amount;
    let text = fingerprint_text(
        (&known(&shown(seller)), &known(&shown(debtor))),
        (read.code.as_deref(), &read.no),
        read.row.issue_date,
        amount.currency,
        amount.minor,
    );
    let fingerprint = app.vault().lookup("receivable", &text);
    let there = receivable::Entity::find().filter(receivable::Column::Fingerprint.eq(&fingerprint));
    if let Some(there) = there.one(work.tx()).await? {
        return match side {
            ReceivableSide::Seller => Err(twice(&read.no)),
            ReceivableSide::Debtor | ReceivableSide::Financier => uploaded(work, &there, &read.no).await,
        };
    }
    let evidence = evidence(read, (seller, debtor), side);
    let uploaded = side == ReceivableSide::Debtor;
    let row = receivable::Model {
        id: ReceivableId::new(work.now),
        payable_id: None,
        source: if uploaded { ReceivableSource::Uploaded } else { ReceivableSource::Imported },
        seller_id: seller.id,
        debtor_id: debtor.id,
        invoice_kind: read.row.kind,
        invoice_no: read.no.clone(),
        invoice_code: read.code.clone(),
        currency: amount.currency,
        face_minor: amount.minor,
        credited_minor: 0,
        paid_minor: 0,
        set_off_minor: 0,
        issue_date: read.row.issue_date,
        due_date: read.row.due_date,
        disputed: false,
        performed: uploaded,
        verified: false,
        consignment: read.row.consignment,
        bill_claim: read.row.bill_claim,
        written_off: false,
        confirmation: if uploaded { ConfirmationStatus::Confirmed } else { ConfirmationStatus::None },
        confirmed_minor: if uploaded { amount.minor } else { 0 },
        encumbrance: EncumbranceStatus::Free,
        encumbered_minor: 0,
        fingerprint,
        evidence_sha256: sha256_hex(canonical(&evidence).map_err(Error::internal)?.as_bytes()),
        evidence: Some(evidence),
        previous_sha256: None,
        revision: 1,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let made = receivable::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|error| {
        let race = violates_unique(&error, "receivable", &["fingerprint"]);
        if race { twice(&read.no) } else { Error::from(error) }
    })?;
    note(work, &row, Happened { amount_minor: row.face_minor, ..Happened::plainly(Kind::Created) }).await?;
    if uploaded {
        note(work, &row, Happened { amount_minor: row.face_minor, ..Happened::plainly(Kind::Confirmed) }).await?;
        confirmed_at_once(work, &row).await?;
    }
    told(work, &row, false).await?;
    Ok(row)
}

fn twice(no: &str) -> Error {
    Refusal::new(ErrorCode::DuplicateInvoice).with("number", no).at("invoiceNo").into()
}

/// The question that a debtor answered by itself.
fn unasked(work: &Work, row: &receivable::Model) -> confirmation::Model {
    confirmation::Model {
        id: ConfirmationId::new(work.now),
        receivable_id: row.id,
        result: ConfirmationResult::Requested,
        asked_minor: row.outstanding_minor(),
        amount_minor: None,
        account_id: None,
        waiver_of_defences: true,
        goods_accepted: true,
        statement: None,
        statement_sha256: None,
        reason: None,
        requested_by: work.viewer().subject(),
        requested_at: work.now,
        expires_at: None,
        answered_by: None,
        answerer_id: None,
        answered_at: None,
    }
}

async fn confirmed_at_once(work: &Work, row: &receivable::Model) -> Result<(), Error> {
    let said = confirmation::Model {
        result: ConfirmationResult::Confirmed,
        amount_minor: Some(row.face_minor),
        answered_by: Some(work.viewer().subject()),
        answerer_id: work.viewer().person(),
        answered_at: Some(work.now),
        ..unasked(work, row)
    };
    let (statement, sha256) = stated(work, row, &said, row.money(row.face_minor)).await?;
    let said = confirmation::Model { statement: Some(statement), statement_sha256: Some(sha256), ..said };
    confirmation::Entity::insert(said.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// The debtor uploads what is known already: it confirms all of it that is outstanding, unless it did before.
async fn uploaded(work: &mut Work, there: &receivable::Model, no: &str) -> Result<receivable::Model, Error> {
    guarded::lock(work.tx(), "receivable", &[there.id.0]).await?;
    let row = receivable::Entity::find_by_id(there.id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("a receivable is gone"))?;
    if ConfirmationStep::Upload.from(row.confirmation).is_err() {
        return Err(twice(no));
    }
    if row.outstanding_minor() == 0 || row.disputed {
        return Err(Refusal::illegal(row.commercial(), "UPLOAD").at("invoiceNo").into());
    }
    // A question that waits is answered by this; where none does, the debtor answers its own.
    let waiting = confirmation::Entity::find()
        .filter(confirmation::Column::ReceivableId.eq(row.id))
        .filter(confirmation::Column::Result.eq(ConfirmationResult::Requested));
    let (row, question) = if let Some(question) = waiting.one(work.tx()).await? {
        (row, question)
    } else {
        let question = unasked(work, &row);
        confirmation::Entity::insert(question.clone().into_active_model()).exec_without_returning(work.tx()).await?;
        let asked = receivable::Model { confirmation: ConfirmationStatus::Requested, ..row.clone() };
        let amount_minor = row.outstanding_minor();
        let happened = Happened { amount_minor, ..Happened::plainly(Kind::ConfirmationRequested) };
        (changed(work, &row, asked, happened).await?, question)
    };
    let amount = row.money(row.outstanding_minor());
    pays(work, &row, question, amount, (true, true), None).await
}

/// What a receivable that was brought along rests on: what was said of it, and by whom.
fn evidence(
    read: &Read<'_>,
    (seller, debtor): (&organisation::Model, &organisation::Model),
    side: ReceivableSide,
) -> Evidence {
    let row = read.row;
    Evidence {
        version: VERSION.to_owned(),
        revision: "1".to_owned(),
        seller: shown(seller),
        debtor: shown(debtor),
        invoice: InvoiceOf {
            number: read.no.clone(),
            code: read.code.clone(),
            kind: async_graphql::Value::from(row.kind).to_string(),
            issue_date: row.issue_date.to_string(),
            due_date: row.due_date.to_string(),
            currency: row.amount.currency.code().to_owned(),
            total: row.amount.decimal().to_string(),
            file_sha256: read.file_sha256.clone(),
            ..InvoiceOf::default()
        },
        waybills: read.waybills.clone(),
        matched: MatchOf {
            cause: if side == ReceivableSide::Seller { "IMPORTED" } else { "UPLOADED" }.to_owned(),
            ..MatchOf::default()
        },
        ..Evidence::default()
    }
}
