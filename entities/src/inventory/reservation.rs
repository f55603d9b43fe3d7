//! Promises of stock (库存占用): held, then confirmed or let go; consumed when the goods go.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{OrganisationId, StockBalanceId, StockReservationId},
};

/// What stock is promised for (占用类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationKind {
    /// An order (订单).
    Order,
    /// A transfer (调拨).
    Transfer,
    /// A pledge to a bank (质押).
    Pledge,
    /// A display (陈列).
    Display,
    /// A look at its quality (质检).
    Quality,
    /// What a device may sell without a network (离线配额).
    Lease,
}

/// State of a promise (占用状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationState {
    /// Until its time is up (占用中).
    Held,
    /// Without a time: it was paid for, or decided (已确认).
    Confirmed,
    /// The goods went (已出库).
    Consumed,
    /// Let go (已释放).
    Released,
    /// Its time was up (已过期).
    Expired,
}

/// A step of a promise's life (占用操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ReservationStep {
    /// It was paid for.
    Confirm,
    /// The goods go.
    Consume,
    /// It is not wanted any more.
    Release,
    /// Its time is up.
    Expire,
}

impl ReservationStep {
    /// The states that it leads from, and where to. Supply section C4.
    pub fn leads(self) -> (&'static [ReservationState], ReservationState) {
        use ReservationState::{Confirmed, Consumed, Expired, Held, Released};
        match self {
            Self::Confirm => (&[Held], Confirmed),
            Self::Consume => (&[Confirmed], Consumed),
            Self::Release => (&[Held, Confirmed], Released),
            Self::Expire => (&[Held], Expired),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: ReservationState) -> Result<ReservationState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(match (self, state) {
            (Self::Confirm, ReservationState::Expired) => Refusal::new(ErrorCode::HoldExpired),
            _ => Refusal::new(ErrorCode::IllegalTransition)
                .with("from", async_graphql::Value::from(state).to_string())
                .with("action", format!("{self:?}").to_uppercase()),
        })
    }
}

impl ReservationState {
    /// Whether stock is still promised.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }
}

/// A row of `stock_reservation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "stock_reservation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockReservationId,
    /// Of which balance.
    pub balance_id: StockBalanceId,
    /// Whose stock.
    pub owner_id: OrganisationId,
    /// How much, in trade units.
    pub quantity: i64,
    /// What for.
    pub kind: ReservationKind,
    /// State.
    pub state: ReservationState,
    /// The document it is for.
    pub document: String,
    /// What it is known by when it is asked for again.
    #[sea_orm(unique)]
    pub request_key: String,
    /// Until when it is held; none once it is confirmed.
    pub expires_at: Option<DateTimeUtc>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it ended.
    pub ended_at: Option<DateTimeUtc>,
    /// Whether it is of pieces of a pool ([`super::unit`]).
    pub pooled: bool,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_promise_ends_once() {
        use ReservationState::{Confirmed, Consumed, Expired, Held, Released};
        use ReservationStep::{Confirm, Consume, Expire, Release};
        let table = [
            (Confirm, Held, Confirmed),
            (Consume, Confirmed, Consumed),
            (Release, Held, Released),
            (Release, Confirmed, Released),
            (Expire, Held, Expired),
        ];
        for step in ReservationStep::iter() {
            for state in ReservationState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
                assert!(expected.is_none() || state.is_live(), "{state:?} is over and goes on");
            }
        }
        assert_eq!(Confirm.from(Expired).unwrap_err().code, ErrorCode::HoldExpired);
    }
}
