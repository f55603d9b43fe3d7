//! Purchase orders: written, changed, locked and read. Their steps are in [`super::order_steps`].
//!
//! Whoever changes an order, or a quantity of its lines, locks it here first ([`locked`]): what is read under the lock
//! is so until the commit. Lines keep their ids through every change, because receipts and invoices name them; of what
//! was sent no line is taken out, it is closed short.
//!
//! A change of what was sent that is dearer keeps what was agreed until it is approved and sent ([`order::Agreed`]):
//! the supplier sees that meanwhile, and [`restored`] puts it back.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    catalog::category,
    ordering::Incoterm,
    party::{Action, Resource, Viewer},
    platform::EventKind,
    procurement::{
        OrderState, OrderStep, Side, award, invoice,
        order::{self, Agreed, MOST_DAYS, MOST_LINES, Totals, line, totals},
        status,
        terms::{Fx, MOST, People, Schedule, Tolerance, WHOLE_PPM},
        unit_price::UnitPrice,
    },
    values::{
        Currency, ErrorCode, Refusal, Refusals,
        id::{
            CategoryId, OrganisationId, PurchaseOrderId, PurchaseOrderLineId, RfqAwardId, RfqId, StockLocationId,
            SupplyAgreementId, SupplyAgreementLineId, VariantId,
        },
        refusal::{self as text, Check},
    },
};
use inventory::{
    ledger::in_line,
    ops::{own_location, unseen},
};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    guarded,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    CHUNK, acting, agreements, approvals, categories, fresh, limits,
    suppliers::{self, Purpose},
    tolerances,
};

const NEWEST: &str = "newest-purchase-order";
const BY_LINE: &str = "purchase-order-line";

/// An order as it is written.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the order")]
pub struct NewOrder {
    pub buyer: OrganisationId,
    pub supplier: OrganisationId,
    pub currency: Currency,
    pub fx: Option<Fx>,
    pub incoterm: Incoterm,
    pub named_place: String,
    pub payment_days: i32,
    pub deliver_to: Option<StockLocationId>,
    pub rfq: Option<RfqId>,
    pub agreement: Option<SupplyAgreementId>,
    pub note: Option<String>,
    pub lines: Vec<NewOrderLine>,
}

/// A line of it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the line")]
pub struct NewOrderLine {
    pub variant: Option<VariantId>,
    pub category: Option<CategoryId>,
    pub description: String,
    pub unit: String,
    pub quantity: i64,
    pub price: UnitPrice,
    pub tax_ppm: i32,
    pub needed_on: Option<NaiveDate>,
    pub schedule: Schedule,
    pub agreement_line: Option<SupplyAgreementLineId>,
    pub award: Option<RfqAwardId>,
}

/// An order as it is to be from now on. Who buys and delivers, its currency and where it comes from stay; the currency
/// is that of the prices, and looked at.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the order")]
pub struct Edit {
    pub currency: Currency,
    pub fx: Option<Fx>,
    pub incoterm: Incoterm,
    pub named_place: String,
    pub payment_days: i32,
    pub deliver_to: Option<StockLocationId>,
    pub note: Option<String>,
    pub lines: Vec<EditedLine>,
}

/// A line of it: one that there is, or another.
#[derive(Clone, Debug)]
pub struct EditedLine {
    /// Which it was; none: it is new.
    pub id: Option<PurchaseOrderLineId>,
    /// What it is to be.
    pub line: NewOrderLine,
}

/// Which orders.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub state: Option<OrderState>,
    pub supplier: Option<OrganisationId>,
    pub open: Option<bool>,
}

/// States in which an order still asks for something of somebody.
const OPEN: [OrderState; 7] = [
    OrderState::Draft,
    OrderState::PendingApproval,
    OrderState::Approved,
    OrderState::Sent,
    OrderState::Acknowledged,
    OrderState::ChangeProposed,
    OrderState::InProgress,
];

/// What an order and its lines come to.
struct Composed {
    named_place: String,
    note: Option<String>,
    fx: Option<Fx>,
    totals: Totals,
    base_minor: i64,
    lines: Vec<line::Model>,
}

