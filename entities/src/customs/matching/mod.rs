//! The three documents held against each other (三单比对): the import list (621) against order (311), payment (411) and
//! waybill (511), which three different senders reported.
//!
//! Texts are compared as they are written, after trimming and no further: customs compares texts, and what this house
//! would let pass as nearly the same comes back rejected. So an abbreviated district or a full-width letter is a
//! mismatch. Numbers are compared as exact decimals: 447.3 is 447.30.
//!
//! What the schema requires and a document does not say matches nothing; what it leaves open is compared when both sides
//! say it. Each [`Rule`] says where it comes from: *official* is the specification of the messages, *practice* what
//! systems of customs were seen to do, *own* a decision of this project.

mod compare;
mod rule;

use sea_orm::{Iterable, entity::prelude::*};

pub use rule::Rule;

use super::ceb::{Document, Record};
use compare::Said;
use rule::Paper;

/// What comparing came to (比对结论).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[graphql(name = "MatchVerdict")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// All say the same (一致).
    Match,
    /// They do not (不一致), whatever else is still to come.
    Mismatch,
    /// A document that it needs is not there yet (待单证).
    Waiting,
    /// A side does not say it and need not, or the rule does not apply (不比对).
    NotAsked,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// Which rule.
    pub rule: Rule,
    /// What the first of its documents says, personal data masked; empty when it is not there. See [`Rule::papers`].
    pub left: String,
    /// What the others say; each of them where they do not say the same.
    pub right: String,
    /// What that comes to.
    pub verdict: Verdict,
}

/// What is there of an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Papers<'a> {
    /// The import list (清单, 621).
    pub list: Option<&'a Document>,
    /// The order (订单, 311).
    pub order: Option<&'a Document>,
    /// The head of the payment (支付单, 411).
    pub payment: Option<&'a Record>,
    /// The head of the waybill (运单, 511).
    pub waybill: Option<&'a Record>,
}

impl<'a> Papers<'a> {
    fn head(&self, paper: Paper) -> Option<&'a Record> {
        match paper {
            Paper::List => self.list.map(|list| &list.head),
            Paper::Order => self.order.map(|order| &order.head),
            Paper::Payment => self.payment,
            Paper::Waybill => self.waybill,
        }
    }
}

/// On what terms they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether the buyer's identity was verified; then somebody else may pay (海关总署公告2018年第194号).
    pub identity_verified: bool,
    /// By how many thousandths of the list's weight the waybill's may differ. Own.
    pub weight_tolerance_permille: u32,
    /// By how many grams it may differ in any case: of a small parcel the thousandths are less than a scale shows. Own.
    pub weight_tolerance_grams: u32,
}

impl Default for Terms {
    /// Nobody is verified; 5 % or 100 g.
    fn default() -> Self {
        Self { identity_verified: false, weight_tolerance_permille: 50, weight_tolerance_grams: 100 }
    }
}

/// A row for every rule in the order of [`Rule`], whatever is there.
pub fn rows(papers: &Papers<'_>, terms: &Terms) -> Vec<Row> {
    Rule::iter()
        .map(|rule| {
            let Said { left, right, agree } = compare::said(rule, papers, terms);
            let waived = rule == Rule::Payer && terms.identity_verified;
            let waiting = rule.needs().into_iter().any(|paper| papers.head(paper).is_none());
            let verdict = match agree {
                _ if waived => Verdict::NotAsked,
                Some(false) => Verdict::Mismatch,
                _ if waiting => Verdict::Waiting,
                Some(true) => Verdict::Match,
                None => Verdict::NotAsked,
            };
            Row { rule, left, right, verdict }
        })
        .collect()
}

