//! Figures of a showroom: counted by the database when they are asked for, for all spans of a range in one statement
//! each. So what comes late is in them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entities::{
    party::{MemberRole, Viewer, person},
    showroom::{
        VisitState, display,
        figures::{Counts, Dwell, Granularity, Span, spans},
        visit,
    },
    values::{
        Currency,
        id::{PersonId, ShowroomId, SlotId},
    },
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
};

use super::readable;

/// Name of the order of slots, for cursors.
const SLOTS: &str = "slot-figures";
/// Most visits whose dwell is looked at: the newest of the range.
const MOST_VISITS: u64 = 50_000;

/// Of which days, and how they are told apart.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "both days, and by what they are told apart")]
pub struct Range {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub granularity: Granularity,
}

/// What was counted in the spans of a range, and in all of it.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Of which showroom.
    pub showroom: ShowroomId,
    /// From the first midnight to the last.
    pub whole: Span,
    /// Its spans, each with what was counted.
    pub buckets: Vec<(Span, Counts)>,
    /// All together.
    pub total: Counts,
}

/// The figures of a showroom for who may read its inside. None: there is no such showroom for the viewer.
pub async fn figures(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    showroom: ShowroomId,
    range: Range,
) -> Result<Option<Figures>, Error> {
    let spans = spans(range.from, range.to, range.granularity)?;
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(None) };
    let whole = Span { from: first.from, to: last.to };
    let Some(store) = readable(db, viewer, showroom).await? else { return Ok(None) };
    let mut counts = vec![Counts::default(); spans.len()];
    for row in entered(db, store.id, &spans).await? {
        if let Some(counts) = at(&mut counts, row.n) {
            counts.entered = row.entered;
        }
    }
    // Who scanned in two spans is one person: the whole range is counted as one more span.
    let mut scanned: Vec<Span> = spans.clone();
    scanned.push(whole);
    let mut scanners = 0;
    for row in scans(db, store.id, &scanned).await? {
        match at(&mut counts, row.n) {
            Some(counts) => (counts.scans, counts.scanners) = (row.scans, row.scanners),
            None => scanners = row.scanners,
        }
    }
    for row in sales(db, store.id, &spans).await? {
        if let Some(counts) = at(&mut counts, row.n) {
            // An order is in one currency.
            counts.orders += row.orders;
            counts.revenue.insert(row.currency, row.revenue);
        }
    }
    let total = Counts::total(&counts, scanners);
    Ok(Some(Figures { showroom: store.id, whole, buckets: spans.into_iter().zip(counts).collect(), total }))
}

fn at(counts: &mut [Counts], n: i32) -> Option<&mut Counts> {
    usize::try_from(n).ok().and_then(|n| counts.get_mut(n))
}

/// What one span has; `n` is its place.
#[derive(FromQueryResult)]
struct Entered {
    n: i32,
    entered: i64,
}

#[derive(FromQueryResult)]
struct Scanned {
    n: i32,
    scans: i64,
    scanners: i64,
}

#[derive(FromQueryResult)]
struct Sold {
    n: i32,
    currency: Currency,
    orders: i64,
    revenue: i64,
}

/// What of a line did not come back.
const REVENUE: &str = "CASE WHEN s.returned THEN 0 ELSE s.goods_minor - s.returned_minor END";
/// Orders of which not all lines came back.
const ORDERS: &str = "COUNT(DISTINCT CASE WHEN s.returned THEN NULL ELSE s.order_number END)";

