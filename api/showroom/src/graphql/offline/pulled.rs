//! What changed in a showroom while a device was away.

use async_graphql::{Context, ID, Object, Result, SimpleObject, Union};
use entities::{
    showroom::{ChangeKind, slot_note},
    values::id::{DisplayId, PlanogramId, SlotId},
};
use platform::graphql::encode;

use crate::{
    graphql::{displays::Display, floor::ShowroomSlot, planograms::Planogram},
    loaders,
    ops::pull::{Changed, Pulled},
};

/// A note on a slot (陈列位备注).
#[derive(Clone, Debug)]
pub(super) struct SlotNote(slot_note::Model);

/// A note on a slot (陈列位备注).
#[Object]
impl SlotNote {
    /// On which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.0.slot_id).await?.map(ShowroomSlot::from))
    }

    /// What it says; empty: nothing.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Counts up with every change; what changes it says this as `baseVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Something that is not there any more (墓碑).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Tombstone {
    /// What it was.
    kind: ChangeKind,
    /// Its id.
    id: ID,
}

/// Something as it is now, or that it is gone (变更).
#[derive(Union)]
pub(super) enum FloorChange {
    /// What stands somewhere.
    Display(Display),
    /// A slot.
    Slot(ShowroomSlot),
    /// The planogram in force.
    Planogram(Planogram),
    /// A note.
    Note(SlotNote),
    /// What is gone.
    Gone(Tombstone),
}

impl From<Changed> for FloorChange {
    fn from(changed: Changed) -> Self {
        match changed {
            Changed::Display(row) => Self::Display(Display(row)),
            Changed::Slot(row) => Self::Slot(row.into()),
            Changed::Planogram(row) => Self::Planogram(Planogram(row)),
            Changed::Note(row) => Self::Note(SlotNote(row)),
            Changed::Gone(kind, of) => {
                let id = match kind {
                    ChangeKind::Display => encode(DisplayId(of)),
                    ChangeKind::Slot | ChangeKind::Note => encode(SlotId(of)),
                    ChangeKind::Planogram => encode(PlanogramId(of)),
                };
                Self::Gone(Tombstone { kind, id })
            }
        }
    }
}

/// What changed in a showroom (增量).
#[derive(SimpleObject)]
pub(super) struct Pull {
    /// Whether all that the device had is to be forgotten first.
    anew: bool,
    /// From where the next pull goes on.
    cursor: String,
    /// Whether there is more now.
    more: bool,
    /// The last of the device's own that was dealt with.
    last_seq: i64,
    /// What changed, each thing once, as it is now.
    changes: Vec<FloorChange>,
}

impl From<Pulled> for Pull {
    fn from(found: Pulled) -> Self {
        Self {
            anew: found.anew,
            cursor: found.position.to_string(),
            more: found.more,
            last_seq: found.last_seq,
            changes: found.changes.into_iter().map(FloorChange::from).collect(),
        }
    }
}
