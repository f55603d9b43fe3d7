//! What came into a site (入库明细单, CEB711): whoever operates a site under customs supervision reports which parcels of a
//! bill of direct imports came. It is a paper like any other: kept, signed, sent, and it stands as its receipts (CEB712)
//! say, which name it by the number of its message. It is part of no declaration: customs holds lists against it.
//!
//! A delivery is known by its operator and the operator's own number. What failed, or customs did not take, is mended by
//! reporting it once more under that number; what nobody answers to is sent again when the same is reported once more.
//! Nothing else can be.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        delivery::Delivery,
        paper::{self, PaperKind, PaperState},
        sale::{Party, Stamp},
    },
    party::{Action, OrganisationRole, Resource, Viewer, organisation, organisation_role},
    values::{
        ErrorCode, Refusal, Refusals,
        id::OrganisationId,
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call},
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{
    document_of,
    gathered::party,
    jobs::Send,
    lists,
    papers::{put_about, renewed, says_the_same},
};

const NEWEST: &str = "newest-delivery";
/// Most parcels of a delivery.
const MOST: usize = 500;
/// Who runs a site under customs supervision.
const SITE: &[OrganisationRole] = &[OrganisationRole::BondedWarehouse, OrganisationRole::Logistics];

/// What came, as it is typed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Came {
    pub number: String,
    pub customs_code: String,
    pub traf_mode: String,
    pub vehicle: String,
    pub voyage: String,
    pub bill: String,
    pub carrier: OrganisationId,
    pub unload_location: Option<String>,
    pub waybills: Vec<String>,
}

/// A number of people's own: what customs' schema and a key can hold.
fn own_number(written: &str, most: usize) -> Result<String, Refusal> {
    let number = line(written, most)?;
    let fits = number.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|');
    if fits { Ok(number) } else { Err(Refusal::new(ErrorCode::InvalidValue).with("value", number)) }
}

/// What came, checked; all that is wrong with it at once.
fn checked(came: &Came, operator: Party, carrier: Party) -> Result<Delivery, Refusals> {
    let wrong =
        |value: &str| Refusal::new(ErrorCode::InvalidValue).with("value", value.chars().take(60).collect::<String>());
    let mut check = Check::default();
    let number = check.take("number", own_number(&came.number, 20)).unwrap_or_default();
    let office = came.customs_code.trim();
    let known = office.len() == 4 && office.bytes().all(|byte| byte.is_ascii_digit());
    check.demand(known, "customsCode", || wrong(office));
    let mode = came.traf_mode.trim();
    check.demand(matches!(mode.as_bytes(), [b'2'..=b'6' | b'9']), "trafMode", || wrong(mode));
    let traf_no = check.take("vehicle", line(&came.vehicle, 100)).unwrap_or_default();
    let voyage_no = check.take("voyage", line(&came.voyage, 32)).unwrap_or_default();
    let bill_no = check.take("bill", own_number(&came.bill, 37)).unwrap_or_default();
    let place = came.unload_location.as_deref().map(|text| line(text, 100)).transpose();
    let unload_location = check.take("unloadLocation", place).flatten();
    let many = || Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string());
    check.demand(!came.waybills.is_empty(), "waybills", || Refusal::new(ErrorCode::Required));
    check.demand(came.waybills.len() <= MOST, "waybills", many);
    let (mut waybills, mut seen) = (Vec::new(), BTreeSet::new());
    for (n, written) in came.waybills.iter().take(MOST).enumerate() {
        let number = check.take("waybills", line(written, 60).map_err(|refusal| refusal.at(n.to_string())));
        let Some(number) = number else { continue };
        check.demand(seen.insert(number.clone()), "waybills", || {
            Refusal::new(ErrorCode::Duplicate).with("value", number.clone()).at(n.to_string())
        });
        waybills.push(number);
    }
    check.done(Delivery {
        number,
        customs_code: office.to_owned(),
        operator,
        traf_mode: mode.to_owned(),
        traf_no,
        voyage_no,
        bill_no,
        carrier,
        unload_location,
        waybills,
    })
}

