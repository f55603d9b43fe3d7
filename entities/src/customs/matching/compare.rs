//! How documents are compared, and what a row shows of them.

use rust_decimal::Decimal;

use super::{
    Papers, Rule, Terms,
    rule::{As, Element, Paper},
};
use crate::customs::{
    ceb::Record,
    codes,
    list_rules::{date, number, said as value, total},
};

/// What the sides of a rule say, and whether they agree as far as they are there; none: nothing was compared.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) left: String,
    pub(super) right: String,
    pub(super) agree: Option<bool>,
}

impl Said {
    fn compared(&mut self, holds: bool) {
        self.agree = Some(self.agree != Some(false) && holds);
    }
}

/// Most characters that a row shows of a side: what comes from elsewhere may be of any length.
const WIDTH: usize = 250;

/// What the documents say of a rule.
pub(super) fn said(rule: Rule, papers: &Papers<'_>, terms: &Terms) -> Said {
    let mut said = compared(rule, papers, terms);
    for side in [&mut said.left, &mut said.right] {
        if let Some((end, _)) = side.char_indices().nth(WIDTH) {
            side.truncate(end);
            side.push('…');
        }
    }
    said
}

fn compared(rule: Rule, papers: &Papers<'_>, terms: &Terms) -> Said {
    match rule {
        Rule::GoodsValue => goods_value(papers),
        Rule::GoodsLines => goods_lines(papers),
        Rule::Freight => freight(papers),
        Rule::Time => time(papers),
        Rule::Weight => equal(papers, rule.elements(), &|list, waybill| within(list, waybill, terms)),
        Rule::Currency => {
            let mut all = equal(papers, rule.elements(), &|one, other| one == other);
            for head in rule.needs().into_iter().filter_map(|paper| papers.head(paper)) {
                all.compared(value(head, "currency") == Some(codes::CNY));
            }
            all
        }
        _ => equal(papers, rule.elements(), &|one, other| one == other),
    }
}

/// Elements that are the same on every document that says them, and are said where the schema requires it.
fn equal(papers: &Papers<'_>, elements: &[Element], same: &dyn Fn(Decimal, Decimal) -> bool) -> Said {
    let mut all = Said::default();
    // What each document says, one place for each element.
    let mut sides: Vec<Vec<(As, &str)>> = Vec::new();
    for (by, at) in elements {
        let mut first: Option<&str> = None;
        for (place, (paper, name)) in at.iter().enumerate() {
            if sides.len() <= place {
                sides.push(Vec::new());
            }
            let Some(head) = papers.head(*paper) else { continue };
            let Some(text) = value(head, name) else {
                if paper.requires(name) {
                    all.compared(false);
                }
                continue;
            };
            sides[place].push((*by, text));
            match first {
                None => first = Some(text),
                Some(first) if *by == As::Number => {
                    let numbers = number(first).zip(number(text));
                    all.compared(numbers.is_some_and(|(first, other)| same(first, other)));
                }
                Some(first) => all.compared(first == text),
            }
        }
    }
    let shown =
        |side: Vec<(As, &str)>| side.into_iter().map(|(by, text)| masked(by, text)).collect::<Vec<_>>().join(" ");
    let mut sides = sides.into_iter();
    all.left = sides.next().map(shown).unwrap_or_default();
    let mut others: Vec<Vec<(As, &str)>> = Vec::new();
    for side in sides.filter(|side| !side.is_empty()) {
        if !others.contains(&side) {
            others.push(side);
        }
    }
    all.right = others.into_iter().map(shown).collect::<Vec<_>>().join(" / ");
    all
}

/// Whether the waybill's weight is near enough to the list's.
fn within(list: Decimal, waybill: Decimal, terms: &Terms) -> bool {
    let thousandths = |weight: Decimal, of: u32| weight.checked_mul(Decimal::from(of));
    let allowed = thousandths(list, terms.weight_tolerance_permille)
        .map(|permille| permille.max(Decimal::from(terms.weight_tolerance_grams)));
    let differ = list.checked_sub(waybill).and_then(|by| thousandths(by.abs(), 1_000));
    differ.zip(allowed).is_some_and(|(differ, allowed)| differ <= allowed)
}

fn goods_value(papers: &Papers<'_>) -> Said {
    let mut all = Said::default();
    let list = papers.list.map(|list| total(&list.lines));
    all.left = list.flatten().map(plain).unwrap_or_default();
    if let Some(order) = papers.order {
        let stated = value(&order.head, "goodsValue").and_then(number);
        let lines = total(&order.lines);
        all.compared(stated.is_some() && stated == lines);
        if let Some(list) = list {
            all.compared(stated.is_some() && stated == list);
        }
        let mut sides: Vec<String> = [stated, lines].into_iter().flatten().map(plain).collect();
        sides.dedup();
        all.right = sides.join(" / ");
    }
    all
}

/// Most of the lines that differ which a row shows; of lines that do not it shows how many they are.
const SHOWN: usize = 3;

