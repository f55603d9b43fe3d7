//! The positive list, policies of the zone, shipping rates.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use entities::{
    catalog::SupplyMode,
    trade::{Decision, ZoneCapability, import_list, shipping, zone_policy},
    values::{self, Currency, id::StockLocationId, refusal::Check},
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{CurrencyCode, Money, MoneyAmount, decode, encode},
};

use crate::{import_list::NewLine, policies::NewPolicy, shipping::NewRate};

/// A line of the positive list of retail import (跨境电商零售进口商品清单).
#[derive(Clone, Debug)]
pub struct ImportListLine(pub import_list::Model);

/// A line of the positive list of retail import (跨境电商零售进口商品清单).
#[Object]
impl ImportListLine {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Eight digits of the tariff (税则号列).
    async fn hs8(&self) -> &str {
        &self.0.hs8
    }

    /// First day.
    async fn valid_from(&self) -> NaiveDate {
        self.0.valid_from
    }

    /// First day on which it is not on the list any more; none: it still is.
    async fn valid_to(&self) -> Option<NaiveDate> {
        self.0.valid_to
    }

    /// Whether it may come in bonded retail import only (仅限网购保税商品).
    async fn bonded_only(&self) -> bool {
        self.0.bonded_only
    }

    /// Note of the list (备注); empty when there is none.
    async fn note(&self) -> &str {
        &self.0.note
    }

    /// The notice that it comes from.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A line of the positive list (设置清单项).
#[derive(Clone, Debug, InputObject)]
pub(super) struct SetImportListLineInput {
    /// Eight digits of the tariff.
    hs8: String,
    /// First day. A line with these digits and this first day is replaced.
    valid_from: NaiveDate,
    /// First day on which it is not on the list any more.
    valid_to: Option<NaiveDate>,
    /// Whether it may come in bonded retail import only.
    #[graphql(default)]
    bonded_only: bool,
    /// Note of the list.
    note: Option<String>,
    /// The notice that it comes from.
    source: String,
    /// The version that was read, when there is such a line.
    pub(super) expected_version: Option<i32>,
    /// Known by it, a repeat answers the same.
    pub(super) client_mutation_id: Option<String>,
}

impl SetImportListLineInput {
    pub(super) fn line(&self) -> NewLine {
        NewLine {
            hs8: self.hs8.clone(),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            bonded_only: self.bonded_only,
            note: self.note.clone().unwrap_or_default(),
            source: self.source.clone(),
        }
    }
}

/// What may be done at a place (区内政策).
#[derive(Clone, Debug)]
pub struct ZonePolicy(pub zone_policy::Model);

/// What may be done at a place (区内政策).
#[Object]
impl ZonePolicy {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What the codes of divisions begin with (GB/T 2260); empty: everywhere, unless a location is named.
    async fn division(&self) -> &str {
        &self.0.division
    }

    /// The one location that it is for.
    async fn location_id(&self) -> Option<ID> {
        self.0.location_id.map(encode)
    }

    /// For goods supplied so.
    async fn mode(&self) -> SupplyMode {
        self.0.mode
    }

    /// What is done.
    async fn capability(&self) -> ZoneCapability {
        self.0.capability
    }

    /// Whether it may be done.
    async fn allowed(&self) -> bool {
        self.0.allowed
    }

    /// First day.
    async fn valid_from(&self) -> NaiveDate {
        self.0.valid_from
    }

    /// First day on which it does not hold any more; none: until another row begins.
    async fn valid_to(&self) -> Option<NaiveDate> {
        self.0.valid_to
    }