/// Reports what came into the site of the organisation acted for.
pub async fn report(app: &App, call: &Call, came: &Came) -> Result<paper::Model, Error> {
    call.may(Action::ReportDeliveries, Resource::OWN)?;
    let own = call.viewer.organisation().ok_or(Error::Forbidden)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered::<paper::Model>()? {
        // What it says is sealed, and not part of an answer that is kept.
        let row = paper::Entity::find_by_id(before.id).one(work.tx()).await?;
        return row.ok_or_else(|| Error::internal("a paper is gone"));
    }
    // What one operator reports is noted one after the other: a number is one delivery's.
    lists::lock_organisation(work.tx(), own).await?;
    let (operator, carrier) = parties(work.tx(), own, came.carrier).await?;
    let delivery = checked(came, operator, carrier)?;
    let first = Stamp { guid: fresh_guid()?, again: false, at: work.now };
    let document = delivery.document(None, &first);
    let key = PaperKind::Delivery.key(&document.head);
    let before = paper::Entity::find()
        .filter(paper::Column::Kind.eq(PaperKind::Delivery))
        .filter(paper::Column::BusinessKey.eq(&key))
        .one(work.tx())
        .await?;
    let row = match before {
        None => {
            let about = (delivery.bill_no.as_str(), None);
            put_about(app, &mut work, about, PaperKind::Delivery, own, &document, &first).await?
        }
        Some(before) if before.sender_id != own => {
            // Somebody else was known to customs by this code.
            return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", delivery.number).at("number").into());
        }
        Some(before) if before.state.is_refused() => {
            // What customs had before is changed, and not new.
            let stored = before.pre_no.is_some() && lists::was_accepted(work.tx(), before.id).await?;
            let stamp = Stamp { again: stored, ..first };
            let document = delivery.document(before.pre_no.as_deref().filter(|_| stored), &stamp);
            let about = paper::Entity::update_many()
                .col_expr(paper::Column::Document, Expr::val(&delivery.bill_no))
                .filter(paper::Column::Id.eq(before.id));
            about.exec(work.tx()).await?;
            let before = paper::Model { document: delivery.bill_no.clone(), ..before };
            renewed(app, &mut work, &before, own, &document, &stamp).await?;
            let after = paper::Entity::find_by_id(before.id).one(work.tx()).await?;
            after.ok_or_else(|| Error::internal("a paper is gone"))?
        }
        Some(before)
            if before.state.is_unanswered() && says_the_same(&document_of(app.vault(), &before)?, &document) =>
        {
            // The same message once more is the same paper to whoever has it already.
            let job = Send { paper: before.id, attempt: before.attempt, document: before.document.clone() };
            work.enqueue(&job).await?;
            before
        }
        Some(_) => {
            return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", delivery.number).at("number").into());
        }
    };
    let shown = json!({ "number": delivery.number, "bill": delivery.bill_no, "parcels": delivery.waybills.len(),
        "attempt": row.attempt });
    work.audit(Some(own), "reportDelivery", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// The operator of the site and the carrier, as customs knows them.
async fn parties(
    db: &impl ConnectionTrait,
    own: OrganisationId,
    carrier: OrganisationId,
) -> Result<(Party, Party), Error> {
    let found = organisation::Entity::find().filter(organisation::Column::Id.is_in([own, carrier])).all(db).await?;
    let of = |id: OrganisationId| found.iter().find(|row| row.id == id);
    let roles = organisation_role::Entity::find()
        .filter(organisation_role::Column::OrganisationId.is_in([own, carrier]))
        .all(db)
        .await?;
    let plays = |row: &organisation::Model, wanted: &[OrganisationRole]| -> Result<(), Refusal> {
        if roles.iter().any(|role| role.organisation_id == row.id && wanted.contains(&role.role)) {
            return Ok(());
        }
        let role = wanted.first().map(|role| async_graphql::Value::from(*role).to_string()).unwrap_or_default();
        Err(Refusal::new(ErrorCode::WrongRole).with("value", row.slug.as_str()).with("role", role))
    };
    let operator = of(own).ok_or_else(|| Error::internal("an organisation is gone"))?;
    plays(operator, SITE)?;
    let carrier = of(carrier).ok_or_else(|| not_found("carrierId", encode(carrier).as_str()))?;
    plays(carrier, &[OrganisationRole::Logistics]).map_err(|refusal| refusal.at("carrierId"))?;
    let coded = |row: &organisation::Model, field: &str| {
        let missing = Refusal::new(ErrorCode::Incomplete).with("missing", "customsCode");
        party(row).ok_or_else(|| if field.is_empty() { missing } else { missing.at(field) })
    };
    Ok((coded(operator, "")?, coded(carrier, "carrierId")?))
}

/// What was reported of one's own site, newest first; of all for who oversees the zone. `to_do`: only what somebody must do
/// something about: what is refused, and what nobody has answered to since before this moment.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    to_do: Option<DateTime<Utc>>,
    page: &PageArgs,
) -> Result<Page<paper::Model>, Error> {
    use paper::Column as C;
    let silent =
        |since: DateTime<Utc>| Condition::all().add(C::State.is_in(PaperState::UNANSWERED)).add(C::UpdatedAt.lt(since));
    let to_do = to_do.map(|since| Condition::any().add(C::State.is_in(PaperState::REFUSED)).add(silent(since)));
    let kind = paper::Entity::find().filter(paper::Column::Kind.eq(PaperKind::Delivery));
    let seen = match viewer.organisation() {
        _ if viewer.oversees() => kind,
        Some(own) => kind.filter(paper::Column::SenderId.eq(own)),
        None => kind.filter(Expr::val(false)),
    };
    let seen = seen.filter(Condition::all().add_option(to_do));
    page.by_id(db, seen, C::Id, NEWEST, Order::Desc).await
}

/// The cursor of a delivery in that list.
pub fn cursor(row: &paper::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The numbers of the parcels that a delivery names.
pub fn waybills(app: &App, row: &paper::Model) -> Result<Vec<String>, Error> {
    let document = document_of(app.vault(), row)?;
    Ok(document.lines.iter().filter_map(|line| line.get("logisticsNo").map(str::to_owned)).collect())
}
