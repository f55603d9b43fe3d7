//! Postings (记账凭证): the legs of everything that happens to money. Each sums to nothing.

use super::Account;
use crate::values::id::OrganisationId;

/// A leg of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Account.
    pub account: Account,
    /// Whose, for what is owed to an organisation.
    pub party: Option<OrganisationId>,
    /// How much, signed.
    pub minor: i64,
}

/// What of a payment is one order's (分账).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Whose goods.
    pub seller: OrganisationId,
    /// What the seller asks, before commission.
    pub goods_minor: i64,
    /// What of it is the platform's.
    pub commission_minor: i64,
    /// Taxes on top.
    pub tax_minor: i64,
}

impl Split {
    /// What it takes of the payment; none beyond 64 bits.
    pub fn total(&self) -> Option<i64> {
        self.goods_minor.checked_add(self.tax_minor)
    }

    /// Whether its parts can be: nothing below nothing, no more commission than goods.
    pub fn holds(&self) -> bool {
        self.goods_minor >= 0
            && self.tax_minor >= 0
            && (0..=self.goods_minor).contains(&self.commission_minor)
            && self.total().is_some_and(|total| total > 0)
    }
}

fn two(debit: Account, credit: Account, minor: i64) -> Vec<Leg> {
    vec![Leg { account: debit, party: None, minor }, Leg { account: credit, party: None, minor: -minor }]
}

fn reversed(legs: Vec<Leg>) -> Vec<Leg> {
    legs.into_iter().map(|leg| Leg { minor: -leg.minor, ..leg }).collect()
}

/// The buyer's bank holds money for us (授权).
pub fn authorised(minor: i64) -> Vec<Leg> {
    two(Account::Authorised, Account::Held, minor)
}

/// It does not hold it any more: it was captured, or let go.
pub fn released(minor: i64) -> Vec<Leg> {
    reversed(authorised(minor))
}

/// Money came (收款).
pub fn captured(minor: i64) -> Vec<Leg> {
    two(Account::Provider, Account::BuyerFunds, minor)
}

/// The provider keeps something (手续费).
pub fn fee(minor: i64) -> Vec<Leg> {
    two(Account::Fees, Account::Provider, minor)
}

/// What came is owed to a seller, the platform and the tax office (分账). `split` must hold.
pub fn allotted(split: &Split) -> Vec<Leg> {
    let leg = |account, party, minor| Leg { account, party, minor };
    let legs = [
        leg(Account::BuyerFunds, None, split.goods_minor + split.tax_minor),
        leg(Account::SellerDue, Some(split.seller), split.commission_minor - split.goods_minor),
        leg(Account::Commission, None, -split.commission_minor),
        leg(Account::TaxDue, None, -split.tax_minor),
    ];
    legs.into_iter().filter(|leg| leg.minor != 0).collect()
}

/// The same taken back, before it is refunded (冲回分账).
pub fn unallotted(split: &Split) -> Vec<Leg> {
    reversed(allotted(split))
}

/// A refund is owed to the buyer (应退款).
pub fn refund_owed(minor: i64) -> Vec<Leg> {
    two(Account::BuyerFunds, Account::RefundClearing, minor)
}

/// The provider gave it back (已退款).
pub fn refund_paid(minor: i64) -> Vec<Leg> {
    two(Account::RefundClearing, Account::Provider, minor)
}

/// The refund failed: what was owed is the buyer's funds again.
pub fn refund_dropped(minor: i64) -> Vec<Leg> {
    reversed(refund_owed(minor))
}

/// What is owed to a seller is on its way to it (结算).
pub fn paid_out(seller: OrganisationId, minor: i64) -> Vec<Leg> {
    vec![
        Leg { account: Account::SellerDue, party: Some(seller), minor },
        Leg { account: Account::PaidOut, party: Some(seller), minor: -minor },
    ]
}

/// It did not go.
pub fn payout_dropped(seller: OrganisationId, minor: i64) -> Vec<Leg> {
    reversed(paid_out(seller, minor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seller() -> OrganisationId {
        OrganisationId(uuid::Uuid::from_u128(7))
    }

    #[test]
    fn an_order_of_100_with_tax_9_and_commission_5_owes_95_to_the_seller() {
        let split = Split { seller: seller(), goods_minor: 100, commission_minor: 5, tax_minor: 9 };
        let legs = allotted(&split);
        let of = |account| legs.iter().find(|leg| leg.account == account).unwrap().minor;
        assert_eq!(
            (of(Account::BuyerFunds), of(Account::SellerDue), of(Account::Commission), of(Account::TaxDue)),
            (109, -95, -5, -9)
        );
        for wrong in [
            Split { commission_minor: 101, ..split },
            Split { tax_minor: -1, ..split },
            Split { goods_minor: 0, commission_minor: 0, tax_minor: 0, ..split },
            Split { goods_minor: i64::MAX, tax_minor: 1, ..split },
        ] {
            assert!(!wrong.holds(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn every_posting_sums_to_nothing_and_has_an_account_once(
            minor in 1..1_000_000_000_000_i64,
            goods in 0..1_000_000_000_000_i64,
            part in 0..=1_000_000_i64,
            tax in 0..1_000_000_000_i64,
        ) {
            let split = Split { seller: seller(), goods_minor: goods, commission_minor: goods / 1_000_000 * part, tax_minor: tax };
            for legs in [
                authorised(minor), released(minor), captured(minor), fee(minor), refund_owed(minor), refund_paid(minor),
                refund_dropped(minor), paid_out(seller(), minor), payout_dropped(seller(), minor), allotted(&split),
                unallotted(&split),
            ] {
                prop_assert_eq!(legs.iter().map(|leg| leg.minor).sum::<i64>(), 0, "{:?}", legs);
                for (n, leg) in legs.iter().enumerate() {
                    prop_assert!(leg.minor != 0 && legs[..n].iter().all(|other| other.account != leg.account), "{:?}", legs);
                }
            }
        }
    }
}
