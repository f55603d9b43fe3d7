//! Invoices in UBL 2.1 (OASIS Universal Business Language), as EN 16931 uses them: read as they come, refused with what
//! is wrong. What does not add up to the last digit is no invoice (BR-CO-10, 13, 15, 16). Allowances and charges,
//! prepaid and rounded amounts are not taken: a person records those. What asks for no payment (pro forma, prepayment,
//! credit) is no invoice.

use chrono::NaiveDate;
use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{
    invoice::MOST_LINES,
    terms::{MOST, WHOLE_PPM},
    unit_price::UnitPrice,
};
use crate::{
    customs::ceb::form::is_text,
    values::{Currency, ErrorCode, Money, Refusal},
};

/// Most bytes of an invoice.
pub const MOST_BYTES: usize = 2 << 20;
/// Most elements of one.
const MOST_ELEMENTS: usize = 100_000;
/// Most elements within each other.
const MOST_DEPTH: usize = 24;
/// Most codes of one party.
const MOST_CODES: usize = 10;

/// Kinds of documents (UNTDID 1001, BT-3) that come in the form of an invoice, and nothing is owed for: what they are.
const NO_INVOICES: [(&str, &str); 5] = [
    ("325", "a pro forma invoice"),
    ("381", "a credit note"),
    ("386", "a prepayment invoice"),
    ("396", "a factored credit note"),
    ("751", "information for accounting"),
];

const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";
const AGGREGATES: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const BASICS: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// An invoice as it was read. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UblInvoice {
    /// Its number (BT-1).
    pub number: String,
    /// When it was written (BT-2).
    pub issue_date: NaiveDate,
    /// When it is to be paid (BT-9).
    pub due_date: Option<NaiveDate>,
    /// In which currency (BT-5).
    pub currency: Currency,
    /// Codes of who is to be paid: of its registration (BT-30), of its tax, of itself.
    pub seller: Vec<String>,
    /// Codes of who is to pay, likewise (BT-47).
    pub buyer: Vec<String>,
    /// The order that it is for (BT-13).
    pub order: Option<String>,
    /// Receipts that it names (BT-15).
    pub receipts: Vec<String>,
    /// Despatches that it names: waybills (BT-16).
    pub despatches: Vec<String>,
    /// Its lines.
    pub lines: Vec<UblLine>,
    /// Without tax (BT-109).
    pub net_minor: i64,
    /// Tax (BT-110).
    pub tax_minor: i64,
    /// With tax (BT-112).
    pub total_minor: i64,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UblLine {
    /// Its number (BT-126).
    pub id: String,
    /// What for (BT-153, BT-154).
    pub description: String,
    /// How much (BT-129).
    pub quantity: i64,
    /// For what a unit (BT-146, of BT-149).
    pub price: UnitPrice,
    /// Together, without tax (BT-131).
    pub amount_minor: i64,
    /// At which rate of tax, in parts per million (BT-152).
    pub tax_ppm: i32,
    /// The order, when it is another than the invoice's.
    pub order: Option<String>,
    /// Which line of the order, as that counts (BT-132).
    pub order_line: Option<String>,
    /// The receipt that it names.
    pub receipt: Option<String>,
    /// Which line of the receipt.
    pub receipt_line: Option<String>,
}

fn wrong(reason: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::MessageInvalid).with("reason", reason)
}

/// Which vocabulary an element is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Invoice,
    CreditNote,
    Aggregates,
    Basics,
    Other,
}

