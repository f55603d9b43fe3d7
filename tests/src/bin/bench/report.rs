//! What was measured, as a table, and what it says of the goals.
//!
//! In whole numbers throughout: microseconds and thousandths.

use std::fmt::Write;

use super::{
    bare,
    driver::Timings,
    scenarios::What,
    tiers::{Cpu, Kind},
};

/// How many products the goals for one catalog are about.
const GOAL: u64 = 100_000;
const WIDTHS: [usize; 11] = [8, 8, 8, 9, 9, 9, 4, 7, 9, 9, 8];

/// A load and what it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// How long requests took.
    pub(crate) timings: Timings,
    /// What processors were busy with meanwhile.
    pub(crate) cpu: Cpu,
}

impl Measured {
    /// Processor time of one request in the process, in microseconds.
    fn process(&self) -> u64 {
        self.cpu.process / self.timings.done
    }

    /// Processor time of one request in the tiers beside it, in microseconds.
    fn tiers(&self) -> Option<u64> {
        self.cpu.tiers.map(|micros| micros / self.timings.done)
    }

    /// Processor time of one request here against one there, in thousandths.
    fn against(&self, other: &Self) -> u64 {
        let (here, there) = (self.cpu.sum().max(1), other.cpu.sum().max(1));
        thousandths(here.saturating_mul(other.timings.done), there.saturating_mul(self.timings.done))
    }
}

/// One scenario.
pub(crate) struct Row {
    /// Which.
    pub(crate) what: What,
    /// Size of its answers, on average.
    pub(crate) bytes: u64,
    /// SQL statements of a request, as far as the server says.
    pub(crate) statements: Option<String>,
    /// Over all connections.
    pub(crate) page: Measured,
    /// Over one connection.
    pub(crate) alone: Timings,
    /// A static handler of the same size, over all connections.
    pub(crate) ceiling: Measured,
}

impl Row {
    /// Requests a second against those of the static handler, in thousandths.
    fn against_ceiling(&self) -> u64 {
        thousandths(self.page.timings.rate(), self.ceiling.timings.rate())
    }
}

/// The same SQL sent directly.
pub(crate) struct BareRow {
    /// Of which page.
    pub(crate) page: bare::Page,
    /// How many statements it is.
    pub(crate) statements: u64,
    /// Over all connections.
    pub(crate) measured: Measured,
    /// Over one connection.
    pub(crate) alone: Timings,
}

/// What was measured with one catalog.
pub(crate) struct Run {
    /// How many products it has.
    pub(crate) products: u64,
    /// The scenarios.
    pub(crate) rows: Vec<Row>,
    /// Their SQL.
    pub(crate) bare: Vec<BareRow>,
    /// Attacks, and microseconds of the server's processor time that each takes.
    pub(crate) attacks: Vec<(&'static str, u64)>,
    /// Most resident memory of the server after any scenario, in MB.
    pub(crate) memory: u64,
    /// Its peak, in MB.
    pub(crate) peak: u64,
}

impl Run {
    fn row(&self, what: What) -> Option<&Row> {
        self.rows.iter().find(|row| row.what == what)
    }

