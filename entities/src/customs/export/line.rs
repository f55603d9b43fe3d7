//! A line of an export: a row of `export_line`.

#![expect(clippy::struct_excessive_bools, reason = "each is asked for by customs")]

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::facts::ExportLine;
use crate::values::{CustomsUnit, id::ExportId};

/// A row of `export_line`. Its key is export and number.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "export_line")]
pub struct Model {
    /// Of which export.
    #[sea_orm(primary_key, auto_increment = false)]
    pub export_id: ExportId,
    /// From 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The seller's article number.
    pub item_no: String,
    /// Its number in the account book, of 1210.
    pub record_no: Option<String>,
    /// The tariff code, of as many digits as are declared.
    pub hs: String,
    /// The name as it is declared.
    pub name: String,
    /// The specification as it is declared.
    pub gmodel: String,
    /// The barcode.
    pub barcode: Option<String>,
    /// The unit in which it is sold.
    pub unit: CustomsUnit,
    /// How many, in hundred-thousandths.
    pub quantity_e5: i64,
    /// The first legal unit.
    pub unit1: CustomsUnit,
    /// How many of it.
    pub quantity1_e5: i64,
    /// The second legal unit.
    pub unit2: Option<CustomsUnit>,
    /// How many of it.
    pub quantity2_e5: Option<i64>,
    /// Price of one, FOB, in minor units of the export's currency.
    pub price_minor: i64,
    /// What they come to.
    pub total_minor: i64,
    /// Whether it needs a licence.
    pub licence: bool,
    /// Whether it must be inspected.
    pub inspection: bool,
    /// Whether an export duty is owed for it.
    pub duty: bool,
    /// Whether its taxes are to be refunded.
    pub refund: bool,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The row of a line.
    pub fn of(export_id: ExportId, line: ExportLine) -> Self {
        let total_minor = line.total_minor().unwrap_or_default();
        Self {
            export_id,
            number: line.number,
            item_no: line.item_no,
            record_no: line.record_no,
            hs: line.hs,
            name: line.name,
            gmodel: line.gmodel,
            barcode: line.barcode,
            unit: line.unit,
            quantity_e5: line.quantity_e5,
            unit1: line.unit1,
            quantity1_e5: line.quantity1_e5,
            unit2: line.unit2,
            quantity2_e5: line.quantity2_e5,
            price_minor: line.price_minor,
            total_minor,
            licence: line.licence,
            inspection: line.inspection,
            duty: line.duty,
            refund: line.refund,
        }
    }
}

impl From<Model> for ExportLine {
    fn from(row: Model) -> Self {
        Self {
            number: row.number,
            item_no: row.item_no,
            record_no: row.record_no,
            hs: row.hs,
            name: row.name,
            gmodel: row.gmodel,
            barcode: row.barcode,
            unit: row.unit,
            quantity_e5: row.quantity_e5,
            unit1: row.unit1,
            quantity1_e5: row.quantity1_e5,
            unit2: row.unit2,
            quantity2_e5: row.quantity2_e5,
            price_minor: row.price_minor,
            licence: row.licence,
            inspection: row.inspection,
            duty: row.duty,
            refund: row.refund,
        }
    }
}
