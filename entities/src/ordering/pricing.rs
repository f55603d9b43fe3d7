//! What a cart comes to, and what stands in its way: one function over values, for the cart, the quote and the tests.
//!
//! What is asked for is held against offers, stock, tariffs, the import list, the zone's policy and the buyer's
//! allowances; what can be had is divided into parcels ([`super::split`]) and each parcel is priced like the order that
//! it will be. What stands in the way is data: a cart shows all of it, a quote is made only when nothing of it blocks.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::split::{self, Stock, split};
use crate::{
    catalog::{OfferStatus, SupplyMode, offer, terms::Tier},
    inventory::{CustomsStatus, LocationKind},
    trade::{
        Contents, Law, Limits, LineTax, Passage, Quota, Rounding, TariffRow,
        allowance::{AllowanceKind, Claim, claims},
        import_list,
        price::{Assessment, GoodsLine, RetailOrder, assess, assess_as_goods},
        shipping,
        spread::by_value,
        zone_policy::{self, ZoneCapability},
    },
    values::{
        CountryCode, Currency, ErrorCode, HsCode, Localized, Money, Refusal,
        id::{OfferId, OrganisationId, StockLocationId, VariantId},
    },
};

/// Most lines of an import order: the customs message has no more (报文明细 1..99).
pub const MOST_IMPORT_LINES: usize = 99;

/// Who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BuyerKind {
    /// A person, for itself: retail import within limits.
    Consumer,
    /// An organisation: no limits, taxed as goods.
    Company,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of what.
    pub offer: OfferId,
    /// How much.
    pub quantity: i32,
    /// The price of one unit that the buyer saw.
    pub seen_minor: Option<i64>,
}

/// An offer with what it is of.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The offer.
    pub offer: offer::Model,
    /// Its tiers in the currency of the cart, quantity up.
    pub tiers: Vec<Tier>,
    /// Tariff code.
    pub hs_code: HsCode,
    /// Country of origin.
    pub origin: CountryCode,
    /// Net contents of one unit.
    pub contents: Contents,
    /// Gross weight of one unit in grams.
    pub gross_weight_g: i32,
    /// Name by language.
    pub name: Localized,
    /// What one unit is taken from, when it is a bundle.
    pub parts: Vec<(VariantId, i32)>,
}

/// What can be sold of a variant in a warehouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnShelf {
    /// Whose.
    pub owner: OrganisationId,
    /// Where.
    pub place: StockLocationId,
    /// What the place is.
    pub kind: LocationKind,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub available: i64,
}

/// Everything that is held against what is asked for.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who buys.
    pub buyer: BuyerKind,
    /// The organisation that buys.
    pub organisation: Option<OrganisationId>,
    /// Whether the buyer's identity is known; without it no import is placed.
    pub identified: bool,
    /// The currency of the cart.
    pub currency: Currency,
    /// The day, in Asia/Shanghai.
    pub date: NaiveDate,
    /// Where to.
    pub division: String,
    /// The offers that the buyer may see.
    pub offered: HashMap<OfferId, Offered>,
    /// What can be sold.
    pub shelves: Vec<OnShelf>,
    /// Tariff rows of the day.
    pub tariffs: Vec<TariffRow>,
    /// Lines of the import list of the day.
    pub list: Vec<import_list::Model>,
    /// The zone's policy of the day.
    pub policies: Vec<zone_policy::Model>,
    /// What carriage costs.
    pub rates: Vec<shipping::Model>,
    /// What the buyer has used and reserved of its allowances this year.
    pub taken: HashMap<AllowanceKind, i64>,
}

/// A line as it is priced. Amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The offer.
    pub offer: OfferId,
    /// What it is of.
    pub variant: VariantId,
    /// The seller's article number.
    pub sku: String,
    /// Name by language.
    pub name: Localized,
    /// Tariff code.
    pub hs_code: HsCode,
    /// Country of origin.
    pub origin: CountryCode,
    /// Net contents of one unit.
    pub contents: Contents,
    /// How much.
    pub quantity: i32,
    /// Price of one unit.
    pub unit_minor: i64,
    /// What it is sold for.
    pub goods_minor: i64,
    /// Its share of freight and insurance.
    pub carriage_minor: i64,
    /// Its three taxes.
    pub tax_minor: i64,
    /// How they are computed; none: it is sold with tax, or without any.
    pub tax: Option<LineTax>,
    /// What one unit is taken from, when it is a bundle.
    pub parts: Vec<(VariantId, i32)>,
}

