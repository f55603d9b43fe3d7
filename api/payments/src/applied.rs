//! What a report of a provider does to a payment. It may come from a notification, the client's return or polling, in any
//! order and any number of times: what it says is folded into the state ([`decide`]), and written with its ledger entries
//! and the job that follows, or not at all.

use chrono::{DateTime, Utc};
use entities::{
    payments::{
        PaymentState,
        payment::{self, fold},
        postings,
    },
    values::id::PaymentId,
};
use platform::{
    app::Work,
    error::{Error, not_found},
    payment::{Report, ReportState},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    jobs::Settled,
    ledger::{self, Posting},
};

/// How often a lost race for a payment's row is run again.
const TRIES: usize = 8;

/// What became of a report.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The payment as it is now.
    pub row: payment::Model,
    /// Whether the money came with this report.
    pub captured: bool,
}

/// The payment after a report; none when it says nothing new.
pub fn decide(row: &payment::Model, report: &Report) -> Option<payment::Model> {
    let mut next = row.clone();
    if next.reference.is_none() && !report.reference.is_empty() {
        next.reference = Some(report.reference.clone());
    }
    if report.state == ReportState::Captured && report.received != Some(row.amount()) {
        // Another amount, another currency, or none that was named: that is not what was asked, so it is not paid.
        if row.state != PaymentState::Captured {
            let came = report.received.map_or_else(|| "an amount that was not named".to_owned(), |m| m.to_string());
            next.mismatch = Some(came);
        }
        return (next != *row).then_some(next);
    }
    if let Some(state) = fold(row.state, report.state) {
        next.state = state;
        if state == PaymentState::Captured {
            next.captured_minor = row.amount_minor;
            next.late = matches!(row.state, PaymentState::Failed | PaymentState::Cancelled);
            next.mismatch = None;
        }
    }
    if next.state == PaymentState::Captured && row.fee_minor == 0 {
        next.fee_minor = report.fee_minor.unwrap_or_default().max(0);
    }
    (next != *row).then_some(next)
}

/// Applies a report to a payment.
pub async fn apply(work: &mut Work, id: PaymentId, report: &Report) -> Result<Applied, Error> {
    changed(work, id, |row| decide(row, report)).await
}

/// Changes a payment as `next` says, with all that follows. A lost race is run again on what is there then.
pub(super) async fn changed(
    work: &mut Work,
    id: PaymentId,
    next: impl Fn(&payment::Model) -> Option<payment::Model>,
) -> Result<Applied, Error> {
    for _ in 0..TRIES {
        let row = payment::Entity::find_by_id(id).one(work.tx()).await?;
        let row = row.ok_or_else(|| not_found("id", id))?;
        let Some(next) = next(&row) else { return Ok(Applied { row, captured: false }) };
        let next = payment::Model { version: row.version + 1, updated_at: work.now, ..next };
        if written(work.tx(), &row, &next).await? {
            follows(work, &row, &next).await?;
            let captured = next.state == PaymentState::Captured && row.state != PaymentState::Captured;
            return Ok(Applied { row: next, captured });
        }
    }
    Err(Error::Unavailable("a payment changes all the time".into()))
}

