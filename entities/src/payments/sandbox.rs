//! The sandbox (沙箱): what a stand-in for a provider knows of a payment. No money is behind it.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::Currency;

/// State of a payment in the sandbox (沙箱支付状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, serde::Serialize, serde::Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SandboxState {
    /// Its page waits for somebody to press a button.
    Waiting,
    /// The buyer's bank wants to know more (3-D Secure).
    Challenged,
    /// Held.
    Authorised,
    /// Paid.
    Captured,
    /// Declined.
    Failed,
    /// Given up.
    Cancelled,
}

/// What an amount makes happen, by its last two digits in minor units: `100.02` is [`Magic::Challenge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Magic {
    /// Anything else: it goes as one presses.
    None,
    /// 01: the card is declined.
    Decline,
    /// 02: the bank wants to know more first, then it goes through.
    Challenge,
    /// 03: each notification comes three times.
    Thrice,
    /// 04: no notification comes; only asking finds out.
    Silent,
    /// 05: it is reported as failed, and captured all the same a while later.
    LateCapture,
    /// 06: refunds fail.
    RefundFails,
    /// 07: a hundredth less comes than was asked.
    Short,
    /// 08: the provider does not answer when a payment is begun.
    Hang,
    /// 09: refunds are pending until they are asked about again.
    SlowRefund,
}

impl Magic {
    /// Of an amount in minor units.
    pub fn of(minor: i64) -> Self {
        match minor % 100 {
            1 => Self::Decline,
            2 => Self::Challenge,
            3 => Self::Thrice,
            4 => Self::Silent,
            5 => Self::LateCapture,
            6 => Self::RefundFails,
            7 => Self::Short,
            8 => Self::Hang,
            9 => Self::SlowRefund,
            _ => Self::None,
        }
    }
}

/// What somebody does on the page of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Press {
    /// Pay, or prove that it is oneself.
    Pay,
    /// Decline.
    Decline,
}

impl SandboxState {
    /// The state after a press; none: nothing happens. `at_once`: captured as soon as it is authorised.
    pub fn pressed(self, press: Press, magic: Magic, at_once: bool) -> Option<Self> {
        let paid = if at_once { Self::Captured } else { Self::Authorised };
        match (self, press) {
            (Self::Waiting | Self::Challenged, Press::Decline) => Some(Self::Failed),
            (Self::Waiting | Self::Failed, Press::Pay) => match magic {
                Magic::Decline | Magic::LateCapture => Some(Self::Failed),
                Magic::Challenge => Some(Self::Challenged),
                _ => Some(paid),
            },
            (Self::Challenged, Press::Pay) => Some(paid),
            _ => None,
        }
    }
}

/// A row of `sandbox_payment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "sandbox_payment")]
pub struct Model {
    /// What the sandbox knows it by.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// Whether it is captured as soon as it is authorised.
    pub at_once: bool,
    /// State.
    pub state: SandboxState,
    /// How often its state changed; a part of the names of its notifications.
    pub changes: i32,
    /// What the page shows.
    pub description: String,
    /// Where the page leads back to.
    pub return_url: Option<String>,
    /// Until when it can be paid.
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_does_what_the_amount_says() {
        use SandboxState::{Authorised, Cancelled, Captured, Challenged, Failed, Waiting};
        for (minor, state, press, at_once, expected) in [
            (19_900, Waiting, Press::Pay, true, Some(Captured)),
            (19_900, Waiting, Press::Pay, false, Some(Authorised)),
            (19_900, Waiting, Press::Decline, true, Some(Failed)),
            (19_900, Failed, Press::Pay, true, Some(Captured)),
            (19_901, Waiting, Press::Pay, true, Some(Failed)),
            (19_902, Waiting, Press::Pay, true, Some(Challenged)),
            (19_902, Challenged, Press::Pay, true, Some(Captured)),
            (19_902, Challenged, Press::Decline, true, Some(Failed)),
            (19_905, Waiting, Press::Pay, true, Some(Failed)),
            (19_907, Waiting, Press::Pay, true, Some(Captured)),
            (19_900, Captured, Press::Decline, true, None),
            (19_900, Cancelled, Press::Pay, true, None),
        ] {
            assert_eq!(state.pressed(press, Magic::of(minor), at_once), expected, "{minor} {state:?} {press:?}");
        }
    }
}