/// A parcel as it is priced: the order that it will be. Amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// Who sells.
    pub seller: OrganisationId,
    /// How it reaches the buyer.
    pub supply_mode: SupplyMode,
    /// From which warehouse; none: it is made to order.
    pub place: Option<StockLocationId>,
    /// What the goods are sold for.
    pub goods_minor: i64,
    /// Freight.
    pub freight_minor: i64,
    /// Insurance.
    pub insurance_minor: i64,
    /// Goods and carriage.
    pub dutiable_minor: i64,
    /// Duty.
    pub duty_minor: i64,
    /// Consumption tax.
    pub consumption_minor: i64,
    /// Import VAT.
    pub vat_minor: i64,
    /// All of it.
    pub total_minor: i64,
    /// How it passes the limits of retail import; none: they do not hold for it.
    pub passage: Option<Passage>,
    /// The law that it rests on.
    pub laws: Vec<Law>,
    /// The lines.
    pub lines: Vec<PricedLine>,
}

/// Something that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of which offer; none: of the cart.
    pub offer: Option<OfferId>,
    /// What.
    pub refusal: Refusal,
    /// Whether nothing can be ordered until it is mended.
    pub blocks: bool,
}

/// What a cart comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Considered {
    /// The parcels of what can be priced. A line that is short of stock is in one without a warehouse.
    pub parcels: Vec<Priced>,
    /// What stands in the way.
    pub problems: Vec<Problem>,
}

impl Considered {
    /// What blocks.
    pub fn blocking(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.blocks)
    }

    /// What is to be paid, in minor units; refused when it is beyond what money may be.
    pub fn total_minor(&self) -> Result<i64, Refusal> {
        let all = self.parcels.iter().try_fold(0_i64, |sum, parcel| sum.checked_add(parcel.total_minor));
        all.filter(|all| *all <= Money::MAX_MINOR).ok_or_else(too_much)
    }

    fn say(&mut self, offer: Option<OfferId>, refusal: Refusal) {
        self.problems.push(Problem { offer, refusal, blocks: true });
    }
}

fn too_much() -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", Money::MAX_MINOR.to_string())
}

/// Where goods of a supply mode lie before they are sold, and under which customs status.
pub fn source(mode: SupplyMode) -> (CustomsStatus, &'static [LocationKind]) {
    match mode {
        SupplyMode::BondedImport => (CustomsStatus::Bonded, &[LocationKind::BondedWarehouse]),
        SupplyMode::DirectImport => (CustomsStatus::Abroad, &[LocationKind::OverseasWarehouse]),
        SupplyMode::Domestic => (CustomsStatus::DutyPaid, &[LocationKind::DutyPaidWarehouse, LocationKind::Showroom]),
        SupplyMode::ExportB2b => (CustomsStatus::DutyPaid, &[LocationKind::DutyPaidWarehouse]),
    }
}

/// Whether goods are imported for the buyer.
pub fn is_import(mode: SupplyMode) -> bool {
    matches!(mode, SupplyMode::BondedImport | SupplyMode::DirectImport)
}

/// Whether it is taken from stock: what has a lead time is made, or bought, after it was ordered. Bonded goods always lie
/// in the zone before they are sold.
pub fn ships_from_stock(offer: &offer::Model) -> bool {
    offer.lead_time_days == 0 || offer.supply_mode == SupplyMode::BondedImport
}

/// A line that can be priced.
#[derive(Clone, Debug)]
struct Item<'a> {
    of: &'a Offered,
    quantity: i32,
    unit_minor: i64,
}

