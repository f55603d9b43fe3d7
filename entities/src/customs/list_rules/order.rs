//! What an order must keep.

use rust_decimal::Decimal;

use super::{Faults, ListFault, ListWrong, Place, numbered, total};
use crate::customs::{ceb::Document, codes::CNY};

/// An order without lines.
const NO_LINES: &str = "-301001";
/// A number is there twice.
const DUPLICATE: &str = "-301002";

/// All that is wrong with an order (订单, 311).
///
/// Official: lines, numbered from 1 without gaps (`-301001`, `-301002`); CNY; what was paid is goods, freight and tax less
/// the discount; the goods are the sum of the lines; a line is price × quantity, where a gift costs 0. Own: no amount is
/// below zero.
pub fn order_faults(order: &Document) -> Vec<ListFault> {
    let mut faults = Faults::default();
    let head = Place::head(&order.head);
    head.one_of(&mut faults, "currency", &[CNY]);
    let [goods, freight, tax, discount, paid] = ["goodsValue", "freight", "taxTotal", "discount", "acturalPaid"]
        .map(|name| head.not_below_zero(&mut faults, name));
    let owed = [goods, freight, tax, discount.map(|discount| -discount)]
        .into_iter()
        .try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part?));
    if let Some((paid, owed)) = paid.zip(owed) {
        let what =
            ListWrong::NotTheSum { of: "goodsValue + freight + taxTotal − discount", expected: owed.normalize() };
        head.demand(&mut faults, paid == owed, "acturalPaid", what);
    }
    faults.demand(!order.lines.is_empty(), NO_LINES, "OrderList".into(), ListWrong::Missing);
    for line in numbered(&mut faults, &order.lines, DUPLICATE) {
        line.sold(&mut faults);
    }
    if let Some((goods, lines)) = goods.zip(total(&order.lines)).filter(|_| !order.lines.is_empty()) {
        let what = ListWrong::NotTheSum { of: "Σ totalPrice", expected: lines.normalize() };
        head.demand(&mut faults, goods == lines, "goodsValue", what);
    }
    faults.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customs::list_rules::fixtures::{self, set};

    fn told(order: &Document) -> Vec<String> {
        let with_code = |fault: &ListFault| format!("{} {fault}", fault.code).trim().to_owned();
        order_faults(order).iter().map(with_code).collect()
    }

    #[test]
    fn an_order_adds_up() {
        assert_eq!(told(&fixtures::order()), Vec::<String>::new());
        let paid = "acturalPaid must be";
        let of = "(goodsValue + freight + taxTotal − discount)";
        for (name, value, expected) in [
            ("acturalPaid", "447.310", vec![]),
            ("acturalPaid", "447.3", vec![format!("{paid} 447.31 {of}")]),
            ("freight", "10", vec![format!("{paid} 457.31 {of}")]),
            ("taxTotal", "0", vec![format!("{paid} 410 {of}")]),
            ("discount", "7.31", vec![format!("{paid} 440 {of}")]),
            ("discount", "-1", vec!["discount must not be below 0".into(), format!("{paid} 448.31 {of}")]),
            ("discount", "", vec!["discount is missing".into()]),
            ("goodsValue", "400", vec![format!("{paid} 437.31 {of}"), "goodsValue must be 410 (Σ totalPrice)".into()]),
            ("currency", "502", vec!["currency must be 142".into()]),
        ] {
            let mut order = fixtures::order();
            set(&mut order.head, name, value);
            assert_eq!(told(&order), expected, "{name} {value:?}");
        }
    }

    #[test]
    fn lines_of_an_order_are_numbered_and_add_up() {
        let mut order = fixtures::order();
        let mut gift = order.lines[0].clone();
        for (name, value) in [("gnum", "2"), ("price", "0"), ("totalPrice", "0")] {
            set(&mut gift, name, value);
        }
        order.lines.push(gift);
        assert_eq!(told(&order), Vec::<String>::new());
        set(&mut order.lines[1], "gnum", "1");
        assert_eq!(told(&order), ["-301002 line 2: gnum is the number of another line too"]);
        order.lines.clear();
        assert_eq!(told(&order), ["-301001 OrderList is missing"]);
        let mut wrong = fixtures::order();
        set(&mut wrong.lines[0], "totalPrice", "400");
        assert_eq!(
            told(&wrong),
            ["gnum 1: totalPrice must be 410 (price × qty)", "goodsValue must be 400 (Σ totalPrice)"]
        );
        let mut none = fixtures::order();
        set(&mut none.lines[0], "qty", "0");
        assert!(told(&none).contains(&"gnum 1: qty must be above 0".to_owned()));
    }
}
