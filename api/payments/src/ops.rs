//! Opening payments, starting them, what providers tell, asking them, giving up.

use chrono::{DateTime, Utc};
use entities::{
    payments::{Method, PaymentState, ProviderKind, notice, payment, refund},
    values::{
        ErrorCode, Money, Refusal,
        id::{PaymentId, RefundId},
    },
};
use platform::{
    app::{App, Call, Work},
    db::{Dialect, dialect, wrote},
    error::{Error, not_found},
    jobs::{self, Job},
    payment::{Begin, Begun, Failure, NextStep, Notice, RefundReport, Report, ReportState},
    vault, web,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, OnConflict},
};

use super::{
    applied::{self, decide},
    fresh_number,
    jobs::{Capture, GiveUp, LookAt},
    provider, refunds, timed,
};

/// Longest name of a document: a job's aggregate holds it.
const LONGEST_DOCUMENT: usize = 64;
/// Longest id of a notification; longer ones are known by their hash.
const LONGEST_EVENT: usize = 160;
/// Most payments that are looked after at once.
const LOOKED_AFTER: u64 = 100;

/// What is asked of a buyer.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    /// The document that it pays for.
    pub document: &'a str,
    /// Who pays, as the audit names it.
    pub payer: &'a str,
    /// How much.
    pub amount: Money,
    /// Who carries it out.
    pub provider: ProviderKind,
    /// How the buyer pays.
    pub method: Method,
    /// Until when it can be paid.
    pub expires_at: DateTime<Utc>,
    /// What it is known by within the document: asked for again, it is the same payment.
    pub key: &'a str,
    /// Whether it is captured as soon as it is authorised. Else [`capture`] does it.
    pub at_once: bool,
}

/// Opens a payment in the caller's transaction. Nobody is asked yet.
pub async fn open(tx: &impl ConnectionTrait, now: DateTime<Utc>, charge: &Charge<'_>) -> Result<payment::Model, Error> {
    if !(1..=Money::MAX_MINOR).contains(&charge.amount.minor) {
        let value = charge.amount.decimal().to_string();
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", value);
        return Err(refusal.with("currency", charge.amount.currency.code()).at("amount").into());
    }
    if !charge.provider.takes(charge.method) {
        let method = async_graphql::Value::from(charge.method).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", method).at("method").into());
    }
    if charge.document.len() > LONGEST_DOCUMENT || charge.key.len() > LONGEST_DOCUMENT {
        return Err(Error::internal("a document or a key is too long to pay for"));
    }
    let row = payment::Model {
        id: PaymentId::new(now),
        number: fresh_number(now)?,
        document: charge.document.to_owned(),
        payer: charge.payer.to_owned(),
        request_key: format!("{}#{}", charge.document, charge.key),
        provider: charge.provider,
        method: charge.method,
        amount_minor: charge.amount.minor,
        currency: charge.amount.currency,
        at_once: charge.at_once,
        state: PaymentState::Created,
        reference: None,
        captured_minor: 0,
        refunded_minor: 0,
        allotted_minor: 0,
        fee_minor: 0,
        late: false,
        mismatch: None,
        expires_at: charge.expires_at,
        look_at: charge.expires_at,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let known = OnConflict::column(payment::Column::RequestKey).do_nothing().to_owned();
    let insert = payment::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    if wrote(insert.exec_without_returning(tx).await)? {
        return Ok(row);
    }
    let before = payment::Entity::find().filter(payment::Column::RequestKey.eq(row.request_key)).one(tx).await?;
    let before = before.ok_or_else(|| Error::internal("a payment is gone"))?;
    let same = (before.amount(), before.provider, before.method) == (charge.amount, charge.provider, charge.method);
    if same { Ok(before) } else { Err(Refusal::new(ErrorCode::IdempotencyKeyReused).into()) }
}

/// What the buyer's client says when it begins to pay.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// What the buyer sees.
    pub description: String,
    /// Where the buyer comes back to.
    pub return_url: Option<String>,
    /// The mini-program's user.
    pub openid: Option<String>,
    /// Where the buyer is.
    pub client_ip: Option<String>,
}

