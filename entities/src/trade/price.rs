//! The dutiable prices of an order's lines (完税价格), and the order with its taxes.
//!
//! The dutiable price is what the goods were sold for, with freight and insurance (财关税〔2016〕18号). A discount that
//! is open to all lowers it; points, vouchers and red packets do not, they are a way to pay (税管函〔2016〕73号). The
//! order as a whole may not come to zero, a gift among its lines may.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    at_most, below_one_fen, in_range,
    limits::{Passage, Quota},
    out_of_range,
    spread::{by_value, largest_remainder},
    sum,
    tariff::{Contents, TariffRow, row_on},
    tax::{Law, LineTax, Rounding, line_tax},
};
use crate::values::{ErrorCode, HsCode, Refusal};

/// A line of goods as it was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsLine {
    /// The HS code.
    pub hs: HsCode,
    /// Price of one item in fen, without tax; 0 for a gift.
    pub unit_price_minor: i64,
    /// How many items.
    pub quantity: u32,
    /// Open discount on this line in fen (公开优惠): it lowers the dutiable price.
    pub open_discount_minor: i64,
    /// Net contents of one item.
    pub contents: Contents,
}

/// An order as it was sold. All amounts are CNY in fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetailOrder {
    /// The lines.
    pub lines: Vec<GoodsLine>,
    /// Open discounts on the order (满减), spread over the lines.
    pub open_discount_minor: i64,
    /// Freight (运费).
    pub freight_minor: i64,
    /// Insurance (保费).
    pub insurance_minor: i64,
    /// What is paid with points, vouchers and red packets (非现金抵扣); does not lower the dutiable price.
    pub voucher_minor: i64,
    /// The day whose tariff holds, in Asia/Shanghai.
    pub date: NaiveDate,
}

/// The dutiable price of a line and what it is made of, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutiableLine {
    /// How many items.
    pub items: u32,
    /// What the goods were sold for, after open discounts (商品总价).
    pub goods_minor: i64,
    /// The line's share of freight and insurance (运保费).
    pub carriage_minor: i64,
    /// Both together.
    pub dutiable_minor: i64,
}

/// A line with its price and taxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessedLine {
    /// The dutiable price.
    pub price: DutiableLine,
    /// The taxes.
    pub tax: LineTax,
}

/// An order with its taxes. Every total is the sum of the lines, in fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The lines, in the order's sequence.
    pub lines: Vec<AssessedLine>,
    /// How the order passes the limits.
    pub passage: Passage,
    /// What the goods were sold for (商品总价).
    pub goods_minor: i64,
    /// Freight and insurance.
    pub carriage_minor: i64,
    /// The dutiable price, which is what counts to the annual limit.
    pub dutiable_minor: i64,
    /// Duty.
    pub duty_minor: i64,
    /// Consumption tax.
    pub consumption_minor: i64,
    /// Import VAT.
    pub vat_minor: i64,
    /// The three taxes (代扣税款).
    pub tax_minor: i64,
    /// What the buyer pays in money (实际支付金额): dutiable price and taxes less vouchers.
    pub payable_minor: i64,
    /// The law that it rests on.
    pub laws: Vec<Law>,
}

/// The dutiable prices of an order's lines.
pub fn dutiable_prices(order: &RetailOrder) -> Result<Vec<DutiableLine>, Refusal> {
    if order.lines.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("lines"));
    }
    let sold = order.lines.iter().enumerate().map(|(index, line)| sold_for(line).map_err(|r| at_line(r, index)));
    let sold = sold.collect::<Result<Vec<_>, _>>()?;
    let all = in_range(sum(sold.iter().copied())?)?;
    let discount = at_most(order.open_discount_minor, all).map_err(|r| r.at("openDiscount"))?;
    // The discount may not make the order a gift (订单总额不得为零).
    if all == discount {
        return Err(below_one_fen().at("lines"));
    }
    let discounts = largest_remainder(discount, &sold)?;
    let goods: Vec<i64> = sold.iter().zip(discounts).map(|(sold, discount)| sold - discount).collect();

    let freight = in_range(order.freight_minor).map_err(|r| r.at("freight"))?;
    let insurance = in_range(order.insurance_minor).map_err(|r| r.at("insurance"))?;
    let carriages = by_value(sum([freight, insurance])?, &goods)?;
    order
        .lines
        .iter()
        .zip(goods.into_iter().zip(carriages))
        .map(|(line, (goods_minor, carriage_minor))| -> Result<DutiableLine, Refusal> {
            let dutiable_minor = in_range(sum([goods_minor, carriage_minor])?)?;
            Ok(DutiableLine { items: line.quantity, goods_minor, carriage_minor, dutiable_minor })
        })
        .collect()
}

