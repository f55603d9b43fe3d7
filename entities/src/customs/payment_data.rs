//! Real-time payment data, as announcement 179 of 2018 has it (海关总署公告2018年第179号): customs names an order, the platform
//! sends what was paid for it, signed.
//!
//! What is signed is put together from the texts of the parts, with quotes and `||` between, in a fixed order; so the parts
//! are written here once, and sent and signed as the same text. Misspellings (`initalRequest`) are the announcement's.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::codes;
use crate::payments::{Method, ProviderKind};

/// Longest text of the original request, and of its answer.
pub const LONGEST_ORIGINAL: usize = 8_000;

/// Who verifies a payment between banks (验核机构).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PaymentVerifier")]
pub enum Verifier {
    /// China `UnionPay` (银联).
    UnionPay,
    /// `NetsUnion` (网联), over which Chinese wallets clear.
    NetsUnion,
    /// Another, or none.
    Other,
}

/// Where the buyer paid (交易途径).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PaymentChannel")]
pub enum Channel {
    /// In an app or mini-program.
    App,
    /// In a browser.
    Pc,
    /// By a code that was scanned (扫码).
    QrCode,
    /// Another way.
    Other,
}

impl Verifier {
    /// Over whom a provider clears: `WeChat`'s own over `NetsUnion`, a foreign acquirer over neither.
    pub fn of(provider: ProviderKind) -> Self {
        match provider {
            ProviderKind::Wechat => Self::NetsUnion,
            ProviderKind::Stripe | ProviderKind::Bank | ProviderKind::Sandbox => Self::Other,
        }
    }

    fn number(self) -> &'static str {
        match self {
            Self::UnionPay => "1",
            Self::NetsUnion => "2",
            Self::Other => "3",
        }
    }
}

impl Channel {
    /// Where somebody pays who pays like this.
    pub fn of(method: Method) -> Self {
        match method {
            Method::WechatJsapi => Self::App,
            Method::Card | Method::Alipay => Self::Pc,
            Method::WechatPay => Self::QrCode,
            Method::BankTransfer | Method::Sandbox => Self::Other,
        }
    }

    fn number(self) -> &'static str {
        match self {
            Self::App => "1",
            Self::Pc => "2",
            Self::QrCode => "3",
            Self::Other => "4",
        }
    }
}

/// What was asked of a payment institution, and what it answered (支付原始数据).
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Original {
    /// The request.
    pub request: String,
    /// The answer.
    pub response: String,
    /// Who verified it.
    pub verifier: Verifier,
    /// Where the buyer paid.
    pub channel: Channel,
}

// It may name people.
impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Original")
    }
}

/// What was paid in one original request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentData {
    /// The number of the inquiry, given back (`sessionID`).
    pub session: String,
    /// A number of its own, 36 characters in upper case.
    pub guid: String,
    /// The original request to the payment institution, its answer, and how it was paid.
    pub original: Original,
    /// The platform's code.
    pub platform: String,
    /// The institution's code.
    pub institution: String,
    /// The institution's number of the transaction.
    pub transaction: String,
    /// How much, in fen.
    pub total_minor: i64,
    /// When.
    pub paid_at: DateTime<Utc>,
    /// All orders that were paid in the request.
    pub orders: Vec<PaidOrder>,
    /// When it is sent.
    pub sent_at: DateTime<Utc>,
}

/// An order that was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidOrder {
    /// Its number.
    pub number: String,
    /// Names of its goods, and where they are shown.
    pub goods: Vec<(String, String)>,
    /// The account that the money went to.
    pub account: String,
    /// The code of who has the account; empty: none.
    pub code: String,
    /// Who has it.
    pub holder: String,
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

impl PaymentData {
    /// The part about the payment (`payExchangeInfoHead`). An amount is a number, without quotes or needless zeros.
    pub fn head(&self) -> String {
        let mut out = String::from("{");
        let said = [
            ("guid", cut(&self.guid, 36)),
            ("initalRequest", cut(&self.original.request, LONGEST_ORIGINAL)),
            ("initalResponse", cut(&self.original.response, LONGEST_ORIGINAL)),
            ("ebpCode", cut(&self.platform, 18)),
            ("payCode", cut(&self.institution, 18)),
            ("payTransactionId", cut(&self.transaction, 60)),
        ];
        // Writing into a string cannot fail.
        for (name, value) in said {
            let _ = write!(out, "\"{name}\":{},", quoted(&value));
        }
        let _ = write!(out, "\"totalAmount\":{},\"currency\":\"142\",", codes::yuan(self.total_minor));
        let said = (self.original.verifier.number(), self.original.channel.number());
        let _ = write!(out, "\"verDept\":{},\"payType\":{},", quoted(said.0), quoted(said.1));
        let _ = write!(out, "\"tradingTime\":{},\"note\":\"\"}}", quoted(&codes::moment(self.paid_at)));
        out
    }

