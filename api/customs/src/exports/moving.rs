//! Released goods on their way out: consignments (清单总分单, 607), arrivals at the site (运抵单, 507), departures (离境单, 509).
//! Each is said of several exports at once, which have everything in common that it says once. What customs does not take is
//! said again as another.

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        export::{
            declaration::{self, ExportState},
            facts::Leaving,
            papers::{self, Moving, Parcel, PartOf},
        },
        paper::{self, PaperKind},
        sale::{Party, Stamp},
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal,
        id::{ExportId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::{
    advance::write,
    illegal, locked_all, own_number,
    papers::{Wanted, is_live, of_export, put},
    parties::{known, may_change},
};

/// Most exports of one consignment, arrival or departure: they fit into one message.
const TOGETHER: usize = 100;
/// The one message of a paper.
const WHOLE: PartOf = PartOf { number: 1, count: 1 };

/// A carrier's own clock may be ahead.
const SKEW: chrono::Duration = chrono::Duration::minutes(5);

/// Exports that are spoken of together, locked.
struct Together {
    rows: Vec<declaration::Model>,
}

impl Together {
    /// Those that the viewer may see; all of them, in which a step is possible, and which have not taken it yet.
    async fn of(
        work: &Work,
        ids: &[ExportId],
        kind: PaperKind,
        action: &'static str,
        may: impl Fn(&declaration::Model) -> Result<(), Error>,
        possible: impl Fn(&declaration::Model) -> bool,
    ) -> Result<Self, Error> {
        if ids.is_empty() {
            return Err(Refusal::new(ErrorCode::Required).at("ids").into());
        }
        if ids.len() > TOGETHER {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", TOGETHER.to_string()).at("ids").into());
        }
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let seen = declaration::Entity::visible_to(work.viewer())
            .filter(declaration::Column::Id.is_in(ids.iter().copied()))
            .all(work.tx())
            .await?;
        if let Some(missing) = ids.iter().find(|id| !seen.iter().any(|row| row.id == **id)) {
            return Err(not_found("ids", encode(*missing).as_str()));
        }
        seen.iter().try_for_each(may)?;
        let rows = locked_all(work.tx(), &ids).await?;
        let Some(first) = rows.first() else { return Err(Error::internal("exports are gone")) };
        for row in &rows {
            let alike = row.carrier_id == first.carrier_id
                && row.declarer_id == first.declarer_id
                && row.site_id == first.site_id
                && row.facts.customs_code == first.facts.customs_code
                && row.facts.traf_mode == first.facts.traf_mode;
            if !alike {
                let value = format!("{} / {}", first.order_no, row.order_no);
                return Err(Refusal::new(ErrorCode::InvalidValue).with("value", value).at("ids").into());
            }
            if !possible(row) || is_live(&of_export(work.tx(), row.id).await?, kind) {
                return Err(illegal(row, action).with("value", &row.order_no).at("ids").into());
            }
        }
        Ok(Self { rows })
    }

    fn first(&self) -> Result<&declaration::Model, Error> {
        self.rows.first().ok_or_else(|| Error::internal("exports are gone"))
    }

    fn ids(&self) -> Vec<ExportId> {
        self.rows.iter().map(|row| row.id).collect()
    }

    fn parcels<'a>(&'a self, leaving: Option<&'a Leaving>) -> Vec<Parcel<'a>> {
        let parcel = |row: &'a declaration::Model| Parcel {
            waybill: &row.waybill,
            total_package: leaving.or(row.leaving.as_ref()).and_then(|leaving| leaving.total_package.as_deref()),
            invt_no: row.invt_no.as_deref(),
        };
        self.rows.iter().map(parcel).collect()
    }

    fn moving<'a>(&'a self, cop_no: &'a str, carrier: &'a Party, note: Option<&'a str>) -> Result<Moving<'a>, Error> {
        let facts = &self.first()?.facts;
        Ok(Moving {
            customs_code: &facts.customs_code,
            cop_no,
            carrier,
            site_code: facts.site_code.as_deref(),
            traf_mode: &facts.traf_mode,
            part: WHOLE,
            note,
        })
    }

    /// The rows as they are then, noted in the audit of each seller.
    async fn done(
        self,
        work: &mut Work,
        action: &'static str,
        paper: &paper::Model,
    ) -> Result<Vec<declaration::Model>, Error> {
        let after = locked_all(work.tx(), &self.ids()).await?;
        for row in &after {
            let noted = json!({ "order": row.order_no, "paper": paper.kind, "number": paper.business_key });
            work.audit(Some(row.seller_id), action, encode(row.id).0, json!({ "state": row.state }), noted);
        }
        Ok(after)
    }
}

async fn code(work: &Work, id: OrganisationId) -> Result<Party, Error> {
    let mut all = known(work.tx(), [id]).await?;
    all.remove(&id).ok_or_else(|| Error::internal("a party of an export has no code at customs any more"))
}

fn stamp(work: &Work) -> Result<Stamp, Error> {
    Ok(Stamp { guid: fresh_guid()?, again: false, at: work.now })
}

