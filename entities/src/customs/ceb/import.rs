//! The messages of imports (进口), as the official schema of 2022-05 has them: the elements of each part in the order of the
//! wire, with their lengths. Names are those of the wire, `acturalPaid` included.

use super::form::{DOCUMENTS, Kind, Part, Shape, Signing, exact, fixed, number, text, whole};

const fn sent(number: u16, shape: Shape, signing: Signing) -> Kind {
    Kind { number, shape, signing, most: DOCUMENTS, signature_first: false }
}

const fn told(number: u16, part: &'static Part) -> Kind {
    Kind { number, shape: Shape::Plain(part), signing: Signing::Told, most: DOCUMENTS, signature_first: false }
}

const fn lined(name: &'static str, head: &'static Part, line: &'static Part, most: usize) -> Shape {
    Shape::Lined { name, head, line, least: 1, most }
}

/// An order (电子订单), by the platform.
pub const CEB311: Kind = sent(311, lined("Order", &ORDER_HEAD, &ORDER_LIST, 99), Signing::MayBeSigned);
/// What became of an order (电子订单回执).
pub const CEB312: Kind = told(312, &ORDER_RETURN);
/// A payment (支付凭证), by the payment institution.
pub const CEB411: Kind = sent(411, Shape::Headed { name: "Payment", head: &PAYMENT_HEAD }, Signing::MayBeSigned);
/// What became of a payment (支付凭证回执).
pub const CEB412: Kind = told(412, &PAYMENT_RETURN);
/// A waybill (物流运单), by the logistics company.
pub const CEB511: Kind = sent(511, Shape::Headed { name: "Logistics", head: &LOGISTICS_HEAD }, Signing::MayBeSigned);
/// What became of a waybill (物流运单回执).
pub const CEB512: Kind = told(512, &LOGISTICS_RETURN);
/// The state of a waybill (物流运单状态).
pub const CEB513: Kind = sent(513, Shape::Plain(&LOGISTICS_STATUS), Signing::MayBeSigned);
/// What became of it (物流运单状态回执).
pub const CEB514: Kind = told(514, &LOGISTICS_STATUS_RETURN);
/// An import list (进口清单), by the declarant.
pub const CEB621: Kind = sent(621, lined("Inventory", &INVENTORY_HEAD, &INVENTORY_LIST, 99), Signing::Signed);
/// What became of an import list (进口清单回执).
pub const CEB622: Kind = told(622, &INVENTORY_RETURN);
/// A list is taken back (撤销申请单).
pub const CEB623: Kind = sent(623, Shape::Plain(&INVT_CANCEL), Signing::Signed);
/// What became of taking it back (撤销申请单回执).
pub const CEB624: Kind = told(624, &INVT_CANCEL_RETURN);
/// Goods come back (退货申请单).
pub const CEB625: Kind = sent(625, lined("InvtRefund", &INVT_REFUND_HEAD, &INVT_REFUND_LIST, 99), Signing::Signed);
/// What became of it (退货申请单回执).
pub const CEB626: Kind = told(626, &INVT_REFUND_RETURN);
/// What came into the warehouse (入库明细单), by its operator; one document a message.
pub const CEB711: Kind =
    Kind { most: 1, ..sent(711, lined("Delivery", &DELIVERY_HEAD, &DELIVERY_LIST, usize::MAX), Signing::Signed) };
/// What became of it (入库明细单回执).
pub const CEB712: Kind = told(712, &DELIVERY_RETURN);
/// A tax bill (电子税单); any number of them a message.
pub const CEB816: Kind =
    Kind { shape: lined("Tax", &TAX_HEAD_RD, &TAX_LIST_RD, 99), most: usize::MAX, ..told(816, &TAX_HEAD_RD) };
/// The state of a tax bill (电子税单状态).
pub const CEB818: Kind = Kind {
    shape: Shape::Headed { name: "Tax", head: &TAX_HEAD_STATUS },
    most: usize::MAX,
    ..told(818, &TAX_HEAD_STATUS)
};
/// A message that could not be read (报文格式校验回执).
pub const CEB900: Kind = Kind { most: 1, ..told(900, &MESSAGE_RETURN) };

