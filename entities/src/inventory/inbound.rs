//! Inbound notices (入区申报): goods that are declared into a bonded warehouse, come through its gate, are counted, and are
//! put into their bins.
//!
//! What is declared is pre-increased in the account book (预增); what came is increased (实增); what did not come, and what
//! is taken back, is taken off what was pre-increased (撤销预增). So of each line `quantity = received + short + still to
//! come`, and of what came, what is not in a bin lies on the dock.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{InboundId, OrganisationId, StockLocationId},
};

/// State of an inbound notice (入区申报状态).
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
pub enum InboundState {
    /// Declared; the account book expects it (已申报).
    Declared,
    /// Some of it came, and more is to come (部分入区).
    Receiving,
    /// What came came, and what did not will not (已入区).
    Received,
    /// All that came is in its bins; nothing follows (已上架).
    PutAway,
    /// Taken back before anything came (已撤销).
    Cancelled,
}

impl InboundState {
    /// The state as the API writes it: `PUT_AWAY`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }

    /// Whether goods may still come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Declared | Self::Receiving)
    }
}

/// A step of an inbound notice (入区操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum InboundStep {
    /// Some of it comes.
    ReceiveSome,
    /// The last of it comes.
    ReceiveAll,
    /// Some of what came goes into bins.
    PutAway,
    /// The last of what came does.
    PutAwayAll,
    /// It is taken back.
    Cancel,
}

impl InboundStep {
    /// Where it leads from a state, or why not. Putting away some of it leaves the state as it is.
    pub fn from(self, state: InboundState) -> Result<InboundState, Refusal> {
        use InboundState::{Cancelled, Declared, PutAway, Received, Receiving};
        match (self, state) {
            (Self::ReceiveSome, Declared | Receiving) => Ok(Receiving),
            (Self::ReceiveAll, Declared | Receiving) => Ok(Received),
            (Self::PutAway, Receiving | Received) => Ok(state),
            (Self::PutAwayAll, Received) => Ok(PutAway),
            (Self::Cancel, Declared) => Ok(Cancelled),
            _ => {
                let action = match self {
                    Self::ReceiveSome | Self::ReceiveAll => "RECEIVE",
                    Self::PutAway | Self::PutAwayAll => "PUT_AWAY",
                    Self::Cancel => "CANCEL",
                };
                let refusal = Refusal::new(ErrorCode::IllegalTransition);
                Err(refusal.with("from", state.name()).with("action", action))
            }
        }
    }
}

/// A row of `inbound`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "inbound")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InboundId,
    /// Its own number (入库单号); the document of its entries in the account book and of its moves.
    #[sea_orm(unique)]
    pub number: String,
    /// Whose goods, and whose warehouse.
    pub organisation_id: OrganisationId,
    /// Into which bonded warehouse.
    pub location_id: StockLocationId,
    /// Number of what was filed with customs for it (进境备案清单编号); of those that are not cancelled one has it.
    pub document: String,
    /// State.
    pub state: InboundState,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When the last of it came.
    pub received_at: Option<DateTimeUtc>,
    /// When it was over or taken back.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Lines of an inbound notice (入区申报行).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::{
        Currency, Money,
        id::{BondedItemId, InboundId, InboundLineId, StockLotId, VariantId},
    };

    /// A row of `inbound_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "inbound_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: InboundLineId,
        /// Of which notice.
        pub inbound_id: InboundId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// Which item of the account book it is.
        pub item_id: BondedItemId,
        /// Of what.
        pub variant_id: VariantId,
        /// Which lot.
        pub lot_id: StockLotId,
        /// How much is declared, in the unit of the book.
        pub quantity: i64,
        /// How much came.
        pub received: i64,
        /// How much is known not to come (短少).
        pub short: i64,
        /// How much of what came is in bins.
        pub put_away: i64,
        /// What all of it is declared to be worth, in minor units (申报总价).
        pub value_minor: i64,
        /// Of this currency.
        pub currency: Currency,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What may still come.
        pub fn missing(&self) -> i64 {
            self.quantity - self.received - self.short
        }

        /// What came and is in no bin yet: it lies on the dock.
        pub fn on_dock(&self) -> i64 {
            self.received - self.put_away
        }

        /// What all of it is declared to be worth.
        pub fn value(&self) -> Money {
            Money { minor: self.value_minor, currency: self.currency }
        }
    }
}

/// What was put where (上架记录), only added to. It says where to look, not how much is left there: picking takes from the
/// balance of the warehouse.
pub mod put_away {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{InboundLineId, PutAwayId, StockLocationId, StockLotId};

    /// A row of `inbound_put_away`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "inbound_put_away")]
    pub struct Model {
        /// Identifier; ids are made in the order of time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PutAwayId,
        /// Of which line.
        pub line_id: InboundLineId,
        /// In which warehouse.
        pub location_id: StockLocationId,
        /// Which lot.
        pub lot_id: StockLotId,
        /// Into which bin of it (货位).
        pub bin: String,
        /// How much.
        pub quantity: i64,
        /// Who did it.
        pub actor: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn nothing_comes_twice_and_only_what_came_is_put_away() {
        use InboundState::{Cancelled, Declared, PutAway, Received, Receiving};
        use InboundStep as S;
        let table = [
            (S::ReceiveSome, Declared, Receiving),
            (S::ReceiveSome, Receiving, Receiving),
            (S::ReceiveAll, Declared, Received),
            (S::ReceiveAll, Receiving, Received),
            (S::PutAway, Receiving, Receiving),
            (S::PutAway, Received, Received),
            (S::PutAwayAll, Received, PutAway),
            (S::Cancel, Declared, Cancelled),
        ];
        for step in S::iter() {
            for state in InboundState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }
}
