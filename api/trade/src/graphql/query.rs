//! What can be asked of trade.

use async_graphql::{Context, ID, Object, Result};
use catalog::{loaders, store};
use chrono::{Datelike, NaiveDate};
use entities::{
    catalog::SupplyMode,
    party::Action,
    trade::{Limits, ZoneCapability, zone_policy::At, zone_policy::division},
    values::id::OfferId,
};
use party::ops::identities;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode},
    page::PageArgs,
    responses::Tag,
};
use search::Kind;

use super::{
    ImportListLine, LandedPrice, ShippingRate, Tariff, ZonePolicy,
    allowance::MyAllowances,
    rules::{ZonePlaceInput, ZonePolicyDecision},
};
use crate::{
    allowance::{self, Buyer},
    import_list,
    landed::{self, Asked},
    policies, shipping, tariffs,
};

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct TradeQuery;

#[Object]
impl TradeQuery {
    /// Tariff rows by HS code and first day (税率表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn tariffs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only codes that begin so, 2 to 10 digits.")] hs_code: Option<String>,
        #[graphql(desc = "Only rows that hold on this day.")] on: Option<NaiveDate>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Tariff>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = tariffs::list(context.app().db().read(), &tariffs::Filter { hs: hs_code, on }, &page).await?;
        Ok(Connection::new(rows, None, |row| (tariffs::cursor(&row), Tariff(row))))
    }

    /// Lines of the positive list of retail import, by their digits and first day (零售进口商品清单).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn import_list(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only lines that begin so, 2 to 8 digits.")] hs_code: Option<String>,
        #[graphql(desc = "Only lines that are on the list on this day.")] on: Option<NaiveDate>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ImportListLine>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = import_list::Filter { hs: hs_code, on };
        let rows = import_list::list(context.app().db().read(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (import_list::cursor(&row), ImportListLine(row))))
    }

    /// Policies of the zone, oldest first (区内政策列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn zone_policies(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only for goods supplied so.")] mode: Option<SupplyMode>,
        #[graphql(desc = "Only for this.")] capability: Option<ZoneCapability>,
        #[graphql(desc = "Only those that hold on this day.")] on: Option<NaiveDate>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ZonePolicy>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = policies::Filter { mode, capability, on };
        let rows = policies::list(context.app().db().read(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (policies::cursor(&row), ZonePolicy(row))))
    }

    /// Whether something may be done at a place on a day, and who says so (政策判定).
    async fn zone_policy(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where; neither division nor location: everywhere.")] place: Option<ZonePlaceInput>,
        #[graphql(desc = "For goods supplied so.")] mode: SupplyMode,
        #[graphql(desc = "What is to be done.")] capability: ZoneCapability,
        #[graphql(desc = "On which day; none: today in Asia/Shanghai.")] on: Option<NaiveDate>,
    ) -> Result<ZonePolicyDecision> {
        context.may(Action::ReadPublic)?;
        let place = place.unwrap_or_default();
        let within = place.division.as_deref().map(division).transpose().map_err(Error::from)?;
        let at = At { division: within.as_deref(), location: place.location()? };
        let date = on.unwrap_or_else(|| business_day(context.app().clock().now()));
        Ok(policies::decision(context.app().db().read(), at, mode, capability, date).await?.into())
    }

    /// What a seller asks for bringing goods (运费规则列表). Where it has no rate it asks nothing.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn shipping_rates(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] seller_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ShippingRate>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = shipping::list(context.app().db().read(), decode(&seller_id, "sellerId")?, &page).await?;
        Ok(Connection::new(rows, None, |row| (shipping::cursor(&row), ShippingRate(row))))
    }

    /// What an offer costs a consumer, import taxes and carriage included; null when there is no such offer (到手价).
    #[graphql(complexity = "50 + child_complexity")]
    async fn landed_price(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which offer.")] offer_id: ID,
        #[graphql(desc = "How many.", default = 1)] quantity: i32,
        #[graphql(desc = "Where to: code of the division (GB/T 2260), as far as it is known.")] division: Option<
            String,
        >,
    ) -> Result<Option<LandedPrice>> {
        context.may(Action::ReadPublic)?;
        let (id, loader): (OfferId, _) = (decode(&offer_id, "offerId")?, loaders::of(context));
        let Some(offer) = loader.load_one(id).await? else {
            context.reads().note(Tag::Any(Kind::Product));
            return Ok(None);
        };
        context.reads().note(Tag::One(Kind::Product, offer.product_id.0));
        let Some(variant) = loader.load_one(offer.variant_id).await? else { return Ok(None) };
        let db = context.app().db().read();
        let terms = store::load_terms(db, std::slice::from_ref(&offer)).await?.remove(&id);
        let terms = terms.ok_or_else(|| Error::internal("an offer has no terms"))?;
        let asked = Asked { offer: &offer, variant: &variant, terms: &terms, quantity, division: division.as_deref() };
        let date = business_day(context.app().clock().now());
        let found = match landed::display(db, &asked, date).await {
            Ok(landed) => Ok(landed),
            Err(Error::Refused(refusals)) => Err(refusals),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(LandedPrice::new((quantity, offer.supply_mode, date), found, context.locale())))
    }

    /// What one has taken of one's own allowances in a year; null for who has not given a resident ID (我的个人额度).
    async fn my_allowances(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The calendar year; none: this one in Asia/Shanghai.")] year: Option<i32>,
    ) -> Result<Option<MyAllowances>> {
        context.may(Action::KeepIdentity)?;
        let person = context.viewer().person().ok_or(Error::Forbidden)?;
        let today = business_day(context.app().clock().now());
        let year = year.unwrap_or_else(|| today.year());
        // A year's limits are those of its last day, of this year those of today.
        let day = if year == today.year() { Some(today) } else { NaiveDate::from_ymd_opt(year, 12, 31) };
        let limits = day.and_then(Limits::on);
        let limits = limits.ok_or_else(|| Error::BadInput("there was no retail import in that year".into()))?;
        let db = context.app().db().read();
        let Some(identity) = identities::own_identity(db, person).await? else { return Ok(None) };
        let taken = allowance::left(db, Buyer { lookup: &identity.lookup, year }).await?;
        Ok(Some(MyAllowances::new(&identity, year, &limits, &taken)))
    }
}
