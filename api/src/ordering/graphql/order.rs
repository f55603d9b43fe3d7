//! Checkouts and orders in the schema: placed, approved, paid, sent, taken in, taken back.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    ordering::{
        CheckoutState, Incoterm, OrderState, OrderStep, PaymentTerms, checkout, order, order_event, order_line,
    },
    party::Action,
    payments::{Method, ProviderKind},
    values::Money as Amount,
};

use super::{cart::Cart, quote::Amounts};
use crate::{
    catalog::{self, graphql::Offer},
    ordering::{
        loaders::{self, LinesOf, OrdersOf},
        ops::{
            checkouts::{self, Paying},
            orders::{self, Filter},
            place::{self, Consignee, Placing},
        },
    },
    party::{self, graphql::Organisation},
    payload,
    payments::graphql::Payment,
    platform::{
        graphql::{
            Connection, ContextExt, Money, bounded,
            connection::{list_cost, times},
            decode, encode,
        },
        page::PageArgs,
        payment::NextStep,
    },
};

/// What is paid at once (结算单): one or more orders.
#[derive(Clone, Debug)]
pub struct Checkout(pub checkout::Model);

/// What is paid at once (结算单): one or more orders.
#[Object]
impl Checkout {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// State.
    async fn state(&self) -> CheckoutState {
        self.0.state
    }

    /// What is to be paid.
    async fn total(&self) -> Money {
        Amount { minor: self.0.total_minor, currency: self.0.currency }.into()
    }

    /// When it is paid.
    async fn payment_terms(&self) -> PaymentTerms {
        self.0.terms
    }

    /// The organisation that buys; null: a person does, for itself.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// Its orders, one for each seller, supply mode and warehouse; their totals sum to its own.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn orders(&self, context: &Context<'_>) -> Result<Vec<Order>> {
        let orders = loaders::of(context).load_one(OrdersOf(self.0.id)).await?.unwrap_or_default();
        Ok(orders.into_iter().map(Order).collect())
    }

    /// Who takes the goods in, masked.
    async fn consignee(&self) -> &str {
        &self.0.masked_consignee
    }

    /// Where to, by the code of the division.
    async fn division(&self) -> &str {
        &self.0.division
    }

    /// The buyer's own number of the order (采购单号).
    async fn po_number(&self) -> Option<&str> {
        self.0.po_number.as_deref()
    }

    /// What the buyer says to the sellers.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// The level of approver that it needs; null: it needs none.
    async fn approval_level(&self) -> Option<i32> {
        self.0.approval_level
    }

    /// Until when it is held; null once it is paid or over.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        let waits = matches!(self.0.state, CheckoutState::AwaitingApproval | CheckoutState::AwaitingPayment);
        self.0.expires_at.filter(|_| waits)
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

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

    /// The organisation that buys; null: a person does, for itself.
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else { return Ok(None) };
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

/// Who takes the goods in, and where (收货人).
#[derive(InputObject)]
pub(super) struct ConsigneeInput {
    /// The name.
    name: String,
    /// The mobile number, of mainland China.
    mobile: String,
    /// Street and number.
    address: String,
}

