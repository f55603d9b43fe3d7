//! Exports in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::{
        codes,
        export::{
            declaration::{self, ExportState},
            entry,
            facts::{
                ExportLine as Line, ExportMode, ExportSale, Facts, Leaving, MoneyReceived, OverseasWarehouse, Owner,
                SpecialArea, StatisticsFlag,
            },
            line,
            rules::{ExportRoute, LINES},
            summarised::{self, SummaryState},
        },
        sale::Party,
    },
    party::Action,
    values::{
        CountryCode, Currency, CustomsUnit, ErrorCode, Gtin, Money as Amount, Refusal, Refusals,
        id::ExportId,
        refusal::{self, Check},
    },
};

use super::{
    declare::{self, Declaring},
    lists::{self, Filter, SummaryFilter},
    loaders::{EntriesOf, LinesOfExport, PapersOfExport, Summary},
    moving, summaries, undo,
};
use crate::{
    customs::{graphql::declaration::CustomsPaper, loaders},
    party::{self, graphql::Organisation},
    payload,
    platform::{
        error::Error,
        graphql::{
            Connection, ContextExt, Money, bounded, connection::list_cost, decode, encode, id::decode_all,
            scalars::MoneyInput,
        },
        page::PageArgs,
    },
};

/// Longest reason of a withdrawal.
const LONGEST_REASON: usize = 300;
/// Longest note of a paper: the schema takes more, and nobody reads it.
const LONGEST_NOTE: usize = 300;

/// How one export stands at customs (出口申报).
#[derive(Clone, Debug)]
pub struct ExportDeclaration(pub declaration::Model);

/// How one export stands at customs (出口申报).
#[Object]
impl ExportDeclaration {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who sells (电商企业).
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// Who declares (申报企业).
    async fn declarer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.declarer_id).await?.map(Organisation))
    }

    /// Who carries the parcel (物流企业).
    async fn carrier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.carrier_id).await?.map(Organisation))
    }

    /// Who runs the site that it leaves from (监管场所经营人).
    async fn site(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.site_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// The supervision mode (监管方式).
    async fn mode(&self) -> ExportMode {
        self.0.mode
    }

    /// The code of that mode: 9610.
    async fn mode_code(&self) -> &'static str {
        self.0.mode.code()
    }

    /// How its list is declared (申报业务类型).
    async fn flag(&self) -> StatisticsFlag {
        self.0.flag
    }

    /// By which route it is declared (申报方式).
    async fn route(&self) -> ExportRoute {
        self.0.route
    }

    /// The number of the order; of 9810 that of the booking (订单编号).
    async fn order_number(&self) -> &str {
        &self.0.order_no
    }

    /// The carrier's number of the parcel (物流运单编号).
    async fn waybill(&self) -> &str {
        &self.0.waybill
    }

    /// The declarer's own number of the list (企业内部编号).
    async fn own_number(&self) -> &str {
        &self.0.cop_no
    }

    /// State.
    async fn state(&self) -> ExportState {
        self.0.state
    }

    /// Where it goes, ISO 3166 (运抵国).
    async fn destination(&self) -> &str {
        self.0.facts.destination.as_str()
    }

    /// Freight (运费).
    async fn freight(&self) -> Money {
        self.0.facts.freight.into()
    }

    /// Insurance (保险费).
    async fn insurance(&self) -> Money {
        self.0.facts.insurance.into()
    }

    /// Gross weight in grams.
    async fn gross_weight_g(&self) -> i64 {
        self.0.facts.gross_weight_g
    }

    /// How it leaves; null until that is known (运输信息).
    async fn transport(&self) -> Option<ExportTransport> {
        self.0.leaving.clone().map(ExportTransport::from)
    }

    /// Its lines (商品表体).
    async fn lines(&self, context: &Context<'_>) -> Result<Vec<ExportLine>> {
        let rows = loaders::of(context).load_one(LinesOfExport(self.0.id)).await?.unwrap_or_default();
        let currency = self.0.facts.currency;
        Ok(rows.into_iter().map(|row| ExportLine { row, currency }).collect())
    }

    /// Its papers: order, waybill, list, and what came after (单证).
    async fn documents(&self, context: &Context<'_>) -> Result<Vec<CustomsPaper>> {
        let papers = loaders::of(context).load_one(PapersOfExport(self.0.id)).await?.unwrap_or_default();
        Ok(papers.into_iter().map(CustomsPaper).collect())
    }

    /// The summary that its list is in; null: none, or it may not be seen (汇总申请).
    async fn summary(&self, context: &Context<'_>) -> Result<Option<ExportSummary>> {
        let Some(id) = self.0.summary_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(Summary(id)).await?.map(ExportSummary))
    }

    /// The number of its entry (报关单号).
    async fn entry_number(&self) -> Option<&str> {
        self.0.entry_no.as_deref()
    }

    /// Customs' number of the list (清单编号).
    async fn list_number(&self) -> Option<&str> {
        self.0.invt_no.as_deref()
    }

    /// When customs let the goods go (放行时间).
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.0.released_at
    }

    /// When customs knew that they arrived at the site (运抵时间).
    async fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.0.arrived_at
    }

    /// When they left the country (离境时间).
    async fn departed_at(&self) -> Option<DateTime<Utc>> {
        self.0.departed_at
    }

    /// Why it is taken back, when somebody asked for that (撤单原因).
    async fn cancel_reason(&self) -> Option<&str> {
        self.0.cancel_reason.as_deref()
    }

    /// What is odd about it, for those who keep it; null: nothing (异常).
    async fn alarm(&self, context: &Context<'_>) -> Option<&str> {
        context.may(Action::KeepDeclarations).ok()?;
        self.0.alarm.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// With which vehicle and under which bill an export leaves (运输信息).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct ExportTransport {
    /// The vessel, flight or vehicle (运输工具名称).
    vehicle: String,
    /// The voyage (航班航次号).
    voyage: String,
    /// The bill (提运单号).
    bill: String,
    /// The package that holds several parcels (总包号).
    total_package: Option<String>,
    /// The vehicle that brings it to the site (境内运输工具编号).
    domestic_vehicle: Option<String>,
}

