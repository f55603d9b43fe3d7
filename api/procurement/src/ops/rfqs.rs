//! Requests for quotations: written, published, given more time, opened, asked once more, given up.
//!
//! - The row of an RFQ is locked before anything of it changes: suppliers quote while its buyer changes it, and whoever
//!   opens a round finds every quotation that was in time and none that was not.
//! - Nobody opens a sealed round before its deadline, whoever asks. What opens it is the clock ([`OpenBids`], and
//!   [`overdue`] when that job is lost) or the buyer afterwards.
//! - Until then its buyer and who oversees the zone learn how many quotations there are, and nothing of when or whose:
//!   a quotation for a sealed request is no event, no change of the request and no entry in its trail; who looked at
//!   it is told after the opening.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::{Action, Viewer, machine_client::Scope, organisation},
    platform::EventKind,
    procurement::{
        QuotationState, RfqState, RfqStep, Side, invitation,
        rfq::{self, LONGEST_DAYS, MOST_LINES, MOST_SUPPLIERS, line},
        terms::MOST,
    },
    values::{
        Currency, ErrorCode, Refusal, Refusals,
        id::{CategoryId, OrganisationId, RfqId, RfqInvitationId, RfqLineId, StockLocationId, VariantId},
        refusal::{self as text, Check},
    },
};
use inventory::ops::{own_location, unseen};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    db::wrote,
    error::{Error, not_found, stale},
    graphql::encode,
    guarded,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{
    acting, categories, fresh,
    intents::{self, Origin},
    orders::category_paths,
    quotations,
    suppliers::{self, Purpose},
};
use crate::jobs::{BY, OpenBids};

const NEWEST: &str = "newest-rfq";
/// Most rounds that one turn of the clock opens.
const SWEPT: u64 = 100;

/// What is asked for.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the RFQ")]
pub struct NewRfq {
    pub title: String,
    pub sealed: bool,
    pub deadline: DateTime<Utc>,
    pub currency: Currency,
    pub incoterm: Option<Incoterm>,
    pub named_place: Option<String>,
    pub terms: Option<String>,
    pub needed_on: Option<NaiveDate>,
    pub deliver_to: Option<StockLocationId>,
    pub category: Option<CategoryId>,
    pub lines: Vec<NewLine>,
    pub suppliers: Vec<OrganisationId>,
}

/// What is asked for in one line.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the line")]
pub struct NewLine {
    pub variant: Option<VariantId>,
    pub category: Option<CategoryId>,
    pub description: String,
    pub quantity: i64,
    pub unit: String,
    pub needed_on: Option<NaiveDate>,
}

/// Which RFQs.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub state: Option<RfqState>,
}

/// A moment as both databases keep it.
fn whole(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

fn in_time(at: DateTime<Utc>, after: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let (at, last) = (whole(at), now + Duration::days(LONGEST_DAYS));
    if at > after && at > now && at <= last {
        return Ok(at);
    }
    let first = Ord::max(after, now);
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", first.to_rfc3339()).with("max", last.to_rfc3339()))
}

fn later(on: Option<NaiveDate>, today: NaiveDate) -> Result<(), Refusal> {
    let last = today + Duration::days(5 * 366);
    if on.is_none_or(|on| (today..=last).contains(&on)) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", today.to_string()).with("max", last.to_string()))
}

impl NewRfq {
    /// As it is written down, or all that is wrong with it by itself.
    fn read(&self, buyer: OrganisationId, now: DateTime<Utc>) -> Result<Self, Refusals> {
        let (mut check, today) = (Check::default(), business_day(now));
        let title = check.take("title", text::line(&self.title, 200)).unwrap_or_default();
        let deadline = check.take("deadline", in_time(self.deadline, now, now)).unwrap_or(self.deadline);
        let place = text::given(self.named_place.as_deref());
        let named_place = place.and_then(|place| check.take("namedPlace", text::line(place, 120)));
        let terms = text::given(self.terms.as_deref());
        let terms = terms.and_then(|terms| check.take("terms", text::paragraph(terms, 2_000)));
        check.take("neededOn", later(self.needed_on, today));
        check.0.extend(text::few(self.lines.len(), MOST_LINES).err());
        let mut lines = Vec::new();
        for (n, line) in self.lines.iter().take(MOST_LINES).enumerate() {
            match line.read(today) {
                Ok(line) => lines.push(line),
                Err(refusals) => check.0.extend(refusals.into_iter().map(|one| one.at(n.to_string()).at("lines"))),
            }
        }
        check.0.extend(suppliers_read(&self.suppliers, buyer));
        check.done(Self { title, deadline, named_place, terms, lines, ..self.clone() })
    }
}

impl NewLine {
    fn read(&self, today: NaiveDate) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let description = check.take("description", text::line(&self.description, 300)).unwrap_or_default();
        let unit = check.take("unit", text::line(&self.unit, 20)).unwrap_or_default();
        check.demand((1..=MOST).contains(&self.quantity), "quantity", || {
            Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string())
        });
        check.take("neededOn", later(self.needed_on, today));
        check.done(Self { description, unit, ..self.clone() })
    }
}

