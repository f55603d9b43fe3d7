//! What the customs that stands in for customs says of the papers of an export (海关模拟器, 出口). It decides by the paper
//! and by what it was told before ([`Beside`]); its memory is its own business.
//!
//! A mark in what a paper notes says what happens, as in the address of an import: `备注 #reject`. Several are joined by
//! `+`; each counts for the first attempt of a paper of its kind.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{
    ceb::{Document, Record},
    codes, list_rules,
    paper::PaperKind,
};
use crate::values::Locale;

/// What is said of a paper, a line each: how many delays later, which status, what of it.
type Plan = &'static [(u32, &'static str, &'static str)];

/// A way in which an export can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportScenario {
    /// The mark, after `#`.
    pub mark: &'static str,
    /// Of which paper it decides.
    pub of: PaperKind,
    says: Plan,
}

const PORT: &str = "电子口岸申报中";
const INTAKE: &str = "[Code:1800;Desc:逻辑校验通过]";
const FREE: &str = "[Code:2600;Desc:放行]";

const fn of(mark: &'static str, of: PaperKind, says: Plan) -> ExportScenario {
    ExportScenario { mark, of, says }
}

const RELEASE: Plan = &[(1, "2", PORT), (2, "120", INTAKE), (3, "800", FREE)];
const TAKEN: Plan = &[(1, "2", PORT), (2, "120", INTAKE)];
const WITHDRAWN: Plan = &[(1, "2", PORT), (2, "120", INTAKE), (3, "399", "[Code:2300;Desc:审核通过],清单已成功撤单")];
const REFUSED: Plan = &[(1, "2", PORT), (2, "100", "[Code:1300;Desc:人工退单]")];

/// The ways, by their marks.
pub const EXPORT_SCENARIOS: &[ExportScenario] = &[
    of("release", PaperKind::ExportList, RELEASE),
    of("inspect", PaperKind::ExportList, &[(1, "2", PORT), (2, "120", INTAKE), (3, "500", "查验"), (6, "800", FREE)]),
    of(
        "no-end",
        PaperKind::ExportList,
        &[(1, "2", PORT), (2, "120", INTAKE), (3, "300", "[Code:1200;Desc:待人工审核]")],
    ),
    of("close", PaperKind::ExportList, &[(1, "2", PORT), (2, "120", INTAKE), (3, "800", FREE), (6, "899", "结关")]),
    of("detain", PaperKind::ExportList, &[(1, "2", PORT), (2, "120", INTAKE), (3, "501", "扣留移送通关")]),
    of("return", PaperKind::ExportList, &[(1, "2", PORT), (2, "120", INTAKE), (3, "700", "退运")]),
    of("reject", PaperKind::ExportList, REFUSED),
    of("port-fails", PaperKind::ExportList, &[(1, "2", PORT), (2, "4", "发送海关失败")]),
    of("silent", PaperKind::ExportList, &[]),
    of(
        "unknown",
        PaperKind::ExportList,
        &[(1, "2", PORT), (2, "777", "未知状态"), (3, "120", INTAKE), (4, "800", FREE)],
    ),
    of("order-rejected", PaperKind::ExportOrder, &[(1, "2", PORT), (2, "100", "业务主键重复(订单号+电商企业)")]),
    of("order-fails", PaperKind::ExportOrder, &[(1, "-301008", "参数校验失败")]),
    of("waybill-rejected", PaperKind::ExportWaybill, &[(1, "2", PORT), (2, "100", "Code:45;Desc:运单不存在")]),
    of("cancel-refused", PaperKind::ExportCancellation, &[(1, "2", PORT), (2, "100", "清单状态不允许撤销")]),
    of("cancel-silent", PaperKind::ExportCancellation, &[]),
    of("consignment-rejected", PaperKind::Consignment, REFUSED),
    of("consignment-silent", PaperKind::Consignment, &[]),
    of("arrival-rejected", PaperKind::Arrival, REFUSED),
    of("arrival-silent", PaperKind::Arrival, &[]),
    of("departure-rejected", PaperKind::Departure, REFUSED),
    of("departure-silent", PaperKind::Departure, &[]),
    of("summary-rejected", PaperKind::Summary, REFUSED),
    of("summary-silent", PaperKind::Summary, &[]),
];