fn over(state: PaymentState, action: &'static str) -> Error {
    Refusal::new(ErrorCode::IllegalTransition).with("from", state.name()).with("action", action).into()
}

/// Begins a payment with its provider, or begins it again. While the provider is asked no transaction is open; what it
/// answers is noted, also when the payment was given up meanwhile: then the provider is told so.
pub async fn start(app: &App, id: PaymentId, ask: &Ask) -> Result<(payment::Model, NextStep), Error> {
    let row = payment::Entity::find_by_id(id).one(app.db().read()).await?;
    let row = row.ok_or_else(|| not_found("id", id))?;
    let now = app.clock().now();
    if !row.state.can_start() {
        return Err(over(row.state, "START"));
    }
    if row.expires_at <= now {
        return Err(Refusal::new(ErrorCode::HoldExpired).into());
    }
    if ask.return_url.as_deref().is_some_and(|url| web::fit(url, true).is_err()) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "returnUrl").at("returnUrl").into());
    }
    let provider = provider(app, row.provider)?;
    let begin = Begin {
        key: format!("begin:{id}"),
        payment: id,
        number: row.number.clone(),
        amount: row.amount(),
        method: row.method,
        description: ask.description.clone(),
        return_url: ask.return_url.clone(),
        openid: ask.openid.clone(),
        client_ip: ask.client_ip.clone(),
        expires_at: row.expires_at,
        capture: row.at_once,
        at: now,
    };
    match timed(app, provider.begin(&begin)).await {
        Ok(begun) => Ok((noted(app, &row, &begun).await?, begun.next)),
        Err(Failure::Refused { code, message }) => {
            tracing::warn!(payment = %id, code, message, "a provider refuses a payment");
            let failed = Report {
                reference: String::new(),
                state: ReportState::Failed,
                received: None,
                fee_minor: None,
                reason: Some(message),
            };
            reported(app, id, &failed).await?;
            Err(Refusal::new(ErrorCode::PaymentRefused).with("reason", code).into())
        }
        Err(failure) => Err(unavailable(id, &failure)),
    }
}

fn unavailable(id: PaymentId, failure: &Failure) -> Error {
    tracing::warn!(payment = %id, why = failure.told(), "a provider does not do what it is asked");
    Refusal::new(ErrorCode::PaymentUnavailable).into()
}

async fn reported(app: &App, id: PaymentId, report: &Report) -> Result<payment::Model, Error> {
    let mut work = app.begin(&Call::unasked("payments")).await?;
    let applied = applied::apply(&mut work, id, report).await?;
    work.commit(applied.row).await
}

/// Notes that a payment has begun.
async fn noted(app: &App, row: &payment::Model, begun: &Begun) -> Result<payment::Model, Error> {
    let mut work = app.begin(&Call::unasked("payments")).await?;
    let soon = work.now + app.config().payments.look_after();
    let look_at = if row.provider == ProviderKind::Bank { row.expires_at } else { std::cmp::min(soon, row.expires_at) };
    let applied = applied::changed(&mut work, row.id, |row| {
        let mut next = payment::Model { reference: Some(begun.reference.clone()), look_at, ..row.clone() };
        if row.state.can_start() {
            // The one step that no report takes: what failed waits for the buyer again.
            next.state = PaymentState::Waiting;
        }
        Some(decide(&next, &begun.report).unwrap_or(next))
    });
    let now = applied.await?.row;
    if now.state == PaymentState::Cancelled {
        work.enqueue(&GiveUp { payment: now.id, known: true }).await?;
    }
    work.commit(now).await
}

/// What is answered to whoever sent a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: &'static str,
}