/// Holds what is asked for against what is known.
pub fn consider(asked: &[Asked], known: &Known) -> Considered {
    let mut found = Considered::default();
    let mut groups: BTreeMap<(OrganisationId, u8), Vec<Item<'_>>> = BTreeMap::new();
    for one in asked {
        match item(one, known) {
            Ok((item, changed)) => {
                if changed {
                    let now = Money { minor: item.unit_minor, currency: known.currency };
                    let refusal = Refusal::new(ErrorCode::PriceChanged).with("price", now.to_string());
                    found.problems.push(Problem { offer: Some(one.offer), refusal, blocks: false });
                }
                let mode = item.of.offer.supply_mode;
                groups.entry((item.of.offer.seller_id, mode as u8)).or_default().push(item);
            }
            Err(refusals) => refusals.into_iter().for_each(|refusal| found.say(Some(one.offer), refusal)),
        }
    }
    let limits = Limits::on(known.date);
    let import = |items: &Vec<Item<'_>>| items.first().is_some_and(|item| is_import(item.of.offer.supply_mode));
    if known.buyer == BuyerKind::Consumer && groups.values().any(import) {
        if !known.identified {
            found.problems.push(Problem {
                offer: None,
                refusal: Refusal::new(ErrorCode::IdentityRequired),
                blocks: true,
            });
        }
        if let Some(limits) = &limits {
            caps(known, groups.values().filter(|items| import(items)).flatten(), limits, &mut found);
        }
    }
    let mut stock = shelves(known);
    let mut taken = known.taken.get(&AllowanceKind::AnnualValue).copied().unwrap_or_default();
    for items in groups.into_values() {
        for (place, items) in parcels(items, &mut stock, &mut found) {
            let quota = limits.map(|limits| Quota { limits, used_minor: 0, reserved_minor: taken });
            match priced(known, place, &items, quota) {
                Ok(parcel) => {
                    if parcel.passage.is_some_and(|passage| passage != Passage::GeneralTrade) {
                        taken = taken.saturating_add(parcel.dutiable_minor);
                    }
                    found.parcels.push(parcel);
                }
                Err(refusal) => {
                    let (offer, refusal) = of_line(&items.iter().collect::<Vec<_>>(), refusal);
                    found.say(offer, refusal);
                }
            }
        }
    }
    if let Err(refusal) = found.total_minor() {
        found.say(None, refusal);
    }
    found
}

/// Whether a line can be priced at all, and whether its price is another than the buyer saw.
fn item<'a>(one: &Asked, known: &'a Known) -> Result<(Item<'a>, bool), Vec<Refusal>> {
    let not_for_sale = || vec![Refusal::new(ErrorCode::NotForSale)];
    let of = known.offered.get(&one.offer).ok_or_else(not_for_sale)?;
    let offer = &of.offer;
    let mode = offer.supply_mode;
    if offer.status != OfferStatus::Active
        || known.organisation == Some(offer.seller_id)
        || (mode == SupplyMode::ExportB2b && known.buyer == BuyerKind::Consumer)
    {
        return Err(not_for_sale());
    }
    let mut refused = Vec::new();
    if one.quantity < offer.moq {
        refused.push(Refusal::new(ErrorCode::BelowMinimumOrder).with("min", offer.moq.to_string()));
    } else if one.quantity % offer.multiple.max(1) != 0 {
        refused.push(Refusal::new(ErrorCode::NotAMultiple).with("multiple", offer.multiple.to_string()));
    }
    // Customs takes retail imports in CNY only.
    let currency_fits = !is_import(mode) || known.currency == Currency::CNY;
    let tier = of.tiers.iter().rfind(|tier| tier.min_quantity <= one.quantity).or(of.tiers.first());
    let price = tier.filter(|_| currency_fits).map(|tier| tier.amount_minor);
    if price.is_none() {
        refused.push(Refusal::new(ErrorCode::NoPriceInCurrency).with("currency", known.currency.code()));
    }
    let at = zone_policy::At { division: Some(&*known.division).filter(|code| !code.is_empty()), location: None };
    let decision = zone_policy::decide(&known.policies, at, mode, ZoneCapability::Checkout, known.date);
    refused.extend(decision.demanded(ZoneCapability::Checkout).err());
    if is_import(mode) && known.buyer == BuyerKind::Consumer {
        refused.extend(import_list::allows(&known.list, &of.hs_code, mode, known.date).err());
    }
    match price {
        Some(unit_minor) if refused.is_empty() => {
            let changed = one.seen_minor.is_some_and(|seen| seen != unit_minor);
            Ok((Item { of, quantity: one.quantity, unit_minor }, changed))
        }
        _ => Err(refused),
    }
}

/// Whether a person may buy so much of what the import list caps, over all parcels together.
fn caps<'a>(known: &Known, items: impl Iterator<Item = &'a Item<'a>>, limits: &Limits, found: &mut Considered) {
    let items: Vec<&Item<'_>> = items.collect();
    let lines: Vec<GoodsLine> = items.iter().map(|item| goods_line(item)).collect();
    let claimed = match claims(&lines, 0, limits) {
        Ok(claimed) => claimed,
        Err(refusal) => {
            let (offer, refusal) = of_line(&items, refusal);
            return found.say(offer, refusal);
        }
    };
    for claim in claimed {
        let earlier = known.taken.get(&claim.kind).copied().unwrap_or_default();
        if earlier.saturating_add(claim.amount) > claim.most {
            let counted = |item: &&&Item<'_>| claim.kind.cap().is_some_and(|cap| cap.counts(&item.of.hs_code));
            let first = items.iter().find(counted).map(|item| item.of.offer.id);
            found.say(first, claim.kind.beyond(claim.most));
        }
    }
}

