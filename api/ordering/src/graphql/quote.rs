//! Quotes in the schema, and the parcels that carts and quotes are made of.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Offer;
use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    ordering::{
        pricing::{Priced, PricedLine},
        quote,
    },
    party::Action,
    trade::{
        Passage,
        explain::explain,
        price::{AssessedLine, DutiableLine},
    },
    values::{Currency, Money as Amount},
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt, CurrencyCode, Money,
        connection::{list_cost, times},
        encode,
    },
    page::{Cursor, Page, PageArgs},
    payload,
};
use trade::graphql::TaxStep;

use crate::ops::quotes;

/// Name of the order of lines, for cursors.
const IN_PARCEL: &str = "parcel-line";

/// What something comes to (金额汇总).
#[derive(Clone, Debug, SimpleObject)]
pub struct Amounts {
    /// What the goods are sold for (商品总价).
    goods: Money,
    /// Freight (运费).
    freight: Money,
    /// Insurance (保费).
    insurance: Money,
    /// Duty (关税).
    duty: Money,
    /// Consumption tax (消费税).
    consumption_tax: Money,
    /// Import VAT (增值税).
    vat: Money,
    /// The three taxes (税款).
    tax: Money,
    /// All of it: what the buyer pays (应付总额).
    total: Money,
}

impl Amounts {
    /// Each amount, in minor units.
    pub fn new(currency: Currency, [goods, freight, insurance, duty, consumption, vat, total]: [i64; 7]) -> Self {
        let money = |minor: i64| Money::from(Amount { minor, currency });
        Self {
            goods: money(goods),
            freight: money(freight),
            insurance: money(insurance),
            duty: money(duty),
            consumption_tax: money(consumption),
            vat: money(vat),
            tax: money(duty + consumption + vat),
            total: money(total),
        }
    }

    /// The sum of parcels.
    pub fn sum(parcels: &[Priced], currency: Currency) -> Self {
        let all = |of: fn(&Priced) -> i64| parcels.iter().map(of).fold(0_i64, i64::saturating_add);
        Self::new(
            currency,
            [
                all(|p| p.goods_minor),
                all(|p| p.freight_minor),
                all(|p| p.insurance_minor),
                all(|p| p.duty_minor),
                all(|p| p.consumption_minor),
                all(|p| p.vat_minor),
                all(|p| p.total_minor),
            ],
        )
    }
}

/// What one seller sends in one supply mode from one warehouse (包裹): the order that it will be.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub(super) priced: Priced,
    pub(super) currency: Currency,
}

/// What one seller sends in one supply mode from one warehouse (包裹): the order that it will be.
#[Object]
impl Parcel {
    /// Who sells.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.priced.seller).await?.map(Organisation))
    }

    /// How it reaches the buyer.
    async fn supply_mode(&self) -> SupplyMode {
        self.priced.supply_mode
    }

    /// Whether it is taken from stock; else it is made to order, or short of stock.
    async fn in_stock(&self) -> bool {
        self.priced.place.is_some()
    }

    /// What it comes to.
    async fn amounts(&self) -> Amounts {
        Amounts::sum(std::slice::from_ref(&self.priced), self.currency)
    }

    /// How it passes the limits of retail import; null: they do not hold for it.
    async fn passage(&self) -> Option<Passage> {
        self.priced.passage
    }

    /// The laws that it rests on, by their numbers or names.
    async fn laws(&self) -> Vec<&'static str> {
        self.priced.laws.iter().map(|law| law.reference()).collect()
    }

    /// Its lines.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ParcelLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let numbered: Vec<(usize, PricedLine)> = self.priced.lines.iter().cloned().enumerate().collect();
        let cursor = |row: &(usize, PricedLine)| Cursor::at(IN_PARCEL, row.0);
        let rows: Page<(usize, PricedLine)> = page.slice(numbered, cursor)?;
        Ok(Connection::new(rows, None, |row| {
            let cursor = cursor(&row);
            (cursor, ParcelLine { line: row.1, passage: self.priced.passage, currency: self.currency })
        }))
    }
}

