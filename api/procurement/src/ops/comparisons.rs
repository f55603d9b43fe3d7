//! Comparisons of the quotations of a round: looked at, kept with what they were computed from, and computed again.
//!
//! - Only whoever asked compares, and who oversees the zone; and only what was opened: before that there is no
//!   comparison.
//! - Rates of duty that nobody says are those of the tariff of the day; what it said is kept with the comparison, which
//!   so comes out the same when the tariff has changed.
//! - However many lines and suppliers there are, a comparison takes the same few statements; when something is missing,
//!   one more asks how people call who it is missing of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entities::{
    catalog::variant,
    party::{Action, Viewer, organisation},
    platform::EventKind,
    procurement::{
        RfqState, RfqStep,
        comparison::{self, Asked, Assumptions, Comparison, Duty, Quoted, SupplierColumn},
        landed::needs,
        quotation,
        rfq::{self, line},
    },
    showroom::sheet::{line as cells, said},
    trade::{TariffRow, tariff_row},
    values::{
        HsCode, Locale, Money,
        id::{OrganisationId, QuotationId, RfqComparisonId, RfqId, RfqLineId, VariantId},
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use trade::tariffs;

use super::{acting, quotations, rfqs};

const NEWEST: &str = "newest-comparison";

/// A comparison with what was asked and what it was computed from.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Of which RFQ.
    pub rfq: RfqId,
    /// Of which round.
    pub round: i32,
    /// What was asked, in the order of the cells.
    pub lines: Vec<line::Model>,
    /// What it was computed from; rates of duty of the tariff are written in.
    pub assumptions: Assumptions,
    /// What came out.
    pub result: Comparison,
}

/// The lines as the rules take them.
fn asked(lines: &[line::Model]) -> Vec<Asked<'_>> {
    let named = lines.iter().zip(1..);
    named
        .map(|(line, number)| Asked { line: line.id, number, called: &line.description, quantity: line.quantity })
        .collect()
}

/// The quotations as the rules take them. `names`: how people call suppliers; who is not in it has no name.
fn quoted<'a>(rows: &'a [quotation::Model], names: &'a BTreeMap<OrganisationId, String>) -> Vec<Quoted<'a>> {
    let one = |row: &'a quotation::Model| {
        let called = names.get(&row.supplier_id).map_or("", String::as_str);
        let content = row.content.as_ref()?;
        Some(Quoted { quotation: row.id, supplier: row.supplier_id, called, content })
    };
    rows.iter().filter_map(one).collect()
}

/// Compares opened quotations; refused with all that is not known.
async fn compared(
    db: &impl ConnectionTrait,
    lines: &[line::Model],
    rows: &[quotation::Model],
    assumptions: &Assumptions,
) -> Result<Comparison, Error> {
    let asked = asked(lines);
    if let Ok(found) = comparison::compare(&asked, &quoted(rows, &BTreeMap::new()), assumptions) {
        return Ok(found);
    }
    // Something is missing: it is said in names that people know, which nobody needs otherwise.
    let suppliers = rows.iter().map(|row| row.supplier_id);
    let named = organisation::Entity::find().filter(organisation::Column::Id.is_in(suppliers)).all(db).await?;
    let names: BTreeMap<OrganisationId, String> = named.iter().map(|row| (row.id, row.slug.to_string())).collect();
    let found = comparison::compare(&asked, &quoted(rows, &names), assumptions);
    found.map_err(|refusals| Error::from(refusals).at("assumptions"))
}

/// A kept comparison as awards look at it: its result, and what one of other quantities costs landed.
pub(super) struct Weighed {
    /// Which.
    pub(super) id: RfqComparisonId,
    /// What came out.
    pub(super) result: Comparison,
    at: HashMap<(RfqLineId, i64, QuotationId), i64>,
}

