//! What the zone's operators know of organisations that matters to financiers (关联方、制裁名单): who belongs together, and
//! with whom nobody deals. A filing in force says that somebody was looked at; these say what was found.

/// Two organisations that belong together (关联方).
pub mod related {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::OrganisationId;

    /// A row of `related_party`: keyed by both, the smaller id first.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "related_party")]
    pub struct Model {
        /// The one.
        #[sea_orm(primary_key, auto_increment = false)]
        pub one_id: OrganisationId,
        /// The other.
        #[sea_orm(primary_key, auto_increment = false)]
        pub other_id: OrganisationId,
        /// By what it is known.
        pub reason: String,
        /// Who noted it.
        pub by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An organisation with which nobody deals (制裁名单).
pub mod sanctioned {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::OrganisationId;

    /// A row of `sanctioned_party`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "sanctioned_party")]
    pub struct Model {
        /// Which.
        #[sea_orm(primary_key, auto_increment = false)]
        pub organisation_id: OrganisationId,
        /// By which list.
        pub reason: String,
        /// Who noted it.
        pub by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
