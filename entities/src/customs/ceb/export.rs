//! The messages of exports (出口), as the official schema of 2022-05 has them. The signature stands before the extension
//! here, the units of a list in another order than those of an import, and names are those of the wire.

use super::form::{DOCUMENTS, Kind, Part, Shape, Signing, exact, fixed, number, text, whole};

const fn sent(number: u16, shape: Shape) -> Kind {
    Kind { number, shape, signing: Signing::MayBeSigned, most: DOCUMENTS, signature_first: true }
}

const fn told(number: u16, part: &'static Part) -> Kind {
    Kind { number, shape: Shape::Plain(part), signing: Signing::Told, most: DOCUMENTS, signature_first: true }
}

const fn lined(name: &'static str, head: &'static Part, line: &'static Part, least: usize, most: usize) -> Shape {
    Shape::Lined { name, head, line, least, most }
}

/// An order (电子订单), by the platform.
pub const CEB303: Kind = sent(303, lined("Order", &ORDER_HEAD, &ORDER_LIST, 1, 100));
/// What became of an order (电子订单回执).
pub const CEB304: Kind = told(304, &ORDER_RETURN);
/// Money that came (收款单), by the payment institution.
pub const CEB403: Kind = sent(403, Shape::Plain(&RECEIPTS));
/// What became of it (收款单回执).
pub const CEB404: Kind = told(404, &RECEIPTS_RETURN);
/// A waybill (物流运单), by the logistics company.
pub const CEB505: Kind = sent(505, Shape::Plain(&LOGISTICS));
/// What became of a waybill (物流运单回执).
pub const CEB506: Kind = told(506, &LOGISTICS_RETURN);
/// What arrived at the site (运抵单).
pub const CEB507: Kind = sent(507, lined("Arrival", &ARRIVAL_HEAD, &ARRIVAL_LIST, 0, usize::MAX));
/// What became of it (运抵单回执).
pub const CEB508: Kind = told(508, &ARRIVAL_RETURN);
/// What left the country (离境单).
pub const CEB509: Kind = sent(509, lined("Departure", &DEPARTURE_HEAD, &DEPARTURE_LIST, 1, usize::MAX));
/// What became of it (离境单回执).
pub const CEB510: Kind = told(510, &DEPARTURE_RETURN);
/// An export list (申报清单).
pub const CEB603: Kind = sent(603, lined("Inventory", &INVENTORY_HEAD, &INVENTORY_LIST, 1, 100));
/// What became of an export list (申报清单回执).
pub const CEB604: Kind = told(604, &INVENTORY_RETURN);
/// A list is taken back (撤销申请单).
pub const CEB605: Kind = sent(605, Shape::Plain(&INVT_CANCEL));
/// What became of taking it back (撤销申请单回执).
pub const CEB606: Kind = told(606, &INVT_CANCEL_RETURN);
/// The lists of one consignment (清单总分单).
pub const CEB607: Kind = sent(607, lined("WayBill", &WAY_BILL_HEAD, &WAY_BILL_LIST, 1, usize::MAX));
/// What became of it (清单总分单回执).
pub const CEB608: Kind = told(608, &WAY_BILL_RETURN);
/// Goods come back (退货申请单).
pub const CEB213: Kind = sent(213, lined("InvtRefund", &INVT_REFUND_HEAD, &INVT_REFUND_LIST, 1, 100));
/// What became of it (退货申请单回执).
pub const CEB214: Kind = told(214, &REFUND_RETURN);
/// What was counted when it came back (理货明细单).
pub const CEB215: Kind = sent(215, Shape::Plain(&INVT_REFUND_DETAIL));
/// What became of it (理货明细单回执).
pub const CEB216: Kind = told(216, &INVT_REFUND_DETAIL_RETURN);
/// Lists are summed up for a declaration (汇总申请单).
pub const CEB701: Kind = sent(701, lined("SummaryApply", &SUMMARY_APPLY_HEAD, &SUMMARY_APPLY_LIST, 0, usize::MAX));
/// What became of it (汇总申请单回执).
pub const CEB702: Kind = told(702, &SUMMARY_RETURN);
/// What they were summed up to (汇总结果单).
pub const CEB792: Kind = Kind {
    shape: lined("SummaryResult", &SUMMARY_RESULT_HEAD, &SUMMARY_RESULT_LIST, 0, usize::MAX),
    ..told(792, &SUMMARY_RESULT_HEAD)
};

