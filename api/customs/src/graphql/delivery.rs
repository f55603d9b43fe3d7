//! What came into a site, in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use entities::{customs::paper, party::Action};
use platform::{
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::declaration::CustomsPaper;
use crate::{
    deliveries::{self as ops, Came},
    lists::silent_since,
};

/// What can be done next about what came into a site (下一步).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DeliveryNextAction {
    /// Report it anew under its number, mended: `reportDelivery` (修正后重报).
    Mend,
    /// Report the same once more: `reportDelivery` (重报).
    SendAgain,
}

/// Which parcels of a bill of direct imports came into a site (入库明细单).
#[derive(Clone, Debug)]
pub struct Delivery(pub paper::Model);

/// Which parcels of a bill of direct imports came into a site (入库明细单).
#[Object]
impl Delivery {
    /// Opaque identifier: that of its paper.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The operator's own number of it (企业内部编号).
    async fn number(&self) -> &str {
        // The key is the operator's code and the number.
        self.0.business_key.rsplit('|').next().unwrap_or_default()
    }

    /// The bill that the parcels came under (提运单号).
    async fn bill(&self) -> &str {
        &self.0.document
    }

    /// The numbers of the parcels, at most 500 (物流运单编号).
    #[graphql(complexity = 50)]
    async fn waybills(&self, context: &Context<'_>) -> Result<Vec<String>> {
        Ok(ops::waybills(context.app(), &self.0)?)
    }

    /// How it stands at customs, with its receipts.
    async fn paper(&self) -> CustomsPaper {
        CustomsPaper(self.0.clone())
    }

    /// What its operator can do next (下一步).
    async fn next_actions(&self, context: &Context<'_>) -> Vec<DeliveryNextAction> {
        let silent = self.0.updated_at < silent_since(context.app());
        match self.0.state {
            state if state.is_refused() => vec![DeliveryNextAction::Mend],
            state if state.is_unanswered() && silent => vec![DeliveryNextAction::SendAgain],
            _ => Vec::new(),
        }
    }
}

/// Which parcels came (入库明细单).
#[derive(InputObject)]
pub(super) struct ReportDeliveryInput {
    /// One's own number of it, at most 20 characters. What failed or was not taken is mended by reporting it once more
    /// under the same; what nobody has answered to is sent again when the same is reported (企业内部编号).
    number: String,
    /// The customs office of the site, four digits (申报地海关).
    customs_code: String,
    /// How the goods came over the border: `5` is air (运输方式).
    traf_mode: String,
    /// The flight, vessel or vehicle (运输工具编号).
    vehicle: String,
    /// The voyage (航次号).
    voyage: String,
    /// The bill (提运单号).
    bill: String,
    /// Whose parcels they are (物流企业).
    carrier_id: ID,
    /// Where they were unloaded (卸货库位).
    unload_location: Option<String>,
    /// The numbers of the parcels that came, at most 500 (物流运单编号).
    waybills: Vec<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Which deliveries (入库明细单筛选).
#[derive(InputObject, Default)]
pub(super) struct DeliveryFilter {
    /// Only those that somebody must do something about: failed, not taken, or unanswered for longer than customs should
    /// take.
    to_do: Option<bool>,
}

payload! {
    /// The answer to `reportDelivery`.
    ReportDeliveryPayload { /// What was reported.
        delivery: Delivery }
}

/// The part of the query root about what came into sites.
#[derive(Default)]
pub struct DeliveryQuery;

#[Object]
impl DeliveryQuery {
    /// What was reported of one's own site, newest first; of all sites for who oversees the zone (入库明细单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<DeliveryFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Delivery>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let silent_since = silent_since(context.app());
        let to_do = filter.unwrap_or_default().to_do.unwrap_or_default().then_some(silent_since);
        let rows = ops::list(context.app().db().read(), context.viewer(), to_do, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), Delivery(row))))
    }
}

/// The part of the mutation root about what came into sites.
#[derive(Default)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Reports to customs which parcels of a bill of direct imports came into the site of the organisation acted for, which
    /// keeps goods under customs supervision (入库明细单申报).
    async fn report_delivery(
        &self,
        context: &Context<'_>,
        input: ReportDeliveryInput,
    ) -> Result<ReportDeliveryPayload> {
        let call = context.call(Action::ReportDeliveries)?;
        let result = async {
            let came = Came {
                number: input.number,
                customs_code: input.customs_code,
                traf_mode: input.traf_mode,
                vehicle: input.vehicle,
                voyage: input.voyage,
                bill: input.bill,
                carrier: decode(&input.carrier_id, "carrierId")?,
                unload_location: input.unload_location,
                waybills: input.waybills,
            };
            ops::report(context.app(), &call, &came).await
        };
        ReportDeliveryPayload::new(context, input.client_mutation_id, result.await.map(Delivery))
    }
}
