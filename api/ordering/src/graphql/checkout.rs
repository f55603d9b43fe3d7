//! Checkouts in the schema: placed, approved, paid, taken back.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    ordering::{CheckoutState, Incoterm, PaymentTerms, checkout},
    party::Action,
    payments::{Method, ProviderKind},
    values::{Consignee, Money as Amount},
};
use party::graphql::Organisation;
use payments::{graphql::Payment, loaders::PaymentsFor};
use platform::{
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
    payment::NextStep,
};

use super::order::Order;
use crate::{
    loaders::{self, OrdersOf},
    ops::{
        checkouts::{self, Paying},
        place::{self, Placing},
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

    /// What was begun to pay it, oldest first (支付单列表).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn payments(&self, context: &Context<'_>) -> Result<Vec<Payment>> {
        let of = PaymentsFor(self.0.number.clone());
        let rows = payments::loaders::of(context).load_one(of).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Payment).collect())
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
    /// Attribution tokens of scans in showrooms, of the last seven days, at most 20; others are left out (归因令牌).
    attribution_tokens: Option<Vec<String>>,
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
}

/// The part of the query root about checkouts.
#[derive(Default)]
pub struct CheckoutQuery;

#[Object]
impl CheckoutQuery {
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

/// The part of the mutation root about checkouts.
#[derive(Default)]
pub struct CheckoutMutation;

#[Object]
impl CheckoutMutation {
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
            attribution: input.attribution_tokens.unwrap_or_default(),
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
}
