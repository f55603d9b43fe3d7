//! How one export stands at customs: a row of `export_declaration`. Its state follows from its papers and from what came of
//! them; nobody sets it.

use crate::Relation;
use sea_orm::{ExprTrait, entity::prelude::*, sea_query::Expr};

use super::{
    super::paper::PaperState,
    facts::{ExportMode, Facts, Leaving, StatisticsFlag},
    rules::ExportRoute,
};
use crate::{
    party::Viewer,
    values::id::{ExportId, ExportSummaryId, OrganisationId},
};

/// How an export stands (出口申报状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ExportDeclarationState")]
pub enum ExportState {
    /// Its order and its waybill are not taken in yet (待海关入库).
    Waiting,
    /// It goes by an entry, which is made outside of this house (待报关单申报).
    ToEnter,
    /// Its list is on its way, or customs has it (申报中).
    Declared,
    /// A person, or the goods, are looked at; or it waits (海关处理中).
    Held,
    /// The goods are kept (扣留).
    Detained,
    /// The list, or a paper before it, did not reach customs (申报失败).
    Failed,
    /// Customs does not take the list, or a paper before it (退单).
    Rejected,
    /// The goods may go (放行).
    Released,
    /// They arrived at the site (运抵).
    Arrived,
    /// They left the country, and the list is to be summarised (离境).
    Departed,
    /// They left the country, and the list was counted: simplified ones end here (汇总统计).
    StatisticsDone,
    /// The summary of its month is applied for (已汇总申报).
    Summarised,
    /// All is done; its entry has a number when it has one (结关).
    Closed,
    /// It was withdrawn (已撤单).
    Cancelled,
    /// The goods go back (退运).
    Returned,
}

/// What the state of an export follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Standing {
    /// By which route it goes.
    pub route: ExportRoute,
    /// How its list is declared.
    pub flag: StatisticsFlag,
    /// The worst state of the papers before the list, when one of them can be sent again.
    pub refused: Option<PaperState>,
    /// Whether customs took all of them in.
    pub taken: bool,
    /// How its list stands; none: there is none.
    pub list: Option<PaperState>,
    /// Whether somebody took it back before customs had its list, or customs agreed to its withdrawal.
    pub withdrawn: bool,
    /// Whether customs knows that it arrived at the site.
    pub arrived: bool,
    /// Whether customs knows that it left.
    pub departed: bool,
    /// Whether the summary that it is in is applied for.
    pub summarised: bool,
    /// Whether its entry has a number.
    pub entered: bool,
}

impl ExportState {
    /// Those in which a person must do something.
    pub const STUCK: [Self; 4] = [Self::ToEnter, Self::Detained, Self::Failed, Self::Rejected];

    /// The state that follows.
    pub fn of(at: &Standing) -> Self {
        let released = at.list.is_some_and(PaperState::is_released);
        if at.withdrawn && !released {
            return Self::Cancelled;
        }
        let before = match at.refused {
            Some(PaperState::Failed) => Self::Failed,
            Some(_) => Self::Rejected,
            None => Self::Waiting,
        };
        if at.route == ExportRoute::Entry {
            return match (at.entered, at.taken) {
                (true, _) => Self::Closed,
                (false, true) => Self::ToEnter,
                (false, false) => before,
            };
        }
        let Some(list) = at.list else { return before };
        match list {
            PaperState::Released | PaperState::Closed => Self::of_released(at, list),
            PaperState::Draft | PaperState::Sent | PaperState::AtPort | PaperState::Accepted | PaperState::Reviewed => {
                Self::Declared
            }
            PaperState::Review | PaperState::Inspection | PaperState::Suspended => Self::Held,
            PaperState::Detained => Self::Detained,
            PaperState::Failed => Self::Failed,
            PaperState::Rejected => Self::Rejected,
            PaperState::ReturnedAbroad => Self::Returned,
        }
    }

    fn of_released(at: &Standing, list: PaperState) -> Self {
        match (at.departed, at.flag) {
            (false, _) if at.arrived => Self::Arrived,
            (false, _) => Self::Released,
            (true, StatisticsFlag::Simplified) if list == PaperState::Closed => Self::Closed,
            (true, StatisticsFlag::Simplified) => Self::StatisticsDone,
            (true, StatisticsFlag::Summary) if at.entered => Self::Closed,
            (true, StatisticsFlag::Summary) if at.summarised => Self::Summarised,
            (true, StatisticsFlag::Summary) => Self::Departed,
        }
    }

    /// Whether customs let the goods go.
    pub fn is_released(self) -> bool {
        use ExportState::{Arrived, Closed, Departed, Released, StatisticsDone, Summarised};
        matches!(self, Released | Arrived | Departed | StatisticsDone | Summarised | Closed)
    }

