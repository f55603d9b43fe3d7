//! The rows that come with a zone's files: tariffs and the positive list. An upsert by code and first day: a second time
//! changes nothing, an edited file changes what was edited, nothing is removed.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    trade::{TariffRow, import_list, tariff_row},
    values::{
        HsCode,
        id::{ImportListLineId, TariffRowId},
    },
};
use platform::error::Error;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use super::import_list::NewLine;

/// Rows that are written in one statement.
const TOGETHER: usize = 500;

/// Loads tariff rows.
pub async fn load_tariffs(tx: &impl ConnectionTrait, now: DateTime<Utc>, rows: Vec<TariffRow>) -> Result<(), Error> {
    let known: HashMap<(HsCode, NaiveDate), tariff_row::Model> = tariff_row::Entity::find()
        .all(tx)
        .await?
        .into_iter()
        .map(|row| ((row.hs_code.clone(), row.valid_from), row))
        .collect();
    let mut new = Vec::new();
    for row in rows {
        let named = format!("tariffs.json: {} from {}", row.hs, row.from);
        let wrong = |refusals: &[_]| Error::BadInput(format!("{named}: {}", told(refusals)));
        let row = row.checked().map_err(|refusals| wrong(&refusals))?;
        let before = known.get(&(row.hs.clone(), row.from));
        let id = before.map_or_else(|| TariffRowId::new(now), |before| before.id);
        let made = tariff_row::Model::of(id, before.map_or(1, |before| before.version), &row);
        let made = made.map_err(|refusals| wrong(&refusals))?;
        match before {
            Some(before) if *before == made => {}
            Some(before) => {
                let changed = tariff_row::Model { version: before.version + 1, ..made };
                changed.into_active_model().reset_all().update(tx).await?;
            }
            None => new.push(made.into_active_model()),
        }
    }
    for part in new.chunks(TOGETHER) {
        tariff_row::Entity::insert_many(part.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Loads lines of the positive list.
pub async fn load_import_list(tx: &impl ConnectionTrait, now: DateTime<Utc>, lines: Vec<NewLine>) -> Result<(), Error> {
    let known: HashMap<(String, NaiveDate), import_list::Model> = import_list::Entity::find()
        .all(tx)
        .await?
        .into_iter()
        .map(|row| ((row.hs8.clone(), row.valid_from), row))
        .collect();
    let mut new = Vec::new();
    for line in lines {
        let before = known.get(&(line.hs8.clone(), line.valid_from));
        let id = before.map_or_else(|| ImportListLineId::new(now), |before| before.id);
        let made = line.checked(id, before.map_or(1, |before| before.version)).map_err(|error| {
            Error::BadInput(format!("import-list.json: {} from {}: {}", line.hs8, line.valid_from, error.told()))
        })?;
        match before {
            Some(before) if *before == made => {}
            Some(before) => {
                let changed = import_list::Model { version: before.version + 1, ..made };
                changed.into_active_model().reset_all().update(tx).await?;
            }
            None => new.push(made.into_active_model()),
        }
    }
    for part in new.chunks(TOGETHER) {
        import_list::Entity::insert_many(part.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn told(refusals: &[entities::values::Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
