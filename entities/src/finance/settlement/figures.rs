//! What a position comes to (融资余额), as amounts that add up: those of several receivables are those of their financing.
//!
//! What is owed is what was charged, less what was paid, less what was written off; it is never kept.

use serde::{Deserialize, Serialize};

use crate::finance::terms::WaterfallStep;

/// Amounts by what they are for, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dues {
    /// What it cost to have it paid.
    pub cost_minor: i64,
    /// Penalty interest.
    pub penalty_minor: i64,
    /// Interest.
    pub interest_minor: i64,
    /// Principal.
    pub principal_minor: i64,
    /// Fees, with VAT.
    pub fee_minor: i64,
}

impl Dues {
    /// All of them.
    pub fn total_minor(&self) -> i64 {
        self.cost_minor + self.penalty_minor + self.interest_minor + self.principal_minor + self.fee_minor
    }

    /// What is for a step of the waterfall; what is the seller's is none of them.
    pub fn of(&self, step: WaterfallStep) -> i64 {
        match step {
            WaterfallStep::EnforcementCost => self.cost_minor,
            WaterfallStep::Penalty => self.penalty_minor,
            WaterfallStep::Interest => self.interest_minor,
            WaterfallStep::Principal => self.principal_minor,
            WaterfallStep::Fees => self.fee_minor,
            WaterfallStep::ReserveRelease => 0,
        }
    }

    /// The same and another.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.zip(other, i64::saturating_add)
    }

    /// The same without another.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.zip(other, i64::saturating_sub)
    }

    fn zip(&self, other: &Self, with: fn(i64, i64) -> i64) -> Self {
        Self {
            cost_minor: with(self.cost_minor, other.cost_minor),
            penalty_minor: with(self.penalty_minor, other.penalty_minor),
            interest_minor: with(self.interest_minor, other.interest_minor),
            principal_minor: with(self.principal_minor, other.principal_minor),
            fee_minor: with(self.fee_minor, other.fee_minor),
        }
    }

    /// The same with so much more for a step.
    pub(super) fn more(mut self, step: WaterfallStep, minor: i64) -> Self {
        match step {
            WaterfallStep::EnforcementCost => self.cost_minor += minor,
            WaterfallStep::Penalty => self.penalty_minor += minor,
            WaterfallStep::Interest => self.interest_minor += minor,
            WaterfallStep::Principal => self.principal_minor += minor,
            WaterfallStep::Fees => self.fee_minor += minor,
            WaterfallStep::ReserveRelease => {}
        }
        self
    }
}

/// What a position comes to. Amounts are in minor units; those of several receivables add up ([`Figures::plus`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Figures {
    /// What was assigned.
    pub face_minor: i64,
    /// What credit notes took off it since.
    pub credited_minor: i64,
    /// What the debtor paid of it.
    pub collected_minor: i64,
    /// Everything that came, from whomever.
    pub received_minor: i64,
    /// What the seller got at the beginning.
    pub disbursed_minor: i64,
    /// What was lent, what that earned, what was charged.
    pub charged: Dues,
    /// What of that was paid.
    pub paid: Dues,
    /// What of that nobody pays any more.
    pub written_off: Dues,
    /// What of the fees is VAT.
    pub vat_minor: i64,
    /// What of the interest was given back to the seller.
    pub rebated_minor: i64,
    /// What is the seller's of what came.
    pub released_minor: i64,
    /// What was paid to the seller of that and of what was given back.
    pub paid_out_minor: i64,
    /// What came and is nobody's yet.
    pub suspense_minor: i64,
    /// What was given back of that.
    pub refunded_minor: i64,
    /// What came in of what was written off.
    pub recovered_minor: i64,
    /// What an insurer paid and did not have back: it comes before the seller when the debtor pays after all.
    pub covered_minor: i64,
    /// What is held back of the face.
    pub reserve_minor: i64,
}

impl Figures {
    /// What is owed.
    pub fn due(&self) -> Dues {
        self.charged.minus(&self.paid).minus(&self.written_off)
    }

    /// What the debtor still has to pay of the receivable.
    pub fn uncollected_minor(&self) -> i64 {
        (self.face_minor - self.credited_minor - self.collected_minor).max(0)
    }

    /// What was lost and did not come in after all.
    pub fn loss_minor(&self) -> i64 {
        self.written_off.total_minor() - self.recovered_minor
    }

    /// What of the reserve would come back if the debtor paid now.
    pub fn reserve_back_minor(&self) -> i64 {
        let due = self.due();
        (self.reserve_minor - (due.total_minor() - due.principal_minor)).max(0)
    }

    /// What is owed beyond what the debtor still has to pay: what a margin call is for.
    pub fn uncovered_minor(&self) -> i64 {
        (self.due().total_minor() - self.uncollected_minor()).max(0)
    }

    /// What is to be paid to the seller; below nothing when it had more than was its.
    pub fn seller_due_minor(&self) -> i64 {
        self.released_minor + self.rebated_minor - self.paid_out_minor
    }

    /// Both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            face_minor: self.face_minor + other.face_minor,
            credited_minor: self.credited_minor + other.credited_minor,
            collected_minor: self.collected_minor + other.collected_minor,
            received_minor: self.received_minor + other.received_minor,
            disbursed_minor: self.disbursed_minor + other.disbursed_minor,
            charged: self.charged.plus(&other.charged),
            paid: self.paid.plus(&other.paid),
            written_off: self.written_off.plus(&other.written_off),
            vat_minor: self.vat_minor + other.vat_minor,
            rebated_minor: self.rebated_minor + other.rebated_minor,
            released_minor: self.released_minor + other.released_minor,
            paid_out_minor: self.paid_out_minor + other.paid_out_minor,
            suspense_minor: self.suspense_minor + other.suspense_minor,
            refunded_minor: self.refunded_minor + other.refunded_minor,
            recovered_minor: self.recovered_minor + other.recovered_minor,
            covered_minor: self.covered_minor + other.covered_minor,
            reserve_minor: self.reserve_minor + other.reserve_minor,
        }
    }
}
