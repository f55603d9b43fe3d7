//! Awards: lines of an RFQ go to suppliers, one line to several when it must be, and become orders, one a supplier.
//!
//! - Everything about an RFQ is decided under the lock of its row; of a line no more is awarded than was asked for,
//!   which the UPDATE holds as well.
//! - An award is of a quotation that stands and still holds, in a quantity that its supplier sells and has; all that
//!   one supplier gets comes to its least order.
//! - Whoever does not take the cheapest of a line says why. What is the cheapest follows from a kept comparison, by
//!   what the awarded quantity costs and among quotations that stand; without one it is only known of a line that one
//!   supplier quoted.
//! - To award is to accept the quotation: whether it still holds is looked at then, and not again when the award
//!   becomes an order ([`convert`]). Whether its supplier may be ordered of is looked at both times.
//! - Awards that are named become orders all at once or not at all, and each is part of one order that stands: that of
//!   an order that was cancelled or rejected is free again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use entities::{
    party::{Action, Viewer, machine_client::Scope},
    platform::EventKind,
    procurement::{
        OrderState, QuotationState, QuotationStep, RfqStep,
        award::{self, MAX_REASON, MOST_AWARDS},
        comparison::{self, Rate},
        order,
        quotation::{self, QuotationContent, QuotedLine},
        rfq::{self, line},
        terms::{Fx, Schedule},
        tiers,
    },
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{OrganisationId, PurchaseOrderId, QuotationId, RfqAwardId, RfqComparisonId, RfqId, RfqLineId},
        refusal as text,
    },
};
use inventory::ledger::in_line;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    acting,
    comparisons::Weighed,
    orders::{self, NewOrder, NewOrderLine},
    quotations, rfqs,
    suppliers::{self, Purpose},
};

const FIRST: &str = "first-award";

/// What is to go to whom.
#[derive(Clone, Debug)]
pub struct NewAward {
    /// Which line.
    pub line: RfqLineId,
    /// To whoever gave this quotation.
    pub quotation: QuotationId,
    /// How much.
    pub quantity: i64,
    /// Why; demanded of what is not the cheapest.
    pub reason: Option<String>,
}

/// What was awarded, and the orders that were made of it at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Awarded {
    /// The RFQ as it is now.
    pub rfq: rfq::Model,
    /// What was awarded now.
    pub awards: Vec<award::Model>,
    /// The orders that were made now.
    pub orders: Vec<order::Model>,
}

/// What lies on the table when something is awarded.
struct Table {
    rfq: rfq::Model,
    lines: Vec<line::Model>,
    quotes: Vec<quotation::Model>,
    before: Vec<award::Model>,
    /// Quotations that stand and hold today.
    standing: HashSet<QuotationId>,
    comparison: Option<Weighed>,
}

/// What is left of lines, and who has something of which: changes with each award that is decided.
struct Left {
    of_line: HashMap<RfqLineId, i64>,
    taken: HashSet<(RfqLineId, OrganisationId)>,
}

/// Who awards, and when.
struct By {
    subject: String,
    now: DateTime<Utc>,
}

/// The reasons as they are kept.
fn reasons(new: &[NewAward]) -> Result<Vec<Option<String>>, Refusals> {
    let (mut kept, mut refusals) = (Vec::with_capacity(new.len()), Vec::new());
    for (n, award) in new.iter().enumerate() {
        let said = text::given(award.reason.as_deref());
        match said.map(|said| text::paragraph(said, MAX_REASON)).transpose() {
            Ok(reason) => kept.push(reason),
            Err(refusal) => refusals.push(refusal.at("reason").at(n.to_string()).at("lines")),
        }
    }
    if refusals.is_empty() { Ok(kept) } else { Err(refusals) }
}

