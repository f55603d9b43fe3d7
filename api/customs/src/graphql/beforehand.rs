//! What must be there before anything is declared, in the schema: filings of goods, arrangements.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        arrangement, codes,
        goods_filing::{self, GoodsFilingState, GoodsFilingStep},
    },
    party::Action,
    values::{Currency, CustomsUnit, ErrorCode, Money as Amount, Refusal},
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, Money, bounded, connection::list_cost, decode, encode, scalars::MoneyInput},
    page::PageArgs,
    payload,
};
use rust_decimal::Decimal;

use crate::{
    arrangements::{self, Arranging},
    filings::{self, Filing, Filter},
};

/// What customs is told of goods before they are sold (商品备案).
#[derive(Clone, Debug)]
pub struct GoodsFiling(goods_filing::Model);

/// What customs is told of goods before they are sold (商品备案).
#[Object]
impl GoodsFiling {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who sells.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// What.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// As bonded or as direct import.
    async fn mode(&self) -> SupplyMode {
        self.0.mode
    }

    /// The seller's article number (商品货号).
    async fn item_no(&self) -> &str {
        &self.0.item_no
    }

    /// Tariff code.
    async fn hs_code(&self) -> &str {
        self.0.hs_code.as_str()
    }

    /// The name as it is declared (申报品名).
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The specification as it is declared (规格型号).
    async fn specification(&self) -> &str {
        &self.0.gmodel
    }

    /// The unit in which it is sold, customs' number (申报计量单位).
    async fn unit(&self) -> &str {
        self.0.unit.as_str()
    }

    /// First legal unit, and how much of it one piece is (法定计量单位).
    async fn legal1(&self) -> LegalQuantity {
        LegalQuantity { unit: self.0.unit1.as_str().into(), quantity: codes::quantity(self.0.quantity1_e5) }
    }

    /// The same of the second, when the tariff names one.
    async fn legal2(&self) -> Option<LegalQuantity> {
        let (unit, quantity) = (self.0.unit2.as_ref()?, self.0.quantity2_e5?);
        Some(LegalQuantity { unit: unit.as_str().into(), quantity: codes::quantity(quantity) })
    }

    /// The price that it is filed with (备案价格).
    async fn price(&self) -> Money {
        Amount { minor: self.0.price_minor, currency: Currency::CNY }.into()
    }

    /// State.
    async fn state(&self) -> GoodsFilingState {
        self.0.state
    }

    /// What was said when it was decided.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// How much of a legal unit one piece is (法定数量).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct LegalQuantity {
    /// The unit, customs' number.
    unit: String,
    /// How much.
    quantity: String,
}

/// Who does what at customs for a seller (申报关系).
#[derive(Clone, Debug)]
pub struct CustomsArrangement(arrangement::Model);

/// Who does what at customs for a seller (申报关系).
#[Object]
impl CustomsArrangement {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// For bonded or for direct imports.
    async fn mode(&self) -> SupplyMode {
        self.0.mode
    }