/// What a line was sold for, after its open discount.
fn sold_for(line: &GoodsLine) -> Result<i64, Refusal> {
    if line.quantity == 0 {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", u32::MAX.to_string());
        return Err(range.at("quantity"));
    }
    let price = in_range(line.unit_price_minor).map_err(|r| r.at("unitPrice"))?;
    let full = price.checked_mul(i64::from(line.quantity)).ok_or_else(out_of_range).and_then(in_range)?;
    Ok(full - at_most(line.open_discount_minor, full).map_err(|r| r.at("openDiscount"))?)
}

fn at_line(refusal: Refusal, index: usize) -> Refusal {
    refusal.at(index.to_string()).at("lines")
}

/// The order with its taxes: dutiable prices, how they pass the limits, and what each line owes on the day
/// (vectors T11, T13 and T14).
pub fn assess(
    order: &RetailOrder,
    rows: &[TariffRow],
    quota: &Quota,
    rounding: Rounding,
) -> Result<Assessment, Refusal> {
    let prices = dutiable_prices(order)?;
    let items: u64 = prices.iter().map(|price| u64::from(price.items)).sum();
    let dutiable_minor = sum(prices.iter().map(|price| price.dutiable_minor))?;
    let passage = quota.passage(dutiable_minor, items)?;
    let laws = vec![Law::DutiablePrice2016, quota.limits.law];
    assessed(order, prices, rows, Taxation { passage, laws, rounding })
}

/// The order as goods of general trade (一般贸易): the same dutiable prices, taxed in full, without limits. This is what a
/// business pays whose goods are imported for it.
pub fn assess_as_goods(order: &RetailOrder, rows: &[TariffRow], rounding: Rounding) -> Result<Assessment, Refusal> {
    let laws = vec![Law::CustomsValuation];
    assessed(order, dutiable_prices(order)?, rows, Taxation { passage: Passage::GeneralTrade, laws, rounding })
}

/// How an order is taxed, and what that rests on before any line is looked at.
struct Taxation {
    passage: Passage,
    laws: Vec<Law>,
    rounding: Rounding,
}