impl Table {
    async fn laid(
        work: &Work,
        buyer: OrganisationId,
        id: RfqId,
        kept: Option<RfqComparisonId>,
        new: &[NewAward],
    ) -> Result<Self, Error> {
        rfqs::own(work, buyer, id, "rfqId").await?;
        let (rfq, lines) = rfqs::closed(work.tx(), work.viewer(), id).await.map_err(|error| error.of("rfqId"))?;
        RfqStep::AwardPart.from(rfq.state).map_err(|refusal| refusal.at("rfqId"))?;
        let quotes = quotations::opened(work.tx(), id, rfq.round).await?;
        let before = award::Entity::find().filter(award::Column::RfqId.eq(id)).all(work.tx()).await?;
        let today = business_day(work.now);
        let standing = quotes.iter().filter(|row| standing(row, today).is_ok()).map(|row| row.id).collect();
        let comparison = match kept {
            Some(kept) => {
                // Whatever was kept since they were opened is of these quotations, also when nobody quoted later.
                let since = quotes.iter().map(|row| row.round).max().unwrap_or(rfq.round);
                let row = comparison::Entity::find_by_id(kept)
                    .filter(comparison::Column::RfqId.eq(id))
                    .filter(comparison::Column::Round.gte(since))
                    .one(work.tx())
                    .await?
                    .ok_or_else(|| not_found("comparisonId", encode(kept).as_str()))?;
                let wanted: BTreeSet<(RfqLineId, i64)> = new.iter().map(|new| (new.line, new.quantity)).collect();
                Some(Weighed::of(work.tx(), &lines, &quotes, &row, &wanted).await?)
            }
            None => None,
        };
        Ok(Self { rfq, lines, quotes, before, standing, comparison })
    }

    /// The awards, or all that stands in their way.
    fn decided(&self, by: &By, new: &[NewAward], reasons: Vec<Option<String>>) -> Result<Vec<award::Model>, Refusals> {
        let lines: HashMap<RfqLineId, &line::Model> = self.lines.iter().map(|line| (line.id, line)).collect();
        let quotes: HashMap<QuotationId, &quotation::Model> = self.quotes.iter().map(|row| (row.id, row)).collect();
        let mut left = Left {
            of_line: self.lines.iter().map(|line| (line.id, line.quantity - line.awarded)).collect(),
            taken: self.before.iter().map(|award| (award.line_id, award.supplier_id)).collect(),
        };
        let (mut rows, mut refusals) = (Vec::with_capacity(new.len()), Vec::new());
        for (n, (new, reason)) in new.iter().zip(reasons).enumerate() {
            let named = |id: async_graphql::ID| Refusal::new(ErrorCode::NotFound).with("value", id.0);
            let line = lines.get(&new.line).copied().ok_or_else(|| named(encode(new.line)).at("lineId"));
            let unknown = || named(encode(new.quotation)).at("quotationId");
            let quote = quotes.get(&new.quotation).copied().ok_or_else(unknown);
            let row = line.and_then(|line| Ok((line, quote?)));
            match row.and_then(|(line, quote)| self.one(by, new, reason, (line, quote), &mut left)) {
                Ok(row) => rows.push(row),
                Err(refusal) => refusals.push(refusal.at(n.to_string()).at("lines")),
            }
        }
        if refusals.is_empty() {
            refusals = self.below_least(&rows);
        }
        if refusals.is_empty() { Ok(rows) } else { Err(refusals) }
    }

