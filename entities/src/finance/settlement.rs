//! The position of a financed receivable (融资余额与清偿): what was lent on it, what that has earned so far, what came, and
//! whose it is.
//!
//! - Interest runs at the rate until the due date and through the days of grace, then as a penalty at a multiple of it.
//!   While principal and rate stay what they are it is one run, rounded as a whole: accrued daily or at once, it is the
//!   same (F4, F10).
//! - What comes goes down the waterfall of the frozen terms, and its parts are what came ([`Allocation`]).
//! - What a debtor pays beyond the face, and anybody else beyond what is owed, waits in suspense: it is nobody's until
//!   somebody says whose.
//! - Principal is always what is owed of it, repaid and written off together.
//!
//! A financing of several receivables has a position for each, because each has its own due date; their [`Figures`] add
//! up. How a position comes from what happened, in whatever order that became known, is [`fold`].

pub mod figures;
pub mod fold;

use chrono::{Days, NaiveDate};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    interest::{at_least, interest, out_of_range, penalty},
    quote::{Fee, ItemQuote},
    terms::{Terms, Timing},
};
use crate::values::{ErrorCode, Refusal};

pub use figures::{Dues, Figures};

/// Who pays (付款方).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "CollectionPayer")]
pub enum Payer {
    /// The debtor, for the receivable (债务人付款).
    Debtor,
    /// The seller, who buys it back or stands in for the debtor (卖方回购).
    Seller,
    /// Who covers the debtor: an insurer or an import factor (保险或进口保理商赔付).
    Cover,
}

/// With what a position begins: what was paid out on a receivable. Amounts are in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Opening {
    /// When it was paid out.
    pub funded_on: NaiveDate,
    /// When the receivable is due, after the roll.
    pub due_on: NaiveDate,
    /// What the receivable is over.
    pub face_minor: i64,
    /// What was advanced on it.
    pub principal_minor: i64,
    /// The fee that was taken off.
    pub fee: Fee,
    /// Interest that was taken off; nothing when it is paid at the rear.
    pub withheld_minor: i64,
}

impl Opening {
    /// What one receivable of a quote begins with.
    pub fn of(terms: &Terms, funded_on: NaiveDate, item: &ItemQuote) -> Self {
        Self {
            funded_on,
            due_on: item.due_on,
            face_minor: item.face_minor,
            principal_minor: item.principal_minor,
            fee: item.fee,
            withheld_minor: terms.withheld(item.interest_minor),
        }
    }

    /// What the seller got.
    pub fn disbursed_minor(&self) -> i64 {
        self.principal_minor - self.fee.gross_minor - self.withheld_minor
    }
}

/// What became of money that came. Amounts are in minor units; its parts are what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Who paid.
    pub payer: Payer,
    /// How much came.
    pub amount_minor: i64,
    /// What of it paid what is owed.
    pub paid: Dues,
    /// What of it made good what was written off.
    pub recovered_minor: i64,
    /// What of it is the seller's.
    pub released_minor: i64,
    /// What of it is in suspense: an over-payment, or what is owed to who covered the debtor before.
    pub suspense_minor: i64,
    /// Interest that is given back because principal came early. No part of what came.
    pub rebate_minor: i64,
    /// By how much what is held back changed. No part of what came.
    pub reserve_change_minor: i64,
}

impl Allocation {
    /// Its parts together: what came.
    pub fn parts_minor(&self) -> i64 {
        self.paid.total_minor() + self.recovered_minor + self.released_minor + self.suspense_minor
    }
}

/// What nobody pays any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOff {
    /// What was owed.
    pub dues: Dues,
    /// By how much what is held back changed, in minor units.
    pub reserve_change_minor: i64,
}

/// How interest runs on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until the due date.
    Term,
    /// Through the days of grace.
    Grace,
    /// After them.
    Late,
}

/// Days in which principal and rate were the same, and what was charged for them: rounded as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    phase: Phase,
    principal_minor: i64,
    from: NaiveDate,
    charged_minor: i64,
}

/// The position of a receivable on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// What it comes to.
    pub figures: Figures,
    /// When the receivable is due.
    pub due_on: NaiveDate,
    /// Up to which day interest is in it.
    pub accrued_to: NaiveDate,
    /// Whether the seller bought it back: what the debtor pays is the seller's, and nothing is held back.
    pub repurchased: bool,
    run: Run,
}

