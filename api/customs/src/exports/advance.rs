//! An export goes on: its list is declared when what comes before it is taken in, and its state follows from its papers.
//! Everything that changes something of it ends here.

use entities::{
    customs::{
        codes,
        export::{
            declaration::{self, ExportState, Standing},
            papers::{self, ExportParties, Numbers},
            rules::ExportRoute,
            summarised::{self, SummaryState},
        },
        paper::{self, PaperKind, PaperState},
        sale::Stamp,
    },
    platform::EventKind,
    values::id::ExportId,
};
use platform::{
    app::{App, Work},
    customs::fresh_guid,
    error::{Error, taken, violates_unique},
    graphql::encode,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{
    LONGEST_ALARM, locked,
    papers::{Wanted, is_taken, newest, of_export, put, topic},
    parties, sale_of, undo,
};
use crate::{document_of, kept_text, lists};

/// The papers that customs has before the list.
pub(super) const BEFORE: [PaperKind; 3] = [PaperKind::ExportOrder, PaperKind::MoneyReceived, PaperKind::ExportWaybill];

/// Looks how an export stands, and takes its next step.
pub async fn advance(app: &App, work: &mut Work, id: ExportId) -> Result<declaration::Model, Error> {
    let before = locked(work.tx(), id).await?;
    if before.state.is_over() {
        return Ok(before);
    }
    let papers = of_export(work.tx(), id).await?;
    let mut next = before.clone();
    let first: Vec<&paper::Model> = BEFORE.into_iter().filter_map(|kind| newest(&papers, kind)).collect();
    let refused = |paper: &&&paper::Model| paper.state.can_be_sent() && paper.state != PaperState::Draft;
    let refused = first.iter().find(refused).map(|paper| paper.state);
    let taken = !first.is_empty() && first.iter().all(|paper| is_taken(paper));
    let declared = newest(&papers, PaperKind::ExportList);
    let mut list = declared.map(|list| list.state);
    if list.is_none() && taken && next.route == ExportRoute::List {
        declare(app, work, &next).await?;
        list = Some(PaperState::Draft);
    }
    if let Some(declared) = declared {
        if let (None, Some(number)) = (&next.invt_no, &declared.invt_no) {
            if is_anothers(work, &next, number).await? {
                next.alarm = Some(format!("customs calls the list {number}, as it calls another"));
            } else {
                next.invt_no = Some(number.clone());
            }
        }
        // Receipts come in any order: the month of a list is that of its earliest release, until it is summarised.
        if declared.state.is_released() && next.summary_id.is_none() {
            let released = lists::released_at(work.tx(), declared).await?;
            next.released_at = released.or(next.released_at).or(Some(work.now));
        }
    }
    let told = |kind: PaperKind| papers.iter().find(|paper| paper.kind == kind && is_taken(paper));
    if let (Some(arrival), None) = (told(PaperKind::Arrival), next.arrived_at) {
        next.arrived_at = arrival.stated_at.or(Some(work.now));
    }
    if let (Some(departure), None) = (told(PaperKind::Departure), next.departed_at) {
        let said = document_of(app.vault(), departure)?;
        next.departed_at = said.head.get("leaveTime").and_then(codes::read_moment).or(Some(work.now));
    }
    let summarised = match next.summary_id {
        Some(id) => summarised::Entity::find_by_id(id).one(work.tx()).await?.map(|summary| summary.state),
        None => None,
    };
    next.state = ExportState::of(&Standing {
        route: next.route,
        flag: next.flag,
        refused,
        taken,
        list,
        withdrawn: undo::is_agreed(&papers),
        arrived: next.arrived_at.is_some(),
        departed: next.departed_at.is_some(),
        summarised: matches!(summarised, Some(SummaryState::Applied | SummaryState::Answered)),
        entered: next.entry_no.is_some(),
    });
    write(work, &before, next).await
}

/// Whether another export has a number of customs: looked at before it is written, as a violated key ends the transaction.
async fn is_anothers(work: &Work, row: &declaration::Model, number: &str) -> Result<bool, Error> {
    use declaration::Column as C;
    let other = declaration::Entity::find().filter(C::InvtNo.eq(number)).filter(C::Id.ne(row.id));
    Ok(other.one(work.tx()).await?.is_some())
}

/// Declares the list.
async fn declare(app: &App, work: &mut Work, row: &declaration::Model) -> Result<(), Error> {
    let (sale, parties) = (sale_of(work.tx(), row).await?, parties::of(work.tx(), row).await?);
    let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
    let numbers = Numbers { cop_no: &row.cop_no, pre_no: None };
    let document = papers::list(&sale, &parties, row.leaving.as_ref(), numbers, &stamp);
    let wanted = Wanted {
        kind: PaperKind::ExportList,
        sender: row.declarer_id,
        document: &document,
        stamp: &stamp,
        about: &[row.id],
        topic: topic(row.id),
    };
    put(app, work, wanted).await?;
    Ok(())
}

/// Writes the papers that customs has before the list; money that came only when customs wants to know of it.
pub(super) async fn first_papers(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    parties: &ExportParties,
    with_money: bool,
) -> Result<(), Error> {
    let sale = sale_of(work.tx(), row).await?;
    for kind in BEFORE {
        let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
        let (document, sender) = match kind {
            PaperKind::ExportOrder => (papers::order(&sale, parties, &stamp), row.seller_id),
            PaperKind::MoneyReceived if !with_money => continue,
            PaperKind::MoneyReceived => match papers::money(&sale, parties, &stamp) {
                Some(document) => (document, row.seller_id),
                None => continue,
            },
            _ => (papers::waybill(&sale, parties, &stamp), row.carrier_id),
        };
        let (about, topic) = ([row.id], topic(row.id));
        put(app, work, Wanted { kind, sender, document: &document, stamp: &stamp, about: &about, topic }).await?;
    }
    Ok(())
}

/// An order is declared once, a parcel carries one.
pub(super) fn once(error: DbErr, row: &declaration::Model) -> Error {
    const TABLE: &str = "export_declaration";
    if violates_unique(&error, TABLE, &["carrier_id", "waybill"]) {
        return taken(error, TABLE, &["carrier_id", "waybill"], "waybill", &row.waybill);
    }
    taken(error, TABLE, &["seller_id", "order_no"], "orderNumber", &row.order_no)
}

/// Writes what became of an export, and tells of it; nothing when nothing did.
pub(super) async fn write(
    work: &mut Work,
    before: &declaration::Model,
    mut next: declaration::Model,
) -> Result<declaration::Model, Error> {
    use declaration::Column as C;
    if next == *before {
        return Ok(next);
    }
    next.version = before.version + 1;
    next.updated_at = work.now;
    let json = |value: serde_json::Result<serde_json::Value>| value.map_err(Error::internal);
    declaration::Entity::update_many()
        .col_expr(C::CarrierId, Expr::val(next.carrier_id))
        .col_expr(C::SiteId, Expr::val(next.site_id))
        .col_expr(C::Mode, Expr::val(next.mode))
        .col_expr(C::Flag, Expr::val(next.flag))
        .col_expr(C::Route, Expr::val(next.route))
        .col_expr(C::OrderNo, Expr::val(&next.order_no))
        .col_expr(C::Waybill, Expr::val(&next.waybill))
        .col_expr(C::State, Expr::val(next.state))
        .col_expr(C::Facts, Expr::val(json(serde_json::to_value(&next.facts))?))
        .col_expr(
            C::Leaving,
            Expr::val(next.leaving.as_ref().map(serde_json::to_value).transpose().map_err(Error::internal)?),
        )
        .col_expr(C::InvtNo, Expr::val(next.invt_no.clone()))
        .col_expr(C::ReleasedAt, Expr::val(next.released_at))
        .col_expr(C::ArrivedAt, Expr::val(next.arrived_at))
        .col_expr(C::DepartedAt, Expr::val(next.departed_at))
        .col_expr(C::CancelReason, Expr::val(next.cancel_reason.clone()))
        .col_expr(C::EntryNo, Expr::val(next.entry_no.clone()))
        .col_expr(C::Alarm, Expr::val(next.alarm.clone()))
        .col_expr(C::Version, Expr::val(next.version))
        .col_expr(C::UpdatedAt, Expr::val(next.updated_at))
        .filter(C::Id.eq(next.id))
        .exec(work.tx())
        .await
        .map_err(|error| once(error, &next))?;
    if next.state != before.state {
        for party in if next.seller_id == next.declarer_id {
            vec![next.seller_id]
        } else {
            vec![next.seller_id, next.declarer_id]
        } {
            work.tell(party, EventKind::DeclarationChanged, encode(next.id).0, next.version).await?;
        }
    }
    Ok(next)
}

/// Something of an export is odd: a person looks.
pub(super) async fn alarm(work: &Work, id: ExportId, what: &str) -> Result<(), Error> {
    use declaration::Column as C;
    declaration::Entity::update_many()
        .col_expr(C::Alarm, Expr::val(Some(kept_text(what, LONGEST_ALARM))))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::Id.eq(id))
        .exec(work.tx())
        .await?;
    Ok(())
}