    /// Whether nothing more becomes of it here.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Returned)
    }

    /// Whether what is declared can still be changed: customs has no list of it, or did not take it.
    pub fn can_be_amended(self) -> bool {
        matches!(self, Self::Waiting | Self::ToEnter | Self::Failed | Self::Rejected)
    }
}

/// What somebody can do next about an export (下一步).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExportNextAction {
    /// Mend what customs did not take: `amendExport`, or `switchExport` (修正后重推).
    Mend,
    /// Send again as it is; of what is odd, say that it was looked at: `amendExport` with nothing to mend (重推).
    SendAgain,
    /// Say which entry it was declared by: `noteExportEntry` (登记报关单).
    NoteEntry,
    /// Report that the goods are at the site: `reportExportArrival` (运抵).
    ReportArrival,
    /// Report that they left the country: `reportExportDeparture` (离境).
    ReportDeparture,
    /// Summarise the month: `summariseExports`; it is done by itself when the month is over (汇总申报).
    Summarise,
    /// Ask customs; nothing can be sent (联系海关).
    AskCustoms,
    /// Take it back: `cancelExport` (撤单).
    Cancel,
}

/// What is so of an export beside its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BesideExport {
    /// Nobody has answered for as long as is waited.
    pub overdue: bool,
    /// Something of it is odd, or was said after its list and customs refused it or did not answer.
    pub odd: bool,
    /// Its withdrawal was asked for.
    pub asked_back: bool,
}

/// What can be done next about an export, what helps most first.
pub fn next_actions(state: ExportState, beside: BesideExport) -> Vec<ExportNextAction> {
    use ExportNextAction as N;
    use ExportState as S;
    let mut next = match state {
        S::Failed | S::Rejected => vec![N::Mend],
        S::ToEnter => vec![N::NoteEntry],
        S::Detained => vec![N::AskCustoms],
        S::Held if beside.overdue => vec![N::AskCustoms],
        S::Waiting | S::Declared if beside.overdue => vec![N::SendAgain],
        S::Released => vec![N::ReportArrival],
        S::Arrived => vec![N::ReportDeparture],
        S::Departed => vec![N::Summarise],
        _ => Vec::new(),
    };
    if beside.odd && !next.contains(&N::SendAgain) {
        next.insert(0, N::SendAgain);
    }
    let open = matches!(state, S::Waiting | S::ToEnter | S::Declared | S::Held | S::Failed | S::Rejected);
    if open && !beside.asked_back {
        next.push(N::Cancel);
    }
    next
}

