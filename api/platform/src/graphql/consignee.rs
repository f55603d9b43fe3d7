//! Who takes goods in, as whoever may read it in clear reads it.

use async_graphql::SimpleObject;
use entities::values::Consignee;

/// Who takes the goods in, in clear (收货人明文).
#[derive(Clone, Debug, SimpleObject)]
pub struct RevealedConsignee {
    /// The name (姓名).
    name: String,
    /// The mobile number (手机号).
    mobile: String,
    /// Street and number (地址).
    address: String,
}

impl From<Consignee> for RevealedConsignee {
    fn from(it: Consignee) -> Self {
        Self { name: it.name, mobile: it.mobile, address: it.address }
    }
}