/// A quote that is placed (下单).
#[derive(InputObject)]
pub(super) struct PlaceOrderInput {
    /// The token of the quote.
    quote: String,
    /// Who takes the goods in.
    consignee: ConsigneeInput,
    /// What the buyer says to the sellers.
    note: Option<String>,
    /// The buyer's own number of the order (采购单号).
    po_number: Option<String>,
    /// When it is paid; on credit for organisations that have it from every seller.
    payment_terms: Option<PaymentTerms>,
    /// Who pays carriage up to where; needed when something is exported.
    incoterm: Option<Incoterm>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A checkout that is approved (审批通过).
#[derive(InputObject)]
pub(super) struct ApproveCheckoutInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A checkout that is taken back before it is paid (取消结算单).
#[derive(InputObject)]
pub(super) struct CancelCheckoutInput {
    /// Which.
    id: ID,
    /// Why.
    reason: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A checkout that is paid (付款).
#[derive(InputObject)]
pub(super) struct PayCheckoutInput {
    /// Which.
    id: ID,
    /// Who carries the payment out.
    provider: ProviderKind,
    /// How.
    method: Method,
    /// Where the buyer comes back to.
    return_url: Option<String>,
    /// The mini-program's user, for `WeChat` Pay.
    openid: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A buyer who came back from paying (查询付款结果).
#[derive(InputObject)]
pub(super) struct RefreshCheckoutInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
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

/// Who takes the goods in, in clear (收货人).
#[derive(Clone, Debug, SimpleObject)]
pub struct RevealedConsignee {
    /// The name.
    name: String,
    /// The mobile number.
    mobile: String,
    /// Street and number.
    address: String,
}

/// A payment that has begun, and what the buyer's client does next (付款下一步).
#[derive(Clone, Debug, SimpleObject)]
pub struct StartedPayment {
    /// The payment.
    payment: Payment,
    /// It goes on with the provider's own library, with this secret.
    client_secret: Option<String>,
    /// The key that the library is opened with; it may be known to everyone.
    publishable_key: Option<String>,
    /// It opens this address.
    redirect_url: Option<String>,
    /// It calls `wx.requestPayment` with these.
    mini_program: Option<MiniProgramPayment>,
    /// It transfers the amount.
    bank_transfer: Option<BankTransferPayment>,
}

/// What `wx.requestPayment` is called with (小程序调起支付).
#[derive(Clone, Debug, SimpleObject)]
pub struct MiniProgramPayment {
    /// The app.
    app_id: String,
    /// Seconds since 1970, as text.
    time_stamp: String,
    /// A number used once.
    nonce_str: String,
    /// What names the payment.
    package: String,
    /// How it is signed.
    sign_type: String,
    /// The signature.
    pay_sign: String,
}

/// Where to transfer the amount to (银行转账).
#[derive(Clone, Debug, SimpleObject)]
pub struct BankTransferPayment {
    /// Holder of the account.
    account_name: String,
    /// The bank.
    bank: String,
    /// Number of the account.
    account_number: String,
    /// What stands in the remittance text, so that the transfer finds its payment.
    remittance_reference: String,
}

impl StartedPayment {
    fn new((payment, next): (entities::payments::payment::Model, NextStep), publishable_key: &str) -> Self {
        let mut started = Self {
            payment: Payment(payment),
            client_secret: None,
            publishable_key: None,
            redirect_url: None,
            mini_program: None,
            bank_transfer: None,
        };
        match next {
            NextStep::Nothing => {}
            NextStep::ClientSecret(secret) => {
                started.client_secret = Some(secret);
                started.publishable_key = Some(publishable_key.to_owned());
            }
            NextStep::Redirect(url) => started.redirect_url = Some(url),
            NextStep::MiniProgram { app_id, time_stamp, nonce_str, package, sign_type, pay_sign } => {
                let with = MiniProgramPayment { app_id, time_stamp, nonce_str, package, sign_type, pay_sign };
                started.mini_program = Some(with);
            }
            NextStep::BankTransfer { account_name, bank, account_number, remittance_reference } => {
                let to = BankTransferPayment { account_name, bank, account_number, remittance_reference };
                started.bank_transfer = Some(to);
            }
        }
        started
    }
}

payload! {
    /// The answer to `placeOrder`.
    PlaceOrderPayload { /// The checkout with its orders.
        checkout: Checkout }
    /// The answer to `approveCheckout`.
    ApproveCheckoutPayload { /// The checkout.
        checkout: Checkout }
    /// The answer to `cancelCheckout`.
    CancelCheckoutPayload { /// The checkout.
        checkout: Checkout }
    /// The answer to `payCheckout`.
    PayCheckoutPayload { /// The payment, and what to do next.
        started: StartedPayment }
    /// The answer to `refreshCheckout`.
    RefreshCheckoutPayload { /// The checkout.
        checkout: Checkout }
    /// The answer to `shipOrder`.
    ShipOrderPayload { /// The order.
        order: Order }
    /// The answer to `completeOrder`.
    CompleteOrderPayload { /// The order.
        order: Order }
    /// The answer to `cancelOrder`.
    CancelOrderPayload { /// The order.
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

    /// Checkouts that one placed, or one's organisation did, newest first (结算单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn checkouts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Checkout>> {
        context.may(Action::ReadOrders)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = checkouts::list(context.app().db().read(), context.viewer(), &page).await?;
        Ok(Connection::new(rows, None, |row| (checkouts::cursor(&row), Checkout(row))))
    }

    /// A checkout; null when there is none or it may not be seen (结算单).
    async fn checkout(&self, context: &Context<'_>, #[graphql(desc = "Which.")] id: ID) -> Result<Option<Checkout>> {
        context.may(Action::ReadOrders)?;
        let Ok(id) = decode(&id, "id") else { return Ok(None) };
        Ok(checkouts::find(context.app().db().read(), context.viewer(), id).await?.map(Checkout))
    }
}

/// The part of the mutation root about orders.
#[derive(Default)]
pub struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Places a quote: stock, allowances and credit are held, or nothing is (下单).
    async fn place_order(&self, context: &Context<'_>, input: PlaceOrderInput) -> Result<PlaceOrderPayload> {
        let call = context.call(Action::PlaceOrders)?;
        let ConsigneeInput { name, mobile, address } = input.consignee;
        let placing = Placing {
            quote: input.quote,
            consignee: Consignee { name, mobile, address },
            note: input.note,
            po_number: input.po_number,
            terms: input.payment_terms.unwrap_or_default(),
            incoterm: input.incoterm,
        };
        let result = place::place(context.app(), &call, &placing).await.map(Checkout);
        PlaceOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Approves an order of one's organisation that somebody else placed (审批通过).
    async fn approve_checkout(
        &self,
        context: &Context<'_>,
        input: ApproveCheckoutInput,
    ) -> Result<ApproveCheckoutPayload> {
        let call = context.call(Action::ApproveOrders)?;
        let result = async { checkouts::approve(context.app(), &call, decode(&input.id, "id")?).await };
        ApproveCheckoutPayload::new(context, input.client_mutation_id, result.await.map(Checkout))
    }

    /// Takes a checkout back before it is paid, or refuses to approve it (取消结算单).
    async fn cancel_checkout(
        &self,
        context: &Context<'_>,
        input: CancelCheckoutInput,
    ) -> Result<CancelCheckoutPayload> {
        let call = context.call(Action::PlaceOrders).or_else(|_| context.call(Action::ApproveOrders))?;
        let result =
            async { checkouts::cancel(context.app(), &call, decode(&input.id, "id")?, input.reason.as_deref()).await };
        CancelCheckoutPayload::new(context, input.client_mutation_id, result.await.map(Checkout))
    }

    /// Begins to pay a checkout; what the buyer's client does next is in the answer (付款).
    async fn pay_checkout(&self, context: &Context<'_>, input: PayCheckoutInput) -> Result<PayCheckoutPayload> {
        let call = context.call(Action::PlaceOrders)?;
        let result = async {
            let paying = Paying {
                provider: input.provider,
                method: input.method,
                return_url: input.return_url,
                openid: input.openid,
                client_ip: context.address().map(|address| address.to_string()),
            };
            checkouts::pay(context.app(), &call, decode(&input.id, "id")?, &paying).await
        };
        let key = &context.app().config().stripe.publishable_key;
        let started = result.await.map(|started| StartedPayment::new(started, key));
        PayCheckoutPayload::new(context, input.client_mutation_id, started)
    }

    /// Asks the provider what has become of the payments of a checkout: for a buyer who came back (查询付款结果).
    async fn refresh_checkout(
        &self,
        context: &Context<'_>,
        input: RefreshCheckoutInput,
    ) -> Result<RefreshCheckoutPayload> {
        let call = context.call(Action::PlaceOrders)?;
        let result = async { checkouts::refresh(context.app(), &call, decode(&input.id, "id")?).await };
        RefreshCheckoutPayload::new(context, input.client_mutation_id, result.await.map(Checkout))
    }

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
        let shown = |it: Consignee| RevealedConsignee { name: it.name, mobile: it.mobile, address: it.address };
        let result =
            async { orders::reveal_consignee(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        RevealConsigneePayload::new(context, input.client_mutation_id, result.await.map(shown))
    }
}
