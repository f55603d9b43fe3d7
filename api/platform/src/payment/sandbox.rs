//! The sandbox (沙箱): a provider with no money behind it that behaves like one: a page to pay on, notifications that are
//! signed, come late and more than once, failures by amount. Its state is in tables of its own, so that it outlives the
//! process and every node sees it. What happens on its page is in `payments::sandbox`.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::{
    payments::{Magic, SandboxState, sandbox, sandbox_refund},
    values::{Currency, Money},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};

use super::{
    Begin, Begun, Failure, NextStep, Notice, PaymentProvider, RefundAsk, RefundReport, RefundReportState, Report,
    ReportState,
};
use crate::{clock::Clock, config::Config, db::Db, vault::Vault};

/// The header that proves a notification: `t=<seconds>,v1=<HMAC of "<t>.<body>">`.
pub const SIGNATURE: &str = "sandbox-signature";
/// How old a notification may be, in seconds.
const TOLERANCE: i64 = 300;
/// What its proofs are made for.
const PURPOSE: &str = "sandbox notification";
/// How long it does not answer when it is not to.
const HANGS: std::time::Duration = std::time::Duration::from_hours(1);

/// The sandbox.
pub struct Sandbox {
    db: Db,
    vault: Arc<Vault>,
    clock: Clock,
    page: String,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

/// The sandbox, where the settings switch it on.
pub fn of(config: &Config, db: &Db, vault: &Arc<Vault>, clock: &Clock) -> Option<Sandbox> {
    config.payments.sandbox.enabled.then(|| Sandbox {
        db: db.clone(),
        vault: vault.clone(),
        clock: clock.clone(),
        page: format!("{}/sandbox/pay", config.server.public_url),
    })
}

/// What a notification of the sandbox says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The sandbox's own id of it.
    pub event: String,
    /// Of which payment.
    pub reference: String,
    /// How it stands.
    pub state: ReportState,
    /// What came, in minor units; none: nothing.
    pub received_minor: Option<i64>,
    /// Of which currency.
    pub currency: Currency,
}

impl Told {
    /// What the sandbox says of a payment as it stands.
    pub fn of(row: &sandbox::Model) -> Self {
        let report = report(row);
        Self {
            event: format!("evt_{}_{}", row.reference, row.changes),
            reference: report.reference,
            state: report.state,
            received_minor: report.received.map(|money| money.minor),
            currency: row.currency,
        }
    }
}

/// The headers that prove a notification sent at `at`.
pub fn signed(vault: &Vault, body: &str, at: DateTime<Utc>) -> Vec<(String, String)> {
    let t = at.timestamp();
    vec![(SIGNATURE.to_owned(), format!("t={t},v1={}", vault.proof(PURPOSE, &format!("{t}.{body}"))))]
}

/// How a payment stands.
pub fn report(row: &sandbox::Model) -> Report {
    let state = match row.state {
        SandboxState::Waiting | SandboxState::Challenged => ReportState::Waiting,
        SandboxState::Authorised => ReportState::Authorised,
        SandboxState::Captured => ReportState::Captured,
        SandboxState::Failed => ReportState::Failed,
        SandboxState::Cancelled => ReportState::Cancelled,
    };
    let short = i64::from(Magic::of(row.amount_minor) == Magic::Short);
    let received = Money { minor: row.amount_minor - short, currency: row.currency };
    Report {
        reference: row.reference.clone(),
        state,
        received: matches!(state, ReportState::Authorised | ReportState::Captured).then_some(received),
        // Like a card: 6 per mille, rounded down.
        fee_minor: (state == ReportState::Captured).then_some(row.amount_minor / 1_000 * 6),
        reason: (state == ReportState::Failed).then(|| "declined in the sandbox".to_owned()),
    }
}

fn away(error: impl Into<crate::error::Cause>) -> Failure {
    Failure::Unavailable(error.into())
}

impl Sandbox {
    async fn row(&self, db: &impl ConnectionTrait, reference: &str) -> Result<sandbox::Model, Failure> {
        let row = sandbox::Entity::find_by_id(reference.to_owned()).one(db).await.map_err(away)?;
        row.ok_or_else(|| Failure::Refused { code: "not_found".into(), message: "there is no such payment".into() })
    }

    /// Moves a payment from one of these states; what it is afterwards is answered, moved or not.
    async fn moved(&self, reference: &str, from: &[SandboxState], to: SandboxState) -> Result<sandbox::Model, Failure> {
        let update = sandbox::Entity::update_many()
            .col_expr(sandbox::Column::State, Expr::val(to))
            .col_expr(sandbox::Column::Changes, Expr::col(sandbox::Column::Changes).add(1))
            .filter(sandbox::Column::Reference.eq(reference))
            .filter(sandbox::Column::State.is_in(from.iter().copied()));
        update.exec(self.db.writer()).await.map_err(away)?;
        self.row(self.db.writer(), reference).await
    }
}