impl From<Leaving> for ExportTransport {
    fn from(of: Leaving) -> Self {
        Self {
            vehicle: of.vehicle,
            voyage: of.voyage,
            bill: of.bill,
            total_package: of.total_package,
            domestic_vehicle: of.domestic_vehicle,
        }
    }
}

/// A line of an export (商品).
#[derive(Clone, Debug)]
pub struct ExportLine {
    row: line::Model,
    currency: Currency,
}

/// A line of an export (商品).
#[Object]
impl ExportLine {
    /// From 1.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// The seller's article number (商品货号).
    async fn item_no(&self) -> &str {
        &self.row.item_no
    }

    /// The tariff code, of as many digits as are declared (商品编码).
    async fn hs_code(&self) -> &str {
        &self.row.hs
    }

    /// The name as it is declared (商品名称).
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The specification as it is declared (规格型号).
    async fn specification(&self) -> &str {
        &self.row.gmodel
    }

    /// The unit in which it is sold, customs' number (申报计量单位).
    async fn unit(&self) -> &str {
        self.row.unit.as_str()
    }

    /// How many (申报数量).
    async fn quantity(&self) -> String {
        codes::quantity(self.row.quantity_e5)
    }

    /// Price of one, FOB (单价).
    async fn unit_price(&self) -> Money {
        Amount { minor: self.row.price_minor, currency: self.currency }.into()
    }

    /// What they come to, FOB (总价).
    async fn total(&self) -> Money {
        Amount { minor: self.row.total_minor, currency: self.currency }.into()
    }

    /// Whether its taxes are to be refunded (出口退税).
    async fn refund(&self) -> bool {
        self.row.refund
    }
}

/// The lists of a month that become entries (汇总申请).
#[derive(Clone, Debug)]
pub struct ExportSummary(pub summarised::Model);

/// The lists of a month that become entries (汇总申请). Its lists are `exportDeclarations` with its id.
#[Object]
impl ExportSummary {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Whose lists they are.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// Who declares.
    async fn declarer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.declarer_id).await?.map(Organisation))
    }

    /// The first day of their month.
    async fn month(&self) -> NaiveDate {
        self.0.month
    }

    /// The declarer's own number (企业内部编号).
    async fn own_number(&self) -> &str {
        &self.0.cop_no
    }

    /// Customs' number (汇总申请编号).
    async fn number(&self) -> Option<&str> {
        self.0.sum_no.as_deref()
    }

    /// How many lists it has.
    async fn list_count(&self) -> i32 {
        self.0.lists
    }

    /// In how many messages.
    async fn part_count(&self) -> i32 {
        self.0.parts
    }

    /// Where they go, ISO 3166 (运抵国).
    async fn destination(&self) -> &str {
        &self.0.merge_key.destination
    }

    /// How they leave, one character of customs (运输方式).
    async fn traf_mode(&self) -> &str {
        &self.0.merge_key.traf_mode
    }

    /// State.
    async fn state(&self) -> SummaryState {
        self.0.state
    }

    /// Last day on which it may be applied for (申报截止日).
    async fn due(&self) -> NaiveDate {
        self.0.due
    }

    /// The entries that customs made of it (报关单).
    async fn entries(&self, context: &Context<'_>) -> Result<Vec<ExportEntry>> {
        let rows = loaders::of(context).load_one(EntriesOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ExportEntry::from).collect())
    }

    /// What is odd about it, or pressing; null: nothing (异常).
    async fn alarm(&self) -> Option<&str> {
        self.0.alarm.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// An entry that customs made of a summary (报关单).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct ExportEntry {
    /// Customs' number of the declaration (报关单统一编号).
    sequence_number: String,
    /// The number of the entry; null: it has none yet (报关单号).
    entry_number: Option<String>,
    /// How it stands, in customs' word (报关单状态).
    state: String,
    /// Gross weight in grams.
    gross_weight_g: i64,
    /// Net weight in grams.
    net_weight_g: i64,
}

