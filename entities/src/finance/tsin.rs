//! Requests to assign invoices (发票转让请求) as ISO 20022 writes them: `tsin.006.001.01`, `InvoiceAssignmentRequestV01`.
//!
//! Which of our fields is which of the invoice's (UBL 2.1, EN 16931) and of the message's (A12):
//!
//! | ours | UBL 2.1 | tsin.006 |
//! |---|---|---|
//! | invoice number | `cbc:ID` | `FinItm/ItmCntxt/Idr`, `FinDocRef` |
//! | issue date | `cbc:IssueDate` | `FinItm/ItmCntxt/IsseDt` |
//! | due date | `cbc:DueDate` | `FinItm/TtlAmt/PmtDueDt` |
//! | seller | `cac:AccountingSupplierParty` | `Assgnr`, `FinItm/ItmCntxt/Sellr` |
//! | debtor | `cac:AccountingCustomerParty` | `FinItm/ItmCntxt/Buyr` |
//! | factor | `cac:PayeeParty` | `Assgne` |
//! | order | `cac:OrderReference` | `FinItm/AssoctdDoc` |
//! | receipt | `cac:ReceiptDocumentReference` | `FinItm/AssoctdDoc` |
//! | waybill | `cac:DespatchDocumentReference` | `FinItm/AssoctdDoc` |
//! | net, tax, total | `cac:LegalMonetaryTotal` | `FinItm/TtlAmt` |
//! | outstanding | `cbc:PayableAmount` | `FinItm/DueAmt` |
//! | pay account | `cac:PaymentMeans` | `FinItm/ItmCntxt/CdtAcct` |
//!
//! Parties and documents stand once, in the header, and are referred to by their `Id` there, as the schema has it
//! (`xs:IDREF`). The count of the items and their sum, which is that of what is outstanding whatever its currency, are
//! made here and never taken from anybody. The same request is the same bytes.

use std::{collections::HashMap, hash::Hash};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::{
    customs::ceb::{escaped, form::is_text},
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        refusal::{few, sha256},
    },
};

/// The namespace of the message.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:tsin.006.001.01";
/// Most items of a request.
pub const MOST_ITEMS: usize = 500;
/// Most that are told.
const MOST_NOTICES: usize = 50;
/// Most documents that an item rests on.
const MOST_PAPERS: usize = 200;
/// Longest identifier (`Max35Text`).
const MAX_ID: usize = 35;
/// Longest name of a party (`Max140Text`).
const MAX_NAME: usize = 140;
/// Longest account (`Max34Text`).
const MAX_ACCOUNT: usize = 34;

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Party {
    /// Its unified social credit code, or what it is known by abroad.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paper {
    /// The order.
    Order,
    /// The receipt of the goods.
    Receipt,
    /// The waybill.
    Waybill,
    /// The contract.
    Contract,
}

impl Paper {
    /// Its code among those of documents (`ExternalDocumentType1Code`), where there is one.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Order => Some("PUOR"),
            Self::Waybill => Some("DISP"),
            Self::Receipt | Self::Contract => None,
        }
    }
}

/// An invoice to be assigned. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number, behind its code when it has one.
    pub number: String,
    /// When it was written.
    pub issued_on: NaiveDate,
    /// When it is to be paid.
    pub due_on: NaiveDate,
    /// Who is to pay.
    pub debtor: Party,
    /// In which currency.
    pub currency: Currency,
    /// Without tax.
    pub net_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// With tax.
    pub total_minor: i64,
    /// What of that is still to come: this is assigned.
    pub outstanding_minor: i64,
    /// Whether it was made as data, and no paper was scanned.
    pub electronic: bool,
    /// SHA-256 of its file, in hex.
    pub file_sha256: Option<String>,
    /// The account that it is to be paid to.
    pub account: Option<String>,
    /// What it rests on: numbers of orders, receipts, waybills.
    pub papers: Vec<(Paper, String)>,
}

