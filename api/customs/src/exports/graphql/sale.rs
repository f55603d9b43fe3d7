//! What is declared of an export, as it is sent.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entities::{
    customs::{
        codes,
        export::{
            facts::{
                ExportLine as Line, ExportMode, ExportSale, Facts, MoneyReceived, OverseasWarehouse, Owner,
                SpecialArea, StatisticsFlag,
            },
            rules::LINES,
        },
        sale::Party,
    },
    values::{
        CountryCode, Currency, CustomsUnit, ErrorCode, Gtin, Refusal, Refusals,
        refusal::{self, Check},
    },
};
use platform::{error::Error, graphql::scalars::MoneyInput};

/// Longest note of a paper: the schema takes more, and nobody reads it.
pub(super) const LONGEST_NOTE: usize = 300;

/// What is declared of an export (出口申报内容).
#[derive(InputObject)]
pub(super) struct ExportSaleInput {
    /// The supervision mode (监管方式).
    mode: ExportMode,
    /// Simplified, or summarised at the end of the month (申报业务类型).
    flag: StatisticsFlag,
    /// The number of the order on its platform; not of 9810, whose booking stands for it (订单编号).
    order_number: Option<String>,
    /// The platform's code at customs; left out: it has none (电商平台代码).
    platform_code: Option<String>,
    /// The platform's name; not of 9810, whose warehouse stands for it (电商平台名称).
    platform_name: Option<String>,
    /// Of 9810: the warehouse and the booking (海外仓).
    warehouse: Option<OverseasWarehouseInput>,
    /// Of 1210: the company in the area, and its account book (区内企业).
    area: Option<SpecialAreaInput>,
    /// The code of who made or sold the goods; left out: it is not registered (生产销售单位代码).
    owner_code: Option<String>,
    /// Its name (生产销售单位名称).
    owner_name: String,
    /// What the goods are sold in, ISO 4217 (币制).
    currency: String,
    /// Freight, all of it, in the currency of the goods (运费).
    freight: MoneyInput,
    /// Insurance, all of it, in the currency of the goods (保险费).
    insurance: MoneyInput,
    /// What the goods are worth in CNY, of 9710 and 9810 in another currency (人民币货值).
    value_in_cny: Option<MoneyInput>,
    /// Where they go, ISO 3166 (运抵国).
    destination: String,
    /// At which port they arrive, three or four characters of customs (指运港).
    port_of_destination: String,
    /// Where it is declared, four digits (申报地海关).
    customs_code: String,
    /// Where the goods leave the country, four digits (口岸海关).
    port_code: String,
    /// The site under supervision, at most ten characters (监管场所代码).
    site_code: Option<String>,
    /// How they leave: one character of customs, `5` is air (运输方式).
    traf_mode: String,
    /// The licence, when there is one; goods with one are not simplified (许可证件号).
    licence_number: Option<String>,
    /// How they are packed: one character of customs, `2` is a carton (包装种类).
    #[graphql(default_with = "String::from(\"2\")")]
    wrap: String,
    /// How many packages (件数).
    #[graphql(default = 1)]
    packs: i32,
    /// Gross weight in grams (毛重).
    gross_weight_g: i64,
    /// Net weight in grams (净重).
    net_weight_g: i64,
    /// The carrier's number of the parcel, at most 32 characters (物流运单编号).
    waybill: String,
    /// Money that came for it: of 9610, as long as customs wants to know of it (收款信息).
    received: Option<MoneyReceivedInput>,
    /// What else is said (备注).
    note: Option<String>,
    /// The goods, at most 100 lines (商品).
    lines: Vec<ExportLineInput>,
}

/// A warehouse abroad, and the booking there (海外仓).
#[derive(InputObject)]
pub(super) struct OverseasWarehouseInput {
    /// The name of the warehouse (海外仓名称).
    name: String,
    /// The number of the booking (订仓单号).
    booking_number: String,
}

/// A company in an area under special supervision (区内企业).
#[derive(InputObject)]
pub(super) struct SpecialAreaInput {
    /// Its code at customs (区内企业代码).
    code: String,
    /// Its name (区内企业名称).
    name: String,
    /// The number of its account book (账册编号).
    book: String,
}

/// Money that came for an export (收款信息).
#[derive(InputObject)]
pub(super) struct MoneyReceivedInput {
    /// The institution's code, when it has one (支付企业代码).
    payer_code: Option<String>,
    /// The institution's name (支付企业名称).
    payer_name: String,
    /// Its number of the payment (支付编号).
    number: Option<String>,
    /// How much (收款金额).
    charge: MoneyInput,
    /// When it was booked (到账时间).
    at: DateTime<Utc>,
}