fn assessed(
    order: &RetailOrder,
    prices: Vec<DutiableLine>,
    rows: &[TariffRow],
    Taxation { passage, mut laws, rounding }: Taxation,
) -> Result<Assessment, Refusal> {
    let lines = order.lines.iter().zip(prices).enumerate().map(|(index, (line, price))| {
        let tax = || {
            let row = row_on(rows, &line.hs, order.date)?;
            let contents = line.contents.times(line.quantity)?;
            let mut tax = line_tax(row, price.dutiable_minor, &contents, passage.regime(), rounding)?;
            if passage == Passage::GeneralTrade {
                for law in tax.laws.iter_mut().filter(|law| **law == Law::RetailImport2016) {
                    *law = Law::Tariff;
                }
            }
            Ok(tax)
        };
        tax().map(|tax| AssessedLine { price, tax }).map_err(|refusal: Refusal| at_line(refusal, index))
    });
    let lines = lines.collect::<Result<Vec<_>, _>>()?;

    let total = |amount: fn(&AssessedLine) -> i64| sum(lines.iter().map(amount));
    let dutiable_minor = total(|line| line.price.dutiable_minor)?;
    let tax_minor = total(|line| line.tax.total_minor)?;
    let owed = sum([dutiable_minor, tax_minor])?;
    let voucher = at_most(order.voucher_minor, owed).map_err(|r| r.at("voucher"))?;
    for law in lines.iter().flat_map(|line| &line.tax.laws) {
        if !laws.contains(law) {
            laws.push(*law);
        }
    }
    Ok(Assessment {
        passage,
        goods_minor: total(|line| line.price.goods_minor)?,
        carriage_minor: total(|line| line.price.carriage_minor)?,
        dutiable_minor,
        duty_minor: total(|line| line.tax.duty.payable_minor)?,
        consumption_minor: total(|line| line.tax.consumption.payable_minor)?,
        vat_minor: total(|line| line.tax.vat.payable_minor)?,
        tax_minor,
        payable_minor: owed - voucher,
        laws,
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        trade::{
            Regime,
            fixtures::{cosmetics, day, dec, grams, handbag, millilitres, oil, pieces, quota, rows, watch, water},
        },
        values::Money,
    };

    const TODAY: &str = "2024-06-01";

    fn line(row: &TariffRow, unit_price_minor: i64, quantity: u32) -> GoodsLine {
        let contents = Contents::default();
        GoodsLine { hs: row.hs.clone(), unit_price_minor, quantity, open_discount_minor: 0, contents }
    }

    fn order(lines: Vec<GoodsLine>, freight_minor: i64) -> RetailOrder {
        RetailOrder {
            lines,
            open_discount_minor: 0,
            freight_minor,
            insurance_minor: 0,
            voucher_minor: 0,
            date: day(TODAY),
        }
    }

    fn assessed(order: &RetailOrder) -> Result<Assessment, Refusal> {
        assess(order, &rows(), &quota(TODAY, 0, 0), Rounding::Payable)
    }

    #[test]
    fn an_order_of_three_lines_is_t11() {
        let cream = GoodsLine { contents: millilitres("3"), ..line(&cosmetics(), 3_333, 1) };
        let order = order(vec![line(&water(), 10_000, 1), line(&oil(), 5_000, 1), cream], 1_000);
        let found = assessed(&order).unwrap();
        let lines = found.lines.iter().map(|l| {
            (l.price.carriage_minor, l.price.dutiable_minor, l.tax.consumption.payable_minor, l.tax.vat.payable_minor)
        });
        let wanted = [(545, 10_545, 0, 960), (273, 5_273, 0, 332), (182, 3_515, 434, 376)];
        assert_eq!(lines.collect::<Vec<_>>(), wanted);
        assert_eq!((found.goods_minor, found.carriage_minor, found.dutiable_minor), (18_333, 1_000, 19_333));
        assert_eq!((found.tax_minor, found.payable_minor), (2_102, 21_435));
        assert_eq!(found.passage, Passage::WithinLimit);
        let laws = [Law::DutiablePrice2016, Law::RetailImport2018, Law::RetailImport2016, Law::ConsumptionTax];
        assert_eq!(found.laws, laws);
    }

    #[test]
    fn limits_are_tested_on_the_dutiable_price() {
        use ErrorCode::{OverAnnualLimit, OverSingleLimit};
        use Passage::{SingleItemFullTax, WithinLimit};
        for (case, row, price, quantity, freight, used, expected) in [
            ("T9", handbag(), 600_000, 1, 0, 0, Ok((SingleItemFullTax, 118_680))),
            ("T13", water(), 50_000, 1, 0, 2_550_000, Ok((WithinLimit, 4_550))),
            ("T13 and a fen", water(), 50_001, 1, 0, 2_550_000, Err(OverAnnualLimit)),
            ("T13 and a fen of freight", water(), 50_000, 1, 1, 2_550_000, Err(OverAnnualLimit)),
            ("T14", handbag(), 260_000, 2, 0, 0, Err(OverSingleLimit)),
            ("T14, one item", handbag(), 520_000, 1, 0, 0, Ok((SingleItemFullTax, 102_856))),
            ("5,000.00", water(), 249_999, 2, 2, 0, Ok((WithinLimit, 45_500))),
            ("5,000.01", water(), 249_999, 2, 3, 0, Err(OverSingleLimit)),
        ] {
            let order = order(vec![line(&row, price, quantity)], freight);
            let found = assess(&order, &rows(), &quota(TODAY, used, 0), Rounding::Payable);
            let found = found.map(|a| (a.passage, a.tax_minor)).map_err(|refusal| refusal.code);
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn open_discounts_lower_the_dutiable_price_and_vouchers_do_not() {
        let plain = order(vec![line(&water(), 10_000, 1)], 0);
        let voucher = RetailOrder { voucher_minor: 3_000, ..plain.clone() };
        let off_order = RetailOrder { open_discount_minor: 3_000, ..plain.clone() };
        let discounted = GoodsLine { open_discount_minor: 3_000, ..line(&water(), 10_000, 1) };
        let off_line = order(vec![discounted], 0);
        for (order, dutiable, tax, payable) in [
            (plain, 10_000, 910, 10_910),
            (voucher, 10_000, 910, 7_910),
            (off_order, 7_000, 637, 7_637),
            (off_line, 7_000, 637, 7_637),
        ] {
            let found = assessed(&order).unwrap();
            assert_eq!((found.dutiable_minor, found.tax_minor, found.payable_minor), (dutiable, tax, payable));
        }
    }

    #[test]
    fn a_business_pays_the_full_tax_whatever_it_imports() {
        // T9 and T10 as goods, and what would be within the limits or beyond them.
        for (case, row, contents, price, quantity, freight, dutiable, taxes) in [
            ("T9", handbag(), Contents::default(), 600_000, 1, 0, 600_000, (36_000, 0, 82_680)),
            ("T10", watch(), pieces("1"), 1_200_000, 1, 0, 1_200_000, (96_000, 324_000, 210_600)),
            ("a bottle of water", water(), Contents::default(), 41_000, 1, 0, 41_000, (2_050, 0, 5_597)),
            ("with freight", water(), Contents::default(), 40_000, 1, 1_000, 41_000, (2_050, 0, 5_597)),
            ("a container", handbag(), Contents::default(), 600_000, 50, 0, 30_000_000, (1_800_000, 0, 4_134_000)),
        ] {
            let order = order(vec![GoodsLine { contents, ..line(&row, price, quantity) }], freight);
            let found = assess_as_goods(&order, &rows(), Rounding::Payable).unwrap();
            let parts = (found.duty_minor, found.consumption_minor, found.vat_minor);
            assert_eq!((found.dutiable_minor, parts), (dutiable, taxes), "{case}");
            assert_eq!(found.passage, Passage::GeneralTrade, "{case}");
            assert_eq!(found.laws[..2], [Law::CustomsValuation, Law::Tariff], "{case}");
        }
    }

    #[test]
    fn a_gift_stays_at_zero() {
        let found = assessed(&order(vec![line(&water(), 10_000, 1), line(&oil(), 0, 1)], 500)).unwrap();
        let gift = &found.lines[1];
        assert_eq!((gift.price.dutiable_minor, gift.tax.total_minor), (0, 0));
        assert_eq!(found.lines[0].price.carriage_minor, 500);
    }

    #[test]
    fn refusals_point_to_what_is_wrong() {
        use ErrorCode::{Incomplete, NoTariff, OutOfRange, Required};
        let one = |line: GoodsLine| order(vec![line], 0);
        let good = line(&water(), 10_000, 1);
        let unknown = GoodsLine { hs: "0409000000".parse().unwrap(), ..good.clone() };
        let discounted = GoodsLine { open_discount_minor: 10_001, ..good.clone() };
        let masks = GoodsLine { hs: cosmetics().hs, ..good.clone() };
        for (order, code, field) in [
            (order(vec![], 0), Required, "lines"),
            (one(GoodsLine { quantity: 0, ..good.clone() }), OutOfRange, "lines.0.quantity"),
            (one(GoodsLine { unit_price_minor: -1, ..good.clone() }), OutOfRange, "lines.0.unitPrice"),
            (one(GoodsLine { unit_price_minor: i64::MAX, ..good.clone() }), OutOfRange, "lines.0.unitPrice"),
            (one(discounted), OutOfRange, "lines.0.openDiscount"),
            (one(GoodsLine { unit_price_minor: 0, ..good.clone() }), OutOfRange, "lines"),
            (RetailOrder { open_discount_minor: 10_000, ..one(good.clone()) }, OutOfRange, "lines"),
            (RetailOrder { open_discount_minor: 10_001, ..one(good.clone()) }, OutOfRange, "openDiscount"),
            (RetailOrder { insurance_minor: -1, ..one(good.clone()) }, OutOfRange, "insurance"),
            (RetailOrder { voucher_minor: 10_911, ..one(good) }, OutOfRange, "voucher"),
            (one(unknown), NoTariff, "lines.0"),
            (one(masks), Incomplete, "lines.0.contents"),
        ] {
            let refusal = assessed(&order).unwrap_err();
            assert_eq!((refusal.code, refusal.field.join(".").as_str()), (code, field));
        }
    }

    proptest::proptest! {
        #[test]
        fn totals_are_the_sums_of_the_lines(
            goods in proptest::collection::vec((proptest::sample::select(rows()), 0..50_000_i64, 1..4_u32), 1..8),
            carriage in (0..5_000_i64, 0..500_i64),
            discount in 0..1_000_i64,
        ) {
            let contents = Contents { pieces: Some(dec("1")), millilitres: Some(dec("500")), ..grams("400") };
            let lines: Vec<_> = goods
                .iter()
                .map(|(row, price, quantity)| GoodsLine { contents, ..line(row, *price, *quantity) })
                .collect();
            let sold: i64 = goods.iter().map(|(_, price, quantity)| price * i64::from(*quantity)).sum();
            proptest::prop_assume!(sold > discount);
            let (freight, insurance_minor) = carriage;
            let order = RetailOrder { open_discount_minor: discount, insurance_minor, ..order(lines, freight) };
            let mut quota = quota(TODAY, 0, 0);
            (quota.limits.single_minor, quota.limits.annual_minor) = (Money::MAX_MINOR, Money::MAX_MINOR);
            let found = assess(&order, &rows(), &quota, Rounding::Payable).unwrap();

            proptest::prop_assert_eq!(found.goods_minor, sold - discount);
            proptest::prop_assert_eq!(found.carriage_minor, freight + insurance_minor);
            proptest::prop_assert_eq!(found.dutiable_minor, found.goods_minor + found.carriage_minor);
            proptest::prop_assert_eq!(found.tax_minor, found.duty_minor + found.consumption_minor + found.vat_minor);
            proptest::prop_assert_eq!(found.payable_minor, found.dutiable_minor + found.tax_minor);
            let taxes: i64 = found.lines.iter().map(|line| line.tax.total_minor).sum();
            proptest::prop_assert_eq!(found.tax_minor, taxes);
            for line in &found.lines {
                proptest::prop_assert_eq!(line.tax.dutiable_minor, line.price.dutiable_minor);
                proptest::prop_assert_eq!(line.tax.regime, Regime::Retail);
            }
        }
    }
}
