//! What is asked of exports, and which are wanted.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::export::{
        declaration::ExportState,
        facts::{ExportMode, Leaving, StatisticsFlag},
        summarised::SummaryState,
    },
    values::{
        Refusals,
        id::ExportId,
        refusal::{self, Check},
    },
};
use platform::{error::Error, graphql::id::decode_all};

use super::sale::{ExportSaleInput, LONGEST_NOTE, inside, optional};

/// How an export leaves (运输信息).
#[derive(InputObject)]
pub(super) struct ExportTransportInput {
    /// The vessel, flight or vehicle, at most 100 characters (运输工具名称).
    pub(super) vehicle: String,
    /// The voyage, at most 32 characters (航班航次号).
    pub(super) voyage: String,
    /// The bill, at most 37 characters (提运单号).
    pub(super) bill: String,
    /// The package that holds several parcels, at most 37 characters (总包号).
    pub(super) total_package: Option<String>,
    /// The vehicle that brings it to the site, at most 100 characters (境内运输工具编号).
    pub(super) domestic_vehicle: Option<String>,
}

/// An export that is to be declared (出口申报).
#[derive(InputObject)]
pub(super) struct DeclareExportInput {
    /// Who sells; the organisation acted for when none is named (电商企业).
    pub(super) seller_id: Option<ID>,
    /// Who declares: a customs broker, or the seller itself (申报企业).
    pub(super) declarer_id: ID,
    /// Who carries the parcel (物流企业).
    pub(super) carrier_id: ID,
    /// Who runs the site that it leaves from (监管场所经营人).
    pub(super) site_id: Option<ID>,
    /// What is declared.
    pub(super) sale: ExportSaleInput,
    /// How it leaves; it may be said later (运输信息).
    pub(super) transport: Option<ExportTransportInput>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// An export that is mended, or sent again (修改或重推).
#[derive(InputObject)]
pub(super) struct AmendExportInput {
    /// Which.
    pub(super) id: ID,
    /// The version that was looked at.
    pub(super) expected_version: i32,
    /// Who carries the parcel now, as long as customs has not taken its waybill; left out: who did (物流企业).
    pub(super) carrier_id: Option<ID>,
    /// Who runs the site that it leaves from now; left out: who did (监管场所经营人).
    pub(super) site_id: Option<ID>,
    /// What is declared now; left out: what was. With nothing to mend it is sent again as it is.
    pub(super) sale: Option<ExportSaleInput>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A simplified export that is to be summarised instead (简化申报改汇总申报).
#[derive(InputObject)]
pub(super) struct SwitchExportInput {
    /// Which.
    pub(super) id: ID,
    /// The version that was looked at.
    pub(super) expected_version: i32,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// An export that is taken back (撤单).
#[derive(InputObject)]
pub(super) struct CancelExportInput {
    /// Which.
    pub(super) id: ID,
    /// Why, at most 300 characters.
    pub(super) reason: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// The number of the entry of an export that does not go by list (报关单号).
#[derive(InputObject)]
pub(super) struct NoteExportEntryInput {
    /// Which.
    pub(super) id: ID,
    /// The number, 18 characters.
    pub(super) entry_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// How exports leave together (清单总分单).
#[derive(InputObject)]
pub(super) struct AddExportTransportInput {
    /// Which, at most 100: of one carrier, one declarer, one site and one customs office.
    pub(super) ids: Vec<ID>,
    /// How they leave.
    pub(super) transport: ExportTransportInput,
    /// What else is said (备注).
    pub(super) note: Option<String>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Exports that arrived at the site (运抵).
#[derive(InputObject)]
pub(super) struct ReportExportArrivalInput {
    /// Which, at most 100: of one carrier and one site.
    pub(super) ids: Vec<ID>,
    /// The vehicle that brought them, at most 100 characters (境内运输工具编号).
    pub(super) vehicle: String,
    /// The bill, at most 37 characters (提运单号).
    pub(super) bill: Option<String>,
    /// What else is said (备注).
    pub(super) note: Option<String>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Exports that left the country (离境).
#[derive(InputObject)]
pub(super) struct ReportExportDepartureInput {
    /// Which, at most 100: of one carrier, one vehicle and one bill.
    pub(super) ids: Vec<ID>,
    /// When.
    pub(super) left_at: DateTime<Utc>,
    /// What else is said (备注).
    pub(super) note: Option<String>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A month that is to be summarised (汇总申报).
#[derive(InputObject)]
pub(super) struct SummariseExportsInput {
    /// Any day of the month; it must be over.
    pub(super) month: NaiveDate,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Which exports (出口申报筛选).
#[derive(InputObject, Default)]
pub(super) struct ExportDeclarationFilter {
    /// Only in one of these states.
    pub(super) states: Option<Vec<ExportState>>,
    /// Only of these modes.
    pub(super) modes: Option<Vec<ExportMode>>,
    /// Only simplified, or only summarised ones.
    pub(super) flag: Option<StatisticsFlag>,
    /// Only those at which a person must do something: to be entered, failed, rejected, detained, odd, refused on the way
    /// out, or waiting for customs for too long.
    pub(super) to_do: Option<bool>,
    /// Only of this order.
    pub(super) order_number: Option<String>,
    /// Only those of this summary.
    pub(super) summary_id: Option<ID>,
}

/// Which summaries (汇总申请筛选).
#[derive(InputObject, Default)]
pub(super) struct ExportSummaryFilter {
    /// Only in one of these states.
    pub(super) states: Option<Vec<SummaryState>>,
    /// Only of the month of this day.
    pub(super) month: Option<NaiveDate>,
}

impl ExportTransportInput {
    pub(super) fn read(self) -> Result<Leaving, Refusals> {
        let mut check = Check::default();
        let mut text =
            |field: &str, value: &str, most: usize| check.take(field, refusal::line(value, most)).unwrap_or_default();
        let (vehicle, voyage) = (text("vehicle", &self.vehicle, 100), text("voyage", &self.voyage, 32));
        let bill = text("bill", &self.bill, 37);
        let total_package = optional(&mut check, "totalPackage", self.total_package.as_deref(), 37);
        let domestic_vehicle = optional(&mut check, "domesticVehicle", self.domestic_vehicle.as_deref(), 100);
        let leaving = Leaving { vehicle, voyage, bill, total_package, domestic_vehicle };
        check.done(leaving).map_err(|wrong| inside("transport", wrong))
    }
}

/// Which exports.
pub(super) fn ids(ids: &[ID]) -> Result<Vec<ExportId>, Error> {
    decode_all(ids, "ids")
}

/// A note, when there is one.
pub(super) fn note(note: Option<&str>) -> Result<Option<String>, Error> {
    let mut check = Check::default();
    let note = optional(&mut check, "note", note, LONGEST_NOTE);
    Ok(check.done(note)?)
}
