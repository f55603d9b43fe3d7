//! A sale and its papers, which several tests look at: ten bottles of water from a bonded warehouse. All of it is invented.

use crate::customs::ceb::{Document, Record};

fn record(said: &[(&str, &str)]) -> Record {
    said.iter().fold(Record::default(), |record, (name, value)| record.with(name, *value))
}

/// The same with another value; an empty one takes it away.
pub(in crate::customs) fn set(record: &mut Record, name: &str, value: &str) {
    let others: Vec<(String, String)> =
        record.values().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let known = others.iter().any(|(said, _)| said == name);
    let kept = others.iter().fold(Record::default(), |record, (said, old)| {
        record.with_some(said, Some(if said == name { value } else { old }))
    });
    *record = if known { kept } else { kept.with_some(name, Some(value)) };
}

pub(in crate::customs) fn order() -> Document {
    let head = record(&[
        ("guid", "11111111-AAAA-4BBB-8CCC-000000000001"),
        ("appType", "1"),
        ("appTime", "20251101093000"),
        ("appStatus", "2"),
        ("orderType", "I"),
        ("orderNo", "XN20251101000001"),
        ("ebpCode", "6301960001"),
        ("ebpName", "示例平台"),
        ("ebcCode", "6301960002"),
        ("ebcName", "示例电商"),
        ("goodsValue", "410"),
        ("freight", "0"),
        ("discount", "0"),
        ("taxTotal", "37.31"),
        ("acturalPaid", "447.31"),
        ("currency", "142"),
        ("buyerRegNo", "U0001"),
        ("buyerName", "测试甲"),
        ("buyerTelephone", "13800000000"),
        ("buyerIdType", "1"),
        ("buyerIdNumber", "63010319900101001X"),
        ("consignee", "测试甲"),
        ("consigneeTelephone", "13800000000"),
        ("consigneeAddress", "青海省西宁市城中区示例路1号"),
        ("consigneeDistrict", "630103"),
    ]);
    let line = record(&[
        ("gnum", "1"),
        ("itemNo", "SKU1"),
        ("itemName", "矿泉水"),
        ("gmodel", "品名:矿泉水;规格:500ml"),
        ("unit", "142"),
        ("qty", "10"),
        ("price", "41"),
        ("totalPrice", "410"),
        ("currency", "142"),
        ("country", "305"),
    ]);
    Document { head, lines: vec![line] }
}

pub(in crate::customs) fn payment() -> Record {
    record(&[
        ("guid", "11111111-AAAA-4BBB-8CCC-000000000002"),
        ("appType", "1"),
        ("appTime", "20251101093000"),
        ("appStatus", "2"),
        ("payCode", "312228034T"),
        ("payName", "示例支付"),
        ("payTransactionId", "2025110100001"),
        ("orderNo", "XN20251101000001"),
        ("ebpCode", "6301960001"),
        ("ebpName", "示例平台"),
        ("payerIdType", "1"),
        ("payerIdNumber", "63010319900101001X"),
        ("payerName", "测试甲"),
        ("telephone", "13800000000"),
        ("amountPaid", "447.31"),
        ("currency", "142"),
        ("payTime", "20251101093010"),
    ])
}

pub(in crate::customs) fn waybill() -> Record {
    record(&[
        ("guid", "11111111-AAAA-4BBB-8CCC-000000000003"),
        ("appType", "1"),
        ("appTime", "20251101093000"),
        ("appStatus", "2"),
        ("logisticsCode", "6301980002"),
        ("logisticsName", "示例物流"),
        ("logisticsNo", "YT0000000001"),
        ("orderNo", "XN20251101000001"),
        ("freight", "0"),
        ("insuredFee", "0"),
        ("currency", "142"),
        ("weight", "5.3"),
        ("packNo", "1"),
        ("goodsInfo", "矿泉水"),
        ("consignee", "测试甲"),
        ("consigneeAddress", "青海省西宁市城中区示例路1号"),
        ("consigneeTelephone", "13800000000"),
    ])
}

pub(in crate::customs) fn list() -> Document {
    let head = record(&[
        ("guid", "11111111-AAAA-4BBB-8CCC-000000000004"),
        ("appType", "1"),
        ("appTime", "20251101093050"),
        ("appStatus", "2"),
        ("orderNo", "XN20251101000001"),
        ("ebpCode", "6301960001"),
        ("ebpName", "示例平台"),
        ("ebcCode", "6301960002"),
        ("ebcName", "示例电商"),
        ("logisticsNo", "YT0000000001"),
        ("logisticsCode", "6301980002"),
        ("logisticsName", "示例物流"),
        ("copNo", "XN2025110100000001"),
        ("assureCode", "6301960002"),
        ("emsNo", "T9701W000001"),
        ("ieFlag", "I"),
        ("declTime", "20251101"),
        ("customsCode", "9701"),
        ("portCode", "9701"),
        ("buyerIdType", "1"),
        ("buyerIdNumber", "63010319900101001X"),
        ("buyerName", "测试甲"),
        ("buyerTelephone", "13800000000"),
        ("consigneeAddress", "青海省西宁市城中区示例路1号"),
        ("agentCode", "6301980001"),
        ("agentName", "示例报关"),
        ("areaCode", "6301W60001"),
        ("areaName", "示例仓储"),
        ("tradeMode", "1210"),
        ("trafMode", "Y"),
        ("country", "142"),
        ("freight", "0"),
        ("insuredFee", "0"),
        ("currency", "142"),
        ("packNo", "1"),
        ("grossWeight", "5.3"),
        ("netWeight", "5"),
    ]);
    let line = record(&[
        ("gnum", "1"),
        ("itemRecordNo", "12"),
        ("itemNo", "SKU1"),
        ("itemName", "矿泉水"),
        ("gcode", "2201101000"),
        ("gname", "矿泉水"),
        ("gmodel", "品名:矿泉水;规格:500ml"),
        ("barCode", "无"),
        ("country", "305"),
        ("currency", "142"),
        ("qty", "10"),
        ("unit", "142"),
        ("qty1", "5"),
        ("unit1", "095"),
        ("qty2", "5"),
        ("unit2", "035"),
        ("price", "41"),
        ("totalPrice", "410"),
    ]);
    Document { head, lines: vec![line] }
}

pub(in crate::customs) fn refund() -> Document {
    let head = record(&[("appType", "1"), ("invtNo", "97012025I000000001"), ("reason", "消费者退货")]);
    let line = record(&[("gnum", "1"), ("gcode", "2201101000"), ("gname", "矿泉水"), ("qty", "4"), ("unit", "142")]);
    Document { head, lines: vec![line] }
}
