//! The customs that stands in for customs (海关模拟器): what it knows, and what it says of a paper. It matches papers by
//! the same rules as the house; beyond that, a mark in the consignee's address says what happens, as the last digits of an
//! amount do in the payment sandbox: `示例路1号 #inspect`.
//!
//! A mark counts for the first attempt of a paper: what is mended and sent again goes through, so each ends where somebody
//! can go on from.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::paper::PaperKind;

/// What the simulator says of a paper, a line each: how many delays later, which status, what of it.
type Plan = &'static [(u32, &'static str, &'static str)];

/// A way in which a declaration can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The mark in the address, after `#`.
    pub mark: &'static str,
    /// Of which paper it decides.
    pub of: PaperKind,
    /// What is said of that paper.
    says: Plan,
    /// How else it behaves.
    pub manner: Manner,
}

/// How receipts come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One after the other.
    Plain,
    /// The last first.
    Shuffled,
    /// Each three times.
    Thrice,
    /// Instead of receipts, that the message has no right format (CEB900).
    Format,
    /// The tax bill is void afterwards (CEB818).
    TaxVoid,
}

const PORT: &str = "电子口岸申报中";
const INTAKE: &str = "[Code:1800;Desc:逻辑校验通过]";
const FREE: &str = "[Code:2600;Desc:放行]";

const fn list(mark: &'static str, says: Plan) -> Scenario {
    Scenario { mark, of: PaperKind::List, says, manner: Manner::Plain }
}

const fn of(mark: &'static str, of: PaperKind, says: Plan) -> Scenario {
    Scenario { mark, of, says, manner: Manner::Plain }
}

const RELEASE: Plan = &[(1, "2", PORT), (2, "120", INTAKE), (3, "800", FREE)];

/// The ways, by their marks. The texts are those that were seen in real receipts (section 2.5).
pub const SCENARIOS: &[Scenario] = &[
    list("release", RELEASE),
    list(
        "reviewed",
        &[
            (1, "2", PORT),
            (2, "120", INTAKE),
            (3, "300", "[Code:1200;Desc:待人工审核]"),
            (4, "399", "海关审结"),
            (5, "800", FREE),
        ],
    ),
    list("manual", &[(1, "2", PORT), (2, "120", INTAKE), (3, "300", "[Code:1200;Desc:待人工审核]"), (6, "800", FREE)]),
    list("inspect", &[(1, "2", PORT), (2, "120", INTAKE), (3, "500", "查验"), (6, "800", FREE)]),
    list("suspend", &[(1, "2", PORT), (2, "120", INTAKE), (3, "600", "挂起"), (6, "800", FREE)]),
    list("no-end", &[(1, "2", PORT), (2, "120", INTAKE), (3, "300", "[Code:1200;Desc:待人工审核]")]),
    list("only-release", &[(3, "800", FREE)]),
    list("close", &[(1, "2", PORT), (2, "120", INTAKE), (3, "800", FREE), (6, "899", "结关")]),
    list("detain-501", &[(1, "2", PORT), (2, "120", INTAKE), (3, "501", "扣留移送通关")]),
    list("detain-502", &[(1, "2", PORT), (2, "120", INTAKE), (3, "502", "扣留移送缉私")]),
    list("detain-503", &[(1, "2", PORT), (2, "120", INTAKE), (3, "503", "扣留移送法规")]),
    list("detain-599", &[(1, "2", PORT), (2, "120", INTAKE), (3, "599", "其它扣留")]),
    list("return-abroad", &[(1, "2", PORT), (2, "120", INTAKE), (3, "700", "退运")]),
    list("reject-id", &[(1, "2", PORT), (2, "100", "[Code:1300;Desc:人工退单，订购人身份证号码有误]")]),
    list(
        "reject-annual",
        &[(1, "2", PORT), (2, "100", "[Code:1313;Desc:订购人购买超过年度限额,超过个人年度购买额度]")],
    ),
    list("reject-lines", &[(1, "2", PORT), (2, "100", "[Code:1322;Desc:订单清单表体商品项不一致]")]),
    list(
        "reject-payer",
        &[(1, "2", PORT), (2, "100", "[Code:1327;Desc:订单购买人与支付单支付人名字或身份证号码不一致]")],
    ),
    list(
        "reject-late",
        &[
            (1, "2", PORT),
            (2, "120", INTAKE),
            (3, "300", "[Code:1200;Desc:待人工审核]"),
            (4, "100", "[Code:13035;Desc:支付企业不一致]"),
        ],
    ),
    list("port-fails", &[(1, "2", PORT), (2, "4", "发送海关失败")]),
    list("over-single", &[(1, "-621005", "超过单次限额")]),
    list("over-annual", &[(1, "2", PORT), (2, "-621018", "超过年度限额")]),
    list("quota-query", &[(1, "2", PORT), (2, "-621013", "额度查询失败")]),
    list("quota-count", &[(1, "2", PORT), (2, "-621014", "额度累加失败")]),
    list("bad-signature", &[(1, "-621029", "验签失败")]),
    list("duplicate", &[(1, "-304001", "业务主键重复入库失败")]),
    list("silent", &[]),
    list("unknown", &[(1, "2", PORT), (2, "777", "未知状态"), (3, "120", INTAKE), (4, "800", FREE)]),
    Scenario { manner: Manner::Shuffled, ..list("shuffle", RELEASE) },
    Scenario { manner: Manner::Thrice, ..list("thrice", RELEASE) },
    Scenario { manner: Manner::Format, ..list("format", &[]) },
    Scenario { manner: Manner::TaxVoid, ..list("tax-void", RELEASE) },
    of("order-rejected", PaperKind::Order, &[(1, "2", PORT), (2, "100", "业务主键重复(订单号+电商企业)")]),
    of("order-fails", PaperKind::Order, &[(1, "-301008", "参数校验失败")]),
    of("payment-rejected", PaperKind::Payment, &[(1, "2", PORT), (2, "100", "Code:46;Desc:支付信息不存在")]),
    of("payment-fails", PaperKind::Payment, &[(1, "-401008", "支付单已被锁定")]),
    of("waybill-rejected", PaperKind::Waybill, &[(1, "2", PORT), (2, "100", "Code:45;Desc:运单不存在")]),
    of("waybill-fails", PaperKind::Waybill, &[(1, "-504012", "运单已存在")]),
    of("cancel-refused", PaperKind::Cancellation, &[(1, "2", PORT), (2, "100", "清单状态不允许撤销")]),
    of("cancel-fails", PaperKind::Cancellation, &[(1, "-623005", "清单状态不可撤销")]),
    of("return-refused", PaperKind::Return, &[(1, "2", PORT), (2, "120", INTAKE), (3, "100", "退货申请不予受理")]),
    of("return-fails", PaperKind::Return, &[(1, "-625024", "额度返还失败")]),
];

