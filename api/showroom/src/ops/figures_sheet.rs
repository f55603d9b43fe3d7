//! Figures as tables that people open in a spreadsheet.

use std::collections::{BTreeMap, BTreeSet};

use entities::{
    party::Viewer,
    showroom::{
        figures::Counts,
        sheet::{Sheet, line, said},
    },
    values::{Currency, Money},
};
use platform::error::Error;
use sea_orm::ConnectionTrait;

use super::figures::{Figures, slots, staff};

/// The table of a showroom's figures.
pub async fn sheet(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    figures: &Figures,
    which: Sheet,
) -> Result<String, Error> {
    match which {
        Sheet::Buckets => Ok(buckets(figures)),
        Sheet::Slots => by_slot(db, figures).await,
        Sheet::Staff => by_person(db, viewer, figures).await,
    }
}

/// The currencies of amounts, each a column; yuan always.
fn currencies<'a>(amounts: impl IntoIterator<Item = &'a BTreeMap<Currency, i64>>) -> Vec<Currency> {
    let mut all: BTreeSet<Currency> = amounts.into_iter().flat_map(BTreeMap::keys).copied().collect();
    all.insert(Currency::CNY);
    all.into_iter().collect()
}

fn headed(first: &[&str], currencies: &[Currency], what: &[&str]) -> String {
    let amounts = what.iter().flat_map(|what| currencies.iter().map(move |currency| format!("{what}_{currency}")));
    line(first.iter().map(|name| (*name).to_owned()).chain(amounts))
}

fn amounts(of: &BTreeMap<Currency, i64>, currencies: &[Currency]) -> Vec<String> {
    let amount = |currency: &Currency| {
        let minor = of.get(currency).copied().unwrap_or_default();
        Money { minor, currency: *currency }.decimal().to_string()
    };
    currencies.iter().map(amount).collect()
}

fn rate(ppm: Option<i32>) -> String {
    ppm.map(|ppm| ppm.to_string()).unwrap_or_default()
}

fn buckets(figures: &Figures) -> String {
    let currencies = currencies([&figures.total.revenue]);
    let columns = [
        "from",
        "to",
        "entered",
        "scans",
        "unique_scanners",
        "orders",
        "scan_rate_ppm",
        "conversion_ppm",
        "scan_to_order_ppm",
    ];
    let row = |from: String, to: String, counts: &Counts| {
        let counted = [counts.entered, counts.scans, counts.scanners, counts.orders];
        let rates = [counts.scan_rate(), counts.conversion(), counts.scan_to_order()];
        let cells = [from, to].into_iter().chain(counted.map(|n| n.to_string())).chain(rates.map(rate));
        line(cells.chain(amounts(&counts.revenue, &currencies)))
    };
    let mut text = headed(&columns, &currencies, &["revenue"]);
    for (span, counts) in &figures.buckets {
        text.push_str(&row(span.from.to_rfc3339(), span.to.to_rfc3339(), counts));
    }
    // The total stands apart by a word: who adds up a column sees that it is one.
    text.push_str(&row("TOTAL".into(), String::new(), &figures.total));
    text
}

async fn by_slot(db: &impl ConnectionTrait, figures: &Figures) -> Result<String, Error> {
    let rows = slots(db, figures).await?;
    let currencies = currencies(rows.iter().map(|row| &row.counts.revenue));
    let columns = ["fixture", "slot", "stood", "scans", "unique_scanners", "orders", "scan_to_order_ppm", "dead"];
    let mut text = headed(&columns, &currencies, &["revenue"]);
    for row in rows {
        let counts = &row.counts;
        let cells = [
            said(&row.fixture),
            said(&row.code),
            row.stood.to_string(),
            counts.scans.to_string(),
            counts.scanners.to_string(),
            counts.orders.to_string(),
            rate(counts.scan_to_order()),
            row.dead().to_string(),
        ];
        text.push_str(&line(cells.into_iter().chain(amounts(&counts.revenue, &currencies))));
    }
    Ok(text)
}

async fn by_person(db: &impl ConnectionTrait, viewer: &Viewer, figures: &Figures) -> Result<String, Error> {
    let rows = staff(db, viewer, figures).await?;
    let currencies = currencies(rows.iter().map(|row| &row.revenue));
    let mut text = headed(&["person", "orders"], &currencies, &["revenue", "commission"]);
    for row in rows {
        let cells = [said(&row.name), row.orders.to_string()];
        let amounts = amounts(&row.revenue, &currencies).into_iter().chain(amounts(&row.commission, &currencies));
        text.push_str(&line(cells.into_iter().chain(amounts)));
    }
    Ok(text)
}