impl From<entry::Model> for ExportEntry {
    fn from(row: entry::Model) -> Self {
        Self {
            sequence_number: row.decl_seq_no,
            entry_number: row.entry_no,
            state: row.state,
            gross_weight_g: row.gross_weight_g,
            net_weight_g: row.net_weight_g,
        }
    }
}

/// What is declared of an export (出口申报内容).
#[derive(InputObject)]
pub(super) struct ExportSaleInput {
    /// The supervision mode (监管方式).
    mode: ExportMode,
    /// Simplified, or summarised at the end of the month (申报业务类型).
    flag: StatisticsFlag,
    /// The number of the order on its platform; not of 9810, whose booking stands for it (订单编号).
    order_number: Option<String>,
    /// The platform's code at customs; left out: it has none (电商平台代码).
    platform_code: Option<String>,
    /// The platform's name; not of 9810, whose warehouse stands for it (电商平台名称).
    platform_name: Option<String>,
    /// Of 9810: the warehouse and the booking (海外仓).
    warehouse: Option<OverseasWarehouseInput>,
    /// Of 1210: the company in the area, and its account book (区内企业).
    area: Option<SpecialAreaInput>,
    /// The code of who made or sold the goods; left out: it is not registered (生产销售单位代码).
    owner_code: Option<String>,
    /// Its name (生产销售单位名称).
    owner_name: String,
    /// What the goods are sold in, ISO 4217 (币制).
    currency: String,
    /// Freight, all of it (运费).
    freight: MoneyInput,
    /// Insurance, all of it (保险费).
    insurance: MoneyInput,
    /// What the goods are worth in CNY, of 9710 and 9810 in another currency (人民币货值).
    value_in_cny: Option<MoneyInput>,
    /// Where they go, ISO 3166 (运抵国).
    destination: String,
    /// At which port they arrive, three or four characters of customs (指运港).
    port_of_destination: String,
    /// Where it is declared, four digits (申报地海关).
    customs_code: String,
    /// Where the goods leave the country, four digits (口岸海关).
    port_code: String,
    /// The site under supervision, at most ten characters (监管场所代码).
    site_code: Option<String>,
    /// How they leave: one character of customs, `5` is air (运输方式).
    traf_mode: String,
    /// The licence, when there is one (许可证件号).
    licence_number: Option<String>,
    /// How they are packed: one character of customs, `2` is a carton (包装种类).
    #[graphql(default_with = "String::from(\"2\")")]
    wrap: String,
    /// How many packages (件数).
    #[graphql(default = 1)]
    packs: i32,
    /// Gross weight in grams (毛重).
    gross_weight_g: i64,
    /// Net weight in grams (净重).
    net_weight_g: i64,
    /// The carrier's number of the parcel, at most 32 characters (物流运单编号).
    waybill: String,
    /// Money that came for it: of 9610, as long as customs wants to know of it (收款信息).
    received: Option<MoneyReceivedInput>,
    /// What else is said (备注).
    note: Option<String>,
    /// The goods, at most 100 lines (商品).
    lines: Vec<ExportLineInput>,
}

/// A warehouse abroad, and the booking there (海外仓).
#[derive(InputObject)]
pub(super) struct OverseasWarehouseInput {
    /// The name of the warehouse (海外仓名称).
    name: String,
    /// The number of the booking (订仓单号).
    booking_number: String,
}

/// A company in an area under special supervision (区内企业).
#[derive(InputObject)]
pub(super) struct SpecialAreaInput {
    /// Its code at customs (区内企业代码).
    code: String,
    /// Its name (区内企业名称).
    name: String,
    /// The number of its account book (账册编号).
    book: String,
}

