//! What is read as a document, and what is refused.

use super::*;

#[test]
fn what_is_not_well_formed_is_refused() {
    let table = [
        ("", "ends before"),
        ("x", "text outside"),
        ("<a>", "ends before"),
        ("<a/><b/>", "two roots"),
        ("<a/>x", "text outside"),
        ("<a/>&#32;", "text outside"),
        ("<a/><![CDATA[]]>", "text outside"),
        ("</a>", "no XML"),
        ("<a></b>", "no XML"),
        ("<a b='1' b='2'/>", "no XML"),
        ("<a xmlns:x='u:x' xmlns:y='u:x' x:b='1' y:b='2'/>", "an attribute twice"),
        ("<a b=1/>", "no XML"),
        ("<a b/>", "no XML"),
        ("<a b='1'c='2'/>", "nothing stands between"),
        ("<a b='<'/>", "has <"),
        ("<a>]]></a>", "]]>"),
        ("<a>&</a>", "no XML"),
        ("<a>&#11;</a>", "character"),
        ("<a b='&#11;'/>", "character"),
        ("<a>\u{b}</a>", "character"),
        ("\u{feff}\u{feff}<a/>", "character"),
        ("<a>\u{ffff}</a>", "character"),
        ("< a/>", "no name"),
        ("<a></ a>", "no XML"),
        ("<a></a b='1'>", "no XML"),
        ("<a><!-- -- --></a>", "no XML"),
        ("<1/>", "no name"),
        ("<a:/>", "no name"),
        ("<:a/>", "no name"),
        ("<a:b:c/>", "no name"),
        ("<a b:='1'/>", "no name"),
        ("<x:a/>", "nobody declares"),
        ("<a x:b='1'/>", "nobody declares"),
        ("<xmlns:a/>", "nobody declares"),
        ("<a><b xmlns:x='u:x'/><x:c/></a>", "nobody declares"),
        ("<a xmlns:x=''/>", "cannot be"),
        ("<a xmlns:x='relative'/>", "cannot be"),
        ("<a xmlns='../relative'/>", "cannot be"),
        ("<a xmlns:xml='u:x'/>", "cannot be"),
        ("<a xmlns:xmlns='u:x'/>", "cannot be"),
        ("<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>", "cannot be"),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", "cannot be"),
        ("<a><?XML x?></a>", "no target"),
        ("<a><?xml version='1.0'?></a>", "declaration"),
        (" <?xml version='1.0'?><a/>", "declaration"),
        ("<?xml version='1.1'?><a/>", "declaration"),
        ("<?xml encoding='UTF-8'?><a/>", "declaration"),
        ("<?xml version='1.0' more=''?><a/>", "declaration"),
        ("<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>", "declaration"),
        ("<?xml version='1.0'encoding='UTF-8'?><a/>", "nothing stands between"),
        ("<?xml?><a/>", "no XML"),
        ("<a xmlns:x='urn:ö'/>", "cannot be"),
        ("<a xmlns:x='u x:y'/>", "cannot be"),
        ("<?xml version='1.0' encoding='GBK'?><a/>", "declaration"),
        ("<!DOCTYPE a><a/>", "document type"),
        ("<a>&e;</a>", "names an entity"),
        ("<a b='&e;'/>", "names an entity"),
    ];
    for (text, why) in table {
        let told = Document::parse(text).err().unwrap_or_else(|| panic!("{text} is read")).to_string();
        assert!(told.contains(why), "{text}: {told} and not {why}");
    }
}

#[test]
fn what_is_larger_than_a_message_is_refused() {
    let many = |n: usize, one: &str| (0..n).map(|n| one.replace('#', &n.to_string())).collect::<String>();
    let attributes = |n| many(n, " a#=''");
    let declared = |n| many(n, " xmlns:a#='u:u'");
    let table = [
        (format!("<a{}/>", attributes(32)), format!("<a{}/>", attributes(33))),
        (
            format!("<a{}><b{}/></a>", declared(32), declared(32)),
            format!("<a{}><b{}><c xmlns:c='u:c'/></b></a>", declared(32), declared(32)),
        ),
        ("<a>".repeat(32) + &"</a>".repeat(32), "<a>".repeat(33) + &"</a>".repeat(33)),
        (format!("<a>{}</a>", "<b/>".repeat(399_999)), format!("<a>{}</a>", "<b/>".repeat(400_000))),
        (format!("<a>{}</a>", " ".repeat((16 << 20) - 7)), format!("<a>{}</a>", " ".repeat((16 << 20) - 6))),
    ];
    for (most, more) in table {
        assert!(Document::parse(&most).is_ok());
        assert_eq!(Document::parse(&more).err(), Some(Unreadable::TooMuch));
    }
}