/// A statement over spans: `text` has `{spans}` where their rows stand, as `v` with place, beginning and end, and `$1`
/// for the showroom. Spans come first in the join: each reads its part of an index.
async fn over_spans<R: FromQueryResult>(
    db: &impl ConnectionTrait,
    showroom: ShowroomId,
    spans: &[Span],
    text: &str,
) -> Result<Vec<R>, Error> {
    let mut values: Vec<Value> = vec![showroom.0.into()];
    let mut rows: Vec<String> = Vec::with_capacity(spans.len());
    for (n, span) in spans.iter().enumerate() {
        rows.push(format!("({n}, ${}, ${})", values.len() + 1, values.len() + 2));
        values.extend([span.from.into(), span.to.into()]);
    }
    let text = text.replace("{spans}", &format!("(VALUES {}) AS v", rows.join(", ")));
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    Ok(R::find_by_statement(statement).all(db).await?)
}

/// Two counters above one door count the same people: of each quarter of an hour and door the one that saw most counts.
async fn entered(db: &impl ConnectionTrait, showroom: ShowroomId, spans: &[Span]) -> Result<Vec<Entered>, Error> {
    let text = "SELECT n, CAST(SUM(entered) AS BIGINT) AS entered FROM (SELECT v.column1 AS n, \
                MAX(CASE WHEN f.entered > f.staff THEN f.entered - f.staff ELSE 0 END) AS entered \
                FROM {spans} CROSS JOIN footfall_sample f WHERE f.showroom_id = $1 \
                AND f.bucket_start >= v.column2 AND f.bucket_start < v.column3 \
                GROUP BY v.column1, f.bucket_start, f.door) AS doors GROUP BY n";
    over_spans(db, showroom, spans, text).await
}

async fn scans(db: &impl ConnectionTrait, showroom: ShowroomId, spans: &[Span]) -> Result<Vec<Scanned>, Error> {
    let text = "SELECT v.column1 AS n, COUNT(*) AS scans, COUNT(DISTINCT NULLIF(e.visitor, '')) AS scanners \
                FROM {spans} CROSS JOIN scan_event e WHERE e.showroom_id = $1 AND NOT e.staff \
                AND e.at >= v.column2 AND e.at < v.column3 GROUP BY v.column1";
    over_spans(db, showroom, spans, text).await
}

async fn sales(db: &impl ConnectionTrait, showroom: ShowroomId, spans: &[Span]) -> Result<Vec<Sold>, Error> {
    let text = format!(
        "SELECT v.column1 AS n, s.currency, {ORDERS} AS orders, CAST(SUM({REVENUE}) AS BIGINT) AS revenue \
         FROM {{spans}} CROSS JOIN showroom_sale s WHERE s.showroom_id = $1 \
         AND s.paid_at >= v.column2 AND s.paid_at < v.column3 GROUP BY v.column1, s.currency"
    );
    over_spans(db, showroom, spans, &text).await
}

/// How long visits of the range were that are over; of the newest, when there are very many.
pub async fn dwell(db: &impl ConnectionTrait, figures: &Figures) -> Result<Dwell, Error> {
    let rows = visit::Entity::find()
        .filter(visit::Column::ShowroomId.eq(figures.showroom))
        .filter(visit::Column::ArrivedAt.gte(figures.whole.from))
        .filter(visit::Column::ArrivedAt.lt(figures.whole.to))
        .filter(visit::Column::State.eq(VisitState::Left))
        .order_by_desc(visit::Column::ArrivedAt)
        .limit(MOST_VISITS)
        .all(db)
        .await?;
    Ok(Dwell::of(rows.iter().filter_map(visit::Model::minutes).collect()))
}

/// What one slot of the floor brought.
#[derive(Clone, Debug)]
pub struct SlotFigures {
    /// Which slot.
    pub slot: SlotId,
    /// Its code, unique on its fixture.
    pub code: String,
    /// The code of its fixture.
    pub fixture: String,
    /// What was counted; nobody counts who comes to a slot.
    pub counts: Counts,
    /// Whether something stood there.
    pub stood: bool,
}

impl SlotFigures {
    /// Whether something stood there and nobody scanned or bought it.
    pub fn dead(&self) -> bool {
        self.stood && self.counts.scans == 0 && self.counts.orders == 0
    }

