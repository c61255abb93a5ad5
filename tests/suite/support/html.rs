//! A page as a browser reads it: parsed by html5ever, which says what is wrong with it.

use html5ever::tendril::TendrilSink as _;
use html5ever::tokenizer::TokenizerOpts;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A document.
pub(crate) struct Document {
    /// All elements in the order in which they begin.
    elements: Vec<Element>,
}

/// An element, with all that stands in it.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    /// Those within it, in their order.
    pub(crate) within: Vec<Element>,
}

impl Document {
    /// Fails where `text` is not as the standard wants it.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Document {
        let options = ParseOpts {
            tokenizer: TokenizerOpts {
                exact_errors: true,
                ..TokenizerOpts::default()
            },
            ..ParseOpts::default()
        };
        let dom = parse_document(RcDom::default(), options).one(text);
        let errors = dom.errors.borrow();
        assert!(errors.is_empty(), "{errors:?} in {text}");
        let elements = elements_in(&dom.document);
        Document { elements }
    }

    /// All elements of this name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&Element> {
        let is_it = |element: &&Element| element.name == name;
        self.elements.iter().filter(is_it).collect()
    }

    /// Every element, in order.
    pub(crate) fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The first element of this name.
    #[track_caller]
    pub(crate) fn first(&self, name: &str) -> &Element {
        let all = self.all(name);
        all.first()
            .unwrap_or_else(|| panic!("the page has no {name}"))
    }

    /// The element with this id.
    pub(crate) fn with_id(&self, id: &str) -> Option<&Element> {
        let is_it = |element: &&Element| element.attribute("id") == Some(id);
        self.elements.iter().find(is_it)
    }
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        let classes = self.attribute("class").unwrap_or_default();
        classes.split(' ').any(|one| one == class)
    }

    /// The attributes, by name.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.attributes.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All text within it, each gap of blanks as one.
    pub(crate) fn text(&self) -> String {
        self.text
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Those within it of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Element> {
        let is_it = |element: &&Element| element.name == name;
        self.within.iter().filter(is_it).collect()
    }
}

fn elements_in(node: &Handle) -> Vec<Element> {
    let mut found = Vec::new();
    for child in node.children.borrow().iter() {
        let within = elements_in(child);
        if let NodeData::Element { name, attrs, .. } = &child.data {
            let attributes = attrs.borrow();
            let pair =
                |it: &html5ever::Attribute| (it.name.local.to_string(), it.value.to_string());
            found.push(Element {
                name: name.local.to_string(),
                attributes: attributes.iter().map(pair).collect(),
                text: text_in(child),
                within: within.clone(),
            });
        }
        found.extend(within);
    }
    found
}

fn text_in(node: &Handle) -> String {
    if let NodeData::Text { contents } = &node.data {
        return contents.borrow().to_string();
    }
    node.children.borrow().iter().map(text_in).collect()
}