/// What is wrong with a list of suppliers by itself: too many, one twice, the buyer.
fn suppliers_read(suppliers: &[OrganisationId], buyer: OrganisationId) -> Refusals {
    if suppliers.len() > MOST_SUPPLIERS {
        return vec![Refusal::new(ErrorCode::TooMany).with("max", MOST_SUPPLIERS.to_string()).at("supplierIds")];
    }
    let mut seen = BTreeSet::new();
    let wrong = |(n, id): (usize, &OrganisationId)| {
        let shown = encode(*id).0;
        let code = match *id {
            own if own == buyer => ErrorCode::InvalidValue,
            id if !seen.insert(id) => ErrorCode::Duplicate,
            _ => return None,
        };
        Some(Refusal::new(code).with("value", shown).at(n.to_string()).at("supplierIds"))
    };
    suppliers.iter().enumerate().filter_map(wrong).collect()
}

/// What is referred to is there, for the buyer; lines of a variant are of its category.
async fn known(work: &Work, buyer: OrganisationId, new: &mut NewRfq) -> Result<(), Error> {
    if let Some(place) = new.deliver_to {
        own_location(work.tx(), buyer, place, "deliverToId").await?;
    }
    let of: Vec<(usize, VariantId)> =
        new.lines.iter().enumerate().filter_map(|(n, line)| line.variant.map(|id| (n, id))).collect();
    let variants: Vec<VariantId> = of.iter().map(|(_, id)| *id).collect();
    if let Some((n, id)) = unseen(work, &variants).await?.and_then(|place| of.get(place)) {
        return Err(not_found("variantId", encode(*id).as_str()).at(n.to_string()).at("lines"));
    }
    let found = categories(work.tx(), &variants).await?;
    for line in &mut new.lines {
        line.category = line.variant.and_then(|id| found.get(&id)).map(|(category, _)| *category).or(line.category);
    }
    let named = new.lines.iter().filter_map(|line| line.category).chain(new.category);
    let there = category_paths(work.tx(), named).await?;
    if let Some(id) = new.category.filter(|id| !there.contains_key(id)) {
        return Err(not_found("categoryId", encode(id).as_str()));
    }
    for (n, line) in new.lines.iter().enumerate() {
        if let Some(id) = line.category.filter(|id| !there.contains_key(id)) {
            return Err(not_found("categoryId", encode(id).as_str()).at(n.to_string()).at("lines"));
        }
    }
    there_are(work, &new.suppliers).await
}

/// Every one of these is an organisation; which is not, by its place.
async fn there_are(work: &Work, suppliers: &[OrganisationId]) -> Result<(), Error> {
    let there: Vec<OrganisationId> = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in(suppliers.iter().copied()))
        .select_only()
        .column(organisation::Column::Id)
        .into_tuple()
        .all(work.tx())
        .await?;
    match suppliers.iter().enumerate().find(|(_, id)| !there.contains(id)) {
        Some((n, id)) => Err(not_found(&n.to_string(), encode(*id).as_str()).at("supplierIds")),
        None => Ok(()),
    }
}

/// Writes an RFQ down; no supplier knows of it yet. Of an intent or lead there is one: asked for again, it is that one.
pub async fn create(app: &App, call: &Call, origin: Option<&Origin>, new: &NewRfq) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = match origin {
        Some(origin) => intents::convert(&mut work, buyer, origin, new).await?.0,
        None => drafted(&mut work, buyer, None, new).await?.ok_or_else(stale)?,
    };
    work.commit(row).await
}

