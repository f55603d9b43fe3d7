//! The guarantee of an organisation for what it has on bonded display (保税展示担保), and what happened to it.
//!
//! The row says what was put in and what of it is in use; it is changed by one guarded UPDATE together with an entry
//! that is only added, so that never more is in use than was put in, however many apply at once.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::OrganisationId;

/// A row of `display_guarantee`. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "display_guarantee")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: OrganisationId,
    /// What was put in.
    pub balance_minor: i64,
    /// What of it is in use.
    pub used_minor: i64,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What is left of it.
    pub fn free_minor(&self) -> i64 {
        self.balance_minor - self.used_minor
    }
}

/// Why a guarantee changed (变动原因).
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
pub enum DisplayGuaranteeReason {
    /// Put in (存入).
    Deposit,
    /// Taken out (取出).
    Withdrawal,
    /// Locked for a bonded display (占用).
    Locked,
    /// The bonded display was given up before it left (撤销释放).
    Cancelled,
    /// Pieces are back in the zone (回区释放).
    Returned,
    /// The taxes of pieces are paid (缴税释放).
    Paid,
    /// Customs wrote pieces off (销账释放).
    WrittenOff,
}

/// What happened to a guarantee (担保流水). Only added to; the database refuses the rest.
pub mod entry {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use super::DisplayGuaranteeReason;
    use crate::values::id::{BondedDisplayId, DisplayGuaranteeEntryId, OrganisationId};

    /// A row of `display_guarantee_entry`. `balance_minor` changes what was put in, `used_minor` what of it is in use.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "display_guarantee_entry")]
    pub struct Model {
        /// Identifier; ids are made in the order of time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: DisplayGuaranteeEntryId,
        /// Whose.
        pub organisation_id: OrganisationId,
        /// Why.
        pub reason: DisplayGuaranteeReason,
        /// By how much what was put in changed.
        pub balance_minor: i64,
        /// By how much what is in use changed.
        pub used_minor: i64,
        /// For which bonded display.
        pub display_id: Option<BondedDisplayId>,
        /// Under which document, or number of the bank.
        pub document: String,
        /// What it is known by: an entry is made once.
        #[sea_orm(unique)]
        pub entry_key: String,
        /// Who did it.
        pub actor: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
