//! The facts of a sale, and the papers that are made of them. Everything that order, payment, waybill and list must say
//! alike comes from one [`Sale`], so what the house writes itself matches by construction.
//!
//! A paper says what the sale said when it was paid, and what the goods' filing says now.

use chrono::{DateTime, Utc};

use super::{
    ceb::{Document, Record},
    codes::{self, CHINA, CNY, NO_BARCODE},
    declaration::Transport,
    goods_filing,
};
use crate::{
    payments::ProviderKind,
    values::{Consignee, CountryCode, HsCode, id::VariantId},
};

/// A party as customs knows it: ten characters of a registration or 18 of a credit code, and its name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "described above")]
pub struct Party {
    pub code: String,
    pub name: String,
}

/// Who buys, as the papers say it (订购人).
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "the platform's number of the account, name, mobile number, resident ID")]
pub struct Buyer {
    pub account: String,
    pub name: String,
    pub mobile: String,
    pub resident_id: String,
}

// Personal data stays out of logs.
impl std::fmt::Debug for Buyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buyer")
    }
}

/// How it was paid (支付).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Paid {
    /// The institution's number of the transaction (支付交易编号).
    pub transaction: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Through which provider; none: it was not kept yet when the order was paid.
    #[serde(default)]
    pub provider: Option<ProviderKind>,
    /// All orders that the same request paid, this one among them: customs is told of them together (announcement 179). None:
    /// they were not kept yet when the order was paid.
    #[serde(default)]
    pub together: Vec<PaidTogether>,
}

/// An order that a request paid, whether or not anything of it is declared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PaidTogether {
    /// Its number.
    pub order_no: String,
    /// What was paid for it, in fen.
    pub paid_minor: i64,
    /// Its goods, and what they are called in the shop.
    pub goods: Vec<(VariantId, String)>,
}

/// What was sold, amounts in fen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SaleLine {
    /// From 1.
    pub number: i32,
    /// What.
    pub variant: VariantId,
    /// What it is called in the shop.
    pub name: String,
    /// The tariff code that its taxes were computed by, and where it comes from: only a filing that says the same is of it.
    /// None: it was not kept yet when the order was paid.
    #[serde(default)]
    pub taxed_as: Option<(HsCode, CountryCode)>,
    /// Its barcode.
    pub barcode: Option<String>,
    /// How many.
    pub quantity: i32,
    /// Price of one, without taxes.
    pub unit_minor: i64,
    /// What it was sold for, without taxes.
    pub goods_minor: i64,
    /// Gross and net weight of one, in grams.
    pub gross_weight_g: i64,
    /// Net weight of one, in grams.
    pub net_weight_g: i64,
}

/// The facts of a sale, as they were when it was paid. Amounts are fen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sale {
    /// The number of the order.
    pub order_no: String,
    /// When it was placed.
    pub ordered_at: DateTime<Utc>,
    /// Goods.
    pub goods_minor: i64,
    /// Freight and insurance together (运杂费): an order has no field for insurance.
    pub carriage_minor: i64,
    /// Of that, insurance.
    pub insurance_minor: i64,
    /// The three taxes, paid in advance (代扣税款).
    pub tax_minor: i64,
    /// Who buys.
    pub buyer: Buyer,
    /// Who takes the goods in.
    pub consignee: Consignee,
    /// The division of the address, six digits (行政区划).
    pub district: String,
    /// How it was paid.
    pub paid: Paid,
    /// What was sold.
    pub lines: Vec<SaleLine>,
}

impl Sale {
    /// What the buyer paid: goods, carriage and taxes (实际支付金额, fact 3 of section 0).
    pub fn paid_minor(&self) -> i64 {
        self.goods_minor + self.carriage_minor + self.tax_minor
    }

    /// All orders that were paid in one request with this one.
    pub fn paid_together(&self) -> Vec<PaidTogether> {
        if !self.paid.together.is_empty() {
            return self.paid.together.clone();
        }
        let goods = self.lines.iter().map(|line| (line.variant, line.name.clone())).collect();
        vec![PaidTogether { order_no: self.order_no.clone(), paid_minor: self.paid_minor(), goods }]
    }

    /// Gross weight in grams.
    pub fn gross_weight_g(&self) -> i64 {
        self.lines.iter().map(|line| line.gross_weight_g * i64::from(line.quantity)).sum()
    }

