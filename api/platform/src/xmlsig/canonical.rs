//! Canonical XML 1.0, inclusive and without comments (`http://www.w3.org/TR/2001/REC-xml-c14n-20010315`), of documents
//! without a document type: the one form in which a document is hashed, however it was written.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    document::{Attribute, Document, Element, Node},
    wellformed::XML,
};

impl Document {
    /// The canonical form of all of it, without one element when `without` names one: what an enveloped signature
    /// takes out is the signature and nothing beside it.
    pub(super) fn canonical(&self, without: Option<usize>) -> String {
        let mut writing = Writing::default();
        let end = self.within(self.root).end;
        let left_out = without.map(|one| one..=self.within(one).end);
        for (at, node) in self.nodes.iter().enumerate() {
            if left_out.as_ref().is_some_and(|one| one.contains(&at)) {
                continue;
            }
            // Outside of the root a line feed stands between an instruction and it.
            if at > end {
                writing.out.push('\n');
            }
            writing.node(node, at == self.root);
            if at < self.root {
                writing.out.push('\n');
            }
        }
        writing.out
    }

    /// The canonical form of one element and what is in it, as a part of its document: it says every namespace that
    /// is in scope around it, and the attributes `xml:…` that it has from around it (section 2.4 of the
    /// recommendation).
    pub(super) fn canonical_part(&self, apex: usize) -> String {
        let mut writing = Writing::default();
        for outer in self.around(apex).into_iter().filter_map(|at| self.element(at)) {
            writing.scope.extend(declared(outer));
            for attribute in outer.attributes.iter().filter(|one| &*one.namespace == XML) {
                writing.inherited.insert(attribute.local(), attribute);
            }
        }
        for at in apex..=self.within(apex).end {
            if let Some(node) = self.nodes.get(at) {
                writing.node(node, at == apex);
            }
        }
        writing.out
    }

    /// The tags in which the root begins and ends, in canonical form.
    pub(super) fn root_tags(&self) -> (String, String) {
        let (mut writing, mut tags) = (Writing::default(), (String::new(), String::new()));
        if let Some(element) = self.element(self.root) {
            writing.start(element, true);
            tags = (writing.out, format!("</{}>", element.name));
        }
        tags
    }
}

fn declared(element: &Element) -> impl Iterator<Item = (&str, &Rc<str>)> {
    element.declared.iter().map(|(prefix, namespace)| (prefix.as_str(), namespace))
}

/// A canonical form while it is written.
#[derive(Default)]
struct Writing<'a> {
    out: String,
    /// The namespaces in scope, the innermost last.
    scope: Vec<(&'a str, &'a Rc<str>)>,
    /// The attributes `xml:…` around the apex, by their local names.
    inherited: BTreeMap<&'a str, &'a Attribute>,
    /// The elements that have not ended yet, and how many namespaces were in scope before each.
    open: Vec<(&'a str, usize)>,
}

impl<'a> Writing<'a> {
    fn node(&mut self, node: &'a Node, is_apex: bool) {
        match node {
            Node::Start(element) => self.start(element, is_apex),
            Node::End => {
                if let Some((name, before)) = self.open.pop() {
                    self.scope.truncate(before);
                    self.all(&["</", name, ">"]);
                }
            }
            Node::Text(text) => escape(&mut self.out, text, |c| match c {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                '\r' => Some("&#xD;"),
                _ => None,
            }),
            Node::Instruction(target, rest) if rest.is_empty() => self.all(&["<?", target, "?>"]),
            Node::Instruction(target, rest) => self.all(&["<?", target, " ", rest, "?>"]),
        }
    }

    fn start(&mut self, element: &'a Element, is_apex: bool) {
        // By prefix, the default first. Nothing is said again that is in scope already, and the prefix `xml` never.
        let mut namespaces: BTreeMap<&str, &str> = BTreeMap::new();
        if is_apex {
            namespaces.extend(self.scope.iter().map(|(prefix, namespace)| (*prefix, &***namespace)));
        }
        for (prefix, namespace) in declared(element) {
            if is_apex || self.namespace(prefix) != &**namespace {
                namespaces.insert(prefix, namespace);
            }
        }
        namespaces.remove("xml");
        if is_apex && namespaces.get("").is_some_and(|default| default.is_empty()) {
            namespaces.remove("");
        }
        self.open.push((&element.name, self.scope.len()));
        self.scope.extend(declared(element));

        self.all(&["<", &element.name]);
        for (prefix, namespace) in namespaces {
            self.all(&if prefix.is_empty() { [" xmlns", ""] } else { [" xmlns:", prefix] });
            self.value(namespace);
        }
        let mut attributes: BTreeMap<(&str, &str), &Attribute> = BTreeMap::new();
        if is_apex {
            attributes.extend(self.inherited.iter().map(|(local, attribute)| ((XML, *local), *attribute)));
        }
        attributes.extend(element.attributes.iter().map(|one| ((&*one.namespace, one.local()), one)));
        for attribute in attributes.into_values() {
            self.all(&[" ", &attribute.name]);
            self.value(&attribute.value);
        }
        self.out.push('>');
    }

    /// What a prefix stands for; empty: nothing.
    fn namespace(&self, prefix: &str) -> &str {
        self.scope.iter().rev().find(|(declared, _)| *declared == prefix).map_or("", |(_, namespace)| namespace)
    }

    fn value(&mut self, value: &str) {
        self.out.push_str("=\"");
        escape(&mut self.out, value, |c| match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '"' => Some("&quot;"),
            '\t' => Some("&#x9;"),
            '\n' => Some("&#xA;"),
            '\r' => Some("&#xD;"),
            _ => None,
        });
        self.out.push('"');
    }

    fn all(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
    }
}

