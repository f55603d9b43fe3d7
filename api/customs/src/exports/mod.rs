//! Exports (出口): whoever sells, or declares for a seller, gives the facts of an export; order and waybill go to customs, then
//! the list; goods that are released arrive at the site and leave; and the lists of a month are summed up.
//!
//! ```text
//! declareExport ─> 303, 505 (403) ─ taken in ─> 603 ─ released ─> 607 ─> 507 arrived ─> 509 left ─┬─ A: counted, done
//!       └ above the limit: waits for an entry ─ noteExportEntry ─> closed                         └─ B: 701 ─> 792 ─> closed
//! ```
//!
//! Invariants: an export's state follows from its papers and from what came of them ([`advance`]); an order is declared once,
//! also after a withdrawal, and a parcel once, because customs keeps their keys; a list is in one summary, ever: its row
//! names it, and is claimed by an UPDATE that wants it free; a summary and its lists are written in one transaction.
//!
//! Locks: exports in the order of their ids, then their papers; a summary before its exports are touched. Messages are made,
//! sent and received by the rooms of imports; what is different with exports they ask [`hooks`].
//!
//! - [`declare`]: declaring, mending, from A to B, the number of an entry; [`parties`]: who may, and who is who
//! - [`moving`]: consignments, arrivals, departures; [`undo`]: withdrawals. What nobody answers of these is said again by
//!   `amendExport`, as the same; what is refused, as another
//! - [`summaries`]: the month, its entries, its deadline
//! - [`papers`]: writing and sending again; [`lists`], [`loaders`], [`graphql`]

pub mod advance;
pub mod declare;
pub mod graphql;
pub mod hooks;
pub mod lists;
pub mod loaders;
pub mod moving;
pub mod papers;
pub mod parties;
pub mod summaries;
pub mod undo;

use chrono::{DateTime, Utc};
use entities::{
    customs::export::{
        declaration,
        facts::{ExportLine, ExportSale},
        line,
        rules::Terms,
    },
    values::{ErrorCode, Refusal, id::ExportId},
};
use platform::{
    app::{App, Call},
    clock::business_day,
    config::Config,
    db::{Dialect, dialect},
    error::Error,
    jobs::{Job, Verdict},
    vault,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LockType};
use serde::{Deserialize, Serialize};

/// Longest text of an alarm.
const LONGEST_ALARM: usize = 300;
/// Most ids or numbers in one statement.
const IN_STATEMENT: usize = 500;

/// Looks anew how an export stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Look {
    /// Which.
    pub export: ExportId,
}

impl Job for Look {
    const KIND: &'static str = "customs.export";
    fn aggregate(&self) -> String {
        format!("export:{}", self.export)
    }
}

/// Does [`Look`].
pub async fn looks(app: &App, job: Look) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    advance::advance(app, &mut work, job.export).await?;
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// What the rules hold exports against in this installation.
pub fn terms(config: &Config) -> Terms {
    let of = &config.customs.exports;
    let digits = usize::try_from(of.b2b_hs_digits).unwrap_or(6);
    Terms { b2b_digits: digits, receipts_until: of.receipts_until.parse().ok(), ..Terms::default() }
}

/// An export, locked until the transaction ends.
async fn locked(tx: &impl ConnectionTrait, id: ExportId) -> Result<declaration::Model, Error> {
    locked_all(tx, &[id]).await?.pop().ok_or_else(|| Error::internal("an export is gone"))
}

/// Exports, locked in the order of their ids, which is that of everyone. Of more than a statement takes, whoever asks goes in
/// that order too.
async fn locked_all(tx: &impl ConnectionTrait, ids: &[ExportId]) -> Result<Vec<declaration::Model>, Error> {
    let mut rows = declaration::Entity::find()
        .filter(declaration::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(declaration::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        rows = rows.lock(LockType::Update);
    }
    Ok(rows.all(tx).await?)
}

/// What is declared of an export.
async fn sale_of(db: &impl ConnectionTrait, row: &declaration::Model) -> Result<ExportSale, Error> {
    let lines = line::Entity::find()
        .filter(line::Column::ExportId.eq(row.id))
        .order_by_asc(line::Column::Number)
        .all(db)
        .await?;
    Ok(ExportSale { facts: row.facts.clone(), lines: lines.into_iter().map(ExportLine::from).collect() })
}

/// A number of one's own (企业内部编号): a letter, the day, and what nobody else has.
fn own_number(letter: char, at: DateTime<Utc>) -> Result<String, Error> {
    let day = business_day(at).format("%y%m%d");
    Ok(format!("{letter}{day}{}", vault::hex(&vault::random::<6>()?).to_uppercase()))
}

/// That a step is not possible in the state that an export is in.
fn illegal(row: &declaration::Model, action: &'static str) -> Refusal {
    let from = async_graphql::Value::from(row.state).to_string();
    Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action)
}
