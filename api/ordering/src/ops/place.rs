//! Placing: a quote becomes a checkout with an order for each parcel. All that the orders take is taken in one
//! transaction, in one order: allowances, credit, account book, stock; or nothing is.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, Utc};
use entities::{
    catalog::SupplyMode,
    ordering::{
        CheckoutState, Incoterm, OrderState, OrderStep, PaymentTerms, checkout, order, order_event, order_line,
        pricing::{Priced, PricedLine, is_import, source},
    },
    trade::allowance::Claim,
    values::{
        Consignee, ErrorCode, Refusal, Refusals,
        id::{CheckoutId, OfferId, OrderEventId, OrderId, StockLocationId, VariantId},
        refusal::{Check, given, line, paragraph},
    },
};
use inventory::{
    book, ledger,
    promises::{self, Purpose, Wanted},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::Error,
    graphql::encode,
    number::number,
    vault::Vault,
};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use trade::allowance;

use super::{carts, companies, quotes};
use crate::{buyer::Buyer, known::identity};

/// How long what is to be paid before it goes is held.
pub const HELD: Duration = Duration::minutes(15);
/// The same for an organisation, which may pay by bank.
pub const HELD_FOR_COMPANIES: Duration = Duration::days(3);

/// The place in the vault of a checkout's consignee.
fn consignee_place(id: CheckoutId) -> String {
    format!("checkout.consignee:{id}")
}