/// A row of `export_declaration`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "export_declaration")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExportId,
    /// Who sells (电商企业).
    pub seller_id: OrganisationId,
    /// Who declares (申报企业).
    pub declarer_id: OrganisationId,
    /// Who carries the parcel (物流企业).
    pub carrier_id: OrganisationId,
    /// Who runs the site that it leaves from (监管场所经营人).
    pub site_id: Option<OrganisationId>,
    /// The supervision mode, as in the facts.
    pub mode: ExportMode,
    /// How its list is declared, as in the facts.
    pub flag: StatisticsFlag,
    /// By which route it goes.
    pub route: ExportRoute,
    /// The number of the order, as in the facts: unique for its seller (业务主键).
    #[sea_orm(column_type = "String(StringLen::N(60))")]
    pub order_no: String,
    /// The number of the parcel, as in the facts: unique for its carrier.
    #[sea_orm(column_type = "String(StringLen::N(32))")]
    pub waybill: String,
    /// The declarer's own number of the list (企业内部编号).
    #[sea_orm(unique, column_type = "String(StringLen::N(30))")]
    pub cop_no: String,
    /// State.
    pub state: ExportState,
    /// The facts.
    #[sea_orm(column_type = "JsonBinary")]
    pub facts: Facts,
    /// How it leaves, since that is known.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub leaving: Option<Leaving>,
    /// Customs' number of the list (清单编号).
    #[sea_orm(unique, column_type = "String(StringLen::N(20))", nullable)]
    pub invt_no: Option<String>,
    /// When customs let the goods go.
    pub released_at: Option<DateTimeUtc>,
    /// When customs knew that they arrived at the site.
    pub arrived_at: Option<DateTimeUtc>,
    /// When they left the country.
    pub departed_at: Option<DateTimeUtc>,
    /// Why it is taken back, since somebody asked for that.
    #[sea_orm(column_type = "String(StringLen::N(300))", nullable)]
    pub cancel_reason: Option<String>,
    /// The summary that its list is in: one at most, ever.
    pub summary_id: Option<ExportSummaryId>,
    /// The number of its entry (报关单号).
    #[sea_orm(column_type = "String(StringLen::N(18))", nullable)]
    pub entry_no: Option<String>,
    /// What is odd about it: a person looks (异常标记).
    #[sea_orm(column_type = "String(StringLen::N(300))", nullable)]
    pub alarm: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The exports that `viewer` may see: of which one's organisation is a party, all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        match viewer.organisation() {
            Some(own) => Self::find().filter(
                Column::SellerId
                    .eq(own)
                    .or(Column::DeclarerId.eq(own))
                    .or(Column::CarrierId.eq(own))
                    .or(Column::SiteId.eq(own)),
            ),
            None => Self::find().filter(Expr::val(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    const NEW: Standing = Standing {
        route: ExportRoute::List,
        flag: StatisticsFlag::Summary,
        refused: None,
        taken: false,
        list: None,
        withdrawn: false,
        arrived: false,
        departed: false,
        summarised: false,
        entered: false,
    };

    #[test]
    fn whoever_looks_at_an_export_is_told_what_to_do_next() {
        use ExportNextAction as N;
        use ExportState as S;
        let quiet = BesideExport::default();
        let late = BesideExport { overdue: true, ..quiet };
        let odd = BesideExport { odd: true, ..quiet };
        for (state, beside, expected) in [
            (S::Waiting, quiet, &[N::Cancel][..]),
            (S::Waiting, late, &[N::SendAgain, N::Cancel]),
            (S::ToEnter, quiet, &[N::NoteEntry, N::Cancel]),
            (S::Declared, late, &[N::SendAgain, N::Cancel]),
            (S::Declared, BesideExport { asked_back: true, ..late }, &[N::SendAgain]),
            (S::Held, quiet, &[N::Cancel]),
            (S::Held, late, &[N::AskCustoms, N::Cancel]),
            (S::Detained, quiet, &[N::AskCustoms]),
            (S::Failed, quiet, &[N::Mend, N::Cancel]),
            (S::Rejected, odd, &[N::SendAgain, N::Mend, N::Cancel]),
            (S::Released, quiet, &[N::ReportArrival]),
            (S::Arrived, odd, &[N::SendAgain, N::ReportDeparture]),
            (S::Departed, quiet, &[N::Summarise]),
            (S::StatisticsDone, quiet, &[]),
            (S::Closed, late, &[]),
            (S::Cancelled, odd, &[N::SendAgain]),
        ] {
            assert_eq!(next_actions(state, beside), expected, "{state:?} {beside:?}");
        }
        // Wherever a person must do something, something is named.
        for state in ExportState::STUCK {
            assert!(!next_actions(state, quiet).is_empty(), "{state:?}");
        }
    }

    #[test]
    fn an_export_follows_its_papers_and_what_came_of_them() {
        use ExportState as S;
        use PaperState as P;
        let taken = Standing { taken: true, ..NEW };
        let released = Standing { list: Some(P::Released), ..taken };
        let left = Standing { arrived: true, departed: true, ..released };
        let simplified = Standing { flag: StatisticsFlag::Simplified, ..left };
        let entry = Standing { route: ExportRoute::Entry, ..taken };
        let table = [
            (NEW, S::Waiting),
            (Standing { refused: Some(P::Rejected), ..NEW }, S::Rejected),
            (Standing { refused: Some(P::Failed), ..NEW }, S::Failed),
            (Standing { list: Some(P::Draft), ..taken }, S::Declared),
            (Standing { list: Some(P::Accepted), ..taken }, S::Declared),
            (Standing { list: Some(P::Inspection), ..taken }, S::Held),
            (Standing { list: Some(P::Detained), ..taken }, S::Detained),
            (Standing { list: Some(P::Rejected), ..taken }, S::Rejected),
            (released, S::Released),
            (Standing { arrived: true, ..released }, S::Arrived),
            (left, S::Departed),
            // Customs may hear of the departure before it hears of the arrival.
            (Standing { arrived: false, ..left }, S::Departed),
            (simplified, S::StatisticsDone),
            (Standing { list: Some(P::Closed), ..simplified }, S::Closed),
            (Standing { summarised: true, ..left }, S::Summarised),
            // What is summarised before it left is on its way first.
            (Standing { summarised: true, ..released }, S::Released),
            (Standing { summarised: true, entered: true, ..left }, S::Closed),
            (Standing { list: Some(P::Closed), ..left }, S::Departed),
            (Standing { withdrawn: true, ..NEW }, S::Cancelled),
            (Standing { withdrawn: true, list: Some(P::Accepted), ..taken }, S::Cancelled),
            // Both cannot be; what is released went.
            (Standing { withdrawn: true, ..released }, S::Released),
            (Standing { taken: false, ..entry }, S::Waiting),
            (entry, S::ToEnter),
            (Standing { entered: true, ..entry }, S::Closed),
            (Standing { list: Some(P::ReturnedAbroad), ..taken }, S::Returned),
        ];
        for (at, expected) in table {
            assert_eq!(S::of(&at), expected, "{at:?}");
        }
        for list in P::iter() {
            let state = S::of(&Standing { list: Some(list), ..taken });
            assert_eq!(state.is_released(), list.is_released(), "{list:?}");
            assert!(!(state.can_be_amended() && list.can_be_withdrawn()), "{list:?} is changed while customs has it");
        }
    }
}
