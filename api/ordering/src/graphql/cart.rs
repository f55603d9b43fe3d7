//! Carts in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Offer;
use chrono::{DateTime, Utc};
use entities::{
    ordering::{cart_line, pricing::Problem},
    party::Action,
    values::{Money as Amount, id::OfferId},
};
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, CurrencyCode, Money, UserError,
        connection::{list_cost, times},
        decode, encode,
    },
    page::{Cursor, PageArgs},
    payload,
};

use super::quote::{Amounts, Parcel};
use crate::ops::carts::{self, CartMode, Change, View};

/// Name of the order of lines, for cursors.
const AS_PUT: &str = "cart-line";

/// What a buyer has put together (购物车).
#[derive(Clone, Debug)]
pub struct Cart(pub View);

/// What a buyer has put together (购物车).
#[Object]
impl Cart {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.cart.id)
    }

    /// The secret of a guest's cart, only in the answer that made it: whoever has it has the cart.
    async fn token(&self) -> Option<&str> {
        self.0.token.as_deref()
    }

    /// In which currency it is priced.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.cart.currency)
    }

    /// Where to, by the code of the division (GB/T 2260); none: not said yet.
    async fn division(&self) -> Option<&str> {
        Some(self.0.cart.division.as_str()).filter(|code| !code.is_empty())
    }

    /// How many lines it has.
    async fn line_count(&self) -> usize {
        self.0.lines.len()
    }

    /// Its lines, in the order they were put in; at most 500.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CartLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let cursor = |row: &cart_line::Model| Cursor::of_id(AS_PUT, row.id);
        let rows = page.slice(self.0.lines.clone(), cursor)?;
        Ok(Connection::new(rows, None, |row| {
            let seen = self.0.known.offered.get(&row.offer_id).and_then(|offered| {
                let tier = offered.tiers.iter().rfind(|tier| tier.min_quantity <= row.quantity);
                tier.or(offered.tiers.first()).map(|tier| tier.amount_minor)
            });
            let unit = seen.map(|minor| Amount { minor, currency: self.0.cart.currency });
            (cursor(&row), CartLine { row, unit })
        }))
    }

    /// The orders that it would become, one for each seller, supply mode and warehouse. What is short of stock is in one
    /// of its own.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn parcels(&self) -> Vec<Parcel> {
        let currency = self.0.cart.currency;
        self.0.considered.parcels.iter().map(|priced| Parcel { priced: priced.clone(), currency }).collect()
    }

    /// What it comes to, as far as it can be priced; computed once for each answer.
    async fn totals(&self) -> Amounts {
        Amounts::sum(&self.0.considered.parcels, self.0.cart.currency)
    }

    /// Everything that stands in the way, as data: a price that changed, short stock, what cannot be sold or brought
    /// there, limits.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn problems(&self, context: &Context<'_>) -> Vec<CartProblem> {
        let problem = |problem: &Problem| CartProblem {
            offer_id: problem.offer.map(encode),
            blocks: problem.blocks,
            error: UserError::new(&problem.refusal, context.locale()),
        };
        self.0.considered.problems.iter().map(problem).collect()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.cart.version
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.cart.updated_at
    }
}

/// So much of an offer (购物车行).
#[derive(Clone, Debug)]
pub struct CartLine {
    row: cart_line::Model,
    unit: Option<Amount>,
}

/// So much of an offer (购物车行).
#[Object]
impl CartLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Of what.
    async fn offer_id(&self) -> ID {
        encode(self.row.offer_id)
    }

    /// Of what; null when it is not offered to the viewer any more.
    async fn offer(&self, context: &Context<'_>) -> Result<Option<Offer>> {
        Ok(catalog::loaders::of(context).load_one(self.row.offer_id).await?.map(Offer))
    }

    /// How much.
    async fn quantity(&self) -> i32 {
        self.row.quantity
    }

    /// The price of one unit now; null when it has none in the currency of the cart.
    async fn unit_price(&self) -> Option<Money> {
        self.unit.map(Money::from)
    }
}

