//! Each message against its golden file, against the official schema, and against the official samples.
//!
//! The schemas and samples are not the project's: they are looked for beside it, and `tests/run` brings the validator.

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use entities::customs::ceb::{
    self, Document, Field, Form, Kind, Message, Part, Record, Shape, Signing, export, import,
};

use crate::house::{committed, root};

/// What the elements say, by their names; the rest by their form.
fn sample(field: &Field, number: u16) -> String {
    let said = BTreeMap::from([
        ("appTime", "20251101093000"),
        ("returnTime", "20251101093000123"),
        ("appStatus", "2"),
        ("appType", "1"),
        ("orderType", if number < 311 { "E" } else { "I" }),
        ("orderNo", "XN20251101000001"),
        ("ebpCode", "6301960001"),
        ("ebpName", "示例平台"),
        ("ebcCode", "6301960002"),
        ("ebcName", "示例电商 & <孙>"),
        ("payCode", "6301960003"),
        ("payName", "示例支付"),
        ("payTransactionId", "4200000001202511010000000001"),
        ("logisticsCode", "6301980004"),
        ("logisticsName", "示例物流"),
        ("logisticsNo", "YT0000000001"),
        ("goodsValue", "410"),
        ("freight", "0"),
        ("insuredFee", "0"),
        ("discount", "0"),
        ("taxTotal", "37.31"),
        ("acturalPaid", "447.31"),
        ("amountPaid", "447.31"),
        ("currency", "142"),
        ("buyerName", "测试甲"),
        ("buyerIdType", "1"),
        ("buyerIdNumber", "63010319900101001X"),
        ("payerIdType", "1"),
        ("payerIdNumber", "63010319900101001X"),
        ("payerName", "测试甲"),
        ("consignee", "测试甲"),
        ("consigneeAddress", "青海省西宁市城中区示例路1号"),
        ("consigneeDistrict", "630103"),
        ("gcode", "2201101000"),
        ("gname", "矿泉水"),
        ("itemName", "矿泉水"),
        ("gmodel", "品名:矿泉水;规格:500ml"),
        ("unit", "142"),
        ("unit1", "095"),
        ("unit2", "035"),
        ("qty", "10"),
        ("price", "41"),
        ("totalPrice", "410"),
        ("country", "305"),
        (
            "ieFlag",
            if (200..800).contains(&number) && export::KINDS.iter().any(|k| k.number == number) { "E" } else { "I" },
        ),
        ("customsCode", "9701"),
        ("portCode", "9701"),
        ("declTime", "20251101"),
        ("ieDate", "20251101"),
        ("preNo", "B20251101000000001"),
        ("invtNo", "970120251000000001"),
        ("tradeMode", "1210"),
        ("trafMode", "7"),
        ("dxpMode", "DXP"),
        ("dxpId", "DXPENT0000000001"),
        ("returnStatus", "2"),
        ("returnInfo", "[Code:2600;Desc:放行]"),
    ]);
    let fits = |value: &&str| match field.form {
        Form::Exactly(n) => value.chars().count() == n,
        Form::UpTo(most) => value.chars().count() <= most,
        Form::Fixed(_) | Form::Decimal | Form::Whole => true,
    };
    match (said.get(field.name).copied().filter(fits), field.form) {
        (_, Form::Fixed(only)) => only.to_owned(),
        (Some(value), _) => value.to_owned(),
        (None, Form::Exactly(36)) => "11111111-AAAA-4BBB-8CCC-000000000001".to_owned(),
        (None, Form::Exactly(n)) => "1".repeat(n),
        (None, Form::UpTo(most)) => field.name.chars().take(most).collect(),
        (None, Form::Decimal) => "1.5".to_owned(),
        (None, Form::Whole) => "1".to_owned(),
    }
}

/// A message of a kind: everything said, or only what must be.
fn message(kind: &'static Kind, everything: bool) -> Message {
    let record = |part: &Part| {
        let fields = part.fields.iter().filter(|field| everything || field.required);
        fields.fold(Record::default(), |said, field| said.with(field.name, sample(field, kind.number)))
    };
    let lines = match kind.shape {
        Shape::Lined { line, .. } => vec![record(line), record(line)],
        _ => Vec::new(),
    };
    let documents = vec![Document { head: record(kind.shape.head()), lines }];
    let sent = kind.signing != Signing::Told;
    let mut message = Message::new(kind, "11111111-AAAA-4BBB-8CCC-000000000000", documents);
    message.transfer = sent.then(|| record(&import::BASE_TRANSFER));
    message
}

