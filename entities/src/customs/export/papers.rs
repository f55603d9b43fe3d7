//! The papers of an export, made of its facts in the order of the schema: order 303, money 403, waybill 505, list 603,
//! withdrawal 605, lists of one consignment 607, arrival 507, departure 509, summary 701.

use chrono::{DateTime, Utc};

use super::{
    super::{
        ceb::{Document, Record},
        codes::{self, NO_BARCODE},
        sale::{Party, Stamp},
    },
    facts::{ExportLine, ExportSale, Facts, Leaving},
};
use crate::values::{CountryCode, Money};

/// Who does what in the papers of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "电商企业, 申报企业, 物流企业")]
pub struct ExportParties {
    pub merchant: Party,
    pub declarer: Party,
    pub carrier: Party,
}

/// Freight and insurance are said as a whole amount (标志 3: 总价); the schema takes nothing else.
const IN_ALL: &str = "3";

fn amount(money: Money) -> String {
    money.decimal().normalize().to_string()
}

fn currency(money: Money) -> &'static str {
    // The rules let no other currency through; what is written without one is refused.
    codes::currency(money.currency).unwrap_or_default()
}

fn country(code: &CountryCode) -> &'static str {
    codes::country(code).unwrap_or_default()
}

/// The platform and the number of the order; of 9810 the warehouse and the booking.
fn of_order(record: Record, facts: &Facts) -> Record {
    record.with("orderNo", &facts.order_no).with("ebpCode", &facts.platform.code).with("ebpName", &facts.platform.name)
}

/// The order (CEB303). Its lines say what they cost FOB, as the list does.
pub fn order(sale: &ExportSale, parties: &ExportParties, stamp: &Stamp) -> Document {
    let facts = &sale.facts;
    let goods = Money { minor: sale.goods_minor().unwrap_or_default(), currency: facts.currency };
    let head = of_order(stamp.head().with("orderType", facts.mode.order_type()), facts)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with("goodsValue", amount(goods))
        .with("freight", amount(facts.freight))
        .with("currency", currency(goods))
        .with_some("note", facts.note.as_deref());
    let line = |line: &ExportLine| {
        Record::default()
            .with("gnum", line.number.to_string())
            .with("itemNo", &line.item_no)
            .with("itemName", &line.name)
            .with_some("barCode", line.barcode.as_deref())
            .with("unit", line.unit.as_str())
            .with("currency", currency(goods))
            .with("qty", codes::quantity(line.quantity_e5))
            .with("price", amount(Money { minor: line.price_minor, ..goods }))
            .with("totalPrice", amount(Money { minor: line.total_minor().unwrap_or_default(), ..goods }))
    };
    Document { head, lines: sale.lines.iter().map(line).collect() }
}

/// Money that came (CEB403); none: nobody said that any did.
pub fn money(sale: &ExportSale, parties: &ExportParties, stamp: &Stamp) -> Option<Document> {
    let facts = &sale.facts;
    let received = facts.received.as_ref()?;
    let head = stamp
        .head()
        .with("ebpCode", &facts.platform.code)
        .with("ebpName", &facts.platform.name)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with("orderNo", &facts.order_no)
        .with_some("payCode", received.payer_code.as_deref())
        .with("payName", &received.payer_name)
        .with_some("payNo", received.number.as_deref())
        .with("charge", amount(received.charge))
        .with("currency", currency(received.charge))
        .with("accountingDate", codes::moment(received.at))
        .with_some("note", facts.note.as_deref());
    Some(Document { head, lines: Vec::new() })
}

/// The waybill (CEB505). Freight and insurance stand in one currency there: that of the goods, which the rules want.
pub fn waybill(sale: &ExportSale, parties: &ExportParties, stamp: &Stamp) -> Document {
    let facts = &sale.facts;
    let goods: Vec<&str> = sale.lines.iter().map(|line| line.name.as_str()).collect();
    let head = stamp
        .head()
        .with("logisticsCode", &parties.carrier.code)
        .with("logisticsName", &parties.carrier.name)
        .with("logisticsNo", &facts.waybill)
        .with("freight", amount(facts.freight))
        .with("insuredFee", amount(facts.insurance))
        .with("currency", currency(Money { minor: 0, currency: facts.currency }))
        .with("grossWeight", codes::kilograms(facts.gross_weight_g))
        .with("packNo", facts.packs.to_string())
        .with("goodsInfo", goods.join(";").chars().take(200).collect::<String>())
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with_some("note", facts.note.as_deref());
    Document { head, lines: Vec::new() }
}