    /// The notice or approval that it comes from.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Where something is to be done (地点).
#[derive(Clone, Debug, Default, InputObject)]
pub(super) struct ZonePlaceInput {
    /// Code of the division (GB/T 2260), as far as it is known: 2, 4 or 6 digits.
    pub(super) division: Option<String>,
    /// The location of stock.
    location_id: Option<ID>,
}

impl ZonePlaceInput {
    pub(super) fn location(&self) -> Result<Option<StockLocationId>, Error> {
        self.location_id.as_ref().map(|id| decode(id, "locationId")).transpose()
    }
}

/// Whether something may be done at a place, and who says so (政策判定).
#[derive(Clone, Debug, SimpleObject)]
pub struct ZonePolicyDecision {
    /// Whether it may be done.
    allowed: bool,
    /// The notice or approval that says so.
    source: String,
    /// Since when; none: it is what holds where nobody decided otherwise.
    since: Option<NaiveDate>,
}

impl From<Decision> for ZonePolicyDecision {
    fn from(Decision { allowed, source, since }: Decision) -> Self {
        Self { allowed, source, since }
    }
}

/// A policy of the zone (设置区内政策).
#[derive(Clone, Debug, InputObject)]
pub(super) struct SetZonePolicyInput {
    /// Where: a division or a location; neither: everywhere.
    place: Option<ZonePlaceInput>,
    /// For goods supplied so.
    mode: SupplyMode,
    /// What is done.
    capability: ZoneCapability,
    /// Whether it may be done.
    allowed: bool,
    /// First day. A policy of the same place, mode and capability with this first day is replaced.
    valid_from: NaiveDate,
    /// First day on which it does not hold any more.
    valid_to: Option<NaiveDate>,
    /// The notice or approval that it comes from.
    source: String,
    /// The version that was read, when there is such a policy.
    pub(super) expected_version: Option<i32>,
    /// Known by it, a repeat answers the same.
    pub(super) client_mutation_id: Option<String>,
}

impl SetZonePolicyInput {
    pub(super) fn policy(&self) -> Result<NewPolicy, Error> {
        let place = self.place.clone().unwrap_or_default();
        Ok(NewPolicy {
            location: place.location()?,
            division: place.division.unwrap_or_default(),
            mode: self.mode,
            capability: self.capability,
            allowed: self.allowed,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            source: self.source.clone(),
        })
    }
}

/// What a seller asks for bringing goods (运费规则).
#[derive(Clone, Debug)]
pub struct ShippingRate(pub shipping::Model);

impl ShippingRate {
    fn money(&self, minor: i64) -> Money {
        values::Money { minor, currency: self.0.currency }.into()
    }
}

/// What a seller asks for bringing goods (运费规则).
#[Object]
impl ShippingRate {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who sells.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// For goods supplied so.
    async fn mode(&self) -> SupplyMode {
        self.0.mode
    }

    /// In which currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Weight that the first amount covers, in grams (首重).
    async fn first_weight_g(&self) -> i32 {
        self.0.first_weight_g
    }

    /// What it costs.
    async fn first(&self) -> Money {
        self.money(self.0.first_minor)
    }

    /// Weight of each step beyond it, in grams (续重).
    async fn step_weight_g(&self) -> i32 {
        self.0.step_weight_g
    }

    /// What each step costs, begun ones too.
    async fn step(&self) -> Money {
        self.money(self.0.step_minor)
    }

    /// From this value of goods on no freight is asked (包邮); none: never.
    async fn free_from(&self) -> Option<Money> {
        self.0.free_from_minor.map(|minor| self.money(minor))
    }

    /// Insurance, in parts per million of the goods' value.
    async fn insurance_ppm(&self) -> i32 {
        self.0.insurance_ppm
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What a seller asks for bringing goods (设置运费规则).
#[derive(Clone, Debug, InputObject)]
pub(super) struct SetShippingRateInput {
    /// Who sells; none: the organisation acted for.
    seller_id: Option<ID>,
    /// For goods supplied so.
    mode: SupplyMode,
    /// ISO 4217 code of all amounts.
    currency: String,
    /// Weight that the first amount covers, in grams.
    first_weight_g: i32,
    /// What it costs.
    first: MoneyAmount,
    /// Weight of each step beyond it, in grams.
    step_weight_g: i32,
    /// What each step costs.
    step: MoneyAmount,
    /// From this value of goods on no freight is asked.
    free_from: Option<MoneyAmount>,
    /// Insurance, in parts per million of the goods' value.
    #[graphql(default)]
    insurance_ppm: i32,
    /// The version that was read, when there is a rate for this mode and currency.
    pub(super) expected_version: Option<i32>,
    /// Known by it, a repeat answers the same.
    pub(super) client_mutation_id: Option<String>,
}

impl SetShippingRateInput {
    pub(super) fn rate(&self) -> Result<NewRate, Error> {
        let seller = self.seller_id.as_ref().map(|id| decode(id, "sellerId")).transpose()?;
        let mut check = Check::default();
        let Some(currency) = check.take("currency", self.currency.parse::<Currency>()) else {
            return Err(check.0.into());
        };
        let mut amount = |field: &str, amount: &MoneyAmount| {
            check.take(field, values::Money::parse(&amount.0, currency)).map(|money| money.minor).unwrap_or_default()
        };
        let (first_minor, step_minor) = (amount("first", &self.first), amount("step", &self.step));
        let free_from_minor = self.free_from.as_ref().map(|from| amount("freeFrom", from));
        Ok(check.done(NewRate {
            seller,
            mode: self.mode,
            currency,
            first_weight_g: self.first_weight_g,
            first_minor,
            step_weight_g: self.step_weight_g,
            step_minor,
            free_from_minor,
            insurance_ppm: self.insurance_ppm,
        })?)
    }
}
