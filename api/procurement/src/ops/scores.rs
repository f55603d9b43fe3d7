//! Scores of suppliers: made of what happened, once a period is over, for whoever has a scorecard.
//!
//! - **in time**: of what was due in the period, how much was here by its day ([`scorecard::on_time`]);
//! - **quality**: of what came in the period and was looked at, how much was accepted;
//! - **response**: of the requests of which the quotations were opened in the period, how many the supplier answered, with
//!   a quotation or a no;
//! - **price**: of the lines of these requests, how near it was to the lowest that was quoted in the same currency and
//!   under the same Incoterm.
//!
//! Of a request whose quotations are not opened nothing counts: a score would tell who has quoted.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::Viewer,
    procurement::{
        CriterionKind, OrderState, QuotationState, ReceiptKind, ReceiptState, RfqState, ScorePeriod, UnitPrice,
        invitation, order, quotation, receipt, rfq,
        scorecard::{self, BLENDED, FULL_E4, ScorePart, ScoreParts, blend, dues, on_time, price_points, score},
        terms::Schedule,
        tiers,
    },
    values::{
        Currency,
        id::{OrganisationId, PurchaseOrderLineId, RfqId, RfqLineId},
    },
};
use platform::{
    app::{App, Call},
    clock::{business_day, day_begins},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs, key},
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, Order, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{CHUNK, tasks::due_by};
use crate::jobs::BY;

const NEWEST: &str = "newest-supplier-score";
/// Most buyers whose scores are made in one turn.
const AT_ONCE: u64 = 100;
/// Requests whose quotations are read at once: their contents are large.
const REQUESTS: usize = 50;
/// How many days after a period its scores are made: what came on its last days is noted and looked at by then.
const NOTED_DAYS: i64 = 3;
/// For how many days before a period orders that were closed are looked at: what came before it was due was in time.
const EARLY_DAYS: i64 = 366;
/// A quotation that counts as an answer: it was given, and not taken back.
const ANSWERS: [QuotationState; 4] =
    [QuotationState::Submitted, QuotationState::Awarded, QuotationState::Lost, QuotationState::Expired];

/// The days from the first on and before another.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: NaiveDate,
    after: NaiveDate,
    /// What was due from the first on and before this day is looked at: the days that are over.
    over: NaiveDate,
}

impl Span {
    fn of(period: ScorePeriod, start: NaiveDate, today: NaiveDate) -> Self {
        let after = period.after(start);
        Self { first: start, after, over: Ord::min(after, today) }
    }

    fn begins(self) -> DateTime<Utc> {
        day_begins(self.first)
    }

    fn ends(self) -> DateTime<Utc> {
        day_begins(self.after)
    }
}

/// Whose purchases are looked at.
#[derive(Clone, Copy, Debug)]
struct Whose {
    buyer: OrganisationId,
    /// Only from this supplier.
    supplier: Option<OrganisationId>,
}

/// For each supplier and criterion, so much good of so much.
#[derive(Debug, Default)]
struct Figures(BTreeMap<OrganisationId, BTreeMap<CriterionKind, (i64, i64)>>);

impl Figures {
    fn add(&mut self, supplier: OrganisationId, kind: CriterionKind, (good, of): (i64, i64)) {
        let sums = self.0.entry(supplier).or_default().entry(kind).or_default();
        *sums = (sums.0 + good, sums.1 + of);
    }

    /// What the criteria of a scorecard come to for each supplier.
    fn parts(&self, card: &scorecard::Model) -> BTreeMap<OrganisationId, ScoreParts> {
        let of = |sums: &BTreeMap<CriterionKind, (i64, i64)>| {
            let part = |criterion: &scorecard::Criterion| {
                let (good, of) = sums.get(&criterion.kind).copied().unwrap_or_default();
                ScorePart { kind: criterion.kind, weight: criterion.weight, good, of }
            };
            ScoreParts(card.criteria.0.iter().map(part).collect())
        };
        self.0.iter().map(|(supplier, sums)| (*supplier, of(sums))).collect()
    }
}

