//! The positive list of retail import (跨境电子商务零售进口商品清单): by the eight digits of the tariff, from a day on.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::{
    catalog::SupplyMode,
    values::{ErrorCode, HsCode, Refusal, id::ImportListLineId},
};

/// A row of `import_list_line`: unique by line of the tariff and first day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "import_list_line")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImportListLineId,
    /// Eight digits of the tariff.
    pub hs8: String,
    /// First day.
    pub valid_from: Date,
    /// First day on which it is not on the list any more; none: it still is.
    pub valid_to: Option<Date>,
    /// Whether it may come in bonded retail import only (仅限网购保税商品).
    pub bonded_only: bool,
    /// Note of the list, as it is printed there; empty when there is none.
    pub note: String,
    /// The notice that it comes from.
    pub source: String,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// True on days from `valid_from` on and before `valid_to`.
    pub fn holds_on(&self, date: Date) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|to| date < to)
    }
}

/// Eight digits of a chapter of the tariff.
pub fn line_of(text: &str) -> Result<String, Refusal> {
    // The two national digits say nothing here: any make it a whole code.
    let whole = format!("{text}00").parse::<HsCode>().map_err(|_| {
        Refusal::new(ErrorCode::InvalidHsCode).with("value", text.chars().take(100).collect::<String>())
    })?;
    Ok(whole.tariff_line().to_owned())
}

/// The line under which goods may come in as retail import on a day, or why they may not. Of several, the one that
/// began last: a notice that limits a line to bonded import goes before the one that put it on the list. Asked for the
/// two modes of retail import; other modes know no such list.
pub fn allows<'a>(lines: &'a [Model], hs: &HsCode, mode: SupplyMode, date: Date) -> Result<&'a Model, Refusal> {
    let line = lines
        .iter()
        .filter(|line| line.hs8 == hs.tariff_line() && line.holds_on(date))
        .max_by_key(|line| line.valid_from);
    let line = line.ok_or_else(|| {
        Refusal::new(ErrorCode::NotOnImportList).with("hs", hs.as_str()).with("date", date.to_string())
    })?;
    if line.bonded_only && mode == SupplyMode::DirectImport {
        return Err(Refusal::new(ErrorCode::BondedOnly).with("hs", hs.as_str()));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::fixtures::day;

    fn line(hs8: &str, from: &str, to: Option<&str>, bonded_only: bool) -> Model {
        Model {
            id: ImportListLineId(uuid::Uuid::nil()),
            hs8: hs8.into(),
            valid_from: day(from),
            valid_to: to.map(day),
            bonded_only,
            note: String::new(),
            source: "sample".into(),
            version: 1,
        }
    }

    #[test]
    fn goods_come_in_when_the_list_of_the_day_has_them() {
        use ErrorCode::{BondedOnly, NotOnImportList};
        use SupplyMode::{BondedImport, DirectImport};
        let lines = [
            line("22011010", "2016-04-08", None, false),
            line("19011010", "2018-01-01", None, false),
            line("19011010", "2022-03-01", None, true),
            line("33030000", "2016-04-08", Some("2020-01-01"), false),
        ];
        for (hs, mode, date, refused) in [
            ("2201101000", BondedImport, "2024-06-01", None),
            ("2201101000", DirectImport, "2024-06-01", None),
            ("2201101000", BondedImport, "2016-04-07", Some(NotOnImportList)),
            ("2201109000", BondedImport, "2024-06-01", Some(NotOnImportList)),
            ("1901101010", DirectImport, "2022-02-28", None),
            ("1901101010", DirectImport, "2022-03-01", Some(BondedOnly)),
            ("1901101010", BondedImport, "2022-03-01", None),
            ("3303000020", BondedImport, "2019-12-31", None),
            ("3303000020", BondedImport, "2020-01-01", Some(NotOnImportList)),
        ] {
            let found = allows(&lines, &hs.parse().unwrap(), mode, day(date)).err().map(|refusal| refusal.code);
            assert_eq!(found, refused, "{hs} {mode:?} on {date}");
        }
        assert_eq!(line_of("22011010").unwrap(), "22011010");
        for wrong in ["2201101", "2201101000", "77011010", "2201101x", ""] {
            assert!(line_of(wrong).is_err(), "{wrong}");
        }
    }
}