/// Writes a draft in the caller's transaction; none: somebody made one of the same origin at this moment.
pub(super) async fn drafted(
    work: &mut Work,
    buyer: OrganisationId,
    origin: Option<&Origin>,
    new: &NewRfq,
) -> Result<Option<rfq::Model>, Error> {
    let mut new = new.read(buyer, work.now)?;
    known(work, buyer, &mut new).await?;
    let row = rfq::Model {
        id: RfqId::new(work.now),
        number: number("RFQ", work.now)?,
        buyer_id: buyer,
        title: new.title.clone(),
        state: RfqState::Draft,
        sealed: new.sealed,
        round: 1,
        deadline: new.deadline,
        currency: new.currency,
        incoterm: new.incoterm,
        named_place: new.named_place.clone(),
        terms: new.terms.clone(),
        needed_on: new.needed_on,
        deliver_to_id: new.deliver_to,
        category_id: new.category,
        quotations: 0,
        origin_kind: origin.map(|origin| origin.kind.clone()),
        origin_ref: origin.map(|origin| origin.reference.clone()),
        created_by: work.viewer().subject(),
        person_id: work.viewer().person(),
        opened_at: None,
        cancelled_reason: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let insert = rfq::Entity::insert(row.clone().into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Ok(None);
    }
    lines_written(work, row.id, &new.lines).await?;
    invited(work, row.id, &new.suppliers, None, &[]).await?;
    let shown = json!({ "title": row.title, "lines": new.lines.len(), "suppliers": new.suppliers.len(),
        "deadline": row.deadline, "sealed": row.sealed, "origin": row.origin_kind });
    work.audit(Some(buyer), "createRfq", encode(row.id).0, Value::Null, shown);
    work.tell(buyer, EventKind::RfqChanged, encode(row.id).0, row.version).await?;
    Ok(Some(row))
}

async fn lines_written(work: &Work, id: RfqId, lines: &[NewLine]) -> Result<(), Error> {
    let row = |(line, position): (&NewLine, i32)| {
        let row = line::Model {
            id: RfqLineId::new(work.now),
            rfq_id: id,
            position,
            variant_id: line.variant,
            category_id: line.category,
            description: line.description.clone(),
            quantity: line.quantity,
            unit: line.unit.clone(),
            needed_on: line.needed_on,
            awarded: 0,
        };
        row.into_active_model()
    };
    let rows: Vec<_> = lines.iter().zip(0_i32..).map(row).collect();
    line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Notes whom an RFQ is for; `sent`: since when they know of it; `warned`: of whom the buyer was.
async fn invited(
    work: &Work,
    id: RfqId,
    suppliers: &[OrganisationId],
    sent: Option<DateTime<Utc>>,
    warned: &[OrganisationId],
) -> Result<(), Error> {
    if suppliers.is_empty() {
        return Ok(());
    }
    let row = |supplier: &OrganisationId| {
        let row = invitation::Model {
            id: RfqInvitationId::new(work.now),
            rfq_id: id,
            supplier_id: *supplier,
            sent_at: sent,
            viewed_at: None,
            declined_at: None,
            decline_reason: None,
            warned: warned.contains(supplier),
            created_at: work.now,
        };
        row.into_active_model()
    };
    invitation::Entity::insert_many(suppliers.iter().map(row)).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// An RFQ of the buyer's own, under its lock.
pub(super) async fn own(work: &Work, buyer: OrganisationId, id: RfqId, field: &str) -> Result<rfq::Model, Error> {
    guarded::lock(work.tx(), "rfq", &[id.0]).await?;
    let row = rfq::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.buyer_id == buyer);
    row.ok_or_else(|| not_found(field, encode(id).as_str()))
}

/// An RFQ that a supplier was told of, and its invitation, under the lock of the RFQ.
pub(super) async fn told(
    work: &Work,
    supplier: OrganisationId,
    id: RfqId,
    field: &str,
) -> Result<(rfq::Model, invitation::Model), Error> {
    let unknown = || not_found(field, encode(id).as_str());
    guarded::lock(work.tx(), "rfq", &[id.0]).await?;
    let invitation = invitation::Entity::find()
        .filter(invitation::Column::RfqId.eq(id))
        .filter(invitation::Column::SupplierId.eq(supplier))
        .filter(invitation::Column::SentAt.is_not_null())
        .one(work.tx())
        .await?
        .ok_or_else(unknown)?;
    let row = rfq::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    Ok((row, invitation))
}

/// Refused unless suppliers may still quote.
pub(super) fn window(row: &rfq::Model, now: DateTime<Utc>) -> Result<(), Refusal> {
    if row.state == RfqState::Published && now < row.deadline { Ok(()) } else { Err(over(row)) }
}

/// Why nobody quotes any more.
pub(super) fn over(row: &rfq::Model) -> Refusal {
    Refusal::new(ErrorCode::WindowClosed).with("until", row.deadline.to_rfc3339())
}

/// Why nobody reads quotations yet.
fn sealed(row: &rfq::Model) -> Refusal {
    Refusal::new(ErrorCode::Sealed).with("until", row.deadline.to_rfc3339())
}

/// Takes a step to `next`, or says why not. How many quotations there are is another's to count: it is left as it is.
async fn stepped(work: &Work, row: &rfq::Model, step: RfqStep, next: rfq::Model) -> Result<rfq::Model, Error> {
    let (_, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let next = rfq::Model { state: to, version: row.version + 1, updated_at: work.now, ..next };
    let mut columns = next.clone().into_active_model().reset_all();
    if step != RfqStep::Reopen {
        columns.quotations = NotSet;
    }
    changed(work, row, columns).await?;
    Ok(next)
}

/// Writes columns of an RFQ that is still as it was read.
async fn changed(work: &Work, row: &rfq::Model, columns: rfq::ActiveModel) -> Result<(), Error> {
    let done = rfq::Entity::update_many()
        .set(columns)
        .filter(rfq::Column::Id.eq(row.id))
        .filter(rfq::Column::State.eq(row.state))
        .filter(rfq::Column::Round.eq(row.round))
        .filter(rfq::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(stale()) }
}

/// Takes a step of an RFQ in the caller's transaction: of two who step at the same time one does.
pub(crate) async fn step(work: &Work, row: &rfq::Model, step: RfqStep) -> Result<rfq::Model, Error> {
    stepped(work, row, step, row.clone()).await
}

/// Tells the buyer, and every supplier that knows of it, that an RFQ changed.
pub(crate) async fn tell_all(work: &mut Work, row: &rfq::Model) -> Result<(), Error> {
    let suppliers: Vec<OrganisationId> = invitation::Entity::find()
        .filter(invitation::Column::RfqId.eq(row.id))
        .filter(invitation::Column::SentAt.is_not_null())
        .order_by_asc(invitation::Column::Id)
        .select_only()
        .column(invitation::Column::SupplierId)
        .into_tuple()
        .all(work.tx())
        .await?;
    let node = encode(row.id).0;
    for audience in [row.buyer_id].into_iter().chain(suppliers) {
        work.tell(audience, EventKind::RfqChanged, node.as_str(), row.version).await?;
    }
    Ok(())
}

fn noted(work: &mut Work, action: &'static str, before: &rfq::Model, after: &rfq::Model) {
    let shown = |row: &rfq::Model| json!({ "state": row.state, "round": row.round, "deadline": row.deadline });
    work.audit(Some(after.buyer_id), action, encode(after.id).0, shown(before), shown(after));
}

/// Writes a draft anew: all of it.
pub async fn update(app: &App, call: &Call, id: RfqId, expected: i32, new: &NewRfq) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    if row.state != RfqState::Draft {
        return Err(Refusal::illegal(row.state, "UPDATE").at("id").into());
    }
    let mut new = new.read(buyer, work.now)?;
    known(&work, buyer, &mut new).await?;
    let next = rfq::Model {
        title: new.title.clone(),
        sealed: new.sealed,
        deadline: new.deadline,
        currency: new.currency,
        incoterm: new.incoterm,
        named_place: new.named_place.clone(),
        terms: new.terms.clone(),
        needed_on: new.needed_on,
        deliver_to_id: new.deliver_to,
        category_id: new.category,
        version: row.version + 1,
        updated_at: work.now,
        ..row.clone()
    };
    changed(&work, &row, next.clone().into_active_model().reset_all()).await?;
    line::Entity::delete_many().filter(line::Column::RfqId.eq(id)).exec(work.tx()).await?;
    invitation::Entity::delete_many().filter(invitation::Column::RfqId.eq(id)).exec(work.tx()).await?;
    lines_written(&work, id, &new.lines).await?;
    invited(&work, id, &new.suppliers, None, &[]).await?;
    let shown = json!({ "title": next.title, "lines": new.lines.len(), "suppliers": new.suppliers.len(),
        "deadline": next.deadline, "sealed": next.sealed });
    work.audit(Some(buyer), "updateRfq", encode(id).0, json!({ "title": row.title }), shown);
    work.tell(buyer, EventKind::RfqChanged, encode(id).0, next.version).await?;
    work.commit(next).await
}

/// Which of these suppliers the buyer is warned of; refused with all that it must not ask.
async fn admitted(
    work: &Work,
    buyer: OrganisationId,
    suppliers: &[OrganisationId],
    field: &str,
) -> Result<Vec<OrganisationId>, Error> {
    let (today, mut refused, mut warned) = (business_day(work.now), Refusals::new(), Vec::new());
    for (n, supplier) in suppliers.iter().enumerate() {
        match suppliers::admitted(work.tx(), buyer, *supplier, Purpose::Rfq, today).await {
            Ok(true) => warned.push(*supplier),
            Ok(false) => {}
            Err(Error::Refused(why)) => {
                refused.extend(why.into_iter().map(|one| one.at(n.to_string()).at(field)));
            }
            Err(error) => return Err(error),
        }
    }
    if refused.is_empty() { Ok(warned) } else { Err(refused.into()) }
}

/// Organisations as the audit names them.
fn named(ids: &[OrganisationId]) -> Vec<String> {
    ids.iter().map(|id| encode(*id).0).collect()
}

async fn of_rfq(tx: &impl ConnectionTrait, id: RfqId) -> Result<Vec<invitation::Model>, Error> {
    let all = invitation::Entity::find().filter(invitation::Column::RfqId.eq(id));
    Ok(all.order_by_asc(invitation::Column::Id).all(tx).await?)
}

/// Tells the suppliers of an RFQ: they may quote until its deadline.
pub async fn publish(app: &App, call: &Call, id: RfqId, expected: i32) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    RfqStep::Publish.from(row.state).map_err(|refusal| refusal.at("id"))?;
    in_time(row.deadline, work.now, work.now).map_err(|refusal| refusal.at("deadline"))?;
    let suppliers: Vec<OrganisationId> =
        of_rfq(work.tx(), id).await?.into_iter().map(|invitation| invitation.supplier_id).collect();
    if suppliers.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("suppliers").into());
    }
    let warned = admitted(&work, buyer, &suppliers, "suppliers").await?;
    let next = step(&work, &row, RfqStep::Publish).await?;
    sent_again(&work, id, &warned).await?;
    work.replace(&OpenBids { rfq: id, round: next.round, at: next.deadline }).await?;
    let shown = json!({ "state": next.state, "round": next.round, "deadline": next.deadline,
        "suppliers": suppliers.len(), "warned": named(&warned) });
    work.audit(Some(buyer), "publishRfq", encode(id).0, json!({ "state": row.state }), shown);
    tell_all(&mut work, &next).await?;
    work.commit(next).await
}