/// Money that came for an export (收款信息).
#[derive(InputObject)]
pub(super) struct MoneyReceivedInput {
    /// The institution's code, when it has one (支付企业代码).
    payer_code: Option<String>,
    /// The institution's name (支付企业名称).
    payer_name: String,
    /// Its number of the payment (支付编号).
    number: Option<String>,
    /// How much (收款金额).
    charge: MoneyInput,
    /// When it was booked (到账时间).
    at: DateTime<Utc>,
}

/// A line of an export (商品).
#[derive(InputObject)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by customs")]
pub(super) struct ExportLineInput {
    /// The seller's article number, at most 20 characters (商品货号).
    item_no: String,
    /// Of 1210: its number in the account book (账册备案料号).
    record_number: Option<String>,
    /// The tariff code: ten digits, or of simplified ones as many as are declared (商品编码).
    hs_code: String,
    /// The name as it is declared (商品名称).
    name: String,
    /// The specification as it is declared (规格型号).
    specification: String,
    /// The barcode, when it has one (条码).
    barcode: Option<String>,
    /// The unit in which it is sold, customs' number (申报计量单位).
    unit: String,
    /// How many, at most five decimals (申报数量).
    quantity: String,
    /// The first legal unit, customs' number (法定计量单位).
    unit1: String,
    /// How many of it (法定数量).
    quantity1: String,
    /// The second legal unit, when the tariff names one (第二法定计量单位).
    unit2: Option<String>,
    /// How many of it (第二法定数量).
    quantity2: Option<String>,
    /// Price of one, FOB, in the currency of the export (单价).
    unit_price: MoneyInput,
    /// Whether it needs a licence (涉证).
    #[graphql(default)]
    licence: bool,
    /// Whether it must be inspected (涉检).
    #[graphql(default)]
    inspection: bool,
    /// Whether an export duty is owed for it (涉出口关税).
    #[graphql(default)]
    duty: bool,
    /// Whether its taxes are to be refunded (出口退税).
    #[graphql(default)]
    refund: bool,
}

/// How an export leaves (运输信息).
#[derive(InputObject)]
pub(super) struct ExportTransportInput {
    /// The vessel, flight or vehicle, at most 100 characters (运输工具名称).
    vehicle: String,
    /// The voyage, at most 32 characters (航班航次号).
    voyage: String,
    /// The bill, at most 37 characters (提运单号).
    bill: String,
    /// The package that holds several parcels, at most 37 characters (总包号).
    total_package: Option<String>,
    /// The vehicle that brings it to the site, at most 100 characters (境内运输工具编号).
    domestic_vehicle: Option<String>,
}

