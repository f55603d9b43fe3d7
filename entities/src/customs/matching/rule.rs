//! The rules of the match: which elements of which documents, where each rule comes from, and what is said when they differ.

use sea_orm::entity::prelude::*;

use crate::customs::ceb::{Part, import};

/// What must be the same on two documents or more (比对项).
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
#[graphql(name = "MatchRule")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// The order number of all four documents (订单编号). Official.
    OrderNumber,
    /// The platform of list, order and payment (电商平台). Official.
    Platform,
    /// The merchant of list and order (电商企业), part of the key of an order. Official.
    Merchant,
    /// Name and resident ID of the buyer, on list and order (订购人). Official: always the same.
    Buyer,
    /// Name and resident ID of the order's buyer and of who paid (订购人与支付人). Official: the same, unless the identity
    /// was verified.
    Payer,
    /// The buyer's telephone on list and order (订购人电话). Official; who paid may have another, so the payment's is not
    /// compared.
    Phone,
    /// The address on list, order and waybill (收货地址). Official.
    Address,
    /// Name and telephone of who receives the parcel, on order and waybill (收货人). Official.
    Consignee,
    /// Who was paid through and its transaction, on order and payment, as far as the order says them (支付信息). Official.
    Payment,
    /// What the order was paid with and what was paid (实付金额). Official: the same to the cent.
    Amount,
    /// The value of the goods that the order states, the sum of its lines and the sum of the list's lines (商品总价).
    /// Official for the order, practice for the list.
    GoodsValue,
    /// Line by line, by number: name, quantity, unit, price, country of origin, on list and order (商品项). Official: one
    /// to one. What a line comes to is part of [`Rule::GoodsValue`].
    GoodsLines,
    /// Freight and insurance of the list are what the order says of freight (运费). Official: the list's freight is what
    /// the consumer paid for it; own: as an order has no insurance, its freight includes it, so both are held against it.
    /// The waybill may say 0, and is not compared.
    Freight,
    /// The insurance on list and waybill, when the waybill says it (保费). Own.
    Insurance,
    /// Waybill number and logistics company, on list and waybill (运单编号). Official.
    WaybillNumber,
    /// The gross weight on list and waybill, within a tolerance (毛重). Own.
    Weight,
    /// The number of packages on list and waybill (件数). Official; that it is one, the list's own rules say.
    Packages,
    /// Ordered, then paid, then declared, not later than on the day (时间顺序). Own.
    ///
    /// An order says when it was reported and not when it was made. So it is held against the payment only when it was
    /// reported for the first time and does not name the transaction, which it could not know before it was paid.
    Time,
    /// All four in CNY, 142 (币制). Official.
    Currency,
}

/// A document, in the order in which a rule names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paper {
    List,
    Order,
    Payment,
    Waybill,
}

use Paper::{List, Order, Payment, Waybill};

impl Paper {
    /// What the schema says of its head.
    fn part(self) -> &'static Part {
        match self {
            List => &import::INVENTORY_HEAD,
            Order => &import::ORDER_HEAD,
            Payment => &import::PAYMENT_HEAD,
            Waybill => &import::LOGISTICS_HEAD,
        }
    }

    fn number(self) -> u16 {
        match self {
            List => 621,
            Order => 311,
            Payment => 411,
            Waybill => 511,
        }
    }

    pub(super) fn requires(self, name: &str) -> bool {
        self.part().fields.iter().any(|field| field.name == name && field.required)
    }
}

/// How an element is compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    Text,
    Number,
    Name,
    Identity,
    Phone,
    Address,
}

/// An element that several documents have: its name on each.
pub(super) type Element = (As, &'static [(Paper, &'static str)]);