/// All whom an RFQ is for know of its round from now on; who declined may think again.
async fn sent_again(work: &Work, id: RfqId, warned: &[OrganisationId]) -> Result<(), Error> {
    let columns = invitation::ActiveModel {
        sent_at: Set(Some(work.now)),
        declined_at: Set(None),
        decline_reason: Set(None),
        warned: Set(false),
        ..Default::default()
    };
    let all = || invitation::Entity::update_many().filter(invitation::Column::RfqId.eq(id));
    all().set(columns).exec(work.tx()).await?;
    if !warned.is_empty() {
        let columns = invitation::ActiveModel { warned: Set(true), ..Default::default() };
        let of = invitation::Column::SupplierId.is_in(warned.iter().copied());
        all().set(columns).filter(of).exec(work.tx()).await?;
    }
    Ok(())
}

/// Gives suppliers more time. Less would cut off who counts on it, and after the deadline it is too late.
pub async fn extend(
    app: &App,
    call: &Call,
    id: RfqId,
    expected: i32,
    deadline: DateTime<Utc>,
) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    window(&row, work.now).map_err(|refusal| refusal.at("id"))?;
    let deadline = in_time(deadline, row.deadline, work.now).map_err(|refusal| refusal.at("deadline"))?;
    let next = rfq::Model { deadline, version: row.version + 1, updated_at: work.now, ..row.clone() };
    let columns = rfq::ActiveModel {
        deadline: Set(next.deadline),
        version: Set(next.version),
        updated_at: Set(next.updated_at),
        ..Default::default()
    };
    changed(&work, &row, columns).await?;
    work.replace(&OpenBids { rfq: id, round: next.round, at: next.deadline }).await?;
    noted(&mut work, "extendRfqDeadline", &row, &next);
    tell_all(&mut work, &next).await?;
    work.commit(next).await
}