    fn bare_of(&self, what: What) -> Option<&BareRow> {
        let page = what.page()?;
        self.bare.iter().find(|row| row.page == page)
    }
}

/// What the goals are held against.
pub(crate) struct Asked {
    /// On which tiers.
    pub(crate) kind: Kind,
    /// How many connections.
    pub(crate) connections: usize,
    /// The catalog of the table.
    pub(crate) products: u64,
    /// Two more to hold against one another.
    pub(crate) compare: Option<(u64, u64)>,
}

/// Prints what was measured with one catalog.
pub(crate) fn table(asked: &Asked, run: &Run) {
    let (kind, connections, products) = (asked.kind.name(), asked.connections, run.products);
    println!("\n{products} products on {kind}, {connections} connections");
    let titles = [
        "",
        "req/s",
        "p50 ms",
        "p99 ms",
        "p99 alone",
        "server ms",
        "db ms",
        "SQL",
        "bytes",
        "static/s",
        "vs static",
        "vs SQL",
    ];
    println!("{}", line(&titles.map(str::to_owned)));
    for row in &run.rows {
        let (page, timings) = (&row.page, row.page.timings);
        let bare = run.bare_of(row.what).map(|bare| times(page.against(&bare.measured)));
        println!(
            "{}",
            line(&[
                row.what.name().to_owned(),
                timings.rate().to_string(),
                ms(timings.p50.into()),
                ms(timings.p99.into()),
                ms(row.alone.p99.into()),
                fine(page.process()),
                or_none(page.tiers().map(fine)),
                or_none(row.statements.clone()),
                row.bytes.to_string(),
                row.ceiling.timings.rate().to_string(),
                format!("{}%", row.against_ceiling() / 10),
                or_none(bare),
            ])
        );
    }
    for row in &run.bare {
        let timings = row.measured.timings;
        println!(
            "{}",
            line(&[
                row.page.name().to_owned(),
                timings.rate().to_string(),
                ms(timings.p50.into()),
                ms(timings.p99.into()),
                ms(row.alone.p99.into()),
                fine(row.measured.process()),
                or_none(row.measured.tiers().map(fine)),
                row.statements.to_string(),
                or_none(None),
                or_none(None),
                or_none(None),
                or_none(None),
            ])
        );
    }
    for (name, micros) in &run.attacks {
        println!("refused: {name:<36} {:>8} ms of processor time", fine(*micros));
    }
    println!("resident memory of the server: {} MB, at its peak {} MB", run.memory, run.peak);
}

/// Says what the columns mean.
pub(crate) fn legend() {
    println!(
        "\nserver ms, db ms: processor time of a request, which is seconds for 1,000 of them; for bare SQL \"server\" \
         is the bench itself.\np99 alone: over one connection. vs static: requests a second against a static handler \
         of the same size.\nvs SQL: processor time of server and database against that of the page's bare SQL."
    );
}

/// Prints the goals and whether they are reached.
pub(crate) fn goals(asked: &Asked, runs: &[Run]) {
    println!("\ngoals");
    let run = |products: u64| runs.iter().find(|run| run.products == products);
    if let Some(run) = run(asked.products) {
        of_one(asked, run);
    }
    let pair = asked.compare.and_then(|(small, large)| run(small).zip(run(large)));
    of_two(pair);
}

fn of_one(asked: &Asked, run: &Run) {
    let at_goal = run.products == GOAL;
    let size = || format!("this is about {GOAL} products, not {}", run.products);
    if let Some(row) = run.row(What::ListCached) {
        let reached = row.against_ceiling();
        said("a cached list page at 70% of the static handler or more", reached >= 700, &percent(reached));
    }
    if let (Some(row), Some(bare)) = (run.row(What::List), run.bare_of(What::List)) {
        let goal = "an uncached list page within 1.5x the processor time of its SQL";
        let more = row.page.against(&bare.measured);
        let seen = row.page.cpu.tiers.is_some() && bare.measured.cpu.tiers.is_some();
        if asked.kind.is_postgres() && seen {
            said(goal, more <= 1_500, &times(more));
        } else {
            open(goal, &times(more), "this is about a PostgreSQL on this machine");
        }
    }
    if let Some(row) = run.row(What::Search) {
        let loads = [("alone".to_owned(), row.alone), (format!("{} connections", asked.connections), row.page.timings)];
        for (how, timings) in loads {
            let goal = format!("search with facets under 10 ms p99, {how}");
            let value = format!("{} ms", ms(timings.p99.into()));
            if at_goal {
                said(&goal, timings.p99 < 10_000, &value);
            } else {
                open(&goal, &value, &size());
            }
        }
    }
    if let Some((name, micros)) = run.attacks.iter().max_by_key(|(_, micros)| *micros) {
        said(
            "each attack refused within 5 ms of processor time",
            *micros < 5_000,
            &format!("{} ms ({name})", fine(*micros)),
        );
    }
    let (goal, value) = ("resident memory under 300 MB", format!("{} MB", run.memory));
    if at_goal {
        said(goal, run.memory < 300, &value);
    } else {
        open(goal, &value, &size());
    }
}

fn of_two(pair: Option<(&Run, &Run)>) {
    let growth = "totalCount costs no more in the larger catalog (1.5x at most)";
    let tail = "p99 of an uncached list page in the larger catalog at most 2x";
    let rows = pair.and_then(|(small, large)| {
        let both = |what: What| small.row(what).zip(large.row(what));
        Some((both(What::List)?, both(What::ListAndTotal)?))
    });
    let Some((list, counted)) = rows else {
        let how = "take --compare 10000,1000000";
        open(growth, "not measured", how);
        open(tail, "not measured", how);
        return;
    };
    let more = counted.1.page.against(&counted.0.page);
    said(growth, more <= 1_500, &times(more));
    let p99 = |row: &Row| u64::from(row.page.timings.p99);
    let more = thousandths(p99(list.1), p99(list.0));
    said(tail, more <= 2_000, &times(more));
}

fn said(goal: &str, reached: bool, value: &str) {
    println!("  {goal:<66} {}: {value}", if reached { "reached" } else { "NOT reached" });
}

fn open(goal: &str, value: &str, why: &str) {
    println!("  {goal:<66} not judged: {value} ({why})");
}

fn line(cells: &[String; 12]) -> String {
    let [name, figures @ ..] = cells;
    let mut line = format!("{name:<36}");
    for (cell, width) in figures.iter().zip(WIDTHS) {
        // Infallible: a String takes every write.
        let _ = write!(line, " {cell:>width$}");
    }
    line
}

fn or_none(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

/// `a` of `b` in thousandths.
fn thousandths(a: u64, b: u64) -> u64 {
    u64::try_from(u128::from(a) * 1_000 / u128::from(b.max(1))).unwrap_or(u64::MAX)
}

fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

fn times(thousandths: u64) -> String {
    format!("{}.{:02}x", thousandths / 1_000, thousandths % 1_000 / 10)
}

/// Microseconds as milliseconds.
fn ms(micros: u64) -> String {
    format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}

/// The same with all digits.
fn fine(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}