fn kinds() -> impl Iterator<Item = &'static Kind> {
    import::KINDS.iter().chain(export::KINDS).copied()
}

#[test]
fn each_message_is_its_golden_file() {
    for kind in kinds() {
        let text = message(kind, true).write().unwrap_or_else(|faults| panic!("CEB{}: {faults:?}", kind.number));
        committed(&format!("tests/it/customs/golden/CEB{}.xml", kind.number), &text);
        assert_eq!(ceb::read(text.as_bytes()).unwrap(), message(kind, true));
    }
}

/// A signature as the schema wants one; it proves nothing.
const UNPROVED: &str = "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
    <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>\
    <ds:SignatureMethod Algorithm=\"http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3\"/><ds:Reference URI=\"\">\
    <ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/></ds:Transforms>\
    <ds:DigestMethod Algorithm=\"http://www.chinaport.gov.cn/2022/04/xmldsig#sm3\"/><ds:DigestValue>AAAA</ds:DigestValue>\
    </ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:KeyName>0001</ds:KeyName>\
    <ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>";

/// The facts that are kept beside the project, when they are.
pub fn shared(what: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(what);
    if !path.exists() {
        println!("{what} is not beside the project: nothing is tried against it");
    }
    path.exists().then_some(path)
}

/// Holds messages, each with a name for its file, against the official schemas, when those and a validator are there.
pub fn official(messages: &[(String, String)]) {
    let Some(validator) = shared("checks/ceb_validate.py") else { return };
    let Ok(python) = std::env::var("CHAMA_TEST_PYTHON") else {
        println!("CHAMA_TEST_PYTHON names no Python with lxml: nothing is tried against the official schemas");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let written = |(name, text): &(String, String)| {
        let file = folder.path().join(format!("{name}.xml"));
        std::fs::write(&file, text).unwrap();
        file
    };
    let files: Vec<PathBuf> = messages.iter().map(written).collect();
    let told = Command::new(python).arg(validator).args(&files).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL")).collect();
    let passed = text.lines().filter(|line| line.starts_with("ok")).count();
    assert!(told.status.success(), "{failed:#?}\n{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(passed, files.len(), "the validator did not look at every message: {text}");
}

#[test]
fn the_official_schemas_take_each_message_whatever_is_left_out_of_it() {
    let mut messages = Vec::new();
    for kind in kinds() {
        for (everything, name) in [(true, "full"), (false, "bare")] {
            let mut message = message(kind, everything);
            message.signature = (kind.signing == Signing::Signed).then(|| UNPROVED.to_owned());
            messages.push((format!("CEB{}-{name}", kind.number), message.write().unwrap()));
        }
    }
    assert!(messages.len() > 80, "messages are missing");
    official(&messages);
}

/// The elements of a text: names and values in order, without the space between elements.
fn elements(text: &str) -> Vec<(String, String)> {
    let (mut found, mut open): (Vec<(String, String)>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut reader = quick_xml::NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        use quick_xml::events::Event;
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push(found.len());
                found.push((start.local_name().into_inner().to_owned(), String::new()));
            }
            Event::End(_) => _ = open.pop(),
            Event::Text(said) => {
                if let Some(last) = open.last() {
                    found[*last].1.push_str(said.xml10_content().trim());
                }
            }
            Event::GeneralRef(said) => found[*open.last().unwrap()].1.push_str(&said.xml10_content()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn the_official_samples_are_read_and_say_the_same_when_they_are_written_again() {
    for folder in ["data/ceb/official-import-samples", "data/ceb/synthetic"] {
        let Some(folder) = shared(folder) else { continue };
        let mut seen = 0;
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let message = ceb::read(text.as_bytes()).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
            let again = message.write().unwrap_or_else(|faults| panic!("{}: {faults:#?}", file.display()));
            assert_eq!(elements(&text), elements(&again), "{}", file.display());
            seen += 1;
        }
        assert!(seen > 0, "{} is there and has no samples in it", folder.display());
    }
}