/// What there is, by owner and customs status; each in warehouses that a supply mode takes from.
type Shelves = BTreeMap<
    (OrganisationId, CustomsStatus),
    (Stock<StockLocationId, VariantId>, HashMap<StockLocationId, LocationKind>),
>;

fn shelves(known: &Known) -> Shelves {
    let mut shelves = Shelves::new();
    for shelf in &known.shelves {
        let (stock, kinds) = shelves.entry((shelf.owner, shelf.status)).or_default();
        kinds.insert(shelf.place, shelf.kind);
        *stock.entry(shelf.place).or_default().entry(shelf.variant).or_default() += shelf.available;
    }
    shelves
}

/// The parcels of what one seller sells in one mode. What is short is said, and is in a parcel without a warehouse.
fn parcels<'a>(
    items: Vec<Item<'a>>,
    shelves: &mut Shelves,
    found: &mut Considered,
) -> Vec<(Option<StockLocationId>, Vec<Item<'a>>)> {
    let Some(mode) = items.first().map(|item| item.of.offer.supply_mode) else { return Vec::new() };
    let (status, kinds) = source(mode);
    let (stocked, made): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| ships_from_stock(&item.of.offer));
    let mut by_place: BTreeMap<Option<StockLocationId>, Vec<Item<'a>>> = BTreeMap::new();
    if !made.is_empty() {
        by_place.insert(None, made);
    }
    if let Some(seller) = stocked.first().map(|item| item.of.offer.seller_id) {
        let lines: Vec<split::Line<VariantId>> = stocked.iter().map(wanted).collect();
        let (stock, places) = shelves.entry((seller, status)).or_default();
        // A mode takes from its own kinds of warehouses; what others have stays out of sight.
        let hidden: Vec<_> = places.iter().filter(|(_, kind)| !kinds.contains(kind)).map(|(place, _)| *place).collect();
        let aside: Vec<_> = hidden.iter().filter_map(|place| stock.remove_entry(place)).collect();
        let (portions, short) = split(&lines, stock);
        stock.extend(aside);
        for portion in portions {
            let item =
                Item { quantity: i32::try_from(portion.units).unwrap_or(i32::MAX), ..stocked[portion.line].clone() };
            by_place.entry(Some(portion.place)).or_default().push(item);
        }
        for line in short {
            let item = stocked[line.line].clone();
            let refusal = Refusal::new(ErrorCode::OutOfStock).with("available", line.available.to_string());
            found.say(Some(item.of.offer.id), refusal);
            by_place.entry(None).or_default().push(item);
        }
    }
    let most = if is_import(mode) { MOST_IMPORT_LINES } else { usize::MAX };
    let mut parcels = Vec::new();
    for (place, items) in by_place {
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            parcels.push((place, items.by_ref().take(most).collect()));
        }
    }
    parcels
}

fn wanted(item: &Item<'_>) -> split::Line<VariantId> {
    let parts = if item.of.parts.is_empty() {
        vec![(item.of.offer.variant_id, 1)]
    } else {
        item.of.parts.iter().map(|(variant, each)| (*variant, i64::from(*each))).collect()
    };
    split::Line { parts, units: item.quantity.into(), step: item.of.offer.multiple.max(1).into() }
}