/// Asks further suppliers, while they can still quote.
pub async fn invite(
    app: &App,
    call: &Call,
    id: RfqId,
    expected: i32,
    suppliers: &[OrganisationId],
) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    if row.state != RfqState::Draft {
        window(&row, work.now).map_err(|refusal| refusal.at("id"))?;
    }
    if suppliers.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("supplierIds").into());
    }
    let present = of_rfq(work.tx(), id).await?;
    let mut wrong = suppliers_read(suppliers, buyer);
    if wrong.is_empty() && present.len() + suppliers.len() > MOST_SUPPLIERS {
        wrong.push(Refusal::new(ErrorCode::TooMany).with("max", MOST_SUPPLIERS.to_string()).at("supplierIds"));
    }
    for (n, id) in suppliers.iter().enumerate() {
        if present.iter().any(|one| one.supplier_id == *id) {
            let twice = Refusal::new(ErrorCode::Duplicate).with("value", encode(*id).0);
            wrong.push(twice.at(n.to_string()).at("supplierIds"));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    there_are(&work, suppliers).await?;
    let published = row.state == RfqState::Published;
    let warned = if published { admitted(&work, buyer, suppliers, "supplierIds").await? } else { Vec::new() };
    let next = rfq::Model { version: row.version + 1, updated_at: work.now, ..row.clone() };
    let columns =
        rfq::ActiveModel { version: Set(next.version), updated_at: Set(next.updated_at), ..Default::default() };
    changed(&work, &row, columns).await?;
    invited(&work, id, suppliers, published.then_some(work.now), &warned).await?;
    let shown = json!({ "suppliers": named(suppliers), "warned": named(&warned) });
    work.audit(Some(buyer), "inviteSuppliers", encode(id).0, Value::Null, shown);
    work.tell(buyer, EventKind::RfqChanged, encode(id).0, next.version).await?;
    for supplier in suppliers.iter().filter(|_| published) {
        work.tell(*supplier, EventKind::RfqChanged, encode(id).0, next.version).await?;
    }
    work.commit(next).await
}

/// Opens a round: quotations may be read from here on. A sealed one not before its deadline, whoever asks; by the clock
/// none is. Opened already, it stays as it is.
pub async fn open(app: &App, call: &Call, id: RfqId, round: i32, by_timer: bool) -> Result<rfq::Model, Error> {
    let asked = if by_timer { By::Clock { round } } else { By::Buyer { expected: None } };
    opening(app, call, id, asked).await
}

/// The same of the round that is on, for its buyer.
pub async fn open_bids(app: &App, call: &Call, id: RfqId, expected: Option<i32>) -> Result<rfq::Model, Error> {
    opening(app, call, id, By::Buyer { expected }).await
}

/// Who opens a round.
#[derive(Clone, Copy)]
enum By {
    /// The clock, this round.
    Clock { round: i32 },
    /// The buyer, the round that is on.
    Buyer { expected: Option<i32> },
}

async fn opening(app: &App, call: &Call, id: RfqId, by: By) -> Result<rfq::Model, Error> {
    let (due, expected, buyer) = match by {
        By::Clock { round } => (Some(round), None, None),
        By::Buyer { expected } => (None, expected, Some(acting(call, Action::SourceGoods)?)),
    };
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    guarded::lock(work.tx(), "rfq", &[id.0]).await?;
    let row = rfq::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| buyer.is_none_or(|own| own == row.buyer_id));
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if due.is_some_and(|round| row.state != RfqState::Published || row.round != round) {
        return Ok(row);
    }
    if let Some(expected) = expected {
        fresh(row.version, expected)?;
    }
    RfqStep::Close.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if work.now < row.deadline && (row.sealed || due.is_some()) {
        return Err(sealed(&row).at("id").into());
    }
    let next = rfq::Model { opened_at: Some(work.now), ..row.clone() };
    let next = stepped(&work, &row, RfqStep::Close, next).await?;
    let count = quotations::open_all(app, &work, &next).await?;
    let shown = json!({ "state": next.state, "round": next.round, "count": count });
    work.audit(Some(row.buyer_id), "openBids", encode(id).0, json!({ "state": row.state }), shown);
    tell_all(&mut work, &next).await?;
    work.commit(next).await
}

