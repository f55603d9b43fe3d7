//! Whose a sale is (成交归因), and how what it brings is split (分佣).
//!
//! A buyer brings along what was scanned. Of the scans of what was bought, of the last seven days, the last one with
//! somebody of the team wins, else the last one. It is fixed when the order is paid. What comes back is taken off in
//! proportion.

use chrono::{DateTime, Duration, Utc};

use crate::values::id::{PersonId, ProductId, ShowroomId, SlotId};

/// How long a scan counts (归因窗口).
pub const WINDOW: Duration = Duration::days(7);
/// Parts of a whole.
pub const WHOLE: i32 = 1_000_000;

/// A scan that a buyer brought along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the touch")]
pub struct Touch {
    pub showroom: ShowroomId,
    pub slot: SlotId,
    pub product: Option<ProductId>,
    pub staff: Option<PersonId>,
    pub at: DateTime<Utc>,
}

/// Which scan a line of what was paid at a moment goes back to.
pub fn wins(touches: &[Touch], product: ProductId, paid_at: DateTime<Utc>) -> Option<Touch> {
    let counts = |touch: &&Touch| touch.product == Some(product) && touch.at <= paid_at && paid_at - touch.at <= WINDOW;
    touches.iter().filter(counts).max_by_key(|touch| (touch.staff.is_some(), touch.at, touch.slot)).copied()
}

/// Somebody's share of what goods cost, half a minor unit rounded up. Both shares are in parts per million.
pub fn share(goods_minor: i64, ppm: i32) -> i64 {
    let whole = i128::from(WHOLE);
    let exact = i128::from(goods_minor.max(0)) * i128::from(ppm.clamp(0, WHOLE));
    i64::try_from((exact + whole / 2) / whole).unwrap_or(i64::MAX)
}

/// What is taken off a share when so much of the goods has come back in all, given what was taken off before: whatever
/// the parts, all of it is gone when all of the goods are back.
pub fn taken_off(share: i64, goods: i64, returned_before: i64, returned_after: i64) -> i64 {
    let gone = |returned: i64| {
        if goods <= 0 {
            return share;
        }
        let exact = i128::from(share) * i128::from(returned.clamp(0, goods));
        i64::try_from((exact + i128::from(goods) / 2) / i128::from(goods)).unwrap_or(share)
    };
    gone(returned_after) - gone(returned_before)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn touch(slot: u128, product: u128, staff: Option<u128>, hours_ago: i64) -> Touch {
        Touch {
            showroom: ShowroomId(Uuid::nil()),
            slot: SlotId(Uuid::from_u128(slot)),
            product: Some(ProductId(Uuid::from_u128(product))),
            staff: staff.map(|n| PersonId(Uuid::from_u128(n))),
            at: DateTime::UNIX_EPOCH + Duration::days(100) - Duration::hours(hours_ago),
        }
    }

    #[test]
    fn the_last_scan_with_somebody_of_the_team_within_seven_days_wins() {
        let paid = DateTime::UNIX_EPOCH + Duration::days(100);
        let table: [(&[Touch], Option<u128>); 7] = [
            (&[], None),
            (&[touch(1, 1, None, 5), touch(2, 1, None, 3)], Some(2)),
            (&[touch(1, 1, Some(7), 50), touch(2, 1, None, 3)], Some(1)),
            (&[touch(1, 1, Some(7), 50), touch(2, 1, Some(8), 30)], Some(2)),
            (&[touch(1, 1, Some(7), 168), touch(2, 1, Some(8), 169)], Some(1)),
            (&[touch(1, 1, Some(7), 169), touch(2, 2, None, 1)], None),
            // A clock that is ahead proves nothing.
            (&[touch(1, 1, Some(7), -1), touch(2, 1, None, 1)], Some(2)),
        ];
        for (touches, expected) in table {
            let found = wins(touches, ProductId(Uuid::from_u128(1)), paid).map(|touch| touch.slot.0.as_u128());
            assert_eq!(found, expected, "{touches:?}");
        }
    }

    #[test]
    fn a_showroom_has_eight_per_cent_and_who_served_a_quarter_of_it() {
        let of_goods = share(12_345, 80_000);
        assert_eq!((of_goods, share(of_goods, 250_000)), (988, 247));
        assert_eq!((share(5, 100_000), share(4, 100_000)), (1, 0), "half a minor unit is rounded up");
        assert_eq!(share(i64::MAX, WHOLE), i64::MAX);
    }

    proptest! {
        #[test]
        fn whatever_comes_back_in_parts_takes_off_all_in_the_end(
            goods in 1..1_000_000_000_i64, ppm in 0..=WHOLE, mut parts in proptest::collection::vec(0..1_000_000_000_i64, 0..6)
        ) {
            let whole = share(goods, ppm);
            parts.push(goods);
            for part in &mut parts {
                *part = (*part).min(goods);
            }
            parts.sort_unstable();
            let (mut before, mut off) = (0, 0);
            for after in parts {
                let part = taken_off(whole, goods, before, after);
                prop_assert!(part >= 0);
                off += part;
                before = after;
            }
            prop_assert_eq!(off, whole);
        }
    }
}
