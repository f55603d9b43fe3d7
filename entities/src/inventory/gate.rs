//! The paperwork of the gate of a bonded warehouse: verification lists (核注清单), which the account book is written off by,
//! and gate passes (核放单), which a vehicle goes through the gate under.

use sea_orm::entity::prelude::*;

use crate::values::{BookNumber, ErrorCode, Refusal, id::InboundId};

/// Which way goods go through the gate (进出区).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum GateDirection {
    /// In (进区).
    In,
    /// Out (出区).
    Out,
}

impl GateDirection {
    /// What has a notice comes in; everything else goes out.
    fn of(inbound: Option<InboundId>) -> Self {
        if inbound.is_some() { Self::In } else { Self::Out }
    }

    /// The letter in numbers of customs.
    pub fn letter(self) -> char {
        match self {
            Self::In => 'I',
            Self::Out => 'E',
        }
    }
}

/// How a verification list stands (核扣标志).
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
pub enum VerificationState {
    /// Declared; the book expects it (预核扣).
    Declared,
    /// The goods went through the gate (已核扣).
    Verified,
    /// Taken back (已删单).
    Cancelled,
}

/// How a gate pass stands (核放单状态).
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
pub enum GatePassState {
    /// Declared, and not at the gate yet (已申报).
    Declared,
    /// The vehicle went through (已过卡).
    Passed,
    /// Taken back (已作废).
    Cancelled,
}

impl GatePassState {
    /// That an action needs a pass that is declared, and this is not.
    pub fn must_be_declared(self, action: &'static str) -> Result<(), Refusal> {
        if self == Self::Declared {
            return Ok(());
        }
        let from = async_graphql::Value::from(self).to_string();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

/// Digits that a number of customs is told from others of its year by.
const SERIALS: u64 = 1_000_000_000;

/// The number of a verification list (核注清单编号): `QD`, the customs office of the book, the year, the way, nine digits.
pub fn list_number(book: &BookNumber, direction: GateDirection, year: i32, serial: u64) -> String {
    number("QD", book, direction, year, serial)
}

/// The number of a gate pass (核放单编号), made like that of a list.
pub fn pass_number(book: &BookNumber, direction: GateDirection, year: i32, serial: u64) -> String {
    number("P", book, direction, year, serial)
}

fn number(kind: &str, book: &BookNumber, direction: GateDirection, year: i32, serial: u64) -> String {
    // A book's number has the four digits of its customs office after its letter.
    let office: String = book.as_str().chars().skip(1).take(4).collect();
    let (year, letter, serial) = (year.rem_euclid(100), direction.letter(), serial % SERIALS);
    format!("{kind}{office}{year:02}{letter}{serial:09}")
}

/// What stands in verification lists.
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{BondedItemId, VerificationListId};

    /// A row of `verification_line` (核注清单表体): one of each item of the book. What goes out is the sum of what the import
    /// lists of its parcels say (section 6.3, kind 8).
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "verification_line")]
    pub struct Model {
        /// Of which list.
        #[sea_orm(primary_key, auto_increment = false)]
        pub list_id: VerificationListId,
        /// Which item (备案序号).
        #[sea_orm(primary_key, auto_increment = false)]
        pub item_id: BondedItemId,
        /// How much, in the unit of the book (申报数量).
        pub quantity: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Verification lists.
pub mod list {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use super::{GateDirection, VerificationState};
    use crate::values::{
        BookNumber,
        id::{GatePassId, InboundId, VerificationListId},
    };

    /// A row of `verification_list`: of an inbound notice, or of a gate pass out.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "verification_list")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: VerificationListId,
        /// Its number at customs (核注清单编号).
        #[sea_orm(unique)]
        pub number: String,
        /// Of which account book.
        pub book: BookNumber,
        /// Of which inbound notice.
        #[sea_orm(unique)]
        pub inbound_id: Option<InboundId>,
        /// Of the parcels of which pass.
        #[sea_orm(unique)]
        pub gate_pass_id: Option<GatePassId>,
        /// State.
        pub state: VerificationState,
        /// Since when.
        pub created_at: DateTimeUtc,
        /// When it was verified or taken back.
        pub ended_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// Which way the goods go.
        pub fn direction(&self) -> GateDirection {
            GateDirection::of(self.inbound_id)
        }
    }
}

/// Gate passes.
pub mod pass {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use super::{GateDirection, GatePassState};
    use crate::values::id::{GatePassId, InboundId, OrganisationId, StockLocationId};

    /// A row of `gate_pass`: one vehicle, once through the gate.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "gate_pass")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GatePassId,
        /// Its number at customs (核放单编号).
        #[sea_orm(unique)]
        pub number: String,
        /// Whose goods.
        pub organisation_id: OrganisationId,
        /// Into, or out of, which warehouse.
        pub location_id: StockLocationId,
        /// The plate of the vehicle (车牌号).
        pub vehicle: String,
        /// The inbound notice that it brought goods of.
        pub inbound_id: Option<InboundId>,
        /// State.
        pub state: GatePassState,
        /// Since when.
        pub created_at: DateTimeUtc,
        /// When the vehicle went through.
        pub passed_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// Which way.
        pub fn direction(&self) -> GateDirection {
            GateDirection::of(self.inbound_id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_customs() {
        let book: BookNumber = "T9701W000001".parse().unwrap();
        assert_eq!(list_number(&book, GateDirection::In, 2026, 1), "QD970126I000000001");
        assert_eq!(list_number(&book, GateDirection::Out, 2026, 1_000_000_007), "QD970126E000000007");
        assert_eq!(pass_number(&book, GateDirection::Out, 2026, 42), "P970126E000000042");
    }

    #[test]
    fn a_vehicle_goes_through_once() {
        assert!(GatePassState::Declared.must_be_declared("PASS").is_ok());
        for state in [GatePassState::Passed, GatePassState::Cancelled] {
            assert_eq!(state.must_be_declared("PASS").unwrap_err().code, ErrorCode::IllegalTransition);
        }
    }
}