/// The numbers that a list has.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    /// The declarer's own number.
    pub cop_no: &'a str,
    /// The e-port's number of an earlier attempt.
    pub pre_no: Option<&'a str>,
}

/// The export list (CEB603).
pub fn list(
    sale: &ExportSale,
    parties: &ExportParties,
    leaving: Option<&Leaving>,
    numbers: Numbers<'_>,
    stamp: &Stamp,
) -> Document {
    let facts = &sale.facts;
    let area = facts.area.as_ref();
    let goods = Money { minor: 0, currency: facts.currency };
    let head = stamp
        .head()
        .with("customsCode", &facts.customs_code)
        .with("ebpCode", &facts.platform.code)
        .with("ebpName", &facts.platform.name)
        .with("orderNo", &facts.order_no)
        .with("logisticsCode", &parties.carrier.code)
        .with("logisticsName", &parties.carrier.name)
        .with("logisticsNo", &facts.waybill)
        .with("copNo", numbers.cop_no)
        .with_some("preNo", numbers.pre_no)
        .with("ieFlag", "E")
        .with("portCode", &facts.port_code)
        .with("ieDate", codes::day(stamp.at))
        .with("statisticsFlag", facts.flag.letter())
        .with("agentCode", &parties.declarer.code)
        .with("agentName", &parties.declarer.name)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name)
        .with("ownerCode", facts.owner.written())
        .with("ownerName", &facts.owner.name)
        .with_some("iacCode", area.map(|area| &area.company.code))
        .with_some("iacName", area.map(|area| &area.company.name))
        .with_some("emsNo", area.map(|area| &area.book))
        .with("tradeMode", facts.mode.code())
        .with("trafMode", &facts.traf_mode)
        .with_some("trafName", leaving.map(|leaving| &leaving.vehicle))
        .with_some("voyageNo", leaving.map(|leaving| &leaving.voyage))
        .with_some("billNo", leaving.map(|leaving| &leaving.bill))
        .with_some("totalPackageNo", leaving.and_then(|leaving| leaving.total_package.as_ref()))
        .with_some("loctNo", facts.site_code.as_deref())
        .with_some("licenseNo", facts.licence_no.as_deref())
        .with("country", country(&facts.destination))
        .with("POD", &facts.port_of_destination)
        .with("freight", amount(facts.freight))
        .with("fCurrency", currency(facts.freight))
        .with("fFlag", IN_ALL)
        .with("insuredFee", amount(facts.insurance))
        .with("iCurrency", currency(facts.insurance))
        .with("iFlag", IN_ALL)
        .with("wrapType", &facts.wrap)
        .with("packNo", facts.packs.to_string())
        .with("grossWeight", codes::kilograms(facts.gross_weight_g))
        .with("netWeight", codes::kilograms(facts.net_weight_g))
        .with_some("note", facts.note.as_deref());
    let line = |line: &ExportLine| {
        Record::default()
            .with("gnum", line.number.to_string())
            .with("itemNo", &line.item_no)
            .with_some("itemRecordNo", line.record_no.as_deref())
            .with("itemName", &line.name)
            .with("gcode", line.gcode())
            .with("gname", &line.name)
            .with("gmodel", &line.gmodel)
            .with("barCode", line.barcode.as_deref().unwrap_or(NO_BARCODE))
            .with("country", country(&facts.destination))
            .with("currency", currency(goods))
            .with("qty", codes::quantity(line.quantity_e5))
            .with("qty1", codes::quantity(line.quantity1_e5))
            .with_some("qty2", line.unit2.as_ref().and(line.quantity2_e5).map(codes::quantity))
            .with("unit", line.unit.as_str())
            .with("unit1", line.unit1.as_str())
            .with_some("unit2", line.unit2.as_ref().map(|unit| unit.as_str().to_owned()))
            .with("price", amount(Money { minor: line.price_minor, ..goods }))
            .with("totalPrice", amount(Money { minor: line.total_minor().unwrap_or_default(), ..goods }))
    };
    Document { head, lines: sale.lines.iter().map(line).collect() }
}