/// Something that stands in the way of ordering (购物车问题).
#[derive(Clone, Debug, SimpleObject)]
pub struct CartProblem {
    /// Of which offer; none: of the cart as a whole.
    offer_id: Option<ID>,
    /// Whether nothing can be ordered until it is mended.
    blocks: bool,
    /// What it is.
    error: UserError,
}

/// A line that changes (购物车行).
#[derive(InputObject)]
pub(super) struct CartLineInput {
    /// Of what.
    offer_id: ID,
    /// How much; 0 takes it out.
    quantity: i32,
}

/// A change of a cart (修改购物车).
#[derive(InputObject)]
pub(super) struct SetCartLinesInput {
    /// The secret of a guest's cart; none: one's own, or a new guest's.
    token: Option<String>,
    /// Price it in this currency.
    currency: Option<CurrencyCode>,
    /// Send it to this division (GB/T 2260).
    division: Option<String>,
    /// How quantities are meant.
    mode: Option<CartMode>,
    /// What changes, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<CartLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Rows of an order pad (快速下单).
#[derive(InputObject)]
pub(super) struct AddCartPadInput {
    /// The secret of a guest's cart; none: one's own, or a new guest's.
    token: Option<String>,
    /// One line a row: seller's slug (or nothing), article number, quantity; separated by commas, semicolons or tabs.
    csv: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A guest who signed in (合并购物车).
#[derive(InputObject)]
pub(super) struct MergeCartInput {
    /// The secret of the guest's cart.
    token: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `setCartLines`.
    SetCartLinesPayload { /// The cart.
        cart: Cart }
    /// The answer to `addCartPad`.
    AddCartPadPayload { /// The cart.
        cart: Cart }
    /// The answer to `mergeCart`.
    MergeCartPayload { /// One's own cart.
        cart: Cart }
}

/// The part of the query root about carts.
#[derive(Default)]
pub struct CartQuery;

#[Object]
impl CartQuery {
    /// One's own cart, or that of a guest; null when there is none yet (购物车).
    async fn cart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The secret of a guest's cart.")] token: Option<String>,
    ) -> Result<Option<Cart>> {
        context.may(Action::KeepCart)?;
        Ok(carts::find(context.app(), context.viewer(), token.as_deref()).await?.map(Cart))
    }
}

/// The part of the mutation root about carts.
#[derive(Default)]
pub struct CartMutation;

#[Object]
impl CartMutation {
    /// Puts lines into a cart, changes them, takes them out; says where to and in which currency (修改购物车).
    async fn set_cart_lines(&self, context: &Context<'_>, input: SetCartLinesInput) -> Result<SetCartLinesPayload> {
        let call = context.call(Action::KeepCart)?;
        let result = async {
            let line = |(n, line): (usize, CartLineInput)| {
                let offer = decode(&line.offer_id, "offerId").map_err(|error| error.at(n.to_string()).at("lines"))?;
                Ok::<(OfferId, i32), Error>((offer, line.quantity))
            };
            let change = Change {
                token: input.token,
                currency: input.currency.map(|code| code.0),
                division: input.division,
                mode: input.mode.unwrap_or_default(),
                lines: input.lines.into_iter().enumerate().map(line).collect::<std::result::Result<_, _>>()?,
            };
            carts::change(context.app(), &call, &change).await
        };
        SetCartLinesPayload::new(context, input.client_mutation_id, result.await.map(Cart))
    }

    /// Adds the rows of an order pad to a cart (快速下单).
    async fn add_cart_pad(&self, context: &Context<'_>, input: AddCartPadInput) -> Result<AddCartPadPayload> {
        let call = context.call(Action::KeepCart)?;
        let result = carts::add_pad(context.app(), &call, input.token.as_deref(), &input.csv).await;
        AddCartPadPayload::new(context, input.client_mutation_id, result.map(Cart))
    }

    /// Puts what a guest had put together on top of one's own cart (合并购物车).
    async fn merge_cart(&self, context: &Context<'_>, input: MergeCartInput) -> Result<MergeCartPayload> {
        let call = context.call(Action::KeepCart)?;
        let result = carts::merge(context.app(), &call, &input.token).await;
        MergeCartPayload::new(context, input.client_mutation_id, result.map(Cart))
    }
}