impl Weighed {
    /// Computes a kept comparison again, and what one of each of the `wanted` quantities costs.
    pub(super) async fn of(
        db: &impl ConnectionTrait,
        lines: &[line::Model],
        rows: &[quotation::Model],
        kept: &comparison::Model,
        wanted: &BTreeSet<(RfqLineId, i64)>,
    ) -> Result<Self, Error> {
        let result = compared(db, lines, rows, &kept.assumptions).await?;
        let none = BTreeMap::new();
        let at = comparison::landed_at(&asked(lines), &quoted(rows, &none), &kept.assumptions, wanted);
        Ok(Self { id: kept.id, result, at })
    }

    /// What one of so many pieces of a line costs landed by a quotation; none when it does not sell so many.
    pub(super) fn landed(&self, line: RfqLineId, quantity: i64, quotation: QuotationId) -> Option<i64> {
        self.at.get(&(line, quantity, quotation)).copied()
    }
}

/// The assumptions with what the tariff says where they say nothing. What it does not know either stays open: whether
/// somebody needs it shows when it is computed with.
async fn with_tariff(
    db: &impl ConnectionTrait,
    lines: &[line::Model],
    rows: &[quotation::Model],
    assumed: &Assumptions,
) -> Result<Assumptions, Error> {
    let mut assumptions = assumed.clone();
    let dutiable = rows.iter().filter_map(|row| row.content.as_ref()).any(|content| needs(content.incoterm).duty);
    let open = if dutiable { assumed.without_duty(&asked(lines)) } else { Vec::new() };
    let of: BTreeMap<RfqLineId, VariantId> =
        lines.iter().filter_map(|line| Some((line.id, line.variant_id?))).collect();
    let wanted: Vec<(RfqLineId, VariantId)> =
        open.into_iter().filter_map(|line| Some((line, *of.get(&line)?))).collect();
    if wanted.is_empty() {
        return Ok(assumptions);
    }
    let codes: Vec<(VariantId, HsCode)> = variant::Entity::find()
        .filter(variant::Column::Id.is_in(wanted.iter().map(|(_, variant)| *variant)))
        .select_only()
        .column(variant::Column::Id)
        .column(variant::Column::HsCode)
        .into_tuple()
        .all(db)
        .await?;
    let codes: BTreeMap<VariantId, HsCode> = codes.into_iter().collect();
    let named: Vec<HsCode> = codes.values().cloned().collect();
    let tariff = tariffs::rows_for(db, &named, assumed.on).await?;
    // Of several that hold the one that began last does, as everywhere.
    let mut rates: BTreeMap<&HsCode, &TariffRow> = BTreeMap::new();
    for row in &tariff {
        let best = rates.entry(&row.hs).or_insert(row);
        if row.from > best.from {
            *best = row;
        }
    }
    for (line, variant) in wanted {
        if let Some(row) = codes.get(&variant).and_then(|code| rates.get(code)) {
            let ppm = tariff_row::ppm(row.duty_rate())?;
            assumptions.duties.push(Duty { line: Some(line), supplier: None, ppm, source: row.source.clone() });
        }
    }
    Ok(assumptions)
}

async fn computed(
    db: &impl ConnectionTrait,
    rfq: &rfq::Model,
    lines: Vec<line::Model>,
    assumed: &Assumptions,
) -> Result<Compared, Error> {
    let rows = quotations::opened(db, rfq.id, rfq.round).await?;
    let suppliers: BTreeSet<OrganisationId> = rows.iter().map(|row| row.supplier_id).collect();
    let checked = assumed.checked(&asked(&lines), &suppliers);
    checked.map_err(|refusals| Error::from(refusals).at("assumptions"))?;
    let assumptions = with_tariff(db, &lines, &rows, assumed).await?;
    let result = compared(db, &lines, &rows, &assumptions).await?;
    Ok(Compared { rfq: rfq.id, round: rfq.round, lines, assumptions, result })
}