/// A parcel with its prices.
fn priced(
    known: &Known,
    place: Option<StockLocationId>,
    items: &[Item<'_>],
    quota: Option<Quota>,
) -> Result<Priced, Refusal> {
    let first = items.first().ok_or_else(|| Refusal::new(ErrorCode::Required))?;
    let (seller, mode) = (first.of.offer.seller_id, first.of.offer.supply_mode);
    let goods: Vec<i64> = items
        .iter()
        .map(|item| {
            item.unit_minor.checked_mul(item.quantity.into()).filter(|n| *n <= Money::MAX_MINOR).ok_or_else(too_much)
        })
        .collect::<Result<_, _>>()?;
    let all = goods.iter().try_fold(0_i64, |sum, n| sum.checked_add(*n)).ok_or_else(too_much)?;
    let weight: i64 = items.iter().map(|item| i64::from(item.of.gross_weight_g) * i64::from(item.quantity)).sum();
    let rate =
        |rate: &&shipping::Model| rate.seller_id == seller && rate.mode == mode && rate.currency == known.currency;
    let shipping::Carriage { freight_minor, insurance_minor } =
        shipping::freight(known.rates.iter().find(rate), weight, all)?;
    let lines = |n: usize, goods_minor, carriage_minor, tax: Option<LineTax>| {
        let item: &Item<'_> = &items[n];
        PricedLine {
            offer: item.of.offer.id,
            variant: item.of.offer.variant_id,
            sku: item.of.offer.sku.clone(),
            name: item.of.name.clone(),
            hs_code: item.of.hs_code.clone(),
            origin: item.of.origin.clone(),
            contents: item.of.contents,
            quantity: item.quantity,
            unit_minor: item.unit_minor,
            goods_minor,
            carriage_minor,
            tax_minor: tax.as_ref().map(|tax| tax.total_minor).unwrap_or_default(),
            tax,
            parts: item.of.parts.clone(),
        }
    };
    let base = Priced {
        seller,
        supply_mode: mode,
        place,
        goods_minor: all,
        freight_minor,
        insurance_minor,
        dutiable_minor: 0,
        duty_minor: 0,
        consumption_minor: 0,
        vat_minor: 0,
        total_minor: 0,
        passage: None,
        laws: Vec::new(),
        lines: Vec::new(),
    };
    if !is_import(mode) {
        let carriage = freight_minor.checked_add(insurance_minor).ok_or_else(too_much)?;
        let shares = by_value(carriage, &goods)?;
        let dutiable_minor = all.checked_add(carriage).ok_or_else(too_much)?;
        let lines =
            goods.iter().zip(shares).enumerate().map(|(n, (goods, share))| lines(n, *goods, share, None)).collect();
        return Ok(Priced { dutiable_minor, total_minor: dutiable_minor, lines, ..base });
    }
    let order = RetailOrder {
        lines: items.iter().map(goods_line).collect(),
        open_discount_minor: 0,
        freight_minor,
        insurance_minor,
        voucher_minor: 0,
        date: known.date,
    };
    let rounding = Rounding::default();
    let retail = known.buyer == BuyerKind::Consumer;
    let assessed: Assessment = match quota {
        Some(quota) if retail => assess(&order, &known.tariffs, &quota, rounding)?,
        // Before there was retail import it is taxed as goods, as a company's is.
        _ => assess_as_goods(&order, &known.tariffs, rounding)?,
    };
    Ok(Priced {
        goods_minor: assessed.goods_minor,
        dutiable_minor: assessed.dutiable_minor,
        duty_minor: assessed.duty_minor,
        consumption_minor: assessed.consumption_minor,
        vat_minor: assessed.vat_minor,
        total_minor: assessed.payable_minor,
        passage: Some(assessed.passage),
        laws: assessed.laws,
        lines: assessed
            .lines
            .into_iter()
            .enumerate()
            .map(|(n, line)| lines(n, line.price.goods_minor, line.price.carriage_minor, Some(line.tax)))
            .collect(),
        ..base
    })
}

fn goods_line(item: &Item<'_>) -> GoodsLine {
    GoodsLine {
        hs: item.of.hs_code.clone(),
        unit_price_minor: item.unit_minor,
        quantity: u32::try_from(item.quantity).unwrap_or_default(),
        open_discount_minor: 0,
        contents: item.of.contents,
    }
}

impl PricedLine {
    /// The line as its taxes were computed.
    pub fn goods_line(&self) -> GoodsLine {
        GoodsLine {
            hs: self.hs_code.clone(),
            unit_price_minor: self.unit_minor,
            quantity: u32::try_from(self.quantity).unwrap_or_default(),
            open_discount_minor: 0,
            contents: self.contents,
        }
    }
}

/// The offer that a refusal of a parcel's line speaks of.
fn of_line(items: &[&Item<'_>], mut refusal: Refusal) -> (Option<OfferId>, Refusal) {
    let line = match refusal.field.as_slice() {
        [lines, n, ..] if lines == "lines" => n.parse::<usize>().ok(),
        _ => None,
    };
    refusal.field.clear();
    (line.and_then(|n| items.get(n)).map(|item| item.of.offer.id), refusal)
}

impl Priced {
    /// Whether it counts against the limits of a person.
    pub fn is_retail_import(&self) -> bool {
        matches!(self.passage, Some(Passage::WithinLimit | Passage::SingleItemFullTax))
    }

    /// What a person's allowances are asked for by this parcel: the year's value, and what the import list caps.
    pub fn claims(&self, date: NaiveDate) -> Result<Vec<Claim>, Refusal> {
        match Limits::on(date).filter(|_| self.is_retail_import()) {
            Some(limits) => {
                let lines: Vec<GoodsLine> = self.lines.iter().map(PricedLine::goods_line).collect();
                claims(&lines, self.dutiable_minor, &limits)
            }
            None => Ok(Vec::new()),
        }
    }
}