/// An export that is to be declared (出口申报).
#[derive(InputObject)]
pub(super) struct DeclareExportInput {
    /// Who sells; the organisation acted for when none is named (电商企业).
    seller_id: Option<ID>,
    /// Who declares: a customs broker, or the seller itself (申报企业).
    declarer_id: ID,
    /// Who carries the parcel (物流企业).
    carrier_id: ID,
    /// Who runs the site that it leaves from (监管场所经营人).
    site_id: Option<ID>,
    /// What is declared.
    sale: ExportSaleInput,
    /// How it leaves; it may be said later (运输信息).
    transport: Option<ExportTransportInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An export that is mended, or sent again (修改或重推).
#[derive(InputObject)]
pub(super) struct AmendExportInput {
    /// Which.
    id: ID,
    /// The version that was looked at.
    expected_version: i32,
    /// What is declared now; left out: it is sent again as it is.
    sale: Option<ExportSaleInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A simplified export that is to be summarised instead (简化申报改汇总申报).
#[derive(InputObject)]
pub(super) struct SwitchExportInput {
    /// Which.
    id: ID,
    /// The version that was looked at.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An export that is taken back (撤单).
#[derive(InputObject)]
pub(super) struct CancelExportInput {
    /// Which.
    id: ID,
    /// Why, at most 300 characters.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The number of the entry of an export that does not go by list (报关单号).
#[derive(InputObject)]
pub(super) struct NoteExportEntryInput {
    /// Which.
    id: ID,
    /// The number, 18 characters.
    entry_number: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How exports leave together (清单总分单).
#[derive(InputObject)]
pub(super) struct AddExportTransportInput {
    /// Which, at most 100: of one carrier, one declarer, one site and one customs office.
    ids: Vec<ID>,
    /// How they leave.
    transport: ExportTransportInput,
    /// What else is said (备注).
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Exports that arrived at the site (运抵).
#[derive(InputObject)]
pub(super) struct ReportExportArrivalInput {
    /// Which, at most 100: of one carrier and one site.
    ids: Vec<ID>,
    /// The vehicle that brought them, at most 100 characters (境内运输工具编号).
    vehicle: String,
    /// The bill, at most 37 characters (提运单号).
    bill: Option<String>,
    /// What else is said (备注).
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Exports that left the country (离境).
#[derive(InputObject)]
pub(super) struct ReportExportDepartureInput {
    /// Which, at most 100: of one carrier, one vehicle and one bill.
    ids: Vec<ID>,
    /// When.
    left_at: DateTime<Utc>,
    /// What else is said (备注).
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A month that is to be summarised (汇总申报).
#[derive(InputObject)]
pub(super) struct SummariseExportsInput {
    /// Any day of the month; it must be over.
    month: NaiveDate,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Which exports (出口申报筛选).
#[derive(InputObject, Default)]
pub(super) struct ExportDeclarationFilter {
    /// Only in one of these states.
    states: Option<Vec<ExportState>>,
    /// Only of these modes.
    modes: Option<Vec<ExportMode>>,
    /// Only simplified, or only summarised ones.
    flag: Option<StatisticsFlag>,
    /// Only those at which a person must do something: to be entered, failed, rejected, detained, odd, or waiting for
    /// customs for too long.
    to_do: Option<bool>,
    /// Only of this order.
    order_number: Option<String>,
    /// Only those of this summary.
    summary_id: Option<ID>,
}

/// Which summaries (汇总申请筛选).
#[derive(InputObject, Default)]
pub(super) struct ExportSummaryFilter {
    /// Only in one of these states.
    states: Option<Vec<SummaryState>>,
    /// Only of the month of this day.
    month: Option<NaiveDate>,
}

payload! {
    /// The answer to `declareExport`.
    DeclareExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `amendExport`.
    AmendExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `switchExport`.
    SwitchExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `cancelExport`.
    CancelExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `noteExportEntry`.
    NoteExportEntryPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `addExportTransport`.
    AddExportTransportPayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `reportExportArrival`.
    ReportExportArrivalPayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `reportExportDeparture`.
    ReportExportDeparturePayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `summariseExports`.
    SummariseExportsPayload { /// The summaries that were made, or sent again.
        summaries: Vec<ExportSummary> }
}

/// Reads what was sent of an export; all that is wrong with its form at once. What each mode wants is the rules' business.
impl ExportSaleInput {
    fn read(self) -> std::result::Result<ExportSale, Error> {
        let mut check = Check::default();
        let warehouse = self.warehouse.map(|of| {
            within(&mut check, "warehouse", |check| OverseasWarehouse {
                name: check.take("name", refusal::line(&of.name, 100)).unwrap_or_default(),
                booking: check.take("bookingNumber", refusal::line(&of.booking_number, 60)).unwrap_or_default(),
            })
        });
        // The booking stands for the order, the warehouse for the platform.
        let (order_no, platform_name) = if let Some(of) = &warehouse {
            (of.booking.clone(), of.name.clone())
        } else {
            let mut text = |field: &str, value: Option<String>, most: usize| {
                check.take(field, refusal::line(&value.unwrap_or_default(), most)).unwrap_or_default()
            };
            (text("orderNumber", self.order_number, 60), text("platformName", self.platform_name, 100))
        };
        let platform_code = optional(&mut check, "platformCode", self.platform_code, 18);
        // A foreign platform has none, which is written so.
        let platform_code = platform_code.unwrap_or_else(|| codes::NO_BARCODE.to_owned());
        let area = self.area.map(|of| {
            within(&mut check, "area", |check| SpecialArea {
                company: Party {
                    code: check.take("code", refusal::line(&of.code, 18)).unwrap_or_default(),
                    name: check.take("name", refusal::line(&of.name, 100)).unwrap_or_default(),
                },
                book: check.take("book", refusal::line(&of.book, 30)).unwrap_or_default(),
            })
        });
        let owner = Owner {
            code: optional(&mut check, "ownerCode", self.owner_code, 18),
            name: check.take("ownerName", refusal::line(&self.owner_name, 100)).unwrap_or_default(),
        };
        let currency = check.take("currency", self.currency.parse::<Currency>());
        let destination = check.take("destination", self.destination.parse::<CountryCode>());
        let site_code = optional(&mut check, "siteCode", self.site_code, 10);
        let licence_no = optional(&mut check, "licenceNumber", self.licence_number, 19);
        let waybill = check.take("waybill", refusal::line(&self.waybill, 32)).unwrap_or_default();
        let note = optional(&mut check, "note", self.note, LONGEST_NOTE);
        let (freight, insurance) = (self.freight.read("freight")?, self.insurance.read("insurance")?);
        let value = self.value_in_cny.map(|value| value.read("valueInCny")).transpose()?;
        if let Some(value) = value.filter(|value| value.currency != Currency::CNY) {
            let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", value.currency.code());
            check.0.push(refusal.at("currency").at("valueInCny"));
        }
        let received = match self.received {
            None => None,
            Some(of) => {
                let charge = of.charge.read("charge").map_err(|error| match error {
                    Error::Refused(wrong) => Error::Refused(inside("received", wrong)),
                    other => other,
                })?;
                Some(within(&mut check, "received", |check| MoneyReceived {
                    payer_code: optional(check, "payerCode", of.payer_code, 18),
                    payer_name: check.take("payerName", refusal::line(&of.payer_name, 100)).unwrap_or_default(),
                    number: optional(check, "number", of.number, 60),
                    charge,
                    at: of.at,
                }))
            }
        };
        let lines = read_lines(&mut check, self.lines, currency)?;
        let (Some(currency), Some(destination)) = (currency, destination) else { return Err(check.0.into()) };
        let facts = Facts {
            mode: self.mode,
            flag: self.flag,
            order_no,
            platform: Party { code: platform_code, name: platform_name },
            owner,
            area,
            warehouse,
            currency,
            freight,
            insurance,
            value_cny_minor: value.map(|value| value.minor),
            destination,
            port_of_destination: self.port_of_destination.trim().to_owned(),
            customs_code: self.customs_code.trim().to_owned(),
            port_code: self.port_code.trim().to_owned(),
            site_code,
            traf_mode: self.traf_mode.trim().to_owned(),
            licence_no,
            wrap: self.wrap.trim().to_owned(),
            packs: self.packs,
            gross_weight_g: self.gross_weight_g,
            net_weight_g: self.net_weight_g,
            waybill,
            received,
            note,
        };
        Ok(check.done(ExportSale { facts, lines })?)
    }
}

/// The lines, as far as they can be read; there are not too many of them.
fn read_lines(
    check: &mut Check,
    lines: Vec<ExportLineInput>,
    currency: Option<Currency>,
) -> std::result::Result<Vec<Line>, Refusal> {
    if lines.len() > LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", LINES.to_string()).at("lines"));
    }
    let mut read = Vec::with_capacity(lines.len());
    for (n, line) in lines.into_iter().enumerate() {
        match line.read(n, currency) {
            Ok(line) => read.push(line),
            Err(wrong) => check.0.extend(inside("lines", inside(&n.to_string(), wrong))),
        }
    }
    Ok(read)
}

/// Refusals of a part of the input, as those of the whole.
fn inside(field: &str, wrong: Refusals) -> Refusals {
    wrong.into_iter().map(|refusal| refusal.at(field)).collect()
}

/// Checks a part of the input: its faults have its field before theirs.
fn within<T>(check: &mut Check, field: &str, part: impl FnOnce(&mut Check) -> T) -> T {
    let mut own = Check::default();
    let read = part(&mut own);
    check.0.extend(inside(field, own.0));
    read
}

/// A text that may be left out.
fn optional(check: &mut Check, field: &str, text: Option<String>, most: usize) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    check.take(field, refusal::line(&text, most))
}

impl ExportLineInput {
    fn read(self, n: usize, currency: Option<Currency>) -> std::result::Result<Line, Refusals> {
        let mut check = Check::default();
        let quantity = |text: &str| -> std::result::Result<i64, Refusal> {
            let short: String = text.chars().take(60).collect();
            codes::e5(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", short))
        };
        let unit: Option<CustomsUnit> = check.take("unit", self.unit.parse());
        let unit1: Option<CustomsUnit> = check.take("unit1", self.unit1.parse());
        let unit2 = self.unit2.and_then(|unit| check.take("unit2", unit.parse::<CustomsUnit>()));
        let quantity_e5 = check.take("quantity", quantity(&self.quantity));
        let quantity1_e5 = check.take("quantity1", quantity(&self.quantity1));
        let quantity2_e5 = self.quantity2.and_then(|text| check.take("quantity2", quantity(&text)));
        let barcode = self.barcode.filter(|text| !text.is_empty());
        let barcode = barcode.and_then(|text| check.take("barcode", text.parse::<Gtin>()));
        let price = match self.unit_price.read("unitPrice") {
            Ok(price) if currency.is_none_or(|currency| currency == price.currency) => Some(price.minor),
            Ok(price) => {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", price.currency.code());
                check.0.push(refusal.at("currency").at("unitPrice"));
                None
            }
            Err(Error::Refused(wrong)) => {
                check.0.extend(wrong);
                None
            }
            Err(_) => None,
        };
        let item_no = check.take("itemNo", refusal::line(&self.item_no, 20)).unwrap_or_default();
        let name = check.take("name", refusal::line(&self.name, 250)).unwrap_or_default();
        let gmodel = check.take("specification", refusal::line(&self.specification, 250)).unwrap_or_default();
        let record_no = optional(&mut check, "recordNumber", self.record_number, 30);
        let hs = check.take("hsCode", refusal::line(&self.hs_code, 10)).unwrap_or_default();
        match (unit, unit1, quantity_e5, quantity1_e5, price) {
            (Some(unit), Some(unit1), Some(quantity_e5), Some(quantity1_e5), Some(price_minor)) => check.done(Line {
                number: i32::try_from(n + 1).unwrap_or(i32::MAX),
                item_no,
                record_no,
                hs,
                name,
                gmodel,
                barcode: barcode.map(|code| code.as_str().to_owned()),
                unit,
                quantity_e5,
                unit1,
                quantity1_e5,
                unit2,
                quantity2_e5,
                price_minor,
                licence: self.licence,
                inspection: self.inspection,
                duty: self.duty,
                refund: self.refund,
            }),
            _ => Err(check.0),
        }
    }
}

impl ExportTransportInput {
    fn read(self) -> std::result::Result<Leaving, Refusals> {
        let mut check = Check::default();
        let mut text =
            |field: &str, value: &str, most: usize| check.take(field, refusal::line(value, most)).unwrap_or_default();
        let (vehicle, voyage) = (text("vehicle", &self.vehicle, 100), text("voyage", &self.voyage, 32));
        let bill = text("bill", &self.bill, 37);
        let total_package = optional(&mut check, "totalPackage", self.total_package, 37);
        let domestic_vehicle = optional(&mut check, "domesticVehicle", self.domestic_vehicle, 100);
        let leaving = Leaving { vehicle, voyage, bill, total_package, domestic_vehicle };
        check.done(leaving).map_err(|wrong| inside("transport", wrong))
    }
}

fn note(note: Option<String>) -> std::result::Result<Option<String>, Error> {
    let mut check = Check::default();
    let note = optional(&mut check, "note", note, LONGEST_NOTE);
    Ok(check.done(note)?)
}

fn ids(ids: &[ID]) -> std::result::Result<Vec<ExportId>, Error> {
    decode_all(ids, "ids")
}

/// The part of the query root about exports.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// Exports, newest first; of one's own organisation, all for who oversees the zone (出口申报列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn export_declarations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ExportDeclarationFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ExportDeclaration>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let silent_since = context.app().clock().now() - context.app().config().customs.wait();
        let filter = Filter {
            states: bounded(filter.states.unwrap_or_default())?,
            modes: bounded(filter.modes.unwrap_or_default())?,
            flag: filter.flag,
            to_do: filter.to_do.unwrap_or_default().then_some(silent_since),
            order_no: filter.order_number,
            summary: filter.summary_id.map(|id| decode(&id, "summaryId")).transpose()?,
        };
        let rows = lists::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::cursor(&row), ExportDeclaration(row))))
    }