/// Who takes in what a checkout ordered, in clear.
pub fn consignee(vault: &Vault, checkout: &checkout::Model) -> Result<Consignee, Error> {
    let text = vault.unseal_text(&consignee_place(checkout.id), &checkout.consignee)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// What is to be placed.
#[derive(Clone, Debug)]
pub struct Placing {
    /// The token of the quote.
    pub quote: String,
    /// Who takes the goods in.
    pub consignee: Consignee,
    /// What the buyer says to the sellers.
    pub note: Option<String>,
    /// The buyer's own number of the order.
    pub po_number: Option<String>,
    /// When it is paid.
    pub terms: PaymentTerms,
    /// Who pays carriage up to where, of exports.
    pub incoterm: Option<Incoterm>,
    /// Tokens of scans that the buyer brought along.
    pub attribution: Vec<String>,
}

/// The texts of what is placed, checked: all that is wrong with them at once.
struct Texts {
    consignee: Consignee,
    masked_consignee: String,
    note: Option<String>,
    po_number: Option<String>,
}

fn texts(placing: &Placing) -> Result<Texts, Refusals> {
    let mut check = Check::default();
    let consignee = placing.consignee.checked().map_err(|refusals| {
        check.0.extend(refusals);
    });
    let note = given(placing.note.as_deref()).map(|text| check.take("note", paragraph(text, 500)));
    let po_number = given(placing.po_number.as_deref()).map(|text| check.take("poNumber", line(text, 60)));
    match consignee {
        Ok((consignee, masked_consignee)) => {
            let (note, po_number) = (note.flatten(), po_number.flatten());
            check.done(Texts { consignee, masked_consignee, note, po_number })
        }
        Err(()) => Err(check.0),
    }
}

/// Places a quote.
pub async fn place(app: &App, call: &Call, placing: &Placing) -> Result<checkout::Model, Error> {
    let buyer = Buyer::placing(&call.viewer)?;
    let person = buyer.person.ok_or(Error::Forbidden)?;
    let texts = texts(placing)?;
    if placing.terms == PaymentTerms::OnCredit && buyer.organisation.is_none() {
        return Err(Refusal::new(ErrorCode::LimitExceeded).with("free", "0").at("paymentTerms").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let quote = quotes::redeem(&work, app.vault(), &buyer, &placing.quote).await?;
    let parcels = &quote.content.0;
    let exports = parcels.iter().any(|parcel| parcel.supply_mode == SupplyMode::ExportB2b);
    if exports && placing.incoterm.is_none() {
        return Err(Refusal::new(ErrorCode::Required).at("incoterm").into());
    }
    let lookup = match buyer.organisation {
        None if parcels.iter().any(|parcel| is_import(parcel.supply_mode)) => {
            let lookup = identity(work.tx(), &buyer).await?;
            Some(lookup.ok_or_else(|| Refusal::new(ErrorCode::IdentityRequired))?)
        }
        _ => None,
    };
    let level = match buyer.organisation {
        Some(organisation) => companies::level_for(work.tx(), organisation, quote.currency, quote.total_minor).await?,
        None => None,
    };
    let state = match (level, placing.terms) {
        (Some(_), _) => CheckoutState::AwaitingApproval,
        (None, PaymentTerms::OnCredit) => CheckoutState::OnCredit,
        (None, PaymentTerms::Prepaid) => CheckoutState::AwaitingPayment,
    };
    let held = if buyer.organisation.is_some() { HELD_FOR_COMPANIES } else { HELD };
    let id = CheckoutId::new(work.now);
    let consignee = serde_json::to_vec(&texts.consignee).map_err(Error::internal)?;
    let checkout = checkout::Model {
        id,
        number: number("XN", work.now)?,
        quote_id: quote.id,
        person_id: person,
        organisation_id: buyer.organisation,
        currency: quote.currency,
        total_minor: quote.total_minor,
        state,
        terms: placing.terms,
        consignee: app.vault().seal(&consignee_place(id), &consignee)?,
        masked_consignee: texts.masked_consignee,
        division: quote.division.clone(),
        buyer_lookup: lookup,
        po_number: texts.po_number,
        note: texts.note,
        approval_level: level,
        expires_at: (state != CheckoutState::OnCredit).then(|| work.now + held),
        extended: false,
        paid_by: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let orders = write(&work, &checkout, parcels, placing.incoterm).await?;
    take(&work, &checkout, &orders, parcels, app.config().ordering.keeps_days).await?;
    showroom::attribution::brought(work.tx(), app.vault(), work.now, &checkout.number, &placing.attribution).await?;
    let offers: Vec<OfferId> = parcels.iter().flat_map(|parcel| parcel.lines.iter().map(|line| line.offer)).collect();
    carts::take_out(&work, quote.cart_id, offers).await?;
    for order in &orders {
        super::orders::told(&mut work, order).await?;
    }
    if let Some(organisation) = buyer.organisation {
        // A person's own order has its timeline; an organisation also has its audit.
        let shown = json!({ "number": checkout.number, "total": checkout.total_minor, "currency": checkout.currency });
        work.audit(Some(organisation), "placeOrder", encode(checkout.id).0, Value::Null, shown);
    }
    work.commit(checkout).await
}

/// Writes the checkout with its orders, their lines and the first event of each.
async fn write(
    work: &Work,
    checkout: &checkout::Model,
    parcels: &[Priced],
    incoterm: Option<Incoterm>,
) -> Result<Vec<order::Model>, Error> {
    let state = match checkout.state {
        CheckoutState::AwaitingApproval => OrderState::AwaitingApproval,
        CheckoutState::OnCredit => OrderState::Confirmed,
        _ => OrderState::AwaitingPayment,
    };
    let orders: Vec<order::Model> = parcels
        .iter()
        .enumerate()
        .map(|(n, parcel)| order::Model {
            id: OrderId::new(work.now),
            number: format!("{}{:02}", checkout.number, n + 1),
            checkout_id: checkout.id,
            seller_id: parcel.seller,
            person_id: checkout.person_id,
            organisation_id: checkout.organisation_id,
            supply_mode: parcel.supply_mode,
            location_id: parcel.place,
            state,
            currency: checkout.currency,
            goods_minor: parcel.goods_minor,
            freight_minor: parcel.freight_minor,
            insurance_minor: parcel.insurance_minor,
            dutiable_minor: parcel.dutiable_minor,
            duty_minor: parcel.duty_minor,
            consumption_minor: parcel.consumption_minor,
            vat_minor: parcel.vat_minor,
            total_minor: parcel.total_minor,
            commission_minor: 0,
            incoterm: incoterm.filter(|_| parcel.supply_mode == SupplyMode::ExportB2b),
            version: 1,
            created_at: work.now,
            updated_at: work.now,
        })
        .collect();
    let line = |order: &order::Model, n: usize, line: &PricedLine| order_line::Model {
        order_id: order.id,
        number: i32::try_from(n + 1).unwrap_or(i32::MAX),
        offer_id: line.offer,
        variant_id: line.variant,
        sku: line.sku.clone(),
        name: line.name.clone(),
        hs_code: line.hs_code.clone(),
        origin: line.origin.clone(),
        quantity: line.quantity,
        unit_minor: line.unit_minor,
        goods_minor: line.goods_minor,
        carriage_minor: line.carriage_minor,
        tax_minor: line.tax_minor,
        tax: line.tax.clone().map(order_line::TaxOf),
        parts: order_line::Parts(line.parts.clone()),
    };
    let mut lines = Vec::new();
    for (order, parcel) in orders.iter().zip(parcels) {
        for (n, of) in parcel.lines.iter().enumerate() {
            lines.push(line(order, n, of).into_active_model());
        }
    }
    let tx = work.tx();
    checkout::Entity::insert(checkout.clone().into_active_model()).exec_without_returning(tx).await?;
    let rows = orders.iter().cloned().map(IntoActiveModel::into_active_model);
    order::Entity::insert_many(rows).exec_without_returning(tx).await?;
    order_line::Entity::insert_many(lines).exec_without_returning(tx).await?;
    let actor = work.viewer().subject();
    events(tx, &orders, OrderStep::Place, state, &actor, None, work.now).await?;
    Ok(orders)
}

/// Adds an event to the timeline of each order.
pub(crate) async fn events(
    tx: &impl ConnectionTrait,
    orders: &[order::Model],
    step: OrderStep,
    state: OrderState,
    actor: &str,
    note: Option<&str>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    if orders.is_empty() {
        return Ok(());
    }
    let rows = orders.iter().map(|order| {
        order_event::Model {
            id: OrderEventId::new(at),
            order_id: order.id,
            step,
            state,
            actor: actor.to_owned(),
            note: note.map(str::to_owned),
            at,
        }
        .into_active_model()
    });
    order_event::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// What an order takes from its warehouse: for each line, or each part of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The offer of the line.
    offer: OfferId,
    variant: VariantId,
    quantity: i64,
}

/// What the lines of an order are taken from.
pub(crate) fn taken<'a>(lines: impl Iterator<Item = (OfferId, VariantId, i32, &'a [(VariantId, i32)])>) -> Vec<Taken> {
    lines
        .flat_map(|(offer, variant, quantity, parts)| {
            let whole = [(variant, 1)];
            let parts = if parts.is_empty() { whole.to_vec() } else { parts.to_vec() };
            parts.into_iter().map(move |(variant, each)| Taken {
                offer,
                variant,
                quantity: i64::from(quantity) * i64::from(each),
            })
        })
        .collect()
}

/// Takes what orders need: allowances, credit, the account book, stock. In this order everywhere, and each in one order
/// of its own, so that two that take the same wait for each other and do not embrace; stock, where most of them meet,
/// comes last.
async fn take(
    work: &Work,
    checkout: &checkout::Model,
    orders: &[order::Model],
    parcels: &[Priced],
    keeps_days: u32,
) -> Result<(), Error> {
    let date = business_day(work.now);
    let mut claims: Vec<(&str, Vec<Claim>)> = Vec::new();
    for (order, parcel) in orders.iter().zip(parcels) {
        let of = parcel.claims(date)?;
        if !of.is_empty() {
            claims.push((&order.number, of));
        }
    }
    if let Some(lookup) = checkout.buyer_lookup.as_deref() {
        let claims: Vec<(&str, &[Claim])> = claims.iter().map(|(number, of)| (*number, of.as_slice())).collect();
        allowance::reserve_all(work.tx(), work.now, allowance::Buyer { lookup, year: date.year() }, &claims).await?;
    }
    if checkout.terms == PaymentTerms::OnCredit {
        companies::take_credit(work, checkout, orders).await?;
    }
    let lines = |parcel: &Priced| {
        taken(parcel.lines.iter().map(|line| (line.offer, line.variant, line.quantity, line.parts.as_slice())))
    };
    let needs: Vec<(&order::Model, Vec<Taken>)> =
        orders.iter().zip(parcels).map(|(order, parcel)| (order, lines(parcel))).collect();
    let until = checkout.expires_at.unwrap_or(work.now + HELD);
    let actor = work.viewer().subject();
    let by = ledger::By { actor: &actor, at: work.now };
    let holding = Holding { by, key: &checkout.number, until, keeps_days };
    hold(work.tx(), holding, &needs).await?;
    if checkout.state == CheckoutState::OnCredit {
        for order in orders.iter().filter(|order| order.location_id.is_some()) {
            promises::confirm_all(work.tx(), work.now, &order.number).await?;
        }
    }
    Ok(())
}

/// How orders are held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding<'a> {
    /// Who does it, and when.
    pub by: ledger::By<'a>,
    /// What the hold is known by.
    pub key: &'a str,
    /// Until when.
    pub until: DateTime<Utc>,
    /// How many days goods must keep after today.
    pub keeps_days: u32,
}

/// Locks the account book and holds stock for orders; each order's under its own number.
pub(crate) async fn hold(
    tx: &impl ConnectionTrait,
    holding: Holding<'_>,
    needs: &[(&order::Model, Vec<Taken>)],
) -> Result<(), Error> {
    let Holding { by, key, until, keeps_days } = holding;
    let mut sorted: Vec<&(&order::Model, Vec<Taken>)> =
        needs.iter().filter(|(order, _)| order.location_id.is_some()).collect();
    sorted.sort_by_key(|(order, _)| (order.seller_id, order.location_id, order.supply_mode as u8));
    for (order, taken) in &sorted {
        let Some(location) = order.location_id.filter(|_| order.supply_mode == SupplyMode::BondedImport) else {
            continue;
        };
        lock_book(tx, by, order, location, taken).await?;
    }
    let places: Vec<[StockLocationId; 1]> = sorted.iter().filter_map(|(order, _)| Some([order.location_id?])).collect();
    let mut wants = Vec::new();
    let mut documents = Vec::new();
    let mut offers = Vec::new();
    for ((order, taken), place) in sorted.iter().zip(&places) {
        let (status, _) = source(order.supply_mode);
        for one in taken {
            wants.push(Wanted {
                owner: order.seller_id,
                variant: one.variant,
                quantity: one.quantity,
                locations: place,
                status,
                keeps_days,
            });
            documents.push(order.number.as_str());
            offers.push(one.offer);
        }
    }
    let purpose = Purpose { kind: entities::inventory::ReservationKind::Order, document: key, key, until };
    promises::hold_for(tx, by.at, &wants, &documents, purpose).await.map_err(|error| of_offer(error, &offers))?;
    Ok(())
}

/// Locks what is filed in the book of a warehouse. What is not filed is customs' business, at the declaration.
async fn lock_book(
    tx: &impl ConnectionTrait,
    by: ledger::By<'_>,
    order: &order::Model,
    location: StockLocationId,
    taken: &[Taken],
) -> Result<(), Error> {
    let mut sums: BTreeMap<VariantId, i64> = BTreeMap::new();
    for one in taken {
        *sums.entry(one.variant).or_default() += one.quantity;
    }
    let filed = book::filed(tx, order.seller_id, location, sums.keys().copied()).await?;
    let wants: Vec<book::Wanted> = sums
        .into_iter()
        .filter(|(variant, _)| filed.contains(variant))
        .map(|(variant, quantity)| (order.seller_id, location, variant, quantity))
        .collect();
    let offers: Vec<OfferId> = wants
        .iter()
        .filter_map(|(_, _, variant, _)| taken.iter().find(|one| one.variant == *variant).map(|one| one.offer))
        .collect();
    book::lock(tx, by, &wants, &order.number).await.map_err(|error| of_offer(error, &offers))?;
    Ok(())
}

/// A refusal of a line names the offer: the input has none of these lines.
fn of_offer(error: Error, offers: &[OfferId]) -> Error {
    match error {
        Error::Refused(refusals) => Error::Refused(
            refusals
                .into_iter()
                .map(|mut refusal| {
                    let line = match refusal.field.as_slice() {
                        [lines, n, ..] if lines == "lines" => n.parse::<usize>().ok(),
                        _ => None,
                    };
                    refusal.field = vec!["quote".into()];
                    match line.and_then(|n| offers.get(n)) {
                        Some(offer) => refusal.with("offerId", encode(*offer).0),
                        None => refusal,
                    }
                })
                .collect(),
        ),
        other => other,
    }
}
