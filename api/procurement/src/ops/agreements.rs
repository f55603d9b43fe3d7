//! Framework agreements: written by a buyer, agreed to by its supplier, put into force by somebody who did not write
//! them. Orders take from them ([`super::limits`]) at the prices that they hold ([`held_to`]).

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::{Action, Resource, Viewer},
    platform::EventKind,
    procurement::{
        AgreementKind, AgreementState, AgreementStep, Side,
        agreement::{self, MOST_LINES, line},
        order::{self, MOST_DAYS},
        terms::{MOST, People},
        tiers::{self, TierMode, Tiers},
    },
    values::{
        Currency, ErrorCode, Refusal, Refusals,
        id::{CategoryId, OrganisationId, SupplyAgreementId, SupplyAgreementLineId, VariantId},
        refusal::{self as text, Check},
    },
};
use inventory::{ledger::in_line, ops::unseen};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::{
    acting, fresh,
    orders::{NewOrder, NewOrderLine, category_paths},
    suppliers::{self, Purpose},
    tell_both,
};
use crate::jobs::BY;

const NEWEST: &str = "newest-supply-agreement";
const BY_LINE: &str = "supply-agreement-line";
/// Most that end in one turn of the clock.
const MOST_DUE: u64 = 100;

/// An agreement as it is written.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the agreement")]
pub struct NewAgreement {
    pub kind: AgreementKind,
    pub title: String,
    pub currency: Currency,
    pub incoterm: Incoterm,
    pub named_place: String,
    pub payment_days: i32,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    pub ceiling_minor: Option<i64>,
    pub terms: Option<String>,
    pub lines: Vec<NewAgreementLine>,
}

/// A line of it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the line")]
pub struct NewAgreementLine {
    pub variant: Option<VariantId>,
    pub category: Option<CategoryId>,
    pub description: String,
    pub unit: String,
    pub tiers: Tiers,
    pub mode: TierMode,
    pub moq: i64,
    pub multiple: i64,
    pub ceiling: Option<i64>,
}

/// Which agreements.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub state: Option<AgreementState>,
    pub supplier: Option<OrganisationId>,
}

/// The words of an agreement, checked: title, place, terms.
fn head(new: &NewAgreement, today: NaiveDate) -> Result<(String, String, Option<String>), Refusals> {
    let mut check = Check::default();
    let title = check.take("title", text::line(&new.title, 200));
    let place = check.take("namedPlace", text::line(&new.named_place, 120));
    let said = text::given(new.terms.as_deref());
    let terms = said.and_then(|terms| check.take("terms", text::paragraph(terms, 2_000)));
    let days = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", MOST_DAYS.to_string());
    check.demand((0..=MOST_DAYS).contains(&new.payment_days), "paymentDays", days);
    let late = || Refusal::new(ErrorCode::InvalidValue).with("value", new.valid_to.to_string());
    check.demand(new.valid_from <= new.valid_to && today <= new.valid_to, "validTo", late);
    let ceilings: Vec<Option<i64>> = new.lines.iter().map(|line| line.ceiling).collect();
    check.0.extend(agreement::checked(new.kind, new.ceiling_minor, &ceilings).err().unwrap_or_default());
    check.done((title.unwrap_or_default(), place.unwrap_or_default(), terms))
}

/// A line of an agreement, checked.
fn row(
    now: DateTime<Utc>,
    agreement: SupplyAgreementId,
    currency: Currency,
    position: i32,
    new: &NewAgreementLine,
) -> Result<line::Model, Error> {
    let mut check = Check::default();
    let description = check.take("description", text::line(&new.description, 300));
    let unit = check.take("unit", text::line(&new.unit, 20));
    if let Err(refusal) = tiers::checked(&new.tiers.0, new.moq, new.multiple) {
        // What is wrong with one number names it, what is wrong with all of them does not.
        let refusal = refusal.with("currency", currency.code());
        check.0.push(if refusal.field.is_empty() { refusal.at("tiers") } else { refusal });
    }
    let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
    check.demand(new.ceiling.is_none_or(|ceiling| ceiling <= MOST), "ceiling", range);
    check.done(())?;
    Ok(line::Model {
        id: SupplyAgreementLineId::new(now),
        agreement_id: agreement,
        position,
        variant_id: new.variant,
        category_id: new.category,
        description: description.unwrap_or_default(),
        unit: unit.unwrap_or_default(),
        tiers: new.tiers.clone(),
        mode: new.mode,
        moq: new.moq,
        multiple: new.multiple,
        ceiling: new.ceiling,
        released: 0,
    })
}