    fn one(
        &self,
        by: &By,
        new: &NewAward,
        reason: Option<String>,
        (line, quote): (&line::Model, &quotation::Model),
        left: &mut Left,
    ) -> Result<award::Model, Refusal> {
        let content = standing(quote, business_day(by.now)).map_err(|refusal| refusal.at("quotationId"))?;
        let unquoted = || Refusal::new(ErrorCode::NotFound).with("value", encode(line.id).0).at("lineId");
        let quoted = content.lines.iter().find(|quoted| quoted.line == line.id).ok_or_else(unquoted)?;
        if !left.taken.insert((line.id, quote.supplier_id)) {
            return Err(Refusal::new(ErrorCode::Duplicate).with("value", line.description.as_str()).at("lineId"));
        }
        let rest = left.of_line.entry(line.id).or_default();
        sold(new.quantity, *rest, quoted).map_err(|refusal| refusal.at("quantity"))?;
        *rest -= new.quantity;
        if reason.is_none() && !self.cheapest(line.id, new.quantity, quote.id) {
            return Err(Refusal::new(ErrorCode::Required).at("reason"));
        }
        let too_much = || {
            let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", new.quantity.to_string());
            refusal.with("currency", content.currency.code()).at("quantity")
        };
        let price = tiers::effective(&quoted.tiers.0, quoted.mode, new.quantity, content.currency);
        let price =
            price.filter(|price| price.amount(new.quantity, content.currency).is_some()).ok_or_else(too_much)?;
        let compared = self.comparison.as_ref();
        // Of another quantity the landed cost is another one than was compared.
        let cell = compared.and_then(|compared| compared.result.cell(quote.id, line.id));
        let cell = cell.filter(|cell| cell.unit == price);
        Ok(award::Model {
            id: RfqAwardId::new(by.now),
            rfq_id: self.rfq.id,
            line_id: line.id,
            quotation_id: quote.id,
            supplier_id: quote.supplier_id,
            comparison_id: compared.map(|compared| compared.id),
            quantity: new.quantity,
            price,
            currency: content.currency,
            // Ten thousandths in millionths.
            landed_e6: cell.map(|cell| cell.landed_e4.saturating_mul(100)),
            reason,
            order_id: None,
            awarded_by: by.subject.clone(),
            created_at: by.now,
        })
    }

    /// Whether it is known that nobody whose quotation stands offers so many of a line for less. Who does not sell so
    /// many counts with what was compared.
    fn cheapest(&self, line: RfqLineId, quantity: i64, quotation: QuotationId) -> bool {
        let standing: Vec<&quotation::Model> =
            self.quotes.iter().filter(|row| self.standing.contains(&row.id)).collect();
        let Some(compared) = &self.comparison else {
            let offers = standing.iter().filter_map(|row| row.content.as_ref());
            return offers.filter(|content| content.lines.iter().any(|quoted| quoted.line == line)).count() == 1;
        };
        let Some(own) = compared.landed(line, quantity, quotation) else { return false };
        let fitting = |row: &quotation::Model| {
            let cell = compared.result.cell(row.id, line).filter(|cell| cell.fits)?;
            Some(cell.landed_e4)
        };
        let others = standing.iter().filter_map(|row| compared.landed(line, quantity, row.id).or_else(|| fitting(row)));
        others.min().is_none_or(|least| own <= least)
    }

    /// What suppliers get that comes to less than their least order, with what they got before and is not ordered yet.
    fn below_least(&self, rows: &[award::Model]) -> Refusals {
        let mut sums: BTreeMap<QuotationId, (usize, i64)> = BTreeMap::new();
        for (n, row) in rows.iter().enumerate() {
            let sum = sums.entry(row.quotation_id).or_insert((n, 0));
            sum.1 = sum.1.saturating_add(value(row));
        }
        for row in self.before.iter().filter(|row| row.order_id.is_none()) {
            if let Some(sum) = sums.get_mut(&row.quotation_id) {
                sum.1 = sum.1.saturating_add(value(row));
            }
        }
        let mut refusals = Vec::new();
        for quote in &self.quotes {
            let Some(content) = &quote.content else { continue };
            let Some((n, sum)) = sums.get(&quote.id) else { continue };
            if let Some(refusal) = too_little(content, *sum) {
                refusals.push(refusal.at("quotationId").at(n.to_string()).at("lines"));
            }
        }
        refusals
    }
}

/// What an award comes to.
fn value(award: &award::Model) -> i64 {
    award.price.amount(award.quantity, award.currency).unwrap_or_default()
}

/// Why an order that comes to so much is none: it is below the least order of the supplier.
fn too_little(content: &QuotationContent, value: i64) -> Option<Refusal> {
    let minor = content.min_value_minor.filter(|least| value < *least)?;
    let least = Money { minor, currency: content.currency }.to_string();
    Some(Refusal::new(ErrorCode::BelowMinimumOrder).with("min", least))
}