/// A line of an export (商品).
#[derive(InputObject)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by customs")]
pub(super) struct ExportLineInput {
    /// The seller's article number, at most 20 characters (商品货号).
    item_no: String,
    /// Of 1210: its number in the account book (账册备案料号).
    record_number: Option<String>,
    /// The tariff code: ten digits, or of simplified ones as many as are declared (商品编码).
    hs_code: String,
    /// The name as it is declared (商品名称).
    name: String,
    /// The specification as it is declared (规格型号).
    specification: String,
    /// The barcode, when it has one (条码).
    barcode: Option<String>,
    /// The unit in which it is sold, customs' number (申报计量单位).
    unit: String,
    /// How many, at most five decimals (申报数量).
    quantity: String,
    /// The first legal unit, customs' number (法定计量单位).
    unit1: String,
    /// How many of it (法定数量).
    quantity1: String,
    /// The second legal unit, when the tariff names one (第二法定计量单位).
    unit2: Option<String>,
    /// How many of it (第二法定数量).
    quantity2: Option<String>,
    /// Price of one, FOB, in the currency of the export (单价).
    unit_price: MoneyInput,
    /// Whether it needs a licence (涉证).
    #[graphql(default)]
    licence: bool,
    /// Whether it must be inspected (涉检).
    #[graphql(default)]
    inspection: bool,
    /// Whether an export duty is owed for it (涉出口关税).
    #[graphql(default)]
    duty: bool,
    /// Whether its taxes are to be refunded (出口退税).
    #[graphql(default)]
    refund: bool,
}

/// Reads what was sent of an export; all that is wrong with its form at once. What each mode wants is the rules' business.
impl ExportSaleInput {
    pub(super) fn read(self) -> Result<ExportSale, Error> {
        let mut check = Check::default();
        let warehouse = self.warehouse.map(|of| {
            within(&mut check, "warehouse", |check| OverseasWarehouse {
                name: check.take("name", refusal::line(&of.name, 100)).unwrap_or_default(),
                booking: check.take("bookingNumber", refusal::line(&of.booking_number, 60)).unwrap_or_default(),
            })
        });
        // The booking stands for the order, the warehouse for the platform.
        let (order_no, platform_name) = if let Some(of) = &warehouse {
            (of.booking.clone(), of.name.clone())
        } else {
            let mut text = |field: &str, value: Option<String>, most: usize| {
                check.take(field, refusal::line(&value.unwrap_or_default(), most)).unwrap_or_default()
            };
            (text("orderNumber", self.order_number, 60), text("platformName", self.platform_name, 100))
        };
        let platform_code = optional(&mut check, "platformCode", self.platform_code.as_deref(), 18);
        // A foreign platform has none, which is written so.
        let platform_code = platform_code.unwrap_or_else(|| codes::NO_BARCODE.to_owned());
        let area = self.area.map(|of| {
            within(&mut check, "area", |check| SpecialArea {
                company: Party {
                    code: check.take("code", refusal::line(&of.code, 18)).unwrap_or_default(),
                    name: check.take("name", refusal::line(&of.name, 100)).unwrap_or_default(),
                },
                book: check.take("book", refusal::line(&of.book, 30)).unwrap_or_default(),
            })
        });
        let owner = Owner {
            code: optional(&mut check, "ownerCode", self.owner_code.as_deref(), 18),
            name: check.take("ownerName", refusal::line(&self.owner_name, 100)).unwrap_or_default(),
        };
        let currency = check.take("currency", self.currency.parse::<Currency>());
        let destination = check.take("destination", self.destination.parse::<CountryCode>());
        let site_code = optional(&mut check, "siteCode", self.site_code.as_deref(), 10);
        let licence_no = optional(&mut check, "licenceNumber", self.licence_number.as_deref(), 19);
        let waybill = check.take("waybill", refusal::line(&self.waybill, 32)).unwrap_or_default();
        let note = optional(&mut check, "note", self.note.as_deref(), LONGEST_NOTE);
        let (freight, insurance) = (self.freight.read("freight")?, self.insurance.read("insurance")?);
        let value = self.value_in_cny.map(|value| value.read("valueInCny")).transpose()?;
        if let Some(value) = value.filter(|value| value.currency != Currency::CNY) {
            let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", value.currency.code());
            check.0.push(refusal.at("currency").at("valueInCny"));
        }
        let received = match self.received {
            None => None,
            Some(of) => {
                let charge = of.charge.read("charge").map_err(|error| match error {
                    Error::Refused(wrong) => Error::Refused(inside("received", wrong)),
                    other => other,
                })?;
                Some(within(&mut check, "received", |check| MoneyReceived {
                    payer_code: optional(check, "payerCode", of.payer_code.as_deref(), 18),
                    payer_name: check.take("payerName", refusal::line(&of.payer_name, 100)).unwrap_or_default(),
                    number: optional(check, "number", of.number.as_deref(), 60),
                    charge,
                    at: of.at,
                }))
            }
        };
        let lines = read_lines(&mut check, self.lines, currency)?;
        let (Some(currency), Some(destination)) = (currency, destination) else { return Err(check.0.into()) };
        let facts = Facts {
            mode: self.mode,
            flag: self.flag,
            order_no,
            platform: Party { code: platform_code, name: platform_name },
            owner,
            area,
            warehouse,
            currency,
            freight,
            insurance,
            value_cny_minor: value.map(|value| value.minor),
            destination,
            port_of_destination: self.port_of_destination.trim().to_owned(),
            customs_code: self.customs_code.trim().to_owned(),
            port_code: self.port_code.trim().to_owned(),
            site_code,
            traf_mode: self.traf_mode.trim().to_owned(),
            licence_no,
            wrap: self.wrap.trim().to_owned(),
            packs: self.packs,
            gross_weight_g: self.gross_weight_g,
            net_weight_g: self.net_weight_g,
            waybill,
            received,
            note,
        };
        Ok(check.done(ExportSale { facts, lines })?)
    }
}

