//! Declaring an export, mending what is declared, and what happens to it outside of this house.

use entities::{
    customs::{
        export::{
            declaration::{self, ExportState},
            facts::{ExportSale, Leaving, StatisticsFlag},
            line,
            papers::{self, Numbers},
            rules::{ExportRoute, faults, route},
        },
        paper::PaperKind,
    },
    party::OrganisationRole,
    values::{
        ErrorCode, Refusal,
        id::{ExportId, OrganisationId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::json;

use super::{
    advance::{BEFORE, advance, first_papers, write},
    illegal, lists, locked, own_number,
    papers::{again, newest, of_export},
    parties::{self, check, may_change, may_declare},
    sale_of, terms,
};
use crate::{
    app::{App, Call, Work},
    platform::{
        clock::business_day,
        error::{Error, not_found, stale, taken},
        graphql::encode,
    },
};

/// What runs a site under supervision.
const SITE: &[OrganisationRole] = &[OrganisationRole::Logistics, OrganisationRole::BondedWarehouse];

/// An export that is to be declared.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described at the entity")]
pub struct Declaring {
    pub seller: OrganisationId,
    pub declarer: OrganisationId,
    pub carrier: OrganisationId,
    pub site: Option<OrganisationId>,
    pub sale: ExportSale,
    pub leaving: Option<Leaving>,
}

/// Declares an export: its order and its waybill go to customs at once, the list when they are taken in.
pub async fn declare(app: &App, call: &Call, wanted: Declaring) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    may_declare(work.tx(), call, wanted.seller, wanted.declarer).await?;
    let terms = terms(app.config());
    let today = business_day(work.now);
    let mut named: Vec<(&'static str, OrganisationId, &'static [OrganisationRole])> = vec![
        ("declarerId", wanted.declarer, &[OrganisationRole::CustomsBroker]),
        ("carrierId", wanted.carrier, &[OrganisationRole::Logistics]),
    ];
    named.extend(wanted.site.map(|id| ("siteId", id, SITE)));
    let mut wrong = check(work.tx(), wanted.seller, &named).await?;
    wrong.extend(faults(&wanted.sale, today, &terms));
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let facts = wanted.sale.facts.clone();
    let row = declaration::Model {
        id: ExportId::new(work.now),
        seller_id: wanted.seller,
        declarer_id: wanted.declarer,
        carrier_id: wanted.carrier,
        site_id: wanted.site,
        mode: facts.mode,
        flag: facts.flag,
        route: route(&wanted.sale, &terms),
        order_no: facts.order_no.clone(),
        waybill: facts.waybill.clone(),
        cop_no: own_number('E', work.now)?,
        state: ExportState::Waiting,
        facts,
        leaving: wanted.leaving,
        invt_no: None,
        released_at: None,
        arrived_at: None,
        departed_at: None,
        cancel_reason: None,
        summary_id: None,
        summary_part: None,
        entry_no: None,
        alarm: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let insert = declaration::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    insert.map_err(|error| once(error, &row))?;
    write_lines(&work, row.id, wanted.sale).await?;
    let with_money = terms.wants_receipt(row.mode, today);
    let parties = parties::of(work.tx(), &row).await?;
    first_papers(app, &mut work, &row, &parties, with_money).await?;
    let after = advance(app, &mut work, row.id).await?;
    work.audit(Some(row.seller_id), "declareExport", encode(row.id).0, json!(null), shown(&after));
    work.commit(after).await
}

/// What the audit has of an export.
pub(super) fn shown(row: &declaration::Model) -> serde_json::Value {
    json!({ "order": row.order_no, "waybill": row.waybill, "mode": row.mode, "flag": row.flag, "route": row.route,
        "state": row.state })
}

/// An order is declared once, a parcel carries one.
fn once(error: sea_orm::DbErr, row: &declaration::Model) -> Error {
    use crate::platform::error::violates_unique;
    const TABLE: &str = "export_declaration";
    if violates_unique(&error, TABLE, &["carrier_id", "waybill"]) {
        return taken(error, TABLE, &["carrier_id", "waybill"], "waybill", &row.waybill);
    }
    taken(error, TABLE, &["seller_id", "order_no"], "orderNumber", &row.order_no)
}

async fn write_lines(work: &Work, id: ExportId, sale: ExportSale) -> Result<(), Error> {
    line::Entity::delete_many().filter(line::Column::ExportId.eq(id)).exec(work.tx()).await?;
    let rows = sale.lines.into_iter().map(|line| line::Model::of(id, line).into_active_model());
    line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Mends what is declared, and sends again what customs did not take, or what nobody has answered to; with nothing to mend,
/// only the latter. While customs has the list, nothing can be changed.
pub async fn amend(
    app: &App,
    call: &Call,
    id: ExportId,
    expected_version: i32,
    sale: Option<ExportSale>,
) -> Result<declaration::Model, Error> {
    Box::pin(changed(app, call, id, expected_version, "amendExport", |_| Ok(sale))).await
}

/// A simplified list is summarised instead (简化申报改汇总申报): while customs has none.
pub async fn switch(app: &App, call: &Call, id: ExportId, expected_version: i32) -> Result<declaration::Model, Error> {
    let summarised = changed(app, call, id, expected_version, "switchExport", |before| {
        if before.facts.flag == StatisticsFlag::Summary {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "SUMMARY").at("id"));
        }
        let mut sale = before.clone();
        sale.facts.flag = StatisticsFlag::Summary;
        Ok(Some(sale))
    });
    Box::pin(summarised).await
}

async fn changed(
    app: &App,
    call: &Call,
    id: ExportId,
    expected_version: i32,
    action: &'static str,
    change: impl FnOnce(&ExportSale) -> Result<Option<ExportSale>, Refusal>,
) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    may_change(call, &row)?;
    let row = locked(work.tx(), id).await?;
    if row.version != expected_version {
        return Err(stale());
    }
    let before = sale_of(work.tx(), &row).await?;
    let sale = change(&before)?;
    let mended = sale.is_some();
    let sale = sale.unwrap_or(before);
    // What nobody answers to can be said again; what customs considers cannot be unsaid.
    if !row.state.can_be_amended() && (mended || row.state != ExportState::Declared) {
        return Err(illegal(&row, "AMEND").at("id").into());
    }
    let terms = terms(app.config());
    let wrong = if mended { faults(&sale, business_day(work.now), &terms) } else { Vec::new() };
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let mut next = row.clone();
    if mended {
        next = declaration::Model {
            mode: sale.facts.mode,
            flag: sale.facts.flag,
            route: route(&sale, &terms),
            order_no: sale.facts.order_no.clone(),
            waybill: sale.facts.waybill.clone(),
            facts: sale.facts.clone(),
            alarm: None,
            ..next
        };
        write_lines(&work, id, sale.clone()).await?;
        next = write_once(&mut work, &row, next).await?;
    }
    send_again(app, &mut work, &next, &sale).await?;
    let after = advance(app, &mut work, id).await?;
    work.audit(Some(row.seller_id), action, encode(id).0, shown(&row), shown(&after));
    work.commit(after).await
}

async fn write_once(
    work: &mut Work,
    before: &declaration::Model,
    next: declaration::Model,
) -> Result<declaration::Model, Error> {
    // Asked beforehand, so that the violation of a key is told with its field.
    use declaration::Column as C;
    let others = || declaration::Entity::find().filter(C::Id.ne(next.id));
    let order = others().filter(C::SellerId.eq(next.seller_id)).filter(C::OrderNo.eq(&next.order_no));
    if order.one(work.tx()).await?.is_some() {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", &next.order_no).at("orderNumber").into());
    }
    let waybill = others().filter(C::CarrierId.eq(next.carrier_id)).filter(C::Waybill.eq(&next.waybill));
    if waybill.one(work.tx()).await?.is_some() {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", &next.waybill).at("waybill").into());
    }
    write(work, before, next).await
}

/// Sends the papers of an export again, each when that helps.
async fn send_again(app: &App, work: &mut Work, row: &declaration::Model, sale: &ExportSale) -> Result<(), Error> {
    let parties = parties::of(work.tx(), row).await?;
    let all = of_export(work.tx(), row.id).await?;
    for kind in BEFORE.into_iter().chain([PaperKind::ExportList]) {
        let Some(paper) = newest(&all, kind) else { continue };
        let known = paper.pre_no.as_deref();
        match kind {
            PaperKind::ExportOrder => {
                again(app, work, row, paper, |stamp| papers::order(sale, &parties, stamp)).await?;
            }
            PaperKind::MoneyReceived => {
                if sale.facts.received.is_some() {
                    let made = |stamp: &_| papers::money(sale, &parties, stamp).unwrap_or_default();
                    again(app, work, row, paper, made).await?;
                }
            }
            PaperKind::ExportWaybill => {
                again(app, work, row, paper, |stamp| papers::waybill(sale, &parties, stamp)).await?;
            }
            // By an entry there is no list any more; customs did not take the one that there was.
            _ if row.route == ExportRoute::Entry => {}
            _ => {
                let made = |stamp: &entities::customs::sale::Stamp| {
                    let numbers = Numbers { cop_no: &row.cop_no, pre_no: known.filter(|_| stamp.again) };
                    papers::list(sale, &parties, row.leaving.as_ref(), numbers, stamp)
                };
                again(app, work, row, paper, made).await?;
            }
        }
    }
    Ok(())
}

/// Notes the number of the entry of an export that does not go by list (报关单号).
pub async fn note_entry(app: &App, call: &Call, id: ExportId, entry_no: &str) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    may_change(call, &row)?;
    let entry_no = entry_no.trim();
    if entry_no.len() != 18 || !entry_no.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let value: String = entry_no.chars().take(60).collect();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", value).at("entryNumber").into());
    }
    let row = locked(work.tx(), id).await?;
    if row.state != ExportState::ToEnter {
        return Err(illegal(&row, "NOTE_ENTRY").at("id").into());
    }
    write(&mut work, &row, declaration::Model { entry_no: Some(entry_no.to_owned()), ..row.clone() }).await?;
    let after = advance(app, &mut work, id).await?;
    let noted = json!({ "order": row.order_no, "entry": entry_no, "state": after.state });
    work.audit(Some(row.seller_id), "noteExportEntry", encode(id).0, shown(&row), noted);
    work.commit(after).await
}