    /// Net weight in grams; never more than gross.
    pub fn net_weight_g(&self) -> i64 {
        let net: i64 = self.lines.iter().map(|line| line.net_weight_g * i64::from(line.quantity)).sum();
        net.min(self.gross_weight_g())
    }
}

/// Who does what in the papers of a sale.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parties of section 1.5")]
pub struct Parties {
    pub platform: Party,
    pub merchant: Party,
    pub payer: Party,
    pub carrier: Party,
    pub declarer: Party,
    pub guarantor: Party,
    /// The warehouse, of bonded goods (区内企业).
    pub warehouse: Option<Party>,
}

/// What each attempt of a paper says anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its number.
    pub guid: String,
    /// Whether customs has had it before: it is changed and not new (变更).
    pub again: bool,
    /// When it is written.
    pub at: DateTime<Utc>,
}

impl Stamp {
    /// The four fields that every paper begins with. It is declared at once, never saved.
    pub(in crate::customs) fn head(&self) -> Record {
        Record::default()
            .with("guid", &self.guid)
            .with("appType", if self.again { "2" } else { "1" })
            .with("appTime", codes::moment(self.at))
            .with("appStatus", "2")
    }
}

/// A line with what the filing of its goods says.
#[derive(Clone, Debug)]
pub struct FiledLine<'a> {
    /// What was sold.
    pub line: &'a SaleLine,
    /// As what it is filed.
    pub filing: &'a goods_filing::Model,
    /// Its number in the account book (账册备案料号), of bonded goods.
    pub record_no: Option<i32>,
}

/// Where and how a list is declared.
#[derive(Clone, Debug)]
pub struct ListTerms<'a> {
    /// The declarer's own number.
    pub cop_no: &'a str,
    /// Where it is declared.
    pub customs_code: &'a str,
    /// Where the goods come in.
    pub port_code: &'a str,
    /// The account book, of bonded goods.
    pub book: Option<&'a str>,
    /// How bonded goods leave the warehouse.
    pub traf_mode: &'a str,
    /// How the goods come, of direct imports.
    pub transport: Option<&'a Transport>,
    /// The carrier's number of the parcel.
    pub waybill: &'a str,
    /// Gross weight in grams.
    pub gross_weight_g: i64,
    /// The e-port's number of an earlier attempt.
    pub pre_no: Option<&'a str>,
}

fn origin(filing: &goods_filing::Model) -> String {
    // A filing with a country that customs' table lacks is not approved; what is written without it is refused.
    codes::country(&filing.origin).unwrap_or_default().to_owned()
}