/// The head of an order, checked: the place and the note as they are kept.
fn head(new: &NewOrder, today: NaiveDate) -> Result<(String, Option<String>), Refusals> {
    let mut check = Check::default();
    let place = check.take("namedPlace", text::line(&new.named_place, 120));
    let said = text::given(new.note.as_deref());
    let note = said.and_then(|note| check.take("note", text::paragraph(note, 1_000)));
    let days = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", MOST_DAYS.to_string());
    check.demand((0..=MOST_DAYS).contains(&new.payment_days), "paymentDays", days);
    let oneself = || Refusal::new(ErrorCode::InvalidValue).with("value", encode(new.supplier).0);
    check.demand(new.buyer != new.supplier, "supplierId", oneself);
    match &new.fx {
        Some(fx) => {
            check.0.extend(fx.checked().err().unwrap_or_default().into_iter().map(|one| one.at("fx")));
            // What a rate will be nobody knows.
            let later = || Refusal::new(ErrorCode::InvalidValue).with("value", fx.on.to_string()).at("on");
            check.demand(fx.on <= today, "fx", later);
        }
        // Policies and limits count renminbi.
        None => check.demand(new.currency == Currency::CNY, "fx", || Refusal::new(ErrorCode::Required)),
    }
    check.done((place.unwrap_or_default(), note))
}

/// The words of a line, checked, and its numbers.
fn said(line: &NewOrderLine) -> Result<(String, String), Error> {
    let mut check = Check::default();
    let description = check.take("description", text::line(&line.description, 300));
    let unit = check.take("unit", text::line(&line.unit, 20));
    let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
    check.demand((1..=MOST).contains(&line.quantity), "quantity", range);
    let share = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", WHOLE_PPM.to_string());
    check.demand((0..=WHOLE_PPM).contains(&line.tax_ppm), "taxPpm", share);
    check.take("schedule", line.schedule.checked(line.quantity));
    Ok(check.done((description.unwrap_or_default(), unit.unwrap_or_default()))?)
}

/// The paths of categories.
pub(super) async fn category_paths(
    tx: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = CategoryId>,
) -> Result<HashMap<CategoryId, String>, Error> {
    let ids: Vec<CategoryId> = ids.into_iter().collect::<HashSet<_>>().into_iter().collect();
    let mut paths = HashMap::new();
    for part in ids.chunks(CHUNK) {
        let rows = category::Entity::find()
            .filter(category::Column::Id.is_in(part.iter().copied()))
            .select_only()
            .column(category::Column::Id)
            .column(category::Column::Path);
        let rows: Vec<(CategoryId, String)> = rows.into_tuple().all(tx).await?;
        paths.extend(rows);
    }
    Ok(paths)
}

/// The path of the category of each line.
pub(super) async fn line_paths(tx: &impl ConnectionTrait, lines: &[line::Model]) -> Result<Vec<Option<String>>, Error> {
    let paths = category_paths(tx, lines.iter().filter_map(|line| line.category_id)).await?;
    Ok(lines.iter().map(|line| line.category_id.and_then(|id| paths.get(&id).cloned())).collect())
}

/// The category of each line, that of what it is of when it is of something, and its path.
async fn categories_of(
    tx: &impl ConnectionTrait,
    lines: &[NewOrderLine],
) -> Result<Vec<Option<(CategoryId, String)>>, Error> {
    let variants: HashSet<VariantId> = lines.iter().filter_map(|line| line.variant).collect();
    let of = categories(tx, &variants.into_iter().collect::<Vec<_>>()).await?;
    let named = lines.iter().filter(|line| line.variant.is_none()).filter_map(|line| line.category);
    let paths = category_paths(tx, named).await?;
    let mut found = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        found.push(match (line.variant, line.category) {
            (Some(variant), _) => of.get(&variant).cloned(),
            (None, Some(category)) => {
                let unknown = || in_line(not_found("categoryId", encode(category).as_str()), n);
                Some((category, paths.get(&category).cloned().ok_or_else(unknown)?))
            }
            (None, None) => None,
        });
    }
    Ok(found)
}

/// Everything that is bought anew must be something that the buyer may see.
async fn seen(work: &Work, lines: &[NewOrderLine], kept: &[Option<&line::Model>]) -> Result<(), Error> {
    let asked = lines.iter().zip(kept).enumerate().filter_map(|(n, (line, kept))| {
        let variant = line.variant?;
        kept.is_none_or(|kept| kept.variant_id != Some(variant)).then_some((n, variant))
    });
    let (places, variants): (Vec<usize>, Vec<VariantId>) = asked.unzip();
    if variants.is_empty() {
        return Ok(());
    }
    let Some(wrong) = unseen(work, &variants).await? else { return Ok(()) };
    Err(in_line(not_found("variantId", encode(variants[wrong]).as_str()), places[wrong]))
}