/// Said of a paper that nothing is wrong with.
const TAKEN: Plan = &[(1, "2", PORT), (2, "120", INTAKE)];
/// Said of a withdrawal.
const WITHDRAWN: Plan =
    &[(1, "2", PORT), (2, "120", INTAKE), (3, "399", "[Code:2300;Desc:审核通过],撤单申请审核通过,清单已成功撤单")];
/// Said of a return, and of what came into a site.
const BACK: Plan = &[(1, "2", PORT), (2, "120", INTAKE), (3, "399", "[Code:2300;Desc:审核通过]")];

impl Scenario {
    /// The way that an address asks for with this kind of paper; several marks are joined by `+`.
    pub fn of(address: &str, kind: PaperKind) -> Option<&'static Self> {
        let (_, marks) = address.rsplit_once('#')?;
        let known = |mark: &str| SCENARIOS.iter().find(|scenario| scenario.mark == mark.trim() && scenario.of == kind);
        marks.split('+').find_map(known)
    }
}

/// What is said of a paper that nothing is wrong with, and how; `first`: nobody has sent it before.
pub fn answer(kind: PaperKind, scenario: Option<&Scenario>, first: bool) -> (Plan, Manner) {
    match scenario.filter(|_| first) {
        Some(scenario) => (scenario.says, scenario.manner),
        None => match kind {
            PaperKind::List => (RELEASE, Manner::Plain),
            PaperKind::Cancellation => (WITHDRAWN, Manner::Plain),
            PaperKind::Return | PaperKind::Delivery => (BACK, Manner::Plain),
            _ => (TAKEN, Manner::Plain),
        },
    }
}

/// A row of `simulated_paper`: what the simulator has been told. Its key is number and business key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "simulated_paper")]
pub struct Model {
    /// What it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: PaperKind,
    /// What it is known by among its kind.
    #[sea_orm(primary_key, auto_increment = false)]
    pub business_key: String,
    /// The order that it is about.
    pub order_no: String,
    /// Its message as it came, sealed.
    pub body: Vec<u8>,
    /// How often it came.
    pub attempts: i32,
    /// Whether it was taken in.
    pub taken: bool,
    /// The e-port's number.
    pub pre_no: String,
    /// Customs' number.
    pub invt_no: String,
    /// When it last came.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customs::receipt::ReturnStatus;

    #[test]
    fn an_address_says_what_happens() {
        let list = PaperKind::List;
        for (address, kind, mark) in [
            ("青海省西宁市城中区示例路1号 #inspect", list, Some("inspect")),
            ("示例路1号#over-annual ", list, Some("over-annual")),
            ("示例路1号#over-annual ", PaperKind::Order, None),
            ("示例路1号 #cancel-fails+no-end", list, Some("no-end")),
            ("示例路1号 #cancel-fails+no-end", PaperKind::Cancellation, Some("cancel-fails")),
            ("示例路1号 #nothing-of-the-kind", list, None),
            ("示例路1号", list, None),
            ("#1 示例路 #silent", list, Some("silent")),
        ] {
            assert_eq!(Scenario::of(address, kind).map(|scenario| scenario.mark), mark, "{address}");
        }
    }

    #[test]
    fn what_is_sent_again_goes_through() {
        for scenario in SCENARIOS {
            let (says, manner) = answer(scenario.of, Some(scenario), false);
            assert!(says.len() >= 2, "{} ends nowhere", scenario.mark);
            assert_eq!(manner, Manner::Plain, "{}", scenario.mark);
            for (_, status, _) in scenario.says.iter().filter(|(_, status, _)| *status != "777") {
                assert!(ReturnStatus::of(status).is_some(), "{} says {status}", scenario.mark);
            }
        }
        let refusing = SCENARIOS.iter().filter(|s| {
            let last = s.says.iter().filter_map(|(_, status, _)| ReturnStatus::of(status)).next_back();
            last.is_none_or(|status| !status.state.is_released())
        });
        assert!(refusing.count() >= 20);
    }
}
