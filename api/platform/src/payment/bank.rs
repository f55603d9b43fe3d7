//! Transfers to the platform's bank account (银行转账): nobody is asked over the network. The buyer is told the account and
//! what to write; what comes is reported by people, see `payments::receipts`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Begin, Begun, Failure, NextStep, Notice, PaymentProvider, RefundAsk, RefundReport, RefundReportState, Report,
    ReportState,
};
use crate::config::{self, Config};

/// The account.
#[derive(Debug)]
pub struct Transfer {
    account: config::Bank,
}

/// The account that the settings name.
pub fn of(config: &Config) -> Option<Transfer> {
    let account = config.payments.bank.clone();
    (!account.account_number.is_empty()).then_some(Transfer { account })
}

fn report(reference: &str, state: ReportState) -> Report {
    Report { reference: reference.to_owned(), state, received: None, fee_minor: None, reason: None }
}

#[async_trait]
impl PaymentProvider for Transfer {
    async fn begin(&self, ask: &Begin) -> Result<Begun, Failure> {
        Ok(Begun {
            reference: ask.number.clone(),
            next: NextStep::BankTransfer {
                account_name: self.account.account_name.clone(),
                bank: self.account.bank.clone(),
                account_number: self.account.account_number.clone(),
                remittance_reference: ask.number.clone(),
            },
            report: report(&ask.number, ReportState::Waiting),
        })
    }

    async fn look(&self, _: &str) -> Result<Report, Failure> {
        Err(Failure::NotSupported)
    }

    async fn capture(&self, _: &str, _: &str) -> Result<Report, Failure> {
        Err(Failure::NotSupported)
    }

    async fn cancel(&self, reference: &str, _: &str) -> Result<Report, Failure> {
        Ok(report(reference, ReportState::Cancelled))
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<RefundReport, Failure> {
        // A person transfers it and says so.
        Ok(RefundReport {
            reference: ask.number.clone(),
            state: RefundReportState::Pending,
            amount: None,
            reason: None,
        })
    }

    async fn look_refund(&self, _: &str, _: &str) -> Result<RefundReport, Failure> {
        Err(Failure::NotSupported)
    }

    fn read(&self, _: &[(String, String)], _: &[u8], _: DateTime<Utc>) -> Result<Notice, Failure> {
        Err(Failure::NotSupported)
    }
}
