//! What the simulator (模拟承运商) does with a parcel: by the taker's address it is refused, lost or brought back, by its
//! number reports of it come twice or in another order.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{BizStep, Disposition};
use crate::values::id::OrganisationId;

/// What becomes of a parcel (模拟结局).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Fate {
    /// It is handed over.
    Signed,
    /// It is not taken in.
    Refused,
    /// It is lost.
    Lost,
    /// It is not taken in and brought back.
    Returned,
}

impl Fate {
    /// What an address says.
    pub fn of(address: &str) -> Self {
        let says = |words: [&str; 2]| words.iter().any(|word| address.contains(word));
        if says(["[refused]", "【拒收】"]) {
            Self::Refused
        } else if says(["[lost]", "【丢失】"]) {
            Self::Lost
        } else if says(["[returned]", "【退回】"]) {
            Self::Returned
        } else {
            Self::Signed
        }
    }
}

/// A row of `simulated_parcel`: what the simulator knows of a parcel.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "simulated_parcel")]
pub struct Model {
    /// Which carrier it stands in for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier_id: OrganisationId,
    /// The number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: String,
    /// What becomes of it.
    pub fate: Fate,
    /// Whether it was taken back.
    pub cancelled: bool,
}

impl ActiveModelBehavior for ActiveModel {}

/// One thing that happens to a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what happens, and where")]
pub struct Happening {
    pub step: BizStep,
    pub disposition: Disposition,
    pub place: &'static str,
}

/// What happens, in the order in which it does.
pub fn happens(fate: Fate) -> Vec<Happening> {
    use BizStep::{Accepting, Arriving, Departing, Receiving, Transporting};
    use Disposition::{Delivered, InTransit, Lost, OutForDelivery, Refused, Returned};
    let one = |step, disposition, place| Happening { step, disposition, place };
    let mut all = vec![one(Departing, InTransit, "西宁分拨中心"), one(Arriving, InTransit, "中转站")];
    if fate == Fate::Lost {
        all.push(one(Transporting, Lost, "中转站"));
        return all;
    }
    all.push(one(Departing, InTransit, "中转站"));
    all.push(one(Transporting, OutForDelivery, "派送网点"));
    match fate {
        Fate::Refused => all.push(one(Transporting, Refused, "派送网点")),
        Fate::Returned => {
            all.push(one(Transporting, Refused, "派送网点"));
            all.push(one(Receiving, Returned, "西宁分拨中心"));
        }
        _ => all.push(one(Accepting, Delivered, "派送网点")),
    }
    all
}

/// When each of so many reports of the parcel with this number comes, in steps, and how often.
pub fn comes(number: &str, reports: usize) -> Vec<(usize, u32)> {
    let chance: u32 = number.bytes().filter(u8::is_ascii_digit).map(u32::from).sum();
    let mut order: Vec<usize> = (1..=reports).collect();
    // Every third parcel's second report is overtaken by the next one.
    if chance.is_multiple_of(3) && reports > 2 {
        order.swap(1, 2);
    }
    // Of every fourth one each report comes twice.
    order.into_iter().map(|step| (step, if chance.is_multiple_of(4) { 2 } else { 1 })).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration, Utc};

    use super::*;
    use crate::logistics::{
        ShipmentState,
        event::milestone,
        fold::{Fact, fold},
        waybill,
    };

    #[test]
    fn an_address_says_what_becomes_of_a_parcel() {
        for (address, fate, ends) in [
            ("示例路1号", Fate::Signed, ShipmentState::Signed),
            ("示例路1号【拒收】", Fate::Refused, ShipmentState::Refused),
            ("1 Example Road [lost]", Fate::Lost, ShipmentState::Lost),
            ("示例路1号 [returned]", Fate::Returned, ShipmentState::Returned),
        ] {
            assert_eq!(Fate::of(address), fate, "{address}");
            let out = DateTime::<Utc>::UNIX_EPOCH;
            let facts = happens(fate).into_iter().enumerate().filter_map(|(n, one)| {
                let milestone = milestone(one.step, Some(one.disposition))?;
                Some(Fact { at: out + Duration::minutes(i64::try_from(n).unwrap()), milestone, event: n.to_string() })
            });
            assert_eq!(fold(out, facts).state, ends, "{fate:?}");
        }
    }

    #[test]
    fn of_many_parcels_some_are_told_of_twice_and_some_in_another_order() {
        let all: Vec<_> = (0..100).map(|n| comes(&waybill::numbered(n), 5)).collect();
        for one in &all {
            let mut steps: Vec<usize> = one.iter().map(|(step, _)| *step).collect();
            steps.sort_unstable();
            assert_eq!(steps, [1, 2, 3, 4, 5], "a report never comes");
        }
        let (twice, swapped) =
            (all.iter().filter(|one| one[0].1 == 2).count(), all.iter().filter(|one| one[1].0 == 3).count());
        assert!((5..95).contains(&twice) && (5..95).contains(&swapped), "{twice} twice, {swapped} in another order");
    }
}