/// What a refusal of the RFQ itself says to who reads: there is nothing to see.
fn seen<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Compares the quotations of the round; none: there is no such RFQ for the viewer, or its quotations are not opened.
pub async fn compare(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: RfqId,
    assumed: &Assumptions,
) -> Result<Option<Compared>, Error> {
    match seen(rfqs::closed(db, viewer, id).await)? {
        Some((rfq, lines)) => Ok(Some(computed(db, &rfq, lines, assumed).await?)),
        None => Ok(None),
    }
}

/// Keeps a comparison with all that it is computed from; the first one begins the evaluation.
pub async fn keep(app: &App, call: &Call, id: RfqId, assumed: &Assumptions) -> Result<comparison::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    rfqs::own(&work, buyer, id, "rfqId").await?;
    let (rfq, lines) = rfqs::closed(work.tx(), work.viewer(), id).await.map_err(|error| error.of("rfqId"))?;
    let begun = matches!(rfq.state, RfqState::Evaluating | RfqState::PartlyAwarded);
    let next = if begun {
        rfq.clone()
    } else {
        rfqs::step(&work, &rfq, RfqStep::Evaluate).await.map_err(|error| error.of("rfqId"))?
    };
    let made = computed(work.tx(), &rfq, lines, assumed).await?;
    let row = comparison::Model {
        id: RfqComparisonId::new(work.now),
        rfq_id: rfq.id,
        round: rfq.round,
        assumptions: made.assumptions,
        result_sha256: comparison::hash(&made.result).map_err(Error::internal)?,
        made_by: work.viewer().subject(),
        created_at: work.now,
    };
    comparison::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "rfqId": encode(rfq.id).0, "round": row.round, "resultSha256": row.result_sha256 });
    work.audit(Some(buyer), "keepComparison", encode(row.id).0, Value::Null, shown);
    if !begun {
        work.tell(buyer, EventKind::RfqChanged, encode(rfq.id).0, next.version).await?;
    }
    work.commit(row).await
}