/// Writes a payment, unless somebody else did since it was read. Only what reports change: the sums that refunds and
/// allotments guard are not touched.
async fn written(tx: &impl ConnectionTrait, row: &payment::Model, next: &payment::Model) -> Result<bool, Error> {
    let mut change = row.clone().into_active_model();
    change.state = sea_orm::Set(next.state);
    change.reference = sea_orm::Set(next.reference.clone());
    change.captured_minor = sea_orm::Set(next.captured_minor);
    change.fee_minor = sea_orm::Set(next.fee_minor);
    change.late = sea_orm::Set(next.late);
    change.mismatch = sea_orm::Set(next.mismatch.clone());
    change.look_at = sea_orm::Set(next.look_at);
    change.version = sea_orm::Set(next.version);
    change.updated_at = sea_orm::Set(next.updated_at);
    let done = payment::Entity::update_many()
        .set(change)
        .filter(payment::Column::Id.eq(row.id))
        .filter(payment::Column::Version.eq(row.version))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// What follows from a change: entries of the ledger, and the job for whoever the document belongs to.
async fn follows(work: &mut Work, row: &payment::Model, next: &payment::Model) -> Result<(), Error> {
    let now: DateTime<Utc> = work.now;
    let post = async |what: &str, legs| {
        let key = format!("{what}:{}", next.id);
        ledger::post(work.tx(), now, &Posting::of(next, &key, &next.document), legs).await.map(drop)
    };
    if next.state != row.state {
        if next.state == PaymentState::Authorised {
            post("authorised", postings::authorised(next.amount_minor)).await?;
        } else if row.state == PaymentState::Authorised {
            post("released", postings::released(next.amount_minor)).await?;
        }
        if next.state == PaymentState::Captured {
            post("captured", postings::captured(next.captured_minor)).await?;
        }
    }
    if next.fee_minor != row.fee_minor {
        post("fee", postings::fee(next.fee_minor)).await?;
    }
    if next.mismatch.is_some() && next.mismatch != row.mismatch {
        tracing::error!(payment = %next.id, "another amount came than was asked; it is not paid");
    }
    if next.late && !row.late {
        tracing::warn!(payment = %next.id, "money came after the payment had failed or was given up");
    }
    let settled = match next.state {
        PaymentState::Captured | PaymentState::Failed | PaymentState::Cancelled => true,
        PaymentState::Authorised => !next.at_once,
        PaymentState::Created | PaymentState::Waiting => false,
    };
    if settled && next.state != row.state {
        work.enqueue(&Settled { payment: next.id, document: next.document.clone(), refund: None }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use entities::{
        payments::{Method, ProviderKind},
        values::{Currency, Money},
    };

    use super::*;

    fn waiting(state: PaymentState) -> payment::Model {
        payment::Model {
            id: PaymentId(uuid::Uuid::nil()),
            number: "CM1".into(),
            document: "d".into(),
            payer: "p".into(),
            request_key: "d#1".into(),
            provider: ProviderKind::Sandbox,
            method: Method::Sandbox,
            amount_minor: 100,
            currency: Currency::CNY,
            at_once: true,
            state,
            reference: None,
            captured_minor: 0,
            refunded_minor: 0,
            allotted_minor: 0,
            fee_minor: 0,
            late: false,
            mismatch: None,
            expires_at: DateTime::default(),
            look_at: DateTime::default(),
            version: 1,
            created_at: DateTime::default(),
            updated_at: DateTime::default(),
        }
    }

    fn captured(minor: i64, currency: Currency) -> Report {
        let received = Some(Money { minor, currency });
        Report { reference: "r".into(), state: ReportState::Captured, received, fee_minor: Some(2), reason: None }
    }

    #[test]
    fn only_what_was_asked_pays() {
        let row = waiting(PaymentState::Waiting);
        let paid = decide(&row, &captured(100, Currency::CNY)).unwrap();
        assert_eq!(
            (paid.state, paid.captured_minor, paid.fee_minor, paid.late),
            (PaymentState::Captured, 100, 2, false)
        );
        assert_eq!(decide(&paid, &captured(100, Currency::CNY)), None, "captured twice");
        for wrong in [
            captured(99, Currency::CNY),
            captured(101, Currency::CNY),
            captured(100, "USD".parse().unwrap()),
            Report { received: None, ..captured(100, Currency::CNY) },
        ] {
            let flagged = decide(&row, &wrong).unwrap();
            assert_eq!((flagged.state, flagged.captured_minor), (PaymentState::Waiting, 0), "{wrong:?} paid");
            assert!(flagged.mismatch.is_some());
            assert_eq!(decide(&paid, &wrong), None, "{wrong:?} changed what is paid");
        }
    }

    #[test]
    fn money_that_came_all_the_same_is_late() {
        for state in [PaymentState::Failed, PaymentState::Cancelled] {
            let paid = decide(&waiting(state), &captured(100, Currency::CNY)).unwrap();
            assert_eq!((paid.state, paid.late), (PaymentState::Captured, true), "{state:?}");
        }
    }
}