/// All of them.
pub const KINDS: &[&Kind] = &[
    &CEB213, &CEB214, &CEB215, &CEB216, &CEB303, &CEB304, &CEB403, &CEB404, &CEB505, &CEB506, &CEB507, &CEB508,
    &CEB509, &CEB510, &CEB603, &CEB604, &CEB605, &CEB606, &CEB607, &CEB608, &CEB701, &CEB702, &CEB792,
];

/// 订单表头.
pub const ORDER_HEAD: Part = Part {
    name: "OrderHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("orderType", 1),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        number("goodsValue"),
        number("freight"),
        exact("currency", 3),
        text("note", 1_000).optional(),
    ],
};

/// 订单商品表体.
pub const ORDER_LIST: Part = Part {
    name: "OrderList",
    fields: &[
        whole("gnum"),
        text("itemNo", 30),
        text("itemName", 250),
        text("itemDescribe", 1_000).optional(),
        text("barCode", 50).optional(),
        exact("unit", 3),
        exact("currency", 3),
        number("qty"),
        number("price"),
        number("totalPrice"),
        text("note", 1_000).optional(),
    ],
};

/// 订单回执实体.
pub const ORDER_RETURN: Part = Part {
    name: "OrderReturn",
    fields: &[
        exact("guid", 36),
        text("ebpCode", 18),
        text("ebcCode", 18),
        text("orderNo", 60),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 收款单数据实体.
pub const RECEIPTS: Part = Part {
    name: "Receipts",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("orderNo", 60),
        text("payCode", 18).optional(),
        text("payName", 100),
        text("payNo", 60).optional(),
        number("charge"),
        exact("currency", 3),
        exact("accountingDate", 14),
        text("note", 1_000).optional(),
    ],
};

/// 收款单回执实体.
pub const RECEIPTS_RETURN: Part = Part {
    name: "ReceiptsReturn",
    fields: &[
        exact("guid", 36),
        text("ebcCode", 18),
        text("orderNo", 60),
        text("payNo", 60).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 物流运单数据实体.
pub const LOGISTICS: Part = Part {
    name: "Logistics",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("logisticsNo", 32),
        number("freight"),
        number("insuredFee"),
        exact("currency", 3),
        number("grossWeight"),
        whole("packNo"),
        text("goodsInfo", 200),
        text("ebcCode", 18).optional(),
        text("ebcName", 100).optional(),
        text("ebcTelephone", 50).optional(),
        text("note", 1_000).optional(),
    ],
};

/// 物流运单回执实体.
pub const LOGISTICS_RETURN: Part = Part {
    name: "LogisticsReturn",
    fields: &[
        exact("guid", 36),
        text("logisticsCode", 18),
        text("logisticsNo", 32),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 物流运抵单表头.
pub const ARRIVAL_HEAD: Part = Part {
    name: "ArrivalHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("copNo", 30),
        exact("preNo", 18).optional(),
        text("operatorCode", 18),
        text("operatorName", 100),
        text("loctNo", 10).optional(),
        exact("ieFlag", 1),
        exact("trafMode", 1),
        text("billNo", 37).optional(),
        text("domesticTrafNo", 100),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        whole("msgCount"),
        whole("msgSeqNo"),
        text("note", 1_000).optional(),
    ],
};

/// 物流运抵单表体（允许为空）.
pub const ARRIVAL_LIST: Part = Part {
    name: "ArrivalList",
    fields: &[
        whole("gnum"),
        text("logisticsNo", 32),
        text("totalPackageNo", 37).optional(),
        text("note", 1_000).optional(),
    ],
};

/// 物流运抵单回执实体.
pub const ARRIVAL_RETURN: Part = Part {
    name: "ArrivalReturn",
    fields: &[
        exact("guid", 36),
        text("operatorCode", 18),
        text("logisticsCode", 18),
        exact("preNo", 18),
        text("copNo", 30),
        text("billNo", 37),
        whole("msgSeqNo"),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 物流离境单表头数据.
pub const DEPARTURE_HEAD: Part = Part {
    name: "DepartureHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("copNo", 30),
        exact("preNo", 18).optional(),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        exact("trafMode", 1),
        text("trafName", 100).optional(),
        text("voyageNo", 32).optional(),
        text("billNo", 37).optional(),
        exact("leaveTime", 14),
        whole("msgCount"),
        whole("msgSeqNo"),
        text("note", 1_000).optional(),
    ],
};

/// 物流离境单表体类.
pub const DEPARTURE_LIST: Part = Part {
    name: "DepartureList",
    fields: &[
        whole("gnum"),
        text("totalPackageNo", 37).optional(),
        text("logisticsNo", 32),
        text("note", 1_000).optional(),
    ],
};

/// 物流离境回执类.
pub const DEPARTURE_RETURN: Part = Part {
    name: "DepartureReturn",
    fields: &[
        exact("guid", 36),
        text("logisticsCode", 18),
        text("copNo", 30),
        exact("preNo", 18),
        whole("msgSeqNo"),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 出口清单表头类.
pub const INVENTORY_HEAD: Part = Part {
    name: "InventoryHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("orderNo", 60),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("logisticsNo", 32),
        text("copNo", 30),
        exact("preNo", 18).optional(),
        text("invtNo", 20).optional(),
        exact("ieFlag", 1),
        exact("portCode", 4),
        exact("ieDate", 8),
        exact("statisticsFlag", 1),
        text("agentCode", 18),
        text("agentName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("ownerCode", 18),
        text("ownerName", 100),
        text("iacCode", 18).optional(),
        text("iacName", 100).optional(),
        text("emsNo", 30).optional(),
        exact("tradeMode", 4),
        exact("trafMode", 1),
        text("trafName", 100).optional(),
        text("voyageNo", 32).optional(),
        text("billNo", 37).optional(),
        text("totalPackageNo", 37).optional(),
        text("loctNo", 10).optional(),
        text("licenseNo", 19).optional(),
        exact("country", 3),
        text("POD", 4),
        number("freight"),
        exact("fCurrency", 3),
        fixed("fFlag", "3"),
        number("insuredFee"),
        exact("iCurrency", 3),
        fixed("iFlag", "3"),
        exact("wrapType", 1),
        whole("packNo"),
        number("grossWeight"),
        number("netWeight"),
        text("note", 1_000).optional(),
    ],
};

/// 出口清单表体项类.
pub const INVENTORY_LIST: Part = Part {
    name: "InventoryList",
    fields: &[
        whole("gnum"),
        text("itemNo", 20),
        text("itemRecordNo", 30).optional(),
        text("itemName", 250).optional(),
        exact("gcode", 10),
        text("gname", 250),
        text("gmodel", 250),
        text("barCode", 50),
        exact("country", 3),
        exact("currency", 3),
        number("qty"),
        number("qty1"),
        number("qty2").optional(),
        exact("unit", 3),
        exact("unit1", 3),
        text("unit2", 3).optional(),
        number("price"),
        number("totalPrice"),
        text("note", 1_000).optional(),
    ],
};

/// 出口清单回执类.
pub const INVENTORY_RETURN: Part = Part {
    name: "InventoryReturn",
    fields: &[
        exact("guid", 36),
        text("agentCode", 18),
        text("copNo", 30),
        exact("preNo", 18),
        text("invtNo", 20),
        text("ebcCode", 18),
        text("ebpCode", 18),
        text("orderNo", 60),
        exact("statisticsFlag", 1),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 撤销申请单类.
pub const INVT_CANCEL: Part = Part {
    name: "InvtCancel",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("copNo", 30),
        exact("preNo", 18).optional(),
        text("invtNo", 20),
        text("reason", 1_000),
        text("agentCode", 18),
        text("agentName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("note", 1_000).optional(),
    ],
};

/// 撤销申请单回执类.
pub const INVT_CANCEL_RETURN: Part = Part {
    name: "InvtCancelReturn",
    fields: &[
        exact("guid", 36),
        text("agentCode", 18),
        text("copNo", 30),
        exact("preNo", 18),
        text("invtNo", 20),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 清单总分单数据.
pub const WAY_BILL_HEAD: Part = Part {
    name: "WayBillHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("copNo", 30),
        exact("preNo", 18).optional(),
        text("agentCode", 18),
        text("agentName", 100),
        text("loctNo", 10).optional(),
        exact("trafMode", 1),
        text("trafName", 100),
        text("voyageNo", 32),
        text("billNo", 37),
        text("domesticTrafNo", 100).optional(),
        number("grossWeight"),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        whole("msgCount"),
        whole("msgSeqNo"),
        text("note", 1_000).optional(),
    ],
};

/// 提运单表体项类.
pub const WAY_BILL_LIST: Part = Part {
    name: "WayBillList",
    fields: &[
        whole("gnum"),
        text("totalPackageNo", 60).optional(),
        text("logisticsNo", 32),
        text("invtNo", 20).optional(),
        text("note", 1_000).optional(),
    ],
};

/// 清单总分单回执.
pub const WAY_BILL_RETURN: Part = Part {
    name: "WayBillReturn",
    fields: &[
        exact("guid", 36),
        text("agentCode", 18),
        text("logisticsCode", 18),
        text("copNo", 30),
        exact("preNo", 18),
        text("billNo", 37),
        whole("msgSeqNo"),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 汇总申请单表头.
pub const SUMMARY_APPLY_HEAD: Part = Part {
    name: "SummaryApplyHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("copNo", 30),
        text("preNo", 18).optional(),
        text("sumNo", 18).optional(),
        text("agentCode", 18),
        text("agentName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("declAgentCode", 18),
        text("declAgentName", 100),
        exact("startTime", 14).optional(),
        exact("endTime", 14).optional(),
        text("loctNo", 10).optional(),
        exact("summaryFlag", 1),
        exact("itemNameFlag", 1),
        whole("msgCount"),
        whole("msgSeqNo"),
        text("note", 1_000).optional(),
    ],
};

/// 退货申请单商品表体.
pub const INVT_REFUND_LIST: Part = Part {
    name: "InvtRefundList",
    fields: &[
        whole("gnum"),
        text("gcode", 10),
        text("gname", 250),
        text("gmodel", 250),
        number("qty"),
        number("qty1"),
        exact("unit", 3),
        exact("unit1", 3),
        number("qty2").optional(),
        exact("unit2", 3).optional(),
        text("note", 500).optional(),
    ],
};

/// 退货申请单表头.
pub const INVT_REFUND_HEAD: Part = Part {
    name: "InvtRefundHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("loctNo", 10).optional(),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("logisticsNo", 80),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("coElNo", 30),
        text("preNo", 18).optional(),
        text("invtNo", 20),
        exact("tradeMode", 4).optional(),
        text("agentCode", 18),
        text("agentName", 100),
        text("billNo", 37),
        text("ieFlag", 1),
        text("trafMode", 1),
        text("trafName", 100),
        text("portCode", 4),
        text("reason", 500),
        text("country", 3),
        text("voyageNo", 32),
        text("note", 500).optional(),
    ],
};

/// 理货明细单实体.
pub const INVT_REFUND_DETAIL: Part = Part {
    name: "InvtRefundDetail",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        exact("appStatus", 1),
        exact("customsCode", 4),
        text("operatorCode", 18),
        text("operatorName", 100),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("logisticsNo", 80),
        text("invtNo", 20).optional(),
        text("coElNo", 20),
        text("preNo", 18).optional(),
        text("billNo", 37),
        exact("ieFlag", 1),
        exact("trafMode", 1),
        text("trafName", 100),
        text("voyageNo", 32),
        text("location", 250).optional(),
        text("note", 250).optional(),
    ],
};

/// 理货明细单回执实体.
pub const INVT_REFUND_DETAIL_RETURN: Part = Part {
    name: "InvtRefundDetailReturn",
    fields: &[
        exact("guid", 36),
        text("operatorCode", 18),
        text("logisticsCode", 18),
        text("logisticsNo", 80),
        text("coElNo", 30),
        text("preNo", 18).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 退货申请单回执实体.
pub const REFUND_RETURN: Part = Part {
    name: "RefundReturn",
    fields: &[
        exact("guid", 36),
        text("ebpCode", 18).optional(),
        text("ebcCode", 18).optional(),
        text("agentCode", 18),
        text("coElNo", 30),
        text("preNo", 18).optional(),
        text("invtNo", 20),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 汇总申请单数据表体.
pub const SUMMARY_APPLY_LIST: Part = Part { name: "SummaryApplyList", fields: &[text("invtNo", 20)] };

/// 汇总申请单回执实体.
pub const SUMMARY_RETURN: Part = Part {
    name: "SummaryReturn",
    fields: &[
        exact("guid", 36),
        text("agentCode", 18),
        text("ebcCode", 18),
        text("copNo", 30),
        exact("preNo", 18),
        exact("sumNo", 18).optional(),
        whole("msgSeqNo"),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 汇总结果单表头.
pub const SUMMARY_RESULT_HEAD: Part = Part {
    name: "SummaryResultHead",
    fields: &[
        exact("guid", 36),
        exact("customsCode", 4),
        exact("sumNo", 18),
        exact("opDate", 17),
        exact("declSeqNo", 18),
        exact("decTmpNo", 18).optional(),
        exact("decPreNo", 18).optional(),
        exact("entryId", 18).optional(),
        text("decState", 3),
        text("agentCode", 18),
        text("agentName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("declAgentCode", 18),
        text("declAgentName", 100),
        number("grossWeight"),
        number("netWeight"),
        whole("msgCount"),
        whole("msgSeqNo"),
        text("note", 1_000).optional(),
    ],
};

/// 汇总结果单表体(允许可空).
pub const SUMMARY_RESULT_LIST: Part = Part {
    name: "SummaryResultList",
    fields: &[text("invtNo", 20), text("logisticsNo", 32), whole("gseqno"), whole("gnum"), exact("gcode", 10)],
};