/// The lines of an agreement, checked: what they are of exists.
async fn rows(
    work: &Work,
    id: SupplyAgreementId,
    currency: Currency,
    new: &[NewAgreementLine],
) -> Result<Vec<line::Model>, Error> {
    text::few(new.len(), MOST_LINES)?;
    let mut made = Vec::with_capacity(new.len());
    for ((n, line), position) in new.iter().enumerate().zip(0_i32..) {
        made.push(row(work.now, id, currency, position, line).map_err(|error| in_line(error, n))?);
    }
    let (places, variants): (Vec<usize>, Vec<VariantId>) =
        new.iter().enumerate().filter_map(|(n, line)| Some((n, line.variant?))).unzip();
    if let Some(wrong) = unseen(work, &variants).await? {
        return Err(in_line(not_found("variantId", encode(variants[wrong]).as_str()), places[wrong]));
    }
    let paths = category_paths(work.tx(), new.iter().filter_map(|line| line.category)).await?;
    for (n, line) in new.iter().enumerate() {
        if let Some(category) = line.category.filter(|category| !paths.contains_key(category)) {
            return Err(in_line(not_found("categoryId", encode(category).as_str()), n));
        }
    }
    Ok(made)
}

/// What the audit keeps of an agreement.
fn shown(row: &agreement::Model) -> Value {
    json!({
        "number": row.number, "state": row.state, "kind": row.kind, "supplier": encode(row.supplier_id).0,
        "validFrom": row.valid_from, "validTo": row.valid_to, "currency": row.currency, "ceiling": row.ceiling_minor,
    })
}

/// Notes what happened to an agreement, and tells the buyer, and its supplier when it is shown it.
async fn noted(
    work: &mut Work,
    action: &'static str,
    row: &agreement::Model,
    before: Value,
    after: Value,
) -> Result<(), Error> {
    let (node, kind) = (encode(row.id).0, EventKind::SupplyAgreementChanged);
    let chain = work.viewer().organisation().unwrap_or(row.buyer_id);
    work.audit(Some(chain), action, node.clone(), before, after);
    if row.offered_at.is_none() {
        return work.tell(row.buyer_id, kind, node, row.version).await;
    }
    tell_both(work, kind, row.buyer_id, row.supplier_id, &node, row.version).await
}

/// Writes an agreement, which its supplier does not see yet.
pub async fn create(
    app: &App,
    call: &Call,
    supplier: OrganisationId,
    new: &NewAgreement,
) -> Result<agreement::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let today = business_day(work.now);
    let (title, named_place, terms) = head(new, today)?;
    let admitted = suppliers::admitted(work.tx(), buyer, supplier, Purpose::Order, today).await;
    admitted.map_err(|error| error.of("supplierId"))?;
    let id = SupplyAgreementId::new(work.now);
    let lines = rows(&work, id, new.currency, &new.lines).await?;
    let row = agreement::Model {
        id,
        number: number("FA", work.now)?,
        buyer_id: buyer,
        supplier_id: supplier,
        kind: new.kind,
        state: AgreementState::Draft,
        title,
        currency: new.currency,
        incoterm: new.incoterm,
        named_place,
        payment_days: new.payment_days,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        ceiling_minor: new.ceiling_minor,
        released_minor: 0,
        terms,
        created_by: work.viewer().subject(),
        person_id: work.viewer().person(),
        editors: People::default().with(work.viewer().person()),
        offered_at: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    agreement::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let lines = lines.into_iter().map(IntoActiveModel::into_active_model);
    line::Entity::insert_many(lines).exec_without_returning(work.tx()).await?;
    noted(&mut work, "createSupplyAgreement", &row, Value::Null, shown(&row)).await?;
    work.commit(row).await
}