/// Adds a text, with some characters as something else.
fn escape(out: &mut String, text: &str, instead: impl Fn(char) -> Option<&'static str>) {
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if let Some(instead) = instead(c) {
            out.push_str(&text[plain..at]);
            out.push_str(instead);
            // All that is replaced is ASCII.
            plain = at + 1;
        }
    }
    out.push_str(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Document::parse(text).unwrap_or_else(|why| panic!("{why}: {text}")).canonical(None)
    }

    fn part(text: &str, name: &str) -> String {
        let document = Document::parse(text).unwrap();
        let is_it = |at: &usize| document.element(*at).is_some_and(|element| element.name == name);
        document.canonical_part((0..document.nodes.len()).find(is_it).unwrap())
    }

    // The examples of the recommendation (section 3), without the document types that some of them have.
    #[test]
    fn the_examples_of_the_recommendation_come_out_as_it_says() {
        let table = [
            (
                "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n\
                 <doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n\n\
                 <!-- Comment 3 -->",
                "<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n\
                 <?pi-without-data?>",
            ),
            (
                "<doc>\n   <clean>   </clean>\n   <dirty>   A   B   </dirty>\n   <mixed>\n      A\n      \
                 <clean>   </clean>\n   </mixed>\n</doc>",
                "<doc>\n   <clean>   </clean>\n   <dirty>   A   B   </dirty>\n   <mixed>\n      A\n      \
                 <clean>   </clean>\n   </mixed>\n</doc>",
            ),
            (
                "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   \
                 <e4   name=\"elem4\"   id=\"elem4\"   ></e4>\n   \
                 <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      \
                 xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      \
                 xmlns=\"http://example.org\"/>\n   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n      \
                 <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n            \
                 <e9 xmlns=\"\" xmlns:a=\"http://www.ietf.org\"/>\n         </e8>\n      </e7>\n   </e6>\n</doc>",
                "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   \
                 <e4 id=\"elem4\" name=\"elem4\"></e4>\n   \
                 <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
                 attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   \
                 <e6 xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n         \
                 <e8 xmlns=\"\">\n            <e9 xmlns:a=\"http://www.ietf.org\"></e9>\n         </e8>\n      \
                 </e7>\n   </e6>\n</doc>",
            ),
            (
                "<doc>\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   \
                 <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   \
                 <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   \
                 <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>",
                "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   \
                 <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   \
                 <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; \
                 ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   \
                 <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>",
            ),
            ("<doc>&#169;</doc>", "<doc>©</doc>"),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text), expected);
            assert_eq!(canonical(expected), expected);
        }
    }

    #[test]
    fn what_a_reader_sees_alike_is_the_same_text() {
        let table = [
            ("\u{feff}<?xml version='1.0' encoding='utf-8'?><a/>", "<a></a>"),
            ("<a>1\r\n2\r3\n4<![CDATA[\r\n]]></a>", "<a>1\n2\n3\n4\n</a>"),
            ("<a b='1\r\n2\t3\n4&#10;5&#13;6&#9;7'/>", "<a b=\"1 2 3 4&#xA;5&#xD;6&#x9;7\"></a>"),
            (
                "<a b='&quot;&lt;&amp;>&apos;'>&quot;&lt;&amp;&gt;&apos;</a>",
                "<a b=\"&quot;&lt;&amp;>'\">\"&lt;&amp;&gt;'</a>",
            ),
            ("<a>x<!-- y --><![CDATA[<z>]]></a>", "<a>x&lt;z&gt;</a>"),
            (
                "<a xmlns:x='u:x'><b xmlns:x='u:x'><x:c xmlns:x='u:y'/></b></a>",
                "<a xmlns:x=\"u:x\"><b><x:c xmlns:x=\"u:y\"></x:c></b></a>",
            ),
            ("<a xmlns='u:a'><b xmlns=''><c xmlns=''/></b></a>", "<a xmlns=\"u:a\"><b xmlns=\"\"><c></c></b></a>"),
            ("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='zh'/>", "<a xml:lang=\"zh\"></a>"),
            (
                "<a z='1' y='2' xmlns:q='u:a' xmlns:p='u:b' p:a='3' q:b='4' q:a='5'/>",
                "<a xmlns:p=\"u:b\" xmlns:q=\"u:a\" y=\"2\" z=\"1\" q:a=\"5\" q:b=\"4\" p:a=\"3\"></a>",
            ),
            ("<?p a\r\nb?><a><?q?></a><?r  s ?>", "<?p a\nb?>\n<a><?q?></a>\n<?r s ?>"),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text), expected);
        }
    }

    #[test]
    fn a_part_says_what_is_around_it() {
        let text = "<a xmlns='u:a' xmlns:x='u:x' xmlns:y='u:y' xml:lang='zh' xml:space='default' id='1'>\
                    <b xmlns:y='u:z' xml:lang='en'><c xmlns:x='u:x'><x:d/></c><e xmlns='' xml:space='preserve'/></b></a>";
        assert_eq!(
            part(text, "c"),
            "<c xmlns=\"u:a\" xmlns:x=\"u:x\" xmlns:y=\"u:z\" xml:lang=\"en\" xml:space=\"default\"><x:d></x:d></c>"
        );
        assert_eq!(part(text, "e"), "<e xmlns:x=\"u:x\" xmlns:y=\"u:z\" xml:lang=\"en\" xml:space=\"preserve\"></e>");
        let document = Document::parse(text).unwrap();
        assert_eq!(document.canonical_part(document.root), document.canonical(None));
        assert_eq!(document.root_tags().1, "</a>");
        assert!(document.canonical(None).starts_with(&document.root_tags().0));
    }
}
