//! Orders in the schema: read, sent off, taken in, taken back, ordered again.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Offer;
use chrono::{DateTime, Utc};
use customs::{graphql::Declaration, loaders::OfDocument};
use entities::{
    catalog::SupplyMode,
    customs::request::ReturnedLine,
    ordering::{Incoterm, OrderState, OrderStep, order, order_event, order_line},
    party::Action,
    values::Money as Amount,
};
use logistics::{graphql::Shipment, loaders::ShipmentOf};
use party::graphql::Organisation;
use platform::{
    graphql::{Connection, ContextExt, Money, RevealedConsignee, bounded, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{cart::Cart, checkout::Checkout, quote::Amounts};
use crate::{
    clearance,
    loaders::{self, LinesOf},
    ops::orders::{self, Filter},
};

/// What one seller sends in one supply mode from one warehouse (订单).
#[derive(Clone, Debug)]
pub struct Order(pub order::Model);

/// What one seller sends in one supply mode from one warehouse (订单).
#[Object]
impl Order {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it (订单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// State.
    async fn state(&self) -> OrderState {
        self.0.state
    }

    /// Who sells.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// The organisation that buys; null: a person does, for itself, or the viewer only works in stores.
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let id = self.0.organisation_id.filter(|_| !context.viewer().only_in_stores());
        let Some(id) = id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// The checkout that it is part of; null for who only sells it.
    async fn checkout(&self, context: &Context<'_>) -> Result<Option<Checkout>> {
        Ok(loaders::of(context).load_one(self.0.checkout_id).await?.map(Checkout))
    }

    /// How the goods reach the buyer.
    async fn supply_mode(&self) -> SupplyMode {
        self.0.supply_mode
    }

    /// Who pays carriage up to where, of an export.
    async fn incoterm(&self) -> Option<Incoterm> {
        self.0.incoterm
    }

    /// What it comes to.
    async fn amounts(&self) -> Amounts {
        let row = &self.0;
        Amounts::new(
            row.currency,
            [
                row.goods_minor,
                row.freight_minor,
                row.insurance_minor,
                row.duty_minor,
                row.consumption_minor,
                row.vat_minor,
                row.total_minor,
            ],
        )
    }

    /// Its lines.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<OrderLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let lines = loaders::of(context).load_one(LinesOf(self.0.id)).await?.unwrap_or_default();
        let rows = page.slice(lines, orders::line_cursor)?;
        Ok(Connection::new(rows, None, |row| (orders::line_cursor(&row), OrderLine { row, currency: self.0.currency })))
    }

    /// What happened to it, oldest first (订单动态).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn timeline(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<OrderEvent>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = orders::timeline(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (orders::event_cursor(&row), OrderEvent(row))))
    }

    /// How it stands at customs; null: nothing is declared of it (申报).
    async fn declaration(&self, context: &Context<'_>) -> Result<Option<Declaration>> {
        let of = OfDocument(self.0.number.clone());
        Ok(customs::loaders::of(context).load_one(of).await?.map(Declaration))
    }

    /// Its parcel; null: it has none, or people speak with the carrier (运单).
    async fn shipment(&self, context: &Context<'_>) -> Result<Option<Shipment>> {
        let of = ShipmentOf(self.0.number.clone());
        Ok(logistics::loaders::of(context).load_one(of).await?.map(Shipment))
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// A line of an order, as it was sold (订单行).
#[derive(Clone, Debug)]
pub struct OrderLine {
    row: order_line::Model,
    currency: entities::values::Currency,
}

impl OrderLine {
    fn money(&self, minor: i64) -> Money {
        Amount { minor, currency: self.currency }.into()
    }
}

/// A line of an order, as it was sold (订单行).
#[Object]
impl OrderLine {
    /// From 1 (商品序号).
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// Name of the goods, in the language asked for.
    async fn name(&self, context: &Context<'_>) -> Result<Option<String>> {
        context.text(&self.row.name, None)
    }

    /// The seller's article number (卖家货号).
    async fn sku(&self) -> &str {
        &self.row.sku
    }

    /// Tariff code.
    async fn hs_code(&self) -> &str {
        self.row.hs_code.as_str()
    }

    /// The offer; null when it is not offered to the viewer any more.
    async fn offer(&self, context: &Context<'_>) -> Result<Option<Offer>> {
        Ok(catalog::loaders::of(context).load_one(self.row.offer_id).await?.map(Offer))
    }

    /// How much.
    async fn quantity(&self) -> i32 {
        self.row.quantity
    }

    /// Price of one unit.
    async fn unit_price(&self) -> Money {
        self.money(self.row.unit_minor)
    }

    /// What it was sold for.
    async fn goods(&self) -> Money {
        self.money(self.row.goods_minor)
    }

    /// Its share of freight and insurance.
    async fn carriage(&self) -> Money {
        self.money(self.row.carriage_minor)
    }

    /// Its three taxes.
    async fn tax(&self) -> Money {
        self.money(self.row.tax_minor)
    }
}

/// Something that happened to an order (订单动态).
#[derive(Clone, Debug)]
pub struct OrderEvent(order_event::Model);

/// Something that happened to an order (订单动态).
#[Object]
impl OrderEvent {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What.
    async fn step(&self) -> OrderStep {
        self.0.step
    }

    /// The state after it.
    async fn state(&self) -> OrderState {
        self.0.state
    }

    /// What happened, in the language asked for.
    async fn text(&self, context: &Context<'_>) -> &'static str {
        self.0.step.told(context.locale())
    }

    /// What was said of it: a waybill, a reason.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Which orders (订单筛选).
#[derive(InputObject, Default)]
pub(super) struct OrderFilter {
    /// Only those that the organisation acted for sells, or only those that are bought.
    selling: Option<bool>,
    /// Only in one of these states.
    states: Option<Vec<OrderState>>,
    /// Only with this number.
    number: Option<String>,
}

/// An order that is sent off (发货).
#[derive(InputObject)]
pub(super) struct ShipOrderInput {
    /// Which.
    id: ID,
    /// Number of the waybill.
    waybill: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that was taken in (确认收货).
#[derive(InputObject)]
pub(super) struct CompleteOrderInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that is taken back with its money (取消订单).
#[derive(InputObject)]
pub(super) struct CancelOrderInput {
    /// Which.
    id: ID,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Goods of an import that are to come back (申请退货).
#[derive(InputObject)]
pub(super) struct RequestReturnInput {
    /// Of which order.
    id: ID,
    /// Why.
    reason: String,
    /// What, at most 99 lines.
    lines: Vec<ReturnLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of a return (退货明细).
#[derive(InputObject)]
pub(super) struct ReturnLineInput {
    /// The number of the order's line.
    number: i32,
    /// How many come back.
    quantity: i32,
}

/// An order whose lines are put into the cart again (再次购买).
#[derive(InputObject)]
pub(super) struct ReorderInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Who takes the goods in, to be read in clear (查看收货人).
#[derive(InputObject)]
pub(super) struct RevealConsigneeInput {
    /// Of which order.
    id: ID,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `shipOrder`.
    ShipOrderPayload { /// The order.
        order: Order }
    /// The answer to `completeOrder`.
    CompleteOrderPayload { /// The order.
        order: Order }
    /// The answer to `cancelOrder`.
    CancelOrderPayload { /// The order.
        order: Order }
    /// The answer to `requestReturn`.
    RequestReturnPayload { /// The order.
        order: Order }
    /// The answer to `reorder`.
    ReorderPayload { /// The cart.
        cart: Cart }
    /// The answer to `revealConsignee`.
    RevealConsigneePayload { /// Who takes the goods in.
        consignee: RevealedConsignee }
}

/// The part of the query root about orders.
#[derive(Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// Orders that one placed, that one's organisation buys or sells, newest first (订单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<OrderFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Order>> {
        context.may(Action::ReadOrders)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            selling: filter.selling,
            states: bounded(filter.states.unwrap_or_default())?,
            number: filter.number,
        };
        let rows = orders::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (orders::cursor(&row), Order(row))))
    }

    /// An order; null when there is none or it may not be seen (订单).
    async fn order(&self, context: &Context<'_>, #[graphql(desc = "Which.")] id: ID) -> Result<Option<Order>> {
        context.may(Action::ReadOrders)?;
        let Ok(id) = decode(&id, "id") else { return Ok(None) };
        Ok(orders::find(context.app().db().read(), context.viewer(), id).await?.map(Order))
    }
}

/// The part of the mutation root about orders.
#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Sends an order off: its goods leave the warehouse (发货).
    async fn ship_order(&self, context: &Context<'_>, input: ShipOrderInput) -> Result<ShipOrderPayload> {
        let call = context.call(Action::FulfilOrders)?;
        let result = async { orders::ship(context.app(), &call, decode(&input.id, "id")?, &input.waybill).await };
        ShipOrderPayload::new(context, input.client_mutation_id, result.await.map(Order))
    }

    /// The buyer has taken the goods in (确认收货).
    async fn complete_order(&self, context: &Context<'_>, input: CompleteOrderInput) -> Result<CompleteOrderPayload> {
        let call = context.call(Action::PlaceOrders)?;
        let result = async { orders::complete(context.app(), &call, decode(&input.id, "id")?).await };
        CompleteOrderPayload::new(context, input.client_mutation_id, result.await.map(Order))
    }

    /// Takes back an order that is paid and was not sent off; its money goes back (取消订单).
    async fn cancel_order(&self, context: &Context<'_>, input: CancelOrderInput) -> Result<CancelOrderPayload> {
        let call = context.call(Action::PlaceOrders).or_else(|_| context.call(Action::FulfilOrders))?;
        let result = async { orders::cancel(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        CancelOrderPayload::new(context, input.client_mutation_id, result.await.map(Order))
    }

    /// Asks to give goods of an import back, within 30 days after customs let them go; they are back within 45 (申请退货).
    async fn request_return(&self, context: &Context<'_>, input: RequestReturnInput) -> Result<RequestReturnPayload> {
        let call = context.call(Action::PlaceOrders).or_else(|_| context.call(Action::FulfilOrders))?;
        let result = async {
            let lines = input.lines.iter();
            let lines = lines.map(|line| ReturnedLine { number: line.number, quantity: line.quantity });
            let lines: Vec<ReturnedLine> = lines.collect();
            clearance::ask_return(context.app(), &call, decode(&input.id, "id")?, &input.reason, &lines).await
        };
        RequestReturnPayload::new(context, input.client_mutation_id, result.await.map(Order))
    }

    /// Puts the lines of an order into the cart again, as far as they are still offered (再次购买).
    async fn reorder(&self, context: &Context<'_>, input: ReorderInput) -> Result<ReorderPayload> {
        let call = context.call(Action::PlaceOrders)?;
        let result = async { orders::reorder(context.app(), &call, decode(&input.id, "id")?).await };
        ReorderPayload::new(context, input.client_mutation_id, result.await.map(Cart))
    }

    /// Reads in clear who takes the goods in; leaves an entry in the seller's audit (查看收货人).
    async fn reveal_consignee(
        &self,
        context: &Context<'_>,
        input: RevealConsigneeInput,
    ) -> Result<RevealConsigneePayload> {
        let call = context.call(Action::PlaceOrders).or_else(|_| context.call(Action::FulfilOrders))?;
        let result =
            async { orders::reveal_consignee(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        RevealConsigneePayload::new(context, input.client_mutation_id, result.await.map(RevealedConsignee::from))
    }
}