    /// What it took in yuan, for the order of the list.
    fn yuan(&self) -> i64 {
        self.counts.revenue.get(&Currency::CNY).copied().unwrap_or_default()
    }
}

#[derive(FromQueryResult)]
struct SlotScans {
    slot_id: SlotId,
    scans: i64,
    scanners: i64,
}

#[derive(FromQueryResult)]
struct SlotSales {
    slot_id: SlotId,
    currency: Currency,
    orders: i64,
    revenue: i64,
}

#[derive(FromQueryResult)]
struct SlotName {
    id: SlotId,
    code: String,
    fixture: String,
}

/// Rows of a statement in which `$1` is the showroom, `$2` and `$3` are where the range begins and ends.
async fn in_range<R: FromQueryResult>(
    db: &impl ConnectionTrait,
    figures: &Figures,
    text: &str,
    more: Vec<Value>,
) -> Result<Vec<R>, Error> {
    let mut values: Vec<Value> = vec![figures.showroom.0.into(), figures.whole.from.into(), figures.whole.to.into()];
    values.extend(more);
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    Ok(R::find_by_statement(statement).all(db).await?)
}

/// What each slot brought in which something stood or happened, those that took most first.
pub async fn slots(db: &impl ConnectionTrait, figures: &Figures) -> Result<Vec<SlotFigures>, Error> {
    let mut found: BTreeMap<SlotId, Counts> = BTreeMap::new();
    let scans = "SELECT e.slot_id, COUNT(*) AS scans, COUNT(DISTINCT NULLIF(e.visitor, '')) AS scanners \
                 FROM scan_event e WHERE e.showroom_id = $1 AND e.at >= $2 AND e.at < $3 AND NOT e.staff \
                 GROUP BY e.slot_id";
    for row in in_range::<SlotScans>(db, figures, scans, Vec::new()).await? {
        let counts = found.entry(row.slot_id).or_default();
        (counts.scans, counts.scanners) = (row.scans, row.scanners);
    }
    let sales = format!(
        "SELECT s.slot_id, s.currency, {ORDERS} AS orders, CAST(SUM({REVENUE}) AS BIGINT) AS revenue \
         FROM showroom_sale s WHERE s.showroom_id = $1 AND s.paid_at >= $2 AND s.paid_at < $3 \
         AND s.slot_id IS NOT NULL GROUP BY s.slot_id, s.currency"
    );
    for row in in_range::<SlotSales>(db, figures, &sales, Vec::new()).await? {
        let counts = found.entry(row.slot_id).or_default();
        counts.orders += row.orders;
        counts.revenue.insert(row.currency, row.revenue);
    }
    let stood: BTreeSet<SlotId> = display::Entity::find()
        .select_only()
        .column(display::Column::SlotId)
        .distinct()
        .filter(display::Column::ShowroomId.eq(figures.showroom))
        .filter(display::Column::InstalledAt.lt(figures.whole.to))
        .filter(
            Condition::any()
                .add(display::Column::EndedAt.is_null())
                .add(display::Column::EndedAt.gt(figures.whole.from)),
        )
        .into_tuple()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let names = "SELECT s.id, s.code, f.code AS fixture FROM showroom_slot s \
                 JOIN showroom_fixture f ON f.id = s.fixture_id WHERE s.showroom_id = $1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), names, [figures.showroom.0.into()]);
    let named = SlotName::find_by_statement(statement).all(db).await?.into_iter().filter_map(|name| {
        let stood = stood.contains(&name.id);
        let counts = found.remove(&name.id);
        let seen = stood || counts.is_some();
        let counts = counts.unwrap_or_default();
        seen.then_some(SlotFigures { slot: name.id, code: name.code, fixture: name.fixture, counts, stood })
    });
    let mut all: Vec<SlotFigures> = named.collect();
    let rank = |one: &SlotFigures| (one.yuan(), one.counts.orders, one.counts.scans);
    all.sort_by(|a, b| {
        rank(b).cmp(&rank(a)).then_with(|| (&a.fixture, &a.code, a.slot).cmp(&(&b.fixture, &b.code, b.slot)))
    });
    Ok(all)
}

