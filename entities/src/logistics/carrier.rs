//! How carriers are reached (承运商接入), and what was taken of what they sent.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::OrganisationId;

/// How a carrier is reached (接入方式).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "CarrierAdapter")]
pub enum Adapter {
    /// Not by itself: people bring its numbers and report for it (人工).
    Manual,
    /// It is a stand-in of the house, for demonstrations (模拟器).
    Simulator,
    /// Over HTTP: it is told by signed requests, and pushes signed events (HTTP 推送).
    Http,
}

/// What a carrier said of a shipment (订舱状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ShipmentBooking")]
pub enum Booking {
    /// It has not been told yet, or is not told by itself (待下单).
    Open,
    /// It knows of it (已下单).
    Booked,
    /// It does not want it (被拒).
    Rejected,
    /// It was told that it is taken back (已撤单).
    Cancelled,
}

/// A row of `carrier_setting`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "carrier_setting")]
pub struct Model {
    /// The carrier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub carrier_id: OrganisationId,
    /// How it is reached.
    pub adapter: Adapter,
    /// Where it is told.
    #[sea_orm(column_type = "Text", nullable)]
    pub url: Option<String>,
    /// What both sides sign with, sealed.
    #[serde(skip)]
    pub secret: Vec<u8>,
    /// The next serial number of the simulator.
    pub next_number: i64,
    /// Counts up with every change.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// A push of a carrier that was taken, so that it is not taken again.
pub mod notice {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::OrganisationId;

    /// A row of `carrier_notice`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "carrier_notice")]
    pub struct Model {
        /// Whose.
        #[sea_orm(primary_key, auto_increment = false)]
        pub carrier_id: OrganisationId,
        /// Hash of its proof.
        #[sea_orm(primary_key, auto_increment = false)]
        pub digest: String,
        /// When it came.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
