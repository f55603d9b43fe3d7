//! Credit (赊销额度): how much a seller lets an organisation owe, and what of it is taken.

pub mod limit {
    //! Credit limits.

    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::{
        Currency,
        id::{CreditLimitId, OrganisationId},
    };

    /// A row of `credit_limit`: unique by seller, buyer and currency.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "credit_limit")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CreditLimitId,
        /// Who gives it.
        pub seller_id: OrganisationId,
        /// Who has it.
        pub buyer_id: OrganisationId,
        /// In which currency.
        pub currency: Currency,
        /// Most that may be owed, in minor units.
        pub sanctioned_minor: i64,
        /// What is owed or ordered.
        pub used_minor: i64,
        /// Days until an order is to be paid (账期).
        pub terms_days: i32,
        /// The last day on which it may be used; none: until it is taken back.
        pub expires_on: Option<Date>,
        /// Counts up with every change by people.
        pub version: i32,
        /// When it last changed.
        pub updated_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod entry {
    //! What is taken of a limit, by the order that takes it.

    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{CreditEntryId, CreditLimitId};

    /// What became of it (占用状态).
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
    pub enum CreditState {
        /// Owed, or ordered (占用中).
        Live,
        /// Paid (已结清).
        Settled,
        /// The order will not be (已释放).
        Released,
    }

    /// A row of `credit_entry`: unique by document.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "credit_entry")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: CreditEntryId,
        /// Of which limit.
        pub limit_id: CreditLimitId,
        /// The order.
        #[sea_orm(unique)]
        pub document: String,
        /// How much, in minor units.
        pub amount_minor: i64,
        /// What became of it.
        pub state: CreditState,
        /// Until which day it is to be paid.
        pub due_on: Date,
        /// Since when.
        pub created_at: DateTimeUtc,
        /// When it ended.
        pub ended_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use entry::CreditState;