/// A line of a parcel, with how its price comes about (包裹行).
#[derive(Clone, Debug)]
pub struct ParcelLine {
    line: PricedLine,
    passage: Option<Passage>,
    currency: Currency,
}

impl ParcelLine {
    fn money(&self, minor: i64) -> Money {
        Amount { minor, currency: self.currency }.into()
    }
}

/// A line of a parcel, with how its price comes about (包裹行).
#[Object]
impl ParcelLine {
    /// Of what.
    async fn offer_id(&self) -> ID {
        encode(self.line.offer)
    }

    /// Of what; null when it is not offered to the viewer any more.
    async fn offer(&self, context: &Context<'_>) -> Result<Option<Offer>> {
        Ok(catalog::loaders::of(context).load_one(self.line.offer).await?.map(Offer))
    }

    /// How much.
    async fn quantity(&self) -> i32 {
        self.line.quantity
    }

    /// Price of one unit, without import taxes.
    async fn unit_price(&self) -> Money {
        self.money(self.line.unit_minor)
    }

    /// What it is sold for.
    async fn goods(&self) -> Money {
        self.money(self.line.goods_minor)
    }

    /// Its share of freight and insurance.
    async fn carriage(&self) -> Money {
        self.money(self.line.carriage_minor)
    }

    /// Its three taxes.
    async fn tax(&self) -> Money {
        self.money(self.line.tax_minor)
    }

    /// All of it.
    async fn total(&self) -> Money {
        self.money(self.line.goods_minor + self.line.carriage_minor + self.line.tax_minor)
    }

    /// How its taxes come about, step by step: formula, rates, the law; empty when it is not taxed.
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn steps(&self) -> Vec<TaxStep> {
        let Some((tax, passage)) = self.line.tax.clone().zip(self.passage) else { return Vec::new() };
        let price = DutiableLine {
            items: u32::try_from(self.line.quantity).unwrap_or_default(),
            goods_minor: self.line.goods_minor,
            carriage_minor: self.line.carriage_minor,
            dutiable_minor: tax.dutiable_minor,
        };
        explain(&AssessedLine { price, tax }, &self.line.goods_line(), passage).into_iter().map(TaxStep::from).collect()
    }
}

/// What a cart comes to, promised for a quarter of an hour (报价单).
#[derive(Clone, Debug)]
pub struct Quote(quote::Model);

/// What a cart comes to, promised for a quarter of an hour (报价单).
#[Object]
impl Quote {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What it is placed by: which quote it is, signed by this house.
    async fn token(&self, context: &Context<'_>) -> Result<String> {
        Ok(quotes::token(context.app().vault(), &self.0)?)
    }

    /// Where to, by the code of the division.
    async fn division(&self) -> &str {
        &self.0.division
    }

    /// The currency of its amounts.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// The orders that it will become; their totals sum to its own.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn parcels(&self) -> Vec<Parcel> {
        let currency = self.0.currency;
        self.0.content.0.iter().map(|priced| Parcel { priced: priced.clone(), currency }).collect()
    }

    /// What it comes to.
    async fn totals(&self) -> Amounts {
        Amounts::sum(&self.0.content.0, self.0.currency)
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Until when it holds.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }
}

/// What is to be quoted (询价).
#[derive(InputObject)]
pub(super) struct RequestQuoteInput {
    /// The secret of a guest's cart; none: one's own.
    token: Option<String>,
    /// Where to, by the six digits of the division (GB/T 2260).
    division: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `requestQuote`.
    RequestQuotePayload { /// The quote.
        quote: Quote }
}

/// The part of the mutation root about quotes.
#[derive(Default)]
pub struct QuoteMutation;

#[Object]
impl QuoteMutation {
    /// Quotes the whole cart: what it comes to with all taxes, held for a quarter of an hour; or all that stands in the
    /// way (获取报价).
    async fn request_quote(&self, context: &Context<'_>, input: RequestQuoteInput) -> Result<RequestQuotePayload> {
        let call = context.call(Action::KeepCart)?;
        let result = quotes::request(context.app(), &call, input.token.as_deref(), &input.division).await;
        RequestQuotePayload::new(context, input.client_mutation_id, result.map(Quote))
    }
}