impl ExportScenario {
    /// The way that a note asks for with this kind of paper.
    pub fn of(note: &str, kind: PaperKind) -> Option<&'static Self> {
        let (_, marks) = note.rsplit_once('#')?;
        let known =
            |mark: &str| EXPORT_SCENARIOS.iter().find(|scenario| scenario.mark == mark.trim() && scenario.of == kind);
        marks.split('+').find_map(known)
    }
}

/// What the simulator knows beside a paper.
#[derive(Clone, Debug, Default)]
pub struct Beside<'a> {
    /// Whether it took in the order that the paper names.
    pub order: bool,
    /// The same of the waybills that it names: those that it does not know.
    pub unknown_waybills: Vec<String>,
    /// The lists that it names, with their numbers; those that it knows.
    pub lists: Vec<(&'a str, &'a Document)>,
}

/// The numbers of the waybills that a paper names.
pub fn waybills(kind: PaperKind, document: &Document) -> Vec<(String, String)> {
    let carrier = document.head.get("logisticsCode").unwrap_or_default().to_owned();
    let named = |record: &Record| record.get("logisticsNo").map(|number| (carrier.clone(), number.to_owned()));
    match kind {
        PaperKind::ExportList => named(&document.head).into_iter().collect(),
        PaperKind::Consignment | PaperKind::Arrival | PaperKind::Departure => {
            document.lines.iter().filter_map(named).collect()
        }
        _ => Vec::new(),
    }
}

/// Customs' numbers of the lists that a paper names.
pub fn lists(kind: PaperKind, document: &Document) -> Vec<String> {
    let named = |record: &Record| record.get("invtNo").map(str::to_owned);
    match kind {
        PaperKind::ExportCancellation => named(&document.head).into_iter().collect(),
        PaperKind::Consignment | PaperKind::Summary => document.lines.iter().filter_map(named).collect(),
        _ => Vec::new(),
    }
}

/// What is said of a paper: how many delays later, which status, what of it.
pub type Says = Vec<(u32, String, String)>;

/// What customs says of a paper of an export; `first`: nobody has sent it before.
pub fn says(kind: PaperKind, document: &Document, first: bool, beside: &Beside<'_>) -> Says {
    let own = document.head.get("note").or_else(|| document.head.get("reason"));
    let note = own.or_else(|| beside.lists.iter().find_map(|(_, list)| list.head.get("note"))).unwrap_or_default();
    let scenario = ExportScenario::of(note, kind).filter(|_| first);
    let plan = scenario.map_or_else(
        || match kind {
            PaperKind::ExportList => RELEASE,
            PaperKind::ExportCancellation => WITHDRAWN,
            _ => TAKEN,
        },
        |scenario| scenario.says,
    );
    // What customs does not take for a reason of the scenario, it does not look at.
    if plan.iter().any(|(_, status, _)| *status == "120")
        && let Some((status, info)) = wrong(kind, document, beside)
    {
        let mut told: Says = Vec::new();
        if !status.starts_with('-') {
            told.push((1, "2".into(), PORT.into()));
        }
        told.push((2, status, info));
        return told;
    }
    plan.iter().map(|(after, status, info)| (*after, (*status).to_owned(), (*info).to_owned())).collect()
}

/// What is wrong with a paper: the status and what of it.
fn wrong(kind: PaperKind, document: &Document, beside: &Beside<'_>) -> Option<(String, String)> {
    let no = |info: &str| Some(("100".to_owned(), info.to_owned()));
    if kind == PaperKind::ExportList {
        if let Some(fault) = list_rules::export_list_faults(document).first() {
            let status = if fault.code.is_empty() { "100" } else { fault.code };
            return Some((status.to_owned(), fault.message(&Locale::zh_cn())));
        }
        if !beside.order {
            return no("Code:49;Desc:订单不存在");
        }
    }
    if let Some(number) = beside.unknown_waybills.first() {
        return no(&format!("Code:45;Desc:运单不存在 {number}"));
    }
    let named: BTreeSet<String> = lists(kind, document).into_iter().collect();
    let known: BTreeSet<&str> = beside.lists.iter().map(|(number, _)| *number).collect();
    if let Some(number) = named.iter().find(|number| !known.contains(number.as_str())) {
        let status = if kind == PaperKind::ExportCancellation { "-623003" } else { "100" };
        return Some((status.to_owned(), format!("清单不存在 {number}")));
    }
    let other = beside.lists.iter().find(|(_, list)| {
        kind == PaperKind::Summary
            && ["ebcCode", "agentCode", "customsCode"]
                .into_iter()
                .any(|name| list.head.get(name) != document.head.get(name))
    });
    other.and_then(|(number, _)| no(&format!("清单收发货人或申报企业不一致 {number}")))
}