/// A request to assign invoices of one seller to one factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentRequest {
    /// Its identifier: the number of the financing request.
    pub id: String,
    /// Of which day.
    pub issued_on: NaiveDate,
    /// As of which day the amounts are; none: of the same.
    pub cut_off_on: Option<NaiveDate>,
    /// Who assigns: the seller.
    pub assigner: Party,
    /// To whom: the factor.
    pub assignee: Party,
    /// Who may sign for it, when that is somebody else.
    pub authorised: Option<Party>,
    /// Debtors that the assigner tells of it; nobody, when it is not disclosed.
    pub notified: Vec<Party>,
    /// What it rests on as a whole: contracts.
    pub related: Vec<(Paper, String)>,
    /// The invoices.
    pub items: Vec<Item>,
}

impl AssignmentRequest {
    /// Everything that the schema does not take, or that does not add up.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut faults = Faults::default();
        faults.note(&["id"], text(&self.id, MAX_ID));
        faults.party(&["assigner"], &self.assigner);
        faults.party(&["assignee"], &self.assignee);
        if let Some(authorised) = &self.authorised {
            faults.party(&["authorised"], authorised);
        }
        faults.note(&["notified"], at_most(self.notified.len(), MOST_NOTICES));
        for (n, told) in self.notified.iter().enumerate() {
            faults.party(&["notified", &n.to_string()], told);
        }
        faults.papers(&["related"], &self.related);
        // It counts lines; these are items.
        let some = few(self.items.len(), MOST_ITEMS).map_err(|refusal| Refusal { field: Vec::new(), ..refusal });
        faults.note(&["items"], some);
        for (n, item) in self.items.iter().enumerate() {
            let n = n.to_string();
            faults.note(&["items", &n, "number"], text(&item.number, MAX_ID));
            faults.party(&["items", &n, "debtor"], &item.debtor);
            faults.note(&["items", &n, "account"], item.account.as_deref().map_or(Ok(()), |no| text(no, MAX_ACCOUNT)));
            let hash = item.file_sha256.as_deref().map_or(Ok(()), |hash| sha256(hash).map(drop));
            faults.note(&["items", &n, "fileSha256"], hash);
            faults.papers(&["items", &n, "papers"], &item.papers);
            faults.note(&["items", &n, "total"], item.added_up());
        }
        if faults.0.is_empty() { Ok(()) } else { Err(faults.0) }
    }

    /// What is outstanding in all, whatever its currency (`CtrlSum`).
    pub fn control_sum(&self) -> Decimal {
        let amounts = self.items.iter().map(|item| item.money(item.outstanding_minor).decimal());
        // Five hundred amounts of fifteen digits are far from the end of decimals.
        amounts.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// The message, or everything that is wrong with it.
    pub fn write(&self) -> Result<String, Refusals> {
        self.checked()?;
        let header = Header::of(self);
        let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
        xml.0.extend(["<Document xmlns=\"", NAMESPACE, "\">"]);
        xml.within("InvcAssgnmtReq", |xml| {
            xml.within("Hdr", |xml| header.write(self, xml));
            xml.within("AssgnmtList", |xml| self.list(&header, xml));
            xml.say("AssgnmtCnt", "1");
            xml.say("ItmCnt", &self.items.len().to_string());
            xml.say("CtrlSum", &self.control_sum().to_string());
        });
        xml.0.push_str("</Document>");
        Ok(xml.0)
    }

    /// The list: what is assigned, by whom, to whom.
    fn list(&self, header: &Header<'_>, xml: &mut Xml) {
        xml.say("Idr", &self.id);
        xml.say("IsseDt", &self.issued_on.to_string());
        for (paper, number) in &self.related {
            xml.say("RltdDoc", &header.paper(*paper, number));
        }
        if let Some(day) = self.cut_off_on {
            xml.say("AmtCutOffDt", &day.to_string());
        }
        xml.say("Assgne", ASSIGNEE);
        xml.say("Assgnr", ASSIGNER);
        for told in &self.notified {
            xml.within("NtfctnInf", |xml| {
                xml.say("NtifngPty", ASSIGNER);
                xml.say("NtfctnRcvr", &header.party(told));
            });
        }
        for (n, item) in self.items.iter().enumerate() {
            xml.within("FinItm", |xml| item.write(n, header, xml));
        }
        xml.say("ItmCnt", &self.items.len().to_string());
        xml.say("CtrlSum", &self.control_sum().to_string());
    }
}

impl Item {
    fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    fn amount(&self, minor: i64) -> String {
        self.money(minor).decimal().to_string()
    }