/// Orders that were under way in a span, or were closed before because all of it had come early.
fn under_way(whose: Whose, span: Span) -> Condition {
    let early = span.begins() - Duration::days(EARLY_DAYS);
    let open = Condition::any().add(order::Column::ClosedAt.is_null()).add(order::Column::ClosedAt.gte(early));
    Condition::all()
        .add(order::Column::BuyerId.eq(whose.buyer))
        .add_option(whose.supplier.map(|supplier| order::Column::SupplierId.eq(supplier)))
        .add(order::Column::SentAt.lt(span.ends()))
        .add(order::Column::State.is_not_in([OrderState::Rejected, OrderState::Cancelled]))
        .add(open)
}

/// A line that was ordered: which, of whom, when it was sent, how much, how much of it was given up, and when it is due.
type Wanted = (PurchaseOrderLineId, OrganisationId, DateTime<Utc>, i64, i64, Option<NaiveDate>, Schedule);

/// What came: for which line, of whom, on which day, how much, and how much of it was accepted and rejected.
type Came = (PurchaseOrderLineId, OrganisationId, NaiveDate, i64, i64, i64);

/// In time, and quality.
async fn deliveries(db: &impl ConnectionTrait, whose: Whose, span: Span, figures: &mut Figures) -> Result<(), Error> {
    let of =
        order::line::Entity::belongs_to(order::Entity).from(order::line::Column::OrderId).to(order::Column::Id).into();
    let wanted = order::line::Entity::find()
        .join(JoinType::InnerJoin, of)
        .filter(under_way(whose, span))
        .filter(due_by(span.over))
        .select_only()
        .column(order::line::Column::Id)
        .column(order::Column::SupplierId)
        .column(order::Column::SentAt)
        .column(order::line::Column::Quantity)
        .column(order::line::Column::ShortClosed)
        .column(order::line::Column::NeededOn)
        .column(order::line::Column::Schedule);
    let wanted: Vec<Wanted> = wanted.into_tuple().all(db).await?;
    let within = receipt::line::Entity::belongs_to(receipt::Entity)
        .from(receipt::line::Column::ReceiptId)
        .to(receipt::Column::Id)
        .into();
    let ordered =
        receipt::Entity::belongs_to(order::Entity).from(receipt::Column::OrderId).to(order::Column::Id).into();
    let came = receipt::line::Entity::find()
        .join(JoinType::InnerJoin, within)
        .join(JoinType::InnerJoin, ordered)
        .filter(under_way(whose, span))
        .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
        .filter(receipt::Column::State.eq(ReceiptState::Posted))
        .filter(receipt::Column::ArrivedOn.lt(span.after))
        .select_only()
        .column(receipt::line::Column::OrderLineId)
        .column(receipt::Column::SupplierId)
        .column(receipt::Column::ArrivedOn)
        .column(receipt::line::Column::Delivered)
        .column(receipt::line::Column::Accepted)
        .column(receipt::line::Column::Rejected);
    let came: Vec<Came> = came.into_tuple().all(db).await?;
    let mut by_line: HashMap<PurchaseOrderLineId, Vec<(NaiveDate, i64)>> = HashMap::new();
    for (line, supplier, on, delivered, accepted, rejected) in came {
        by_line.entry(line).or_default().push((on, delivered));
        if on >= span.first {
            figures.add(supplier, CriterionKind::Quality, (accepted, accepted + rejected));
        }
    }
    for (line, supplier, sent, quantity, given_up, needed_on, schedule) in wanted {
        // What was due before it was ordered nobody could bring in time.
        let first = span.first.max(business_day(sent));
        let came = by_line.get(&line).map_or(&[][..], Vec::as_slice);
        let sums = on_time(&dues(quantity, given_up, needed_on, schedule), came, first, span.over);
        figures.add(supplier, CriterionKind::OnTime, sums);
    }
    Ok(())
}