/// What a quotation says, when it stands and still holds.
fn standing(row: &quotation::Model, today: NaiveDate) -> Result<&QuotationContent, Refusal> {
    let expired = || Refusal::new(ErrorCode::QuoteExpired);
    match row.state {
        QuotationState::Submitted | QuotationState::Awarded => {}
        QuotationState::Expired => return Err(expired()),
        other => return Err(QuotationStep::Win.from(other).err().unwrap_or_else(expired)),
    }
    row.content.as_ref().filter(|content| today <= content.valid_until).ok_or_else(expired)
}

/// Whether so much of a line may go to a supplier: no more than is left and than there is, as it is sold.
fn sold(quantity: i64, left: i64, quoted: &QuotedLine) -> Result<(), Refusal> {
    if !(1..=left).contains(&quantity) {
        return Err(Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", left.to_string()));
    }
    tiers::fit(quantity, quoted.moq, quoted.multiple).map_err(|(refusal, _)| refusal)?;
    match quoted.available {
        Some(there) if there < quantity => {
            Err(Refusal::new(ErrorCode::OutOfStock).with("available", there.to_string()))
        }
        _ => Ok(()),
    }
}

/// Awards lines to suppliers; `make_orders`: and makes orders of all that has none yet.
pub async fn award(
    app: &App,
    call: &Call,
    id: RfqId,
    comparison: Option<RfqComparisonId>,
    new: &[NewAward],
    make_orders: bool,
) -> Result<Awarded, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    text::few(new.len(), MOST_AWARDS)?;
    let reasons = reasons(new)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let table = Table::laid(&work, buyer, id, comparison, new).await?;
    let by = By { subject: work.viewer().subject(), now: work.now };
    let mut awards = table.decided(&by, new, reasons)?;
    admitted(&work, buyer, &awards).await?;
    written(&work, &awards).await?;
    let whole: i64 = table.lines.iter().map(|line| line.quantity - line.awarded).sum();
    let all = awards.iter().map(|award| award.quantity).sum::<i64>() == whole;
    let step = if all { RfqStep::Award } else { RfqStep::AwardPart };
    let next = rfqs::step(&work, &table.rfq, step).await.map_err(|error| error.of("rfqId"))?;
    told(&mut work, &table, &awards, all).await?;
    rfqs::tell_all(&mut work, &next).await?;
    let one = |award: &award::Model| {
        json!({ "lineId": encode(award.line_id).0, "quotationId": encode(award.quotation_id).0,
            "supplierId": encode(award.supplier_id).0, "quantity": award.quantity, "reason": award.reason })
    };
    let shown = json!({ "state": next.state, "comparisonId": comparison.map(|id| encode(id).0),
        "awards": awards.iter().map(one).collect::<Vec<_>>() });
    work.audit(Some(buyer), "awardRfq", encode(id).0, json!({ "state": table.rfq.state }), shown);
    let orders = if make_orders {
        ordered(&mut work, &next, None, &[]).await.map_err(|error| error.of("makeOrders"))?
    } else {
        Vec::new()
    };
    let of: HashMap<OrganisationId, &order::Model> = orders.iter().map(|order| (order.supplier_id, order)).collect();
    for award in &mut awards {
        award.order_id = of.get(&award.supplier_id).map(|order| order.id);
    }
    work.commit(Awarded { rfq: next, awards, orders }).await
}

/// Everybody who gets something may be ordered of.
async fn admitted(work: &Work, buyer: OrganisationId, awards: &[award::Model]) -> Result<(), Error> {
    let (today, mut asked) = (business_day(work.now), HashSet::new());
    for (n, award) in awards.iter().enumerate() {
        if asked.insert(award.supplier_id) {
            let admitted = suppliers::admitted(work.tx(), buyer, award.supplier_id, Purpose::Order, today).await;
            admitted.map_err(|error| in_line(error.of("quotationId"), n))?;
        }
    }
    Ok(())
}