    /// Who declares (申报企业).
    async fn declarer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.declarer_id).await?.map(Organisation))
    }

    /// Who carries the parcels (物流企业).
    async fn carrier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.carrier_id).await?.map(Organisation))
    }

    /// Who takes the payments (支付企业).
    async fn payer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.payer_id).await?.map(Organisation))
    }

    /// Who withholds the taxes and answers for them (担保企业).
    async fn guarantor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.guarantor_id).await?.map(Organisation))
    }

    /// Where it is declared (申报地海关).
    async fn customs_code(&self) -> &str {
        &self.0.customs_code
    }

    /// Where the goods come in (口岸海关).
    async fn port_code(&self) -> &str {
        &self.0.port_code
    }

    /// How goods leave the warehouse (运输方式).
    async fn traf_mode(&self) -> &str {
        &self.0.traf_mode
    }

    /// Whether the platform's own system gives the order (订单由平台报送).
    async fn order_by_party(&self) -> bool {
        self.0.order_by_party
    }

    /// Whether the payment institution sends its paper itself.
    async fn payment_by_party(&self) -> bool {
        self.0.payment_by_party
    }

    /// Whether the carrier does.
    async fn waybill_by_party(&self) -> bool {
        self.0.waybill_by_party
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Goods that are filed (商品备案).
#[derive(InputObject)]
pub(super) struct FileGoodsInput {
    /// Who sells; the organisation acted for when none is named.
    seller_id: Option<ID>,
    /// What.
    variant_id: ID,
    /// As bonded or as direct import.
    mode: SupplyMode,
    /// The seller's article number, at most 20 characters (商品货号).
    item_no: String,
    /// The name as it is declared (申报品名).
    name: String,
    /// The specification as it is declared: `品名:矿泉水;规格:500ml` (规格型号).
    specification: String,
    /// The unit in which it is sold, customs' number: `142` is a bottle (申报计量单位).
    unit: String,
    /// How much of the first legal unit one piece is; left out: by its weight or volume.
    quantity1: Option<String>,
    /// The same of the second.
    quantity2: Option<String>,
    /// The price that it is filed with, in CNY (备案价格).
    price: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A decision about a filing of goods (备案审核).
#[derive(InputObject)]
pub(super) struct DecideGoodsFilingInput {
    /// Which.
    id: ID,
    /// `APPROVE`, `RETURN`, `SUSPEND` or `RESUME`.
    decision: GoodsFilingStep,
    /// Why.
    reason: Option<String>,
    /// The version that was looked at.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Who does what at customs for a seller (申报关系).
#[derive(InputObject)]
pub(super) struct ArrangeCustomsInput {
    /// Which seller; the organisation acted for when none is named.
    seller_id: Option<ID>,
    /// For bonded or for direct imports.
    mode: SupplyMode,
    /// Who declares: a customs broker, or the seller itself (申报企业).
    declarer_id: ID,
    /// Who carries the parcels (物流企业).
    carrier_id: ID,
    /// Who takes the payments (支付企业).
    payer_id: ID,
    /// Who withholds the taxes: the platform, the seller or the carrier (担保企业).
    guarantor_id: ID,
    /// Where it is declared, four digits (申报地海关).
    customs_code: String,
    /// Where the goods come in, four digits (口岸海关).
    port_code: String,
    /// How goods leave the warehouse: one character of customs (运输方式).
    #[graphql(default_with = "String::from(\"Y\")")]
    traf_mode: String,
    /// Whether the platform's own system gives the order with `giveCustomsPaper`, and the house does not write it.
    #[graphql(default)]
    order_by_party: bool,
    /// Whether the payment institution sends its paper itself and gives a copy.
    #[graphql(default)]
    payment_by_party: bool,
    /// Whether the carrier does.
    #[graphql(default)]
    waybill_by_party: bool,
    /// The version that was looked at.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Which filings of goods (备案筛选).
#[derive(InputObject, Default)]
pub(super) struct GoodsFilingFilter {
    /// Only in one of these states.
    states: Option<Vec<GoodsFilingState>>,
    /// Only of this variant.
    variant_id: Option<ID>,
}

payload! {
    /// The answer to `fileGoods`.
    FileGoodsPayload { /// The filing.
        filing: GoodsFiling }
    /// The answer to `decideGoodsFiling`.
    DecideGoodsFilingPayload { /// The filing.
        filing: GoodsFiling }
    /// The answer to `arrangeCustoms`.
    ArrangeCustomsPayload { /// The arrangement.
        arrangement: CustomsArrangement }
}

/// The part of the query root about what must be there beforehand.
#[derive(Default)]
pub struct BeforehandQuery;

#[Object]
impl BeforehandQuery {
    /// Filings of goods, newest first (商品备案列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn goods_filings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<GoodsFilingFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GoodsFiling>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            states: bounded(filter.states.unwrap_or_default())?,
            variant: filter.variant_id.map(|id| decode(&id, "variantId")).transpose()?,
        };
        let rows = filings::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (filings::cursor(&row), GoodsFiling(row))))
    }

    /// Who does what at customs for a seller, one for each mode; for the organisation acted for when none is named
    /// (申报关系).
    async fn customs_arrangements(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which seller.")] seller_id: Option<ID>,
    ) -> Result<Vec<CustomsArrangement>> {
        context.may(Action::ReadDeclarations)?;
        let seller = match seller_id {
            Some(id) => decode(&id, "sellerId").ok(),
            None => context.viewer().organisation(),
        };
        let Some(seller) = seller else { return Ok(Vec::new()) };
        let rows = arrangements::of_seller(context.app().db().read(), context.viewer(), seller).await?;
        Ok(rows.into_iter().map(CustomsArrangement).collect())
    }
}

