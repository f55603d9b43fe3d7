//! The price with import taxes (到手价) of one offer, as it is shown to whoever looks at it. What a buyer pays is quoted
//! with the order: the buyer's own allowances, other goods and discounts come in there.

use std::collections::HashMap;

use chrono::NaiveDate;
use entities::{
    catalog::{offer, terms::Terms, variant},
    trade::{
        Law, Limits, Passage, Quota, Rounding, Step, ZoneCapability, allowance, explain,
        explain::untaxed,
        import_list::allows,
        price::{Assessment, GoodsLine, RetailOrder, assess},
        shipping::{Carriage, freight},
        zone_policy::{At, decide, division},
    },
    values::{Currency, ErrorCode, HsCode, Refusal, Refusals, id::OfferId, refusal::Check},
};
use platform::error::Error;
use sea_orm::ConnectionTrait;

use super::{import_list, policies, shipping, tariffs};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The offer.
    pub offer: &'a offer::Model,
    /// Its variant.
    pub variant: &'a variant::Model,
    /// Its terms.
    pub terms: &'a Terms,
    /// How many.
    pub quantity: i32,
    /// Where to: code of the division (GB/T 2260), as far as it is known.
    pub division: Option<&'a str>,
}

/// What it comes to, in fen, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Landed {
    pub passage: Option<Passage>,
    pub goods_minor: i64,
    pub freight_minor: i64,
    pub insurance_minor: i64,
    pub duty_minor: i64,
    pub consumption_minor: i64,
    pub vat_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    pub steps: Vec<Step>,
    pub laws: Vec<Law>,
}

/// The price on a day. Refused with all that stands in the way: place, list, quantity, limits, contents.
pub async fn display(db: &impl ConnectionTrait, asked: &Asked<'_>, date: NaiveDate) -> Result<Landed, Error> {
    let (offer, variant) = (asked.offer, asked.variant);
    let (mode, codes) = (offer.supply_mode, [variant.hs_code.clone()]);
    let mut check = Check::default();
    let place = asked.division.map(division).transpose();
    let place = check.take("division", place).flatten();
    let rows = policies::rows_for(db, &[mode], ZoneCapability::Checkout, date).await?;
    let at = At { division: place.as_deref(), location: None };
    let decision = decide(&rows, at, mode, ZoneCapability::Checkout, date);
    check.take("division", decision.demanded(ZoneCapability::Checkout));
    if mode.is_retail_import() {
        let lines = import_list::lines_for(db, &codes, date).await?;
        check.take("offerId", allows(&lines, &variant.hs_code, mode, date).map(|_| ()));
    }
    let tier = asked.terms.tier(asked.quantity, Currency::CNY);
    let tier = tier.map_err(|refusal| check.0.push(refusal)).ok();
    let Some(tier) = tier.filter(|_| check.0.is_empty()) else { return Err(check.0.into()) };

    let quantity = u32::try_from(asked.quantity).map_err(Error::internal)?;
    let goods_minor = tier.amount_minor.checked_mul(i64::from(quantity)).ok_or_else(|| too_much(asked))?;
    let rates = shipping::rates(db, &[offer.seller_id]).await?;
    let rate = shipping::rate_of(&rates, offer.seller_id, mode, Currency::CNY);
    let gross = i64::from(variant.gross_weight_g).saturating_mul(i64::from(quantity));
    let carriage = freight(rate, gross, goods_minor)?;
    let goods = goods_of(variant, tier.amount_minor, quantity);
    if mode.is_retail_import() {
        let rows = tariffs::rows_for(db, &codes, date).await?;
        let order = order_of(goods, carriage, date);
        let assessment = taxed(&order, &rows).map_err(outermost)?;
        Ok(imported(&order, &assessment, carriage))
    } else {
        Ok(untaxed_price(&goods, goods_minor, carriage))
    }
}

