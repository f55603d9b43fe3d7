//! CEB messages (跨境统一版报文, 2022-05): orders, payments, waybills, lists, receipts, tax bills.
//!
//! Which elements there are, in which order and how long, stands in tables ([`import`], [`export`]), one for each part of
//! a message, copied from the official schemas. Everything else is the same for all kinds: [`Message::write`] writes what
//! the tables allow, an element that has no value not at all; [`read`] reads what comes.
//!
//! Invariants: what is written is valid against the schema, or is refused with every fault in it; the same message is the
//! same bytes; what was read and is written again says the same. Reading takes a bounded number of bytes and elements,
//! knows no document type and no entities but XML's own five, and never panics.
//!
//! - [`form`]: what a table says, and whether a value keeps to it
//! - [`import`], [`export`]: the tables, and the kinds of message

pub mod export;
pub mod form;
pub mod import;
mod read;
mod write;

use std::fmt;

pub use form::{Field, Form, Kind, Part, Shape, Signing};
pub use read::{Unreadable, enveloped, read};
pub use write::content as escaped;

/// The namespace of the messages.
pub const NAMESPACE: &str = "http://www.chinaport.gov.cn/ceb";

/// A kind of message by its number; none: there is no such message.
pub fn kind(number: u16) -> Option<&'static Kind> {
    import::KINDS.iter().chain(export::KINDS).copied().find(|kind| kind.number == number)
}

/// What a part of a message says: the names of its elements and their values, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Record(Vec<(String, String)>);

impl Record {
    /// Says something more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The same, when there is something to say: an element without a value is left out and not left empty.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value.map(Into::into).filter(|value: &String| !value.is_empty()) {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// What it says under this name; none: nothing, or an empty element.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(said, _)| said == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All that it says.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// One document of a message: its head, and its lines where the kind has lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Document {
    /// The head, or all of it.
    pub head: Record,
    /// The lines.
    pub lines: Vec<Record>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of which kind.
    pub kind: &'static Kind,
    /// Its own number (报文唯一序号): 36 characters, letters in upper case.
    pub guid: String,
    /// The version that it says; `1.0`.
    pub version: String,
    /// What it is about.
    pub documents: Vec<Document>,
    /// Who sends it over the e-port (基础报文传输实体); receipts say nothing of it.
    pub transfer: Option<Record>,
    /// Who else is told (基础回执订阅实体).
    pub subscribers: Vec<Record>,
    /// What the two ends agreed on (扩展自定义数据实体), as XML.
    pub extension: Option<String>,
    /// The signature, as XML.
    pub signature: Option<String>,
}

/// What a paper says that is declared, and not only saved at the e-port.
const DECLARED: &str = "2";

impl Message {
    /// A message of one document or several, which nobody has signed yet.
    pub fn new(kind: &'static Kind, guid: impl Into<String>, documents: Vec<Document>) -> Self {
        Self {
            kind,
            guid: guid.into(),
            version: "1.0".into(),
            documents,
            transfer: None,
            subscribers: Vec::new(),
            extension: None,
            signature: None,
        }
    }

    /// Whether it goes out with a signature. Some kinds have one in the schema. Of the others that are sent the schema lets it
    /// be left out, and the specification wants it of whatever is declared (`appStatus` 2, section 2.2).
    pub fn must_be_signed(&self) -> bool {
        match self.kind.signing {
            Signing::Signed => true,
            Signing::MayBeSigned => self.documents.iter().any(|said| said.head.get("appStatus") == Some(DECLARED)),
            Signing::Told => false,
        }
    }

    /// The name of its root element.
    pub fn root(&self) -> String {
        format!("CEB{}Message", self.kind.number)
    }
}