/// The part of the mutation root about what must be there beforehand.
#[derive(Default)]
pub struct BeforehandMutation;

fn quantity(text: Option<&str>, field: &str) -> Result<Option<i64>, Error> {
    let Some(text) = text else { return Ok(None) };
    let kept = codes::e5(text).filter(|e5| *e5 > 0 && text.parse::<Decimal>().is_ok());
    let kept = kept.ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", text).at(field))?;
    Ok(Some(kept))
}

#[Object]
impl BeforehandMutation {
    /// Files goods with customs, or files them anew; a decision follows (商品备案).
    async fn file_goods(&self, context: &Context<'_>, input: FileGoodsInput) -> Result<FileGoodsPayload> {
        let call = context.call(Action::FileGoods)?;
        let result = async {
            let seller = match &input.seller_id {
                Some(id) => decode(id, "sellerId")?,
                None => call.viewer.organisation().ok_or(Error::Forbidden)?,
            };
            let price = input.price.read("price")?;
            if price.currency != Currency::CNY {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", price.currency.code());
                return Err(refusal.at("price").into());
            }
            let unit: CustomsUnit = input.unit.parse().map_err(|refusal: Refusal| Error::from(refusal.at("unit")))?;
            let filing = Filing {
                seller,
                variant: decode(&input.variant_id, "variantId")?,
                mode: input.mode,
                item_no: input.item_no.clone(),
                name: input.name.clone(),
                gmodel: input.specification.clone(),
                unit,
                quantity1_e5: quantity(input.quantity1.as_deref(), "quantity1")?,
                quantity2_e5: quantity(input.quantity2.as_deref(), "quantity2")?,
                price_minor: price.minor,
            };
            filings::file(context.app(), &call, &filing).await
        };
        FileGoodsPayload::new(context, input.client_mutation_id, result.await.map(GoodsFiling))
    }

    /// Approves a filing of goods, gives it back, suspends or resumes it (备案审核).
    async fn decide_goods_filing(
        &self,
        context: &Context<'_>,
        input: DecideGoodsFilingInput,
    ) -> Result<DecideGoodsFilingPayload> {
        let call = context.call(Action::DecideGoodsFilings)?;
        let result = async {
            let (id, reason) = (decode(&input.id, "id")?, input.reason.as_deref());
            filings::decide(context.app(), &call, id, input.decision, reason, input.expected_version).await
        };
        DecideGoodsFilingPayload::new(context, input.client_mutation_id, result.await.map(GoodsFiling))
    }

    /// Says who does what at customs for a seller (申报关系).
    async fn arrange_customs(
        &self,
        context: &Context<'_>,
        input: ArrangeCustomsInput,
    ) -> Result<ArrangeCustomsPayload> {
        let call = context.call(Action::ArrangeCustoms)?;
        let result = async {
            let seller = match &input.seller_id {
                Some(id) => decode(id, "sellerId")?,
                None => call.viewer.organisation().ok_or(Error::Forbidden)?,
            };
            let wanted = Arranging {
                seller,
                mode: input.mode,
                declarer: decode(&input.declarer_id, "declarerId")?,
                carrier: decode(&input.carrier_id, "carrierId")?,
                payer: decode(&input.payer_id, "payerId")?,
                guarantor: decode(&input.guarantor_id, "guarantorId")?,
                customs_code: input.customs_code.clone(),
                port_code: input.port_code.clone(),
                traf_mode: input.traf_mode.clone(),
                order_by_party: input.order_by_party,
                payment_by_party: input.payment_by_party,
                waybill_by_party: input.waybill_by_party,
            };
            arrangements::arrange(context.app(), &call, &wanted, input.expected_version).await
        };
        ArrangeCustomsPayload::new(context, input.client_mutation_id, result.await.map(CustomsArrangement))
    }
}