/// What is compared of a line: its number, then name, quantity, unit, price, country. None of it is empty.
type Goods = (String, [String; 5]);

fn goods(line: &Record, name: &str) -> Goods {
    let text = |name: &str| value(line, name).unwrap_or_default().to_owned();
    let amount = |name: &str| value(line, name).and_then(number).map_or_else(|| text(name), plain);
    (amount("gnum"), [text(name), amount("qty"), text("unit"), amount("price"), text("country")])
}

fn goods_lines(papers: &Papers<'_>) -> Said {
    let side = |lines: &[Record], name: &str| -> Vec<Goods> {
        let mut lines: Vec<Goods> = lines.iter().map(|line| goods(line, name)).collect();
        lines.sort();
        lines
    };
    let list = papers.list.map(|list| side(&list.lines, "gname"));
    let order = papers.order.map(|order| side(&order.lines, "itemName"));
    let mut all = Said::default();
    if let Some((list, order)) = list.as_ref().zip(order.as_ref()) {
        let whole = |(number, said): &Goods| !number.is_empty() && said.iter().all(|value| !value.is_empty());
        let once = list.windows(2).all(|two| two[0].0 != two[1].0);
        all.compared(!list.is_empty() && once && list.iter().all(whole) && list == order);
    }
    let shown = |of: &Option<Vec<Goods>>, other: &Option<Vec<Goods>>| -> String {
        let Some(lines) = of else { return String::new() };
        let odd: Vec<&Goods> =
            lines.iter().filter(|line| other.as_ref().is_some_and(|other| !other.contains(line))).collect();
        if odd.is_empty() {
            return lines.len().to_string();
        }
        let text = |(number, said): &&Goods| format!("{number}: {}", said.join(", "));
        let mut texts: Vec<String> = odd.iter().take(SHOWN).map(text).collect();
        if odd.len() > SHOWN {
            texts.push("…".into());
        }
        texts.join("; ")
    };
    (all.left, all.right) = (shown(&list, &order), shown(&order, &list));
    all
}

fn freight(papers: &Papers<'_>) -> Said {
    let mut all = Said::default();
    let list = papers.list.map(|list| {
        let amount = |name: &str| value(&list.head, name).and_then(number);
        amount("freight").zip(amount("insuredFee"))
    });
    let order = papers.order.map(|order| value(&order.head, "freight").and_then(number));
    if let Some((list, order)) = list.zip(order) {
        let sum = list.and_then(|(freight, insurance)| freight.checked_add(insurance));
        all.compared(sum.is_some() && sum == order);
    }
    all.left = match list.flatten() {
        Some((freight, insurance)) if !insurance.is_zero() => format!("{} + {}", plain(freight), plain(insurance)),
        Some((freight, _)) => plain(freight),
        None => String::new(),
    };
    all.right = order.flatten().map(plain).unwrap_or_default();
    all
}

fn time(papers: &Papers<'_>) -> Said {
    let text = |paper: Paper, name: &str| papers.head(paper).map(|head| value(head, name).unwrap_or_default());
    let declared = text(Paper::List, "declTime");
    let ordered = text(Paper::Order, "appTime");
    let paid = text(Paper::Payment, "payTime");
    let mut all = Said::default();
    for moment in [ordered, paid].into_iter().flatten() {
        all.compared(moment.len() == 14 && codes::read_moment(moment).is_some());
    }
    if let Some(day) = declared {
        all.compared(date(day).is_some());
    }
    // Digits of one length, the largest unit first: as texts they are in the order of time.
    if let Some((day, paid)) = declared.zip(paid) {
        all.compared(paid.get(..8).is_some_and(|paid| paid <= day));
    }
    let first = papers.order.is_some_and(|order| {
        value(&order.head, "appType") == Some("1") && value(&order.head, "payTransactionId").is_none()
    });
    if let Some((ordered, paid)) = ordered.zip(paid).filter(|_| first) {
        all.compared(ordered <= paid);
    }
    let right = [ordered, paid].into_iter().flatten().collect::<Vec<_>>().join(" / ");
    Said { left: declared.unwrap_or_default().into(), right, ..all }
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// What a row shows of a value.
fn masked(by: As, text: &str) -> String {
    match by {
        As::Text => text.to_owned(),
        As::Number => number(text).map_or_else(|| text.to_owned(), plain),
        As::Name => start(text, 1),
        As::Identity => around(text, 4, 10),
        As::Phone => around(text, 3, 4),
        // Of a short one not more than half.
        As::Address => start(text, (text.chars().count() / 2).min(6)),
    }
}

/// How it begins.
fn start(text: &str, letters: usize) -> String {
    text.chars().take(letters).chain("**".chars()).collect()
}

/// How it begins, and its last four letters; of what has another length the first letter alone.
fn around(text: &str, before: usize, hidden: usize) -> String {
    if text.chars().count() != before + hidden + 4 {
        return start(text, 1);
    }
    text.chars()
        .enumerate()
        .map(|(place, letter)| if (before..before + hidden).contains(&place) { '*' } else { letter })
        .collect()
}
