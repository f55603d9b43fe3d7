//! Framework agreements in the schema. A supplier sees an agreement from when it was offered on.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    ordering::Incoterm,
    party::Action,
    procurement::{
        AgreementKind, AgreementState, FileSubject, Side, TierMode,
        agreement::{self, line},
    },
    values::{Currency, ErrorCode, Refusal, id::SupplyAgreementId},
};
use inventory::ledger::in_line;
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, Money, connection::list_cost, decode, encode, scalars::MoneyInput},
    page::PageArgs,
    payload,
};

use super::{
    files::{ProcurementFile, attached},
    orders::buys,
    shared::{QuotedTierInput, QuotedTierOutput},
};
use crate::ops::agreements::{self as ops, Filter, NewAgreement, NewAgreementLine};

/// Prices that a supplier holds until a day (框架协议).
#[derive(Clone, Debug)]
pub struct SupplyAgreement(pub agreement::Model);

/// Prices that a supplier holds until a day (框架协议).
#[Object]
impl SupplyAgreement {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it (协议号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What it holds.
    async fn kind(&self) -> AgreementKind {
        self.0.kind
    }

    /// State.
    async fn state(&self) -> AgreementState {
        self.0.state
    }

    /// Counts up with every change by people.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What it is about.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Who buys (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.buyer_id).await?.map(Organisation))
    }

    /// Who delivers (供应商).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.supplier_id).await?.map(Organisation))
    }

    /// Who pays carriage up to where (贸易术语).
    async fn incoterm(&self) -> Incoterm {
        self.0.incoterm
    }

    /// Up to where (指定地点).
    async fn named_place(&self) -> &str {
        &self.0.named_place
    }

    /// Days until invoices are to be paid (账期).
    async fn payment_days(&self) -> i32 {
        self.0.payment_days
    }

    /// Its first day.
    async fn valid_from(&self) -> NaiveDate {
        self.0.valid_from
    }

    /// Its last day.
    async fn valid_to(&self) -> NaiveDate {
        self.0.valid_to
    }

    /// How much money it holds prices for; null: it has no such ceiling (金额上限).
    async fn ceiling(&self) -> Option<Money> {
        self.0.ceiling_minor.map(|minor| self.0.money(minor).into())
    }

    /// How much of that orders took (已释放金额).
    async fn released(&self) -> Money {
        self.0.money(self.0.released_minor).into()
    }

    /// Whatever else was agreed.
    async fn terms(&self) -> Option<&str> {
        self.0.terms.as_deref()
    }

    /// Who wrote it; the buyer's business.
    async fn created_by(&self, context: &Context<'_>) -> Option<&str> {
        Some(self.0.created_by.as_str()).filter(|_| buys(context, self.0.buyer_id))
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Its lines, by their places (协议明细).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplyAgreementLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(context.app().db().read(), self.0.id, &page).await?;
        let currency = self.0.currency;
        Ok(Connection::new(rows, None, |row| (ops::line_cursor(&row), SupplyAgreementLine { row, currency })))
    }

    /// Files of both sides, first attached first (协议附件).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn files(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProcurementFile>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        attached(context, FileSubject::Agreement(self.0.id), page).await
    }
}

/// A line of an agreement (框架协议行).
#[derive(Clone, Debug)]
pub(crate) struct SupplyAgreementLine {
    row: line::Model,
    currency: Currency,
}

/// A line of an agreement (框架协议行).
#[Object]
impl SupplyAgreementLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Its place in the agreement, from 0 on.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Of what; null: of what the category or the words say.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        let Some(id) = self.row.variant_id else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Variant))
    }

    /// Of which category.
    async fn category_id(&self) -> Option<ID> {
        self.row.category_id.map(encode)
    }

    /// What it is, in words.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// What it is counted in.
    async fn unit(&self) -> &str {
        &self.row.unit
    }

    /// What one costs, by how much is ordered at once (阶梯价).
    async fn tiers(&self) -> Vec<QuotedTierOutput> {
        QuotedTierOutput::all(&self.row.tiers, self.currency)
    }

    /// What a tier is the price of.
    async fn mode(&self) -> TierMode {
        self.row.mode
    }

    /// Least that is ordered at once (起订量).
    async fn moq(&self) -> i64 {
        self.row.moq
    }

    /// What is ordered is so many times that (包装倍数).
    async fn multiple(&self) -> i64 {
        self.row.multiple
    }

    /// How much it holds the prices for; null: it has no such ceiling (数量上限).
    async fn ceiling(&self) -> Option<i64> {
        self.row.ceiling
    }

    /// How much of that orders took (已释放数量).
    async fn released(&self) -> i64 {
        self.row.released
    }
}

