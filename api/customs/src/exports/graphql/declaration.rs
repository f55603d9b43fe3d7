//! An export in the schema.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    customs::{
        codes,
        export::{
            declaration::{self, BesideExport, ExportNextAction, ExportState, next_actions},
            facts::{ExportMode, Leaving, StatisticsFlag},
            line,
            rules::ExportRoute,
        },
        paper::PaperKind,
    },
    party::Action,
    values::{Currency, Money as Amount},
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        encode,
    },
    page::PageArgs,
};

use super::{
    super::{
        lists,
        loaders::{LinesOfExport, PapersOfExport, Summary},
        papers::newest,
    },
    ExportSummary,
};
use crate::{graphql::declaration::CustomsPaper, lists::silent_since, loaders};

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
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ExportLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let lines = loaders::of(context).load_one(LinesOfExport(self.0.id)).await?.unwrap_or_default();
        let rows = page.slice(lines, lists::line_cursor)?;
        let currency = self.0.facts.currency;
        Ok(Connection::new(rows, None, |row| (lists::line_cursor(&row), ExportLine { row, currency })))
    }

    /// Its papers: order, waybill, list, and what came after (单证).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn documents(&self, context: &Context<'_>) -> Result<Vec<CustomsPaper>> {
        let papers = loaders::of(context).load_one(PapersOfExport(self.0.id)).await?.unwrap_or_default();
        Ok(papers.into_iter().map(CustomsPaper).collect())
    }

    /// What somebody can do next, what helps most first; null for those who do not keep it (下一步).
    #[graphql(complexity = 5)]
    async fn next_actions(&self, context: &Context<'_>) -> Result<Option<Vec<ExportNextAction>>> {
        if context.may(Action::KeepDeclarations).is_err() {
            return Ok(None);
        }
        let papers = loaders::of(context).load_one(PapersOfExport(self.0.id)).await?.unwrap_or_default();
        let since = silent_since(context.app());
        let withdrawal = newest(&papers, PaperKind::ExportCancellation);
        let beside = BesideExport {
            overdue: self.0.updated_at < since,
            odd: self.0.alarm.is_some() || lists::is_unheard(self.0.state, &papers, since),
            asked_back: withdrawal.is_some_and(|paper| !paper.state.is_refused()),
        };
        Ok(Some(next_actions(self.0.state, beside)))
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