/// Puts another content into an agreement that was not offered yet. Its supplier stays.
pub async fn update(
    app: &App,
    call: &Call,
    id: SupplyAgreementId,
    expected: i32,
    new: &NewAgreement,
) -> Result<agreement::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, Side::Buyer, Action::SourceGoods, id).await?;
    fresh(before.version, expected)?;
    // It may be written as long as it may be offered.
    AgreementStep::Offer.from(before.state).map_err(|refusal| refusal.with("action", "UPDATE").at("id"))?;
    let (title, named_place, terms) = head(new, business_day(work.now))?;
    let lines = rows(&work, id, new.currency, &new.lines).await?;
    let next = agreement::Model {
        kind: new.kind,
        title,
        currency: new.currency,
        incoterm: new.incoterm,
        named_place,
        payment_days: new.payment_days,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        ceiling_minor: new.ceiling_minor,
        terms,
        person_id: work.viewer().person(),
        editors: before.editors.with(work.viewer().person()),
        ..before.clone()
    };
    let next = write(&work, &before, next).await?;
    line::Entity::delete_many().filter(line::Column::AgreementId.eq(id)).exec(work.tx()).await?;
    let lines = lines.into_iter().map(IntoActiveModel::into_active_model);
    line::Entity::insert_many(lines).exec_without_returning(work.tx()).await?;
    noted(&mut work, "updateSupplyAgreement", &next, shown(&before), shown(&next)).await?;
    work.commit(next).await
}

/// An agreement that the organisation acted for may do this to, on its side; it does not exist for anyone else.
async fn own(work: &Work, side: Side, action: Action, id: SupplyAgreementId) -> Result<agreement::Model, Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let own = work.viewer().organisation().ok_or_else(unknown)?;
    let row = agreement::Entity::find_by_id(id).one(work.tx()).await?;
    let theirs =
        |row: &agreement::Model| side.of(row.buyer_id == own, row.supplier_id == own && row.offered_at.is_some());
    let row = row.filter(theirs).ok_or_else(unknown)?;
    allowed(work.viewer(), action, Resource::of(own))?;
    Ok(row)
}

/// Writes an agreement as it is to be, in place of what was read: of two who change it at once one does. What orders
/// took of it meanwhile stays taken.
async fn write(work: &Work, before: &agreement::Model, next: agreement::Model) -> Result<agreement::Model, Error> {
    let next = agreement::Model { version: before.version + 1, updated_at: work.now, ..next };
    let mut written = next.clone().into_active_model().reset_all();
    written.not_set(agreement::Column::ReleasedMinor);
    let done = agreement::Entity::update_many()
        .set(written)
        .filter(agreement::Column::Id.eq(before.id))
        .filter(agreement::Column::State.eq(before.state))
        .filter(agreement::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// Takes a step of an agreement that was read.
async fn stepped(
    work: &mut Work,
    action: &'static str,
    before: &agreement::Model,
    step: AgreementStep,
    reason: Option<&str>,
) -> Result<agreement::Model, Error> {
    let state = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let shown = (state == AgreementState::Offered).then_some(work.now);
    let offered_at = before.offered_at.or(shown);
    let next = write(work, before, agreement::Model { state, offered_at, ..before.clone() }).await?;
    let after = json!({ "state": next.state, "reason": reason });
    noted(work, action, &next, json!({ "state": before.state }), after).await?;
    Ok(next)
}

/// Shows an agreement to its supplier.
pub async fn offer(app: &App, call: &Call, id: SupplyAgreementId, expected: i32) -> Result<agreement::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, Side::Buyer, Action::SourceGoods, id).await?;
    fresh(before.version, expected)?;
    let today = business_day(work.now);
    let admitted = suppliers::admitted(work.tx(), buyer, before.supplier_id, Purpose::Order, today).await;
    admitted.map_err(|error| error.of("id"))?;
    let next = stepped(&mut work, "offerSupplyAgreement", &before, AgreementStep::Offer, None).await?;
    work.commit(next).await
}

/// The supplier agrees, or does not and says why.
pub async fn answer(
    app: &App,
    call: &Call,
    id: SupplyAgreementId,
    expected: i32,
    declined: Option<&str>,
) -> Result<agreement::Model, Error> {
    acting(call, Action::QuoteGoods)?;
    let reason = declined.map(|said| text::line(said, 300)).transpose().map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, Side::Supplier, Action::QuoteGoods, id).await?;
    fresh(before.version, expected)?;
    let next = match &reason {
        None => stepped(&mut work, "acceptSupplyAgreement", &before, AgreementStep::Accept, None).await?,
        Some(why) => {
            stepped(&mut work, "declineSupplyAgreement", &before, AgreementStep::Decline, Some(why.as_str())).await?
        }
    };
    work.commit(next).await
}