/// Says how released exports leave, several in one package; theirs may be said again while customs has not taken it.
pub async fn add_transport(
    app: &App,
    call: &Call,
    ids: &[ExportId],
    leaving: Leaving,
    note: Option<&str>,
) -> Result<Vec<declaration::Model>, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let free = |row: &declaration::Model| {
        matches!(row.state, ExportState::Released | ExportState::Arrived) && row.invt_no.is_some()
    };
    let may = |row: &declaration::Model| may_change(call, row);
    let together = Together::of(&work, ids, PaperKind::Consignment, "ADD_TRANSPORT", may, free).await?;
    let first = together.first()?;
    let (declarer, carrier) = (code(&work, first.declarer_id).await?, code(&work, first.carrier_id).await?);
    let (stamp, cop_no) = (stamp(&work)?, own_number('Z', work.now)?);
    let moving = together.moving(&cop_no, &carrier, note)?;
    let weight = together.rows.iter().map(|row| row.facts.gross_weight_g).sum();
    let parcels = together.parcels(Some(&leaving));
    let document = papers::consignment(&declarer, &moving, &leaving, weight, &parcels, &stamp);
    let wanted = Wanted {
        kind: PaperKind::Consignment,
        sender: first.declarer_id,
        document: &document,
        stamp: &stamp,
        about: &together.ids(),
        topic: format!("exports:{cop_no}"),
    };
    let paper = put(app, &mut work, wanted).await?;
    for row in &together.rows {
        write(&mut work, row, declaration::Model { leaving: Some(leaving.clone()), ..row.clone() }).await?;
    }
    let after = together.done(&mut work, "addExportTransport", &paper).await?;
    work.commit(after).await
}

/// What arrived, as it is said by who runs the site.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Arrival<'a> {
    pub ids: &'a [ExportId],
    pub vehicle: &'a str,
    pub bill: Option<&'a str>,
    pub note: Option<&'a str>,
}

/// Reports that exports arrived at the site: released ones, and those that customs wants to see first.
pub async fn report_arrival(app: &App, call: &Call, said: Arrival<'_>) -> Result<Vec<declaration::Model>, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let possible = |row: &declaration::Model| {
        matches!(row.state, ExportState::Declared | ExportState::Held | ExportState::Released)
            && row.arrived_at.is_none()
            && row.site_id.is_some()
    };
    // Who sees an export and does not run its site may not say that it is there.
    let may =
        |row: &declaration::Model| call.may(Action::MoveExports, Resource::of(row.site_id.unwrap_or(row.seller_id)));
    let together = Together::of(&work, said.ids, PaperKind::Arrival, "REPORT_ARRIVAL", may, possible).await?;
    let first = together.first()?;
    let Some(site) = first.site_id else { return Err(illegal(first, "REPORT_ARRIVAL").at("ids").into()) };
    let (operator, carrier) = (code(&work, site).await?, code(&work, first.carrier_id).await?);
    let (stamp, cop_no) = (stamp(&work)?, own_number('Y', work.now)?);
    let moving = together.moving(&cop_no, &carrier, said.note)?;
    let document = papers::arrival(&operator, &moving, said.bill, said.vehicle, &together.parcels(None), &stamp);
    let wanted = Wanted {
        kind: PaperKind::Arrival,
        sender: site,
        document: &document,
        stamp: &stamp,
        about: &together.ids(),
        topic: format!("exports:{cop_no}"),
    };
    let paper = put(app, &mut work, wanted).await?;
    let after = together.done(&mut work, "reportExportArrival", &paper).await?;
    work.commit(after).await
}

/// Reports that exports left the country, said by who carries them. What has a site leaves from there.
pub async fn report_departure(
    app: &App,
    call: &Call,
    ids: &[ExportId],
    left_at: DateTime<Utc>,
    note: Option<&str>,
) -> Result<Vec<declaration::Model>, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let possible = |row: &declaration::Model| {
        let there = row.state == ExportState::Arrived || (row.state == ExportState::Released && row.site_id.is_none());
        there && row.leaving.is_some()
    };
    let may = |row: &declaration::Model| call.may(Action::MoveExports, Resource::of(row.carrier_id));
    let together = Together::of(&work, ids, PaperKind::Departure, "REPORT_DEPARTURE", may, possible).await?;
    let first = together.first()?;
    let released = together.rows.iter().filter_map(|row| row.released_at).max();
    if left_at > work.now + SKEW || released.is_some_and(|released| left_at < released) {
        let (min, max) = (released.unwrap_or(work.now).to_rfc3339(), work.now.to_rfc3339());
        return Err(Refusal::new(ErrorCode::OutOfRange).with("min", min).with("max", max).at("leftAt").into());
    }
    let Some(leaving) = first.leaving.clone() else { return Err(illegal(first, "REPORT_DEPARTURE").at("ids").into()) };
    let way = |leaving: &Leaving| (leaving.vehicle.clone(), leaving.voyage.clone(), leaving.bill.clone());
    if let Some(other) = together.rows.iter().find(|row| row.leaving.as_ref().map(way) != Some(way(&leaving))) {
        let value = format!("{} / {}", first.order_no, other.order_no);
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", value).at("ids").into());
    }
    let carrier = code(&work, first.carrier_id).await?;
    let (stamp, cop_no) = (stamp(&work)?, own_number('L', work.now)?);
    let moving = together.moving(&cop_no, &carrier, note)?;
    let document = papers::departure(&moving, &leaving, left_at, &together.parcels(None), &stamp);
    let wanted = Wanted {
        kind: PaperKind::Departure,
        sender: first.carrier_id,
        document: &document,
        stamp: &stamp,
        about: &together.ids(),
        topic: format!("exports:{cop_no}"),
    };
    let paper = put(app, &mut work, wanted).await?;
    let after = together.done(&mut work, "reportExportDeparture", &paper).await?;
    work.commit(after).await
}
