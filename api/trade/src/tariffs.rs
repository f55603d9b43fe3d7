//! Tariff rows: read for many codes at once, set by the zone's operators.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use entities::{
    party::{Action, Resource},
    trade::{TariffRow, tariff_row},
    values::{HsCode, Refusals, id::TariffRowId, refusal::line},
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

use super::rows;

/// Name of the order, for cursors.
const BY_CODE: &str = "tariff";
/// Longest name of a notice.
pub(super) const MAX_SOURCE: usize = 300;

fn on(date: NaiveDate) -> Condition {
    let open = Condition::any().add(tariff_row::Column::ValidTo.is_null()).add(tariff_row::Column::ValidTo.gt(date));
    Condition::all().add(tariff_row::Column::ValidFrom.lte(date)).add(open)
}

/// The rows that hold for these codes on a day, one statement for any number of them. A code may have several, and the
/// rules take the one that began last, or none.
pub async fn rows_for(db: &impl ConnectionTrait, codes: &[HsCode], date: NaiveDate) -> Result<Vec<TariffRow>, Error> {
    let codes: BTreeSet<&HsCode> = codes.iter().collect();
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let found = tariff_row::Entity::find()
        .filter(tariff_row::Column::HsCode.is_in(codes.into_iter().cloned()))
        .filter(on(date))
        .all(db)
        .await?;
    let unfit = |refusals: Refusals| {
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Error::internal(format!("a stored tariff row is none: {}", told.join("; ")))
    };
    found.iter().map(|row| row.checked().map_err(unfit)).collect()
}

/// Sets the row of a code from a day on; one that is there is replaced when it is in the version that was expected.
pub async fn set_tariff(
    app: &App,
    call: &Call,
    new: TariffRow,
    expected_version: Option<i32>,
) -> Result<tariff_row::Model, Error> {
    call.may(Action::KeepTradeRules, Resource::OWN)?;
    let source = line(&new.source, MAX_SOURCE).map_err(|refusal| refusal.at("source"))?;
    let new = TariffRow { source, ..new }.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = tariff_row::Entity::find()
        .filter(tariff_row::Column::HsCode.eq(new.hs.clone()))
        .filter(tariff_row::Column::ValidFrom.eq(new.from))
        .one(work.tx())
        .await?;
    let was = before.as_ref().map(|row| row.version);
    let version = rows::next_version(was, expected_version)?;
    let id = before.as_ref().map_or_else(|| TariffRowId::new(work.now), |row| row.id);
    let row = tariff_row::Model::of(id, version, &new)?;
    let key = (tariff_row::Column::Id, id.into());
    rows::put::<tariff_row::Entity>(
        work.tx(),
        row.clone().into_active_model(),
        key,
        (tariff_row::Column::Version, was),
    )
    .await?;
    let shown = |row: &tariff_row::Model| json!(row);
    let old = before.as_ref().map_or(Value::Null, shown);
    let chain = work.viewer().organisation();
    work.audit(chain, "setTariff", encode(id).0, old, shown(&row));
    work.outdates_answers();
    work.commit(row).await
}

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What the code begins with, 2 to 10 digits.
    pub hs: Option<String>,
    /// Only those that hold on this day.
    pub on: Option<NaiveDate>,
}

/// Tariff rows by code and first day.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<tariff_row::Model>, Error> {
    use tariff_row::Column as C;
    let range = filter.hs.as_deref().map(HsCode::range).transpose().map_err(|refusal| refusal.at("hsCode"))?;
    let only = Condition::all()
        .add_option(range.map(|(from, to)| Condition::all().add(C::HsCode.gte(from)).add(C::HsCode.lt(to))))
        .add_option(filter.on.map(on));
    let columns = vec![Expr::col((tariff_row::Entity, C::HsCode)), Expr::col((tariff_row::Entity, C::ValidFrom))];
    let beyond =
        page.beyond(BY_CODE, columns, Order::Asc, |k| Some(vec![key::text(k.first()?)?, key::date(k.get(1)?)?]))?;
    let walk = page.walk(Order::Asc);
    let list = beyond.into_iter().fold(tariff_row::Entity::find().filter(only), QueryFilter::filter);
    let list = list.order_by(C::HsCode, walk.clone()).order_by(C::ValidFrom, walk).limit(page.fetch());
    Ok(page.page(list.all(db).await?))
}

/// The cursor of a row in that list.
pub fn cursor(row: &tariff_row::Model) -> Cursor {
    Cursor::new(BY_CODE, vec![row.hs_code.as_str().into(), row.valid_from.to_string().into()])
}