async fn written(work: &Work, awards: &[award::Model]) -> Result<(), Error> {
    let mut sums: BTreeMap<Uuid, i64> = BTreeMap::new();
    for award in awards {
        *sums.entry(award.line_id.0).or_default() += award.quantity;
    }
    let sums: Vec<(Uuid, i64)> = sums.into_iter().collect();
    let set = "awarded = rfq_line.awarded + v.column2";
    let guard = "rfq_line.awarded + v.column2 <= rfq_line.quantity";
    if guarded::change_each(work.tx(), "rfq_line", set, guard, &sums).await? != sums.len() as u64 {
        return Err(stale().of("lines"));
    }
    let rows = awards.iter().cloned().map(IntoActiveModel::into_active_model);
    award::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Whoever gets something has won; when nothing is left, the others have lost. Each of them is told.
async fn told(work: &mut Work, table: &Table, awards: &[award::Model], all: bool) -> Result<(), Error> {
    let winners: HashSet<QuotationId> = awards.iter().map(|award| award.quotation_id).collect();
    for row in table.quotes.iter().filter(|row| row.state == QuotationState::Submitted) {
        let won = winners.contains(&row.id);
        if won {
            quotations::stepped(work, row, QuotationStep::Win, "lines").await?;
        }
        if won || all {
            work.tell(row.supplier_id, EventKind::QuotationChanged, encode(row.id).0, row.version).await?;
        }
    }
    if all { quotations::lose_rest(work, table.rfq.id).await } else { Ok(()) }
}

/// Makes orders of the awards that are named, or of all that have none, one a supplier: all of them or none. `rates`:
/// of currencies that no comparison in renminbi knows. A refusal because of one supplier says which, so that the others
/// can be ordered by naming theirs.
pub async fn convert(
    app: &App,
    call: &Call,
    id: RfqId,
    named: Option<&[RfqAwardId]>,
    rates: &[Rate],
) -> Result<Vec<order::Model>, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    match named.map(<[RfqAwardId]>::len) {
        Some(0) => return Err(Refusal::new(ErrorCode::Required).at("awardIds").into()),
        Some(n) if n > MOST_AWARDS => {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_AWARDS.to_string()).at("awardIds").into());
        }
        _ => {}
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let rfq = rfqs::own(&work, buyer, id, "rfqId").await?;
    let orders = ordered(&mut work, &rfq, named, rates).await?;
    if orders.is_empty() {
        let nothing = Refusal::new(ErrorCode::Incomplete).with("missing", "awards without an order");
        return Err(nothing.at("rfqId").into());
    }
    let numbers: Vec<&str> = orders.iter().map(|order| order.number.as_str()).collect();
    let shown = json!({ "orders": numbers });
    work.audit(Some(buyer), "convertAwardsToOrders", encode(id).0, json!({ "state": rfq.state }), shown);
    work.commit(orders).await
}

/// Awards that an order is to be made of.
struct Waiting {
    awards: Vec<award::Model>,
    /// Orders that some of them were part of and that nothing comes of any more.
    over: Vec<PurchaseOrderId>,
}

impl Waiting {
    /// Those that are named, or all that are part of no order that stands.
    async fn of(work: &Work, rfq: RfqId, named: Option<&[RfqAwardId]>) -> Result<Self, Error> {
        let all = award::Entity::find().filter(award::Column::RfqId.eq(rfq)).order_by_asc(award::Column::Id);
        let all = all.all(work.tx()).await?;
        let before: BTreeSet<PurchaseOrderId> = all.iter().filter_map(|award| award.order_id).collect();
        let over: Vec<PurchaseOrderId> = if before.is_empty() {
            Vec::new()
        } else {
            let gone = order::Entity::find()
                .filter(order::Column::RfqId.eq(rfq))
                .filter(order::Column::State.is_in([OrderState::Cancelled, OrderState::Rejected]))
                .select_only()
                .column(order::Column::Id);
            gone.into_tuple().all(work.tx()).await?
        };
        let free = |award: &award::Model| award.order_id.is_none_or(|order| over.contains(&order));
        let Some(named) = named else {
            return Ok(Self { awards: all.into_iter().filter(free).collect(), over });
        };
        let known: HashMap<RfqAwardId, bool> = all.iter().map(|award| (award.id, free(award))).collect();
        let (mut refusals, mut seen) = (Vec::new(), HashSet::new());
        for (n, id) in named.iter().enumerate() {
            let told = |code: ErrorCode| Refusal::new(code).with("value", encode(*id).0);
            let wrong = match known.get(id) {
                None => Some(told(ErrorCode::NotFound)),
                Some(_) if !seen.insert(*id) => Some(told(ErrorCode::Duplicate)),
                Some(false) => Some(told(ErrorCode::AlreadyTaken)),
                Some(true) => None,
            };
            refusals.extend(wrong.map(|refusal| refusal.at(n.to_string()).at("awardIds")));
        }
        if !refusals.is_empty() {
            return Err(refusals.into());
        }
        Ok(Self { awards: all.into_iter().filter(|award| seen.contains(&award.id)).collect(), over })
    }
}