/// What offers cost on a shelf, in fen: their smallest order's price for one, import taxes on it included (含税单价), without
/// carriage. What cannot be had so has none. Two statements, for any number of them.
pub async fn on_shelf<'a>(
    db: &impl ConnectionTrait,
    offers: impl Iterator<Item = (&'a offer::Model, &'a variant::Model, &'a Terms)> + Clone,
    date: NaiveDate,
) -> Result<HashMap<OfferId, i64>, Error> {
    let codes: Vec<HsCode> = offers.clone().map(|(_, variant, _)| variant.hs_code.clone()).collect();
    let (rows, lines) = (tariffs::rows_for(db, &codes, date).await?, import_list::lines_for(db, &codes, date).await?);
    let mut prices = HashMap::new();
    for (offer, variant, terms) in offers {
        let Ok(tier) = terms.tier(offer.moq, Currency::CNY) else { continue };
        let tax = if offer.supply_mode.is_retail_import() {
            let allowed = allows(&lines, &variant.hs_code, offer.supply_mode, date).is_ok();
            let goods = goods_of(variant, tier.amount_minor, 1);
            match taxed(&order_of(goods, Carriage::default(), date), &rows) {
                Ok(found) if allowed => found.tax_minor,
                _ => continue,
            }
        } else {
            0
        };
        prices.insert(offer.id, tier.amount_minor.saturating_add(tax));
    }
    Ok(prices)
}

fn goods_of(variant: &variant::Model, unit_price_minor: i64, quantity: u32) -> GoodsLine {
    GoodsLine {
        hs: variant.hs_code.clone(),
        unit_price_minor,
        quantity,
        open_discount_minor: 0,
        contents: variant.contents(),
    }
}

/// An order of nothing else.
fn order_of(goods: GoodsLine, carriage: Carriage, date: NaiveDate) -> RetailOrder {
    RetailOrder {
        lines: vec![goods],
        open_discount_minor: 0,
        freight_minor: carriage.freight_minor,
        insurance_minor: carriage.insurance_minor,
        voucher_minor: 0,
        date,
    }
}

/// The taxes for a buyer who has bought nothing this year.
fn taxed(order: &RetailOrder, rows: &[entities::trade::TariffRow]) -> Result<Assessment, Refusals> {
    // Before there was retail import there was no list either, and this is not reached.
    let none = || Refusal::new(ErrorCode::OverSingleLimit).with("value", "0").with("max", "0");
    let limits = Limits::on(order.date).ok_or_else(|| vec![none()])?;
    let quota = Quota { limits, used_minor: 0, reserved_minor: 0 };
    let assessment = assess(order, rows, &quota, Rounding::default()).map_err(|refusal| vec![refusal])?;
    let claims =
        allowance::claims(&order.lines, assessment.dutiable_minor, &limits).map_err(|refusal| vec![refusal])?;
    match claims.iter().find(|claim| claim.amount > claim.most) {
        None => Ok(assessment),
        Some(claim) => Err(vec![claim.kind.beyond(claim.most).at("quantity")]),
    }
}

fn imported(order: &RetailOrder, found: &Assessment, carriage: Carriage) -> Landed {
    let lines = found.lines.iter().zip(&order.lines);
    Landed {
        passage: Some(found.passage),
        goods_minor: found.goods_minor,
        freight_minor: carriage.freight_minor,
        insurance_minor: carriage.insurance_minor,
        duty_minor: found.duty_minor,
        consumption_minor: found.consumption_minor,
        vat_minor: found.vat_minor,
        tax_minor: found.tax_minor,
        total_minor: found.payable_minor,
        steps: lines.flat_map(|(line, goods)| explain(line, goods, found.passage)).collect(),
        laws: found.laws.clone(),
    }
}

fn untaxed_price(goods: &GoodsLine, goods_minor: i64, carriage: Carriage) -> Landed {
    let carried = carriage.freight_minor.saturating_add(carriage.insurance_minor);
    Landed {
        passage: None,
        goods_minor,
        freight_minor: carriage.freight_minor,
        insurance_minor: carriage.insurance_minor,
        duty_minor: 0,
        consumption_minor: 0,
        vat_minor: 0,
        tax_minor: 0,
        total_minor: goods_minor.saturating_add(carried),
        steps: untaxed(goods.unit_price_minor, goods.quantity, goods_minor, carried),
        laws: Vec::new(),
    }
}

/// There is one line, and whoever asks did not write it: a refusal points to what it says of the line.
fn outermost(refusals: Refusals) -> Error {
    let without_line = |mut refusal: Refusal| {
        if refusal.field.first().is_some_and(|field| field == "lines") {
            refusal.field.drain(..refusal.field.len().min(2));
        }
        refusal
    };
    Error::Refused(refusals.into_iter().map(without_line).collect())
}

fn too_much(asked: &Asked<'_>) -> Error {
    let range = Refusal::new(ErrorCode::OutOfRange).with("min", asked.terms.moq.to_string());
    range.with("max", i32::MAX.to_string()).at("quantity").into()
}
