//! What is done after a change. Each handler reads anew what its ids name, and may run twice.

use chrono::{DateTime, Duration, Utc};
use entities::{
    payments::{PaymentState, ProviderKind, RefundReportState, RefundState, payment, refund},
    values::{
        Money,
        id::{PaymentId, RefundId},
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    jobs::{Job, Verdict},
    payment::{Failure, RefundAsk, RefundReport, Report, ReportState, sandbox::Told},
};
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::{applied, ops, provider, refunds, timed};

/// How often it is asked what has become of a refund that takes its time.
const REFUND_PAUSE: Duration = Duration::minutes(5);

/// A payment, or a refund of it, came to an end, for good or for now: written in the transaction in which it did. It is
/// done by whoever the document belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which payment.
    pub payment: PaymentId,
    /// The document that it pays for.
    pub document: String,
    /// The refund, when it is that.
    #[serde(default)]
    pub refund: Option<RefundId>,
}

impl Job for Settled {
    const KIND: &'static str = "payments.settled";
    fn aggregate(&self) -> String {
        format!("document:{}", self.document)
    }
}

/// Asks what has become of a payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LookAt {
    /// Which.
    pub payment: PaymentId,
}

impl Job for LookAt {
    const KIND: &'static str = "payments.look";
    fn aggregate(&self) -> String {
        format!("payment:{}", self.payment)
    }
}

/// Takes the money that is held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// Of which payment.
    pub payment: PaymentId,
}

impl Job for Capture {
    const KIND: &'static str = "payments.capture";
    fn aggregate(&self) -> String {
        format!("payment:{}", self.payment)
    }
}

/// Gives a payment up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GiveUp {
    /// Which.
    pub payment: PaymentId,
    /// Whether it is given up already, and the provider does not know yet: it began while it was given up.
    #[serde(default)]
    pub known: bool,
}

impl Job for GiveUp {
    const KIND: &'static str = "payments.cancel";
    fn aggregate(&self) -> String {
        format!("payment:{}", self.payment)
    }
}

/// Gives money back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GiveBack {
    /// Which refund.
    pub refund: RefundId,
}

impl Job for GiveBack {
    const KIND: &'static str = "payments.refund";
    fn aggregate(&self) -> String {
        format!("refund:{}", self.refund)
    }
}

/// A notification of the sandbox that is on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notify {
    /// What it says.
    pub told: Told,
    /// When it arrives.
    pub due: DateTime<Utc>,
    /// The how many-eth of the same.
    pub copy: u32,
    /// Whether what failed is captured when it arrives.
    #[serde(default)]
    pub turns: bool,
}

impl Job for Notify {
    const KIND: &'static str = "sandbox.notify";
    fn aggregate(&self) -> String {
        format!("sandbox:{}:{}", self.told.reference, self.copy)
    }
    fn not_before(&self) -> Option<DateTime<Utc>> {
        Some(self.due)
    }
}

fn again(failure: &Failure) -> Verdict {
    Verdict::Again { after: None, reason: failure.told() }
}

/// What an error of looking or applying means for a job.
fn gone() -> Verdict {
    Verdict::Dead { reason: "it is not there".into() }
}

/// Does [`LookAt`].
pub async fn look_at(app: &App, job: LookAt) -> Result<Verdict, Error> {
    match ops::looked(app, job.payment).await? {
        Ok(_) => Ok(Verdict::Done),
        // It is asked again by the standing look, which does not give up.
        Err(failure) => {
            tracing::warn!(payment = %job.payment, why = failure.told(), "a provider could not say what became of a payment");
            Ok(Verdict::Done)
        }
    }
}

/// Does [`Capture`].
pub async fn capture(app: &App, job: Capture) -> Result<Verdict, Error> {
    let Some(row) = payment::Entity::find_by_id(job.payment).one(app.db().read()).await? else { return Ok(gone()) };
    let (PaymentState::Authorised, Some(reference)) = (row.state, &row.reference) else { return Ok(Verdict::Done) };
    let provider = provider(app, row.provider)?;
    match timed(app, provider.capture(reference, &format!("capture:{}", row.id))).await {
        Ok(report) => {
            report_on(app, row.id, &report).await?;
            Ok(Verdict::Done)
        }
        Err(failure) => Ok(again(&failure)),
    }
}