/// Puts an agreement into force: not who wrote anything of it.
pub async fn activate(app: &App, call: &Call, id: SupplyAgreementId, expected: i32) -> Result<agreement::Model, Error> {
    acting(call, Action::ApprovePurchases)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, Side::Buyer, Action::ApprovePurchases, id).await?;
    fresh(before.version, expected)?;
    AgreementStep::Activate.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let person = work.viewer().person();
    // A program cannot be told from whoever wrote it.
    let another = person.filter(|person| !before.editors.0.contains(person) && before.person_id != Some(*person));
    if another.is_none() || work.viewer().subject() == before.created_by {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let today = business_day(work.now);
    let admitted = suppliers::admitted(work.tx(), before.buyer_id, before.supplier_id, Purpose::Order, today).await;
    admitted.map_err(|error| error.of("id"))?;
    let next = stepped(&mut work, "activateSupplyAgreement", &before, AgreementStep::Activate, None).await?;
    work.commit(next).await
}

/// Ends an agreement before its time, or gives it up before it was offered: nothing more is ordered by it.
pub async fn end(
    app: &App,
    call: &Call,
    id: SupplyAgreementId,
    expected: i32,
    reason: &str,
) -> Result<agreement::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, Side::Buyer, Action::SourceGoods, id).await?;
    fresh(before.version, expected)?;
    let next = stepped(&mut work, "endSupplyAgreement", &before, AgreementStep::End, Some(reason.as_str())).await?;
    work.commit(next).await
}

/// Ends agreements whose last day is over; how many. What others change meanwhile has its turn next time.
pub async fn end_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let today = business_day(now);
    let (from, _) = AgreementStep::End.leads();
    let due = agreement::Entity::find()
        .filter(agreement::Column::State.is_in(from.iter().copied()))
        .filter(agreement::Column::ValidTo.lt(today))
        .order_by_asc(agreement::Column::ValidTo)
        .limit(MOST_DUE);
    let mut ended = 0;
    for row in due.all(app.db().writer()).await? {
        let mut work = app.begin(&Call::unasked(BY)).await?;
        match stepped(&mut work, "endSupplyAgreement", &row, AgreementStep::End, Some("expired")).await {
            Ok(_) => {
                work.commit(()).await?;
                ended += 1;
            }
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ended)
}

/// Whether a line of an order is as it was: what was agreed then holds.
fn unchanged(line: &NewOrderLine, kept: Option<&order::line::Model>) -> bool {
    kept.is_some_and(|kept| {
        kept.agreement_line_id == line.agreement_line
            && kept.variant_id == line.variant
            && kept.unit == line.unit.trim()
            && (kept.quantity, kept.price) == (line.quantity, line.price)
    })
}

/// What an order takes from an agreement must be what that holds, at the price of its tier on this day, as much as is
/// ordered at once. `categories`: of each line, with its path; `kept`: the line that it was.
pub(super) async fn held_to(
    work: &Work,
    new: &NewOrder,
    categories: &[Option<(CategoryId, String)>],
    kept: &[Option<&order::line::Model>],
) -> Result<(), Error> {
    let Some(id) = new.agreement else {
        let named = new.lines.iter().enumerate().find_map(|(n, line)| Some((n, line.agreement_line?)));
        return named.map_or(Ok(()), |(n, id)| Err(in_line(not_found("agreementLineId", encode(id).as_str()), n)));
    };
    let changed = |n: &usize| !unchanged(&new.lines[*n], kept[*n]);
    let changed: Vec<usize> = (0..new.lines.len()).filter(changed).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let agreement = in_force(work, id, new.buyer).await?;
    if agreement.supplier_id != new.supplier {
        return Err(not_found("agreementId", encode(id).as_str()));
    }
    if agreement.currency != new.currency {
        return Err(Refusal::new(ErrorCode::InvalidCurrency).with("value", new.currency.code()).at("currency").into());
    }
    let lines = lines_of(work.tx(), id).await?;
    let paths = category_paths(work.tx(), lines.iter().filter_map(|line| line.category_id)).await?;
    for n in changed {
        let line = &new.lines[n];
        let path = categories[n].as_ref().map(|(_, path)| path.as_str());
        let wanted = line.agreement_line.ok_or_else(|| Refusal::new(ErrorCode::Required).at("agreementLineId"));
        let wanted = wanted.map_err(|refusal| in_line(refusal.into(), n))?;
        let fits = |row: &&line::Model| match (row.variant_id, row.category_id) {
            (Some(variant), _) => line.variant == Some(variant),
            (None, Some(category)) => {
                paths.get(&category).zip(path).is_some_and(|(whole, path)| path.starts_with(whole.as_str()))
            }
            (None, None) => true,
        };
        let row = lines.iter().find(|row| row.id == wanted).filter(fits);
        let row = row.ok_or_else(|| in_line(not_found("agreementLineId", encode(wanted).as_str()), n))?;
        priced(line, row, new.currency).map_err(|refusal| in_line(refusal.into(), n))?;
    }
    Ok(())
}

