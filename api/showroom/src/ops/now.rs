//! What goes on in a showroom at this moment (实时看板). It is read every second for whoever watches it, so by a few
//! statements that each read a part of an index. What things are offered at, and whether any of them is left, is looked
//! at when the floor changed, and else every ten seconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Duration, NaiveTime, Utc};
use entities::{
    party::Viewer,
    showroom::{
        DisplayState, GapKind,
        display::{self, gaps},
        scan_event, visit,
    },
    values::{
        Currency,
        id::{DisplayId, PlanogramId, ShowroomId},
    },
};
use platform::{app::App, clock::business_day, error::Error};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select, Statement,
};

use super::{
    displays::{self, Look},
    planograms, sees_inside, stores,
};

/// How long what things are offered at is believed while nothing on the floor changes.
const BELIEVED: Duration = Duration::seconds(10);
/// How far the clocks of the zone are ahead, all year.
const AHEAD: Duration = Duration::hours(8);

/// What goes on in a showroom at a moment.
#[derive(Clone, Debug)]
pub struct ShowroomNow {
    /// In which showroom.
    pub showroom: ShowroomId,
    /// At which moment.
    pub at: DateTime<Utc>,
    /// What is counted.
    pub counts: Counts,
    floor: Arc<Floor>,
}

impl ShowroomNow {
    /// What stands there and of which little or nothing is left.
    pub fn low(&self) -> &[Low] {
        &self.floor.offered.low
    }

    /// What is wrong with the floor.
    pub fn gaps(&self) -> &[GapCount] {
        &self.floor.offered.gaps
    }
}

/// What is counted in a showroom. Scans of the team do not count, as in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Scans since midnight.
    pub scans_today: i64,
    /// Scans within the last hour.
    pub scans_last_hour: i64,
    /// When something was scanned last.
    pub last_scan_at: Option<DateTime<Utc>>,
    /// Alarms of bonded displays that nobody has seen.
    pub open_alarms: i64,
    /// How many people are there.
    pub visitors_inside: i64,
    /// Whether a day was opened and is not closed.
    pub day_open: bool,
}

/// Something that stands there and of which little or nothing is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Low {
    /// What.
    pub display: display::Model,
    /// Why: it runs low, is sold out, or not offered any more.
    pub kind: GapKind,
}

/// How often something is wrong with a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapCount {
    /// What.
    pub kind: GapKind,
    /// How many gaps: one for each slot and article.
    pub gaps: i64,
    /// Of how many pieces.
    pub pieces: i64,
}

/// How the floor of a showroom is offered.
#[derive(Debug, PartialEq, Eq)]
struct Offered {
    low: Vec<Low>,
    gaps: Vec<GapCount>,
}

/// What stands in a place, and what its tag says.
type Standing = (DisplayId, Option<i64>, Option<Currency>);

/// What a floor is known by.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    /// The planogram in force.
    planogram: Option<PlanogramId>,
    standing: Vec<Standing>,
}

/// A floor as it was looked at last.
#[derive(Debug)]
struct Floor {
    mark: Mark,
    looked_at: DateTime<Utc>,
    offered: Offered,
    /// How often it was seen to have changed.
    changes: u64,
}

/// Somebody who watches a showroom.
#[derive(Debug, Default)]
pub struct Watching(Mutex<Option<Arc<Floor>>>);

impl Watching {
    /// What goes on in a showroom now, with a stamp that changes with it. None: the viewer does not see its inside.
    pub async fn look(
        &self,
        app: &App,
        viewer: &Viewer,
        id: ShowroomId,
    ) -> Result<Option<(ShowroomNow, String)>, Error> {
        let (db, at) = (app.db().read(), app.clock().now());
        if !sees_inside(db, viewer, id).await? {
            return Ok(None);
        }
        let counts = counts(db, id, at).await?;
        let floor = self.floor(db, id, at, &Look::now(app)).await?;
        let stamp = format!("{} {counts:?}", floor.changes);
        Ok(Some((ShowroomNow { showroom: id, at, counts, floor }, stamp)))
    }

