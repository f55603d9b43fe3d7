//! Who takes goods in.

use serde::{Deserialize, Serialize};

use super::{
    MobileNumber, Refusals,
    identity::masked_name,
    refusal::{Check, line},
};

/// Who takes goods in, and where (收货人). Personal data: kept sealed, shown masked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignee {
    /// The name.
    pub name: String,
    /// The mobile number.
    pub mobile: String,
    /// Street and number.
    pub address: String,
}

// Personal data stays out of logs.
impl std::fmt::Debug for Consignee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Consignee")
    }
}

impl Consignee {
    /// Checked, and as it may be shown: `张** 138****0000`; or all that is wrong with it, under `consignee`.
    pub fn checked(&self) -> Result<(Self, String), Refusals> {
        let mut check = Check::default();
        let name = check.take("name", line(&self.name, 60));
        let mobile = check.take("mobile", self.mobile.trim().parse::<MobileNumber>());
        let address = check.take("address", line(&self.address, 200));
        match (name, mobile, address) {
            (Some(name), Some(mobile), Some(address)) => {
                let masked = format!("{} {}", masked_name(&name), mobile.masked());
                Ok((Self { name, mobile: mobile.reveal().to_owned(), address }, masked))
            }
            _ => Err(check.0.into_iter().map(|refusal| refusal.at("consignee")).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Consignee;

    fn of(name: &str, mobile: &str, address: &str) -> Consignee {
        Consignee { name: name.into(), mobile: mobile.into(), address: address.into() }
    }

    #[test]
    fn a_consignee_is_tidied_and_masked() {
        let (kept, masked) = of(" 张三丰 ", " 13800000000", "胜利路 1 号 ").checked().unwrap();
        assert_eq!(kept, of("张三丰", "13800000000", "胜利路 1 号"));
        assert_eq!(masked, "张** 138****0000");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_where() {
        let wrong = of("", "123", "\u{0}").checked().unwrap_err();
        let paths: Vec<String> = wrong.iter().map(|refusal| format!("{refusal:?}")).collect();
        assert_eq!(paths.len(), 3);
        assert!(paths.iter().all(|path| path.contains("consignee")), "{paths:?}");
    }

    #[test]
    fn it_says_nothing_in_a_log() {
        assert_eq!(format!("{:?}", of("张三", "13800000000", "胜利路")), "Consignee");
    }
}