/// Comparisons that were kept of an RFQ, newest first; nothing for who is not its buyer.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    rfq: RfqId,
    page: &PageArgs,
) -> Result<Page<comparison::Model>, Error> {
    let own = rfqs::find(db, viewer, rfq).await?.is_some_and(|row| rfqs::is_buyer(viewer, &row));
    let list = comparison::Entity::find().filter(comparison::Column::RfqId.eq(rfq));
    let list = if own { list } else { list.filter(Expr::val(false)) };
    page.by_id(db, list, comparison::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a comparison in that list.
pub fn cursor(row: &comparison::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A comparison that was kept; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: RfqComparisonId,
) -> Result<Option<comparison::Model>, Error> {
    let Some(row) = comparison::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    let rfq = rfqs::find(db, viewer, row.rfq_id).await?;
    Ok(rfq.is_some_and(|rfq| rfqs::is_buyer(viewer, &rfq)).then_some(row))
}

/// A kept comparison computed again, and whether it came out the same; none while another round of the RFQ is sealed.
pub async fn again(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    row: &comparison::Model,
) -> Result<Option<(Compared, bool)>, Error> {
    let Some((rfq, lines)) = seen(rfqs::closed(db, viewer, row.rfq_id).await)? else { return Ok(None) };
    let rows = quotations::opened(db, row.rfq_id, row.round).await?;
    let result = compared(db, &lines, &rows, &row.assumptions).await?;
    let same = comparison::hash(&result).map_err(Error::internal)? == row.result_sha256;
    let assumptions = row.assumptions.clone();
    Ok(Some((Compared { rfq: rfq.id, round: row.round, lines, assumptions, result }, same)))
}

/// A comparison as a table that people open in a spreadsheet: a row for each line, and for each supplier its price, the
/// quantity that this is the price of, what one costs landed, all of it, and its place. Beneath stands what they come
/// to; then the rates of exchange with their source and day, and the hash of the result. None where there is no
/// comparison to see.
pub async fn sheet(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: RfqId,
    assumed: &Assumptions,
    locale: &Locale,
) -> Result<Option<String>, Error> {
    let Some(found) = compare(db, viewer, id, assumed).await? else { return Ok(None) };
    let suppliers = found.result.columns.iter().map(|column| column.supplier);
    let named = organisation::Entity::find().filter(organisation::Column::Id.is_in(suppliers)).all(db).await?;
    let names: BTreeMap<OrganisationId, String> =
        named.iter().map(|row| (row.id, row.name.read(locale).unwrap_or_default().to_owned())).collect();
    let hash = comparison::hash(&found.result).map_err(Error::internal)?;
    Ok(Some(table(&found, &names, &hash)))
}

/// Columns of a table that are a supplier's.
const OF_SUPPLIER: usize = 5;

fn table(found: &Compared, names: &BTreeMap<OrganisationId, String>, hash: &str) -> String {
    let (columns, target) = (&found.result.columns, found.result.currency);
    let amount = |minor: i64| Money { minor, currency: target }.decimal().to_string();
    let head = |column: &SupplierColumn| {
        let name = names.get(&column.supplier).map_or("", String::as_str);
        let (currency, term) = (column.currency, async_graphql::Value::from(column.incoterm));
        [
            said(&format!("{name} unit_price_{currency} {term}")),
            said(&format!("{name} quantity")),
            said(&format!("{name} landed_{target}")),
            said(&format!("{name} total_{target}")),
            said(&format!("{name} price_rank")),
        ]
    };
    let place = |rank: Option<u32>| rank.map(|rank| rank.to_string()).unwrap_or_default();
    let first = ["line", "description", "quantity", "unit"].map(str::to_owned);
    let mut text = cells(first.into_iter().chain(columns.iter().flat_map(head)));
    for (n, asked) in found.lines.iter().enumerate() {
        let cell = |column: &SupplierColumn| match column.lines.get(n).and_then(Option::as_ref) {
            Some(cell) => [
                cell.unit.decimal().to_string(),
                cell.quantity.to_string(),
                cell.steps.landed.to_string(),
                amount(cell.total_minor),
                place(cell.price_rank),
            ],
            None => [const { String::new() }; OF_SUPPLIER],
        };
        let first = [(n + 1).to_string(), said(&asked.description), asked.quantity.to_string(), said(&asked.unit)];
        text.push_str(&cells(first.into_iter().chain(columns.iter().flat_map(cell))));
    }
    let mut under = |what: &str, value: &dyn Fn(&SupplierColumn) -> String| {
        let first = ["TOTAL", what, "", ""].map(str::to_owned);
        let of =
            |column: &SupplierColumn| [const { String::new() }; 3].into_iter().chain([value(column), String::new()]);
        text.push_str(&cells(first.into_iter().chain(columns.iter().flat_map(of))));
    };
    under("landed", &|column| amount(column.total_minor));
    under("complete", &|column| column.complete.to_string());
    under("price_rank", &|column| place(column.price_rank));
    under("lead_days", &|column| column.lead_days.to_string());
    under("score", &|column| column.points.map(|points| points.score.to_string()).unwrap_or_default());
    under("score_rank", &|column| place(column.score_rank));
    let mut last = |first: [String; 4]| {
        let rest = vec![String::new(); columns.len() * OF_SUPPLIER];
        text.push_str(&cells(first.into_iter().chain(rest)));
    };
    for rate in &found.assumptions.rates {
        let (pair, fx) = (format!("{}/{target}", rate.currency), &rate.fx);
        let source = said(&fx.source);
        last(["RATE".to_owned(), pair, fx.rate.normalize().to_string(), format!("{source} {}", fx.on)]);
    }
    last(["SHA256".to_owned(), hash.to_owned(), String::new(), String::new()]);
    text
}
