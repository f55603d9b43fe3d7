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
        paper::{self, PaperKind},
    },
    party::OrganisationRole,
    values::{
        ErrorCode, Refusal,
        id::{ExportId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::json;

use super::{
    advance::{BEFORE, advance, first_papers, once, write},
    illegal, lists, locked, own_number,
    papers::{again, is_live, newest, of_export, say_again},
    parties::{self, check, may_change, may_declare},
    sale_of, terms,
};
use crate::lists::was_accepted;

/// What carries a parcel, and what runs a site under supervision.
const CARRIER: &[OrganisationRole] = &[OrganisationRole::Logistics];
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
        ("carrierId", wanted.carrier, CARRIER),
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

async fn write_lines(work: &Work, id: ExportId, sale: ExportSale) -> Result<(), Error> {
    line::Entity::delete_many().filter(line::Column::ExportId.eq(id)).exec(work.tx()).await?;
    let rows = sale.lines.into_iter().map(|line| line::Model::of(id, line).into_active_model());
    line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// What of an export is mended; none of it: it is only sent again.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "described at the entity")]
pub struct Amending {
    pub carrier: Option<OrganisationId>,
    pub site: Option<OrganisationId>,
    pub sale: Option<ExportSale>,
}

impl Amending {
    fn is_nothing(&self) -> bool {
        self.carrier.is_none() && self.site.is_none() && self.sale.is_none()
    }
}

/// Mends what is declared, and sends again what customs did not take, or what nobody has answered to; with nothing to mend,
/// only the latter, and what was odd was looked at. While customs has the list, nothing can be changed.
pub async fn amend(
    app: &App,
    call: &Call,
    id: ExportId,
    expected_version: i32,
    amending: Amending,
) -> Result<declaration::Model, Error> {
    Box::pin(changed(app, call, id, expected_version, "amendExport", |_| Ok(amending))).await
}

/// A simplified list is summarised instead (简化申报改汇总申报): while customs has none.
pub async fn switch(app: &App, call: &Call, id: ExportId, expected_version: i32) -> Result<declaration::Model, Error> {
    let summarised = changed(app, call, id, expected_version, "switchExport", |before| {
        if before.facts.flag == StatisticsFlag::Summary {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "SUMMARY").at("id"));
        }
        let mut sale = before.clone();
        sale.facts.flag = StatisticsFlag::Summary;
        Ok(Amending { sale: Some(sale), ..Amending::default() })
    });
    Box::pin(summarised).await
}

async fn changed(
    app: &App,
    call: &Call,
    id: ExportId,
    expected_version: i32,
    action: &'static str,
    change: impl FnOnce(&ExportSale) -> Result<Amending, Refusal>,
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
    let amending = change(&before)?;
    let mended = !amending.is_nothing();
    let open = row.state.can_be_amended();
    // What customs considers cannot be unsaid. Of what is over only what is odd can have been looked at.
    if (mended && !open) || (row.state.is_over() && row.alarm.is_none()) {
        return Err(illegal(&row, "AMEND").at("id").into());
    }
    let papers = of_export(work.tx(), id).await?;
    let mut next = declaration::Model { alarm: None, ..row.clone() };
    let asked = newest(&papers, PaperKind::ExportCancellation).is_some();
    let refused = asked && !is_live(&papers, PaperKind::ExportCancellation);
    if open || (refused && !row.state.is_over()) {
        // What is sent again is wanted: a withdrawal that customs does not consider is none any more. One that waits for
        // the number of the list was not asked yet, and is still wanted.
        next.cancel_reason = None;
    }
    let sale = if mended { mend(app, &work, &row, &mut next, &papers, before, amending).await? } else { before };
    next = write(&mut work, &row, next).await?;
    if open || row.state == ExportState::Declared {
        send_again(app, &mut work, &next, &sale).await?;
    }
    if !row.state.is_over() {
        say_what_waits(&mut work, &papers).await?;
    }
    let after = advance(app, &mut work, id).await?;
    work.audit(Some(row.seller_id), action, encode(id).0, shown(&row), shown(&after));
    work.commit(after).await
}

/// Mends what is declared; answers with what is declared then.
async fn mend(
    app: &App,
    work: &Work,
    row: &declaration::Model,
    next: &mut declaration::Model,
    papers: &[paper::Model],
    before: ExportSale,
    amending: Amending,
) -> Result<ExportSale, Error> {
    let mut named: Vec<(&'static str, OrganisationId, &'static [OrganisationRole])> = Vec::new();
    named.extend(amending.carrier.map(|id| ("carrierId", id, CARRIER)));
    named.extend(amending.site.map(|id| ("siteId", id, SITE)));
    let mut wrong = check(work.tx(), row.seller_id, &named).await?;
    let terms = terms(app.config());
    let sale = amending.sale.unwrap_or(before);
    wrong.extend(faults(&sale, business_day(work.now), &terms));
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    if let Some(carrier) = amending.carrier.filter(|carrier| *carrier != row.carrier_id) {
        // Customs keeps the parcel that it took in under the carrier that it knows.
        if let Some(waybill) = newest(papers, PaperKind::ExportWaybill)
            && was_accepted(work.tx(), waybill.id).await?
        {
            return Err(illegal(row, "AMEND").at("carrierId").into());
        }
        next.carrier_id = carrier;
    }
    next.site_id = amending.site.or(row.site_id);
    next.mode = sale.facts.mode;
    next.flag = sale.facts.flag;
    next.route = route(&sale, &terms);
    next.order_no.clone_from(&sale.facts.order_no);
    next.waybill.clone_from(&sale.facts.waybill);
    next.facts = sale.facts.clone();
    write_lines(work, row.id, sale.clone()).await?;
    Ok(sale)
}

/// Says once more what nobody has answered to: consignments, arrivals, departures; a withdrawal as long as customs has not
/// decided about the list.
async fn say_what_waits(work: &mut Work, papers: &[paper::Model]) -> Result<(), Error> {
    let open = newest(papers, PaperKind::ExportList).is_some_and(|list| list.state.can_be_withdrawn());
    for paper in papers {
        let wanted = match paper.kind {
            PaperKind::Consignment | PaperKind::Arrival | PaperKind::Departure => true,
            PaperKind::ExportCancellation => open,
            _ => false,
        };
        if wanted {
            say_again(work, paper).await?;
        }
    }
    Ok(())
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