/// Which agreements (框架协议筛选).
#[derive(Default, InputObject)]
pub(crate) struct SupplyAgreementFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only in this state.
    state: Option<AgreementState>,
    /// Only of this supplier.
    supplier_id: Option<ID>,
}

/// A line of an agreement that is written (框架协议行).
#[derive(InputObject)]
pub(crate) struct SupplyAgreementLineInput {
    /// Of what; null: of what the category or the words say.
    variant_id: Option<ID>,
    /// Of which category, when it is of nothing in particular.
    category_id: Option<ID>,
    /// What it is, in words.
    description: String,
    /// What it is counted in.
    unit: String,
    /// What one costs, by how much is ordered at once; the first from the least that is ordered on.
    tiers: Vec<QuotedTierInput>,
    /// What a tier is the price of; by default of all that is ordered at once.
    mode: Option<TierMode>,
    /// Least that is ordered at once; by default one.
    moq: Option<i64>,
    /// What is ordered is so many times that; by default one.
    multiple: Option<i64>,
    /// How much the prices are for; `BLANKET_QUANTITY` has it, the others do not.
    ceiling: Option<i64>,
}

impl SupplyAgreementLineInput {
    fn read(&self, currency: Currency) -> Result<NewAgreementLine, Error> {
        Ok(NewAgreementLine {
            variant: self.variant_id.as_ref().map(|id| decode(id, "variantId")).transpose()?,
            category: self.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
            description: self.description.clone(),
            unit: self.unit.clone(),
            tiers: QuotedTierInput::read_all(&self.tiers, currency)?,
            mode: self.mode.unwrap_or(TierMode::Volume),
            moq: self.moq.unwrap_or(1),
            multiple: self.multiple.unwrap_or(1),
            ceiling: self.ceiling,
        })
    }
}

/// What an agreement says (框架协议内容).
#[derive(InputObject)]
pub(crate) struct SupplyAgreementContentInput {
    /// What it holds.
    kind: AgreementKind,
    /// What it is about.
    title: String,
    /// ISO 4217 code; all prices are in it.
    currency: String,
    /// Who pays carriage up to where.
    incoterm: Incoterm,
    /// Up to where.
    named_place: String,
    /// Days until invoices are to be paid, at most 365.
    payment_days: i32,
    /// Its first day.
    valid_from: NaiveDate,
    /// Its last day.
    valid_to: NaiveDate,
    /// How much money the prices are for; `BLANKET_VALUE` has it, the others do not.
    ceiling: Option<MoneyInput>,
    /// Whatever else was agreed.
    terms: Option<String>,
    /// What it holds prices of, at most 200 lines.
    lines: Vec<SupplyAgreementLineInput>,
}

impl SupplyAgreementContentInput {
    fn read(&self) -> Result<NewAgreement, Error> {
        let currency: Currency = self.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
        let ceiling = self.ceiling.as_ref().map(|ceiling| ceiling.read("ceiling")).transpose()?;
        if let Some(other) = ceiling.filter(|ceiling| ceiling.currency != currency) {
            let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", other.currency.code());
            return Err(refusal.at("currency").at("ceiling").into());
        }
        let line =
            |(n, line): (usize, &SupplyAgreementLineInput)| line.read(currency).map_err(|error| in_line(error, n));
        Ok(NewAgreement {
            kind: self.kind,
            title: self.title.clone(),
            currency,
            incoterm: self.incoterm,
            named_place: self.named_place.clone(),
            payment_days: self.payment_days,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            ceiling_minor: ceiling.map(|ceiling| ceiling.minor),
            terms: self.terms.clone(),
            lines: self.lines.iter().enumerate().map(line).collect::<Result<_, Error>>()?,
        })
    }
}