/// A refusal with whose goods were to be ordered.
fn whose(error: Error, supplier: OrganisationId) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let supplier = encode(supplier).0;
    Error::Refused(refusals.into_iter().map(|refusal| refusal.with("supplierId", supplier.as_str())).collect())
}

/// Orders of awards, in the caller's transaction and under the lock of the RFQ: of those that are named, or of all that
/// have none.
async fn ordered(
    work: &mut Work,
    rfq: &rfq::Model,
    named: Option<&[RfqAwardId]>,
    rates: &[Rate],
) -> Result<Vec<order::Model>, Error> {
    let waiting = Waiting::of(work, rfq.id, named).await?;
    if waiting.awards.is_empty() {
        return Ok(Vec::new());
    }
    let lines = rfqs::all_lines(work.tx(), rfq.id).await?;
    // The awards say of which quotations; in which round those came is no matter any more.
    let of: BTreeSet<QuotationId> = waiting.awards.iter().map(|award| award.quotation_id).collect();
    let quotes = quotation::Entity::find()
        .filter(quotation::Column::Id.is_in(of))
        .order_by_asc(quotation::Column::Id)
        .all(work.tx())
        .await?;
    let rates = known_rates(work, rates, &waiting.awards).await?;
    let mut made = Vec::new();
    for quote in &quotes {
        let content = quote.content.as_ref().ok_or_else(|| Error::internal("an award of what was not opened"))?;
        let own = waiting.awards.iter().filter(|award| award.quotation_id == quote.id);
        let awards: HashMap<RfqLineId, &award::Model> = own.map(|award| (award.line_id, award)).collect();
        let order = one_order(work, rfq, &lines, (quote, content), &awards, &rates).await;
        let order = order.map_err(|error| whose(error, quote.supplier_id))?;
        let free = Condition::any()
            .add(award::Column::OrderId.is_null())
            .add(award::Column::OrderId.is_in(waiting.over.iter().copied()));
        let claimed = award::Entity::update_many()
            .col_expr(award::Column::OrderId, Expr::value(order.id))
            .filter(award::Column::Id.is_in(awards.values().map(|award| award.id)))
            .filter(free)
            .exec(work.tx())
            .await?;
        if claimed.rows_affected != awards.len() as u64 {
            return Err(stale().of("rfqId"));
        }
        made.push(order);
    }
    Ok(made)
}

/// The order of what one supplier gets.
async fn one_order(
    work: &mut Work,
    rfq: &rfq::Model,
    lines: &[line::Model],
    (quote, content): (&quotation::Model, &QuotationContent),
    awards: &HashMap<RfqLineId, &award::Model>,
    rates: &HashMap<Currency, Fx>,
) -> Result<order::Model, Error> {
    let sum = awards.values().fold(0_i64, |sum, award| sum.saturating_add(value(award)));
    if let Some(refusal) = too_little(content, sum) {
        return Err(refusal.at("awardIds").into());
    }
    let fx = rates.get(&content.currency).cloned();
    if fx.is_none() && content.currency != Currency::CNY {
        let missing = format!("{}/{}", content.currency, Currency::CNY);
        return Err(Refusal::new(ErrorCode::Incomplete).with("missing", missing).at("rates").into());
    }
    let new = new_order(rfq, lines, quote.supplier_id, content, awards, fx, business_day(work.now));
    orders::draft(work, &new).await.map_err(|error| error.of("rfqId"))
}

