//! Refusals: what the rules say no to. A refusal is a value with a code of one catalogue, the field
//! it speaks of and the values that its message names; accidents are not refusals.

use std::{collections::BTreeMap, fmt};

use super::localized::Locale;

/// Declares the catalogue: code, its description in the SDL, whether a repeat may succeed, and its
/// message in both languages with `{placeholders}`.
macro_rules! catalogue {
    ($($(#[$doc:meta])+ $name:ident { retryable: $retryable:literal, zh: $zh:literal, en: $en:literal })+) => {
        /// Why a mutation was refused (错误码). One catalogue for the whole schema; codes are added, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
        pub enum ErrorCode { $($(#[$doc])+ $name,)+ }

        impl ErrorCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as the API writes it: `INVALID_GTIN`.
            pub fn name(self) -> String {
                async_graphql::Value::from(self).to_string()
            }

            /// True when the same request may succeed later or after reading again.
            pub fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable,)+ }
            }

            /// The message with its placeholders, in Chinese for `zh`, otherwise in English.
            pub fn template(self, locale: &Locale) -> &'static str {
                let zh = locale.language() == "zh";
                match self { $(Self::$name => if zh { $zh } else { $en },)+ }
            }
        }
    };
}

catalogue! {
    /// A required value is missing (缺少必填项).
    Required { retryable: false, zh: "缺少必填项", en: "A value is required" }
    /// A value has the wrong form (格式不正确).
    InvalidValue { retryable: false, zh: "“{value}”格式不正确", en: "\"{value}\" has the wrong form" }
    /// A text is longer than allowed (文本过长).
    TooLong { retryable: false, zh: "最多 {max} 个字符", en: "At most {max} characters" }
    /// There are more entries than allowed (条目过多).
    TooMany { retryable: false, zh: "最多 {max} 项", en: "At most {max} entries" }
    /// A number is outside its range (数值超出范围).
    OutOfRange { retryable: false, zh: "应在 {min} 到 {max} 之间", en: "Must be between {min} and {max}" }
    /// The value is already in use (已被占用).
    AlreadyTaken { retryable: false, zh: "“{value}”已被占用", en: "\"{value}\" is already taken" }
    /// The same key stands twice in one request (重复).
    Duplicate { retryable: false, zh: "“{value}”重复出现", en: "\"{value}\" appears more than once" }
    /// What is referred to does not exist or may not be seen (不存在).
    NotFound { retryable: false, zh: "找不到“{value}”", en: "\"{value}\" was not found" }
    /// Someone else changed it meanwhile: read again and repeat (版本已过期).
    StaleVersion { retryable: true, zh: "内容已被他人修改，请刷新后重试", en: "It was changed meanwhile; read it again and repeat" }
    /// The state does not allow this step (状态不允许).
    IllegalTransition { retryable: false, zh: "状态为 {from} 时不能执行 {action}", en: "{action} is not possible while {from}" }
    /// The GTIN has a wrong length or check digit (商品条码无效).
    InvalidGtin { retryable: false, zh: "商品条码“{value}”位数或校验位不正确", en: "GTIN \"{value}\" has a wrong length or check digit" }
    /// The HS code is not ten digits of a tariff chapter (海关编码无效).
    InvalidHsCode { retryable: false, zh: "海关编码“{value}”无效", en: "\"{value}\" is no HS code" }
    /// The country is not an ISO 3166-1 alpha-2 code (国别无效).
    InvalidCountry { retryable: false, zh: "国别代码“{value}”无效", en: "\"{value}\" is no country code" }
    /// The unit is not of the customs table (计量单位无效).
    InvalidUnit { retryable: false, zh: "海关计量单位“{value}”无效", en: "\"{value}\" is no customs unit" }
    /// The currency is not an ISO 4217 code that prices may have (币种无效).
    InvalidCurrency { retryable: false, zh: "币种“{value}”无效", en: "\"{value}\" is no currency for prices" }
    /// The amount is negative, too large, or has more digits than its currency (金额无效).
    InvalidAmount { retryable: false, zh: "“{value}”不是有效的 {currency} 金额", en: "\"{value}\" is no amount in {currency}" }
    /// The slug is not lower-case letters, digits and single hyphens (短链接名无效).
    InvalidSlug { retryable: false, zh: "“{value}”只能由小写字母、数字和单个连字符组成", en: "\"{value}\" must be lower-case letters, digits and single hyphens" }
    /// Price tiers must rise in quantity and fall in price, from the minimum order on (阶梯价无效).
    InvalidPriceTiers { retryable: false, zh: "{currency} 阶梯价须从起订量开始，数量递增、单价递减", en: "{currency} tiers must start at the minimum order, rise in quantity and fall in price" }
    /// The minimum order must be a whole number of multiples (起订量无效).
    InvalidOrderStep { retryable: false, zh: "起订量 {moq} 须为包装倍数 {multiple} 的整数倍", en: "The minimum order {moq} must be a whole number of multiples of {multiple}" }
    /// Products hang on leaf categories only (须选末级类目).
    CategoryNotLeaf { retryable: false, zh: "类目“{value}”不是末级类目", en: "Category \"{value}\" has subcategories; choose one of them" }
    /// The category does not have this attribute (属性不适用).
    AttributeNotAllowed { retryable: false, zh: "该类目没有属性“{value}”", en: "The category has no attribute \"{value}\"" }
    /// The attribute's value is not of its kind (属性值类型不符).
    AttributeMistyped { retryable: false, zh: "属性“{attribute}”应为 {kind}，不能是“{value}”", en: "Attribute \"{attribute}\" takes {kind}, not \"{value}\"" }
    /// What is published needs names in Chinese and English and at least one variant (资料不完整).
    Incomplete { retryable: false, zh: "提交前须补齐：{missing}", en: "Missing before it can go on: {missing}" }
    /// The same change is already waiting for a decision (变更待审核).
    ChangePending { retryable: false, zh: "相同的变更正在等待审核", en: "The same change is already waiting for a decision" }
    /// The organisation does not have the role that this needs (组织角色不符).
    WrongRole { retryable: false, zh: "组织“{value}”没有 {role} 角色", en: "Organisation \"{value}\" is no {role}" }
    /// Another row of the same request was refused and the policy is `REJECT_ALL` (整批拒绝).
    BatchRejected { retryable: false, zh: "同批其他行有误，整批未写入", en: "Another row was refused, so none was written" }
}