    /// An export; null when there is none or it may not be seen (出口申报).
    async fn export_declaration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] id: ID,
    ) -> Result<Option<ExportDeclaration>> {
        context.may(Action::ReadDeclarations)?;
        let Ok(id) = decode(&id, "id") else { return Ok(None) };
        Ok(lists::find(context.app().db().read(), context.viewer(), id).await?.map(ExportDeclaration))
    }

    /// Summaries of export lists, newest first (汇总申请列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn export_summaries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ExportSummaryFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ExportSummary>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = SummaryFilter { states: bounded(filter.states.unwrap_or_default())?, month: filter.month };
        let rows = lists::summaries(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::summary_cursor(&row), ExportSummary(row))))
    }
}

/// The part of the mutation root about exports.
#[derive(Default)]
pub struct ExportMutation;

#[Object]
impl ExportMutation {
    /// Declares an export; an order is declared once (出口申报).
    async fn declare_export(&self, context: &Context<'_>, input: DeclareExportInput) -> Result<DeclareExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let seller = match &input.seller_id {
                Some(id) => decode(id, "sellerId")?,
                None => call.viewer.organisation().ok_or(Error::Forbidden)?,
            };
            let wanted = Declaring {
                seller,
                declarer: decode(&input.declarer_id, "declarerId")?,
                carrier: decode(&input.carrier_id, "carrierId")?,
                site: input.site_id.as_ref().map(|id| decode(id, "siteId")).transpose()?,
                leaving: input.transport.map(ExportTransportInput::read).transpose()?,
                sale: input.sale.read()?,
            };
            declare::declare(context.app(), &call, wanted).await
        };
        DeclareExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Mends what is declared of an export, and sends again what failed, what customs did not take, and what nobody has
    /// answered to (修改或重推).
    async fn amend_export(&self, context: &Context<'_>, input: AmendExportInput) -> Result<AmendExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let sale = input.sale.map(ExportSaleInput::read).transpose()?;
            declare::amend(context.app(), &call, decode(&input.id, "id")?, input.expected_version, sale).await
        };
        AmendExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Has a simplified export summarised instead, while customs has no list of it (简化申报改汇总申报).
    async fn switch_export(&self, context: &Context<'_>, input: SwitchExportInput) -> Result<SwitchExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result =
            async { declare::switch(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        SwitchExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Takes an export back; while customs has its list, customs is asked (撤单).
    async fn cancel_export(&self, context: &Context<'_>, input: CancelExportInput) -> Result<CancelExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let reason = refusal::line(&input.reason, LONGEST_REASON).map_err(|refusal| refusal.at("reason"))?;
            undo::cancel(context.app(), &call, decode(&input.id, "id")?, &reason).await
        };
        CancelExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Notes the number of the entry of an export that does not go by list (登记报关单号).
    async fn note_export_entry(
        &self,
        context: &Context<'_>,
        input: NoteExportEntryInput,
    ) -> Result<NoteExportEntryPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result =
            async { declare::note_entry(context.app(), &call, decode(&input.id, "id")?, &input.entry_number).await };
        NoteExportEntryPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Says how released exports leave, several of them in one package (清单总分单).
    async fn add_export_transport(
        &self,
        context: &Context<'_>,
        input: AddExportTransportInput,
    ) -> Result<AddExportTransportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let (leaving, note) = (input.transport.read()?, note(input.note)?);
            moving::add_transport(context.app(), &call, &ids(&input.ids)?, leaving, note.as_deref()).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        AddExportTransportPayload::new(context, input.client_mutation_id, result)
    }

    /// Reports that exports arrived at the site that one's organisation runs (运抵).
    async fn report_export_arrival(
        &self,
        context: &Context<'_>,
        input: ReportExportArrivalInput,
    ) -> Result<ReportExportArrivalPayload> {
        let call = context.call(Action::MoveExports)?;
        let result = async {
            let mut check = Check::default();
            let vehicle = check.take("vehicle", refusal::line(&input.vehicle, 100)).unwrap_or_default();
            let bill = optional(&mut check, "bill", input.bill, 37);
            let note = optional(&mut check, "note", input.note, LONGEST_NOTE);
            let (ids, ()) = (ids(&input.ids)?, check.done(())?);
            let said = moving::Arrival { ids: &ids, vehicle: &vehicle, bill: bill.as_deref(), note: note.as_deref() };
            moving::report_arrival(context.app(), &call, said).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        ReportExportArrivalPayload::new(context, input.client_mutation_id, result)
    }

    /// Reports that exports which one's organisation carries left the country (离境).
    async fn report_export_departure(
        &self,
        context: &Context<'_>,
        input: ReportExportDepartureInput,
    ) -> Result<ReportExportDeparturePayload> {
        let call = context.call(Action::MoveExports)?;
        let result = async {
            let note = note(input.note)?;
            moving::report_departure(context.app(), &call, &ids(&input.ids)?, input.left_at, note.as_deref()).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        ReportExportDeparturePayload::new(context, input.client_mutation_id, result)
    }

    /// Summarises the lists of a month that is over, and sends again what customs refused of it (汇总申报).
    async fn summarise_exports(
        &self,
        context: &Context<'_>,
        input: SummariseExportsInput,
    ) -> Result<SummariseExportsPayload> {
        let call = context.call(Action::SummariseExports)?;
        let result = summaries::summarise(context.app(), &call, input.month).await;
        let result = result.map(|rows| rows.into_iter().map(ExportSummary).collect());
        SummariseExportsPayload::new(context, input.client_mutation_id, result)
    }
}