/// What happened to a line binds it: it stays what it is, is not less than is here, and costs what is billed.
fn bound(line: &NewOrderLine, kept: &line::Model) -> Result<(), Refusal> {
    if kept.touched() && kept.variant_id != line.variant {
        return Err(Refusal::new(ErrorCode::InUse).with("count", kept.received.to_string()).at("variantId"));
    }
    if kept.billed > 0 && (kept.price, kept.tax_ppm) != (line.price, line.tax_ppm) {
        return Err(Refusal::new(ErrorCode::InUse).with("count", kept.billed.to_string()).at("price"));
    }
    // With the tolerance that the line has: as many as are here, and as many as are good beside those that were given
    // up.
    let (whole, share) = (i64::from(WHOLE_PPM), i64::from(WHOLE_PPM) + i64::from(kept.over_receipt_ppm));
    let ordered = |came: i64| (came * whole + share - 1) / share;
    let least = ordered(kept.here()).max(kept.short_closed + ordered(kept.received - kept.rejected)).max(1);
    if line.quantity < least {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", MOST.to_string());
        return Err(range.at("quantity"));
    }
    Ok(())
}

/// An order as it will be: checked, with what its lines come to. `kept`: for each line the one that it was.
async fn composed(
    work: &Work,
    new: &NewOrder,
    id: PurchaseOrderId,
    kept: &[Option<&line::Model>],
) -> Result<Composed, Error> {
    text::few(new.lines.len(), MOST_LINES)?;
    let (named_place, note) = head(new, business_day(work.now))?;
    if let Some(place) = new.deliver_to {
        own_location(work.tx(), new.buyer, place, "deliverToId").await?;
    }
    let mut words = Vec::with_capacity(new.lines.len());
    for (n, line) in new.lines.iter().enumerate() {
        words.push(said(line).map_err(|error| in_line(error, n))?);
        if let Some(kept) = kept[n] {
            bound(line, kept).map_err(|refusal| in_line(refusal.into(), n))?;
        }
    }
    seen(work, &new.lines, kept).await?;
    let categories = categories_of(work.tx(), &new.lines).await?;
    agreements::held_to(work, new, &categories, kept).await?;
    let about: Vec<(Option<VariantId>, Option<CategoryId>)> = new
        .lines
        .iter()
        .zip(&categories)
        .map(|(line, category)| (line.variant, category.as_ref().map(|(id, _)| *id)))
        .collect();
    let tolerances = tolerances::for_lines(work.tx(), new.buyer, new.supplier, &about).await?;
    let mut lines = Vec::with_capacity(new.lines.len());
    for (((n, line), (description, unit)), ((_, category), tolerance)) in
        new.lines.iter().enumerate().zip(words).zip(about.into_iter().zip(tolerances))
    {
        let position = i32::try_from(n).unwrap_or(i32::MAX);
        let words = Words { position, description, unit, category, tolerance };
        let row = row(work.now, new.currency, id, line, words, kept[n]);
        lines.push(row.map_err(|refusal| in_line(refusal.into(), n))?);
    }
    let too_much = || {
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", "∞").with("currency", new.currency.code());
        refusal.at("lines")
    };
    let amounts: Vec<(i64, i32)> = lines.iter().map(|line| (line.amount_minor, line.tax_ppm)).collect();
    let totals = totals(&amounts, new.currency).ok_or_else(too_much)?;
    let fx = new.fx.clone().filter(|_| new.currency != Currency::CNY);
    let base = fx.as_ref().map_or(Some(totals.total), |fx| fx.base(totals.total, new.currency));
    Ok(Composed { named_place, note, fx, totals, base_minor: base.ok_or_else(too_much)?, lines })
}

/// What of a line is not sent with it as it is kept.
struct Words {
    position: i32,
    description: String,
    unit: String,
    category: Option<CategoryId>,
    tolerance: Tolerance,
}