/// An agreement that is written (新建框架协议).
#[derive(InputObject)]
pub(crate) struct CreateSupplyAgreementInput {
    /// Who is to hold the prices.
    supplier_id: ID,
    /// What it says.
    content: SupplyAgreementContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Another content of an agreement that was not offered yet (修改框架协议).
#[derive(InputObject)]
pub(crate) struct UpdateSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What it says.
    content: SupplyAgreementContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An agreement that is shown to its supplier (发出框架协议).
#[derive(InputObject)]
pub(crate) struct OfferSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An agreement that its supplier agrees to (接受框架协议).
#[derive(InputObject)]
pub(crate) struct AcceptSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An agreement that its supplier does not agree to (拒绝框架协议).
#[derive(InputObject)]
pub(crate) struct DeclineSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An agreement that comes into force (框架协议生效).
#[derive(InputObject)]
pub(crate) struct ActivateSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An agreement that ends before its time (终止框架协议).
#[derive(InputObject)]
pub(crate) struct EndSupplyAgreementInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createSupplyAgreement`.
    CreateSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `updateSupplyAgreement`.
    UpdateSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `offerSupplyAgreement`.
    OfferSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `acceptSupplyAgreement`.
    AcceptSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `declineSupplyAgreement`.
    DeclineSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `activateSupplyAgreement`.
    ActivateSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
    /// The answer to `endSupplyAgreement`.
    EndSupplyAgreementPayload { /// The agreement.
        supply_agreement: SupplyAgreement }
}

/// Queries about framework agreements.
#[derive(Default)]
pub(crate) struct AgreementQuery;

#[Object]
impl AgreementQuery {
    /// Framework agreements that one's organisation buys by, or that were offered to it; newest first (框架协议列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn supply_agreements(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<SupplyAgreementFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplyAgreement>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let supplier = filter.supplier_id.map(|id| decode(&id, "supplierId")).transpose()?;
        let filter = Filter { side: filter.side, state: filter.state, supplier };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), SupplyAgreement(row))))
    }

    /// A framework agreement; null when there is none or it may not be seen (框架协议).
    async fn supply_agreement(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<SupplyAgreement>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<SupplyAgreementId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(SupplyAgreement))
    }
}

/// Mutations of framework agreements.
#[derive(Default)]
pub(crate) struct AgreementMutation;

#[Object]
impl AgreementMutation {
    /// Writes a framework agreement; its supplier does not see it yet (新建框架协议).
    async fn create_supply_agreement(
        &self,
        context: &Context<'_>,
        input: CreateSupplyAgreementInput,
    ) -> Result<CreateSupplyAgreementPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let supplier = decode(&input.supplier_id, "supplierId")?;
            ops::create(context.app(), &call, supplier, &input.content.read()?).await
        };
        let result = result.await.map(SupplyAgreement);
        CreateSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Puts another content into a framework agreement that was not offered yet (修改框架协议).
    async fn update_supply_agreement(
        &self,
        context: &Context<'_>,
        input: UpdateSupplyAgreementInput,
    ) -> Result<UpdateSupplyAgreementPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::update(context.app(), &call, id, input.expected_version, &input.content.read()?).await
        };
        let result = result.await.map(SupplyAgreement);
        UpdateSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Shows a framework agreement to its supplier (发出框架协议).
    async fn offer_supply_agreement(
        &self,
        context: &Context<'_>,
        input: OfferSupplyAgreementInput,
    ) -> Result<OfferSupplyAgreementPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async { ops::offer(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(SupplyAgreement);
        OfferSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Agrees, as its supplier, to a framework agreement (接受框架协议).
    async fn accept_supply_agreement(
        &self,
        context: &Context<'_>,
        input: AcceptSupplyAgreementInput,
    ) -> Result<AcceptSupplyAgreementPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::answer(context.app(), &call, id, input.expected_version, None).await
        };
        let result = result.await.map(SupplyAgreement);
        AcceptSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Does not agree, as its supplier, to a framework agreement (拒绝框架协议).
    async fn decline_supply_agreement(
        &self,
        context: &Context<'_>,
        input: DeclineSupplyAgreementInput,
    ) -> Result<DeclineSupplyAgreementPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::answer(context.app(), &call, id, input.expected_version, Some(input.reason.as_str())).await
        };
        let result = result.await.map(SupplyAgreement);
        DeclineSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Puts a framework agreement into force: not who wrote it (框架协议生效).
    async fn activate_supply_agreement(
        &self,
        context: &Context<'_>,
        input: ActivateSupplyAgreementInput,
    ) -> Result<ActivateSupplyAgreementPayload> {
        let call = context.call(Action::ApprovePurchases)?;
        let result =
            async { ops::activate(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(SupplyAgreement);
        ActivateSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }

    /// Ends a framework agreement before its time, or gives up its draft; orders that took from it go on (终止框架协议).
    async fn end_supply_agreement(
        &self,
        context: &Context<'_>,
        input: EndSupplyAgreementInput,
    ) -> Result<EndSupplyAgreementPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::end(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        let result = result.await.map(SupplyAgreement);
        EndSupplyAgreementPayload::new(context, input.client_mutation_id, result)
    }
}