    /// Whether net and tax are the total, and no more than that is still to come.
    fn added_up(&self) -> Result<(), Refusal> {
        let amounts = [self.net_minor, self.tax_minor, self.total_minor, self.outstanding_minor];
        let fits = amounts.iter().all(|minor| (0..=Money::MAX_MINOR).contains(minor))
            && self.net_minor + self.tax_minor == self.total_minor
            && self.outstanding_minor <= self.total_minor;
        if fits {
            return Ok(());
        }
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", self.amount(self.total_minor));
        Err(refusal.with("currency", self.currency.code()))
    }

    fn write(&self, n: usize, header: &Header<'_>, xml: &mut Xml) {
        let currency = self.currency.code();
        xml.within("ItmCntxt", |xml| {
            xml.say("Idr", &self.number);
            xml.say("IsseDt", &self.issued_on.to_string());
            xml.say("Issr", ASSIGNER);
            xml.say("Buyr", &header.party(&self.debtor));
            xml.say("Sellr", ASSIGNER);
            xml.say("Ccy", currency);
            if let Some(account) = &self.account {
                xml.within("CdtAcct", |xml| xml.within("Othr", |xml| xml.say("Id", account)));
            }
        });
        xml.say("FinDocRef", &invoice_id(n));
        // What the seller has a claim to is a credit of its.
        xml.say("CdtDbtInd", "CRDT");
        xml.within("TtlAmt", |xml| {
            xml.amount("TtlTaxblAmt", currency, &self.amount(self.net_minor));
            xml.amount("TtlTaxAmt", currency, &self.amount(self.tax_minor));
            xml.amount("TtlInvcAmt", currency, &self.amount(self.total_minor));
            xml.say("PmtDueDt", &self.due_on.to_string());
        });
        xml.amount("DueAmt", currency, &self.amount(self.outstanding_minor));
        for (paper, number) in &self.papers {
            xml.say("AssoctdDoc", &header.paper(*paper, number));
        }
    }
}

/// The `Id` of who assigns.
const ASSIGNER: &str = "P1";
/// The `Id` of whom to.
const ASSIGNEE: &str = "P2";
/// The `Id` of who signs.
const AUTHORISED: &str = "P3";
/// So many parties stand before the others.
const NAMED: usize = 3;

/// The `Id` of an invoice.
fn invoice_id(n: usize) -> String {
    format!("I{}", n + 1)
}

/// Things in the order in which they came first, each once.
struct Once<T> {
    all: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T: Copy + Eq + Hash> Once<T> {
    fn of(things: impl Iterator<Item = T>) -> Self {
        let mut once = Self { all: Vec::new(), places: HashMap::new() };
        for thing in things {
            let next = once.all.len();
            if *once.places.entry(thing).or_insert(next) == next {
                once.all.push(thing);
            }
        }
        once
    }

    /// Its place, from 0 on.
    fn place(&self, thing: T) -> usize {
        self.places.get(&thing).copied().unwrap_or_default()
    }
}

/// What others refer to: debtors, and documents but for the invoices.
struct Header<'a> {
    others: Once<&'a Party>,
    papers: Once<(Paper, &'a str)>,
}

impl<'a> Header<'a> {
    fn of(request: &'a AssignmentRequest) -> Self {
        let debtors = request.items.iter().map(|item| &item.debtor);
        let papers = request.related.iter().chain(request.items.iter().flat_map(|item| &item.papers));
        Self {
            others: Once::of(request.notified.iter().chain(debtors)),
            papers: Once::of(papers.map(|(paper, number)| (*paper, number.as_str()))),
        }
    }

    /// The `Id` of a party.
    fn party(&self, wanted: &Party) -> String {
        format!("P{}", NAMED + 1 + self.others.place(wanted))
    }

    /// The `Id` of a document.
    fn paper(&self, wanted: Paper, number: &str) -> String {
        format!("D{}", 1 + self.papers.place((wanted, number)))
    }

