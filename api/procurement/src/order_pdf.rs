//! A purchase order to print (采购订单打印): A4 pages in Chinese or in English, as one PDF. All lengths are in tenths of a
//! millimetre.
//!
//! No font is in the document. Latin text is in Helvetica, which every reader has; Chinese is in the reader's own Song
//! by the predefined character collection Adobe-GB1, in which every reader of Chinese documents has one. A name in
//! Chinese is therefore readable in an English order as well.

use base64::{Engine, prelude::BASE64_STANDARD};
use entities::{
    party::{Viewer, organisation},
    procurement::{
        OrderState,
        order::{
            line,
            version::{LineSnapshot, OrderSnapshot},
        },
    },
    values::{
        Currency, Locale, Money,
        id::{OrganisationId, PurchaseOrderId},
    },
};
use pdf_writer::{
    Content, Finish, Name, Rect, Str,
    types::{CidFontType, FontFlags, SystemInfo},
};
use platform::{
    clock::business_day,
    error::Error,
    pdf::{Document, PAGE, blank, number},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::ops::{orders, snapshots};

/// In which language an order is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// One of two texts.
    fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    fn locale(self) -> Locale {
        match self {
            Self::Zh => Locale::zh_cn(),
            Self::En => Locale::en(),
        }
    }
}

const MARGIN: i32 = 150;
const RIGHT: i32 = PAGE.0 - MARGIN;
const TOP: i32 = 200;
const BOTTOM: i32 = PAGE.1 - 220;
/// Sizes of letters, and the height of a line of text.
const TITLE: i32 = 64;
const TEXT: i32 = 34;
const LINE: i32 = 52;
/// The columns of the table: where each begins; numbers end before the next one.
const COLUMNS: [i32; 8] = [MARGIN, 230, 890, 1_010, 1_190, 1_430, 1_570, RIGHT];
/// White between two columns.
const GAP: i32 = 16;

/// Who stands at an end of an order.
#[derive(Clone, Debug)]
struct Party {
    name: String,
    code: Option<String>,
}

/// An order that the viewer may see, as a PDF document in base64; none when there is none. Its buyer prints what it
/// says now, and that it is a draft as long as it is one; its supplier what was sent last.
pub async fn printed(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: PurchaseOrderId,
    language: Language,
) -> Result<Option<String>, Error> {
    let Some(row) = orders::find(db, viewer, id).await? else { return Ok(None) };
    let last = snapshots::last(db, id).await?;
    let (content, sent, draft) = if viewer.organisation() == Some(row.supplier_id) {
        let Some(last) = last else { return Ok(None) };
        (last.content, Some(last.at), false)
    } else {
        let lines = line::Entity::find()
            .filter(line::Column::OrderId.eq(id))
            .order_by_asc(line::Column::Position)
            .all(db)
            .await?;
        let sent = last.filter(|last| last.revision == row.revision).map(|last| last.at);
        let draft = matches!(row.state, OrderState::Draft | OrderState::PendingApproval);
        (snapshots::of(&row, &lines), sent, draft)
    };
    let found = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in([content.buyer, content.supplier]))
        .all(db)
        .await?;
    let party = |id: OrganisationId| {
        let row = found.iter().find(|row| row.id == id);
        let name = row.and_then(|row| row.name.read(&language.locale())).unwrap_or_default().to_owned();
        Party { name, code: row.and_then(|row| row.uscc.as_ref().map(|code| code.as_str().to_owned())) }
    };
    let sent = sent.map(|at| business_day(at).to_string());
    let said = Said { buyer: party(content.buyer), supplier: party(content.supplier), sent, draft };
    Ok(Some(BASE64_STANDARD.encode(pdf(&content, &said, language))))
}

/// What is printed beside the order itself.
#[derive(Clone, Debug)]
struct Said {
    buyer: Party,
    supplier: Party,
    /// On which day what it says went to the supplier.
    sent: Option<String>,
    /// Whether nobody approved it yet.
    draft: bool,
}

impl Said {
    /// What marks an order that nobody approved.
    fn mark(&self, language: Language) -> Option<&'static str> {
        self.draft.then(|| language.pick("草稿，未批准", "Draft, not approved"))
    }
}

