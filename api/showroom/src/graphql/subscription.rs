//! The part of the subscription root that showrooms add.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{GapKind, display},
    values::id::ShowroomId,
};
use futures_util::stream::BoxStream;
use platform::{
    app::watched,
    auth::Proof,
    graphql::{ContextExt, connection::times, decode, encode},
};

use super::{displays::Display, floor::ShowroomSlot};
use crate::{
    loaders,
    ops::now::{self, Low, Watching},
};

/// What goes on in a showroom at this moment (实时看板).
#[derive(Clone, Debug)]
pub struct ShowroomNow(now::ShowroomNow);

/// What goes on in a showroom at this moment (实时看板).
#[Object]
impl ShowroomNow {
    /// In which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom)
    }

    /// Of when it is.
    async fn as_of(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// How often something was scanned today, not by the team (今日扫码数).
    async fn scans_today(&self) -> i64 {
        self.0.counts.scans_today
    }

    /// The same within the last hour (近一小时扫码数).
    async fn scans_last_hour(&self) -> i64 {
        self.0.counts.scans_last_hour
    }

    /// When something was scanned last, not by the team (最近扫码时间).
    async fn last_scan_at(&self) -> Option<DateTime<Utc>> {
        self.0.counts.last_scan_at
    }

    /// What stands there and runs low, or cannot be had any more; at most ten seconds old (缺货陈列).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn low_displays(&self) -> Vec<LowDisplay> {
        self.0.low().iter().cloned().map(LowDisplay::from).collect()
    }

    /// How much is wrong with the floor, by what it is; at most ten seconds old (陈列问题数).
    #[graphql(complexity = "times(6, child_complexity)")]
    async fn gaps(&self) -> Vec<GapCount> {
        self.0.gaps().iter().copied().map(GapCount::from).collect()
    }

    /// How many alarms of bonded displays nobody has seen yet (未确认预警数).
    async fn open_alarms(&self) -> i64 {
        self.0.counts.open_alarms
    }

    /// How many people are there, as far as they were let in one by one (在店人数).
    async fn visitors_inside(&self) -> i64 {
        self.0.counts.visitors_inside
    }

    /// Whether a day was opened and is not closed (营业中).
    async fn day_open(&self) -> bool {
        self.0.counts.day_open
    }
}

/// Something that stands in a slot and runs low, or cannot be had any more (缺货陈列).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "ShowroomLowDisplay", complex)]
pub(super) struct LowDisplay {
    #[graphql(skip)]
    row: display::Model,
    /// Why: little of it is left, it is sold out, or not offered any more.
    kind: GapKind,
}

impl From<Low> for LowDisplay {
    fn from(low: Low) -> Self {
        Self { row: low.display, kind: low.kind }
    }
}

#[ComplexObject]
impl LowDisplay {
    /// Where.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.row.slot_id).await?.map(ShowroomSlot::from))
    }

    /// What stands there.
    async fn display(&self) -> Display {
        Display(self.row.clone())
    }
}

/// How often something is wrong with a floor (陈列问题数).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(name = "ShowroomGapCount")]
pub(super) struct GapCount {
    /// What it is.
    kind: GapKind,
    /// How many gaps: one for each slot and article.
    gaps: i64,
    /// Of how many pieces.
    pieces: i64,
}

impl From<now::GapCount> for GapCount {
    fn from(count: now::GapCount) -> Self {
        let now::GapCount { kind, gaps, pieces } = count;
        Self { kind, gaps, pieces }
    }
}

/// The part of the subscription root that this context adds.
#[derive(Default)]
pub struct ShowroomSubscription;

#[Subscription]
impl ShowroomSubscription {
    /// What goes on in a showroom as it is now, and again whenever scans, what stands there, alarms, visits or the day
    /// have changed; null when its inside cannot be seen (any more) (门店实时看板).
    async fn showroom_floor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which showroom.")] id: ID,
    ) -> Result<BoxStream<'static, Option<ShowroomNow>>> {
        context.may(Action::ReadShowrooms)?;
        // What is no showroom's id is a showroom that cannot be seen.
        let id: Option<ShowroomId> = decode(&id, "id").ok();
        let watching = Arc::new(Watching::default());
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            let watching = watching.clone();
            Box::pin(async move {
                let Some(id) = id else { return Ok(None) };
                let found = watching.look(&app, &viewer, id).await?;
                Ok(found.map(|(now, stamp)| (ShowroomNow(now), stamp)))
            })
        }))
    }
}
