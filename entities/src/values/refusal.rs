//! Refusals: what the rules say no to. A refusal is a value with a code of one catalogue, the field
//! it speaks of and the values that its message names; accidents are not refusals.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::localized::Locale;

/// Declares the catalogue: code, its description in the SDL, whether a repeat may succeed, and its
/// message in both languages with `{placeholders}`.
macro_rules! catalogue {
    ($($(#[$doc:meta])+ $name:ident { retryable: $retryable:literal, zh: $zh:literal, en: $en:literal })+) => {
        /// Why a mutation was refused (错误码). One catalogue for the whole schema; codes are added, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
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
    /// Who comes, or who receives visitors, has something else at that time (时间冲突).
    AlreadyBooked { retryable: false, zh: "{value} 已有其他预约", en: "Something else is booked at {value}" }
    /// It is somebody else's: the card is not that of who ordered (非本人).
    WrongPerson { retryable: false, zh: "证件与订购人不一致", en: "The card is not that of who ordered" }
    /// It cannot go while something uses it (仍在使用).
    InUse { retryable: false, zh: "仍有 {count} 项在使用", en: "{count} of it are still in use" }
    /// The slot is not there any more (陈列位已停用).
    SlotRetired { retryable: false, zh: "陈列位“{value}”已停用", en: "Slot \"{value}\" is not there any more" }
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
    /// There is not as much of it, or it is promised to others (库存不足).
    OutOfStock { retryable: false, zh: "库存不足，可用 {available}", en: "Not enough in stock: {available} available" }
    /// What was held is not held any more (占用已过期).
    HoldExpired { retryable: false, zh: "占用已过期", en: "What was held is not held any more" }
    /// Goods under this customs status do not lie in such a place (海关状态不符).
    WrongCustomsStatus { retryable: false, zh: "{kind} 不能存放海关状态为 {status} 的货物", en: "Goods that are {status} do not lie in a {kind}" }
    /// The account book of customs does not have as much (账册余量不足).
    BookShort { retryable: false, zh: "账册余量不足，可用 {available}", en: "The account book has only {available} available" }
    /// The price is another one than the buyer saw (价格已变化).
    PriceChanged { retryable: false, zh: "价格已变为 {price}", en: "The price has become {price}" }
    /// It cannot be bought: not offered any more, one's own, or not for this kind of buyer (不可购买).
    NotForSale { retryable: false, zh: "该商品当前不可购买", en: "It cannot be bought at the moment" }
    /// Less than the minimum order (低于起订量).
    BelowMinimumOrder { retryable: false, zh: "起订量为 {min}", en: "The minimum order is {min}" }
    /// Not a whole number of packs (须为包装倍数).
    NotAMultiple { retryable: false, zh: "数量须为 {multiple} 的整数倍", en: "The quantity must be a multiple of {multiple}" }
    /// It is not priced in this currency; retail imports are sold in CNY only (无该币种价格).
    NoPriceInCurrency { retryable: false, zh: "没有 {currency} 价格（零售进口仅以人民币销售）", en: "It has no price in {currency}; retail imports are sold in CNY" }
    /// Goods are imported for a person whose name and resident ID are known (须先实名).
    IdentityRequired { retryable: false, zh: "购买进口商品须先提供订购人姓名和身份证号", en: "To buy imported goods, give your name and resident ID first" }
    /// The quote is not one of this house, or of another buyer (报价单无效).
    QuoteInvalid { retryable: false, zh: "报价单无效", en: "The quote is not valid" }
    /// The quote does not hold any more: ask for another (报价单已过期).
    QuoteExpired { retryable: false, zh: "报价单已过期，请重新获取", en: "The quote does not hold any more; ask for another" }
    /// The quote was placed before (报价单已使用).
    QuoteUsed { retryable: false, zh: "报价单已下单", en: "The quote was placed before" }
    /// More than a limit leaves, or there is none (超过额度).
    LimitExceeded { retryable: false, zh: "超过额度，剩余 {free}", en: "Above the limit; {free} is left" }
    /// Customs has not released the goods (海关未放行).
    NotReleased { retryable: false, zh: "海关尚未放行", en: "Customs has not released the goods" }
    /// More than 30 days have passed since the release (超过退货期限).
    ReturnTooLate { retryable: false, zh: "已超过退货申请期限（{last}）", en: "A return could be asked for until {last}" }
    /// Declared simplified are goods that need no licence, bear no export duty and have no tax refund (不能简化申报).
    SimplifiedNotAllowed { retryable: false, zh: "涉许可证、出口关税或出口退税的商品不能简化申报（A），请汇总申报（B）", en: "Goods that need a licence, bear an export duty or have a tax refund cannot be declared simplified (A); summarise them (B)" }
    /// A message is no customs message, or says what it must not (报文无效).
    MessageInvalid { retryable: false, zh: "报文无效：{reason}", en: "The message is not valid: {reason}" }
    /// The signature of a message is not right, or not of who sends it (签名无效).
    SignatureInvalid { retryable: false, zh: "签名无效：{reason}", en: "The signature is not valid: {reason}" }
    /// The guarantee does not leave as much (担保余额不足).
    GuaranteeShort { retryable: false, zh: "担保余额不足，可用 {available} 元", en: "The guarantee leaves CNY {available}" }
    /// Somebody holds the shipment (运单被扣留).
    OnHold { retryable: false, zh: "运单被扣留：{reason}", en: "The shipment is held: {reason}" }
    /// It weighs other than it was packed (重量不符).
    WeightMismatch { retryable: false, zh: "过磅重量 {value} 克与打包重量 {expected} 克不符（允许误差 {tolerance}‰）", en: "It weighs {value} g and was packed with {expected} g; {tolerance} per mille are allowed" }
    /// The SSCC has a wrong length or check digit (SSCC 无效).
    InvalidSscc { retryable: false, zh: "SSCC“{value}”位数或校验位不正确", en: "SSCC \"{value}\" has a wrong length or check digit" }
    /// The SSCC is under the prefix that the house numbers with (SSCC 属于本仓前缀).
    SsccOfHouse { retryable: false, zh: "SSCC“{value}”属于本仓前缀 {prefix}，由系统编号，请留空", en: "SSCC \"{value}\" is under the house's own prefix {prefix}, which it numbers itself; leave it out" }
    /// Only who carries the last leg says how a shipment ends (非末段承运商).
    NotLastLeg { retryable: false, zh: "{value} 只能由末段承运商上报", en: "{value} is reported by the carrier of the last leg only" }
    /// Only who reported an event, or the house, declares it in error (非上报方).
    NotReporter { retryable: false, zh: "只有上报方或平台可以声明该事件有误", en: "Only who reported the event, or the house, declares it in error" }
    /// The goods are not filed in the account book of the warehouse (账册未备案).
    NotFiled { retryable: false, zh: "仓库 {location} 的账册中没有备案该商品", en: "The account book of {location} has no item of these goods" }
    /// Who did the one step may not do the other (需他人复核).
    MakerChecker { retryable: false, zh: "须由另一人复核", en: "Somebody else has to look at it" }
    /// The provider said no to the payment (支付被拒).
    PaymentRefused { retryable: false, zh: "支付被拒绝：{reason}", en: "The payment was refused: {reason}" }
    /// The provider does not answer; the same request may succeed later (支付渠道暂不可用).
    PaymentUnavailable { retryable: true, zh: "支付渠道暂时无响应，请稍后重试", en: "The payment provider does not answer; repeat it in a moment" }
    /// This installation has no such provider (支付渠道未开通).
    NoProvider { retryable: false, zh: "未开通支付渠道 {value}", en: "There is no payment provider {value}" }
    /// There is not as much left of a payment (可退金额不足).
    OverRefund { retryable: false, zh: "可退金额仅余 {available}", en: "Only {available} of the payment can be given back" }
    /// Receipts do not add up to what was asked (到账金额不符).
    AmountMismatch { retryable: false, zh: "到账合计 {value}，应为 {expected}", en: "The receipts add up to {value}, not to {expected}" }
    /// Nothing is owed to anyone in this currency (无可结算金额).
    NothingDue { retryable: false, zh: "{currency} 没有可结算的金额", en: "Nothing is due in {currency} to sellers with an account for it" }
    /// The organisation does not have the role that this needs (组织角色不符).
    WrongRole { retryable: false, zh: "组织“{value}”没有 {role} 角色", en: "Organisation \"{value}\" is no {role}" }
    /// The same `clientMutationId` came with another input before (幂等键已被使用).
    IdempotencyKeyReused { retryable: false, zh: "该 clientMutationId 已用于另一请求", en: "This clientMutationId was used for another request" }
    /// The same request is being carried out at this moment (正在处理).
    InProgress { retryable: true, zh: "相同的请求正在处理，请稍后重试", en: "The same request is being carried out; repeat it in a moment" }
    /// Name or password is wrong (用户名或密码错误).
    SignInRefused { retryable: false, zh: "用户名或密码不正确", en: "Name or password is wrong" }
    /// Too many failed attempts: wait (尝试次数过多).
    TooManyAttempts { retryable: true, zh: "失败次数过多，请在 {minutes} 分钟后重试", en: "Too many failed attempts; try again in {minutes} minutes" }
    /// The refresh token is not good, or not any more: sign in again (刷新令牌无效).
    RefreshRefused { retryable: false, zh: "登录已失效，请重新登录", en: "The session is over; sign in again" }
    /// The password is shorter than allowed, or among the most used ones (密码过弱).
    WeakPassword { retryable: false, zh: "密码至少 {min} 位，且不能是常用密码", en: "A password has at least {min} characters and is not a common one" }
    /// The invitation is over, taken back, or for someone else (邀请无效).
    InvitationInvalid { retryable: false, zh: "邀请无效、已过期，或不是发给您的", en: "The invitation is not valid, not any more, or not for you" }
    /// An organisation keeps an owner: the last one cannot go (须保留所有者).
    LastOwner { retryable: false, zh: "组织须至少保留一名所有者", en: "An organisation keeps at least one owner" }
    /// The organisation's roles do not carry this role of a member (成员角色不适用).
    RoleNotAllowed { retryable: false, zh: "该组织不能设置成员角色 {role}", en: "This organisation has no members with the role {role}" }
    /// The key is not an Ed25519 or P-256 public key (公钥无效).
    InvalidKey { retryable: false, zh: "公钥须为 Ed25519 或 P-256 的 JWK", en: "The key must be the JWK of an Ed25519 or P-256 public key" }
    /// The address is not https, or leads into a private network (回调地址不允许).
    AddressNotAllowed { retryable: false, zh: "地址不允许：{reason}", en: "The address is not allowed: {reason}" }
    /// The name of the account and its resident ID do not hold together, or the `WeChat` code is not good (验证未通过).
    NotVerified { retryable: false, zh: "验证未通过：{reason}", en: "Not verified: {reason}" }
    /// Another row of the same request was refused and the policy is `REJECT_ALL` (整批拒绝).
    BatchRejected { retryable: false, zh: "同批其他行有误，整批未写入", en: "Another row was refused, so none was written" }
    /// The resident identity number has a wrong length, region, birth date or check character (居民身份证号无效).
    InvalidResidentId { retryable: false, zh: "居民身份证号的位数、地区、出生日期或校验码不正确", en: "The resident identity number has a wrong length, region, birth date or check character" }
    /// The unified social credit code has a wrong length, character or check character (统一社会信用代码无效).
    InvalidUscc { retryable: false, zh: "统一社会信用代码“{value}”的位数、字符或校验码不正确", en: "Unified social credit code \"{value}\" has a wrong length, character or check character" }
    /// The organisation code has a wrong length, character or check character (组织机构代码无效).
    InvalidOrganisationCode { retryable: false, zh: "组织机构代码“{value}”的位数、字符或校验码不正确", en: "Organisation code \"{value}\" has a wrong length, character or check character" }
    /// The customs registration is not four digits and six digits or capitals (海关注册编码无效).
    InvalidCustomsRegistration { retryable: false, zh: "海关注册编码“{value}”无效", en: "\"{value}\" is no customs registration code" }
    /// The number is no mobile number of mainland China (手机号无效).
    InvalidMobile { retryable: false, zh: "手机号无效，应为中国大陆 11 位手机号", en: "It is no mobile number of mainland China, which has 11 digits" }
    /// The e-mail address has the wrong form (邮箱无效).
    InvalidEmail { retryable: false, zh: "邮箱格式不正确", en: "The e-mail address has the wrong form" }
    /// No tariff row is in force for the HS code on the day (无适用税率).
    NoTariff { retryable: false, zh: "商品编码 {hs} 在 {date} 没有适用的税率", en: "No tariff row is in force for HS code {hs} on {date}" }
    /// The goods are counted in other legal units than the tariff has for their code (法定单位不符).
    UnitsDiffer { retryable: false, zh: "商品编码 {hs} 的法定单位为 {units}，商品资料为 {said}", en: "The tariff counts HS code {hs} in {units}, the goods say {said}" }
    /// The goods are described otherwise than they were filed (商品资料与备案不符).
    FilingOutdated { retryable: false, zh: "商品资料已变更为 {now}，请重新备案", en: "The goods are described as {now} now; file them anew" }
    /// The order is above the single limit and holds more than one item (超过单次交易限值).
    OverSingleLimit { retryable: false, zh: "完税价格 {value} 元超过单次交易限值 {max} 元，且不止一件商品，请拆分订单", en: "The dutiable price of CNY {value} is above the single limit of CNY {max}, and there is more than one item; split the order" }
    /// The order would take the buyer above the annual limit (超过个人年度交易限值).
    OverAnnualLimit { retryable: false, zh: "超过订购人年度交易限值 {max} 元", en: "The buyer would be above the annual limit of CNY {max}" }
    /// A person may not buy so much of these goods (超过个人限购数量).
    OverQuantityCap { retryable: false, zh: "商品编码 {hs} 每人限购 {max} {unit}", en: "One person may buy {max} {unit} of HS {hs}" }
    /// The goods are not on the positive list of retail import (不在零售进口清单内).
    NotOnImportList { retryable: false, zh: "商品编码 {hs} 在 {date} 不在跨境电商零售进口商品清单内", en: "HS code {hs} is not on the positive list of retail import on {date}" }
    /// The positive list has the goods for bonded retail import only (仅限网购保税商品).
    BondedOnly { retryable: false, zh: "商品编码 {hs} 仅限网购保税进口（1210）", en: "HS code {hs} may be imported in bonded retail import (1210) only" }
    /// What is asked is not allowed at this place (此处不允许).
    NotAllowedHere { retryable: false, zh: "此处不允许：{what}（依据：{source}）", en: "Not allowed here: {what} (by {source})" }
    /// The offer has no price in the currency that it is sold in here (无该币种价格).
    NotPriced { retryable: false, zh: "该报价没有 {currency} 价格", en: "The offer has no price in {currency}" }
    /// No dutiable price gives this price with tax, because the tax leaps over it (含税价无对应完税价格).
    PriceInGap { retryable: false, zh: "该含税价没有对应的完税价格，请定为不高于 {below} 元或不低于 {from} 元", en: "No dutiable price gives this price with tax; take at most CNY {below} or at least CNY {from}" }
    /// Quotations are under seal until the deadline (密封报价未开标).
    Sealed { retryable: true, zh: "密封报价，{until} 后方可开标", en: "Quotations are under seal until {until}" }
    /// The deadline is over, or it is not open for this any more (已截止).
    WindowClosed { retryable: false, zh: "已于 {until} 截止", en: "It was closed at {until}" }
    /// More comes than was ordered and the tolerance lets (超收).
    OverReceipt { retryable: false, zh: "超过订购数量与容差，累计最多可收 {max}", en: "More than was ordered and the tolerance lets; at most {max} in all" }
    /// Invoice, order and receipts do not agree (三单不符).
    MatchException { retryable: false, zh: "三单不符：第 {lines} 行", en: "Invoice, order and receipts do not agree: {lines}" }
    /// The invoice was recorded before (发票重复).
    DuplicateInvoice { retryable: false, zh: "发票“{number}”已登记", en: "Invoice \"{number}\" was recorded before" }
    /// The buyer buys nothing of this supplier at present (供应商已停用).
    SupplierBlocked { retryable: false, zh: "供应商已停用：{reason}", en: "The supplier is blocked: {reason}" }
    /// The approver's level is below that of the step (审批级别不足).
    LevelTooLow { retryable: false, zh: "需要 {level} 级审批", en: "It needs an approver of level {level}" }
    /// It is no number of such an invoice (发票号码无效).
    InvalidInvoiceNumber { retryable: false, zh: "“{value}”不是有效的发票号码", en: "\"{value}\" is no number of such an invoice" }
    /// The items of a batch are not as many, or do not come to what it says (批次合计不符).
    ControlSumMismatch { retryable: false, zh: "批次合计为 {value}，报送为 {expected}", en: "The items come to {value}, not to {expected}" }
    /// The programme does not take it (不符合准入规则).
    NotEligible { retryable: false, zh: "不符合准入规则：{reasons}", en: "The programme does not take it: {reasons}" }
    /// It is financed, or in another request (已被占用).
    AlreadyEncumbered { retryable: false, zh: "该应收账款已被占用或融资", en: "It is financed, or in another request" }
    /// What has to be done before money is paid out is not all done (放款条件未落实).
    ConditionsPending { retryable: true, zh: "放款条件尚未落实：{conditions}", en: "What has to be done before money is paid out is not done: {conditions}" }
    /// The offer says something else than what was read (报价已变化).
    TermsChanged { retryable: false, zh: "报价内容与所确认的不一致，请重新查看", en: "The offer is another one than was read; look at it again" }
    /// The offer cannot be taken any more (报价已过期).
    OfferExpired { retryable: false, zh: "报价已于 {until} 过期", en: "The offer could be taken until {until}" }
    /// The weights do not add up to 100 (权重合计须为 100).
    InvalidWeights { retryable: false, zh: "权重合计为 {sum}，须为 100", en: "The weights add up to {sum}, not to 100" }
}

/// One refusal: the code, where it points to, and what its message names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// The code of the catalogue.
    pub code: ErrorCode,
    /// Path of the input field it speaks of (`["variants", "0", "gtin"]`); empty for the whole input.
    pub field: Vec<String>,
    /// Values for the message's placeholders; also given to the client as `details`.
    pub details: BTreeMap<Cow<'static, str>, String>,
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
        self.details.insert(key.into(), value.into());
        self
    }

    /// The same, one step further out: `at("gtin")` then `at("0")` then `at("variants")`.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field.insert(0, field.into());
        self
    }

    /// A step that a state does not let. The state is shown as the API writes it.
    pub fn illegal(from: impl Into<async_graphql::Value>, action: impl Into<String>) -> Self {
        let from: async_graphql::Value = from.into();
        Self::new(ErrorCode::IllegalTransition).with("from", from.to_string()).with("action", action)
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

/// A line of text that people wrote: trimmed, not empty, without control characters, at most `max` long.
pub fn line(text: &str, max: usize) -> Result<String, Refusal> {
    written(text, max, char::is_control)
}

/// The same for a text of several lines.
pub fn paragraph(text: &str, max: usize) -> Result<String, Refusal> {
    written(text, max, |c| c.is_control() && c != '\n' && c != '\t')
}

fn written(text: &str, max: usize, unfit: impl Fn(char) -> bool) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::new(ErrorCode::Required));
    }
    if text.chars().count() > max {
        return Err(Refusal::new(ErrorCode::TooLong).with("max", max.to_string()));
    }
    if text.chars().any(unfit) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "control character"));
    }
    Ok(text.to_owned())
}

