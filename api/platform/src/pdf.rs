//! Pages of A4 as one PDF document. What is drawn is measured in tenths of a millimetre, as people measure paper, and
//! from the bottom of the page, as PDF does.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref};

/// Width and height of a page.
pub const PAGE: (i32, i32) = (2_100, 2_970);

/// A whole number as PDF has them: nothing here is longer than a page.
pub fn number(whole: i32) -> f32 {
    f32::from(i16::try_from(whole).unwrap_or(i16::MAX))
}

/// An empty page.
pub fn blank() -> Content {
    let mut content = Content::new();
    // A point is 1/72 inch, and a tenth of a millimetre 0.283465 of it.
    content.transform([0.283_465, 0.0, 0.0, 0.283_465, 0.0, 0.0]);
    content
}

/// A document that is being written.
#[derive(Debug)]
pub struct Document {
    /// What is written of it.
    pub pdf: Pdf,
    last: i32,
    fonts: Vec<(Name<'static>, Ref)>,
}

const CATALOG: Ref = Ref::new(1);
const TREE: Ref = Ref::new(2);

impl Default for Document {
    fn default() -> Self {
        Self { pdf: Pdf::new(), last: 2, fonts: Vec::new() }
    }
}

impl Document {
    /// A number for another part of it.
    pub fn part(&mut self) -> Ref {
        self.last += 1;
        Ref::new(self.last)
    }

    /// A number for a font, which pages call by this name.
    pub fn font(&mut self, name: Name<'static>) -> Ref {
        let font = self.part();
        self.fonts.push((name, font));
        font
    }

    /// The bytes of it, with these pages.
    pub fn of_pages(mut self, pages: Vec<Content>) -> Vec<u8> {
        let parts: Vec<(Ref, Ref, Content)> =
            pages.into_iter().map(|content| (self.part(), self.part(), content)).collect();
        self.pdf.catalog(CATALOG).pages(TREE);
        let count = i32::try_from(parts.len()).unwrap_or(i32::MAX);
        self.pdf.pages(TREE).kids(parts.iter().map(|(page, _, _)| *page)).count(count);
        for (page, drawn, content) in parts {
            let mut page = self.pdf.page(page);
            page.media_box(Rect::new(0.0, 0.0, 595.276, 841.89)).parent(TREE).contents(drawn);
            page.resources().fonts().pairs(self.fonts.iter().copied());
            page.finish();
            self.pdf.stream(drawn, &content.finish());
        }
        self.pdf.finish()
    }
}