/// The lines, as far as they can be read; there are not too many of them.
fn read_lines(
    check: &mut Check,
    lines: Vec<ExportLineInput>,
    currency: Option<Currency>,
) -> Result<Vec<Line>, Refusal> {
    if lines.len() > LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", LINES.to_string()).at("lines"));
    }
    let mut read = Vec::with_capacity(lines.len());
    for (n, line) in lines.into_iter().enumerate() {
        match line.read(n, currency) {
            Ok(line) => read.push(line),
            Err(wrong) => check.0.extend(inside("lines", inside(&n.to_string(), wrong))),
        }
    }
    Ok(read)
}

/// Refusals of a part of the input, as those of the whole.
pub(super) fn inside(field: &str, wrong: Refusals) -> Refusals {
    wrong.into_iter().map(|refusal| refusal.at(field)).collect()
}

/// Checks a part of the input: its faults have its field before theirs.
fn within<T>(check: &mut Check, field: &str, part: impl FnOnce(&mut Check) -> T) -> T {
    let mut own = Check::default();
    let read = part(&mut own);
    check.0.extend(inside(field, own.0));
    read
}

/// A text that may be left out.
pub(super) fn optional(check: &mut Check, field: &str, text: Option<&str>, most: usize) -> Option<String> {
    check.take(field, refusal::line(refusal::given(text)?, most))
}

impl ExportLineInput {
    fn read(self, n: usize, currency: Option<Currency>) -> Result<Line, Refusals> {
        let mut check = Check::default();
        let quantity = |text: &str| -> Result<i64, Refusal> {
            let short: String = text.chars().take(60).collect();
            codes::e5(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", short))
        };
        let unit: Option<CustomsUnit> = check.take("unit", self.unit.parse());
        let unit1: Option<CustomsUnit> = check.take("unit1", self.unit1.parse());
        let unit2 = self.unit2.and_then(|unit| check.take("unit2", unit.parse::<CustomsUnit>()));
        let quantity_e5 = check.take("quantity", quantity(&self.quantity));
        let quantity1_e5 = check.take("quantity1", quantity(&self.quantity1));
        let quantity2_e5 = self.quantity2.and_then(|text| check.take("quantity2", quantity(&text)));
        let barcode = self.barcode.filter(|text| !text.is_empty());
        let barcode = barcode.and_then(|text| check.take("barcode", text.parse::<Gtin>()));
        let price = match self.unit_price.read("unitPrice") {
            Ok(price) if currency.is_none_or(|currency| currency == price.currency) => Some(price.minor),
            Ok(price) => {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", price.currency.code());
                check.0.push(refusal.at("currency").at("unitPrice"));
                None
            }
            Err(Error::Refused(wrong)) => {
                check.0.extend(wrong);
                None
            }
            Err(_) => None,
        };
        let item_no = check.take("itemNo", refusal::line(&self.item_no, 20)).unwrap_or_default();
        let name = check.take("name", refusal::line(&self.name, 250)).unwrap_or_default();
        let gmodel = check.take("specification", refusal::line(&self.specification, 250)).unwrap_or_default();
        let record_no = optional(&mut check, "recordNumber", self.record_number.as_deref(), 30);
        let hs = check.take("hsCode", refusal::line(&self.hs_code, 10)).unwrap_or_default();
        match (unit, unit1, quantity_e5, quantity1_e5, price) {
            (Some(unit), Some(unit1), Some(quantity_e5), Some(quantity1_e5), Some(price_minor)) => check.done(Line {
                number: i32::try_from(n + 1).unwrap_or(i32::MAX),
                item_no,
                record_no,
                hs,
                name,
                gmodel,
                barcode: barcode.map(|code| code.as_str().to_owned()),
                unit,
                quantity_e5,
                unit1,
                quantity1_e5,
                unit2,
                quantity2_e5,
                price_minor,
                licence: self.licence,
                inspection: self.inspection,
                duty: self.duty,
                refund: self.refund,
            }),
            _ => Err(check.0),
        }
    }
}
