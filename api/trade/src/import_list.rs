//! The positive list: read for many codes at once, set by the zone's operators.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entities::{
    party::{Action, Resource},
    trade::import_list,
    values::{
        ErrorCode, HsCode, Refusal,
        id::ImportListLineId,
        refusal::{Check, line, paragraph},
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs, key},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde_json::{Value, json};

use super::{rows, tariffs::MAX_SOURCE};

/// Name of the order, for cursors.
const BY_LINE: &str = "import-list";
/// Longest note of a line.
pub(super) const MAX_NOTE: usize = 500;

fn on(date: NaiveDate) -> Condition {
    let open = Condition::any().add(import_list::Column::ValidTo.is_null()).add(import_list::Column::ValidTo.gt(date));
    Condition::all().add(import_list::Column::ValidFrom.lte(date)).add(open)
}

/// The lines of the list of a day for these codes, one statement for any number of them.
pub async fn lines_for(
    db: &impl ConnectionTrait,
    codes: &[HsCode],
    date: NaiveDate,
) -> Result<Vec<import_list::Model>, Error> {
    let lines: BTreeSet<&str> = codes.iter().map(HsCode::tariff_line).collect();
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let found = import_list::Entity::find().filter(import_list::Column::Hs8.is_in(lines)).filter(on(date));
    Ok(found.all(db).await?)
}

/// A line as it is typed.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the columns of the line")]
pub struct NewLine {
    pub hs8: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    #[serde(default)]
    pub bonded_only: bool,
    #[serde(default)]
    pub note: String,
    pub source: String,
}

impl NewLine {
    /// The row that it makes, or all that is wrong with it.
    pub(super) fn checked(&self, id: ImportListLineId, version: i32) -> Result<import_list::Model, Error> {
        let mut check = Check::default();
        let hs8 = check.take("hs8", import_list::line_of(self.hs8.trim()));
        let note = match self.note.trim() {
            "" => Some(String::new()),
            note => check.take("note", paragraph(note, MAX_NOTE)),
        };
        let source = check.take("source", line(&self.source, MAX_SOURCE));
        check.demand(self.valid_to.is_none_or(|to| self.valid_from < to), "validTo", || {
            Refusal::new(ErrorCode::OutOfRange)
                .with("min", self.valid_from.to_string())
                .with("max", NaiveDate::MAX.to_string())
        });
        let (Some(hs8), Some(note), Some(source)) = (hs8, note, source) else { return Err(check.0.into()) };
        let &Self { valid_from, valid_to, bonded_only, .. } = self;
        Ok(check.done(import_list::Model { id, hs8, valid_from, valid_to, bonded_only, note, source, version })?)
    }
}

/// Sets the line from a day on; one that is there is replaced when it is in the version that was expected.
pub async fn set_line(
    app: &App,
    call: &Call,
    new: &NewLine,
    expected_version: Option<i32>,
) -> Result<import_list::Model, Error> {
    call.may(Action::KeepTradeRules, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let made = new.checked(ImportListLineId::new(work.now), 1)?;
    let before = import_list::Entity::find()
        .filter(import_list::Column::Hs8.eq(&made.hs8))
        .filter(import_list::Column::ValidFrom.eq(made.valid_from))
        .one(work.tx())
        .await?;
    let was = before.as_ref().map(|row| row.version);
    let version = rows::next_version(was, expected_version)?;
    let id = before.as_ref().map_or(made.id, |row| row.id);
    let row = import_list::Model { id, version, ..made };
    rows::put::<import_list::Entity>(
        work.tx(),
        row.clone().into_active_model(),
        (import_list::Column::Id, id.into()),
        (import_list::Column::Version, was),
    )
    .await?;
    let old = before.as_ref().map_or(Value::Null, |row| json!(row));
    let chain = work.viewer().organisation();
    work.audit(chain, "setImportListLine", encode(id).0, old, json!(row));
    work.outdates_answers();
    work.commit(row).await
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What the line begins with, 2 to 8 digits.
    pub hs: Option<String>,
    /// Only those on the list on this day.
    pub on: Option<NaiveDate>,
}

/// Lines by their digits and first day.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<import_list::Model>, Error> {
    use import_list::Column as C;
    let range = filter.hs.as_deref().map(HsCode::range).transpose().map_err(|refusal| refusal.at("hsCode"))?;
    let only = Condition::all()
        .add_option(range.map(|(from, to)| Condition::all().add(C::Hs8.gte(from)).add(C::Hs8.lt(to))))
        .add_option(filter.on.map(on));
    let columns = vec![Expr::col((import_list::Entity, C::Hs8)), Expr::col((import_list::Entity, C::ValidFrom))];
    let beyond =
        page.beyond(BY_LINE, columns, Order::Asc, |k| Some(vec![key::text(k.first()?)?, key::date(k.get(1)?)?]))?;
    let walk = page.walk(Order::Asc);
    let list = beyond.into_iter().fold(import_list::Entity::find().filter(only), QueryFilter::filter);
    let list = list.order_by(C::Hs8, walk.clone()).order_by(C::ValidFrom, walk).limit(page.fetch());
    Ok(page.page(list.all(db).await?))
}

/// The cursor of a line in that list.
pub fn cursor(row: &import_list::Model) -> Cursor {
    Cursor::new(BY_LINE, vec![row.hs8.as_str().into(), row.valid_from.to_string().into()])
}