/// The price of a line must be that of its tier, of the same unit, and its quantity one that may be ordered.
fn priced(line: &NewOrderLine, row: &line::Model, currency: Currency) -> Result<(), Refusal> {
    if line.unit.trim() != row.unit {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", line.unit.trim()).at("unit"));
    }
    tiers::fit(line.quantity, row.moq, row.multiple)
        .map_err(|(refusal, suggested)| refusal.with("suggested", suggested.to_string()).at("quantity"))?;
    let held = tiers::effective(&row.tiers.0, row.mode, line.quantity, currency);
    let held =
        held.ok_or_else(|| Refusal::new(ErrorCode::BelowMinimumOrder).with("min", row.moq.to_string()).at("quantity"))?;
    if held == line.price {
        return Ok(());
    }
    let told = format!("{currency} {}", held.decimal());
    Err(Refusal::new(ErrorCode::PriceChanged).with("price", told).at("price"))
}

/// An agreement of a buyer that is in force today.
pub(super) async fn in_force(
    work: &Work,
    id: SupplyAgreementId,
    buyer: OrganisationId,
) -> Result<agreement::Model, Error> {
    let row = agreement::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.buyer_id == buyer);
    let row = row.ok_or_else(|| not_found("agreementId", encode(id).as_str()))?;
    if row.holds_on(business_day(work.now)) {
        return Ok(row);
    }
    let state = match row.state {
        // In force on other days.
        AgreementState::Active => format!("{} – {}", row.valid_from, row.valid_to),
        other => async_graphql::Value::from(other).to_string(),
    };
    let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", state).with("action", "ORDER");
    Err(refusal.at("agreementId").into())
}

/// The lines of an agreement, in their order.
pub(super) async fn lines_of(tx: &impl ConnectionTrait, id: SupplyAgreementId) -> Result<Vec<line::Model>, Error> {
    let rows = line::Entity::find().filter(line::Column::AgreementId.eq(id)).order_by_asc(line::Column::Position);
    Ok(rows.all(tx).await?)
}

/// Agreements that the viewer may see, the newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<agreement::Model>, Error> {
    let side = filter
        .side
        .zip(viewer.organisation())
        .map(|(side, own)| side.of(agreement::Column::BuyerId, agreement::Column::SupplierId).eq(own));
    let only = Condition::all()
        .add_option(side)
        .add_option(filter.state.map(|state| agreement::Column::State.eq(state)))
        .add_option(filter.supplier.map(|supplier| agreement::Column::SupplierId.eq(supplier)));
    let list = agreement::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, agreement::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an agreement in that list.
pub fn cursor(row: &agreement::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// An agreement; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: SupplyAgreementId,
) -> Result<Option<agreement::Model>, Error> {
    Ok(agreement::Entity::visible_to(viewer).filter(agreement::Column::Id.eq(id)).one(db).await?)
}

/// A page of the lines of an agreement, by their places.
pub async fn lines(
    db: &impl ConnectionTrait,
    agreement: SupplyAgreementId,
    page: &PageArgs,
) -> Result<Page<line::Model>, Error> {
    page.slice(lines_of(db, agreement).await?, line_cursor)
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(BY_LINE, row.id)
}
