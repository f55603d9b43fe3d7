//! The account book of customs (账册): what a bonded warehouse may still let go of each item.
//!
//! `available = increased - reduced - locked`, never less than nothing (rule 16 of section 0; section 6.2). The book is
//! apart from the shelves: it says what customs has let in and out, the balances say what lies where.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    BookNumber, ErrorCode, Refusal,
    id::{BondedItemId, OrganisationId, StockLocationId, VariantId},
};

/// The four columns of a book's item (账册数量), in the unit of the book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantities {
    /// Declared to come in (预增).
    pub pre_increase: i64,
    /// Came in (实增).
    pub increased: i64,
    /// Promised to go out (预减).
    pub locked: i64,
    /// Went out (实减).
    pub reduced: i64,
}

/// What happens to an item of the book (账册事件), as the table of section 6.2 has it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BookEvent {
    /// An inbound list was declared (预增).
    PreIncrease,
    /// The gate let it in (实增).
    Increase,
    /// What was declared to come in will not (撤销预增).
    Withdraw,
    /// An order was paid, or an outbound list declared (预减).
    Lock,
    /// It will not go after all (解锁).
    Unlock,
    /// The outbound list was verified (实减).
    Reduce,
    /// It came back (退货入区).
    ReturnIn,
}

impl Quantities {
    /// What may still be promised.
    pub fn available(self) -> i64 {
        self.increased - self.reduced - self.locked
    }

    /// The columns after an event of `quantity`; refused when a column, or what is available, would be less than
    /// nothing.
    pub fn after(self, event: BookEvent, quantity: i64) -> Result<Self, Refusal> {
        let mut next = self;
        match event {
            BookEvent::PreIncrease => next.pre_increase += quantity,
            BookEvent::Increase => {
                next.pre_increase -= quantity;
                next.increased += quantity;
            }
            BookEvent::Withdraw => next.pre_increase -= quantity,
            BookEvent::Lock => next.locked += quantity,
            BookEvent::Unlock => next.locked -= quantity,
            BookEvent::Reduce => {
                next.locked -= quantity;
                next.reduced += quantity;
            }
            BookEvent::ReturnIn => next.reduced -= quantity,
        }
        let columns = [next.pre_increase, next.increased, next.locked, next.reduced, next.available()];
        if quantity > 0 && columns.iter().all(|column| *column >= 0) {
            Ok(next)
        } else {
            Err(Refusal::new(ErrorCode::BookShort).with("available", self.available().to_string()))
        }
    }
}

/// A row of `bonded_item`: an item of a warehouse's account book.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bonded_item")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedItemId,
    /// The warehouse whose book it is.
    pub location_id: StockLocationId,
    /// Number of the book (账册号, emsNo).
    pub book: BookNumber,
    /// Number of the item in it (备案序号, itemRecordNo); unique within the book.
    pub number: i32,
    /// Whose goods.
    pub owner_id: OrganisationId,
    /// What it is.
    pub variant_id: VariantId,
    /// Declared to come in (预增).
    pub pre_increase: i64,
    /// Came in (实增).
    pub increased: i64,
    /// Promised to go out (预减).
    pub locked: i64,
    /// Went out (实减).
    pub reduced: i64,
    /// Counts up with every change.
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Its columns.
    pub fn quantities(&self) -> Quantities {
        Quantities {
            pre_increase: self.pre_increase,
            increased: self.increased,
            locked: self.locked,
            reduced: self.reduced,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn the_vector_of_section_6_2() {
        use BookEvent::{Increase, Lock, PreIncrease, Reduce, Unlock};
        let mut book = Quantities::default();
        // inc 100 -> lock 30 -> available 70 -> lock 71 rejected -> lock 70 ok (0) -> release 30 -> ACTL_REDC 30,
        // PREVD_REDC 70 -> cancel 70 -> available 70 -> reduce 1 without lock rejected.
        for (event, quantity, available) in [
            (PreIncrease, 100, Some(0)),
            (Increase, 100, Some(100)),
            (Lock, 30, Some(70)),
            (Lock, 71, None),
            (Lock, 70, Some(0)),
            (Reduce, 30, Some(0)),
            (Unlock, 70, Some(70)),
            (Reduce, 1, None),
            (Lock, 0, None),
            (Lock, -1, None),
        ] {
            match (book.after(event, quantity), available) {
                (Ok(next), Some(available)) => {
                    assert_eq!(next.available(), available, "{event:?} {quantity}");
                    book = next;
                }
                (refused, expected) => assert_eq!((refused.is_err(), expected), (true, None), "{event:?} {quantity}"),
            }
        }
        assert_eq!((book.reduced, book.locked), (30, 0));
    }

    #[test]
    fn what_was_declared_comes_or_is_withdrawn_once() {
        use BookEvent::{Increase, PreIncrease, Withdraw};
        let mut book = Quantities::default();
        for (event, quantity, expected) in [
            (PreIncrease, 100, Some((100, 0))),
            (Increase, 97, Some((3, 97))),
            (Withdraw, 4, None),
            (Withdraw, 3, Some((0, 97))),
            (Increase, 1, None),
            (Withdraw, 1, None),
        ] {
            match book.after(event, quantity) {
                Ok(next) => {
                    assert_eq!(Some((next.pre_increase, next.increased)), expected, "{event:?} {quantity}");
                    book = next;
                }
                Err(_) => assert_eq!(expected, None, "{event:?} {quantity}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_order_of_events_makes_a_column_less_than_nothing(
            events in prop::collection::vec((prop::sample::select(BookEvent::iter().collect::<Vec<_>>()), -5..200_i64), 0..60),
        ) {
            let mut book = Quantities::default();
            for (event, quantity) in events {
                book = book.after(event, quantity).unwrap_or(book);
                let columns = [book.pre_increase, book.increased, book.locked, book.reduced, book.available()];
                prop_assert!(columns.iter().all(|column| *column >= 0), "{:?} after {:?}", book, event);
            }
        }
    }
}
