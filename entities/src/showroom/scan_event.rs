//! Scans of slots (扫码记录): what the figures of a showroom are made of. Nobody is named: a visitor is a keyed hash.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{DisplayId, OfferId, ScanEventId, ShowroomId, SlotId};

/// A row of `scan_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "scan_event")]
pub struct Model {
    /// Identifier; ids are made in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ScanEventId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// Which slot.
    pub slot_id: SlotId,
    /// What stood there.
    pub display_id: Option<DisplayId>,
    /// What that is sold as.
    pub offer_id: Option<OfferId>,
    /// Keyed hash of who scanned; empty: it is not known.
    pub visitor: String,
    /// Whether it was somebody of the team.
    pub staff: bool,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