/// Rates of exchange to renminbi: those that were sent, else those of the comparisons that awards rest on.
async fn known_rates(work: &Work, sent: &[Rate], awards: &[award::Model]) -> Result<HashMap<Currency, Fx>, Error> {
    let mut known = HashMap::new();
    if awards.iter().any(|award| award.currency != Currency::CNY) {
        let rests: HashSet<RfqComparisonId> = awards.iter().filter_map(|award| award.comparison_id).collect();
        let rows = comparison::Entity::find()
            .filter(comparison::Column::Id.is_in(rests))
            .order_by_asc(comparison::Column::Id)
            .all(work.tx())
            .await?;
        for row in rows.into_iter().filter(|row| row.assumptions.currency == Currency::CNY) {
            known.extend(row.assumptions.rates.into_iter().map(|rate| (rate.currency, rate.fx)));
        }
        known.extend(sent.iter().map(|rate| (rate.currency, rate.fx.clone())));
    }
    Ok(known)
}

/// What is ordered of one supplier, as it quoted it. What nobody said a day for is needed when it was promised.
fn new_order(
    rfq: &rfq::Model,
    lines: &[line::Model],
    supplier: OrganisationId,
    content: &QuotationContent,
    awards: &HashMap<RfqLineId, &award::Model>,
    fx: Option<Fx>,
    today: NaiveDate,
) -> NewOrder {
    let quoted: HashMap<RfqLineId, &QuotedLine> = content.lines.iter().map(|quoted| (quoted.line, quoted)).collect();
    let line = |line: &line::Model| {
        let (award, quoted) = (awards.get(&line.id)?, quoted.get(&line.id));
        let lead_days = quoted.and_then(|quoted| quoted.lead_days).unwrap_or(content.lead_days);
        let promised = today + Days::new(u64::try_from(lead_days).unwrap_or_default());
        Some(NewOrderLine {
            variant: line.variant_id,
            category: line.category_id,
            description: line.description.clone(),
            unit: line.unit.clone(),
            quantity: award.quantity,
            price: award.price,
            tax_ppm: quoted.map(|quoted| quoted.tax_ppm).unwrap_or_default(),
            needed_on: line.needed_on.or(rfq.needed_on).or(Some(promised)),
            schedule: Schedule::default(),
            agreement_line: None,
            award: Some(award.id),
        })
    };
    NewOrder {
        buyer: rfq.buyer_id,
        supplier,
        currency: content.currency,
        fx,
        incoterm: content.incoterm,
        named_place: content.named_place.clone(),
        payment_days: content.payment_days,
        deliver_to: rfq.deliver_to_id,
        rfq: Some(rfq.id),
        agreement: None,
        note: content.note.clone(),
        lines: lines.iter().filter_map(line).collect(),
    }
}

/// Awards of an RFQ, first first: whoever asked sees all of them, a supplier its own. And whether the viewer is who
/// asked.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    rfq: RfqId,
    page: &PageArgs,
) -> Result<(Page<award::Model>, bool), Error> {
    let list = award::Entity::find().filter(award::Column::RfqId.eq(rfq));
    let seen = rfqs::find(db, viewer, rfq).await?;
    let inside = seen.as_ref().is_some_and(|row| rfqs::is_buyer(viewer, row));
    let list = match viewer.reads_for(Scope::Procurement) {
        _ if inside => list,
        Some(own) if seen.is_some() => list.filter(award::Column::SupplierId.eq(own)),
        _ => list.filter(Expr::val(false)),
    };
    Ok((page.by_id(db, list, award::Column::Id, FIRST, Order::Asc).await?, inside))
}

/// The cursor of an award in that list.
pub fn cursor(row: &award::Model) -> Cursor {
    Cursor::of_id(FIRST, row.id)
}