/// What stands on a page, measured from its top left.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    Text { x: i32, y: i32, size: i32, text: String },
    Rule { y: i32 },
}

/// Pages that are filled from the top.
#[derive(Debug)]
struct Layout {
    pages: Vec<Vec<Mark>>,
    y: i32,
}

/// How wide a letter is, in thousandths of its size. Helvetica's digits and signs are exact, so that numbers end where
/// they should; its letters are a little less wide than is said here.
fn letter(c: char) -> i32 {
    match c {
        ' ' | '.' | ',' | ':' | ';' | '/' | '!' | 'i' | 'j' | 'l' | '|' | '\'' => 278,
        '(' | ')' | '-' | '[' | ']' | 't' | 'f' | 'r' | 'I' => 333,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 944,
        'A'..='Z' | '&' => 722,
        ' '..='~' => 556,
        _ => 1_000,
    }
}

/// How wide a text is.
fn width(text: &str, size: i32) -> i32 {
    text.chars().map(letter).sum::<i32>() * size / 1_000
}

/// A text in lines that fit. Latin words are kept together as long as they fit; Chinese breaks anywhere.
fn wrapped(text: &str, size: i32, room: i32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for c in paragraph.chars() {
            line.push(c);
            if width(&line, size) <= room || line.chars().count() == 1 {
                continue;
            }
            // The last letter does not fit any more: it, or the word that it belongs to, begins the next line.
            let word = line.rfind(' ').filter(|_| c.is_ascii_graphic()).map(|at| at + 1);
            let at = word.unwrap_or(line.len() - c.len_utf8());
            let rest = line.split_off(at);
            lines.push(line.trim_end().to_owned());
            line.clear();
            line.push_str(rest.trim_start());
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

impl Layout {
    fn new() -> Self {
        Self { pages: vec![Vec::new()], y: TOP }
    }

    /// Begins another page unless so much fits on this one; true when it did.
    fn room(&mut self, height: i32) -> bool {
        let turned = self.y + height > BOTTOM;
        if turned {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        turned
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, x: i32, size: i32, text: &str) {
        let y = self.y;
        self.mark(Mark::Text { x, y, size, text: text.to_owned() });
    }

    /// A text that ends at a place.
    fn ending(&mut self, x: i32, size: i32, text: &str) {
        self.text(x - width(text, size), size, text);
    }

    fn rule(&mut self) {
        let y = self.y - LINE + 14;
        self.mark(Mark::Rule { y });
    }

    fn down(&mut self, by: i32) {
        self.y += by;
    }
}

/// The pages of an order.
fn laid_out(order: &OrderSnapshot, said: &Said, language: Language) -> Vec<Vec<Mark>> {
    let mut layout = Layout::new();
    head(&mut layout, order, said, language);
    columns(&mut layout, language);
    for line in &order.lines {
        row(&mut layout, line, order.currency, language);
    }
    layout.rule();
    foot(&mut layout, order, language);
    layout.pages
}

/// Title, sides and terms.
fn head(layout: &mut Layout, order: &OrderSnapshot, said: &Said, language: Language) {
    let title = language.pick("采购订单", "Purchase Order");
    layout.text((PAGE.0 - width(title, TITLE)) / 2, TITLE, title);
    layout.down(LINE);
    if let Some(mark) = said.mark(language) {
        layout.text((PAGE.0 - width(mark, TEXT)) / 2, TEXT, mark);
    }
    layout.down(LINE);
    let revision = order.revision.to_string();
    let place = format!("{} {}", async_graphql::Value::from(order.incoterm), order.named_place);
    let days = match language {
        Language::Zh => format!("{} 天", order.payment_days),
        Language::En => format!("{} days", order.payment_days),
    };
    let mut pairs: Vec<(&str, &str)> = vec![
        (language.pick("订单编号", "Order"), order.number.as_str()),
        (language.pick("版本", "Revision"), revision.as_str()),
        (language.pick("采购方", "Buyer"), said.buyer.name.as_str()),
    ];
    let code = language.pick("统一社会信用代码", "Credit code");
    pairs.extend(said.buyer.code.as_deref().map(|buyer| (code, buyer)));
    pairs.push((language.pick("供应商", "Supplier"), said.supplier.name.as_str()));
    pairs.extend(said.supplier.code.as_deref().map(|supplier| (code, supplier)));
    pairs.push((language.pick("贸易术语", "Delivery terms"), place.as_str()));
    pairs.push((language.pick("账期", "Payment"), days.as_str()));
    pairs.push((language.pick("币种", "Currency"), order.currency.code()));
    pairs.extend(said.sent.as_deref().map(|sent| (language.pick("发出日期", "Sent on"), sent)));
    for (name, value) in pairs {
        layout.text(MARGIN, TEXT, name);
        for part in wrapped(value, TEXT, RIGHT - MARGIN - 420) {
            layout.text(MARGIN + 420, TEXT, &part);
            layout.down(LINE);
        }
    }
    layout.down(LINE);
}

/// The heads of the columns.
fn columns(layout: &mut Layout, language: Language) {
    let names = [
        ("序号", "No."),
        ("品名", "Description"),
        ("单位", "Unit"),
        ("数量", "Quantity"),
        ("单价", "Unit price"),
        ("税率", "Tax"),
        ("金额", "Amount"),
    ];
    for (n, (zh, en)) in names.into_iter().enumerate() {
        let name = language.pick(zh, en);
        if n < 3 {
            layout.text(COLUMNS[n], TEXT, name);
        } else {
            layout.ending(COLUMNS[n + 1] - GAP, TEXT, name);
        }
    }
    layout.down(LINE);
    layout.rule();
}

/// A line of the order, on one page.
fn row(layout: &mut Layout, line: &LineSnapshot, currency: Currency, language: Language) {
    let mut words = wrapped(&line.description, TEXT, COLUMNS[2] - COLUMNS[1] - GAP);
    let needed = line.needed_on.map(|on| format!("{} {on}", language.pick("交期", "Needed on")));
    words.extend(needed);
    for due in &line.schedule.0 {
        words.push(format!("{} × {}", due.on, due.quantity));
    }
    if line.short_closed > 0 {
        words.push(format!("{} {}", language.pick("已关闭", "Given up"), line.short_closed));
    }
    let units = wrapped(&line.unit, TEXT, COLUMNS[3] - COLUMNS[2] - GAP);
    let rows = words.len().max(units.len());
    let height = LINE * i32::try_from(rows).unwrap_or(1);
    if layout.room(height.min(BOTTOM - TOP - 2 * LINE)) {
        columns(layout, language);
    }
    let number = (line.position + 1).to_string();
    layout.text(COLUMNS[0], TEXT, &number);
    layout.ending(COLUMNS[4] - GAP, TEXT, &line.quantity.to_string());
    layout.ending(COLUMNS[5] - GAP, TEXT, &line.price.decimal().to_string());
    layout.ending(COLUMNS[6] - GAP, TEXT, &share(line.tax_ppm));
    let amount = Money { minor: line.amount_minor, currency }.decimal().to_string();
    layout.ending(COLUMNS[7], TEXT, &amount);
    for n in 0..rows {
        for (column, parts) in [(COLUMNS[1], &words), (COLUMNS[2], &units)] {
            if let Some(part) = parts.get(n) {
                layout.text(column, TEXT, part);
            }
        }
        layout.down(LINE);
        layout.room(0);
    }
}

/// A rate of tax as people write it: `13%`.
fn share(ppm: i32) -> String {
    format!("{}%", rust_decimal::Decimal::new(ppm.into(), 4).normalize())
}

/// Totals and note.
fn foot(layout: &mut Layout, order: &OrderSnapshot, language: Language) {
    let amount = |minor| Money { minor, currency: order.currency }.to_string();
    for (name, minor) in [
        (language.pick("不含税金额", "Net"), order.net_minor),
        (language.pick("税额", "Tax"), order.tax_minor),
        (language.pick("价税合计", "Total"), order.total_minor),
    ] {
        layout.room(LINE);
        layout.ending(COLUMNS[6] - GAP, TEXT, name);
        layout.ending(RIGHT, TEXT, &amount(minor));
        layout.down(LINE);
    }
    let Some(note) = &order.note else { return };
    layout.down(LINE);
    for part in wrapped(note, TEXT, RIGHT - MARGIN) {
        layout.room(LINE);
        layout.text(MARGIN, TEXT, &part);
        layout.down(LINE);
    }
}

const LATIN: Name<'static> = Name(b"F");
const SONG: Name<'static> = Name(b"C");

/// An order as a PDF document.
fn pdf(order: &OrderSnapshot, said: &Said, language: Language) -> Vec<u8> {
    let pages = laid_out(order, said, language);
    let count = pages.len();
    let mut document = Document::default();
    fonts(&mut document);
    let page = |(n, marks): (usize, &Vec<Mark>)| {
        let mut content = blank();
        for mark in marks {
            drawn(&mut content, mark);
        }
        let mark = said.mark(language).map_or_else(String::new, |mark| format!("{mark}  "));
        let foot = format!("{mark}{}  {n} / {count}", order.number);
        let (x, y) = (RIGHT - width(&foot, TEXT), PAGE.1 - 120);
        drawn(&mut content, &Mark::Text { x, y, size: TEXT, text: foot });
        content
    };
    document.of_pages((1..).zip(&pages).map(page).collect())
}

/// Helvetica, and the reader's own Song with the letters of Adobe-GB1.
fn fonts(document: &mut Document) {
    let (latin, song) = (document.font(LATIN), document.font(SONG));
    let (letters, described) = (document.part(), document.part());
    let pdf = &mut document.pdf;
    let base = Name(b"STSong-Light");
    pdf.type1_font(latin).base_font(Name(b"Helvetica")).encoding_predefined(Name(b"WinAnsiEncoding"));
    pdf.type0_font(song)
        .base_font(Name(b"STSong-Light-UniGB-UCS2-H"))
        .encoding_predefined(Name(b"UniGB-UCS2-H"))
        .descendant_font(letters);
    let mut font = pdf.cid_font(letters);
    font.subtype(CidFontType::Type0).base_font(base).font_descriptor(described).default_width(1000.0);
    font.system_info(SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"GB1"), supplement: 4 });
    // The first 95 are those of ASCII, half as wide.
    font.widths().same(1, 95, 500.0);
    font.finish();
    let mut descriptor = pdf.font_descriptor(described);
    descriptor.name(base).flags(FontFlags::SYMBOLIC | FontFlags::SERIF);
    descriptor.bbox(Rect::new(-25.0, -254.0, 1000.0, 880.0)).italic_angle(0.0);
    descriptor.ascent(880.0).descent(-120.0).cap_height(880.0).stem_v(93.0);
}

/// A mark, measured from the top left of the page; PDF counts from the bottom.
fn drawn(content: &mut Content, mark: &Mark) {
    match mark {
        Mark::Rule { y } => {
            let y = number(PAGE.1 - y);
            content.set_line_width(2.0).move_to(number(MARGIN), y).line_to(number(RIGHT), y).stroke();
        }
        Mark::Text { x, y, size, text } => {
            content.begin_text().next_line(number(*x), number(PAGE.1 - y));
            for (latin, run) in runs(text) {
                let font = if latin { LATIN } else { SONG };
                content.set_font(font, number(*size));
                if latin {
                    content.show(Str(run.as_bytes()));
                } else {
                    content.show(Str(&ucs2(run)));
                }
            }
            content.end_text();
        }
    }
}

/// The parts of a text that are in one font each: whether it is ASCII, and the part.
fn runs(text: &str) -> Vec<(bool, &str)> {
    let mut found: Vec<(bool, &str)> = Vec::new();
    let mut start = 0;
    let mut before: Option<bool> = None;
    for (at, c) in text.char_indices() {
        let latin = matches!(c, ' '..='~');
        if let Some(was) = before.filter(|was| *was != latin) {
            found.push((was, &text[start..at]));
            start = at;
        }
        before = Some(latin);
    }
    found.extend(before.map(|was| (was, &text[start..])));
    found
}

/// A text as UCS-2, the higher byte first. What is beyond it, or no letter at all, is shown as a geta mark (〓).
fn ucs2(text: &str) -> Vec<u8> {
    let unit = |c: char| u16::try_from(u32::from(c)).ok().filter(|_| !c.is_control()).unwrap_or(0x3013);
    text.chars().flat_map(|c| unit(c).to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_between_words_and_chinese_anywhere() {
        for (text, room, expected) in [
            ("", 100, &[][..]),
            ("Rug", 1_000, &["Rug"]),
            ("Rug by hand", 80, &["Rug", "by", "hand"]),
            ("Rug\nby hand", 1_000, &["Rug", "by hand"]),
            ("藏毯手工", 70, &["藏毯", "手工"]),
            ("藏", 1, &["藏"]),
        ] {
            assert_eq!(wrapped(text, 34, room), expected, "{text:?} in {room}");
        }
    }

    #[test]
    fn every_part_of_a_text_has_its_own_font() {
        assert_eq!(runs("藏毯 60x90"), [(false, "藏毯"), (true, " 60x90")]);
        assert_eq!(runs("Rug"), [(true, "Rug")]);
        assert!(runs("").is_empty());
        assert_eq!(ucs2("毯𠮷"), [0x6b, 0xef, 0x30, 0x13]);
        assert_eq!((share(130_000), share(0), share(62_500)), ("13%".into(), "0%".into(), "6.25%".into()));
    }

    #[test]
    fn a_long_unit_stays_in_its_column() {
        let room = COLUMNS[3] - COLUMNS[2] - GAP;
        for unit in ["032", "box of 24 bottles", "aaaaaaaaaaaaaaaaaaaa", "每箱二十四瓶每瓶七百五十毫升"] {
            let parts = wrapped(unit, TEXT, room);
            assert!(parts.iter().all(|part| width(part, TEXT) <= room), "{parts:?}");
            let whole: String = parts.concat().replace(' ', "");
            assert_eq!(whole, unit.replace(' ', ""));
        }
    }

    #[test]
    fn a_long_order_has_pages_with_heads_and_a_short_one_has_one() {
        let line = |position| LineSnapshot {
            position,
            variant: None,
            description: "藏毯 Tibetan rug".into(),
            unit: "032".into(),
            quantity: 100,
            price: entities::procurement::UnitPrice(3_335_000),
            amount_minor: 33_350,
            tax_ppm: 130_000,
            needed_on: None,
            schedule: entities::procurement::terms::Schedule::default(),
            short_closed: 0,
        };
        let order = |lines: i32| OrderSnapshot {
            number: "PO20260301ABCD1234".into(),
            revision: 1,
            buyer: OrganisationId(uuid::Uuid::nil()),
            supplier: OrganisationId(uuid::Uuid::nil()),
            currency: Currency::CNY,
            fx: None,
            incoterm: entities::ordering::Incoterm::Ddp,
            named_place: "西宁".into(),
            payment_days: 30,
            deliver_to: None,
            net_minor: 33_350,
            tax_minor: 4_336,
            total_minor: 37_686,
            note: None,
            lines: (0..lines).map(line).collect(),
        };
        let party = |name: &str| Party { name: name.into(), code: None };
        let said = Said { buyer: party("湟道贸易"), supplier: party("河湟地毯"), sent: None, draft: true };
        for (lines, pages) in [(1, 1), (500, 11)] {
            for language in [Language::Zh, Language::En] {
                let laid = laid_out(&order(lines), &said, language);
                assert_eq!(laid.len(), pages, "{lines} lines");
                let named = language.pick("品名", "Description");
                let headed = |marks: &&Vec<Mark>| {
                    marks.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if text == named))
                };
                assert_eq!(laid.iter().filter(headed).count(), pages, "a page has no head");
                let within = |mark: &Mark| match mark {
                    Mark::Text { x, y, size, text } => {
                        *x >= MARGIN && x + width(text, *size) <= RIGHT && (TOP..=BOTTOM).contains(y)
                    }
                    Mark::Rule { y } => (TOP - LINE..=BOTTOM).contains(y),
                };
                assert!(laid.iter().flatten().all(within), "something is beyond the edge");
                let told = said.mark(language).unwrap();
                let is = |mark: &Mark| matches!(mark, Mark::Text { text, .. } if text == told);
                assert!(laid[0].iter().any(is), "a draft is printed as an order");
                let made = pdf(&order(lines), &said, language);
                assert!(made.starts_with(b"%PDF-") && made.trim_ascii_end().ends_with(b"%%EOF"));
            }
        }
    }
}