    fn write(&self, request: &AssignmentRequest, xml: &mut Xml) {
        xml.within("LttrIdr", |xml| {
            xml.say("Id", "L1");
            xml.say("ItmIdr", &request.id);
            xml.say("ElctrncOrgnl", "true");
        });
        xml.say("Dt", &request.issued_on.to_string());
        xml.party("Orgtr", ASSIGNER, &request.assigner);
        xml.party("PmryRcpt", ASSIGNEE, &request.assignee);
        xml.party("AuthstnUsr", AUTHORISED, request.authorised.as_ref().unwrap_or(&request.assigner));
        for party in &self.others.all {
            xml.party("OthrPty", &self.party(party), party);
        }
        for (n, item) in request.items.iter().enumerate() {
            xml.within("AssoctdDoc", |xml| {
                xml.say("Id", &invoice_id(n));
                xml.say("Issr", ASSIGNER);
                xml.say("ItmIdr", &item.number);
                xml.say("Dt", &item.issued_on.to_string());
                xml.say("ElctrncOrgnl", if item.electronic { "true" } else { "false" });
                if let Some(sha256) = &item.file_sha256 {
                    xml.within("Dgst", |xml| {
                        // SHA-256 in the list of algorithms.
                        xml.say("DgstAlgo", "HS25");
                        xml.say("Dgst", sha256);
                    });
                }
                xml.say("DocTp", "CINV");
            });
        }
        for (paper, number) in &self.papers.all {
            xml.within("AssoctdDoc", |xml| {
                xml.say("Id", &self.paper(*paper, number));
                xml.say("ItmIdr", number);
                xml.say("ElctrncOrgnl", "false");
                if let Some(code) = paper.code() {
                    xml.say("DocTp", code);
                }
            });
        }
    }
}

/// What is written so far.
struct Xml(String);

impl Xml {
    fn within(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name, ">"]);
        inside(self);
        self.0.extend(["</", name, ">"]);
    }

    fn say(&mut self, name: &str, text: &str) {
        self.within(name, |xml| xml.0.push_str(&escaped(text)));
    }

    fn amount(&mut self, name: &str, currency: &str, amount: &str) {
        self.0.extend(["<", name, " Ccy=\"", currency, "\">", amount, "</", name, ">"]);
    }

    fn party(&mut self, name: &str, id: &str, party: &Party) {
        self.within(name, |xml| {
            xml.say("Id", id);
            xml.within("Pty", |xml| {
                xml.within("BasePty", |xml| {
                    // A name here has 35 characters at most; that of the organisation has room.
                    xml.within("PtyId", |xml| {
                        xml.within("Id", |xml| {
                            xml.within("OrgId", |xml| xml.within("Othr", |xml| xml.say("Id", &party.code)));
                        });
                    });
                    xml.within("LglOrg", |xml| {
                        xml.say("Id", &party.code);
                        xml.say("Nm", &party.name);
                    });
                });
            });
        });
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Faults(Refusals);

impl Faults {
    fn note(&mut self, path: &[&str], found: Result<(), Refusal>) {
        if let Err(refusal) = found {
            self.0.push(path.iter().rev().fold(refusal, |refusal, step| refusal.at(*step)));
        }
    }

    fn party(&mut self, path: &[&str], party: &Party) {
        self.note(&[path, &["code"]].concat(), text(&party.code, MAX_ID));
        self.note(&[path, &["name"]].concat(), text(&party.name, MAX_NAME));
    }

    fn papers(&mut self, path: &[&str], papers: &[(Paper, String)]) {
        self.note(path, at_most(papers.len(), MOST_PAPERS));
        for (n, (_, number)) in papers.iter().enumerate() {
            self.note(&[path, &[n.to_string().as_str()]].concat(), text(number, MAX_ID));
        }
    }
}

fn at_most(found: usize, most: usize) -> Result<(), Refusal> {
    let refusal = || Refusal::new(ErrorCode::TooMany).with("max", most.to_string());
    if found > most { Err(refusal()) } else { Ok(()) }
}

/// Text that the schema takes: something, not too long, of characters that XML knows.
fn text(said: &str, max: usize) -> Result<(), Refusal> {
    if said.trim().is_empty() {
        return Err(Refusal::new(ErrorCode::Required));
    }
    if said.chars().count() > max {
        return Err(Refusal::new(ErrorCode::TooLong).with("max", max.to_string()));
    }
    if !said.chars().all(is_text) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use quick_xml::{NsReader, events::Event};

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn party(code: &str, name: &str) -> Party {
        Party { code: code.to_owned(), name: name.to_owned() }
    }

    fn item(number: &str, minor: i64) -> Item {
        Item {
            number: number.to_owned(),
            issued_on: day("2025-06-10"),
            due_on: day("2025-09-12"),
            debtor: party("91630100MA0000002Y", "买方"),
            currency: Currency::CNY,
            net_minor: minor - 13,
            tax_minor: 13,
            total_minor: minor,
            outstanding_minor: minor - 1,
            electronic: true,
            file_sha256: None,
            account: None,
            papers: Vec::new(),
        }
    }

    fn request(items: Vec<Item>) -> AssignmentRequest {
        AssignmentRequest {
            id: "FR-2025-0001".to_owned(),
            issued_on: day("2025-06-16"),
            cut_off_on: None,
            assigner: party("91630100MA0000001X", "卖方 & 子公司"),
            assignee: party("91630100MA0000003Z", "Bank"),
            authorised: None,
            notified: Vec::new(),
            related: Vec::new(),
            items,
        }
    }

    /// The path of every text, as a reader sees it.
    fn read(xml: &str) -> Vec<(String, String)> {
        let (mut reader, mut path, mut said) = (NsReader::from_str(xml), Vec::new(), Vec::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => path.push(start.name().into_inner().to_owned()),
                Event::End(_) => drop(path.pop()),
                Event::Text(text) => {
                    let text = text.into_inner().into_owned();
                    if !path.is_empty() {
                        said.push((path.join("/"), text));
                    }
                }
                Event::Eof => return said,
                _ => {}
            }
        }
    }

    fn all<'a>(said: &'a [(String, String)], path: &str) -> Vec<&'a str> {
        said.iter().filter(|(at, _)| at.ends_with(path)).map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_request_is_the_same_bytes() {
        let one =
            "<Idr>INV-7</Idr><IsseDt>2025-06-10</IsseDt><Issr>P1</Issr><Buyr>P4</Buyr><Sellr>P1</Sellr><Ccy>CNY</Ccy>";
        let amounts = concat!(
            "<TtlAmt><TtlTaxblAmt Ccy=\"CNY\">9999.87</TtlTaxblAmt><TtlTaxAmt Ccy=\"CNY\">0.13</TtlTaxAmt>",
            "<TtlInvcAmt Ccy=\"CNY\">10000.00</TtlInvcAmt><PmtDueDt>2025-09-12</PmtDueDt></TtlAmt>",
            "<DueAmt Ccy=\"CNY\">9999.99</DueAmt>"
        );
        let list = format!(
            "<AssgnmtList><Idr>FR-2025-0001</Idr><IsseDt>2025-06-16</IsseDt><Assgne>P2</Assgne><Assgnr>P1</Assgnr>\
             <FinItm><ItmCntxt>{one}</ItmCntxt><FinDocRef>I1</FinDocRef><CdtDbtInd>CRDT</CdtDbtInd>{amounts}</FinItm>\
             <ItmCnt>1</ItmCnt><CtrlSum>9999.99</CtrlSum></AssgnmtList>\
             <AssgnmtCnt>1</AssgnmtCnt><ItmCnt>1</ItmCnt><CtrlSum>9999.99</CtrlSum></InvcAssgnmtReq></Document>"
        );
        let written = request(vec![item("INV-7", 1_000_000)]).write().unwrap();
        assert!(written.ends_with(&list), "{written}");
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{NAMESPACE}\"><InvcAssgnmtReq><Hdr>"
        );
        assert!(written.starts_with(&head), "{written}");
        let seller = concat!(
            "<Orgtr><Id>P1</Id><Pty><BasePty><PtyId><Id><OrgId><Othr><Id>91630100MA0000001X</Id></Othr></OrgId></Id></PtyId>",
            "<LglOrg><Id>91630100MA0000001X</Id><Nm>卖方 &amp; 子公司</Nm></LglOrg></BasePty></Pty></Orgtr>"
        );
        assert!(written.contains(seller), "{written}");
    }

    #[test]
    fn whatever_is_referred_to_stands_once_in_the_header() {
        let paper = |paper: Paper, number: &str| (paper, number.to_owned());
        let other = party("X-1", "Buyer Inc.");
        let mut first = item("INV-7", 1_000_000);
        first.papers = vec![paper(Paper::Order, "PO1"), paper(Paper::Receipt, "GRN1"), paper(Paper::Waybill, "SF1")];
        first.account = Some("6222000000000000".to_owned());
        first.file_sha256 = Some("a".repeat(64));
        let mut second = Item { debtor: other.clone(), currency: "JPY".parse().unwrap(), ..item("INV-8", 500) };
        second.papers = vec![paper(Paper::Order, "PO1"), paper(Paper::Order, "PO2")];
        let mut request = request(vec![first, second]);
        request.notified = vec![other];
        request.related = vec![paper(Paper::Contract, "C1")];
        request.cut_off_on = Some(day("2025-06-15"));
        request.authorised = Some(party("X-2", "Signer"));
        let said = read(&request.write().unwrap());
        for (path, expected) in [
            ("Hdr/OthrPty/Id", vec!["P4", "P5"]),
            ("Hdr/AuthstnUsr/Id", vec!["P3"]),
            ("LglOrg/Nm", vec!["卖方 ", " 子公司", "Bank", "Signer", "Buyer Inc.", "买方"]),
            ("Hdr/AssoctdDoc/Id", vec!["I1", "I2", "D1", "D2", "D3", "D4", "D5"]),
            ("Hdr/AssoctdDoc/ItmIdr", vec!["INV-7", "INV-8", "C1", "PO1", "GRN1", "SF1", "PO2"]),
            ("Hdr/AssoctdDoc/DocTp", vec!["CINV", "CINV", "PUOR", "DISP", "PUOR"]),
            ("Dgst/DgstAlgo", vec!["HS25"]),
            ("AssgnmtList/RltdDoc", vec!["D1"]),
            ("AssgnmtList/AmtCutOffDt", vec!["2025-06-15"]),
            ("NtfctnInf/NtifngPty", vec!["P1"]),
            ("NtfctnInf/NtfctnRcvr", vec!["P4"]),
            ("ItmCntxt/Buyr", vec!["P5", "P4"]),
            ("CdtAcct/Othr/Id", vec!["6222000000000000"]),
            ("FinItm/AssoctdDoc", vec!["D2", "D3", "D4", "D2", "D5"]),
            ("FinItm/DueAmt", vec!["9999.99", "499"]),
            ("InvcAssgnmtReq/ItmCnt", vec!["2"]),
            // 9,999.99 yuan and 499 yen: whatever the currency.
            ("InvcAssgnmtReq/CtrlSum", vec!["10498.99"]),
        ] {
            assert_eq!(all(&said, path), expected, "{path}");
        }
    }

    #[test]
    fn what_the_schema_does_not_take_is_refused_all_at_once() {
        let good = || request(vec![item("INV-7", 1_000_000)]);
        assert_eq!(good().checked(), Ok(()));
        let odd = item("INV\u{1}", 100);
        let wrong = Item { total_minor: 101, account: Some("1".repeat(35)), file_sha256: Some("x".to_owned()), ..odd };
        let mut bad = AssignmentRequest { id: "F".repeat(36), ..request(vec![item("INV-7", 100), wrong]) };
        bad.assignee.name = " ".to_owned();
        bad.notified = vec![party("C", &"N".repeat(141))];
        bad.related = vec![(Paper::Contract, String::new())];
        let fields: Vec<String> = bad.write().unwrap_err().iter().map(|refusal| refusal.field.join(".")).collect();
        let expected = [
            "id",
            "assignee.name",
            "notified.0.name",
            "related.0",
            "items.1.number",
            "items.1.account",
            "items.1.fileSha256",
            "items.1.total",
        ];
        assert_eq!(fields, expected);
        assert_eq!(request(Vec::new()).write().unwrap_err()[0].field, ["items"]);
        let more = request(vec![item("INV-7", 100); MOST_ITEMS + 1]).checked().unwrap_err();
        assert_eq!((more.len(), more[0].code), (1, ErrorCode::TooMany));
        let much = Item { outstanding_minor: 101, ..item("INV-7", 100) };
        assert_eq!(request(vec![much]).checked().unwrap_err()[0].code, ErrorCode::InvalidAmount);
    }
}