    async fn floor(
        &self,
        db: &impl ConnectionTrait,
        id: ShowroomId,
        at: DateTime<Utc>,
        look: &Look,
    ) -> Result<Arc<Floor>, Error> {
        let planogram = planograms::in_force(db, id).await?.map(|row| row.id);
        let standing = installed(id)
            .select_only()
            .columns([display::Column::Id, display::Column::TagMinor, display::Column::TagCurrency])
            .into_tuple::<Standing>()
            .all(db)
            .await?;
        let mark = Mark { planogram, standing };
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(floor) = &before
            && floor.mark == mark
            && at - floor.looked_at < BELIEVED
        {
            return Ok(floor.clone());
        }
        let offered = offered(db, id, planogram, look).await?;
        let changes = match &before {
            None => 0,
            Some(floor) => floor.changes + u64::from(floor.mark != mark || floor.offered != offered),
        };
        let floor = Arc::new(Floor { mark, looked_at: at, offered, changes });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(floor.clone());
        Ok(floor)
    }
}

/// What stands in a showroom, in the order of an index.
fn installed(id: ShowroomId) -> Select<display::Entity> {
    display::Entity::find()
        .filter(display::Column::ShowroomId.eq(id))
        .filter(display::Column::State.eq(DisplayState::Installed))
        .order_by_asc(display::Column::Id)
}

#[derive(FromQueryResult)]
struct Counted {
    scans_today: i64,
    scans_last_hour: i64,
    open_alarms: i64,
    visitors_inside: i64,
}

/// `$1` is the showroom, `$2` midnight, `$3` an hour ago, `$4` since when a visit can be that is not over.
const COUNTED: &str = "SELECT \
     (SELECT COUNT(*) FROM scan_event e WHERE e.showroom_id = $1 AND e.at >= $2 AND NOT e.staff) AS scans_today, \
     (SELECT COUNT(*) FROM scan_event e WHERE e.showroom_id = $1 AND e.at > $3 AND NOT e.staff) AS scans_last_hour, \
     (SELECT COUNT(*) FROM bonded_display_alarm a WHERE a.showroom_id = $1 AND a.acknowledged_at IS NULL) \
     AS open_alarms, \
     (SELECT COALESCE(SUM(v.party_size), 0) FROM visit v WHERE v.showroom_id = $1 AND v.arrived_at > $4 \
     AND v.state = 'here') AS visitors_inside";

async fn counts(db: &impl ConnectionTrait, id: ShowroomId, at: DateTime<Utc>) -> Result<Counts, Error> {
    let today = business_day(at);
    let midnight = today.and_time(NaiveTime::MIN).and_utc() - AHEAD;
    let values = [id.0.into(), midnight.into(), (at - Duration::hours(1)).into(), (at - visit::LONGEST).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), COUNTED, values);
    let counted = Counted::find_by_statement(statement).one(db).await?;
    let counted = counted.ok_or_else(|| Error::internal("a count without a row"))?;
    let last = scan_event::Entity::find()
        .filter(scan_event::Column::ShowroomId.eq(id))
        .filter(scan_event::Column::Staff.eq(false))
        .order_by_desc(scan_event::Column::At)
        .limit(1)
        .one(db)
        .await?;
    Ok(Counts {
        scans_today: counted.scans_today,
        scans_last_hour: counted.scans_last_hour,
        last_scan_at: last.map(|row| row.at),
        open_alarms: counted.open_alarms,
        visitors_inside: counted.visitors_inside,
        day_open: stores::open_since(db, id).await?.is_some(),
    })
}

async fn offered(
    db: &impl ConnectionTrait,
    id: ShowroomId,
    planogram: Option<PlanogramId>,
    look: &Look,
) -> Result<Offered, Error> {
    let standing = installed(id).all(db).await?;
    let now = displays::offered_now(db, &standing, look).await?;
    let now_of = |row: &display::Model| now.get(&row.id).copied().unwrap_or_default();
    let planned = match planogram {
        Some(id) => Some(planograms::planned(db, id).await?),
        None => None,
    };
    let mut counts: BTreeMap<GapKind, GapCount> = BTreeMap::new();
    for gap in gaps(planned.as_ref(), standing.iter().map(|row| (row, now_of(row))), look.low) {
        let count = counts.entry(gap.kind).or_insert(GapCount { kind: gap.kind, gaps: 0, pieces: 0 });
        count.gaps += 1;
        count.pieces += i64::from(gap.pieces);
    }
    let low = standing.iter().filter_map(|row| {
        let now = now_of(row);
        let gone = now.price.is_none().then_some(GapKind::NotOffered);
        let kind = gone.or_else(|| now.short(look.low))?;
        Some(Low { display: row.clone(), kind })
    });
    Ok(Offered { low: low.collect(), gaps: counts.into_values().collect() })
}