/// An invitation: to which request, in which round that is, who, and when it said no.
type Invited = (RfqId, i32, OrganisationId, Option<DateTime<Utc>>);

/// Response, and price: that only when it is wanted, for what was quoted is large.
async fn requests(
    db: &impl ConnectionTrait,
    whose: Whose,
    span: Span,
    prices: bool,
    figures: &mut Figures,
) -> Result<(), Error> {
    let of = invitation::Entity::belongs_to(rfq::Entity).from(invitation::Column::RfqId).to(rfq::Column::Id).into();
    let only = whose.supplier.map(|supplier| invitation::Column::SupplierId.eq(supplier));
    let invited = invitation::Entity::find()
        .join(JoinType::InnerJoin, of)
        .filter(rfq::Column::BuyerId.eq(whose.buyer))
        .filter(rfq::Column::State.is_in(RfqState::OPENED))
        .filter(rfq::Column::OpenedAt.gte(span.begins()))
        .filter(rfq::Column::OpenedAt.lt(span.ends()))
        .filter(invitation::Column::SentAt.is_not_null())
        .filter(Condition::all().add_option(only))
        .select_only()
        .column(rfq::Column::Id)
        .column(rfq::Column::Round)
        .column(invitation::Column::SupplierId)
        .column(invitation::Column::DeclinedAt);
    let invited: Vec<Invited> = invited.into_tuple().all(db).await?;
    let rounds: BTreeMap<RfqId, i32> = invited.iter().map(|(rfq, round, ..)| (*rfq, *round)).collect();
    let mut answered: HashSet<(RfqId, OrganisationId)> = HashSet::new();
    for part in rounds.keys().copied().collect::<Vec<_>>().chunks(REQUESTS) {
        let given = quotation::Entity::find()
            .filter(quotation::Column::RfqId.is_in(part.iter().copied()))
            .filter(quotation::Column::State.is_in(ANSWERS))
            .filter(quotation::Column::OpenedAt.is_not_null());
        if !prices {
            let given = given.select_only().column(quotation::Column::RfqId).column(quotation::Column::SupplierId);
            let given: Vec<(RfqId, OrganisationId)> = given.into_tuple().all(db).await?;
            answered.extend(given);
            continue;
        }
        let given = given.all(db).await?;
        answered.extend(given.iter().map(|row| (row.rfq_id, row.supplier_id)));
        let current: Vec<quotation::Model> =
            given.into_iter().filter(|row| rounds.get(&row.rfq_id) == Some(&row.round)).collect();
        for (supplier, points) in priced(&current, &asked(db, part).await?) {
            if whose.supplier.is_none_or(|only| only == supplier) {
                figures.add(supplier, CriterionKind::Price, (points, FULL_E4));
            }
        }
    }
    for (rfq, _, supplier, declined) in invited {
        let answers = declined.is_some() || answered.contains(&(rfq, supplier));
        figures.add(supplier, CriterionKind::Response, (answers.into(), 1));
    }
    Ok(())
}

/// How much of each line of requests was asked for.
async fn asked(db: &impl ConnectionTrait, requests: &[RfqId]) -> Result<HashMap<RfqLineId, i64>, Error> {
    let lines = rfq::line::Entity::find()
        .filter(rfq::line::Column::RfqId.is_in(requests.iter().copied()))
        .select_only()
        .column(rfq::line::Column::Id)
        .column(rfq::line::Column::Quantity);
    let lines: Vec<(RfqLineId, i64)> = lines.into_tuple().all(db).await?;
    Ok(lines.into_iter().collect())
}