impl Position {
    /// The position on the day on which it was paid out.
    pub fn open(opening: &Opening) -> Result<Self, Refusal> {
        let face_minor = at_least(1, opening.face_minor)?;
        let principal_minor = at_least(1, opening.principal_minor)?;
        let (fee, withheld_minor) = (opening.fee, at_least(0, opening.withheld_minor)?);
        at_least(0, fee.gross_minor)?;
        if principal_minor > face_minor || opening.due_on <= opening.funded_on {
            return Err(out_of_range());
        }
        let paid = Dues { interest_minor: withheld_minor, fee_minor: fee.gross_minor, ..Dues::default() };
        let figures = Figures {
            face_minor,
            disbursed_minor: at_least(0, opening.disbursed_minor())?,
            charged: Dues { principal_minor, ..paid },
            paid,
            vat_minor: fee.vat_minor,
            reserve_minor: face_minor - principal_minor,
            ..Figures::default()
        };
        let run = Run { phase: Phase::Term, principal_minor, from: opening.funded_on, charged_minor: 0 };
        let (due_on, accrued_to) = (opening.due_on, opening.funded_on);
        Ok(Self { figures, due_on, accrued_to, repurchased: false, run })
    }

    /// What the seller owes now: all that is owed, when it stands in for the debtor. When a dispute is proven it does in
    /// any case (A3, vector F8).
    pub fn recourse_minor(&self, terms: &Terms, dispute_proven: bool) -> i64 {
        if terms.recourse || dispute_proven { self.figures.due().total_minor() } else { 0 }
    }

    /// The first day of the penalty.
    pub fn late_from(&self, terms: &Terms) -> NaiveDate {
        let grace = Days::new(u64::try_from(terms.grace_days).unwrap_or_default());
        self.due_on.checked_add_days(grace).unwrap_or(NaiveDate::MAX)
    }

    /// The position with interest until a day, that day not counted (vector F4). A day that is before what is in it is
    /// refused: what becomes known later is folded anew.
    pub fn accrue(&self, terms: &Terms, to: NaiveDate) -> Result<Self, Refusal> {
        if to < self.accrued_to {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", to.to_string()));
        }
        let mut next = self.clone();
        for (phase, end) in
            [(Phase::Term, self.due_on), (Phase::Grace, self.late_from(terms)), (Phase::Late, NaiveDate::MAX)]
        {
            let until = end.min(to);
            if next.accrued_to < until {
                next.charge(terms, phase, until)?;
            }
        }
        Ok(next)
    }

    /// Interest of one phase until a day.
    fn charge(&mut self, terms: &Terms, phase: Phase, until: NaiveDate) -> Result<(), Refusal> {
        let principal_minor = self.figures.due().principal_minor;
        if (self.run.phase, self.run.principal_minor) != (phase, principal_minor) {
            self.run = Run { phase, principal_minor, from: self.accrued_to, charged_minor: 0 };
        }
        let (rate, count) = (terms.rate_ppm, terms.day_count);
        let days = count.days(self.run.from, until);
        let charged = &mut self.figures.charged;
        let (whole, charged) = match phase {
            // It was taken off what was paid out, for all days of the term.
            Phase::Term if terms.timing == Timing::Front => (0, &mut charged.interest_minor),
            Phase::Term | Phase::Grace => (interest(principal_minor, rate, days, count)?, &mut charged.interest_minor),
            Phase::Late => {
                (penalty(principal_minor, rate, terms.penalty_ppm, days, count)?, &mut charged.penalty_minor)
            }
        };
        *charged += whole - self.run.charged_minor;
        self.run.charged_minor = whole;
        self.accrued_to = until;
        Ok(())
    }

    /// The position after money came, and what became of that (vectors F4 to F8).
    pub fn collect(
        &self,
        terms: &Terms,
        payer: Payer,
        amount_minor: i64,
        on: NaiveDate,
    ) -> Result<(Self, Allocation), Refusal> {
        let amount_minor = at_least(1, amount_minor)?;
        let mut next = self.accrue(terms, on)?;
        let debtor = payer == Payer::Debtor;
        // A debtor pays the receivable; what is beyond that is its own.
        let counts = if debtor { amount_minor.min(next.figures.uncollected_minor()) } else { amount_minor };
        let mut left = counts;
        let (due, mut paid) = (next.figures.due(), Dues::default());
        for step in &terms.waterfall {
            paid = paid.more(*step, take(&mut left, due.minus(&paid).of(*step)));
        }
        // What was written off, and who paid for the debtor, come before the seller.
        let recovered_minor = take(&mut left, next.figures.loss_minor());
        let returned = if debtor { take(&mut left, next.figures.covered_minor) } else { 0 };
        let (released_minor, beyond) = if debtor { (left, amount_minor - counts) } else { (0, left) };
        let rebate_minor = next.rebate(terms, paid.principal_minor, on)?;
        let figures = &mut next.figures;
        figures.received_minor += amount_minor;
        figures.paid = figures.paid.plus(&paid);
        figures.recovered_minor += recovered_minor;
        figures.released_minor += released_minor;
        figures.suspense_minor += returned + beyond;
        figures.rebated_minor += rebate_minor;
        match payer {
            Payer::Debtor => {
                figures.collected_minor += counts;
                figures.covered_minor -= returned;
            }
            Payer::Seller => {
                let cleared = paid.principal_minor > 0 && figures.due().total_minor() == 0;
                next.repurchased = next.repurchased || cleared;
            }
            Payer::Cover => figures.covered_minor += paid.total_minor() + recovered_minor,
        }
        let reserve_change_minor = next.hold();
        let suspense_minor = returned + beyond;
        let allocation = Allocation {
            payer,
            amount_minor,
            paid,
            recovered_minor,
            released_minor,
            suspense_minor,
            rebate_minor,
            reserve_change_minor,
        };
        Ok((next, allocation))
    }

