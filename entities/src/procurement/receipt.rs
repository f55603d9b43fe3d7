//! Goods receipts (收货单): what came of an order, and what of it went back. A receipt is drawn up and posted; from then
//! on it is not changed. What was wrong is taken back by a document of its own.
//!
//! What came lies where its quality is looked at until somebody says what of it is accepted ([`super::inspection`]).

use crate::Relation;
use chrono::NaiveDate;
use sea_orm::{Condition, entity::prelude::*};

use super::{terms::WHOLE_PPM, two_sided};
use crate::{
    party::Viewer,
    values::{
        ErrorCode, Refusal,
        id::{GoodsReceiptId, OrganisationId, PersonId, PurchaseOrderId, StockLocationId},
    },
};

/// So many days ago goods may have come that are noted today.
pub const LATEST_DAYS: i64 = 366;

/// What a receipt is of (收货单类型).
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
#[graphql(name = "GoodsReceiptKind")]
pub enum ReceiptKind {
    /// Goods came (收货).
    Receipt,
    /// Rejected goods went back to the supplier (退货给供应商).
    Return,
    /// A receipt that was wrong is taken back (冲销).
    Reversal,
}

/// State of a receipt (收货单状态).
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
#[graphql(name = "GoodsReceiptState")]
pub enum ReceiptState {
    /// Drawn up; it binds nobody and moves nothing (草稿).
    Draft,
    /// It counts, and the goods are in the house or out of it (已过账).
    Posted,
    /// It does not count any more: a document takes it back (已冲销).
    Reversed,
    /// It was given up before it counted (已作废).
    Discarded,
}

/// A step of a receipt (收货操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ReceiptStep {
    /// It counts from here on.
    Post,
    /// It is taken back.
    Reverse,
    /// It is given up before it counts.
    Discard,
}

impl ReceiptStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [ReceiptState], ReceiptState) {
        use ReceiptState::{Discarded, Draft, Posted, Reversed};
        match self {
            Self::Post => (&[Draft], Posted),
            Self::Reverse => (&[Posted], Reversed),
            Self::Discard => (&[Draft], Discarded),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: ReceiptState) -> Result<ReceiptState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// Whether so much more may come: of what was ordered, and not sent back, no more than the tolerance lets. Refused, it
/// says how much may still come.
pub fn over_receipt(ordered: i64, received_net: i64, delivering: i64, ppm: i32) -> Result<(), Refusal> {
    let whole = i128::from(WHOLE_PPM);
    let most = i128::from(ordered) * (whole + i128::from(ppm)) / whole;
    let left = (most - i128::from(received_net)).max(0);
    if i128::from(delivering) <= left {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::OverReceipt).with("max", left.to_string()))
}

/// Whether what was not looked at yet can be split so: some of it is accepted or rejected, and no more than there is.
pub fn split(open: i64, accepted: i64, rejected: i64) -> Result<(), Refusal> {
    let range = |field: &str, max: i64| {
        Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", max.to_string()).at(field)
    };
    if accepted == 0 && rejected == 0 {
        return Err(Refusal::new(ErrorCode::Required).at("accepted"));
    }
    if !(0..=open).contains(&accepted) {
        return Err(range("accepted", open));
    }
    if !(0..=open - accepted).contains(&rejected) {
        return Err(range("rejected", open - accepted));
    }
    Ok(())
}

/// A row of `goods_receipt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "goods_receipt")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GoodsReceiptId,
    /// Its number, which its moves of stock are under.
    #[sea_orm(unique)]
    pub number: String,
    /// What it is of.
    pub kind: ReceiptKind,
    /// State.
    pub state: ReceiptState,
    /// Of which order.
    pub order_id: PurchaseOrderId,
    /// Who bought.
    pub buyer_id: OrganisationId,
    /// Who delivered.
    pub supplier_id: OrganisationId,
    /// Where what is accepted goes.
    pub location_id: StockLocationId,
    /// The number of the supplier's delivery note (送货单号).
    pub delivery_note: String,
    /// The number of the waybill.
    pub waybill: Option<String>,
    /// On which business day it came, or went.
    pub arrived_on: NaiveDate,
    /// What there is to say to it.
    pub note: Option<String>,
    /// The receipt that it takes back; each is taken back once.
    #[sea_orm(unique)]
    pub reverses_id: Option<GoodsReceiptId>,
    /// What the device of whoever received knows it by; unique within the buyer.
    pub client_ref: Option<String>,
    /// Who posted it.
    pub posted_by: Option<String>,
    /// The person who did, when it was one.
    pub poster_id: Option<PersonId>,
    /// When it was posted.
    pub posted_at: Option<DateTimeUtc>,
    /// Who drew it up.
    pub created_by: String,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The receipts that `viewer` may see: those of what its organisation bought; those of what it delivered, once they
    /// count; all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let shown = Condition::all().add(Column::State.is_in([ReceiptState::Posted, ReceiptState::Reversed]));
        Self::find().filter(two_sided(viewer, Column::BuyerId, Column::SupplierId, shown))
    }
}