/// That a list is withdrawn (CEB605). It is new each time: what is asked once more is asked as another.
pub fn cancellation(
    parties: &ExportParties,
    customs_code: &str,
    cop_no: &str,
    invt_no: &str,
    reason: &str,
    stamp: &Stamp,
) -> Document {
    let head = stamp
        .head()
        .with("customsCode", customs_code)
        .with("copNo", cop_no)
        .with("invtNo", invt_no)
        .with("reason", reason)
        .with("agentCode", &parties.declarer.code)
        .with("agentName", &parties.declarer.name)
        .with("ebcCode", &parties.merchant.code)
        .with("ebcName", &parties.merchant.name);
    Document { head, lines: Vec::new() }
}

/// One of the messages that a paper is cut into (报文总数, 报文序号): numbered from 1, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartOf {
    /// Which, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
}

/// Cuts what a paper lists into messages of at most so many.
pub fn in_parts<T>(all: &[T], most: usize) -> Vec<(PartOf, &[T])> {
    let chunks: Vec<&[T]> = all.chunks(most.max(1)).collect();
    let count = chunks.len();
    chunks.into_iter().enumerate().map(|(n, part)| (PartOf { number: n + 1, count }, part)).collect()
}

fn parted(record: Record, part: PartOf) -> Record {
    record.with("msgCount", part.count.to_string()).with("msgSeqNo", part.number.to_string())
}

/// A parcel on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel<'a> {
    /// The carrier's number of it.
    pub waybill: &'a str,
    /// The package that it is in.
    pub total_package: Option<&'a str>,
    /// Customs' number of its list.
    pub invt_no: Option<&'a str>,
}

/// What consignment, arrival and departure say alike.
#[derive(Clone, Debug)]
pub struct Moving<'a> {
    /// Where it is declared.
    pub customs_code: &'a str,
    /// The sender's own number.
    pub cop_no: &'a str,
    /// Who carries the parcels.
    pub carrier: &'a Party,
    /// The site, customs' code.
    pub site_code: Option<&'a str>,
    /// How they go.
    pub traf_mode: &'a str,
    /// Which message it is.
    pub part: PartOf,
    /// What else is said.
    pub note: Option<&'a str>,
}