/// The points of each quoted price, held against those of the same line in the same currency under the same Incoterm.
fn priced(quotations: &[quotation::Model], asked: &HashMap<RfqLineId, i64>) -> Vec<(OrganisationId, i64)> {
    type Alike = (RfqLineId, Currency, Incoterm);
    let mut alike: HashMap<Alike, Vec<(OrganisationId, UnitPrice)>> = HashMap::new();
    for row in quotations {
        let Some(content) = &row.content else { continue };
        for line in &content.lines {
            let Some(wanted) = asked.get(&line.line) else { continue };
            let quantity = line.available.map_or(*wanted, |most| most.min(*wanted)).max(line.moq);
            let price = tiers::effective(&line.tiers.0, line.mode, quantity, content.currency);
            if let Some(price) = price {
                let of = (line.line, content.currency, content.incoterm);
                alike.entry(of).or_default().push((row.supplier_id, price));
            }
        }
    }
    alike.values().flat_map(|prices| price_points(prices)).collect()
}

/// What the criteria of a scorecard come to in a span, for each supplier of which something is known.
async fn parts_of(
    db: &impl ConnectionTrait,
    card: &scorecard::Model,
    supplier: Option<OrganisationId>,
    span: Span,
) -> Result<BTreeMap<OrganisationId, ScoreParts>, Error> {
    let whose = Whose { buyer: card.organisation_id, supplier };
    let mut figures = Figures::default();
    deliveries(db, whose, span, &mut figures).await?;
    let prices = card.criteria.0.iter().any(|criterion| criterion.kind == CriterionKind::Price);
    requests(db, whose, span, prices, &mut figures).await?;
    Ok(figures.parts(card))
}

/// The scores before a period that are still blended into that of the period, newest first, for each supplier.
async fn before(
    db: &impl ConnectionTrait,
    card: &scorecard::Model,
    supplier: Option<OrganisationId>,
    start: NaiveDate,
) -> Result<HashMap<OrganisationId, Vec<i64>>, Error> {
    let oldest = (1..BLENDED).fold(start, |of, _| card.period.ended(of));
    let rows = score::Entity::find()
        .filter(score::Column::BuyerId.eq(card.organisation_id))
        .filter(score::Column::Period.eq(card.period))
        .filter(score::Column::PeriodStart.gte(oldest))
        .filter(score::Column::PeriodStart.lt(start))
        .filter(Condition::all().add_option(supplier.map(|supplier| score::Column::SupplierId.eq(supplier))))
        .order_by_desc(score::Column::PeriodStart)
        .select_only()
        .column(score::Column::SupplierId)
        .column(score::Column::ScoreE4);
    let rows: Vec<(OrganisationId, i64)> = rows.into_tuple().all(db).await?;
    let mut found: HashMap<OrganisationId, Vec<i64>> = HashMap::new();
    for (supplier, points) in rows {
        found.entry(supplier).or_default().push(points);
    }
    Ok(found)
}

/// The scores of a period: of those suppliers of which something is known that the scorecard asks for.
async fn made_of(
    db: &impl ConnectionTrait,
    card: &scorecard::Model,
    supplier: Option<OrganisationId>,
    start: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<score::Model>, Error> {
    let parts = parts_of(db, card, supplier, Span::of(card.period, start, business_day(now))).await?;
    let mut before = before(db, card, supplier, start).await?;
    let row = |(supplier_id, parts): (OrganisationId, ScoreParts)| {
        let score_e4 = parts.score()?;
        let mut newest_first = before.remove(&supplier_id).unwrap_or_default();
        newest_first.insert(0, score_e4);
        Some(score::Model {
            buyer_id: card.organisation_id,
            supplier_id,
            period_start: start,
            period: card.period,
            score_e4,
            blended_e4: blend(&newest_first).unwrap_or(score_e4),
            parts,
            made_at: now,
        })
    };
    Ok(parts.into_iter().filter_map(row).collect())
}

/// How a supplier does in the period that is not over yet; nothing follows from it. None: nothing is known.
pub async fn running(
    db: &impl ConnectionTrait,
    card: &scorecard::Model,
    supplier: OrganisationId,
    now: DateTime<Utc>,
) -> Result<Option<score::Model>, Error> {
    let start = card.period.start(business_day(now));
    Ok(made_of(db, card, Some(supplier), start, now).await?.pop())
}

/// Makes the scores of periods that are over, a few days after each. Answers with how many.
pub async fn make_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let noted = business_day(now) - Duration::days(NOTED_DAYS);
    let mut scores = 0;
    for period in [ScorePeriod::Month, ScorePeriod::Quarter] {
        let last = period.ended(noted);
        let due = scorecard::Entity::find()
            .filter(scorecard::Column::Period.eq(period))
            .filter(not_made(last))
            .order_by_asc(scorecard::Column::Id)
            .limit(AT_ONCE);
        for card in due.all(app.db().read()).await? {
            match make(app, &card, next(&card, last)).await {
                Ok(made) => scores += made,
                // One buyer's that cannot be made keep nobody else's.
                Err(error) => tracing::error!(scorecard = %card.id, cause = error.told(), "scores could not be made"),
            }
        }
    }
    Ok(scores)
}