/// Asks the same suppliers once more, until another deadline: a new round. What was quoted before stays as it was
/// opened.
pub async fn reopen(
    app: &App,
    call: &Call,
    id: RfqId,
    expected: i32,
    deadline: DateTime<Utc>,
) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    RfqStep::Reopen.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let deadline = in_time(deadline, work.now, work.now).map_err(|refusal| refusal.at("deadline"))?;
    // Who was stopped since is not asked once more: whoever may lets it in again, or asks the others anew.
    let suppliers: Vec<OrganisationId> =
        of_rfq(work.tx(), id).await?.into_iter().map(|invitation| invitation.supplier_id).collect();
    let warned = admitted(&work, buyer, &suppliers, "suppliers").await?;
    let next = rfq::Model { round: row.round + 1, deadline, quotations: 0, opened_at: None, ..row.clone() };
    let next = stepped(&work, &row, RfqStep::Reopen, next).await?;
    sent_again(&work, id, &warned).await?;
    work.replace(&OpenBids { rfq: id, round: next.round, at: next.deadline }).await?;
    noted(&mut work, "startRfqRound", &row, &next);
    tell_all(&mut work, &next).await?;
    work.commit(next).await
}

/// Gives an RFQ up. What was quoted and not awarded is lost; what was not opened never is. The lead that it was made of
/// may become another.
pub async fn cancel(app: &App, call: &Call, id: RfqId, expected: i32, reason: &str) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own(&work, buyer, id, "id").await?;
    fresh(row.version, expected)?;
    let next = rfq::Model { cancelled_reason: Some(reason.clone()), ..row.clone() };
    let next = stepped(&work, &row, RfqStep::Cancel, next).await?;
    quotations::lose_rest(&work, id).await?;
    let shown = json!({ "state": next.state, "reason": reason });
    work.audit(Some(buyer), "cancelRfq", encode(id).0, json!({ "state": row.state }), shown);
    tell_all(&mut work, &next).await?;
    work.commit(next).await
}