/// A page of these slots; `dead`: only those that are, or that are not.
pub fn page_of_slots(all: Vec<SlotFigures>, dead: Option<bool>, page: &PageArgs) -> Result<Page<SlotFigures>, Error> {
    let wanted = all.into_iter().filter(|one| dead.is_none_or(|dead| one.dead() == dead)).collect();
    page.slice(wanted, slot_cursor)
}

/// The cursor of a slot in that list.
pub fn slot_cursor(row: &SlotFigures) -> Cursor {
    Cursor::of_id(SLOTS, row.slot)
}

/// What somebody of the team brought about.
#[derive(Clone, Debug)]
pub struct StaffFigures {
    /// Who.
    pub person: PersonId,
    /// The name that colleagues see.
    pub name: String,
    /// How many orders, of which not all came back.
    pub orders: i64,
    /// What these were sold for and did not come back.
    pub revenue: BTreeMap<Currency, i64>,
    /// What of it is theirs.
    pub commission: BTreeMap<Currency, i64>,
}

#[derive(FromQueryResult)]
struct StaffSales {
    staff_id: PersonId,
    currency: Currency,
    orders: i64,
    revenue: i64,
    commission: i64,
}

/// Who sees what others of the team brought about.
const SEES_ALL: [MemberRole; 3] = [MemberRole::Owner, MemberRole::ShowroomManager, MemberRole::Auditor];

/// What each of the team brought about, who sold most first. Who only works there sees its own.
pub async fn staff(db: &impl ConnectionTrait, viewer: &Viewer, figures: &Figures) -> Result<Vec<StaffFigures>, Error> {
    let all = viewer.oversees() || viewer.has_any(&SEES_ALL);
    let (only, more): (&str, Vec<Value>) = match viewer.person() {
        _ if all => ("", Vec::new()),
        Some(own) => (" AND s.staff_id = $4", vec![own.0.into()]),
        None => return Ok(Vec::new()),
    };
    let text = format!(
        "SELECT s.staff_id, s.currency, {ORDERS} AS orders, CAST(SUM({REVENUE}) AS BIGINT) AS revenue, \
         CAST(SUM(CASE WHEN s.returned THEN 0 ELSE s.staff_minor END) AS BIGINT) AS commission \
         FROM showroom_sale s WHERE s.showroom_id = $1 AND s.paid_at >= $2 AND s.paid_at < $3 \
         AND s.staff_id IS NOT NULL{only} GROUP BY s.staff_id, s.currency"
    );
    let mut found: BTreeMap<PersonId, StaffFigures> = BTreeMap::new();
    for row in in_range::<StaffSales>(db, figures, &text, more).await? {
        let one = found.entry(row.staff_id).or_insert_with(|| StaffFigures {
            person: row.staff_id,
            name: String::new(),
            orders: 0,
            revenue: BTreeMap::new(),
            commission: BTreeMap::new(),
        });
        one.orders += row.orders;
        one.revenue.insert(row.currency, row.revenue);
        one.commission.insert(row.currency, row.commission);
    }
    let people = person::Entity::find().filter(person::Column::Id.is_in(found.keys().copied()));
    for person in people.all(db).await? {
        if let Some(one) = found.get_mut(&person.id) {
            one.name = person.display_name;
        }
    }
    let mut all: Vec<StaffFigures> = found.into_values().collect();
    let yuan = |one: &StaffFigures| one.revenue.get(&Currency::CNY).copied().unwrap_or_default();
    all.sort_by(|a, b| (yuan(b), b.orders).cmp(&(yuan(a), a.orders)).then_with(|| a.person.cmp(&b.person)));
    Ok(all)
}