/// The period that scores are made of next: of a new scorecard the last, and of those that were missed the oldest, one in
/// each turn.
fn next(card: &scorecard::Model, last: NaiveDate) -> NaiveDate {
    let oldest = (1..BLENDED).fold(last, |of, _| card.period.ended(of));
    card.scored_through.map_or(last, |made| card.period.after(made).clamp(oldest, last))
}

/// Scorecards of which a period has no scores yet.
fn not_made(start: NaiveDate) -> Condition {
    let through = scorecard::Column::ScoredThrough;
    Condition::any().add(through.is_null()).add(through.lt(start))
}

async fn make(app: &App, card: &scorecard::Model, start: NaiveDate) -> Result<u64, Error> {
    // Read before anything is locked: a period that is over does not change much any more.
    let rows = made_of(app.db().read(), card, None, start, app.clock().now()).await?;
    let mut work = app.begin(&Call::unasked(BY)).await?;
    let taken = scorecard::Entity::update_many()
        .col_expr(scorecard::Column::ScoredThrough, Expr::val(start))
        .filter(scorecard::Column::Id.eq(card.id))
        .filter(scorecard::Column::Version.eq(card.version))
        .filter(not_made(start))
        .exec(work.tx())
        .await?;
    if taken.rows_affected != 1 {
        // Another node made them, or the scorecard was changed at this moment: then the next turn does.
        return Ok(0);
    }
    let key = [score::Column::BuyerId, score::Column::SupplierId, score::Column::PeriodStart, score::Column::Period];
    let known = OnConflict::columns(key).do_nothing().to_owned();
    for part in rows.chunks(CHUNK) {
        let part = part.iter().cloned().map(IntoActiveModel::into_active_model);
        let insert = score::Entity::insert_many(part).on_conflict(known.clone()).try_insert();
        insert.exec_without_returning(work.tx()).await?;
    }
    let shown = json!({ "period": card.period, "from": start, "suppliers": rows.len() });
    work.audit(Some(card.organisation_id), "makeSupplierScores", encode(card.id).0, Value::Null, shown);
    work.commit(rows.len() as u64).await
}

/// What the viewer's organisation scored a supplier, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    supplier: OrganisationId,
    page: &PageArgs,
) -> Result<Page<score::Model>, Error> {
    let column = |of: score::Column| Expr::col((score::Entity, of));
    let place = vec![column(score::Column::PeriodStart), column(score::Column::Period)];
    let beyond =
        page.beyond(NEWEST, place, Order::Desc, |k| Some(vec![key::date(k.first()?)?, key::text(k.get(1)?)?]))?;
    let list = score::Entity::visible_to(viewer).filter(score::Column::SupplierId.eq(supplier));
    let list = beyond.into_iter().fold(list, QueryFilter::filter);
    let list = list
        .order_by(score::Column::PeriodStart, page.walk(Order::Desc))
        .order_by(score::Column::Period, page.walk(Order::Desc));
    Ok(page.page(list.limit(page.fetch()).all(db).await?))
}

/// The cursor of a score in that list.
pub fn cursor(row: &score::Model) -> Cursor {
    Cursor::new(NEWEST, vec![row.period_start.to_string().into(), row.period.to_value().into()])
}