/// Notes that a supplier looked at an RFQ. In the trail of its own invitation: beside the count of a sealed request it
/// would name who quoted.
pub async fn mark_viewed(app: &App, call: &Call, id: RfqId) -> Result<rfq::Model, Error> {
    let supplier = acting(call, Action::QuoteGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, invitation) = told(&work, supplier, id, "id").await?;
    let first = invitation::Entity::update_many()
        .col_expr(invitation::Column::ViewedAt, Expr::value(Some(work.now)))
        .filter(invitation::Column::Id.eq(invitation.id))
        .filter(invitation::Column::ViewedAt.is_null())
        .exec(work.tx())
        .await?;
    if first.rows_affected == 1 {
        let node = encode(invitation.id).0;
        work.audit(Some(supplier), "markRfqViewed", node, Value::Null, json!({ "round": row.round }));
    }
    work.commit(row).await
}

/// A supplier says that it will not quote.
pub async fn decline(app: &App, call: &Call, id: RfqId, reason: Option<&str>) -> Result<rfq::Model, Error> {
    let supplier = acting(call, Action::QuoteGoods)?;
    let reason = text::given(reason).map(|reason| text::line(reason, 300)).transpose();
    let reason = reason.map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, invitation) = told(&work, supplier, id, "id").await?;
    window(&row, work.now).map_err(|refusal| refusal.at("id"))?;
    // What it quoted it takes back first: one thing does not say two.
    let newest = quotations::newest(work.tx(), &row, supplier).await?;
    if newest.is_some_and(|quotation| quotation.state == QuotationState::Submitted) {
        return Err(Refusal::illegal(QuotationState::Submitted, "DECLINE").at("id").into());
    }
    let columns = invitation::ActiveModel {
        declined_at: Set(Some(work.now)),
        decline_reason: Set(reason.clone()),
        ..Default::default()
    };
    let done = invitation::Entity::update_many()
        .set(columns)
        .filter(invitation::Column::Id.eq(invitation.id))
        .filter(invitation::Column::DeclinedAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(declined("DECLINE").at("id").into());
    }
    work.audit(
        Some(supplier),
        "declineRfq",
        encode(id).0,
        Value::Null,
        json!({ "round": row.round, "reason": reason }),
    );
    work.tell(row.buyer_id, EventKind::RfqChanged, encode(id).0, row.version).await?;
    work.commit(row).await
}

/// Who said that it will not quote in this round does not.
pub(super) fn declined(action: &str) -> Refusal {
    Refusal::new(ErrorCode::IllegalTransition).with("from", "DECLINED").with("action", action)
}

/// Opens rounds whose job was lost; answers with how many.
pub async fn overdue(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let due = rfq::Entity::find()
        .filter(rfq::Column::State.eq(RfqState::Published))
        .filter(rfq::Column::Deadline.lte(now))
        .order_by_asc(rfq::Column::Deadline)
        .limit(SWEPT);
    let mut opened = 0;
    for row in due.all(app.db().read()).await? {
        match open(app, &Call::unasked(BY), row.id, row.round, true).await {
            Ok(_) => opened += 1,
            // It was given more time at this moment.
            Err(Error::Refused(_)) => {}
            // One that cannot be opened keeps no other closed.
            Err(error) => tracing::error!(rfq = %row.id, cause = error.told(), "a round could not be opened"),
        }
    }
    Ok(opened)
}

