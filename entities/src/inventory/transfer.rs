//! Transfers with a way between (在途调拨): asked for, approved, shipped, received; what is missing is decided at the end.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{OrganisationId, StockLocationId, StockTransferId},
};

/// State of a transfer (调拨状态).
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
pub enum TransferState {
    /// Asked for; the goods are held (待审批).
    Requested,
    /// Somebody else agreed (已批准).
    Approved,
    /// On the way (在途).
    Shipped,
    /// Some of it came (部分收货).
    Partial,
    /// All of it came (已收货).
    Received,
    /// Over; what did not come was decided (已关闭).
    Closed,
    /// It was given up before it was shipped (已取消).
    Cancelled,
}

/// A step of a transfer (调拨操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum TransferStep {
    /// Somebody else agrees.
    Approve,
    /// The goods go.
    Ship,
    /// Some of them come.
    ReceiveSome,
    /// The last of them come.
    ReceiveAll,
    /// It is over.
    Close,
    /// It is given up.
    Cancel,
}

impl TransferStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [TransferState], TransferState) {
        use TransferState::{Approved, Cancelled, Closed, Partial, Received, Requested, Shipped};
        match self {
            Self::Approve => (&[Requested], Approved),
            Self::Ship => (&[Approved], Shipped),
            Self::ReceiveSome => (&[Shipped, Partial], Partial),
            Self::ReceiveAll => (&[Shipped, Partial], Received),
            Self::Close => (&[Shipped, Partial, Received], Closed),
            Self::Cancel => (&[Requested, Approved], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: TransferState) -> Result<TransferState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let action = match self {
            Self::ReceiveSome | Self::ReceiveAll => "RECEIVE".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        let from = async_graphql::Value::from(state).to_string();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

/// A row of `stock_transfer`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "stock_transfer")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockTransferId,
    /// Whose stock.
    pub organisation_id: OrganisationId,
    /// To where.
    pub to_id: StockLocationId,
    /// State.
    pub state: TransferState,
    /// The document that says so.
    pub document: String,
    /// Who asked for it.
    pub requested_by: String,
    /// Who agreed.
    pub approved_by: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When the goods went.
    pub shipped_at: Option<DateTimeUtc>,
    /// When it was over or given up.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn goods_are_shipped_once_and_only_what_was_shipped_is_received() {
        use TransferState::{Approved, Cancelled, Closed, Partial, Received, Requested, Shipped};
        use TransferStep as S;
        let table = [
            (S::Approve, Requested, Approved),
            (S::Ship, Approved, Shipped),
            (S::ReceiveSome, Shipped, Partial),
            (S::ReceiveSome, Partial, Partial),
            (S::ReceiveAll, Shipped, Received),
            (S::ReceiveAll, Partial, Received),
            (S::Close, Shipped, Closed),
            (S::Close, Partial, Closed),
            (S::Close, Received, Closed),
            (S::Cancel, Requested, Cancelled),
            (S::Cancel, Approved, Cancelled),
        ];
        for step in S::iter() {
            for state in TransferState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }
}
