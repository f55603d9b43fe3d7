//! Several factors on one receivable (多重保理): whose it is by article 768 of the Civil Code (民法典第七百六十八条).
//!
//! Who is registered comes before who is not, and of two that are the earlier registration. Where none is registered it
//! is the factor whose notice reached the debtor first. Where there is no notice either they share, by what they lent or
//! by their fee for what they do. The parts of what is shared are all of it (vectors F15, F16).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{trade::spread::largest_remainder, values::Refusal};

/// What a factor has to show for a receivable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// When the assignment was registered; none: it was not.
    pub registered_at: Option<DateTime<Utc>>,
    /// When a notice that names it reached the debtor; none: none did.
    pub notice_reached_at: Option<DateTime<Utc>>,
    /// What it lent, or its fee for what it does, in minor units.
    pub share_minor: i64,
}

/// What a place in the order rests on (受偿顺序依据).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PriorityGround")]
pub enum Ground {
    /// It was registered first (登记在先).
    Registration,
    /// Its notice reached the debtor first (通知最先到达).
    Notice,
    /// Neither: by what was lent (按融资款比例).
    ProRata,
}

/// A place in the order. Who has the first has all; the others come when it falls away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it rests on.
    pub ground: Ground,
    /// Whose it is, by their places among the claims. Several, when nothing puts one before the other: they share.
    pub claims: Vec<usize>,
}

/// Where a claim stands; what comes first is smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Registered(DateTime<Utc>),
    Notified(DateTime<Utc>),
    Neither,
}

impl Standing {
    fn of(claim: &Claim) -> Self {
        match (claim.registered_at, claim.notice_reached_at) {
            (Some(at), _) => Self::Registered(at),
            (None, Some(at)) => Self::Notified(at),
            (None, None) => Self::Neither,
        }
    }

    fn ground(self) -> Ground {
        match self {
            Self::Registered(_) => Ground::Registration,
            Self::Notified(_) => Ground::Notice,
            Self::Neither => Ground::ProRata,
        }
    }
}

/// The order of factors on one receivable. Two that were registered, or notified, at the very same moment have one place.
pub fn order(claims: &[Claim]) -> Vec<Place> {
    let mut standing: Vec<(Standing, usize)> =
        claims.iter().enumerate().map(|(n, claim)| (Standing::of(claim), n)).collect();
    standing.sort_unstable();
    let place = |same: &[(Standing, usize)]| {
        let (first, _) = same.first()?;
        Some(Place { ground: first.ground(), claims: same.iter().map(|(_, n)| *n).collect() })
    };
    standing.chunk_by(|one, other| one.0 == other.0).filter_map(place).collect()
}

/// What of an amount is whose, in the order of the claims: all of it is of who comes first, and several in one place share
/// by what they lent (vector F15). What they lent is no ceiling: it is the receivable that they have.
pub fn shares(amount_minor: i64, claims: &[Claim]) -> Result<Vec<i64>, Refusal> {
    let first = order(claims).into_iter().next().map(|place| place.claims).unwrap_or_default();
    let weights: Vec<i64> = claims
        .iter()
        .enumerate()
        .map(|(n, claim)| match (first.contains(&n), first.len()) {
            (false, _) => 0,
            // Who shares with nobody has all, whatever it lent.
            (true, 1) => 1,
            (true, _) => claim.share_minor,
        })
        .collect();
    largest_remainder(amount_minor, &weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000 + seconds, 0).unwrap()
    }

    fn claim(registered: Option<i64>, notified: Option<i64>, share_minor: i64) -> Claim {
        Claim { registered_at: registered.map(at), notice_reached_at: notified.map(at), share_minor }
    }

    #[test]
    fn the_order_of_article_768() {
        for (case, claims, ground, first, shared) in [
            (
                "registered beats a notice that was earlier",
                [claim(None, Some(0), 1), claim(Some(9), None, 0)],
                Ground::Registration,
                vec![1],
                [0, 100],
            ),
            (
                "the earlier registration",
                [claim(Some(5), Some(0), 1), claim(Some(4), None, 1)],
                Ground::Registration,
                vec![1],
                [0, 100],
            ),
            (
                "none registered: the first notice",
                [claim(None, Some(3), 1), claim(None, Some(2), 1)],
                Ground::Notice,
                vec![1],
                [0, 100],
            ),
            ("a notice and none", [claim(None, Some(3), 0), claim(None, None, 9)], Ground::Notice, vec![0], [100, 0]),
            ("neither", [claim(None, None, 3), claim(None, None, 1)], Ground::ProRata, vec![0, 1], [75, 25]),
            (
                "registered at one moment",
                [claim(Some(1), None, 1), claim(Some(1), Some(0), 1)],
                Ground::Registration,
                vec![0, 1],
                [50, 50],
            ),
        ] {
            let found = order(&claims);
            assert_eq!(found[0], Place { ground, claims: first }, "{case}");
            assert_eq!(found.iter().map(|place| place.claims.len()).sum::<usize>(), 2, "{case}");
            assert_eq!(shares(100, &claims).unwrap(), shared, "{case}");
        }
        assert!(order(&[]).is_empty());
        assert!(shares(100, &[]).is_err(), "nobody is there to have it");
        assert!(shares(100, &[claim(None, None, 0), claim(None, None, 0)]).is_err(), "nobody lent anything");
    }

    #[test]
    fn who_comes_next_when_the_first_falls_away() {
        let claims = [
            claim(None, None, 1),
            claim(None, Some(1), 1),
            claim(Some(7), None, 1),
            claim(None, None, 2),
            claim(Some(2), None, 1),
        ];
        let found: Vec<(Ground, Vec<usize>)> =
            order(&claims).into_iter().map(|place| (place.ground, place.claims)).collect();
        let expected = [
            (Ground::Registration, vec![4]),
            (Ground::Registration, vec![2]),
            (Ground::Notice, vec![1]),
            (Ground::ProRata, vec![0, 3]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_shares_of_f15_and_the_splits_of_f16() {
        let claims = [claim(None, None, 60_000_000), claim(None, None, 30_000_000)];
        assert_eq!(shares(100_000_000, &claims).unwrap(), [66_666_667, 33_333_333], "F15");
        for (total, weights, expected) in [
            (10_000, &[1, 1, 1], [3_334, 3_333, 3_333]),
            (1_000, &[3, 3, 1], [429, 428, 143]),
            (5, &[1, 1, 1], [2, 2, 1]),
        ] {
            assert_eq!(largest_remainder(total, weights).unwrap(), expected, "F16: {total} over {weights:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shared_is_all_of_it_and_goes_to_the_first(
            claims in proptest::collection::vec(
                (proptest::option::of(0..4_i64), proptest::option::of(0..4_i64), 1..1_000_000_000_i64), 1..7,
            ),
            amount in 0..1_000_000_000_000_i64,
        ) {
            let claims: Vec<Claim> = claims.into_iter().map(|(reg, notice, lent)| claim(reg, notice, lent)).collect();
            let (order, shares) = (order(&claims), shares(amount, &claims).unwrap());
            prop_assert_eq!(shares.iter().sum::<i64>(), amount);
            let mut all: Vec<usize> = order.iter().flat_map(|place| place.claims.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..claims.len()).collect::<Vec<_>>(), "each has a place, and one");
            for (n, share) in shares.iter().enumerate() {
                prop_assert!(*share >= 0 && (*share == 0 || order[0].claims.contains(&n)));
            }
        }
    }
}