/// One refusal: the code, where it points to, and what its message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code of the catalogue.
    pub code: ErrorCode,
    /// Path of the input field it speaks of (`["variants", "0", "gtin"]`); empty for the whole input.
    pub field: Vec<String>,
    /// Values for the message's placeholders; also given to the client as `details`.
    pub details: BTreeMap<&'static str, String>,
}

/// All that is wrong with one input.
pub type Refusals = Vec<Refusal>;

impl Refusal {
    /// A refusal of the whole input.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, field: Vec::new(), details: BTreeMap::new() }
    }

    /// The same with a value for a placeholder.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.details.insert(key, value.into());
        self
    }

    /// The same, one step further out: `at("gtin")` then `at("0")` then `at("variants")`.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field.insert(0, field.into());
        self
    }

    /// The message in a language.
    pub fn message(&self, locale: &Locale) -> String {
        let mut message = self.code.template(locale).to_owned();
        for (key, value) in &self.details {
            message = message.replace(&format!("{{{key}}}"), value);
        }
        message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field.join("."))?;
        }
        f.write_str(&self.message(&Locale::en()))
    }
}

impl std::error::Error for Refusal {}

/// Collects refusals while a whole input is checked, so that a client sees all of them at once.
#[derive(Debug, Default)]
pub struct Check(pub Refusals);

impl Check {
    /// Takes the value, or notes the refusal under `field`.
    pub fn take<T>(&mut self, field: &str, result: Result<T, Refusal>) -> Option<T> {
        result.map_err(|refusal| self.0.push(refusal.at(field))).ok()
    }

    /// Notes a refusal under `field` unless `holds`.
    pub fn demand(&mut self, holds: bool, field: &str, refusal: impl FnOnce() -> Refusal) {
        if !holds {
            self.0.push(refusal().at(field));
        }
    }

    /// Ends the check: the value, or everything that was noted.
    pub fn done<T>(self, value: T) -> Result<T, Refusals> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}