/// Whether customs takes a paper in of which it says this.
pub fn takes(says: &[(u32, String, String)]) -> bool {
    says.iter().any(|(_, status, _)| matches!(status.as_str(), "120" | "399" | "800"))
}

/// The numbers that customs and the e-port gave.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The e-port's.
    pub pre_no: &'a str,
    /// Customs' of the list.
    pub invt_no: &'a str,
}

/// A receipt.
pub fn receipt(
    kind: PaperKind,
    head: &Record,
    given: Given<'_>,
    (status, info): (&str, &str),
    at: DateTime<Utc>,
) -> Record {
    let copied = |record: Record, names: &[&str]| {
        names.iter().fold(record, |record, name| record.with_some(name, head.get(name)))
    };
    let record = copied(Record::default(), &["guid"]);
    let record = match kind {
        PaperKind::ExportOrder => copied(record, &["ebpCode", "ebcCode", "orderNo"]),
        PaperKind::MoneyReceived => copied(record, &["ebcCode", "orderNo", "payNo"]),
        PaperKind::ExportWaybill => copied(record, &["logisticsCode", "logisticsNo"]),
        PaperKind::ExportList => {
            let record =
                copied(record, &["agentCode", "copNo"]).with("preNo", given.pre_no).with("invtNo", given.invt_no);
            copied(record, &["ebcCode", "ebpCode", "orderNo", "statisticsFlag"])
        }
        PaperKind::ExportCancellation => {
            copied(copied(record, &["agentCode", "copNo"]).with("preNo", given.pre_no), &["invtNo"])
        }
        PaperKind::Consignment => {
            let record = copied(record, &["agentCode", "logisticsCode", "copNo"]).with("preNo", given.pre_no);
            copied(record, &["billNo", "msgSeqNo"])
        }
        PaperKind::Arrival => {
            let record = copied(record, &["operatorCode", "logisticsCode"]).with("preNo", given.pre_no);
            // A receipt has a bill, also of what came without one.
            let record = copied(record, &["copNo"]).with("billNo", head.get("billNo").unwrap_or("无"));
            copied(record, &["msgSeqNo"])
        }
        PaperKind::Departure => {
            copied(copied(record, &["logisticsCode", "copNo"]).with("preNo", given.pre_no), &["msgSeqNo"])
        }
        PaperKind::Summary => {
            let record = copied(record, &["agentCode", "ebcCode", "copNo"]).with("preNo", given.pre_no);
            let taken = status == "120";
            copied(record.with_some("sumNo", taken.then(|| sum_no(head))), &["msgSeqNo"])
        }
        _ => record,
    };
    record
        .with("returnStatus", status)
        .with("returnTime", codes::moment_of_receipt(at))
        .with("returnInfo", info.chars().take(900).collect::<String>())
}

/// A number of nine digits that a text always has.
fn serial(text: &str) -> u64 {
    // FNV-1a.
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash % 1_000_000_000
}

fn day(head: &Record) -> &str {
    head.get("appTime").and_then(|time| time.get(..8)).unwrap_or("20000101")
}

/// Customs' number of a summary: all of its messages have the same.
pub fn sum_no(head: &Record) -> String {
    let name = |name: &str| head.get(name).unwrap_or_default();
    format!("S{}{:09}", day(head), serial(&format!("{}|{}", name("agentCode"), name("copNo"))))
}