/// An element as it was read.
struct Element {
    name: String,
    of: Of,
    /// What `currencyID` says.
    currency: Option<String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The aggregates of a name.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.of == Of::Aggregates && child.name == name)
    }

    /// The first of a path of aggregates.
    fn at(&self, path: &[&str]) -> Option<&Element> {
        let mut here = self;
        for name in path {
            here = here.children.iter().find(|child| child.of == Of::Aggregates && child.name == *name)?;
        }
        Some(here)
    }

    /// The first basic element of a name.
    fn basic(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.of == Of::Basics && child.name == name)
    }

    /// What it says; none when it says nothing.
    fn said(&self, name: &str) -> Option<String> {
        self.basic(name).map(|basic| basic.text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The same of what has to be there.
    fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.said(name).ok_or_else(|| wrong(format!("{} has no {name}", self.name)))
    }

    fn day(&self, name: &str) -> Result<Option<NaiveDate>, Refusal> {
        let Some(text) = self.said(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(format!("{name} is no date")))
    }

    /// An amount in a currency, which its attribute has to name.
    fn amount(&self, name: &str, currency: Currency) -> Result<Option<i64>, Refusal> {
        let Some(basic) = self.basic(name) else { return Ok(None) };
        if basic.currency.as_deref() != Some(currency.code()) {
            return Err(wrong(format!("{name} is not in {currency}")));
        }
        let read = Money::parse(basic.text.trim(), currency);
        read.map(|money| Some(money.minor)).map_err(|_| wrong(format!("{name} is no amount in {currency}")))
    }

    fn needed_amount(&self, name: &str, currency: Currency) -> Result<i64, Refusal> {
        self.amount(name, currency)?.ok_or_else(|| wrong(format!("{} has no {name}", self.name)))
    }
}