/// The first rule that the documents break. It is broken as soon as it is seen: no document that is still to come mends it.
pub fn mismatch(rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| row.verdict == Verdict::Mismatch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;

    use super::*;
    use crate::customs::list_rules::fixtures::{self, set};

    #[derive(Clone, Debug)]
    struct Four {
        list: Document,
        order: Document,
        payment: Record,
        waybill: Record,
    }

    impl Four {
        fn synthetic() -> Self {
            Self {
                list: fixtures::list(),
                order: fixtures::order(),
                payment: fixtures::payment(),
                waybill: fixtures::waybill(),
            }
        }

        fn papers(&self) -> Papers<'_> {
            Papers {
                list: Some(&self.list),
                order: Some(&self.order),
                payment: Some(&self.payment),
                waybill: Some(&self.waybill),
            }
        }

        fn rows(&self) -> Vec<Row> {
            rows(&self.papers(), &Terms::default())
        }

        fn row(&self, rule: Rule) -> Row {
            self.rows().into_iter().find(|row| row.rule == rule).unwrap()
        }

        fn record(&mut self, paper: u16) -> &mut Record {
            match paper {
                621 => &mut self.list.head,
                6210 => &mut self.list.lines[0],
                311 => &mut self.order.head,
                3110 => &mut self.order.lines[0],
                411 => &mut self.payment,
                _ => &mut self.waybill,
            }
        }

        fn with(mut self, paper: u16, name: &str, value: &str) -> Self {
            set(self.record(paper), name, value);
            self
        }

        fn mismatches(&self) -> Vec<Rule> {
            self.rows().into_iter().filter(|row| row.verdict == Verdict::Mismatch).map(|row| row.rule).collect()
        }
    }

    #[test]
    fn the_papers_of_one_sale_match() {
        let four = Four::synthetic();
        let found = four.rows();
        for row in &found {
            let asked = row.rule != Rule::Payment;
            assert_eq!(row.verdict, if asked { Verdict::Match } else { Verdict::NotAsked }, "{row:?}");
        }
        assert_eq!(mismatch(&found), None);
        let named = four.with(311, "payCode", "312228034T").with(311, "payTransactionId", " 2025110100001 ");
        assert_eq!(named.row(Rule::Payment).verdict, Verdict::Match);
        assert_eq!(named.mismatches(), []);
    }

    #[test]
    fn a_rule_tells_what_matches_from_what_does_not() {
        use Rule::{
            Address, Amount, Buyer, Consignee, Currency, Freight, GoodsLines, GoodsValue, Insurance, Merchant,
            OrderNumber, Packages, Payer, Payment, Phone, Platform, Time, WaybillNumber, Weight,
        };
        let table: &[(u16, &str, &str, &[Rule])] = &[
            (621, "orderNo", "XN2", &[OrderNumber]),
            (511, "orderNo", "XN2", &[OrderNumber]),
            (511, "orderNo", "", &[OrderNumber]),
            (411, "orderNo", " XN20251101000001 ", &[]),
            (411, "ebpCode", "6301960009", &[Platform]),
            (621, "ebcCode", "6301960001", &[Merchant]),
            (621, "buyerName", "测试乙", &[Buyer]),
            (621, "buyerIdNumber", "63010319900101001x", &[Buyer]),
            (311, "buyerIdNumber", "630103199001010028", &[Buyer, Payer]),
            (411, "payerName", "测试乙", &[Payer]),
            (411, "payerIdNumber", "630103199001010028", &[Payer]),
            (411, "telephone", "13900000000", &[]),
            (311, "buyerTelephone", "13900000000", &[Phone]),
            (621, "consigneeAddress", "青海省西宁市城中示例路1号", &[Address]),
            (511, "consigneeAddress", "青海省西宁市城中区示例路１号", &[Address]),
            (511, "consigneeAddress", "青海省西宁市城中区示例路1号\n", &[]),
            (311, "consigneeAddress", "青海省西宁市", &[Address]),
            (511, "consignee", "测试乙", &[Consignee]),
            (311, "consigneeTelephone", "13900000000", &[Consignee]),
            (311, "payCode", "312228034T", &[]),
            (311, "payCode", "other", &[Payment]),
            (311, "payTransactionId", "other", &[Payment]),
            (411, "amountPaid", "447.310", &[]),
            (411, "amountPaid", "447.32", &[Amount]),
            (411, "amountPaid", "447.3", &[Amount]),
            (411, "amountPaid", "447.305", &[Amount]),
            (311, "acturalPaid", "4_47.31", &[Amount]),
            (311, "goodsValue", "410.00", &[]),
            (311, "goodsValue", "409.99", &[GoodsValue]),
            (6210, "totalPrice", "400", &[GoodsValue]),
            (3110, "totalPrice", "400", &[GoodsValue]),
            (3110, "totalPrice", "", &[GoodsValue]),
            (6210, "gname", "矿泉水 ", &[]),
            (6210, "gname", "纯净水", &[GoodsLines]),
            (3110, "itemName", "纯净水", &[GoodsLines]),
            (6210, "qty", "10.00", &[]),
            (6210, "qty", "9", &[GoodsLines]),
            (6210, "unit", "011", &[GoodsLines]),
            (6210, "price", "41.01", &[GoodsLines]),
            (6210, "country", "142", &[GoodsLines]),
            (6210, "gnum", "01", &[]),
            (6210, "gnum", "2", &[GoodsLines]),
            (6210, "itemName", "别名", &[]),
            (621, "freight", "1", &[Freight]),
            (311, "freight", "1", &[Freight]),
            (511, "freight", "8", &[]),
            (621, "insuredFee", "1", &[Freight, Insurance]),
            (511, "insuredFee", "1", &[Insurance]),
            (511, "insuredFee", "0.00", &[]),
            (621, "logisticsNo", "YT0000000002", &[WaybillNumber]),
            (511, "logisticsCode", "6301980009", &[WaybillNumber]),
            (511, "weight", "5.565", &[]),
            (511, "weight", "5.566", &[Weight]),
            (511, "weight", "5.035", &[]),
            (511, "weight", "5.034", &[Weight]),
            (511, "weight", "x", &[Weight]),
            (511, "packNo", "2", &[Packages]),
            (621, "declTime", "20251102", &[]),
            (621, "declTime", "20251031", &[Time]),
            (621, "declTime", "20251131", &[Time]),
            (311, "appTime", "20251101093010", &[]),
            (311, "appTime", "20251101093011", &[Time]),
            (411, "payTime", "20251101235959", &[]),
            (411, "payTime", "20251102000000", &[Time]),
            (411, "payTime", "202511019300", &[Time]),
            (411, "currency", "502", &[Currency]),
            (511, "currency", "", &[Currency]),
        ];
        for (paper, name, value, expected) in table {
            let four = Four::synthetic().with(*paper, name, value);
            assert_eq!(four.mismatches(), *expected, "{paper} {name} {value:?}");
            assert_eq!(
                mismatch(&four.rows()).map(|row| row.rule),
                expected.first().copied(),
                "{paper} {name} {value:?}"
            );
        }
        for rule in Rule::iter() {
            assert!(table.iter().any(|(.., rules)| rules.contains(&rule)), "{rule:?} has no mismatch");
        }
    }

    #[test]
    fn four_papers_in_another_currency_agree_and_are_wrong_all_the_same() {
        let four =
            [621, 311, 411, 511].into_iter().fold(Four::synthetic(), |four, paper| four.with(paper, "currency", "502"));
        assert_eq!(four.mismatches(), [Rule::Currency]);
    }

    #[test]
    fn somebody_else_pays_for_who_is_verified() {
        let four = Four::synthetic().with(411, "payerName", "测试乙");
        let terms = Terms { identity_verified: true, ..Terms::default() };
        let found = rows(&four.papers(), &terms);
        let row = found.iter().find(|row| row.rule == Rule::Payer).unwrap();
        assert_eq!(row.verdict, Verdict::NotAsked);
        assert_eq!(mismatch(&found), None);
    }

    #[test]
    fn what_is_not_there_is_waited_for_and_the_rows_stay_the_same() {
        let four = Four::synthetic();
        for there in 0..16_u8 {
            let has = |bit: u8| there & bit != 0;
            let papers = Papers {
                order: has(1).then_some(&four.order),
                payment: has(2).then_some(&four.payment),
                waybill: has(4).then_some(&four.waybill),
                list: has(8).then_some(&four.list),
            };
            let found = rows(&papers, &Terms::default());
            let rules: Vec<Rule> = found.iter().map(|row| row.rule).collect();
            assert_eq!(rules, Rule::iter().collect::<Vec<_>>());
            for row in &found {
                let here = |paper: &u16| match paper {
                    311 => has(1),
                    411 => has(2),
                    511 => has(4),
                    _ => has(8),
                };
                let whole = row.rule.papers().iter().all(here);
                assert_eq!(row.verdict == Verdict::Waiting, !whole, "{row:?}");
                assert_ne!(row.verdict, Verdict::Mismatch, "{row:?}");
            }
        }
    }

    #[test]
    fn a_mismatch_is_one_before_all_is_there() {
        let four = Four::synthetic().with(411, "amountPaid", "1").with(3110, "totalPrice", "1");
        let papers = Papers { order: Some(&four.order), payment: Some(&four.payment), ..Papers::default() };
        let found = rows(&papers, &Terms::default());
        let bad: Vec<Rule> = found.iter().filter(|r| r.verdict == Verdict::Mismatch).map(|r| r.rule).collect();
        assert_eq!(bad, [Rule::Amount, Rule::GoodsValue]);
        assert_eq!(mismatch(&found).map(|row| row.rule), Some(Rule::Amount));
        // Two of three agree, and the one that is missing cannot mend the third.
        let other = Four::synthetic().with(411, "orderNo", "other");
        let papers = Papers { list: None, ..other.papers() };
        let row = &rows(&papers, &Terms::default())[0];
        assert_eq!((row.left.as_str(), row.verdict), ("", Verdict::Mismatch));
        assert_eq!(row.right, "XN20251101000001 / other");
    }

    #[test]
    fn freight_and_insurance_of_the_list_are_the_freight_of_the_order() {
        for (freight, insured, ordered, expected) in [
            ("10", "5", "15", &[][..]),
            ("15", "0", "15", &[]),
            ("15", "5", "15", &[Rule::Freight]),
            ("10", "0", "15", &[Rule::Freight]),
        ] {
            let four = Four::synthetic().with(621, "freight", freight).with(621, "insuredFee", insured);
            let four = four.with(311, "freight", ordered).with(511, "insuredFee", insured);
            assert_eq!(four.mismatches(), expected, "{freight} {insured} {ordered}");
        }
        let unsaid = Four::synthetic().with(511, "insuredFee", "").row(Rule::Insurance);
        assert_eq!(unsaid.verdict, Verdict::NotAsked);
        let row = Four::synthetic().with(621, "insuredFee", "5.0").row(Rule::Freight);
        assert_eq!((row.left.as_str(), row.right.as_str()), ("0 + 5", "0"));
    }

    #[test]
    fn a_light_parcel_may_differ_by_what_a_scale_shows() {
        let light = |weight: &str| Four::synthetic().with(621, "grossWeight", "0.2").with(511, "weight", weight);
        for (weight, expected) in [
            ("0.3", Verdict::Match),
            ("0.301", Verdict::Mismatch),
            ("0.1", Verdict::Match),
            ("0.099", Verdict::Mismatch),
        ] {
            assert_eq!(light(weight).row(Rule::Weight).verdict, expected, "{weight}");
        }
        let exact = Terms { weight_tolerance_permille: 0, weight_tolerance_grams: 0, ..Terms::default() };
        let verdict =
            |four: &Four| rows(&four.papers(), &exact).iter().find(|r| r.rule == Rule::Weight).unwrap().verdict;
        assert_eq!(verdict(&light("0.200")), Verdict::Match);
        assert_eq!(verdict(&light("0.201")), Verdict::Mismatch);
    }

    #[test]
    fn an_order_that_knows_its_payment_or_was_changed_may_be_reported_after_it() {
        let late = Four::synthetic().with(311, "appTime", "20251101120000");
        assert_eq!(late.mismatches(), [Rule::Time]);
        assert_eq!(late.clone().with(311, "payTransactionId", "2025110100001").mismatches(), []);
        assert_eq!(late.with(311, "appType", "2").mismatches(), []);
    }

    #[test]
    fn lines_are_the_same_one_by_one_in_any_order() {
        let mut four = Four::synthetic();
        let second = |line: &Record| {
            let mut line = line.clone();
            for (name, value) in [("gnum", "2"), ("qty", "1"), ("totalPrice", "41")] {
                set(&mut line, name, value);
            }
            line
        };
        let (listed, ordered) = (second(&four.list.lines[0]), second(&four.order.lines[0]));
        four.list.lines.insert(0, listed.clone());
        four.order.lines.push(ordered.clone());
        let four = four.with(311, "goodsValue", "451");
        assert_eq!(four.mismatches(), []);
        let row = four.row(Rule::GoodsLines);
        assert_eq!((row.left.as_str(), row.right.as_str()), ("2", "2"));
        let mut short = four.clone();
        short.list.lines.remove(0);
        assert_eq!(short.mismatches(), [Rule::GoodsValue, Rule::GoodsLines]);
        let row = short.row(Rule::GoodsLines);
        assert_eq!((row.left.as_str(), row.right.as_str()), ("1", "2: 矿泉水, 1, 142, 41, 305"));
        let mut twice = four.clone();
        twice.list.lines.push(listed);
        twice.order.lines.push(ordered);
        assert_eq!(twice.with(311, "goodsValue", "492").mismatches(), [Rule::GoodsLines]);
        let mut none = Four::synthetic();
        none.list.lines.clear();
        none.order.lines.clear();
        assert_eq!(none.with(311, "goodsValue", "0").mismatches(), [Rule::GoodsLines]);
        let mut many = Four::synthetic();
        many.list.lines = (1..=9)
            .map(|number| {
                let mut line = fixtures::list().lines[0].clone();
                set(&mut line, "gnum", &number.to_string());
                set(&mut line, "qty", "1");
                line
            })
            .collect();
        let row = many.row(Rule::GoodsLines);
        assert!(row.left.ends_with("3: 矿泉水, 1, 142, 41, 305; …"), "{}", row.left);
        let long = Four::synthetic().with(6210, "gname", &"水".repeat(900)).row(Rule::GoodsLines);
        assert_eq!(long.left.chars().count(), 251);
    }

    #[test]
    fn what_a_row_shows_of_a_person_is_masked() {
        let four = Four::synthetic().with(511, "consigneeAddress", "青海省西宁市城中示例路1号");
        for (rule, left, right) in [
            (Rule::Buyer, "测** 6301**********001X", "测** 6301**********001X"),
            (Rule::Payer, "测** 6301**********001X", "测** 6301**********001X"),
            (Rule::Phone, "138****0000", "138****0000"),
            (Rule::Consignee, "测** 138****0000", "测** 138****0000"),
            (Rule::Address, "青海省西宁市**", "青海省西宁市** / 青海省西宁市**"),
            (Rule::Platform, "6301960001", "6301960001"),
            (Rule::Amount, "447.31", "447.31"),
            (Rule::GoodsValue, "410", "410"),
            (Rule::Time, "20251101", "20251101093000 / 20251101093010"),
        ] {
            let row = four.row(rule);
            assert_eq!((row.left.as_str(), row.right.as_str()), (left, right), "{rule:?}");
        }
        // What has not the length that it should is shown even less of.
        let odd = Four::synthetic().with(621, "buyerIdNumber", "AB12345").with(621, "buyerTelephone", "0971-1234567");
        assert_eq!(odd.row(Rule::Buyer).left, "测** A**");
        assert_eq!(odd.row(Rule::Phone).left, "0**");
        let whole = format!("{:?}", odd.with(411, "payerName", "测试乙丙").rows());
        for secret in ["测试", "63010319900101001X", "13800000000", "城中", "AB12345", "1234567"] {
            assert!(!whole.contains(secret), "{secret} in {whole}");
        }
    }

    #[test]
    fn every_rule_has_a_reason_a_receipt_and_its_papers() {
        for rule in Rule::iter() {
            let (zh, en) = rule.reason();
            assert!(!zh.is_empty() && !en.is_empty() && !rule.receipt().is_empty(), "{rule:?}");
            assert!((2..=4).contains(&rule.papers().len()), "{rule:?}");
        }
        for (rule, text) in [
            (Rule::WaybillNumber, "Code:45;Desc:运单不存在"),
            (Rule::Payment, "Code:46;Desc:支付信息不存在"),
            (Rule::OrderNumber, "Code:49;Desc:订单不存在"),
            (Rule::GoodsLines, "[Code:1322;Desc:订单清单表体商品项不一致]"),
            (Rule::Payer, "[Code:1327;Desc:订单购买人与支付单支付人名字或身份证号码不一致]"),
            (Rule::Buyer, "[Code:13127;Desc:清单订购人和订单不一致，修改订购人后重新申报]"),
            (Rule::Amount, "订单实付金额与支付金额不一致"),
        ] {
            assert_eq!(rule.receipt(), text);
        }
        assert_eq!(Rule::Payer.papers(), [311, 411]);
        assert_eq!(Rule::Time.papers(), [621, 311, 411]);
    }

    /// What a sale says on its four papers.
    fn any_four() -> impl Strategy<Value = (Four, bool)> {
        let line = (1..500_i64, 0..100_000_i64, "[一-龥]{1,8}", prop::sample::select(vec!["305", "116", "502"]));
        let words = ("[A-Z0-9]{1,20}", "[一-龥]{2,4}", "[一-龥]{2,4}", "[一-龥0-9]{8,30}", "1[3-9][0-9]{9}");
        let amounts = (0..10_000_i64, 0..1_000_i64, 0..100_000_i64, 1..30_000_i64);
        (words, amounts, prop::collection::vec(line, 1..5), any::<bool>()).prop_map(
            |((number, buyer, consignee, address, phone), (freight, insured, tax, grams), lines, named)| {
                let yuan = |minor: i64| rust_decimal::Decimal::new(minor, 2).to_string();
                let mut four = Four::synthetic();
                let (listed, ordered) = (four.list.lines[0].clone(), four.order.lines[0].clone());
                (four.list.lines, four.order.lines) = (Vec::new(), Vec::new());
                let mut goods = 0;
                for (place, (quantity, price, name, country)) in lines.into_iter().enumerate() {
                    let (mut listed, mut ordered) = (listed.clone(), ordered.clone());
                    set(&mut listed, "gname", &name);
                    set(&mut ordered, "itemName", &name);
                    goods += quantity * price;
                    for (element, value) in [
                        ("gnum", (place + 1).to_string()),
                        ("qty", quantity.to_string()),
                        ("price", yuan(price)),
                        ("totalPrice", yuan(quantity * price)),
                        ("country", country.to_owned()),
                    ] {
                        set(&mut listed, element, &value);
                        set(&mut ordered, element, &value);
                    }
                    four.list.lines.push(listed);
                    four.order.lines.push(ordered);
                }
                let paid = yuan(goods + freight + insured + tax);
                let weight = rust_decimal::Decimal::new(grams, 3).to_string();
                let transaction = if named { "2025110100001" } else { "" };
                let code = if named { "312228034T" } else { "" };
                let four = [621, 311, 411, 511].iter().fold(four, |four, paper| four.with(*paper, "orderNo", &number));
                let four = [
                    (311, "buyerName", buyer.as_str()),
                    (621, "buyerName", &buyer),
                    (411, "payerName", &buyer),
                    (311, "consignee", &consignee),
                    (511, "consignee", &consignee),
                    (621, "consigneeAddress", &address),
                    (311, "consigneeAddress", &address),
                    (511, "consigneeAddress", &address),
                    (621, "buyerTelephone", &phone),
                    (311, "buyerTelephone", &phone),
                    (311, "goodsValue", &yuan(goods)),
                    (311, "freight", &yuan(freight + insured)),
                    (621, "freight", &yuan(freight)),
                    (621, "insuredFee", &yuan(insured)),
                    (511, "insuredFee", &yuan(insured)),
                    (311, "acturalPaid", &paid),
                    (411, "amountPaid", &paid),
                    (621, "grossWeight", &weight),
                    (511, "weight", &weight),
                    (311, "payTransactionId", transaction),
                    (311, "payCode", code),
                ]
                .into_iter()
                .fold(four, |four, (paper, name, value)| four.with(paper, name, value));
                (four, named)
            },
        )
    }

    /// Another value of what was there.
    fn other(old: &str, name: &str) -> String {
        let number = old.parse::<rust_decimal::Decimal>();
        match (name, number) {
            ("declTime", _) => "20251031".into(),
            ("payTime", _) => "20251102093010".into(),
            ("appTime", _) => "20251101093011".into(),
            ("grossWeight" | "weight", Ok(weight)) => {
                (weight * rust_decimal::Decimal::TWO + rust_decimal::Decimal::ONE).to_string()
            }
            ("gnum" | "packNo", Ok(number)) => (number + rust_decimal::Decimal::TEN).to_string(),
            (
                "qty" | "price" | "totalPrice" | "goodsValue" | "freight" | "insuredFee" | "acturalPaid" | "amountPaid",
                Ok(number),
            ) => (number + rust_decimal::Decimal::new(1, 2)).to_string(),
            _ => format!("{old}x"),
        }
    }

    /// Every element that is compared, and the rules that a change of it alone breaks.
    const COMPARED: &[(u16, &str, &[Rule])] = &[
        (621, "orderNo", &[Rule::OrderNumber]),
        (621, "ebpCode", &[Rule::Platform]),
        (621, "ebcCode", &[Rule::Merchant]),
        (621, "logisticsNo", &[Rule::WaybillNumber]),
        (621, "logisticsCode", &[Rule::WaybillNumber]),
        (621, "buyerIdNumber", &[Rule::Buyer]),
        (621, "buyerName", &[Rule::Buyer]),
        (621, "buyerTelephone", &[Rule::Phone]),
        (621, "consigneeAddress", &[Rule::Address]),
        (621, "freight", &[Rule::Freight]),
        (621, "insuredFee", &[Rule::Freight, Rule::Insurance]),
        (621, "currency", &[Rule::Currency]),
        (621, "packNo", &[Rule::Packages]),
        (621, "grossWeight", &[Rule::Weight]),
        (621, "declTime", &[Rule::Time]),
        (6210, "gnum", &[Rule::GoodsLines]),
        (6210, "gname", &[Rule::GoodsLines]),
        (6210, "qty", &[Rule::GoodsLines]),
        (6210, "unit", &[Rule::GoodsLines]),
        (6210, "price", &[Rule::GoodsLines]),
        (6210, "country", &[Rule::GoodsLines]),
        (6210, "totalPrice", &[Rule::GoodsValue]),
        (311, "orderNo", &[Rule::OrderNumber]),
        (311, "ebpCode", &[Rule::Platform]),
        (311, "ebcCode", &[Rule::Merchant]),
        (311, "buyerIdNumber", &[Rule::Buyer, Rule::Payer]),
        (311, "buyerName", &[Rule::Buyer, Rule::Payer]),
        (311, "buyerTelephone", &[Rule::Phone]),
        (311, "consigneeAddress", &[Rule::Address]),
        (311, "consignee", &[Rule::Consignee]),
        (311, "consigneeTelephone", &[Rule::Consignee]),
        (311, "payCode", &[Rule::Payment]),
        (311, "payTransactionId", &[Rule::Payment]),
        (311, "acturalPaid", &[Rule::Amount]),
        (311, "goodsValue", &[Rule::GoodsValue]),
        (311, "freight", &[Rule::Freight]),
        (311, "currency", &[Rule::Currency]),
        (311, "appTime", &[Rule::Time]),
        (3110, "gnum", &[Rule::GoodsLines]),
        (3110, "itemName", &[Rule::GoodsLines]),
        (3110, "qty", &[Rule::GoodsLines]),
        (3110, "unit", &[Rule::GoodsLines]),
        (3110, "price", &[Rule::GoodsLines]),
        (3110, "country", &[Rule::GoodsLines]),
        (3110, "totalPrice", &[Rule::GoodsValue]),
        (411, "orderNo", &[Rule::OrderNumber]),
        (411, "ebpCode", &[Rule::Platform]),
        (411, "payerIdNumber", &[Rule::Payer]),
        (411, "payerName", &[Rule::Payer]),
        (411, "amountPaid", &[Rule::Amount]),
        (411, "payCode", &[Rule::Payment]),
        (411, "payTransactionId", &[Rule::Payment]),
        (411, "currency", &[Rule::Currency]),
        (411, "payTime", &[Rule::Time]),
        (511, "orderNo", &[Rule::OrderNumber]),
        (511, "logisticsNo", &[Rule::WaybillNumber]),
        (511, "logisticsCode", &[Rule::WaybillNumber]),
        (511, "insuredFee", &[Rule::Insurance]),
        (511, "consignee", &[Rule::Consignee]),
        (511, "consigneeTelephone", &[Rule::Consignee]),
        (511, "consigneeAddress", &[Rule::Address]),
        (511, "weight", &[Rule::Weight]),
        (511, "packNo", &[Rule::Packages]),
        (511, "currency", &[Rule::Currency]),
    ];

    proptest! {
        #[test]
        fn papers_of_the_same_facts_match_and_one_change_breaks_just_its_rules((four, named) in any_four()) {
            prop_assert_eq!(four.mismatches(), []);
            for (paper, name, rules) in COMPARED {
                let mut changed = four.clone();
                let old = changed.record(*paper).get(name).unwrap_or_default().to_owned();
                let changed = changed.with(*paper, name, &other(&old, name));
                // An order that does not name its payment is not held against it, and one that does is not timed.
                let unasked = match (*paper, *name) {
                    (411, "payCode" | "payTransactionId") => !named,
                    (311, "appTime") => named,
                    _ => false,
                };
                let expected: &[Rule] = if unasked { &[] } else { rules };
                prop_assert_eq!(changed.mismatches(), expected, "{} {}", paper, name);
                prop_assert_eq!(mismatch(&changed.rows()).is_none(), unasked);
            }
        }

        #[test]
        fn whatever_papers_say_there_is_a_row_for_every_rule(
            values in prop::collection::vec((prop::sample::select(COMPARED.to_vec()), any::<String>()), 0..20),
        ) {
            let four = values.into_iter().fold(Four::synthetic(), |four, ((paper, name, _), value)| {
                four.with(paper, name, &value)
            });
            let found = four.rows();
            prop_assert!(found.iter().all(|row| row.left.chars().count() <= 251 && row.right.chars().count() <= 251));
            let rules: Vec<Rule> = found.into_iter().map(|row| row.rule).collect();
            prop_assert_eq!(rules, Rule::iter().collect::<Vec<_>>());
        }
    }
}