/// What a message of a summary becomes: one entry with its number (CEB792).
pub fn result(apply: &Document, guid: &str, lists: &[(&str, &Document)], at: DateTime<Utc>) -> Document {
    let said = |name: &str| apply.head.get(name).unwrap_or_default();
    let own = serial(&format!("{}|{}|{}", said("agentCode"), said("copNo"), said("msgSeqNo")));
    let weight = |name: &str| -> Decimal {
        lists.iter().filter_map(|(_, list)| list.head.get(name)?.parse::<Decimal>().ok()).sum()
    };
    let copied =
        |record: Record, names: &[&str]| names.iter().fold(record, |record, name| record.with(name, said(name)));
    let head = Record::default()
        .with("guid", guid)
        .with("customsCode", said("customsCode"))
        .with("sumNo", sum_no(&apply.head))
        .with("opDate", codes::moment_of_receipt(at))
        .with("declSeqNo", format!("D{}{own:09}", day(&apply.head)))
        .with("entryId", format!("{}{}0{own:09}", said("customsCode"), day(&apply.head).get(..4).unwrap_or_default()))
        .with("decState", "R");
    let head = copied(head, &["agentCode", "agentName", "ebcCode", "ebcName", "declAgentCode", "declAgentName"])
        .with("grossWeight", weight("grossWeight").normalize().to_string())
        .with("netWeight", weight("netWeight").normalize().to_string())
        .with("msgCount", "1")
        .with("msgSeqNo", "1");
    let key = |line: &Record| {
        ["gcode", "unit", "currency", "country"].map(|name| line.get(name).unwrap_or_default().to_owned())
    };
    let keys: BTreeSet<[String; 4]> = lists.iter().flat_map(|(_, list)| list.lines.iter().map(key)).collect();
    let keys: Vec<[String; 4]> = keys.into_iter().collect();
    let lines = lists.iter().flat_map(|(number, list)| {
        list.lines.iter().map(|line| {
            let place = keys.iter().position(|other| *other == key(line)).unwrap_or_default();
            Record::default()
                .with("invtNo", *number)
                .with("logisticsNo", list.head.get("logisticsNo").unwrap_or_default())
                .with("gseqno", line.get("gnum").unwrap_or_default())
                .with("gnum", (place + 1).to_string())
                .with("gcode", line.get("gcode").unwrap_or_default())
        })
    });
    Document { head, lines: lines.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customs::{
        ceb::{Message, kind},
        export::{
            fixtures::{carpets, leaving, parties, stamp},
            papers::{self, Moving, Numbers, Parcel, PartOf},
        },
        receipt::ReturnStatus,
    };

    const GIVEN: Given<'static> = Given { pre_no: "B20251101000000001", invt_no: "97012025E000000001" };

    fn list(note: Option<&str>) -> Document {
        let mut sale = carpets();
        sale.facts.note = note.map(str::to_owned);
        papers::list(&sale, &parties(), None, Numbers { cop_no: "E1", pre_no: None }, &stamp())
    }

    fn statuses(says: &[(u32, String, String)]) -> Vec<&str> {
        says.iter().map(|(_, status, _)| status.as_str()).collect()
    }

    fn apply() -> Document {
        let numbers = [GIVEN.invt_no.to_owned()];
        let part = PartOf { number: 1, count: 1 };
        papers::summary((&parties().declarer, &parties().merchant), "9701", "S1", part, &numbers, &stamp())
    }

    #[test]
    fn a_list_is_released_when_order_and_waybill_are_there_and_it_keeps_the_rules() {
        let there = Beside { order: true, ..Beside::default() };
        let lost = Beside { unknown_waybills: vec!["EE1".into()], ..there.clone() };
        let kind = PaperKind::ExportList;
        assert_eq!(statuses(&says(kind, &list(None), true, &there)), ["2", "120", "800"]);
        assert_eq!(statuses(&says(kind, &list(None), true, &Beside::default())), ["2", "100"]);
        assert_eq!(statuses(&says(kind, &list(None), true, &lost)), ["2", "100"]);
        let mut broken = list(None);
        broken.lines.clear();
        assert_eq!(statuses(&says(kind, &broken, true, &there)), ["2", "100"]);
        for (note, first, expected) in [
            ("#reject", true, &["2", "100"][..]),
            ("#reject", false, &["2", "120", "800"]),
            ("礼品 #cancel-refused+no-end", true, &["2", "120", "300"]),
            ("#silent", true, &[]),
            ("#nothing-of-the-kind", true, &["2", "120", "800"]),
        ] {
            assert_eq!(statuses(&says(kind, &list(Some(note)), first, &there)), expected, "{note}");
        }
    }

    #[test]
    fn what_names_a_list_that_customs_does_not_know_is_refused() {
        let known = list(None);
        let with = Beside { lists: vec![(GIVEN.invt_no, &known)], ..Beside::default() };
        let cancel = papers::cancellation(&parties(), "9701", "C1", GIVEN.invt_no, "取消", &stamp());
        let kind = PaperKind::ExportCancellation;
        assert_eq!(statuses(&says(kind, &cancel, true, &with)), ["2", "120", "399"]);
        assert_eq!(statuses(&says(kind, &cancel, true, &Beside::default())), ["-623003"]);
        assert_eq!(statuses(&says(PaperKind::Summary, &apply(), true, &with)), ["2", "120"]);
        assert_eq!(statuses(&says(PaperKind::Summary, &apply(), true, &Beside::default())), ["2", "100"]);
        let mut other = known.clone();
        other.head = Record::default().with("ebcCode", "another");
        let foreign = Beside { lists: vec![(GIVEN.invt_no, &other)], ..Beside::default() };
        assert_eq!(statuses(&says(PaperKind::Summary, &apply(), true, &foreign)), ["2", "100"]);
    }

    #[test]
    fn each_receipt_and_the_result_keep_to_their_schema() {
        let (sale, parties, stamp) = (carpets(), parties(), stamp());
        let moving = Moving {
            customs_code: "9701",
            cop_no: "M1",
            carrier: &parties.carrier,
            site_code: None,
            traf_mode: "5",
            part: PartOf { number: 1, count: 1 },
            note: None,
        };
        let parcels = [Parcel { waybill: "EE1", total_package: None, invt_no: None }];
        let written = |number: u16, document: Document| {
            let message = Message::new(kind(number).unwrap(), "11111111-AAAA-4BBB-8CCC-000000000000", vec![document]);
            message.write().unwrap_or_else(|faults| panic!("CEB{number}: {faults:?}"));
        };
        for (of, document) in [
            (PaperKind::ExportOrder, papers::order(&sale, &parties, &stamp)),
            (PaperKind::ExportWaybill, papers::waybill(&sale, &parties, &stamp)),
            (PaperKind::ExportList, list(None)),
            (PaperKind::ExportCancellation, papers::cancellation(&parties, "9701", "C1", "1", "x", &stamp)),
            (PaperKind::Consignment, papers::consignment(&parties.declarer, &moving, &leaving(), 1, &parcels, &stamp)),
            (PaperKind::Arrival, papers::arrival(&parties.declarer, &moving, None, "青A1", &parcels, &stamp)),
            (PaperKind::Departure, papers::departure(&moving, &leaving(), stamp.at, &parcels, &stamp)),
            (PaperKind::Summary, apply()),
        ] {
            let record = receipt(of, &document.head, GIVEN, ("120", "x"), stamp.at);
            assert_eq!(of.key_of_receipt(&record).as_deref(), Some(of.key(&document.head).as_str()), "{of:?}");
            written(of.receipt(), Document { head: record, lines: Vec::new() });
        }
        let known = list(None);
        let result = result(&apply(), "11111111-AAAA-4BBB-8CCC-000000000002", &[(GIVEN.invt_no, &known)], stamp.at);
        assert_eq!(result.head.get("sumNo"), Some(sum_no(&apply().head).as_str()));
        assert_eq!((result.lines.len(), result.lines[0].get("gnum")), (1, Some("1")));
        written(792, result);
    }

    #[test]
    fn what_scenarios_say_is_known_but_for_the_one_that_is_not() {
        for scenario in EXPORT_SCENARIOS {
            for (_, status, _) in scenario.says.iter().filter(|(_, status, _)| *status != "777") {
                assert!(ReturnStatus::of(status).is_some(), "{} says {status}", scenario.mark);
            }
        }
    }
}