/// Reads an invoice.
pub fn read(xml: &[u8]) -> Result<UblInvoice, Refusal> {
    if xml.len() > MOST_BYTES {
        return Err(wrong("it is larger than 2 MB"));
    }
    let text = std::str::from_utf8(xml).map_err(|_| wrong("it is not UTF-8"))?;
    let root = tree(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    match (root.of, root.name.as_str()) {
        (Of::Invoice, "Invoice") => invoice(&root),
        (Of::CreditNote, _) => Err(wrong("it is a credit note, and no invoice")),
        _ => Err(wrong("it is no invoice in UBL 2.1")),
    }
}

fn tree(text: &str) -> Result<Element, Refusal> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let broken = |error: quick_xml::Error| wrong(format!("it is no XML: {error}"));
    let (mut open, mut root, mut elements): (Vec<Element>, Option<Element>, usize) = (Vec::new(), None, 0);
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(start) => {
                elements += 1;
                if elements > MOST_ELEMENTS || open.len() >= MOST_DEPTH {
                    return Err(wrong("it has more elements than any invoice"));
                }
                if root.is_some() {
                    return Err(wrong("it has more than one root"));
                }
                let (within, _) = reader.resolver().resolve_element(start.name());
                let of = match within {
                    ResolveResult::Bound(Namespace(INVOICE)) => Of::Invoice,
                    ResolveResult::Bound(Namespace(CREDIT_NOTE)) => Of::CreditNote,
                    ResolveResult::Bound(Namespace(AGGREGATES)) => Of::Aggregates,
                    ResolveResult::Bound(Namespace(BASICS)) => Of::Basics,
                    _ => Of::Other,
                };
                let name = start.local_name().into_inner().to_owned();
                let currency = attribute(&start, "currencyID")?;
                open.push(Element { name, of, currency, text: String::new(), children: Vec::new() });
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err(wrong("an element ends that did not begin")) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(said) => add(&mut open, &said.xml_content(XmlVersion::Explicit1_0))?,
            Event::CData(said) => add(&mut open, &said.xml_content(XmlVersion::Explicit1_0))?,
            Event::GeneralRef(named) => {
                let said = match named.resolve_char_ref().map_err(broken)? {
                    Some(c) => c,
                    None => match named.into_inner().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return Err(wrong("it names an entity")),
                    },
                };
                add(&mut open, said.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(wrong("it declares a document type")),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    root.filter(|_| open.is_empty()).ok_or_else(|| wrong("it ends before its root does"))
}

/// Adds text to the innermost element. Outside the root there may be nothing but space.
fn add(open: &mut [Element], text: &str) -> Result<(), Refusal> {
    if !text.chars().all(is_text) {
        return Err(wrong("it has a character that XML does not know"));
    }
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(wrong("there is text outside of its root")),
    }
    Ok(())
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let broken = |error: String| wrong(format!("it is no XML: {error}"));
    let Some(found) = start.try_get_attribute(name).map_err(|error| broken(error.to_string()))? else {
        return Ok(None);
    };
    let value = found.normalized_value(XmlVersion::Explicit1_0).map_err(|error| broken(error.to_string()))?;
    Ok(Some(value.trim().to_owned()))
}

fn invoice(root: &Element) -> Result<UblInvoice, Refusal> {
    if let Some(kind) = root.said("InvoiceTypeCode")
        && let Some((_, what)) = NO_INVOICES.iter().find(|(code, _)| *code == kind)
    {
        return Err(wrong(format!("it is {what} (InvoiceTypeCode {kind}), and no invoice")));
    }
    let code = root.needed("DocumentCurrencyCode")?;
    let currency: Currency = code.parse().map_err(|_| wrong("DocumentCurrencyCode is no currency for prices"))?;
    let lines: Vec<&Element> = root.all("InvoiceLine").collect();
    if lines.is_empty() {
        return Err(wrong("it has no line"));
    }
    if lines.len() > MOST_LINES {
        return Err(wrong(format!("it has more than {MOST_LINES} lines")));
    }
    let numbered = |(n, element): (usize, &Element)| {
        line(element, currency).map_err(|refusal| {
            let reason = refusal.details.get("reason").cloned().unwrap_or_default();
            wrong(format!("line {}: {reason}", n + 1))
        })
    };
    let lines = lines.into_iter().enumerate().map(numbered).collect::<Result<Vec<_>, _>>()?;
    let (net_minor, tax_minor, total_minor) = totals(root, &lines, currency)?;
    let ids = |name: &str| -> Vec<String> { root.all(name).filter_map(|reference| reference.said("ID")).collect() };
    Ok(UblInvoice {
        number: root.needed("ID")?,
        issue_date: root.day("IssueDate")?.ok_or_else(|| wrong("Invoice has no IssueDate"))?,
        due_date: root.day("DueDate")?,
        currency,
        seller: party(root, "AccountingSupplierParty")?,
        buyer: party(root, "AccountingCustomerParty")?,
        order: root.at(&["OrderReference"]).and_then(|order| order.said("ID")),
        receipts: ids("ReceiptDocumentReference"),
        despatches: ids("DespatchDocumentReference"),
        lines,
        net_minor,
        tax_minor,
        total_minor,
    })
}

/// The codes of a party, the most telling first.
fn party(root: &Element, role: &str) -> Result<Vec<String>, Refusal> {
    let Some(party) = root.at(&[role, "Party"]) else { return Ok(Vec::new()) };
    let legal = party.all("PartyLegalEntity").filter_map(|entity| entity.said("CompanyID"));
    let taxed = party.all("PartyTaxScheme").filter_map(|scheme| scheme.said("CompanyID"));
    let own = party.all("PartyIdentification").filter_map(|own| own.said("ID"));
    let codes: Vec<String> = legal.chain(taxed).chain(own).collect();
    if codes.len() > MOST_CODES {
        return Err(wrong(format!("{role} has more than {MOST_CODES} codes")));
    }
    Ok(codes)
}

/// Net, tax and total, when they add up to the last digit.
fn totals(root: &Element, lines: &[UblLine], currency: Currency) -> Result<(i64, i64, i64), Refusal> {
    let mut all = root.all("LegalMonetaryTotal");
    let sums = all.next().ok_or_else(|| wrong("it has no LegalMonetaryTotal"))?;
    if all.next().is_some() {
        return Err(wrong("it has more than one LegalMonetaryTotal"));
    }
    for not_taken in ["AllowanceTotalAmount", "ChargeTotalAmount", "PrepaidAmount", "PayableRoundingAmount"] {
        // It may be below nothing, which is no amount: any digit but nought is something.
        if sums.said(not_taken).is_some_and(|text| text.chars().any(|c| !matches!(c, '0' | '.'))) {
            return Err(wrong(format!("{not_taken} is not taken: record such an invoice by hand")));
        }
    }
    let net = sums.needed_amount("LineExtensionAmount", currency)?;
    let added = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor));
    if added != Some(net) {
        return Err(wrong("the lines do not add up to LineExtensionAmount (BR-CO-10)"));
    }
    if sums.needed_amount("TaxExclusiveAmount", currency)? != net {
        return Err(wrong("TaxExclusiveAmount is not LineExtensionAmount (BR-CO-13)"));
    }
    // There may be another one in the currency of the tax.
    let stated = root
        .all("TaxTotal")
        .find(|tax| tax.basic("TaxAmount").and_then(|amount| amount.currency.as_deref()) == Some(currency.code()));
    let tax = stated.map(|tax| tax.needed_amount("TaxAmount", currency)).transpose()?.unwrap_or_default();
    let total = sums.needed_amount("TaxInclusiveAmount", currency)?;
    if net.checked_add(tax) != Some(total) {
        return Err(wrong("TaxExclusiveAmount and TaxAmount do not add up to TaxInclusiveAmount (BR-CO-15)"));
    }
    if sums.needed_amount("PayableAmount", currency)? != total {
        return Err(wrong("PayableAmount is not TaxInclusiveAmount (BR-CO-16)"));
    }
    Ok((net, tax, total))
}