/// The order (CEB311).
pub fn order(sale: &Sale, parties: &Parties, lines: &[FiledLine<'_>], stamp: &Stamp) -> Document {
    let head = stamp
        .head()
        .with("orderType", "I")
        .with("orderNo", &sale.order_no)
        .with("ebpCode", &parties.platform.code)
        .with("ebpName", &parties.platform.name)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with("goodsValue", codes::yuan(sale.goods_minor))
        .with("freight", codes::yuan(sale.carriage_minor))
        .with("discount", "0")
        .with("taxTotal", codes::yuan(sale.tax_minor))
        .with("acturalPaid", codes::yuan(sale.paid_minor()))
        .with("currency", CNY)
        .with("buyerRegNo", &sale.buyer.account)
        .with("buyerName", &sale.buyer.name)
        .with("buyerTelephone", &sale.buyer.mobile)
        .with("buyerIdType", "1")
        .with("buyerIdNumber", &sale.buyer.resident_id)
        .with("payCode", &parties.payer.code)
        .with("payName", &parties.payer.name)
        .with("payTransactionId", &sale.paid.transaction)
        .with("consignee", &sale.consignee.name)
        .with("consigneeTelephone", &sale.consignee.mobile)
        .with("consigneeAddress", &sale.consignee.address)
        .with_some("consigneeDistrict", (sale.district.len() == 6).then_some(&sale.district));
    let lines = lines.iter().map(|FiledLine { line, filing, .. }| {
        Record::default()
            .with("gnum", line.number.to_string())
            .with("itemNo", &filing.item_no)
            .with("itemName", &filing.name)
            .with("gmodel", &filing.gmodel)
            .with_some("barCode", line.barcode.as_deref())
            .with("unit", filing.unit.as_str())
            .with("qty", line.quantity.to_string())
            .with("price", codes::yuan(line.unit_minor))
            .with("totalPrice", codes::yuan(line.goods_minor))
            .with("currency", CNY)
            .with("country", origin(filing))
    });
    Document { head, lines: lines.collect() }
}

/// The payment (CEB411). The house sends papers only of buyers who paid themselves, so the payer is the buyer.
pub fn payment(sale: &Sale, parties: &Parties, stamp: &Stamp) -> Document {
    let head = stamp
        .head()
        .with("payCode", &parties.payer.code)
        .with("payName", &parties.payer.name)
        .with("payTransactionId", &sale.paid.transaction)
        .with("orderNo", &sale.order_no)
        .with("ebpCode", &parties.platform.code)
        .with("ebpName", &parties.platform.name)
        .with("payerIdType", "1")
        .with("payerIdNumber", &sale.buyer.resident_id)
        .with("payerName", &sale.buyer.name)
        .with("telephone", &sale.buyer.mobile)
        .with("amountPaid", codes::yuan(sale.paid_minor()))
        .with("currency", CNY)
        .with("payTime", codes::moment(sale.paid.at));
    Document { head, lines: Vec::new() }
}

/// The waybill (CEB511).
pub fn waybill(sale: &Sale, parties: &Parties, number: &str, goods: &str, weight_g: i64, stamp: &Stamp) -> Document {
    let head = stamp
        .head()
        .with("logisticsCode", &parties.carrier.code)
        .with("logisticsName", &parties.carrier.name)
        .with("logisticsNo", number)
        .with("orderNo", &sale.order_no)
        .with("freight", codes::yuan(sale.carriage_minor - sale.insurance_minor))
        .with("insuredFee", codes::yuan(sale.insurance_minor))
        .with("currency", CNY)
        .with("weight", codes::kilograms(weight_g))
        .with("packNo", "1")
        .with_some("goodsInfo", Some(goods.chars().take(200).collect::<String>()))
        .with("consignee", &sale.consignee.name)
        .with("consigneeAddress", &sale.consignee.address)
        .with("consigneeTelephone", &sale.consignee.mobile);
    Document { head, lines: Vec::new() }
}

/// That a parcel was signed for (CEB513).
pub fn signed_for(carrier: &Party, number: &str, when: DateTime<Utc>, stamp: &Stamp) -> Document {
    let head = stamp
        .head()
        .with("logisticsCode", &carrier.code)
        .with("logisticsName", &carrier.name)
        .with("logisticsNo", number)
        .with("logisticsStatus", "S")
        .with("logisticsTime", codes::moment(when));
    Document { head, lines: Vec::new() }
}

/// The import list (CEB621).
pub fn list(sale: &Sale, parties: &Parties, lines: &[FiledLine<'_>], terms: &ListTerms<'_>, stamp: &Stamp) -> Document {
    let bonded = parties.warehouse.as_ref().zip(terms.book);
    let head = stamp
        .head()
        .with("orderNo", &sale.order_no)
        .with("ebpCode", &parties.platform.code)
        .with("ebpName", &parties.platform.name)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with("logisticsNo", terms.waybill)
        .with("logisticsCode", &parties.carrier.code)
        .with("logisticsName", &parties.carrier.name)
        .with("copNo", terms.cop_no)
        .with_some("preNo", terms.pre_no)
        .with("assureCode", &parties.guarantor.code)
        .with_some("emsNo", bonded.map(|(_, book)| book))
        .with("ieFlag", "I")
        .with("declTime", codes::day(stamp.at))
        .with("customsCode", terms.customs_code)
        .with("portCode", terms.port_code)
        .with("buyerIdType", "1")
        .with("buyerIdNumber", &sale.buyer.resident_id)
        .with("buyerName", &sale.buyer.name)
        .with("buyerTelephone", &sale.buyer.mobile)
        .with("consigneeAddress", &sale.consignee.address)
        .with("agentCode", &parties.declarer.code)
        .with("agentName", &parties.declarer.name)
        .with_some("areaCode", bonded.map(|(warehouse, _)| &warehouse.code))
        .with_some("areaName", bonded.map(|(warehouse, _)| &warehouse.name))
        .with("tradeMode", if bonded.is_some() { "1210" } else { "9610" })
        .with("trafMode", terms.transport.map_or(terms.traf_mode, |transport| &transport.traf_mode))
        .with_some("trafNo", terms.transport.map(|transport| &transport.traf_no))
        .with_some("voyageNo", terms.transport.map(|transport| &transport.voyage_no))
        .with_some("billNo", terms.transport.map(|transport| &transport.bill_no))
        // Bonded goods set out from within the country.
        .with("country", terms.transport.map_or(CHINA, |transport| &transport.country))
        .with("freight", codes::yuan(sale.carriage_minor - sale.insurance_minor))
        .with("insuredFee", codes::yuan(sale.insurance_minor))
        .with("currency", CNY)
        .with("packNo", "1")
        .with("grossWeight", codes::kilograms(terms.gross_weight_g))
        .with("netWeight", codes::kilograms(sale.net_weight_g().min(terms.gross_weight_g)));
    let line = |FiledLine { line, filing, record_no }: &FiledLine<'_>| {
        let times = |each: i64| codes::quantity(each * i64::from(line.quantity));
        Record::default()
            .with("gnum", line.number.to_string())
            .with_some("itemRecordNo", record_no.map(|number| number.to_string()))
            .with("itemNo", &filing.item_no)
            .with("itemName", &filing.name)
            .with("gcode", filing.hs_code.as_str())
            .with("gname", &filing.name)
            .with("gmodel", &filing.gmodel)
            .with("barCode", line.barcode.as_deref().unwrap_or(NO_BARCODE))
            .with("country", origin(filing))
            .with("currency", CNY)
            .with("qty", line.quantity.to_string())
            .with("unit", filing.unit.as_str())
            .with("qty1", times(filing.quantity1_e5))
            .with("unit1", filing.unit1.as_str())
            .with_some("qty2", filing.unit2.as_ref().and(filing.quantity2_e5).map(times))
            .with_some("unit2", filing.unit2.as_ref().map(|unit| unit.as_str().to_owned()))
            .with("price", codes::yuan(line.unit_minor))
            .with("totalPrice", codes::yuan(line.goods_minor))
    };
    Document { head, lines: lines.iter().map(line).collect() }
}

/// What a withdrawal and a return say of their list.
fn about_list(list: &Record, cop_no: &str, invt_no: &str, pre_no: Option<&str>, reason: &str, stamp: &Stamp) -> Record {
    let same = ["customsCode", "orderNo", "ebpCode", "ebpName", "ebcCode", "ebcName"];
    let carried = ["logisticsNo", "logisticsCode", "logisticsName"];
    let buyer = ["buyerIdType", "buyerIdNumber", "buyerName", "buyerTelephone", "agentCode", "agentName"];
    let copied = |record: Record, names: &[&str]| {
        names.iter().fold(record, |record, name| record.with(name, list.get(name).unwrap_or_default()))
    };
    // They are new each time: what is asked once more is asked as another.
    let head = copied(Stamp { again: false, ..stamp.clone() }.head(), &same);
    let head = copied(head, &carried).with("copNo", cop_no).with_some("preNo", pre_no).with("invtNo", invt_no);
    copied(head, &buyer).with("reason", reason)
}

/// That a list is withdrawn (CEB623).
pub fn cancellation(list: &Record, cop_no: &str, invt_no: &str, reason: &str, stamp: &Stamp) -> Document {
    Document { head: about_list(list, cop_no, invt_no, None, reason, stamp), lines: Vec::new() }
}

/// That goods of a list come back (CEB625): which of its lines, and how many of each.
pub fn goods_return(
    list: &Document,
    cop_no: &str,
    invt_no: &str,
    lines: &[(i32, i32)],
    reason: &str,
    stamp: &Stamp,
) -> Document {
    let of = |number: i32| {
        let number = number.to_string();
        list.lines.iter().find(|line| line.get("gnum") == Some(&number))
    };
    let lines = lines.iter().filter_map(|(number, quantity)| {
        let line = of(*number)?;
        let said = |name: &str| line.get(name).unwrap_or_default();
        Some(
            Record::default()
                .with("gnum", number.to_string())
                .with("gcode", said("gcode"))
                .with("gname", said("gname"))
                .with("qty", quantity.to_string())
                .with("unit", said("unit")),
        )
    });
    Document { head: about_list(&list.head, cop_no, invt_no, None, reason, stamp), lines: lines.collect() }
}

/// Who sends a message over the e-port (基础报文传输实体): the declarer's terminal.
pub fn transfer(declarer: &Party, dxp_id: &str) -> Record {
    Record::default()
        .with("copCode", &declarer.code)
        .with("copName", &declarer.name)
        .with("dxpMode", "DXP")
        .with("dxpId", dxp_id)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        catalog::SupplyMode,
        customs::ceb::{Message, kind},
        values::id::{GoodsFilingId, OrganisationId},
    };

    fn party(code: &str, name: &str) -> Party {
        Party { code: code.into(), name: name.into() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        codes::read_moment(text).unwrap()
    }

    /// The sale of section 12: ten bottles of water at 41 yuan, taxes of 37.31.
    pub(crate) fn water() -> (Sale, Parties, goods_filing::Model) {
        let zero = uuid::Uuid::nil();
        let sale = Sale {
            order_no: "XN20251101000001".into(),
            ordered_at: at("20251101093000"),
            goods_minor: 41_000,
            carriage_minor: 0,
            insurance_minor: 0,
            tax_minor: 3_731,
            buyer: Buyer {
                account: "U0001".into(),
                name: "测试甲".into(),
                mobile: "13800000000".into(),
                resident_id: "63010319900101001X".into(),
            },
            consignee: Consignee {
                name: "测试甲".into(),
                mobile: "13800000000".into(),
                address: "青海省西宁市城中区示例路1号".into(),
            },
            district: "630103".into(),
            paid: Paid {
                transaction: "2025110100001".into(),
                at: at("20251101093010"),
                provider: None,
                together: Vec::new(),
            },
            lines: vec![SaleLine {
                number: 1,
                variant: VariantId(zero),
                name: "矿泉水".into(),
                taxed_as: Some(("2201101000".parse().unwrap(), "FR".parse().unwrap())),
                barcode: None,
                quantity: 10,
                unit_minor: 4_100,
                goods_minor: 41_000,
                gross_weight_g: 530,
                net_weight_g: 500,
            }],
        };
        let parties = Parties {
            platform: party("6301960001", "示例平台"),
            merchant: party("6301960002", "示例电商"),
            payer: party("312228034T", "示例支付"),
            carrier: party("6301980002", "示例物流"),
            declarer: party("6301980001", "示例报关"),
            guarantor: party("6301960002", "示例电商"),
            warehouse: Some(party("6301W60001", "示例仓储")),
        };
        let filing = goods_filing::Model {
            id: GoodsFilingId(zero),
            seller_id: OrganisationId(zero),
            variant_id: VariantId(zero),
            mode: SupplyMode::BondedImport,
            item_no: "SKU1".into(),
            hs_code: "2201101000".parse().unwrap(),
            name: "矿泉水".into(),
            gmodel: "品名:矿泉水;规格:500ml".into(),
            origin: "FR".parse().unwrap(),
            unit: "142".parse().unwrap(),
            unit1: "095".parse().unwrap(),
            quantity1_e5: 50_000,
            unit2: Some("035".parse().unwrap()),
            quantity2_e5: Some(50_000),
            price_minor: 4_100,
            state: goods_filing::GoodsFilingState::Approved,
            reason: None,
            version: 1,
            created_at: at("20251101093000"),
            updated_at: at("20251101093000"),
        };
        (sale, parties, filing)
    }

    fn stamp() -> Stamp {
        Stamp { guid: "11111111-AAAA-4BBB-8CCC-000000000001".into(), again: false, at: at("20251101093000") }
    }

    fn terms(transport: Option<&Transport>) -> ListTerms<'_> {
        ListTerms {
            cop_no: "XN2025110100000001",
            customs_code: "9701",
            port_code: "9701",
            book: Some("T9701W000001"),
            traf_mode: "Y",
            transport,
            waybill: "YT0000000001",
            gross_weight_g: 5_300,
            pre_no: None,
        }
    }

    fn written(number: u16, document: &Document, declarer: &Party) -> String {
        let signature = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>";
        let message = Message {
            transfer: Some(transfer(declarer, "DXPENT0000000001")),
            signature: Some(signature.into()),
            ..Message::new(kind(number).unwrap(), "11111111-AAAA-4BBB-8CCC-000000000311", vec![document.clone()])
        };
        message.write().unwrap_or_else(|faults| panic!("CEB{number}: {faults:?}"))
    }

    #[test]
    fn what_is_made_of_a_sale_is_what_section_12_has() {
        let (sale, parties, filing) = water();
        let lines = [FiledLine { line: &sale.lines[0], filing: &filing, record_no: Some(12) }];
        let order = order(&sale, &parties, &lines, &stamp());
        let said = |record: &Record, name: &str| record.get(name).unwrap_or_default().to_owned();
        for (name, value) in [
            ("orderNo", "XN20251101000001"),
            ("goodsValue", "410"),
            ("freight", "0"),
            ("taxTotal", "37.31"),
            ("acturalPaid", "447.31"),
            ("appTime", "20251101093000"),
            ("consigneeDistrict", "630103"),
        ] {
            assert_eq!(said(&order.head, name), value, "{name}");
        }
        assert_eq!((said(&order.lines[0], "qty"), said(&order.lines[0], "price")), ("10".into(), "41".into()));
        let list = list(&sale, &parties, &lines, &terms(None), &stamp());
        for (name, value) in [
            ("tradeMode", "1210"),
            ("emsNo", "T9701W000001"),
            ("areaCode", "6301W60001"),
            ("trafMode", "Y"),
            ("country", "142"),
            ("packNo", "1"),
            ("grossWeight", "5.3"),
            ("netWeight", "5"),
        ] {
            assert_eq!(said(&list.head, name), value, "{name}");
        }
        for (name, value) in
            [("itemRecordNo", "12"), ("qty1", "5"), ("qty2", "5"), ("barCode", "无"), ("country", "305")]
        {
            assert_eq!(said(&list.lines[0], name), value, "{name}");
        }
        let payment = payment(&sale, &parties, &stamp());
        assert_eq!(said(&payment.head, "amountPaid"), said(&order.head, "acturalPaid"));
        let waybill = waybill(&sale, &parties, "YT0000000001", "矿泉水", 5_300, &stamp());
        let signed = signed_for(&parties.carrier, "YT0000000001", at("20251103095900"), &stamp());
        let invt_no = "97012025I000000001";
        let withdrawn = cancellation(&list.head, "XN2025110100000002", invt_no, "不要了", &stamp());
        let returned = goods_return(&list, "XN2025110100000002", invt_no, &[(1, 4)], "消费者退货", &stamp());
        assert_eq!(said(&returned.lines[0], "qty"), "4");
        assert_eq!(said(&returned.lines[0], "gcode"), "2201101000");
        for (number, document) in [
            (311, &order),
            (411, &payment),
            (511, &waybill),
            (513, &signed),
            (621, &list),
            (623, &withdrawn),
            (625, &returned),
        ] {
            written(number, document, &parties.declarer);
        }
    }

    #[test]
    fn a_sale_that_was_kept_before_these_facts_were_is_read_and_is_its_own_payment() {
        let (sale, ..) = water();
        let mut kept = serde_json::to_value(&sale).unwrap();
        kept["paid"].as_object_mut().unwrap().remove("together").unwrap();
        kept["lines"][0].as_object_mut().unwrap().remove("taxed_as").unwrap();
        let read: Sale = serde_json::from_value(kept).unwrap();
        assert_eq!(read.lines[0].taxed_as, None);
        let alone = read.paid_together();
        assert_eq!((alone.len(), alone[0].order_no.as_str(), alone[0].paid_minor), (1, "XN20251101000001", 44_731));
        assert_eq!(alone[0].goods, [(sale.lines[0].variant, "矿泉水".to_owned())]);
    }

    #[test]
    fn a_direct_import_says_how_it_comes_and_no_account_book() {
        let (sale, parties, filing) = water();
        let parties = Parties { warehouse: None, ..parties };
        let lines = [FiledLine { line: &sale.lines[0], filing: &filing, record_no: None }];
        let flight = Transport {
            traf_no: "CK288".into(),
            voyage_no: "20251101".into(),
            bill_no: "112-00000001_YT0000000001".into(),
            traf_mode: "5".into(),
            country: "305".into(),
        };
        let terms = ListTerms { book: None, ..terms(Some(&flight)) };
        let list = list(&sale, &parties, &lines, &terms, &stamp());
        for (name, value) in [
            ("tradeMode", Some("9610")),
            ("trafMode", Some("5")),
            ("billNo", Some("112-00000001_YT0000000001")),
            ("country", Some("305")),
            ("emsNo", None),
            ("areaCode", None),
        ] {
            assert_eq!(list.head.get(name), value, "{name}");
        }
        assert_eq!(list.lines[0].get("itemRecordNo"), None);
        written(621, &list, &parties.declarer);
    }
}
