//! Codes to print (二维码打印页): A4 pages of three by six labels, each with the code of a slot as a picture and in letters.
//! As SVG documents, or one PDF. All lengths are in tenths of a millimetre.

use base64::{Engine, prelude::BASE64_STANDARD};
use entities::{
    showroom::store,
    values::{ErrorCode, Refusal},
};
use fast_qr::{ECL, QRBuilder};
use pdf_writer::{Content, Name, Str};
use platform::{
    error::Error,
    pdf::{Document, PAGE, blank, number},
};

use super::ops::floor::Floor;

const GRID: (i32, i32) = (3, 6);
const LABEL: (i32, i32) = (633, 460);
const MARGIN: (i32, i32) = (100, 105);
const CODE: i32 = 340;
const FONT: Name<'static> = Name(b"F");
/// White around a code, in modules: half of what the standard asks for, the label's edge gives the rest.
const QUIET: i32 = 2;

/// A label.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where the slot is: showroom, zone, fixture, slot.
    pub place: String,
    /// What is printed.
    pub code: String,
    /// The dark squares of the picture, by row.
    modules: Vec<Vec<bool>>,
}

/// The labels of a floor, in its order. Links hold `{code}`.
pub fn labels(
    store: &store::Model,
    floor: &Floor,
    fixtures: Option<&[String]>,
    link: &str,
) -> Result<Vec<Label>, Error> {
    let mut all = Vec::new();
    for zone in &floor.zones {
        for fixture in floor.fixtures.iter().filter(|row| row.zone_id == zone.id) {
            if fixtures.is_some_and(|only| !only.iter().any(|code| code.eq_ignore_ascii_case(&fixture.code))) {
                continue;
            }
            for slot in floor.slots.iter().filter(|row| row.fixture_id == fixture.id) {
                all.push(Label {
                    place: format!("{} / {} / {} / {}", store.code, zone.code, fixture.code, slot.code),
                    code: slot.scan_code.clone(),
                    modules: modules(&link.replace("{code}", &slot.scan_code))?,
                });
            }
        }
    }
    Ok(all)
}

fn modules(text: &str) -> Result<Vec<Vec<bool>>, Error> {
    let too_long = |_| Refusal::new(ErrorCode::TooLong).with("max", "2000");
    let code = QRBuilder::new(text).ecl(ECL::Q).build().map_err(too_long)?;
    let row = |y: usize| (0..code.size).map(|x| code[y][x].value()).collect();
    Ok((0..code.size).map(row).collect())
}

impl Label {
    fn modules_wide(&self) -> i32 {
        i32::try_from(self.modules.len()).unwrap_or(i32::MAX)
    }

    /// The dark runs of the picture: x, y and length, in modules, y from the top.
    fn runs(&self) -> Vec<(i32, i32, i32)> {
        let mut runs = Vec::new();
        for (y, row) in (0_i32..).zip(&self.modules) {
            let mut start: Option<i32> = None;
            for (x, dark) in (0_i32..).zip(row.iter().copied().chain([false])) {
                match (dark, start) {
                    (true, None) => start = Some(x),
                    (false, Some(from)) => {
                        runs.push((from, y, x - from));
                        start = None;
                    }
                    _ => {}
                }
            }
        }
        runs
    }
}

/// The labels of each page with their places, from the top left.
fn pages(labels: &[Label]) -> impl Iterator<Item = Vec<(i32, i32, &Label)>> {
    let each = usize::try_from(GRID.0 * GRID.1).unwrap_or(1);
    labels.chunks(each).map(|page| {
        let place = |(n, label)| {
            let n: i32 = n;
            (MARGIN.0 + n % GRID.0 * LABEL.0, MARGIN.1 + n / GRID.0 * LABEL.1, label)
        };
        (0_i32..).zip(page).map(place).collect()
    })
}

/// The pages as SVG documents.
pub fn svg(labels: &[Label]) -> Vec<String> {
    use std::fmt::Write;

    pages(labels)
        .map(|page| {
            let mut drawn = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" viewBox=\"0 0 {} {}\">\
                 <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
                PAGE.0, PAGE.1
            );
            for (x, y, label) in page {
                let wide = label.modules_wide() + 2 * QUIET;
                let mut path = String::new();
                for (from, row, long) in label.runs() {
                    let _ = write!(path, "M{} {}h{long}v1h-{long}z", from + QUIET, row + QUIET);
                }
                // Codes and places are letters, digits and signs that need no escaping.
                let _ = write!(
                    drawn,
                    "<svg x=\"{}\" y=\"{y}\" width=\"{CODE}\" height=\"{CODE}\" viewBox=\"0 0 {wide} {wide}\" \
                     shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>\
                     <g font-family=\"Helvetica,Arial,sans-serif\" text-anchor=\"middle\">\
                     <text x=\"{mid}\" y=\"{}\" font-size=\"38\" letter-spacing=\"3\">{}</text>\
                     <text x=\"{mid}\" y=\"{}\" font-size=\"26\" fill=\"#444\">{}</text></g>",
                    x + (LABEL.0 - CODE) / 2,
                    y + CODE + 36,
                    label.code,
                    y + CODE + 70,
                    label.place,
                    mid = x + LABEL.0 / 2,
                );
            }
            drawn.push_str("</svg>");
            drawn
        })
        .collect()
}

/// All pages as one PDF document, in base64.
pub fn pdf(labels: &[Label]) -> String {
    let mut document = Document::default();
    let font = document.font(FONT);
    document.pdf.type1_font(font).base_font(Name(b"Helvetica"));
    let page = |labels: Vec<(i32, i32, &Label)>| {
        let mut content = blank();
        for (x, y, label) in labels {
            drawn(&mut content, x, y, label);
        }
        content
    };
    BASE64_STANDARD.encode(document.of_pages(pages(labels).map(page).collect()))
}

/// A label, measured from the top left of the page; PDF counts from the bottom.
fn drawn(content: &mut Content, x: i32, y: i32, label: &Label) {
    let module = CODE / (label.modules_wide() + 2 * QUIET).max(1);
    let left = x + (LABEL.0 - module * label.modules_wide()) / 2;
    let top = PAGE.1 - y - QUIET * module;
    for (from, row, long) in label.runs() {
        let bottom = top - (row + 1) * module;
        content.rect(number(left + from * module), number(bottom), number(long * module), number(module));
    }
    content.fill_nonzero();
    // Helvetica has no letter wider than its size; what is centred by an average of 0.55 of it looks centred.
    for (text, size, down) in [(&label.code, 38, 36), (&label.place, 26, 70)] {
        let wide = i32::try_from(text.len()).unwrap_or(0) * size * 55 / 100;
        let (x, y) = (x + (LABEL.0 - wide) / 2, PAGE.1 - y - CODE - down);
        content.begin_text().set_font(FONT, number(size)).next_line(number(x), number(y));
        content.show(Str(text.as_bytes())).end_text();
    }
}