/// A line as it will be. One that there was keeps its id, what happened to it and, when it is still of the same, its
/// tolerance.
fn row(
    now: DateTime<Utc>,
    currency: Currency,
    order: PurchaseOrderId,
    new: &NewOrderLine,
    words: Words,
    kept: Option<&line::Model>,
) -> Result<line::Model, Refusal> {
    let refused = || {
        let price = new.price.decimal().to_string();
        Refusal::new(ErrorCode::InvalidAmount).with("value", price).with("currency", currency.code()).at("price")
    };
    let amount_minor = new.price.amount(new.quantity, currency).ok_or_else(refused)?;
    let frozen = kept.filter(|kept| kept.touched() || kept.variant_id == new.variant).map(|kept| kept.tolerance);
    let tolerance = frozen.unwrap_or(words.tolerance);
    let of = |n: fn(&line::Model) -> i64| kept.map_or(0, n);
    Ok(line::Model {
        id: kept.map_or_else(|| PurchaseOrderLineId::new(now), |kept| kept.id),
        order_id: order,
        position: words.position,
        variant_id: new.variant,
        category_id: words.category,
        description: words.description,
        unit: words.unit,
        quantity: new.quantity,
        price: new.price,
        amount_minor,
        tax_ppm: new.tax_ppm,
        needed_on: new.needed_on,
        schedule: new.schedule.clone(),
        agreement_line_id: new.agreement_line,
        award_id: new.award.or_else(|| kept.and_then(|kept| kept.award_id)),
        tolerance,
        over_receipt_ppm: tolerance.over_receipt_ppm,
        over_bill_ppm: tolerance.quantity_ppm,
        received: of(|kept| kept.received),
        accepted: of(|kept| kept.accepted),
        rejected: of(|kept| kept.rejected),
        returned: of(|kept| kept.returned),
        billed: of(|kept| kept.billed),
        overridden: of(|kept| kept.overridden),
        short_closed: of(|kept| kept.short_closed),
    })
}

