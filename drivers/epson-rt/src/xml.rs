//! FPMate XML: written and read with quick-xml. A document type or an entity other than the five
//! of XML is refused, so nothing outside the document is ever read.

use quick_xml::Reader;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesEnd, BytesStart, Event};

/// No document or answer nests deeper.
const DEPTH_MAX: usize = 16;
/// No document or answer has more elements.
const ELEMENTS_MAX: usize = 20_000;

/// An element, by local names: prefixes and namespaces differ between request and answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Attributes by local name, in order.
    pub attributes: Vec<(String, String)>,
    /// Elements inside.
    pub children: Vec<Element>,
    /// Text inside, without that of its children.
    pub text: String,
}

impl Element {
    /// An element without anything.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first child of a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Why a document was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not well-formed.
    #[error("it is no well-formed XML")]
    Malformed,
    /// It declares a document type.
    #[error("it declares a document type")]
    Doctype,
    /// It uses an entity that is not one of XML's five.
    #[error("it uses an entity")]
    Entity,
    /// It is too deep or too long.
    #[error("it is too large")]
    TooLarge,
}

/// Reads a document: its root element.
///
/// # Errors
/// [`Unreadable`] says why not.
pub fn read(bytes: &[u8]) -> Result<Element, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Malformed)?;
    let text = text.trim_start_matches(['\u{FEFF}', ' ', '\r', '\n', '\t']);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|_| Unreadable::Malformed)?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= DEPTH_MAX || elements > ELEMENTS_MAX {
                    return Err(Unreadable::TooLarge);
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(Unreadable::TooLarge);
                }
                close(element(&start)?, &mut open, &mut root)?;
            }
            Event::End(end) => {
                let done = open.pop().ok_or(Unreadable::Malformed)?;
                if done.name != local(end_name(&end)) {
                    return Err(Unreadable::Malformed);
                }
                close(done, &mut open, &mut root)?;
            }
            Event::Text(text) => {
                add_text(&text, &mut open)?;
            }
            Event::CData(text) => {
                add_text(&text, &mut open)?;
            }
            Event::GeneralRef(reference) => {
                let c = if reference.is_char_ref() {
                    reference.resolve_char_ref().ok().flatten()
                } else {
                    predefined(&reference)
                };
                let c = c.ok_or(Unreadable::Entity)?;
                add_text(c.encode_utf8(&mut [0; 4]), &mut open)?;
            }
            Event::DocType(_) => return Err(Unreadable::Doctype),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match (root, open.is_empty()) {
        (Some(root), true) => Ok(root),
        (Some(_) | None, _) => Err(Unreadable::Malformed),
    }
}

fn end_name<'a>(end: &'a BytesEnd<'_>) -> &'a str {
    end.name().into_inner()
}

fn close(
    done: Element,
    open: &mut [Element],
    root: &mut Option<Element>,
) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None if root.is_none() => *root = Some(done),
        None => return Err(Unreadable::Malformed),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Unreadable::Malformed),
    }
    Ok(())
}

fn element(start: &BytesStart<'_>) -> Result<Element, Unreadable> {
    let mut element = Element::new(&local(start.name().into_inner()));
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_: AttrError| Unreadable::Malformed)?;
        let value = &*attribute.value;
        let value = quick_xml::escape::unescape_with(value, |_| None)
            .or_else(|_| quick_xml::escape::unescape(value))
            .map_err(|_| Unreadable::Entity)?;
        element
            .attributes
            .push((local(attribute.key.into_inner()), value.into_owned()));
    }
    Ok(element)
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

/// A request: prolog, SOAP envelope, and one root command inside, one of its elements a line.
#[must_use]
pub fn envelope(root: &Element) -> Vec<u8> {
    let mut out = String::new();
    let open = Element {
        children: Vec::new(),
        ..root.clone()
    };
    if root.children.is_empty() {
        write(&open, &mut out);
        return wrapped(&out);
    }
    start(&open, &mut out);
    out.push_str(">\n");
    for child in &root.children {
        write(child, &mut out);
        out.push('\n');
    }
    out.push_str(&format!("</{}>", root.name));
    wrapped(&out)
}

/// A root command that came as text, inside a SOAP envelope.
#[must_use]
pub fn wrapped(body: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\n<s:Body>\n\
         {body}\n</s:Body>\n</s:Envelope>\n"
    )
    .into_bytes()
}

/// An element as text.
fn write(element: &Element, out: &mut String) {
    start(element, out);
    if element.children.is_empty() && element.text.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    out.push_str(&quick_xml::escape::escape(element.text.as_str()));
    for child in &element.children {
        write(child, out);
    }
    out.push_str(&format!("</{}>", element.name));
}

/// Name and attributes, without the end of the tag.
fn start(element: &Element, out: &mut String) {
    out.push_str(&format!("<{}", element.name));
    for (name, value) in &element.attributes {
        let value = quick_xml::escape::escape(value.as_str());
        out.push_str(&format!(" {name}=\"{value}\""));
    }
}

/// The root command of a document, with or without an envelope.
#[must_use]
pub fn inside_envelope(root: &Element) -> Option<&Element> {
    if root.name != "Envelope" {
        return Some(root);
    }
    match root.child("Body")?.children.as_slice() {
        [command] => Some(command),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