    /// The part about the orders (`payExchangeInfoLists`).
    pub fn lists(&self) -> String {
        let order = |order: &PaidOrder| {
            let goods = order.goods.iter().map(|(name, link)| {
                format!("{{\"gname\":{},\"itemLink\":{}}}", quoted(&cut(name, 250)), quoted(&cut(link, 3_000)))
            });
            format!(
                "{{\"orderNo\":{},\"goodsInfo\":[{}],\"recpAccount\":{},\"recpCode\":{},\"recpName\":{}}}",
                quoted(&order.number),
                goods.collect::<Vec<_>>().join(","),
                quoted(&cut(&order.account, 60)),
                quoted(&cut(&order.code, 18)),
                quoted(&cut(&order.holder, 100))
            )
        };
        format!("[{}]", self.orders.iter().map(order).collect::<Vec<_>>().join(","))
    }

    fn service_time(&self) -> String {
        self.sent_at.timestamp_millis().to_string()
    }

    /// What is signed: with the literal quotes and bars of the announcement.
    pub fn to_sign(&self) -> String {
        format!(
            "\"sessionID\":\"{}\"||\"payExchangeInfoHead\":\"{}\"||\"payExchangeInfoLists\":\"{}\"||\"serviceTime\":\"{}\"",
            self.session,
            self.head(),
            self.lists(),
            self.service_time()
        )
    }

    /// What is sent, with the number of the certificate, in upper case, and the signature of [`Self::to_sign`].
    pub fn signed(&self, certificate: &str, signature: &str) -> String {
        format!(
            "{{\"sessionID\":{},\"payExchangeInfoHead\":{},\"payExchangeInfoLists\":{},\"serviceTime\":\"{}\",\
             \"certNo\":{},\"signValue\":{}}}",
            quoted(&self.session),
            self.head(),
            self.lists(),
            self.service_time(),
            quoted(&certificate.to_uppercase()),
            quoted(signature)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> PaymentData {
        PaymentData {
            session: "fe2374-8fnejf97-32839218".into(),
            guid: "9D55BA71-55DE-41F4-8B50-C36C83B3B419".into(),
            original: Original {
                request: "r".into(),
                response: "ok".into(),
                verifier: Verifier::Other,
                channel: Channel::App,
            },
            platform: "6301960001".into(),
            institution: "312228034T".into(),
            transaction: "2025110100001".into(),
            total_minor: 44_731,
            paid_at: codes::read_moment("20251101093010").unwrap(),
            orders: vec![PaidOrder {
                number: "XN20251101000001".into(),
                goods: vec![("矿泉水".into(), "https://example.test/i/1".into())],
                account: "ACC1".into(),
                code: String::new(),
                holder: "示例平台".into(),
            }],
            sent_at: DateTime::from_timestamp_millis(1_761_960_610_000).unwrap(),
        }
    }

    #[test]
    fn what_is_signed_is_the_example_of_section_4_2() {
        let expected = "\"sessionID\":\"fe2374-8fnejf97-32839218\"||\"payExchangeInfoHead\":\"{\"guid\":\"9D55BA71-55DE-41F4-8B50-C36C83B3B419\",\"initalRequest\":\"r\",\"initalResponse\":\"ok\",\"ebpCode\":\"6301960001\",\"payCode\":\"312228034T\",\"payTransactionId\":\"2025110100001\",\"totalAmount\":447.31,\"currency\":\"142\",\"verDept\":\"3\",\"payType\":\"1\",\"tradingTime\":\"20251101093010\",\"note\":\"\"}\"||\"payExchangeInfoLists\":\"[{\"orderNo\":\"XN20251101000001\",\"goodsInfo\":[{\"gname\":\"矿泉水\",\"itemLink\":\"https://example.test/i/1\"}],\"recpAccount\":\"ACC1\",\"recpCode\":\"\",\"recpName\":\"示例平台\"}]\"||\"serviceTime\":\"1761960610000\"";
        assert_eq!(example().to_sign(), expected);
    }

    #[test]
    fn how_it_was_paid_is_told_as_the_announcement_numbers_it() {
        let told = |provider, method| (Verifier::of(provider).number(), Channel::of(method).number());
        for (provider, method, numbers) in [
            (ProviderKind::Wechat, Method::WechatJsapi, ("2", "1")),
            (ProviderKind::Stripe, Method::WechatPay, ("3", "3")),
            (ProviderKind::Stripe, Method::Alipay, ("3", "2")),
            (ProviderKind::Stripe, Method::Card, ("3", "2")),
            (ProviderKind::Bank, Method::BankTransfer, ("3", "4")),
        ] {
            assert_eq!(told(provider, method), numbers, "{provider:?} {method:?}");
        }
        assert_eq!(Verifier::UnionPay.number(), "1");
    }

    #[test]
    fn what_is_sent_is_json_and_has_the_signed_parts_in_it() {
        let original = Original { request: "a\"b\\c\n".into(), ..example().original };
        let data = PaymentData { original, ..example() };
        let sent = data.signed("0300de30", "c2ln");
        let read: serde_json::Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(read["certNo"], "0300DE30");
        assert_eq!(read["payExchangeInfoHead"]["initalRequest"], "a\"b\\c\n");
        assert!(sent.contains(&data.head()) && sent.contains(&data.lists()), "another text is sent than was signed");
        let amount = |minor| PaymentData { total_minor: minor, ..example() }.head();
        assert!(amount(41_000).contains("\"totalAmount\":410,") && amount(10).contains("\"totalAmount\":0.1,"));
    }
}