/// Writes an order that nobody has approved yet. Whoever calls has looked at whether the buyer may.
pub(crate) async fn draft(work: &mut Work, new: &NewOrder) -> Result<order::Model, Error> {
    let today = business_day(work.now);
    let warned = suppliers::admitted(work.tx(), new.buyer, new.supplier, Purpose::Order, today).await;
    let warned = warned.map_err(|error| error.of("supplierId"))?;
    let id = PurchaseOrderId::new(work.now);
    let nothing = vec![None; new.lines.len()];
    let made = composed(work, new, id, &nothing).await?;
    let row = order::Model {
        id,
        number: number("PO", work.now)?,
        buyer_id: new.buyer,
        supplier_id: new.supplier,
        state: OrderState::Draft,
        revision: 1,
        rfq_id: new.rfq,
        agreement_id: new.agreement,
        currency: new.currency,
        fx: made.fx,
        incoterm: new.incoterm,
        named_place: made.named_place,
        payment_days: new.payment_days,
        deliver_to_id: new.deliver_to,
        net_minor: made.totals.net,
        tax_minor: made.totals.tax,
        total_minor: made.totals.total,
        base_minor: made.base_minor,
        counted_minor: 0,
        proposal: None,
        note: made.note,
        requested_by: None,
        edited_by: work.viewer().person(),
        editors: People::default().with(work.viewer().person()),
        created_by: work.viewer().subject(),
        warned,
        submitted_at: None,
        sent_at: None,
        acknowledged_at: None,
        closed_at: None,
        close_reason: None,
        agreed: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    order::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    added(work.tx(), &made.lines).await?;
    noted(work, "createPurchaseOrder", &row, Value::Null, shown(&row));
    told(work, &row).await?;
    Ok(row)
}

/// Writes lines that there were not.
async fn added(tx: &impl ConnectionTrait, lines: &[line::Model]) -> Result<(), Error> {
    if !lines.is_empty() {
        let rows = lines.iter().cloned().map(IntoActiveModel::into_active_model);
        line::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// What the audit keeps of an order.
pub(super) fn shown(row: &order::Model) -> Value {
    json!({
        "number": row.number, "state": row.state, "revision": row.revision, "supplier": encode(row.supplier_id).0,
        "currency": row.currency, "total": row.total_minor,
    })
}

/// Notes in the audit of whoever did it what happened to an order.
pub(super) fn noted(work: &mut Work, action: &'static str, row: &order::Model, before: Value, after: Value) {
    let chain = work.viewer().organisation().unwrap_or(row.buyer_id);
    work.audit(Some(chain), action, encode(row.id).0, before, after);
}

/// Tells the buyer what happened to an order, and its supplier when it has seen it.
pub(super) async fn told(work: &mut Work, row: &order::Model) -> Result<(), Error> {
    let node = encode(row.id).0;
    work.tell(row.buyer_id, EventKind::PurchaseOrderChanged, node.as_str(), row.version).await?;
    if row.sent_at.is_some() {
        work.tell(row.supplier_id, EventKind::PurchaseOrderChanged, node.as_str(), row.version).await?;
    }
    Ok(())
}

/// Writes an order of the organisation acted for.
pub async fn create(app: &App, call: &Call, new: &NewOrder) -> Result<order::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let new = NewOrder { buyer, ..new.clone() };
    let row = draft(&mut work, &new).await?;
    work.commit(row).await
}

/// An order and its lines, under their locks.
pub(crate) type Ordered = (order::Model, Vec<line::Model>);

/// An order with its lines, locked. Whoever changes quantities of lines calls this first.
pub(crate) async fn locked(work: &Work, id: PurchaseOrderId) -> Result<Ordered, Error> {
    let tx = work.tx();
    guarded::lock(tx, "purchase_order", &[id.0]).await?;
    let row = order::Entity::find_by_id(id).one(tx).await?.ok_or_else(|| Error::internal("an order is gone"))?;
    let lines = line::Entity::find().filter(line::Column::OrderId.eq(id)).order_by_asc(line::Column::Position);
    let lines = lines.all(tx).await?;
    // Nobody changes a line without its order: what was read is so. The locks are for those who look at lines alone.
    let keys: Vec<Uuid> = lines.iter().map(|line| line.id.0).collect();
    guarded::lock(tx, "purchase_order_line", &keys).await?;
    Ok((row, lines))
}

/// An order that the organisation acted for may do this to, on its side; it does not exist for anyone else.
pub(crate) async fn find_for(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    id: PurchaseOrderId,
    side: Side,
    action: Action,
    field: &str,
) -> Result<order::Model, Error> {
    let unknown = || not_found(field, encode(id).as_str());
    let own = viewer.organisation().ok_or_else(unknown)?;
    let row = order::Entity::find_by_id(id).one(tx).await?;
    let theirs = |row: &order::Model| side.of(row.buyer_id == own, row.supplier_id == own && row.sent_at.is_some());
    let row = row.filter(theirs).ok_or_else(unknown)?;
    allowed(viewer, action, Resource::of(own))?;
    Ok(row)
}

/// Writes an order as it is to be, in place of what was read: somebody who changed it meanwhile was first.
pub(super) async fn write(work: &Work, before: &order::Model, next: order::Model) -> Result<order::Model, Error> {
    let next = order::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = order::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(order::Column::Id.eq(before.id))
        .filter(order::Column::State.eq(before.state))
        .filter(order::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// For each line of an edit the one that it was: none twice, and of what was sent all of them.
fn continued<'a>(
    before: &order::Model,
    lines: &'a [line::Model],
    edit: &Edit,
) -> Result<Vec<Option<&'a line::Model>>, Error> {
    let mut kept: Vec<Option<&line::Model>> = Vec::with_capacity(edit.lines.len());
    for (n, one) in edit.lines.iter().enumerate() {
        let Some(id) = one.id else {
            kept.push(None);
            continue;
        };
        if kept.iter().flatten().any(|known| known.id == id) {
            let twice = Refusal::new(ErrorCode::Duplicate).with("value", encode(id).0).at("lineId");
            return Err(in_line(twice.into(), n));
        }
        let row = lines.iter().find(|row| row.id == id);
        kept.push(Some(row.ok_or_else(|| in_line(not_found("lineId", encode(id).as_str()), n))?));
    }
    let sent = match &before.agreed {
        Some(agreed) => &agreed.lines[..],
        None if before.sent_at.is_some() => lines,
        None => &[],
    };
    let left_out = sent.iter().filter(|row| !kept.iter().flatten().any(|known| known.id == row.id)).count();
    if left_out > 0 {
        return Err(Refusal::new(ErrorCode::InUse).with("count", left_out.to_string()).at("lines").into());
    }
    Ok(kept)
}

/// Until an order is sent, a line of it that comes of an award costs no more than it was awarded at, and is no more.
async fn as_awarded(work: &Work, edit: &Edit, kept: &[Option<&line::Model>]) -> Result<(), Error> {
    let ids: Vec<RfqAwardId> = kept.iter().flatten().filter_map(|kept| kept.award_id).collect();
    let mut awards: HashMap<RfqAwardId, award::Model> = HashMap::new();
    for part in ids.chunks(CHUNK) {
        let rows = award::Entity::find().filter(award::Column::Id.is_in(part.iter().copied())).all(work.tx()).await?;
        awards.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    for (n, (one, kept)) in edit.lines.iter().zip(kept).enumerate() {
        let Some(award) = kept.and_then(|kept| awards.get(&kept.award_id?)) else { continue };
        if one.line.price > award.price {
            let price = format!("{} {}", award.currency, award.price.decimal());
            let refusal = Refusal::new(ErrorCode::PriceChanged).with("price", price).at("price");
            return Err(in_line(refusal.into(), n));
        }
        if one.line.quantity > award.quantity {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", award.quantity.to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
    }
    Ok(())
}

/// An order after its buyer changed it, and its lines in their order; not written yet.
pub(super) async fn edited(
    work: &Work,
    before: &order::Model,
    lines: &[line::Model],
    edit: &Edit,
) -> Result<(order::Model, Vec<line::Model>), Error> {
    if edit.currency != before.currency {
        let other = Refusal::new(ErrorCode::InvalidCurrency).with("value", edit.currency.code());
        return Err(other.at("lines").into());
    }
    let kept = continued(before, lines, edit)?;
    if before.sent_at.is_none() {
        as_awarded(work, edit, &kept).await?;
    }
    let new = NewOrder {
        buyer: before.buyer_id,
        supplier: before.supplier_id,
        currency: before.currency,
        fx: edit.fx.clone().or_else(|| before.fx.clone()),
        incoterm: edit.incoterm,
        named_place: edit.named_place.clone(),
        payment_days: edit.payment_days,
        deliver_to: edit.deliver_to,
        rfq: before.rfq_id,
        agreement: before.agreement_id,
        note: edit.note.clone(),
        lines: edit.lines.iter().map(|one| one.line.clone()).collect(),
    };
    let made = composed(work, &new, before.id, &kept).await?;
    let mut rows = made.lines;
    if before.sent_at.is_some() {
        // Lines that people know keep their places; what is new comes behind them.
        let mut place = lines.iter().map(|row| row.position + 1).max().unwrap_or_default();
        for (row, kept) in rows.iter_mut().zip(&kept) {
            row.position = kept.map_or(place, |kept| kept.position);
            place += i32::from(kept.is_none());
        }
        rows.sort_by_key(|row| row.position);
    }
    let next = order::Model {
        fx: made.fx,
        incoterm: new.incoterm,
        named_place: made.named_place,
        payment_days: new.payment_days,
        deliver_to_id: new.deliver_to,
        net_minor: made.totals.net,
        tax_minor: made.totals.tax,
        total_minor: made.totals.total,
        base_minor: made.base_minor,
        note: made.note,
        edited_by: work.viewer().person(),
        editors: before.editors.with(work.viewer().person()),
        ..before.clone()
    };
    Ok((next, rows))
}

/// Writes the lines of an order as they are to be: those that are left out go, the others keep their ids.
pub(super) async fn rewrite(
    work: &Work,
    order: &order::Model,
    before: &[line::Model],
    after: &[line::Model],
) -> Result<(), Error> {
    let stays: HashSet<PurchaseOrderLineId> = after.iter().map(|row| row.id).collect();
    let gone: Vec<&line::Model> = before.iter().filter(|row| !stays.contains(&row.id)).collect();
    taken_out(work, order.id, &gone).await?;
    let known: BTreeMap<PurchaseOrderLineId, &line::Model> = before.iter().map(|row| (row.id, row)).collect();
    let moving = after.iter().filter(|row| known.get(&row.id).is_some_and(|known| known.position != row.position));
    let moving: Vec<PurchaseOrderLineId> = moving.map(|row| row.id).collect();
    for part in moving.chunks(CHUNK) {
        // Out of each other's way: no two lines are ever in one place.
        let moved = line::Entity::update_many().col_expr(line::Column::Position, Expr::cust("-1 - position"));
        moved.filter(line::Column::Id.is_in(part.iter().copied())).exec(work.tx()).await?;
    }
    let mut new = Vec::new();
    for row in after {
        match known.get(&row.id) {
            None => new.push(row.clone()),
            Some(before) if *before == row => {}
            Some(_) => {
                let written = row.clone().into_active_model().reset_all();
                let done = line::Entity::update_many().set(written).filter(line::Column::Id.eq(row.id));
                if done.exec(work.tx()).await?.rows_affected != 1 {
                    return Err(stale());
                }
            }
        }
    }
    added(work.tx(), &new).await
}

/// Takes lines out of an order, of which nothing came and nothing is billed. An invoice that names one says no more
/// which it is; what was awarded of it may be ordered again.
async fn taken_out(work: &Work, order: PurchaseOrderId, gone: &[&line::Model]) -> Result<(), Error> {
    match gone.iter().filter(|row| row.touched()).count() {
        0 => {}
        n => return Err(Refusal::new(ErrorCode::InUse).with("count", n.to_string()).at("lines").into()),
    }
    let awards: Vec<RfqAwardId> = gone.iter().filter_map(|row| row.award_id).collect();
    untied(work, order, Some(&awards)).await?;
    for part in gone.chunks(CHUNK) {
        let ids: Vec<PurchaseOrderLineId> = part.iter().map(|row| row.id).collect();
        invoice::line::Entity::update_many()
            .col_expr(invoice::line::Column::OrderLineId, Expr::value(None::<PurchaseOrderLineId>))
            .filter(invoice::line::Column::OrderLineId.is_in(ids.iter().copied()))
            .exec(work.tx())
            .await?;
        line::Entity::delete_many().filter(line::Column::Id.is_in(ids)).exec(work.tx()).await?;
    }
    Ok(())
}

/// What was awarded and became part of an order that does not deliver it may be ordered again: these of its awards, or
/// all.
pub(super) async fn untied(work: &Work, order: PurchaseOrderId, only: Option<&[RfqAwardId]>) -> Result<(), Error> {
    let free = award::Entity::update_many()
        .col_expr(award::Column::OrderId, Expr::value(None::<PurchaseOrderId>))
        .filter(award::Column::OrderId.eq(order));
    let Some(only) = only else {
        free.exec(work.tx()).await?;
        return Ok(());
    };
    for part in only.chunks(CHUNK) {
        free.clone().filter(award::Column::Id.is_in(part.iter().copied())).exec(work.tx()).await?;
    }
    Ok(())
}

/// Puts back what was agreed last, with what was delivered and billed meanwhile: a change that was not approved never
/// was. What was decided about it is history, and what it took is given back.
pub(super) async fn restored(
    work: &Work,
    before: &order::Model,
    lines: &[line::Model],
    agreed: &Agreed,
) -> Result<order::Model, Error> {
    let rows = agreed.lines_with(lines);
    let next = write(work, before, agreed.order(before).map_err(Error::internal)?).await?;
    rewrite(work, &next, lines, &rows).await.map_err(|error| error.of("id"))?;
    approvals::dropped(work, next.id).await?;
    limits::give_back(work, &next, &rows).await?;
    Ok(next)
}

/// Looks anew at an order that is being delivered, because it may be complete by now; both sides of any other are told.
pub(super) async fn followed(work: &mut Work, row: order::Model) -> Result<order::Model, Error> {
    if row.state != OrderState::InProgress {
        told(work, &row).await?;
        return Ok(row);
    }
    settle(work, row.id).await?;
    let (row, _) = locked(work, row.id).await?;
    Ok(row)
}

/// Changes an order that was not sent, or whose amendment was not approved. What was approved of it is void, and what
/// it took of limits and agreements is given back until it is submitted again.
pub async fn update(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    edit: &Edit,
) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    find_for(work.tx(), work.viewer(), id, Side::Buyer, Action::SourceGoods, "id").await?;
    let (before, lines) = locked(&work, id).await?;
    fresh(before.version, expected)?;
    let written = before.state == OrderState::Draft;
    if !written {
        OrderStep::Recall.from(before.state).map_err(|refusal| refusal.at("id"))?;
    }
    let (next, rows) = edited(&work, &before, &lines, edit).await?;
    let revision = before.revision + i32::from(!written);
    let next = order::Model { state: OrderState::Draft, revision, counted_minor: 0, ..next };
    let next = write(&work, &before, next).await?;
    rewrite(&work, &next, &lines, &rows).await?;
    approvals::void(&work, id).await?;
    limits::release_unsent(&work, &next).await?;
    noted(&mut work, "updatePurchaseOrder", &next, shown(&before), shown(&next));
    told(&mut work, &next).await?;
    work.commit(next).await
}

/// The first delivery of an order was taken in.
pub(crate) async fn begun(work: &mut Work, order: &order::Model) -> Result<(), Error> {
    if order.state == OrderState::InProgress {
        return Ok(());
    }
    let to = OrderStep::Begin.from(order.state).map_err(|refusal| refusal.at("orderId"))?;
    // What came unannounced was agreed to by that.
    let acknowledged_at = order.acknowledged_at.or(Some(work.now));
    write(work, order, order::Model { state: to, acknowledged_at, ..order.clone() }).await?;
    Ok(())
}

/// Looks at an order after quantities of its lines changed: it is closed when nothing is missing any more, and open
/// again when something went back; both sides are told.
pub(crate) async fn settle(work: &mut Work, id: PurchaseOrderId) -> Result<(), Error> {
    let row = order::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("an order is gone"))?;
    let lines = line::Entity::find().filter(line::Column::OrderId.eq(id)).all(work.tx()).await?;
    let step = match row.state {
        OrderState::InProgress if !status::of(&lines).open => Some((OrderStep::Close, "closePurchaseOrder")),
        OrderState::Closed if lines.iter().any(|line| status::outstanding(line) > 0) => {
            Some((OrderStep::Reopen, "reopenPurchaseOrder"))
        }
        _ => None,
    };
    if let Some((step, action)) = step {
        let to = step.from(row.state).map_err(|refusal| refusal.at("id"))?;
        let closed_at = (to == OrderState::Closed).then_some(work.now);
        let next = write(work, &row, order::Model { state: to, closed_at, ..row.clone() }).await?;
        noted(work, action, &next, json!({ "state": row.state }), json!({ "state": next.state }));
        return told(work, &next).await;
    }
    // Whoever watches an order sees that something happened.
    order::Entity::update_many()
        .col_expr(order::Column::UpdatedAt, Expr::value(work.now))
        .filter(order::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    told(work, &row).await
}

/// Orders in a state, as each side sees it: what a supplier is sent anew waits for approval until then.
fn in_state(own: Option<OrganisationId>, state: OrderState) -> Condition {
    let now = order::Column::State.eq(state);
    let Some(own) = own else { return Condition::all().add(now) };
    let shown = match state {
        OrderState::PendingApproval => {
            order::Column::State.is_in([OrderState::Draft, OrderState::PendingApproval, OrderState::Approved])
        }
        OrderState::Draft | OrderState::Approved => Expr::val(false),
        _ => now.clone(),
    };
    let supplied = Condition::all().add(order::Column::SupplierId.eq(own)).add(shown);
    Condition::any().add(Condition::all().add(order::Column::SupplierId.ne(own)).add(now)).add(supplied)
}

/// Orders that the viewer may see, the newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<order::Model>, Error> {
    let own = viewer.organisation();
    let side =
        filter.side.zip(own).map(|(side, own)| side.of(order::Column::BuyerId, order::Column::SupplierId).eq(own));
    let open = filter
        .open
        .map(|open| if open { order::Column::State.is_in(OPEN) } else { order::Column::State.is_not_in(OPEN) });
    let only = Condition::all()
        .add_option(side)
        .add_option(filter.state.map(|state| in_state(own, state)))
        .add_option(filter.supplier.map(|supplier| order::Column::SupplierId.eq(supplier)))
        .add_option(open);
    let list = order::Entity::visible_to(viewer).filter(only);
    let mut found = page.by_id(db, list, order::Column::Id, NEWEST, Order::Desc).await?;
    let seen: serde_json::Result<Vec<order::Model>> = found.rows.into_iter().map(|row| row.seen_by(viewer)).collect();
    found.rows = seen.map_err(Error::internal)?;
    Ok(found)
}

/// The cursor of an order in that list.
pub fn cursor(row: &order::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// An order; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: PurchaseOrderId,
) -> Result<Option<order::Model>, Error> {
    let row = order::Entity::visible_to(viewer).filter(order::Column::Id.eq(id)).one(db).await?;
    row.map(|row| row.seen_by(viewer)).transpose().map_err(Error::internal)
}

/// A page of the lines of an order, which are by their places.
pub fn lines(rows: Vec<line::Model>, page: &PageArgs) -> Result<Page<line::Model>, Error> {
    page.slice(rows, line_cursor)
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(BY_LINE, row.id)
}