impl Model {
    /// Whether it says that goods came, and still counts.
    pub fn stands(&self) -> bool {
        self.kind == ReceiptKind::Receipt && self.state == ReceiptState::Posted
    }
}

/// What came, line by line (收货明细).
pub mod line {
    use crate::Relation;
    use chrono::NaiveDate;
    use sea_orm::entity::prelude::*;

    use crate::{
        inventory::CustomsStatus,
        values::id::{GoodsReceiptId, GoodsReceiptLineId, PurchaseOrderLineId, StockLotId, StockMoveId},
    };

    /// A row of `goods_receipt_line`. Of a return and of what takes a receipt back `delivered` is what went out again.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "goods_receipt_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GoodsReceiptLineId,
        /// Of which receipt.
        pub receipt_id: GoodsReceiptId,
        /// Of which line of the order.
        pub order_line_id: PurchaseOrderLineId,
        /// Its place in the receipt, from 0 on.
        pub position: i32,
        /// The line of the receipt that it sends back or takes back.
        pub of_line_id: Option<GoodsReceiptLineId>,
        /// How much came, in trade units.
        pub delivered: i64,
        /// How much of it was accepted.
        pub accepted: i64,
        /// How much of it was rejected.
        pub rejected: i64,
        /// How much of what was rejected went back.
        pub returned: i64,
        /// How much of what was accepted was billed with this line named.
        pub billed: i64,
        /// The lot as it is printed on the goods; empty when they are not told apart.
        pub lot: String,
        /// When they were made.
        pub produced_on: Option<NaiveDate>,
        /// The first day on which they are too old.
        pub expires_on: Option<NaiveDate>,
        /// Under which customs status they came.
        pub status: CustomsStatus,
        /// The lot in stock; none: it is nothing that lies anywhere, or not posted.
        pub lot_id: Option<StockLotId>,
        /// The move into the house, or out of it again.
        pub move_id: Option<StockMoveId>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What nobody has looked at yet.
        pub fn open(&self) -> i64 {
            self.delivered - self.accepted - self.rejected
        }

        /// What was rejected and is still here.
        pub fn to_return(&self) -> i64 {
            self.rejected - self.returned
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_receipt_is_posted_and_taken_back_once() {
        use ReceiptState::{Discarded, Draft, Posted, Reversed};
        use ReceiptStep as S;
        let table = [(S::Post, Draft, Posted), (S::Reverse, Posted, Reversed), (S::Discard, Draft, Discarded)];
        for step in S::iter() {
            for state in ReceiptState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn of_a_hundred_with_five_percent_a_hundred_and_five_may_come() {
        for (ordered, received, delivering, ppm, max) in [
            (100, 0, 104, 50_000, None),
            (100, 0, 105, 50_000, None),
            (100, 0, 106, 50_000, Some("105")),
            // What came before counts; what went back does not.
            (100, 60, 45, 50_000, None),
            (100, 60, 46, 50_000, Some("45")),
            (100, 105, 1, 50_000, Some("0")),
            // More than may come is there already: an amendment made it less.
            (100, 120, 1, 50_000, Some("0")),
            // Whole pieces only.
            (99, 0, 103, 50_000, None),
            (99, 0, 104, 50_000, Some("103")),
            (1, 0, 1, 50_000, None),
            (1, 0, 2, 50_000, Some("1")),
            (100, 0, 101, 0, Some("100")),
            (1_000_000_000, 1_000_000_000, 1_000_000_000, 1_000_000, None),
            (1_000_000_000, 1_000_000_000, 1_000_000_001, 1_000_000, Some("1000000000")),
        ] {
            let refused = over_receipt(ordered, received, delivering, ppm).err();
            assert_eq!(refused.as_ref().map(|one| one.code), max.map(|_| ErrorCode::OverReceipt));
            let told = refused.map(|one| one.details["max"].clone());
            assert_eq!(told.as_deref(), max, "{delivering} on {received} of {ordered} within {ppm}");
        }
    }

    #[test]
    fn what_came_is_accepted_or_rejected_and_no_more_than_came() {
        use ErrorCode::{OutOfRange, Required};
        for (open, accepted, rejected, expected) in [
            (60, 58, 2, None),
            (60, 60, 0, None),
            (60, 0, 60, None),
            (60, 10, 5, None),
            (60, 0, 0, Some((Required, "accepted"))),
            (60, 61, 0, Some((OutOfRange, "accepted"))),
            (60, -1, 2, Some((OutOfRange, "accepted"))),
            (60, 58, 3, Some((OutOfRange, "rejected"))),
            (60, 58, -1, Some((OutOfRange, "rejected"))),
            (0, 1, 0, Some((OutOfRange, "accepted"))),
            (60, i64::MAX, i64::MAX, Some((OutOfRange, "accepted"))),
        ] {
            let refused = split(open, accepted, rejected).err();
            let told = refused.as_ref().map(|one| (one.code, one.field[0].as_str()));
            assert_eq!(told, expected, "{accepted} and {rejected} of {open}");
        }
    }
}