/// What somebody wrote; nothing but spaces is nothing.
pub fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// A SHA-256 in hex, in small letters.
pub fn sha256(text: &str) -> Result<String, Refusal> {
    let fits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if fits { Ok(text.to_owned()) } else { Err(Refusal::new(ErrorCode::InvalidValue).with("value", "sha256")) }
}

/// Some lines, and no more than may be.
pub fn few(lines: usize, most: usize) -> Result<(), Refusal> {
    match lines {
        0 => Err(Refusal::new(ErrorCode::Required).at("lines")),
        n if n > most => Err(Refusal::new(ErrorCode::TooMany).with("max", most.to_string()).at("lines")),
        _ => Ok(()),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_stands_between_its_spaces() {
        for (text, expected) in [
            (" 仓库 A ", Ok("仓库 A")),
            ("12345678", Ok("12345678")),
            ("", Err(ErrorCode::Required)),
            ("  ", Err(ErrorCode::Required)),
            ("123456789", Err(ErrorCode::TooLong)),
            ("a\nb", Err(ErrorCode::InvalidValue)),
        ] {
            let read = line(text, 8).map_err(|refusal| refusal.code);
            assert_eq!(read.as_deref().map_err(|code| *code), expected, "{text:?}");
        }
    }

    #[test]
    fn spaces_are_nothing_that_was_written() {
        for (text, expected) in [(None, None), (Some(""), None), (Some(" \t"), None), (Some(" a "), Some(" a "))] {
            assert_eq!(given(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_sha256_is_64_small_hexadecimal_digits() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(sha256(&hash), Ok(hash.clone()));
        for wrong in [
            "",
            &hash[1..],
            &format!("{hash}0"),
            &hash.to_uppercase(),
            &hash.replace('a', "g"),
            &format!(" {}", &hash[1..]),
            // As many bytes, and no digits.
            &hash.replace("ab", "é"),
        ] {
            let refusal = sha256(wrong).unwrap_err();
            assert_eq!(
                (refusal.code, refusal.details["value"].as_str()),
                (ErrorCode::InvalidValue, "sha256"),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn some_lines_are_at_least_one_and_at_most_so_many() {
        for (lines, code) in [(0, Some(ErrorCode::Required)), (1, None), (3, None), (4, Some(ErrorCode::TooMany))] {
            assert_eq!(few(lines, 3).err().map(|refusal| refusal.code), code, "{lines}");
        }
    }
}