fn line(element: &Element, currency: Currency) -> Result<UblLine, Refusal> {
    if element.all("AllowanceCharge").next().is_some() {
        return Err(wrong("allowances and charges are not taken: record such an invoice by hand"));
    }
    let item = element.at(&["Item"]);
    let described = item.and_then(|item| item.said("Name").or_else(|| item.said("Description")));
    // A name may be broken into lines where it is written; what it says is one.
    let described = described.map(|said| said.split_whitespace().collect::<Vec<_>>().join(" "));
    let order = element.at(&["OrderLineReference"]);
    let receipt = element.at(&["ReceiptLineReference"]);
    Ok(UblLine {
        id: element.needed("ID")?,
        description: described.unwrap_or_default(),
        quantity: whole(&element.needed("InvoicedQuantity")?, "InvoicedQuantity")?,
        price: price(element, currency)?,
        amount_minor: element.needed_amount("LineExtensionAmount", currency)?,
        tax_ppm: rate(item)?,
        order: order.and_then(|order| order.at(&["OrderReference"])).and_then(|order| order.said("ID")),
        order_line: order.and_then(|order| order.said("LineID")),
        receipt: receipt.and_then(|receipt| receipt.at(&["DocumentReference"])).and_then(|one| one.said("ID")),
        receipt_line: receipt.and_then(|receipt| receipt.said("LineID")),
    })
}

/// A decimal as it is written: `Decimal` also reads exponents and underscores.
fn decimal(text: &str, name: &str) -> Result<Decimal, Refusal> {
    let written = !text.is_empty() && text.len() <= 28 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let read = if written { text.parse().ok() } else { None };
    read.ok_or_else(|| wrong(format!("{name} is no number")))
}

/// A quantity: whole trade units.
fn whole(text: &str, name: &str) -> Result<i64, Refusal> {
    let read = decimal(text, name)?;
    let whole = Some(read).filter(Decimal::is_integer).and_then(|read| read.to_i64());
    whole.filter(|n| (1..=MOST).contains(n)).ok_or_else(|| wrong(format!("{name} is not 1 to {MOST} whole units")))
}

/// The price of a unit: what so many cost, when it is told for several.
fn price(element: &Element, currency: Currency) -> Result<UnitPrice, Refusal> {
    let price = element.at(&["Price"]).ok_or_else(|| wrong("it has no Price"))?;
    let stated = price.basic("PriceAmount").ok_or_else(|| wrong("Price has no PriceAmount"))?;
    if stated.currency.as_deref() != Some(currency.code()) {
        return Err(wrong(format!("PriceAmount is not in {currency}")));
    }
    let amount = decimal(stated.text.trim(), "PriceAmount")?;
    let base = match price.said("BaseQuantity") {
        Some(text) => whole(&text, "BaseQuantity")?,
        None => 1,
    };
    let unit = amount.checked_div(Decimal::from(base)).and_then(UnitPrice::of);
    unit.ok_or_else(|| wrong("PriceAmount is no price of a unit"))
}