/// Takes a notification of a provider: proved, taken once, applied.
pub async fn receive(app: &App, kind: ProviderKind, headers: &[(String, String)], body: &[u8]) -> Result<Taken, Error> {
    let Some(provider) = app.payments().get(kind) else { return Ok(Taken { status: 404, body: "" }) };
    let notice = match provider.read(headers, body, app.clock().now()) {
        Ok(notice) => notice,
        Err(failure) => {
            tracing::warn!(provider = kind.path(), why = failure.told(), "a notification is not taken");
            return Ok(Taken { status: 400, body: "" });
        }
    };
    let (status, answer) = provider.taken();
    let taken = Taken { status, body: answer };
    let (event, about) = match notice {
        Notice::Payment { event, report } => (event, About::Payment(report)),
        Notice::Refund { event, payment_reference, report } => (event, About::Refund(payment_reference, report)),
        Notice::Other { .. } => return Ok(taken),
    };
    let mut work = app.begin(&Call::unasked("payments")).await?;
    if !first(&work, kind, &event, body).await? {
        return Ok(taken);
    }
    let known = match about {
        About::Payment(report) => {
            let row = find(work.tx(), kind, &report.reference).await?;
            if let Some(row) = &row {
                applied::apply(&mut work, row.id, &report).await?;
            }
            row.is_some()
        }
        About::Refund(reference, report) => {
            let row = match find(work.tx(), kind, &reference).await? {
                Some(paid) => refund_of(work.tx(), paid.id, &report).await?,
                None => None,
            };
            if let Some(id) = row {
                refunds::apply(&mut work, id, &report).await?;
            }
            row.is_some()
        }
    };
    if !known {
        // Another system's, or one that is being begun at this moment and is looked at later. Not noted as taken.
        tracing::info!(provider = kind.path(), event, "a notification is of nothing that is known here");
        return Ok(taken);
    }
    work.commit(taken.status).await?;
    Ok(taken)
}

enum About {
    Payment(Report),
    Refund(String, RefundReport),
}

/// Notes that a notification is taken, unless it was before. Who comes at the same time waits for whoever was first.
async fn first(work: &Work, kind: ProviderKind, event: &str, body: &[u8]) -> Result<bool, Error> {
    let plain = event.len() <= LONGEST_EVENT && event.is_ascii() && !event.contains('\0');
    let row = notice::Model {
        provider: kind,
        event: if plain { event.to_owned() } else { vault::sha256_hex(event.as_bytes()) },
        payload_hash: vault::sha256_hex(body),
        at: work.now,
    };
    let known = OnConflict::columns([notice::Column::Provider, notice::Column::Event]).do_nothing().to_owned();
    let insert = notice::Entity::insert(row.into_active_model()).on_conflict(known).try_insert();
    Ok(wrote(insert.exec_without_returning(work.tx()).await)?)
}

/// A payment by what its provider knows it by, or by the number that the provider was given.
async fn find(tx: &impl ConnectionTrait, kind: ProviderKind, reference: &str) -> Result<Option<payment::Model>, Error> {
    if reference.contains('\0') {
        return Ok(None);
    }
    let named =
        Condition::any().add(payment::Column::Reference.eq(reference)).add(payment::Column::Number.eq(reference));
    let row = payment::Entity::find().filter(payment::Column::Provider.eq(kind)).filter(named);
    Ok(row.one(tx).await?)
}

/// The refund of a payment that a report is about.
async fn refund_of(
    tx: &impl ConnectionTrait,
    paid: PaymentId,
    report: &RefundReport,
) -> Result<Option<RefundId>, Error> {
    let rows = refund::Entity::find().filter(refund::Column::PaymentId.eq(paid)).all(tx).await?;
    let named = |row: &&refund::Model| {
        row.reference.as_deref() == Some(report.reference.as_str()) || row.number == report.reference
    };
    Ok(rows.iter().find(named).map(|row| row.id))
}

/// Asks the provider what has become of a payment, and applies what it says. The outer error is ours, the inner the
/// provider's.
pub(super) async fn looked(app: &App, id: PaymentId) -> Result<Result<payment::Model, Failure>, Error> {
    let row = payment::Entity::find_by_id(id).one(app.db().read()).await?;
    let row = row.ok_or_else(|| not_found("id", id))?;
    let Some(reference) = &row.reference else { return Ok(Ok(row)) };
    let provider = provider(app, row.provider)?;
    match timed(app, provider.look(reference)).await {
        Ok(report) => Ok(Ok(reported(app, id, &report).await?)),
        Err(Failure::NotSupported) => Ok(Ok(row)),
        Err(failure) => Ok(Err(failure)),
    }
}

