//! What is read of shipments.

use entities::{
    logistics::{ShipmentState, cold, event, hold, pass_parcel, shipment},
    party::Viewer,
    values::id::{GatePassId, OrganisationId, ShipmentId},
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs, key},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::Expr,
};

/// Names of the orders of lists, for cursors.
const NEWEST: &str = "newest-shipment";
const BY_TIME: &str = "event-time";
const MEASURED: &str = "sample-time";

/// Which shipments.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this document.
    pub document: Option<String>,
    /// Only with this number.
    pub waybill: Option<String>,
    /// Only carried by this organisation.
    pub carrier: Option<OrganisationId>,
    /// Only sent by this organisation.
    pub owner: Option<OrganisationId>,
    /// Only in one of these states.
    pub states: Vec<ShipmentState>,
    /// Only those that somebody holds, or that nobody holds.
    pub held: Option<bool>,
    /// Only those on this gate pass.
    pub pass: Option<GatePassId>,
}

/// A shipment that the viewer may see.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: ShipmentId,
) -> Result<Option<shipment::Model>, Error> {
    Ok(shipment::Entity::visible_to(viewer).filter(shipment::Column::Id.eq(id)).one(db).await?)
}

/// Shipments that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<shipment::Model>, Error> {
    use shipment::Column as C;
    let on = |pass: GatePassId| {
        let parcels = pass_parcel::Entity::find().select_only().column(pass_parcel::Column::ShipmentId);
        C::Id.in_subquery(parcels.filter(pass_parcel::Column::GatePassId.eq(pass)).into_query())
    };
    let only = Condition::all()
        .add_option(filter.pass.map(on))
        .add_option(filter.document.as_ref().map(|document| C::Document.eq(document)))
        .add_option(filter.waybill.as_ref().map(|number| C::Waybill.eq(number)))
        .add_option(filter.carrier.map(|carrier| C::CarrierId.eq(carrier)))
        .add_option(filter.owner.map(|owner| C::OwnerId.eq(owner)))
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option(filter.held.map(|held| if held { C::Holds.gt(0) } else { C::Holds.eq(0) }));
    page.by_id(db, shipment::Entity::visible_to(viewer).filter(only), C::Id, NEWEST, Order::Desc).await
}

/// The cursor of a shipment in that list.
pub fn cursor(row: &shipment::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What was reported of a shipment, in the order in which it happened; what declares an error stands beside what it is
/// about.
pub async fn events(db: &impl ConnectionTrait, id: ShipmentId, page: &PageArgs) -> Result<Page<event::Model>, Error> {
    let list = event::Entity::find().filter(event::Column::ShipmentId.eq(id));
    let place =
        vec![Expr::col((event::Entity, event::Column::EventTime)), Expr::col((event::Entity, event::Column::Id))];
    let beyond =
        page.beyond(BY_TIME, place, Order::Asc, |k| Some(vec![key::moment(k.first()?)?, key::id(k.get(1)?)?]))?;
    let list = beyond.into_iter().fold(list, QueryFilter::filter);
    let walk = page.walk(Order::Asc);
    let rows = list.order_by(event::Column::EventTime, walk.clone()).order_by(event::Column::Id, walk);
    Ok(page.page(rows.limit(page.fetch()).all(db).await?))
}

/// The cursor of an event in that list.
pub fn event_cursor(row: &event::Model) -> Cursor {
    Cursor::new(BY_TIME, vec![row.event_time.timestamp_millis().into(), row.id.to_string().into()])
}

/// What was measured of a shipment, first first.
pub async fn samples(db: &impl ConnectionTrait, id: ShipmentId, page: &PageArgs) -> Result<Page<cold::Model>, Error> {
    let list = cold::Entity::find().filter(cold::Column::ShipmentId.eq(id));
    let place = vec![Expr::col((cold::Entity, cold::Column::At)), Expr::col((cold::Entity, cold::Column::Id))];
    let beyond =
        page.beyond(MEASURED, place, Order::Asc, |k| Some(vec![key::moment(k.first()?)?, key::id(k.get(1)?)?]))?;
    let list = beyond.into_iter().fold(list, QueryFilter::filter);
    let walk = page.walk(Order::Asc);
    let rows = list.order_by(cold::Column::At, walk.clone()).order_by(cold::Column::Id, walk);
    Ok(page.page(rows.limit(page.fetch()).all(db).await?))
}

/// The cursor of a sample in that list.
pub fn sample_cursor(row: &cold::Model) -> Cursor {
    Cursor::new(MEASURED, vec![row.at.timestamp_millis().into(), row.id.to_string().into()])
}

/// The holds of a shipment that were not let go.
pub(super) async fn open_holds(db: &impl ConnectionTrait, id: ShipmentId) -> Result<Vec<hold::Model>, Error> {
    let open = hold::Entity::find().filter(hold::Column::ShipmentId.eq(id)).filter(hold::Column::LiftedAt.is_null());
    Ok(open.order_by_asc(hold::Column::Id).all(db).await?)
}