/// Something that the schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `Order[2]/OrderHead/orderNo`.
    pub at: String,
    /// What.
    pub what: Wrong,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there, or empty, and must be.
    Missing,
    /// The schema does not know it.
    Unknown,
    /// It is said twice, or stands after what it must stand before.
    Misplaced,
    /// It is not so many characters long.
    NotLong {
        /// How many.
        exactly: usize,
    },
    /// It is longer than so many characters.
    TooLong {
        /// How many.
        most: usize,
    },
    /// It is something else than the schema says.
    Not {
        /// What it says.
        only: &'static str,
    },
    /// It is no decimal number of 19 digits, at most 5 of them after the point.
    NoNumber,
    /// It is no whole number.
    NotWhole,
    /// It has a character that XML does not know.
    NoText,
    /// There are more of them than so many.
    TooMany {
        /// How many.
        most: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match &self.what {
            Wrong::Missing => write!(f, "{at} is missing"),
            Wrong::Unknown => write!(f, "{at} is not in the schema"),
            Wrong::Misplaced => write!(f, "{at} stands in the wrong place"),
            Wrong::NotLong { exactly } => write!(f, "{at} is not {exactly} characters long"),
            Wrong::TooLong { most } => write!(f, "{at} is longer than {most} characters"),
            Wrong::Not { only } => write!(f, "{at} is not {only}"),
            Wrong::NoNumber => write!(f, "{at} is no number of 19 digits with 5 decimals"),
            Wrong::NotWhole => write!(f, "{at} is no whole number"),
            Wrong::NoText => write!(f, "{at} has a character that XML does not know"),
            Wrong::TooMany { most } => write!(f, "{at} is there more than {most} times"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{form::Form, *};

    /// A character that a text may have. Nothing is drawn in vain: of a million cases none is given up.
    fn character() -> impl Strategy<Value = char> {
        any::<char>().prop_map(|c| if form::is_text(c) { c } else { '茶' })
    }

    /// A value that keeps to its form.
    fn fitting(form: Form) -> BoxedStrategy<String> {
        match form {
            Form::Exactly(n) => {
                proptest::collection::vec(character(), n).prop_map(|chars| chars.into_iter().collect()).boxed()
            }
            Form::UpTo(most) => proptest::collection::vec(character(), 1..=most.min(40))
                .prop_map(|chars| chars.into_iter().collect())
                .boxed(),
            Form::Fixed(only) => Just(only.to_owned()).boxed(),
            Form::Decimal => "-?[0-9]{1,14}(\\.[0-9]{1,5})?".boxed(),
            Form::Whole => any::<i32>().prop_map(|n| n.to_string()).boxed(),
        }
    }

    fn said(part: &'static Part) -> BoxedStrategy<Record> {
        let fields: Vec<_> = part
            .fields
            .iter()
            .map(|field| {
                let value = fitting(field.form);
                if field.required { value.prop_map(Some).boxed() } else { proptest::option::of(value).boxed() }
            })
            .collect();
        fields
            .prop_map(move |values| {
                let named = part.fields.iter().zip(values);
                named.fold(Record::default(), |record, (field, value)| record.with_some(field.name, value))
            })
            .boxed()
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let kinds: Vec<&'static Kind> = import::KINDS.iter().chain(export::KINDS).copied().collect();
        proptest::sample::select(kinds).prop_flat_map(|kind| {
            let lines = match kind.shape {
                Shape::Lined { line, .. } => proptest::collection::vec(said(line), 1..4).boxed(),
                _ => Just(Vec::new()).boxed(),
            };
            let document = (said(kind.shape.head()), lines).prop_map(|(head, lines)| Document { head, lines });
            let documents = proptest::collection::vec(document, 1..=kind.most.min(3));
            let sent = kind.signing != Signing::Told;
            let transfer = said(&import::BASE_TRANSFER).prop_map(move |transfer| sent.then_some(transfer));
            (documents, transfer, "[0-9A-F-]{36}").prop_map(move |(documents, transfer, guid)| Message {
                transfer,
                ..Message::new(kind, guid, documents)
            })
        })
    }

    fn order() -> Message {
        let fields = |part: &Part| {
            part.fields.iter().fold(Record::default(), |record, field| {
                record.with(
                    field.name,
                    match field.form {
                        Form::Exactly(n) => "1".repeat(n),
                        Form::UpTo(_) => "一".into(),
                        Form::Fixed(only) => only.into(),
                        Form::Decimal => "1.5".into(),
                        Form::Whole => "1".into(),
                    },
                )
            })
        };
        let document = Document { head: fields(&import::ORDER_HEAD), lines: vec![fields(&import::ORDER_LIST)] };
        Message {
            transfer: Some(fields(&import::BASE_TRANSFER)),
            ..Message::new(&import::CEB311, "A".repeat(36), vec![document])
        }
    }

    fn faults(of: &Message) -> Vec<String> {
        of.faults().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_is_in_order_and_each_kind_is_found_by_its_number() {
        for of in import::KINDS.iter().chain(export::KINDS) {
            assert_eq!(kind(of.number), Some(*of));
            let mut names: Vec<&str> = of.shape.head().fields.iter().map(|field| field.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), of.shape.head().fields.len(), "CEB{} names an element twice", of.number);
        }
        assert_eq!(kind(999), None);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_nothing_is_written() {
        let good = order();
        assert_eq!(faults(&good), Vec::<String>::new());
        let mut bad = good.clone();
        bad.guid = "short".into();
        bad.transfer = None;
        bad.documents[0].head = Record::default().with("appType", "12").with("guid", "x").with("orderno", "1");
        bad.documents[0].lines[0] =
            good.documents[0].lines[0].values().fold(Record::default(), |record, (name, value)| match name {
                "qty" => record.with(name, "1.123456"),
                "gnum" => record.with(name, "1.0"),
                "currency" => record.with(name, "502"),
                "itemName" => record.with(name, "长".repeat(251)),
                "note" => record.with(name, "\u{b}"),
                "price" => record,
                _ => record.with(name, value),
            });
        let told = faults(&bad);
        for expected in [
            "guid is not 36 characters long",
            "BaseTransfer is missing",
            "Order[1]/OrderHead/appType is not 1 characters long",
            "Order[1]/OrderHead/guid stands in the wrong place",
            "Order[1]/OrderHead/orderno is not in the schema",
            "Order[1]/OrderHead/orderNo is missing",
            "Order[1]/OrderList[1]/qty is no number of 19 digits with 5 decimals",
            "Order[1]/OrderList[1]/gnum is no whole number",
            "Order[1]/OrderList[1]/currency is not 142",
            "Order[1]/OrderList[1]/itemName is longer than 250 characters",
            "Order[1]/OrderList[1]/note has a character that XML does not know",
            "Order[1]/OrderList[1]/price is missing",
        ] {
            assert!(told.iter().any(|fault| fault == expected), "{expected} is not among {told:#?}");
        }
        assert!(bad.write().is_err());
        let none = Message { documents: Vec::new(), ..good.clone() };
        assert_eq!(faults(&none), ["Order is missing"]);
        let unlined = Document { lines: Vec::new(), ..good.documents[0].clone() };
        assert_eq!(faults(&Message { documents: vec![unlined], ..good.clone() }), ["Order[1]/OrderList is missing"]);
        let many = Message { documents: vec![good.documents[0].clone(); 101], ..good };
        assert_eq!(faults(&many), ["Order is there more than 100 times"]);
    }

    #[test]
    fn what_is_no_message_is_refused_with_the_reason() {
        let good = order().write().unwrap();
        let with = |from: &str, to: &str| good.replacen(from, to, 1);
        let table: Vec<(String, &str)> = vec![
            (String::new(), "it is no XML"),
            ("<a>".into(), "it is no XML"),
            ("{}".into(), "it is no XML"),
            ("<a/>".into(), "a is no message"),
            (with(NAMESPACE, "http://elsewhere"), "CEB311Message is no message"),
            (good.replace("CEB311Message", "CEB999Message"), "CEB999Message is no message"),
            (with("<ceb:Order>", "<!DOCTYPE x><ceb:Order>"), "it"),
            (with("?>", "?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"), "it declares a document type"),
            (with("一", "&e;"), "it declares a document type or names an entity"),
            (with("一", "&#11;"), "it"),
            (with("<ceb:OrderHead>", "<ceb:OrderHead><ceb:a><ceb:b/></ceb:a>"), "a has no place"),
            (with("<ceb:OrderHead>", "<ceb:Else/><ceb:OrderHead>"), "Else has no place"),
            (with("<ceb:OrderHead>", "<OrderHead xmlns='x'/><ceb:OrderHead>"), "OrderHead has no place"),
            (format!("{good}<x/>"), "x has no place"),
            (format!("{good}x"), "it is no XML"),
            ("<a>".repeat(40) + &"</a>".repeat(40), "it is larger than any message"),
            ("<a>".to_owned() + &"<a/>".repeat(400_001) + "</a>", "it is larger than any message"),
        ];
        for (text, why) in table {
            let told = read(text.as_bytes()).expect_err(&text.chars().take(200).collect::<String>()).to_string();
            assert!(told.starts_with(why), "{told} and not {why}");
        }
        assert_eq!(read(&[b'<', 0xff]), Err(Unreadable::NotUtf8));
        assert_eq!(read(&vec![b' '; 17 << 20]), Err(Unreadable::TooMuch));
    }

    #[test]
    fn an_envelope_is_opened() {
        let text = "<DxpMsg xmlns='http://www.chinaport.gov.cn/dxp' ver='1.0'><TransInfo><CopMsgId>1</CopMsgId></TransInfo>\
                    <Data>PGEvPg==</Data></DxpMsg>";
        assert_eq!(enveloped(text.as_bytes()), Ok(Some("PGEvPg==".into())));
        assert_eq!(enveloped(b"<a/>"), Ok(None));
        assert_eq!(
            enveloped(b"<DxpMsg/>").unwrap_err().to_string(),
            "an envelope without Data has no place in the message"
        );
        assert!(enveloped(b"<!DOCTYPE a><DxpMsg/>").is_err());
    }

    #[test]
    fn what_customs_says_is_read_also_with_a_word_more_and_another_prefix() {
        let text = "\u{feff}<x:CEB900Message guid='G' version='1.0' xmlns:x='http://www.chinaport.gov.cn/ceb'><!-- - -->\n\
                    <x:MessageReturn><x:returnStatus>-1</x:returnStatus><x:more>1</x:more>\
                    <x:oriBizMessage><![CDATA[<a>&amp;</a>]]></x:oriBizMessage></x:MessageReturn></x:CEB900Message>";
        let message = read(text.as_bytes()).unwrap();
        assert_eq!(message.kind.number, 900);
        let head = &message.documents[0].head;
        assert_eq!(
            (head.get("returnStatus"), head.get("more"), head.get("oriBizMessage")),
            (Some("-1"), Some("1"), Some("<a>&amp;</a>"))
        );
        assert!(faults(&message).contains(&"MessageReturn[1]/more is not in the schema".to_owned()));
    }

    #[test]
    fn a_signature_and_an_extension_are_kept_as_they_are_with_what_they_need() {
        let (signature, extension) = (
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:a b=\"1\"> &lt; </ds:a></ds:Signature>",
            "<ceb:ExtendMessage><ceb:name>n</ceb:name><y:Message xmlns:y=\"urn:y\"/></ceb:ExtendMessage>",
        );
        let message = Message { signature: Some(signature.into()), extension: Some(extension.into()), ..order() };
        let text = message.write().unwrap();
        assert!(text.ends_with(&format!("{extension}{signature}</ceb:CEB311Message>")));
        assert_eq!(read(text.as_bytes()).unwrap(), message);
        // Its prefix is declared around it.
        let outside = text.replace(" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "").replacen(
            " guid=",
            " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" guid=",
            1,
        );
        assert_eq!(read(outside.as_bytes()).unwrap().signature.as_deref(), Some(signature));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_the_same_and_written_the_same(message in any_message()) {
            let text = message.write().unwrap_or_else(|faults| panic!("{faults:?}"));
            let again = read(text.as_bytes()).unwrap();
            prop_assert_eq!(&again, &message);
            prop_assert_eq!(again.write().unwrap(), text);
        }

        #[test]
        fn whatever_comes_is_a_message_or_is_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cut in any::<proptest::sample::Index>(), more in any::<u8>(),
        ) {
            let _ = read(&bytes);
            let mut text = order().write().unwrap().into_bytes();
            let at = cut.index(text.len());
            text[at] = more;
            let _ = read(&text).map(|message| message.faults());
            text.truncate(at);
            prop_assert!(read(&text).is_err());
        }
    }
}