/// An RFQ of the viewer's own whose quotations are opened, with its lines; for who oversees the zone any. Refused while
/// they are sealed.
pub(crate) async fn closed(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    id: RfqId,
) -> Result<(rfq::Model, Vec<line::Model>), Error> {
    let row = rfq::Entity::visible_to(viewer).filter(rfq::Column::Id.eq(id)).one(tx).await?;
    let row = row.filter(|row| is_buyer(viewer, row)).ok_or_else(|| not_found("rfqId", encode(id).as_str()))?;
    match row.state {
        RfqState::Draft => return Err(Refusal::illegal(row.state, "COMPARE").at("rfqId").into()),
        RfqState::Published if row.sealed => return Err(sealed(&row).at("rfqId").into()),
        _ => {}
    }
    let lines = all_lines(tx, id).await?;
    Ok((row, lines))
}

/// Whether a viewer who sees an RFQ sees it as whoever asks does, and not as a supplier.
pub(crate) fn is_buyer(viewer: &Viewer, row: &rfq::Model) -> bool {
    viewer.oversees() || viewer.reads_for(Scope::Procurement) == Some(row.buyer_id)
}

/// All lines of an RFQ, in their order.
pub(super) async fn all_lines(tx: &impl ConnectionTrait, id: RfqId) -> Result<Vec<line::Model>, Error> {
    let lines = line::Entity::find().filter(line::Column::RfqId.eq(id)).order_by_asc(line::Column::Position);
    Ok(lines.all(tx).await?)
}

/// RFQs that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<rfq::Model>, Error> {
    let own = viewer.reads_for(Scope::Procurement);
    let side = filter.side.map(|side| match (side, own) {
        (Side::Buyer, Some(own)) => Condition::all().add(rfq::Column::BuyerId.eq(own)),
        // Whoever is no buyer of what it sees supplies, or oversees.
        (Side::Supplier, Some(own)) => Condition::all().add(rfq::Column::BuyerId.ne(own)),
        (_, None) => Condition::all().add(Expr::val(false)),
    });
    let only = Condition::all().add_option(side).add_option(filter.state.map(|state| rfq::Column::State.eq(state)));
    page.by_id(db, rfq::Entity::visible_to(viewer).filter(only), rfq::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an RFQ in that list.
pub fn cursor(row: &rfq::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// An RFQ; none when there is none or it may not be seen.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: RfqId) -> Result<Option<rfq::Model>, Error> {
    Ok(rfq::Entity::visible_to(viewer).filter(rfq::Column::Id.eq(id)).one(db).await?)
}

/// Whether the entries of an invitation's trail are shown: to its supplier, and to whoever sees when it looked.
pub async fn trail_shown(db: &impl ConnectionTrait, viewer: &Viewer, id: RfqInvitationId) -> Result<bool, Error> {
    let Some(invitation) = invitation::Entity::find_by_id(id).one(db).await? else { return Ok(false) };
    let Some(row) = find(db, viewer, invitation.rfq_id).await? else { return Ok(false) };
    let own = viewer.reads_for(Scope::Procurement) == Some(invitation.supplier_id);
    Ok(own || (is_buyer(viewer, &row) && invitation.shown_view(&row).is_some()))
}

/// A page of the lines of an RFQ, which are all there.
pub fn lines(rows: Vec<line::Model>, page: &PageArgs) -> Result<Page<line::Model>, Error> {
    page.slice(rows, line_cursor)
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Whom RFQs are for, first invited first. `inside`: those that the viewer sees as whoever asks does, who learns of
/// all; of the others a supplier learns of itself.
pub(crate) async fn invitations_of(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    inside: &[RfqId],
    outside: &[RfqId],
) -> Result<Vec<invitation::Model>, Error> {
    let of = |ids: &[RfqId]| invitation::Column::RfqId.is_in(ids.iter().copied());
    let mut seen = Condition::any().add(of(inside));
    if let Some(own) = viewer.reads_for(Scope::Procurement) {
        seen = seen.add(Condition::all().add(of(outside)).add(invitation::Column::SupplierId.eq(own)));
    }
    Ok(invitation::Entity::find().filter(seen).order_by_asc(invitation::Column::Id).all(db).await?)
}

/// A page of the invitations of an RFQ that the viewer sees, which are all there.
pub fn invitations(rows: Vec<invitation::Model>, page: &PageArgs) -> Result<Page<invitation::Model>, Error> {
    page.slice(rows, invitation_cursor)
}

/// The lines of RFQs, in their order; who may see an RFQ may see them.
pub(crate) async fn lines_of(db: &impl ConnectionTrait, ids: &[RfqId]) -> Result<Vec<line::Model>, Error> {
    let lines = line::Entity::find().filter(line::Column::RfqId.is_in(ids.iter().copied()));
    Ok(lines.order_by_asc(line::Column::Position).all(db).await?)
}

/// The cursor of an invitation in that list.
pub fn invitation_cursor(row: &invitation::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