/// The lists of one consignment, with how they leave (清单总分单, CEB607).
pub fn consignment(
    declarer: &Party,
    moving: &Moving<'_>,
    leaving: &Leaving,
    gross_weight_g: i64,
    parcels: &[Parcel<'_>],
    stamp: &Stamp,
) -> Document {
    let head = stamp
        .head()
        .with("customsCode", moving.customs_code)
        .with("copNo", moving.cop_no)
        .with("agentCode", &declarer.code)
        .with("agentName", &declarer.name)
        .with_some("loctNo", moving.site_code)
        .with("trafMode", moving.traf_mode)
        .with("trafName", &leaving.vehicle)
        .with("voyageNo", &leaving.voyage)
        .with("billNo", &leaving.bill)
        .with_some("domesticTrafNo", leaving.domestic_vehicle.as_deref())
        .with("grossWeight", codes::kilograms(gross_weight_g))
        .with("logisticsCode", &moving.carrier.code)
        .with("logisticsName", &moving.carrier.name);
    let head = parted(head, moving.part).with_some("note", moving.note);
    let line = |(n, parcel): (usize, &Parcel<'_>)| {
        Record::default()
            .with("gnum", (n + 1).to_string())
            .with_some("totalPackageNo", parcel.total_package)
            .with("logisticsNo", parcel.waybill)
            .with_some("invtNo", parcel.invt_no)
    };
    Document { head, lines: parcels.iter().enumerate().map(line).collect() }
}

/// What arrived at the site (运抵单, CEB507): said by who runs it.
pub fn arrival(
    operator: &Party,
    moving: &Moving<'_>,
    bill: Option<&str>,
    domestic_vehicle: &str,
    parcels: &[Parcel<'_>],
    stamp: &Stamp,
) -> Document {
    let head = stamp
        .head()
        .with("customsCode", moving.customs_code)
        .with("copNo", moving.cop_no)
        .with("operatorCode", &operator.code)
        .with("operatorName", &operator.name)
        .with_some("loctNo", moving.site_code)
        .with("ieFlag", "E")
        .with("trafMode", moving.traf_mode)
        .with_some("billNo", bill)
        .with("domesticTrafNo", domestic_vehicle)
        .with("logisticsCode", &moving.carrier.code)
        .with("logisticsName", &moving.carrier.name);
    let head = parted(head, moving.part).with_some("note", moving.note);
    let line = |(n, parcel): (usize, &Parcel<'_>)| {
        Record::default()
            .with("gnum", (n + 1).to_string())
            .with("logisticsNo", parcel.waybill)
            .with_some("totalPackageNo", parcel.total_package)
    };
    Document { head, lines: parcels.iter().enumerate().map(line).collect() }
}

/// What left the country (离境单, CEB509): said by who carries it.
pub fn departure(
    moving: &Moving<'_>,
    leaving: &Leaving,
    left_at: DateTime<Utc>,
    parcels: &[Parcel<'_>],
    stamp: &Stamp,
) -> Document {
    let head = stamp
        .head()
        .with("customsCode", moving.customs_code)
        .with("copNo", moving.cop_no)
        .with("logisticsCode", &moving.carrier.code)
        .with("logisticsName", &moving.carrier.name)
        .with("trafMode", moving.traf_mode)
        .with("trafName", &leaving.vehicle)
        .with("voyageNo", &leaving.voyage)
        .with("billNo", &leaving.bill)
        .with("leaveTime", codes::moment(left_at));
    let head = parted(head, moving.part).with_some("note", moving.note);
    let line = |(n, parcel): (usize, &Parcel<'_>)| {
        Record::default()
            .with("gnum", (n + 1).to_string())
            .with_some("totalPackageNo", parcel.total_package)
            .with("logisticsNo", parcel.waybill)
    };
    Document { head, lines: parcels.iter().enumerate().map(line).collect() }
}

/// Lists of a month are summed up (汇总申请单, CEB701): by consignor and by who made the goods, under the names that the
/// lists have.
pub fn summary(
    parties: (&Party, &Party),
    customs_code: &str,
    cop_no: &str,
    part: PartOf,
    invt_nos: &[String],
    stamp: &Stamp,
) -> Document {
    let (declarer, merchant) = parties;
    let head = stamp
        .head()
        .with("customsCode", customs_code)
        .with("copNo", cop_no)
        .with("agentCode", &declarer.code)
        .with("agentName", &declarer.name)
        .with("ebcCode", &merchant.code)
        .with("ebcName", &merchant.name)
        .with("declAgentCode", &declarer.code)
        .with("declAgentName", &declarer.name)
        .with("summaryFlag", "2")
        .with("itemNameFlag", "1");
    let lines = invt_nos.iter().map(|number| Record::default().with("invtNo", number));
    Document { head: parted(head, part), lines: lines.collect() }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            facts::{ExportMode, OverseasWarehouse, SpecialArea, StatisticsFlag},
            fixtures::{carpets, leaving, parties, party, stamp},
        },
        *,
    };
    use crate::{
        customs::{
            ceb::{Message, kind, read},
            sale::transfer,
        },
        values::Currency,
    };

    fn written(number: u16, document: Document) -> String {
        let message = Message {
            transfer: Some(transfer(&parties().declarer, "DXPENT0000000001")),
            ..Message::new(kind(number).unwrap(), "11111111-AAAA-4BBB-8CCC-000000000000", vec![document])
        };
        let text = message.write().unwrap_or_else(|faults| panic!("CEB{number}: {faults:?}"));
        assert_eq!(read(text.as_bytes()).unwrap(), message, "CEB{number} is read as something else");
        text
    }

    fn said<'a>(document: &'a Document, name: &str) -> &'a str {
        document.head.get(name).unwrap_or_default()
    }

    #[test]
    fn every_paper_keeps_to_its_schema_and_is_read_back() {
        let (sale, parties, stamp, leaving) = (carpets(), parties(), stamp(), leaving());
        let numbers = Numbers { cop_no: "E2511010001", pre_no: None };
        let moving = Moving {
            customs_code: "9701",
            cop_no: "M2511010001",
            carrier: &parties.carrier,
            site_code: Some("970101"),
            traf_mode: "5",
            part: PartOf { number: 1, count: 1 },
            note: None,
        };
        let parcels = [Parcel { waybill: "EE000000001CN", total_package: Some("TP0001"), invt_no: Some("1") }];
        let list = list(&sale, &parties, None, numbers, &stamp);
        for (name, value) in [
            ("statisticsFlag", "B"),
            ("tradeMode", "9610"),
            ("ownerCode", "6301260001"),
            ("country", "304"),
            ("grossWeight", "12.5"),
            ("fFlag", "3"),
            // They come later, with 607.
            ("trafName", ""),
            ("billNo", ""),
            ("iacCode", ""),
        ] {
            assert_eq!(said(&list, name), value, "{name}");
        }
        let order = order(&sale, &parties, &stamp);
        assert_eq!((said(&order, "orderType"), said(&order, "goodsValue")), ("E", "2000"));
        for (number, document) in [
            (303, order),
            (505, waybill(&sale, &parties, &stamp)),
            (603, list),
            (605, cancellation(&parties, "9701", "C1", "97012025E000000001", "订单取消", &stamp)),
            (607, consignment(&parties.declarer, &moving, &leaving, 12_500, &parcels, &stamp)),
            (507, arrival(&party("6301980003", "监管场所"), &moving, None, "青A12345", &parcels, &stamp)),
            (509, departure(&moving, &leaving, stamp.at, &parcels, &stamp)),
            (701, {
                let number = "97012025E000000001".to_owned();
                summary((&parties.declarer, &parties.merchant), "9701", "S1", moving.part, &[number], &stamp)
            }),
        ] {
            let text = written(number, document.clone());
            assert_eq!(text, written(number, document), "CEB{number} is not the same twice");
            let tags: Vec<&str> = text.split('<').collect();
            let empty = tags.windows(2).find(|pair| {
                let opens = !pair[0].starts_with('/') && pair[0].ends_with('>');
                opens && pair[1].starts_with('/') || pair[0].ends_with("/>")
            });
            assert_eq!(empty, None, "CEB{number} has an empty element");
        }
    }

    #[test]
    fn what_a_mode_has_of_its_own_is_written_and_nothing_else() {
        let (parties, stamp) = (parties(), stamp());
        let numbers = Numbers { cop_no: "E1", pre_no: Some("B20251101000000001") };
        let mut sale = carpets();
        sale.facts.mode = ExportMode::SpecialArea;
        sale.facts.area =
            Some(SpecialArea { company: party("6301W60001", "区内企业"), book: "T9701W000001".into() });
        let area = list(&sale, &parties, Some(&leaving()), numbers, &stamp);
        for (name, value) in [
            ("tradeMode", "1210"),
            ("iacCode", "6301W60001"),
            ("emsNo", "T9701W000001"),
            ("preNo", "B20251101000000001"),
            ("totalPackageNo", "TP0001"),
        ] {
            assert_eq!(said(&area, name), value, "{name}");
        }
        let mut sale = carpets();
        sale.facts.mode = ExportMode::OverseasWarehouse;
        sale.facts.flag = StatisticsFlag::Simplified;
        sale.facts.warehouse = Some(OverseasWarehouse { name: "法兰克福海外仓".into(), booking: "BK-1".into() });
        (sale.facts.platform, sale.facts.order_no) = (party("无", "法兰克福海外仓"), "BK-1".into());
        sale.facts.owner.code = None;
        sale.facts.currency = Currency::CNY;
        sale.lines[0].hs = "570110".into();
        let order = order(&sale, &parties, &stamp);
        let booked = (said(&order, "orderType"), said(&order, "orderNo"), said(&order, "ebpName"));
        assert_eq!(booked, ("W", "BK-1", "法兰克福海外仓"));
        let list = list(&sale, &parties, None, numbers, &stamp);
        assert_eq!((said(&list, "ownerCode"), said(&list, "statisticsFlag")), ("NO", "A"));
        assert_eq!(list.lines[0].get("gcode"), Some("5701100000"));
    }

    #[test]
    fn parts_are_numbered_from_one_without_gaps() {
        for (count, most, expected) in [(0, 3, vec![]), (3, 3, vec![3]), (7, 3, vec![3, 3, 1]), (2, 0, vec![1, 1])] {
            let all: Vec<usize> = (0..count).collect();
            let parts = in_parts(&all, most);
            assert_eq!(parts.iter().map(|(_, part)| part.len()).collect::<Vec<_>>(), expected);
            for (n, (part, _)) in parts.iter().enumerate() {
                assert_eq!(*part, PartOf { number: n + 1, count: parts.len() });
            }
        }
    }
}