/// All of them.
pub const KINDS: &[&Kind] = &[
    &CEB311, &CEB312, &CEB411, &CEB412, &CEB511, &CEB512, &CEB513, &CEB514, &CEB621, &CEB622, &CEB623, &CEB624,
    &CEB625, &CEB626, &CEB711, &CEB712, &CEB816, &CEB818, &CEB900,
];

/// 基础报文传输实体.
pub const BASE_TRANSFER: Part = Part {
    name: "BaseTransfer",
    fields: &[
        text("copCode", 18),
        text("copName", 100),
        exact("dxpMode", 3),
        text("dxpId", 30),
        text("note", 1_000).optional(),
    ],
};

/// 基础回执订阅实体.
pub const BASE_SUBSCRIBE: Part = Part {
    name: "BaseSubscribe",
    fields: &[text("status", 100), exact("dxpMode", 3), text("dxpAddress", 100), text("note", 1_000).optional()],
};

/// 报文格式校验回执实体.
pub const MESSAGE_RETURN: Part = Part {
    name: "MessageReturn",
    fields: &[
        exact("guid", 36),
        text("returnStatus", 10),
        text("returnInfo", 5_000),
        exact("returnTime", 17),
        text("oriCopMsgId", 255),
        text("oriMessageType", 15),
        text("oriBizMessage", 5_000),
    ],
};

/// 电子税单状态表头实体.
pub const TAX_HEAD_STATUS: Part = Part {
    name: "TaxHeadStatus",
    fields: &[
        exact("guid", 36),
        exact("returnTime", 17),
        text("invtNo", 18),
        text("taxNo", 50),
        exact("status", 1),
        text("entDutyNo", 50).optional(),
        text("assureCode", 64).optional(),
    ],
};

/// 电子税单表头实体.
pub const TAX_HEAD_RD: Part = Part {
    name: "TaxHeadRd",
    fields: &[
        exact("guid", 36),
        exact("returnTime", 17),
        text("invtNo", 18),
        text("taxNo", 50),
        number("customsTax"),
        number("valueAddedTax"),
        number("consumptionTax"),
        exact("status", 1),
        text("entDutyNo", 50).optional(),
        text("note", 1_000).optional(),
        text("assureCode", 64).optional(),
        text("ebcCode", 64).optional(),
        text("logisticsCode", 64).optional(),
        text("agentCode", 18).optional(),
        exact("customsCode", 4).optional(),
    ],
};

/// 电子税单表体实体.
pub const TAX_LIST_RD: Part = Part {
    name: "TaxListRd",
    fields: &[
        whole("gnum"),
        exact("gcode", 10),
        number("taxPrice"),
        number("customsTax"),
        number("valueAddedTax"),
        number("consumptionTax"),
    ],
};

/// 电子订单表头实体.
pub const ORDER_HEAD: Part = Part {
    name: "OrderHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        exact("orderType", 1),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        number("goodsValue"),
        number("freight"),
        number("discount"),
        number("taxTotal"),
        number("acturalPaid"),
        fixed("currency", "142"),
        text("buyerRegNo", 60),
        text("buyerName", 60),
        text("buyerTelephone", 30),
        exact("buyerIdType", 1),
        text("buyerIdNumber", 60),
        text("payCode", 18).optional(),
        text("payName", 100).optional(),
        text("payTransactionId", 60).optional(),
        text("batchNumbers", 100).optional(),
        text("consignee", 100),
        text("consigneeTelephone", 50),
        text("consigneeAddress", 200),
        exact("consigneeDistrict", 6).optional(),
        text("note", 1_000).optional(),
    ],
};

/// 电子订单商品实体.
pub const ORDER_LIST: Part = Part {
    name: "OrderList",
    fields: &[
        whole("gnum"),
        text("itemNo", 30).optional(),
        text("itemName", 250),
        text("gmodel", 510),
        text("itemDescribe", 1_000).optional(),
        text("barCode", 50).optional(),
        exact("unit", 3),
        number("qty"),
        number("price"),
        number("totalPrice"),
        fixed("currency", "142"),
        exact("country", 3),
        text("note", 1_000).optional(),
    ],
};

/// 电子订单回执实体.
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