/// The rate of tax in parts per million; no category: none is charged.
fn rate(item: Option<&Element>) -> Result<i32, Refusal> {
    let category = item.and_then(|item| item.at(&["ClassifiedTaxCategory"]));
    let Some(percent) = category.and_then(|category| category.said("Percent")) else { return Ok(0) };
    let ppm = decimal(&percent, "Percent")?.checked_mul(Decimal::from(10_000));
    let whole = ppm.filter(Decimal::is_integer).and_then(|ppm| ppm.to_i32());
    whole.filter(|ppm| (0..=WHOLE_PPM).contains(ppm)).ok_or_else(|| wrong("Percent is no rate of tax"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
  xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <b:ID>INV-7</b:ID><b:IssueDate>2026-03-10</b:IssueDate><b:DueDate>2026-04-09</b:DueDate>
  <b:DocumentCurrencyCode>CNY</b:DocumentCurrencyCode>
  <a:OrderReference><b:ID>PO20260301ABCD1234</b:ID></a:OrderReference>
  <a:ReceiptDocumentReference><b:ID>GRN1</b:ID></a:ReceiptDocumentReference>
  <a:DespatchDocumentReference><b:ID>SF1</b:ID></a:DespatchDocumentReference>
  <a:AccountingSupplierParty><a:Party>
    <a:PartyTaxScheme><b:CompanyID>T1</b:CompanyID></a:PartyTaxScheme>
    <a:PartyLegalEntity><b:CompanyID>S1</b:CompanyID></a:PartyLegalEntity></a:Party></a:AccountingSupplierParty>
  <a:AccountingCustomerParty><a:Party>
    <a:PartyIdentification><b:ID>B1</b:ID></a:PartyIdentification></a:Party></a:AccountingCustomerParty>
  <a:TaxTotal><b:TaxAmount currencyID="CNY">3.90</b:TaxAmount></a:TaxTotal>
  <a:LegalMonetaryTotal>
    <b:LineExtensionAmount currencyID="CNY">30.03</b:LineExtensionAmount>
    <b:TaxExclusiveAmount currencyID="CNY">30.03</b:TaxExclusiveAmount>
    <b:TaxInclusiveAmount currencyID="CNY">33.93</b:TaxInclusiveAmount>
    <b:PayableAmount currencyID="CNY">33.93</b:PayableAmount></a:LegalMonetaryTotal>
  LINES
</Invoice>"#;

    const LINE: &str = r#"<a:InvoiceLine><b:ID>1</b:ID><b:InvoicedQuantity unitCode="EA">3.0</b:InvoicedQuantity>
    <b:LineExtensionAmount currencyID="CNY">10.01</b:LineExtensionAmount>
    <a:OrderLineReference><b:LineID>2</b:LineID></a:OrderLineReference>
    <a:Item><b:Name>Rug &amp; more</b:Name>
      <a:ClassifiedTaxCategory><b:Percent>13.00</b:Percent></a:ClassifiedTaxCategory></a:Item>
    <a:Price><b:PriceAmount currencyID="CNY">33.35</b:PriceAmount><b:BaseQuantity>10</b:BaseQuantity></a:Price>
  </a:InvoiceLine>"#;

    fn whole_invoice() -> String {
        WHOLE.replace("LINES", &LINE.repeat(3))
    }

    fn reason(xml: &str) -> String {
        let refusal = read(xml.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::MessageInvalid);
        refusal.details["reason"].clone()
    }

    #[test]
    fn an_invoice_is_read_as_it_says() {
        let read = read(whole_invoice().as_bytes()).unwrap();
        assert_eq!((read.number.as_str(), read.issue_date.to_string()), ("INV-7", "2026-03-10".into()));
        assert_eq!(read.due_date.unwrap().to_string(), "2026-04-09");
        assert_eq!((read.seller, read.buyer), (vec!["S1".to_owned(), "T1".to_owned()], vec!["B1".to_owned()]));
        assert_eq!(
            (read.order.as_deref(), read.receipts, read.despatches),
            (Some("PO20260301ABCD1234"), vec!["GRN1".to_owned()], vec!["SF1".to_owned()])
        );
        // Three lines of 3 at 3.335 are 10.01 each.
        assert_eq!((read.net_minor, read.tax_minor, read.total_minor), (3_003, 390, 3_393));
        assert_eq!(read.lines.len(), 3);
        let line = &read.lines[0];
        assert_eq!(
            (line.quantity, line.price, line.amount_minor, line.tax_ppm),
            (3, UnitPrice(3_335_000), 1_001, 130_000)
        );
        assert_eq!((line.description.as_str(), line.order_line.as_deref()), ("Rug & more", Some("2")));
        assert_eq!(line.price.amount(line.quantity, read.currency), Some(line.amount_minor));
    }

    #[test]
    fn what_changes_nothing_is_read_over() {
        let good = whole_invoice();
        let kind = "<b:InvoiceTypeCode>380</b:InvoiceTypeCode><b:DocumentC";
        let nothing = "<b:PayableRoundingAmount currencyID=\"CNY\">0.00</b:PayableRoundingAmount><b:PayableAmount";
        for (from, to) in
            [("<b:DocumentC", kind), ("<b:PayableAmount", nothing), ("Rug &amp; more", "\n  Rug &amp;\n\t more ")]
        {
            let other = good.replace(from, to);
            assert_ne!(other, good, "{from} is not in it");
            assert_eq!(read(other.as_bytes()).unwrap(), read(good.as_bytes()).unwrap(), "{from} -> {to}");
        }
    }

    #[test]
    fn what_is_no_invoice_says_why() {
        let good = whole_invoice();
        for (from, to, why) in [
            ("10.01", "10.02", "BR-CO-10"),
            (">30.03</b:TaxExclusiveAmount", ">30.02</b:TaxExclusiveAmount", "BR-CO-13"),
            (">3.90<", ">3.91<", "BR-CO-15"),
            (">33.93</b:PayableAmount", ">33.92</b:PayableAmount", "BR-CO-16"),
            ("currencyID=\"CNY\">3.90", "currencyID=\"USD\">3.90", "BR-CO-15"),
            ("currencyID=\"CNY\">10.01", "currencyID=\"USD\">10.01", "is not in CNY"),
            ("xsd:Invoice-2", "xsd:CreditNote-2", "credit note"),
            ("xsd:Invoice-2", "xsd:Order-2", "no invoice in UBL"),
            ("CommonBasicComponents-2", "CommonBasicComponents-3", "DocumentCurrencyCode"),
            (">3.0<", ">3.5<", "whole units"),
            (">3.0<", ">0<", "whole units"),
            (">33.35<", ">0<", "price of a unit"),
            (">33.35<", ">1e3<", "no number"),
            (">13.00<", ">101<", "rate of tax"),
            ("2026-03-10", "10.03.2026", "no date"),
            ("<b:ID>INV-7</b:ID>", "", "no ID"),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE x [<!ENTITY y \"z\">]>", "document type"),
            ("Rug &amp; more", "Rug &y; more", "entity"),
            ("Rug &amp; more", "Rug &#1; more", "a character that XML does not know"),
            ("</Invoice>", "", "ends before"),
            (
                "<b:PayableAmount",
                "<b:PrepaidAmount currencyID=\"CNY\">1.00</b:PrepaidAmount><b:PayableAmount",
                "Prepaid",
            ),
            (
                "<b:PayableAmount",
                "<b:PayableRoundingAmount currencyID=\"CNY\">-0.03</b:PayableRoundingAmount><b:PayableAmount",
                "PayableRoundingAmount is not taken",
            ),
            ("<a:Price>", "<a:AllowanceCharge/><a:Price>", "allowances"),
            ("<b:DocumentC", "<b:InvoiceTypeCode>381</b:InvoiceTypeCode><b:DocumentC", "a credit note"),
            ("<b:DocumentC", "<b:InvoiceTypeCode>325</b:InvoiceTypeCode><b:DocumentC", "pro forma"),
            ("<a:LegalMonetaryTotal>", "<a:LegalMonetaryTotal/><a:LegalMonetaryTotal>", "more than one Legal"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from} is not in it");
            assert!(reason(&bad).contains(why), "{from} -> {to}: {}", reason(&bad));
        }
        let codes = "<a:PartyIdentification><b:ID>X</b:ID></a:PartyIdentification>".repeat(9);
        let many = good.replace("<a:PartyTaxScheme>", &format!("{codes}<a:PartyTaxScheme>"));
        assert!(reason(&many).contains("more than 10 codes"));
        assert!(reason(&WHOLE.replace("LINES", "")).contains("no line"));
        assert!(reason(&WHOLE.replace("LINES", &LINE.repeat(501))).contains("more than 500 lines"));
        assert!(reason(&good.replace("Rug", &"R".repeat(MOST_BYTES))).contains("2 MB"));
        assert!(reason(&"<a>".repeat(30)).contains("more elements"));
        assert!(reason("").contains("ends before") && reason("x").contains("outside"));
        assert!(read(&[0xff, 0xfe]).is_err());
    }
}