    /// Interest that is given back for principal that comes before the due date when interest was paid at the front
    /// (vector F5): that of the days that it is not had for, and never more than was paid.
    fn rebate(&self, terms: &Terms, repaid_minor: i64, on: NaiveDate) -> Result<i64, Refusal> {
        if terms.timing == Timing::Rear || !terms.early_rebate || on >= self.due_on {
            return Ok(0);
        }
        let days = terms.day_count.days(on, self.due_on);
        let unused = interest(repaid_minor, terms.rate_ppm, days, terms.day_count)?;
        Ok(unused.min(self.figures.charged.interest_minor - self.figures.rebated_minor))
    }

    /// The position after a credit note took something off the receivable (vector F7), and by how much what is held back
    /// changed. The principal stays: a credit note pays nothing.
    pub fn credit(&self, amount_minor: i64) -> Result<(Self, i64), Refusal> {
        let mut next = self.clone();
        let credited_minor = self.figures.credited_minor + at_least(1, amount_minor)?;
        if credited_minor > self.figures.face_minor {
            let free = self.figures.face_minor - self.figures.credited_minor;
            return Err(Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", free.to_string()));
        }
        next.figures.credited_minor = credited_minor;
        let change = next.hold();
        Ok((next, change))
    }

    /// The position after it cost something to have it paid.
    pub fn charge_cost(&self, amount_minor: i64) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.figures.charged.cost_minor += at_least(1, amount_minor)?;
        Ok(next)
    }

    /// The position after another fee became due.
    pub fn charge_fee(&self, fee: &Fee) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.figures.charged.fee_minor += at_least(1, fee.gross_minor)?;
        next.figures.vat_minor += at_least(0, fee.vat_minor)?;
        Ok(next)
    }

    /// The position after all that is owed was written off: there is no principal, so nothing runs any more.
    pub fn write_off(&self, terms: &Terms, on: NaiveDate) -> Result<(Self, WriteOff), Refusal> {
        let mut next = self.accrue(terms, on)?;
        let dues = next.figures.due();
        next.figures.written_off = next.figures.written_off.plus(&dues);
        let reserve_change_minor = next.hold();
        Ok((next, WriteOff { dues, reserve_change_minor }))
    }

    /// The position after the seller was paid what is its.
    pub fn pay_out(&self, amount_minor: i64) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.figures.paid_out_minor += at_least(1, amount_minor)?;
        Ok(next)
    }

    /// The position after something in suspense was given back, or went elsewhere.
    pub fn refund(&self, amount_minor: i64) -> Result<Self, Refusal> {
        let mut next = self.clone();
        let amount_minor = at_least(1, amount_minor)?;
        next.figures.suspense_minor -= amount_minor;
        next.figures.refunded_minor += amount_minor;
        Ok(next)
    }

    /// Sets what is held back, and says by how much it changed: what the debtor still has to pay beyond what was lent on
    /// it, beyond what was lost, and beyond what who covered the debtor has to have back.
    fn hold(&mut self) -> i64 {
        let figures = &mut self.figures;
        let before = figures.reserve_minor;
        let others = figures.due().principal_minor + figures.loss_minor() + figures.covered_minor;
        figures.reserve_minor = if self.repurchased { 0 } else { (figures.uncollected_minor() - others).max(0) };
        figures.reserve_minor - before
    }
}

/// Takes up to `most` of what is left.
fn take(left: &mut i64, most: i64) -> i64 {
    let part = (*left).min(most).max(0);
    *left -= part;
    part
}

/// The receivable of the vectors F3 to F8.
#[cfg(test)]
pub(super) mod fixtures {
    use super::{Fee, NaiveDate, Opening, Position, Terms, interest};

    pub(crate) fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub(crate) fn f3_opening(terms: &Terms) -> Opening {
        let interest_minor = interest(80_000_000, terms.rate_ppm, 88, terms.day_count).unwrap();
        Opening {
            funded_on: day("2025-06-16"),
            due_on: day("2025-09-12"),
            face_minor: 100_000_000,
            principal_minor: 80_000_000,
            fee: Fee { gross_minor: 300_000, net_minor: 283_019, vat_minor: 16_981 },
            withheld_minor: terms.withheld(interest_minor),
        }
    }

    pub(crate) fn f3_position(terms: &Terms) -> Position {
        Position::open(&f3_opening(terms)).unwrap()
    }
}

#[cfg(test)]
mod tests;
