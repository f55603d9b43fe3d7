//! Whose time is taken (时间占用): a row for each quarter of an hour of who receives visitors, and of who comes.
//!
//! Nobody is in two places at once because the keys of these tables say so. A constraint over ranges would say it on
//! one of the two databases only.

/// Of who receives visitors (接待人).
pub mod host {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{PersonId, VisitSlotId};

    /// A row of `host_hold`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "host_hold")]
    pub struct Model {
        /// Whose time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub host_id: PersonId,
        /// Which quarter of an hour.
        #[sea_orm(primary_key, auto_increment = false)]
        pub step: i64,
        /// For which slot.
        pub slot_id: VisitSlotId,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Of who comes (到访人).
pub mod visitor {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{AppointmentId, PersonId};

    /// A row of `visitor_hold`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "visitor_hold")]
    pub struct Model {
        /// Whose time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: PersonId,
        /// Which quarter of an hour.
        #[sea_orm(primary_key, auto_increment = false)]
        pub step: i64,
        /// For which appointment.
        pub appointment_id: AppointmentId,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
