//! Lists of shipments.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entities::{
    logistics::{ShipmentState, waybill},
    party::Action,
    values::{id::ShipmentId, refusal::line},
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, bounded, connection::list_cost, decode},
    page::PageArgs,
};

use super::Shipment;
use crate::reads::{self, Filter};

/// Which shipments (运单筛选).
#[derive(InputObject, Default)]
pub(super) struct ShipmentFilter {
    /// Only of this document.
    document: Option<String>,
    /// Only with this number.
    waybill: Option<String>,
    /// Only carried by this organisation.
    carrier_id: Option<ID>,
    /// Only sent by this organisation.
    owner_id: Option<ID>,
    /// Only in one of these states.
    states: Option<Vec<ShipmentState>>,
    /// Only those that somebody holds, or that nobody holds.
    held: Option<bool>,
    /// Only those on this gate pass (核放单).
    gate_pass_id: Option<ID>,
}

impl ShipmentFilter {
    fn read(self) -> Result<Filter, Error> {
        Ok(Filter {
            document: self.document.map(|text| line(&text, 64).map_err(|r| r.at("document"))).transpose()?,
            // What is no number is nobody's.
            waybill: self.waybill.map(|text| waybill::read(&text).unwrap_or_default()),
            carrier: self.carrier_id.map(|id| decode(&id, "carrierId")).transpose()?,
            owner: self.owner_id.map(|id| decode(&id, "ownerId")).transpose()?,
            states: bounded(self.states.unwrap_or_default())?,
            held: self.held,
            pass: self.gate_pass_id.map(|id| decode(&id, "gatePassId")).transpose()?,
        })
    }
}

/// Queries about shipments.
#[derive(Default)]
pub struct ShipmentQuery;

#[Object]
impl ShipmentQuery {
    /// Shipments that one gets, sends or carries, newest first (运单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn shipments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ShipmentFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Shipment>> {
        context.may(Action::ReadShipments)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default().read()?;
        let rows = reads::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (reads::cursor(&row), Shipment(row))))
    }

    /// A shipment; null when there is none or it may not be seen (运单).
    async fn shipment(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Shipment>> {
        context.may(Action::ReadShipments)?;
        let Ok(id) = decode::<ShipmentId>(&id, "id") else { return Ok(None) };
        Ok(reads::find(context.app().db().read(), context.viewer(), id).await?.map(Shipment))
    }
}