/// Asks the provider what has become of a payment: when the client comes back, and now and then. Says the same as a
/// notification, whichever comes first.
pub async fn look(app: &App, id: PaymentId) -> Result<payment::Model, Error> {
    looked(app, id).await?.map_err(|failure| unavailable(id, &failure))
}

/// A payment by its id.
pub async fn by_id(db: &impl ConnectionTrait, id: PaymentId) -> Result<Option<payment::Model>, Error> {
    Ok(payment::Entity::find_by_id(id).one(db).await?)
}

/// The payments of a document for which money came.
pub async fn captured(db: &impl ConnectionTrait, document: &str) -> Result<Vec<payment::Model>, Error> {
    let of = of_document(document).filter(payment::Column::State.eq(PaymentState::Captured));
    Ok(of.all(db).await?)
}

/// All payments of a document, oldest first.
pub async fn of(db: &impl ConnectionTrait, document: &str) -> Result<Vec<payment::Model>, Error> {
    Ok(of_document(document).all(db).await?)
}

fn of_document(document: &str) -> sea_orm::Select<payment::Entity> {
    payment::Entity::find().filter(payment::Column::Document.eq(document)).order_by_asc(payment::Column::Id)
}

/// Gives up what is still open of a document, after the caller's transaction: its checkout is gone. A payment that is
/// paid meanwhile stays paid, and is told so.
pub async fn cancel_open(tx: &impl ConnectionTrait, now: DateTime<Utc>, document: &str) -> Result<(), Error> {
    for row in of(tx, document).await?.iter().filter(|row| row.state.is_live()) {
        jobs::enqueue(tx, &GiveUp { payment: row.id, known: false }, now).await?;
    }
    Ok(())
}

/// Takes the money that is held for a payment, after the caller's transaction.
pub async fn capture(tx: &impl ConnectionTrait, now: DateTime<Utc>, id: PaymentId) -> Result<(), Error> {
    jobs::enqueue(tx, &Capture { payment: id }, now).await
}

/// Looks after payments of which there is no news: asks what has become of them, gives up those whose time is up. Several
/// nodes may do it at the same time.
pub async fn look_after(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
    let live = [PaymentState::Created, PaymentState::Waiting, PaymentState::Authorised, PaymentState::Failed];
    let due = || {
        payment::Entity::find()
            .filter(payment::Column::State.is_in(live))
            .filter(payment::Column::LookAt.lte(now))
            .order_by_asc(payment::Column::LookAt)
            .limit(LOOKED_AFTER)
    };
    // Usually there is nothing, and then nobody who writes has to wait.
    if due().one(app.db().read()).await?.is_none() {
        return Ok(0);
    }
    let mut work = app.begin(&Call::unasked("payments")).await?;
    let mut rows = due();
    if dialect(work.tx()) == Dialect::Postgres {
        rows = rows.lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
    }
    let rows = rows.all(work.tx()).await?;
    let next = now + app.config().payments.look_after();
    payment::Entity::update_many()
        .col_expr(payment::Column::LookAt, Expr::val(next))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .filter(payment::Column::Id.is_in(rows.iter().map(|row| row.id)))
        .exec(work.tx())
        .await?;
    // What is being asked, or could not be asked yet, is not asked a second time.
    let busy = jobs::live(work.tx(), rows.iter().map(|row| LookAt { payment: row.id }.aggregate())).await?;
    for row in &rows {
        let look = LookAt { payment: row.id };
        if busy.contains(&look.aggregate()) {
            continue;
        }
        if row.expires_at <= now {
            work.enqueue(&GiveUp { payment: row.id, known: false }).await?;
        } else if row.reference.is_some() {
            work.enqueue(&look).await?;
        }
    }
    work.commit(()).await?;
    Ok(rows.len())
}

/// How long it is remembered which notifications were taken: longer than any provider repeats one.
const REMEMBERED: chrono::Duration = chrono::Duration::days(90);

/// Forgets notifications that nobody repeats any more.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let old = notice::Entity::delete_many().filter(notice::Column::At.lt(now - REMEMBERED));
    old.exec(app.db().writer()).await?;
    Ok(())
}