impl Rule {
    /// The elements that are the same, where the rule is no more than that.
    pub(super) fn elements(self) -> &'static [Element] {
        match self {
            Self::OrderNumber => {
                &[(As::Text, &[(List, "orderNo"), (Order, "orderNo"), (Payment, "orderNo"), (Waybill, "orderNo")])]
            }
            Self::Platform => &[(As::Text, &[(List, "ebpCode"), (Order, "ebpCode"), (Payment, "ebpCode")])],
            Self::Merchant => &[(As::Text, &[(List, "ebcCode"), (Order, "ebcCode")])],
            Self::Buyer => &[
                (As::Name, &[(List, "buyerName"), (Order, "buyerName")]),
                (As::Identity, &[(List, "buyerIdNumber"), (Order, "buyerIdNumber")]),
            ],
            Self::Payer => &[
                (As::Name, &[(Order, "buyerName"), (Payment, "payerName")]),
                (As::Identity, &[(Order, "buyerIdNumber"), (Payment, "payerIdNumber")]),
            ],
            Self::Phone => &[(As::Phone, &[(List, "buyerTelephone"), (Order, "buyerTelephone")])],
            Self::Address => &[(
                As::Address,
                &[(List, "consigneeAddress"), (Order, "consigneeAddress"), (Waybill, "consigneeAddress")],
            )],
            Self::Consignee => &[
                (As::Name, &[(Order, "consignee"), (Waybill, "consignee")]),
                (As::Phone, &[(Order, "consigneeTelephone"), (Waybill, "consigneeTelephone")]),
            ],
            Self::Payment => &[
                (As::Text, &[(Order, "payCode"), (Payment, "payCode")]),
                (As::Text, &[(Order, "payTransactionId"), (Payment, "payTransactionId")]),
            ],
            Self::Amount => &[(As::Number, &[(Order, "acturalPaid"), (Payment, "amountPaid")])],
            Self::Insurance => &[(As::Number, &[(List, "insuredFee"), (Waybill, "insuredFee")])],
            Self::WaybillNumber => &[
                (As::Text, &[(List, "logisticsNo"), (Waybill, "logisticsNo")]),
                (As::Text, &[(List, "logisticsCode"), (Waybill, "logisticsCode")]),
            ],
            Self::Weight => &[(As::Number, &[(List, "grossWeight"), (Waybill, "weight")])],
            Self::Packages => &[(As::Number, &[(List, "packNo"), (Waybill, "packNo")])],
            Self::Currency => {
                &[(As::Text, &[(List, "currency"), (Order, "currency"), (Payment, "currency"), (Waybill, "currency")])]
            }
            Self::GoodsValue | Self::GoodsLines | Self::Freight | Self::Time => &[],
        }
    }

    /// The documents that it compares.
    pub(super) fn needs(self) -> Vec<Paper> {
        match self {
            Self::GoodsValue | Self::GoodsLines | Self::Freight => vec![List, Order],
            Self::Time => vec![List, Order, Payment],
            // Every element of a rule stands on the same documents.
            _ => {
                self.elements().first().map(|(_, at)| at.iter().map(|(paper, _)| *paper).collect()).unwrap_or_default()
            }
        }
    }

    /// The numbers of the messages that it compares: the left side of a row, then those of the right side.
    pub fn papers(self) -> Vec<u16> {
        self.needs().into_iter().map(Paper::number).collect()
    }

    /// Why the documents do not match, in Chinese and English. The official text where one is known: those of the codes
    /// 45, 46, 47, 49 and 1322; the others are own.
    pub fn reason(self) -> (&'static str, &'static str) {
        match self {
            Self::OrderNumber => ("订单不存在", "There is no such order"),
            Self::Platform => ("电商平台不一致", "The platforms are not the same"),
            Self::Merchant => ("电商企业不一致", "The merchants are not the same"),
            Self::Buyer => ("清单订购人和订单不一致", "The buyer of the list is not the buyer of the order"),
            Self::Payer => ("订购人与支付人不匹配", "The buyer is not who paid"),
            Self::Phone => ("订购人电话不一致", "The buyer's telephone numbers are not the same"),
            Self::Address => ("收货地址不一致", "The addresses are not the same"),
            Self::Consignee => ("收货人或其电话不一致", "The consignee or the telephone number is not the same"),
            Self::Payment => ("支付信息不存在", "There is no such payment"),
            Self::Amount => ("订单实付金额与支付金额不一致", "The order was paid with another amount than was paid"),
            Self::GoodsValue => ("商品总价与表体合计不一致", "The value of the goods is not the sum of the lines"),
            Self::GoodsLines => ("订单清单表体商品项不一致", "The lines of list and order are not the same"),
            Self::Freight => {
                ("清单运保费与订单运费不一致", "Freight and insurance of the list are not the order's freight")
            }
            Self::Insurance => ("清单保费与运单不一致", "The insurance of list and waybill is not the same"),
            Self::WaybillNumber => ("运单不存在", "There is no such waybill"),
            Self::Weight => ("清单毛重与运单重量超出允许差异", "The weights differ by more than is allowed"),
            Self::Packages => ("清单件数与运单不一致", "The numbers of packages are not the same"),
            Self::Time => ("下单、支付、申报时间顺序有误", "It was not ordered, paid and declared in this order"),
            Self::Currency => ("币制应为人民币（142）", "The currency is not CNY (142)"),
        }
    }

    /// What the return information of a rejection (100) would say. Recorded texts of customs where one is known (practice);
    /// else the own reason without a code, as customs writes it too.
    pub fn receipt(self) -> &'static str {
        match self {
            // A merchant is half of the key by which the order is looked up.
            Self::OrderNumber | Self::Merchant => "Code:49;Desc:订单不存在",
            Self::Buyer => "[Code:13127;Desc:清单订购人和订单不一致，修改订购人后重新申报]",
            Self::Payer => "[Code:1327;Desc:订单购买人与支付单支付人名字或身份证号码不一致]",
            Self::Payment => "Code:46;Desc:支付信息不存在",
            Self::GoodsLines => "[Code:1322;Desc:订单清单表体商品项不一致]",
            Self::WaybillNumber => "Code:45;Desc:运单不存在",
            _ => self.reason().0,
        }
    }
}