#[async_trait]
impl PaymentProvider for Sandbox {
    async fn begin(&self, ask: &Begin) -> Result<Begun, Failure> {
        if Magic::of(ask.amount.minor) == Magic::Hang {
            tokio::time::sleep(HANGS).await;
        }
        let reference = format!("sb_{}", ask.number);
        let row = sandbox::Model {
            reference: reference.clone(),
            amount_minor: ask.amount.minor,
            currency: ask.amount.currency,
            at_once: ask.capture,
            state: SandboxState::Waiting,
            changes: 0,
            description: ask.description.chars().take(200).collect(),
            return_url: ask.return_url.clone(),
            expires_at: ask.expires_at,
        };
        let known = OnConflict::column(sandbox::Column::Reference).do_nothing().to_owned();
        let insert = sandbox::Entity::insert(row.into_active_model()).on_conflict(known);
        insert.try_insert().exec_without_returning(self.db.writer()).await.map_err(away)?;
        // What failed waits for another try.
        let row = self.moved(&reference, &[SandboxState::Failed], SandboxState::Waiting).await?;
        let report = report(&row);
        Ok(Begun { next: NextStep::Redirect(format!("{}/{reference}", self.page)), reference, report })
    }

    async fn look(&self, reference: &str) -> Result<Report, Failure> {
        let row = self.row(self.db.read(), reference).await?;
        if row.expires_at <= self.clock.now() {
            let open = [SandboxState::Waiting, SandboxState::Challenged];
            return Ok(report(&self.moved(reference, &open, SandboxState::Cancelled).await?));
        }
        Ok(report(&row))
    }

    async fn capture(&self, reference: &str, _: &str) -> Result<Report, Failure> {
        let row = self.moved(reference, &[SandboxState::Authorised], SandboxState::Captured).await?;
        Ok(report(&row))
    }

    async fn cancel(&self, reference: &str, _: &str) -> Result<Report, Failure> {
        use SandboxState::{Authorised, Challenged, Failed, Waiting};
        let open = [Waiting, Challenged, Authorised, Failed];
        Ok(report(&self.moved(reference, &open, SandboxState::Cancelled).await?))
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<RefundReport, Failure> {
        let reference = format!("sr_{}", ask.number);
        let paid = self.row(self.db.read(), &ask.payment_reference).await?;
        if paid.state != SandboxState::Captured || Magic::of(paid.amount_minor) == Magic::RefundFails {
            return Err(Failure::Refused { code: "refund_refused".into(), message: "refused in the sandbox".into() });
        }
        let row = sandbox_refund::Model {
            reference: reference.clone(),
            payment_reference: ask.payment_reference.clone(),
            amount_minor: ask.amount.minor,
            looks: 0,
        };
        let known = OnConflict::column(sandbox_refund::Column::Reference).do_nothing().to_owned();
        let insert = sandbox_refund::Entity::insert(row.into_active_model()).on_conflict(known);
        insert.try_insert().exec_without_returning(self.db.writer()).await.map_err(away)?;
        let slow = Magic::of(paid.amount_minor) == Magic::SlowRefund;
        let state = if slow { RefundReportState::Pending } else { RefundReportState::Succeeded };
        Ok(RefundReport { reference, state, amount: Some(ask.amount), reason: None })
    }

    async fn look_refund(&self, payment_reference: &str, refund_reference: &str) -> Result<RefundReport, Failure> {
        let paid = self.row(self.db.read(), payment_reference).await?;
        let row = sandbox_refund::Entity::find_by_id(refund_reference.to_owned()).one(self.db.read()).await;
        let row = row.map_err(away)?.filter(|row| row.payment_reference == payment_reference);
        let row = row.ok_or_else(|| Failure::Refused { code: "not_found".into(), message: "no such refund".into() })?;
        let amount = Money { minor: row.amount_minor, currency: paid.currency };
        Ok(RefundReport {
            reference: row.reference,
            state: RefundReportState::Succeeded,
            amount: Some(amount),
            reason: None,
        })
    }

    fn read(&self, headers: &[(String, String)], body: &[u8], now: DateTime<Utc>) -> Result<Notice, Failure> {
        let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE));
        let (t, proof) =
            header.and_then(|(_, value)| value.strip_prefix("t=")?.split_once(",v1=")).ok_or(Failure::NotAuthentic)?;
        let sent: i64 = t.parse().map_err(|_| Failure::NotAuthentic)?;
        let text = std::str::from_utf8(body).map_err(|_| Failure::NotAuthentic)?;
        let young = now.timestamp().checked_sub(sent).is_some_and(|age| age.abs() <= TOLERANCE);
        if !young || !self.vault.proves(PURPOSE, &format!("{t}.{text}"), proof) {
            return Err(Failure::NotAuthentic);
        }
        let told: Told = serde_json::from_str(text).map_err(|e| Failure::Unreadable(e.to_string()))?;
        let received = told.received_minor.map(|minor| Money { minor, currency: told.currency });
        let captured = told.state == ReportState::Captured;
        let report = Report {
            reference: told.reference,
            state: told.state,
            received,
            fee_minor: received.filter(|_| captured).map(|money| money.minor / 1_000 * 6),
            reason: None,
        };
        Ok(Notice::Payment { event: told.event, report })
    }
}