/// 支付凭证数据实体.
pub const PAYMENT_HEAD: Part = Part {
    name: "PaymentHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        text("payCode", 18),
        text("payName", 100),
        text("payTransactionId", 60),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        exact("payerIdType", 1),
        text("payerIdNumber", 60),
        text("payerName", 60),
        text("telephone", 60).optional(),
        number("amountPaid"),
        fixed("currency", "142"),
        exact("payTime", 14),
        text("note", 1_000).optional(),
    ],
};

/// 支付凭证回执实体.
pub const PAYMENT_RETURN: Part = Part {
    name: "PaymentReturn",
    fields: &[
        exact("guid", 36),
        text("payCode", 18),
        text("payTransactionId", 60),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 物流运单数据实体.
pub const LOGISTICS_HEAD: Part = Part {
    name: "LogisticsHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("logisticsNo", 60),
        text("billNo", 37).optional(),
        text("orderNo", 60),
        number("freight").optional(),
        number("insuredFee").optional(),
        fixed("currency", "142"),
        number("weight"),
        whole("packNo"),
        text("goodsInfo", 200).optional(),
        text("consignee", 100),
        text("consigneeAddress", 200),
        text("consigneeTelephone", 50),
        text("note", 1_000).optional(),
    ],
};

/// 物流运单回执实体.
pub const LOGISTICS_RETURN: Part = Part {
    name: "LogisticsReturn",
    fields: &[
        exact("guid", 36),
        text("logisticsCode", 18),
        text("logisticsNo", 60),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 物流运单状态数据实体.
pub const LOGISTICS_STATUS: Part = Part {
    name: "LogisticsStatus",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("logisticsNo", 60),
        exact("logisticsStatus", 1),
        exact("logisticsTime", 14),
        text("note", 1_000).optional(),
    ],
};

/// 物流运单状态回执实体.
pub const LOGISTICS_STATUS_RETURN: Part = Part {
    name: "LogisticsStatusReturn",
    fields: &[
        exact("guid", 36),
        text("logisticsCode", 18),
        text("logisticsNo", 60),
        exact("logisticsStatus", 1),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 进口清单表头实体.
pub const INVENTORY_HEAD: Part = Part {
    name: "InventoryHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("logisticsNo", 60),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("copNo", 20).optional(),
        text("preNo", 18).optional(),
        text("assureCode", 30),
        text("emsNo", 30).optional(),
        text("invtNo", 18).optional(),
        exact("ieFlag", 1),
        exact("declTime", 8),
        exact("customsCode", 4),
        exact("portCode", 4),
        exact("ieDate", 8).optional(),
        exact("buyerIdType", 1),
        text("buyerIdNumber", 60),
        text("buyerName", 60),
        text("buyerTelephone", 30),
        text("consigneeAddress", 200),
        text("agentCode", 18),
        text("agentName", 100),
        text("areaCode", 18).optional(),
        text("areaName", 100).optional(),
        exact("tradeMode", 4),
        exact("trafMode", 1),
        text("trafNo", 100).optional(),
        text("voyageNo", 32).optional(),
        text("billNo", 37).optional(),
        text("loctNo", 10).optional(),
        text("licenseNo", 19).optional(),
        exact("country", 3),
        number("freight"),
        number("insuredFee"),
        fixed("currency", "142"),
        exact("wrapType", 1).optional(),
        whole("packNo"),
        number("grossWeight"),
        number("netWeight"),
        text("note", 1_000).optional(),
    ],
};

/// 进口清单表体实体.
pub const INVENTORY_LIST: Part = Part {
    name: "InventoryList",
    fields: &[
        whole("gnum"),
        text("itemRecordNo", 30).optional(),
        text("itemNo", 20).optional(),
        text("itemName", 250).optional(),
        exact("gcode", 10),
        text("gname", 250),
        text("gmodel", 510),
        text("barCode", 50).optional(),
        exact("country", 3),
        text("tradeCountry", 3).optional(),
        fixed("currency", "142"),
        number("qty"),
        exact("unit", 3),
        number("qty1"),
        exact("unit1", 3),
        number("qty2").optional(),
        exact("unit2", 3).optional(),
        number("price"),
        number("totalPrice"),
        text("note", 1_000).optional(),
    ],
};

/// 进口清单回执实体.
pub const INVENTORY_RETURN: Part = Part {
    name: "InventoryReturn",
    fields: &[
        exact("guid", 36),
        exact("customsCode", 4).optional(),
        text("ebpCode", 18).optional(),
        text("ebcCode", 18).optional(),
        text("agentCode", 18).optional(),
        text("copNo", 20),
        exact("preNo", 18),
        exact("invtNo", 18).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 撤销申请单实体.
pub const INVT_CANCEL: Part = Part {
    name: "InvtCancel",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        exact("customsCode", 4),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("logisticsNo", 60),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("copNo", 20).optional(),
        text("preNo", 18).optional(),
        text("invtNo", 18),
        exact("buyerIdType", 1),
        text("buyerIdNumber", 60),
        text("buyerName", 60),
        text("buyerTelephone", 30),
        text("agentCode", 18),
        text("agentName", 100),
        text("reason", 1_000),
        text("note", 1_000).optional(),
    ],
};

/// 撤销申请单回执实体.
pub const INVT_CANCEL_RETURN: Part = Part {
    name: "InvtCancelReturn",
    fields: &[
        exact("guid", 36),
        exact("customsCode", 4).optional(),
        text("agentCode", 18).optional(),
        text("ebpCode", 18).optional(),
        text("ebcCode", 18).optional(),
        text("copNo", 20),
        exact("preNo", 18),
        exact("invtNo", 18).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 退货申请单表头实体.
pub const INVT_REFUND_HEAD: Part = Part {
    name: "InvtRefundHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        exact("customsCode", 4),
        text("orderNo", 60),
        text("ebpCode", 18),
        text("ebpName", 100),
        text("ebcCode", 18),
        text("ebcName", 100),
        text("logisticsNo", 60),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("copNo", 20).optional(),
        text("preNo", 18).optional(),
        text("invtNo", 18),
        exact("buyerIdType", 1),
        text("buyerIdNumber", 60),
        text("buyerName", 60),
        text("buyerTelephone", 30),
        text("agentCode", 18),
        text("agentName", 100),
        text("reason", 1_000),
        text("note", 1_000).optional(),
    ],
};

/// 退货申请单表体实体.
pub const INVT_REFUND_LIST: Part = Part {
    name: "InvtRefundList",
    fields: &[
        whole("gnum"),
        exact("gcode", 10),
        text("gname", 250),
        number("qty"),
        exact("unit", 3),
        text("note", 1_000).optional(),
    ],
};

/// 退货申请单回执实体.
pub const INVT_REFUND_RETURN: Part = Part {
    name: "InvtRefundReturn",
    fields: &[
        exact("guid", 36),
        exact("customsCode", 4).optional(),
        text("agentCode", 18).optional(),
        text("ebpCode", 18).optional(),
        text("ebcCode", 18).optional(),
        text("copNo", 20),
        exact("preNo", 18),
        exact("invtNo", 18).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};

/// 入库明细单表头实体.
pub const DELIVERY_HEAD: Part = Part {
    name: "DeliveryHead",
    fields: &[
        exact("guid", 36),
        exact("appType", 1),
        exact("appTime", 14),
        text("appStatus", 3),
        exact("customsCode", 4),
        text("copNo", 20).optional(),
        text("preNo", 18).optional(),
        text("rkdNo", 18).optional(),
        text("operatorCode", 18),
        text("operatorName", 100),
        exact("ieFlag", 1),
        exact("trafMode", 1),
        text("trafNo", 100),
        text("voyageNo", 32),
        text("billNo", 37),
        text("logisticsCode", 18),
        text("logisticsName", 100),
        text("unloadLocation", 100).optional(),
        text("note", 1_000).optional(),
    ],
};

/// 入库明细单表体实体.
pub const DELIVERY_LIST: Part =
    Part { name: "DeliveryList", fields: &[whole("gnum"), text("logisticsNo", 60), text("note", 1_000).optional()] };

/// 入库明细单回执实体.
pub const DELIVERY_RETURN: Part = Part {
    name: "DeliveryReturn",
    fields: &[
        exact("guid", 36),
        exact("customsCode", 4).optional(),
        text("operatorCode", 18).optional(),
        text("copNo", 20).optional(),
        text("preNo", 18).optional(),
        text("rkdNo", 18).optional(),
        text("returnStatus", 10),
        exact("returnTime", 17),
        text("returnInfo", 1_000),
    ],
};
