//! How the goods of a declaration come and fare: the vehicle and bill of a direct import, the carrier's number, that the
//! parcel was signed for.

use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        codes::{CHINA, country},
        declaration::{self, Transport},
        paper::{self, PaperKind},
        sale::{self, Party, Stamp},
    },
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal, Refusals,
        id::DeclarationId,
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call, Work},
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use serde_json::json;

use super::{
    advance::advance,
    document_of, lists, locked,
    papers::{about, papers_of, put_new},
};

/// How goods come, as it is typed.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Coming<'a> {
    pub vehicle: &'a str,
    pub voyage: &'a str,
    pub bill: &'a str,
    pub traf_mode: &'a str,
    pub country: &'a str,
}

/// How goods come, checked; all that is wrong with it at once.
pub fn transport(coming: Coming<'_>) -> Result<Transport, Refusals> {
    let mut check = Check::default();
    let traf_no = check.take("vehicle", line(coming.vehicle, 100));
    let voyage_no = check.take("voyage", line(coming.voyage, 32));
    let bill_no = check.take("bill", line(coming.bill, 37));
    let mode = coming.traf_mode.trim();
    let known = matches!(mode.as_bytes(), [b'2'..=b'6' | b'9']);
    let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", mode);
    let traf_mode = check.take("trafMode", known.then(|| mode.to_owned()).ok_or_else(wrong));
    let unknown = || Refusal::new(ErrorCode::InvalidCountry).with("value", coming.country);
    let of = coming.country.parse().ok().and_then(|code| country(&code)).filter(|number| *number != CHINA);
    let from = check.take("country", of.ok_or_else(unknown));
    match (traf_no, voyage_no, bill_no, traf_mode, from) {
        (Some(traf_no), Some(voyage_no), Some(bill_no), Some(traf_mode), Some(from)) => {
            check.done(Transport { traf_no, voyage_no, bill_no, traf_mode, country: from.to_owned() })
        }
        _ => Err(check.0),
    }
}

/// A parcel was signed for, in the transaction in which that became known: customs is told, once, unless the carrier
/// does.
pub async fn signed_for(app: &App, work: &mut Work, document: &str, at: DateTime<Utc>) -> Result<(), Error> {
    let Some(row) = lists::of_document(work.tx(), document).await? else { return Ok(()) };
    let row = locked(work.tx(), row.id).await?;
    let papers = papers_of(work.tx(), row.id).await?;
    let Some(waybill) = papers.iter().find(|paper| paper.kind == PaperKind::Waybill) else { return Ok(()) };
    // Its key ends with what it says of the parcel.
    let said = |paper: &paper::Model| paper.kind == PaperKind::WaybillStatus && paper.business_key.ends_with("|S");
    if waybill.sent_by_party || papers.iter().any(said) {
        return Ok(());
    }
    let said = document_of(app.vault(), waybill)?;
    let named = |name: &str| said.head.get(name).unwrap_or_default().to_owned();
    let carrier = Party { code: named("logisticsCode"), name: named("logisticsName") };
    let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
    let document = sale::signed_for(&carrier, &named("logisticsNo"), at, &stamp);
    // The carrier may have said so itself before anybody knew of the order.
    put_new(app, work, about(&row), PaperKind::WaybillStatus, waybill.sender_id, &document, &stamp).await?;
    Ok(())
}

/// Says how the goods of a direct import come.
pub async fn set_transport(
    app: &App,
    call: &Call,
    id: DeclarationId,
    transport: Transport,
) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepDeclarations, Resource::of(row.seller_id))?;
    if row.mode != SupplyMode::DirectImport {
        // Bonded goods set out from within the country: their list would say a flight that nobody took.
        let name = async_graphql::Value::from(row.mode).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("id").into());
    }
    let row = locked(work.tx(), id).await?;
    if row.state.is_released() || row.state.is_over() {
        let from = async_graphql::Value::from(row.state).to_string();
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "SET_TRANSPORT");
        return Err(refusal.at("id").into());
    }
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Transport, Expr::val(serde_json::to_value(&transport).map_err(Error::internal)?))
        .col_expr(declaration::Column::Version, Expr::col(declaration::Column::Version).add(1))
        .filter(declaration::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    let after = advance(app, &mut work, id).await?;
    work.audit(Some(row.seller_id), "setTransport", encode(id).0, json!(row.transport), json!(transport));
    work.commit(after).await
}

/// The carrier's number of a parcel is known, and what it weighs; in the transaction in which it became so.
pub async fn waybill_known(
    app: &App,
    work: &mut Work,
    document: &str,
    number: &str,
    gross_weight_g: i64,
) -> Result<(), Error> {
    let Some(row) = lists::of_document(work.tx(), document).await? else { return Ok(()) };
    let row = locked(work.tx(), row.id).await?;
    if row.waybill.is_some() {
        return Ok(());
    }
    declaration::Entity::update_many()
        .col_expr(declaration::Column::Waybill, Expr::val(Some(number)))
        .col_expr(declaration::Column::GrossWeightG, Expr::val(Ord::max(gross_weight_g, 1)))
        .filter(declaration::Column::Id.eq(row.id))
        .exec(work.tx())
        .await?;
    advance(app, work, row.id).await?;
    Ok(())
}
