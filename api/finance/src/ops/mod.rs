//! What people do in finance. One function is one transaction.
//!
//! - here: what all of them share
//! - [`receivables`]: what there is, and what happened to it; [`importing`]: what sellers and debtors bring along
//! - [`confirmations`]: what debtors say; [`happenings`]: payments, credit notes, set-offs of what was brought along
//! - [`programmes`], [`limits`], [`standing`]: what financiers offer, how far they go, what is known of organisations
//! - [`conditions`], [`notices`]: what has to be done before money is paid out, and what debtors are told
//! - [`money`]: what banks report of money that is out, and what that makes
//! - [`evidence`]: what is known of a receivable, in signed files
//! - [`eligible`], [`requests`], [`offers`]: what stands against a receivable, asking for money on it, and agreeing

pub mod conditions;
pub mod confirmations;
pub mod eligible;
pub mod evidence;
pub mod happenings;
pub mod importing;
pub mod limits;
pub mod money;
pub mod notices;
pub mod offers;
pub mod programmes;
pub mod receivables;
pub mod requests;
pub mod standing;

use entities::{
    finance::receivable::MOST,
    values::{Currency, ErrorCode, Money, Refusal},
};
use platform::error::Error;

/// A batch of money as it is meant: how many items there are, and what they come to (总笔数、总金额).
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// How many items.
    pub count: i32,
    /// What they come to.
    pub sum: Money,
}

impl Control {
    /// Refused unless the items are as many, all in its currency, and come to its sum.
    pub fn holds(self, items: impl ExactSizeIterator<Item = Money>) -> Result<(), Error> {
        if items.len() > MOST {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("items").into());
        }
        let many = items.len();
        let mut sum = 0_i64;
        for (n, amount) in items.enumerate() {
            if amount.currency != self.sum.currency {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
                return Err(refusal.at("currency").at("amount").at(n.to_string()).at("items").into());
            }
            sum = sum.saturating_add(amount.minor);
        }
        let told = |field: &str, value: String, expected: String| {
            let refusal = Refusal::new(ErrorCode::ControlSumMismatch);
            Error::from(refusal.with("value", value).with("expected", expected).at(field))
        };
        if usize::try_from(self.count) != Ok(many) {
            return Err(told("itemCount", many.to_string(), self.count.to_string()));
        }
        if many == 0 {
            return Err(Refusal::new(ErrorCode::Required).at("items").into());
        }
        if sum != self.sum.minor {
            return Err(told("controlSum", shown(sum, self.sum.currency), self.sum.decimal().to_string()));
        }
        Ok(())
    }
}

/// An amount as people read it.
fn shown(minor: i64, currency: Currency) -> String {
    Money { minor, currency }.decimal().to_string()
}