async fn report_on(app: &App, id: PaymentId, report: &Report) -> Result<payment::Model, Error> {
    let mut work = app.begin(&Call::unasked("payments")).await?;
    let applied = applied::apply(&mut work, id, report).await?;
    work.commit(applied.row).await
}

/// Does [`GiveUp`].
pub async fn give_up(app: &App, job: GiveUp) -> Result<Verdict, Error> {
    let Some(row) = payment::Entity::find_by_id(job.payment).one(app.db().read()).await? else { return Ok(gone()) };
    if row.state == PaymentState::Captured || (row.state == PaymentState::Cancelled && !job.known) {
        return Ok(Verdict::Done);
    }
    let given_up = Report {
        reference: row.reference.clone().unwrap_or_default(),
        state: ReportState::Cancelled,
        received: None,
        fee_minor: None,
        reason: None,
    };
    let Some(reference) = &row.reference else {
        // Never begun. What begins at this moment is given up when it is noted that it did.
        report_on(app, row.id, &given_up).await?;
        return Ok(Verdict::Done);
    };
    let provider = provider(app, row.provider)?;
    match timed(app, provider.cancel(reference, &format!("cancel:{}", row.id))).await {
        Ok(report) => {
            report_on(app, row.id, &report).await?;
            Ok(Verdict::Done)
        }
        Err(Failure::NotSupported) => {
            report_on(app, row.id, &given_up).await?;
            Ok(Verdict::Done)
        }
        Err(Failure::Refused { code, message }) => {
            // Usually because it is over already.
            match ops::looked(app, row.id).await? {
                Ok(now) if !now.state.is_live() => Ok(Verdict::Done),
                _ => Ok(again(&Failure::Refused { code, message })),
            }
        }
        Err(failure) => Ok(again(&failure)),
    }
}

/// Does [`GiveBack`].
pub async fn give_back(app: &App, job: GiveBack) -> Result<Verdict, Error> {
    let Some(row) = refund::Entity::find_by_id(job.refund).one(app.db().read()).await? else { return Ok(gone()) };
    let paid = payment::Entity::find_by_id(row.payment_id).one(app.db().read()).await?;
    let Some((paid, reference)) = paid.and_then(|paid| paid.reference.clone().map(|reference| (paid, reference)))
    else {
        return Ok(gone());
    };
    let provider = provider(app, paid.provider)?;
    let asked = match row.state {
        RefundState::Succeeded | RefundState::Failed => return Ok(Verdict::Done),
        RefundState::Requested => {
            refunds::attempted(app.db().writer(), row.id).await?;
            let ask = RefundAsk {
                key: format!("refund:{}", row.id),
                payment_reference: reference,
                refund: row.id,
                number: row.number.clone(),
                amount: Money { minor: row.amount_minor, currency: paid.currency },
                total: paid.amount(),
                reason: row.reason.clone(),
            };
            timed(app, provider.refund(&ask)).await
        }
        RefundState::Pending => {
            let known = row.reference.as_deref().unwrap_or(&row.number);
            timed(app, provider.look_refund(&reference, known)).await
        }
    };
    let report = match (asked, row.state) {
        (Ok(report), _) => report,
        (Err(Failure::Refused { code, message }), RefundState::Requested) => RefundReport {
            reference: String::new(),
            state: RefundReportState::Failed,
            amount: None,
            reason: Some(format!("{code}: {message}")),
        },
        // A person transfers it and says so.
        (Err(Failure::NotSupported), RefundState::Pending) => return Ok(Verdict::Done),
        (Err(failure), RefundState::Pending) => {
            tracing::warn!(refund = %row.id, why = failure.told(), "a provider could not say what became of a refund");
            return Ok(Verdict::Later { at: app.clock().now() + REFUND_PAUSE });
        }
        (Err(failure), _) => return Ok(again(&failure)),
    };
    let mut work = app.begin(&Call::unasked("payments")).await?;
    let row = refunds::apply(&mut work, row.id, &report).await?;
    work.commit(()).await?;
    let waits = row.state == RefundState::Pending && paid.provider != ProviderKind::Bank;
    Ok(if waits { Verdict::Later { at: app.clock().now() + REFUND_PAUSE } } else { Verdict::Done })
}
