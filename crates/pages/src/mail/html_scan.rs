//! Reading the HTML of a template: what it is made of, and where variables stand in it.
//!
//! This is a judge and not a parser: it refuses what it does not know. It reads as browsers do (WHATWG HTML §13.2.5)
//! where that is simple, and refuses what programs might read differently: `<` and `>` in attribute values and styles,
//! comments that end in odd ways, elements whose content is not markup.

/// Where a variable stands, which says how its value is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In plain text.
    Plain,
    /// In the text of an element, or in an attribute that is only text.
    Markup,
    /// At the begin of an address.
    UrlStart,
    /// Within an address.
    UrlRest,
}

/// What mails are made of. The names with a colon are drawn by Outlook.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "u",
    "ul",
    "o:allowpng",
    "o:officedocumentsettings",
    "o:pixelsperinch",
    "v:fill",
    "v:rect",
    "v:roundrect",
    "v:shape",
    "v:textbox",
    "w:anchorlock",
    "xml",
];
/// Attributes that hold an address.
const ADDRESSES: &[&str] = &["href", "src", "background", "cite"];
/// Attributes that hold an address which is asked for without the reader's doing, or a document.
const FORBIDDEN_ATTRIBUTES: &[&str] =
    &["action", "data", "form", "formaction", "longdesc", "ping", "poster", "srcdoc", "srcset", "xlink:href"];
const SCHEMES: &[&str] = &[
    "https://",
    "http://",
    "mailto:",
    "tel:",
    "cid:",
    "data:image/png;base64,",
    "data:image/jpeg;base64,",
    "data:image/gif;base64,",
    "#",
];
/// What styles must not have in them: other documents, and what runs in old programs.
const FORBIDDEN_IN_STYLES: &[&str] =
    &["-->", "@import", "expression(", "javascript:", "vbscript:", "-moz-binding", "behavior:"];
const META_EQUIVALENTS: &[&str] = &["content-type", "x-ua-compatible"];
/// The longest declaration, in bytes.
const DECLARATION_BYTES_MAX: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `<`.
    Opened,
    /// After `</`.
    EndOpened,
    /// In a name of an element.
    Element,
    /// After `<!`.
    Declaration,
    Comment,
    BetweenAttributes,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Quoted(char),
    Unquoted,
    /// In an element whose content is no markup.
    Raw,
}

/// Reads a template in pieces, with variables between them. The errors say what to change.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    element: String,
    is_end: bool,
    attribute: String,
    value: String,
    /// Whether the value of the attribute begins with a link.
    begins_with_link: bool,
    /// What was read of a declaration, a comment, or a raw text.
    held: String,
}

impl Scanner {
    /// Reads the next piece.
    pub(super) fn read(&mut self, piece: &str) -> Result<(), String> {
        piece.chars().try_for_each(|character| self.step(character))
    }

    /// Meets a variable, which is a link or not, and says where that is.
    pub(super) fn variable(&mut self, is_link: bool) -> Result<Place, String> {
        match self.state {
            State::Text => Ok(Place::Markup),
            State::Quoted(_) if self.attribute == "style" => Err("A style cannot have variables.".to_owned()),
            State::Quoted(_) if ADDRESSES.contains(&self.attribute.as_str()) => {
                if self.value.is_empty() && !self.begins_with_link {
                    self.begins_with_link = is_link;
                    return if is_link { Ok(Place::UrlStart) } else { Err(self.address_error()) };
                }
                self.check_address()?;
                Ok(Place::UrlRest)
            }
            State::Quoted(_) => Ok(Place::Markup),
            _ => Err("A variable may stand in text and in quoted attributes only.".to_owned()),
        }
    }

    /// The end of the template.
    pub(super) fn finish(&self) -> Result<(), String> {
        match self.state {
            State::Text => Ok(()),
            _ => Err("The HTML ends within an element, a comment or a style.".to_owned()),
        }
    }

    fn step(&mut self, character: char) -> Result<(), String> {
        match self.state {
            State::Text => {
                if character == '<' {
                    self.state = State::Opened;
                }
                Ok(())
            }
            State::Opened => self.step_opened(character),
            State::EndOpened if character.is_ascii_alphabetic() => {
                self.begin_element(character, true);
                Ok(())
            }
            State::EndOpened => Err("</ must be followed by the name of an element.".to_owned()),
            State::Element => self.step_element(character),
            State::Declaration => self.step_declaration(character),
            State::Comment => self.step_comment(character),
            State::BetweenAttributes | State::AttributeName | State::AfterAttributeName => {
                self.step_attribute(character)
            }
            State::BeforeValue | State::Quoted(_) | State::Unquoted => self.step_value(character),
            State::Raw => self.step_raw(character),
        }
    }

    fn step_opened(&mut self, character: char) -> Result<(), String> {
        match character {
            '/' => self.state = State::EndOpened,
            '!' => {
                self.held = "<!".to_owned();
                self.state = State::Declaration;
            }
            '?' => return Err("Processing instructions are not allowed.".to_owned()),
            '<' => {}
            _ if character.is_ascii_alphabetic() => self.begin_element(character, false),
            _ => self.state = State::Text,
        }
        Ok(())
    }

    fn begin_element(&mut self, character: char, is_end: bool) {
        self.element = character.to_ascii_lowercase().to_string();
        self.is_end = is_end;
        self.state = State::Element;
    }

    fn step_element(&mut self, character: char) -> Result<(), String> {
        if character.is_ascii_alphanumeric() || matches!(character, ':' | '-') {
            self.element.push(character.to_ascii_lowercase());
            return Ok(());
        }
        if !ELEMENTS.contains(&self.element.as_str()) {
            return Err(format!("The element {} is not allowed in mails.", shown(&self.element)));
        }
        self.state = State::BetweenAttributes;
        self.step_attribute(character)
    }

    fn step_attribute(&mut self, character: char) -> Result<(), String> {
        let is_in_name = self.state == State::AttributeName;
        match character {
            '>' => {
                self.check_attribute_name(is_in_name)?;
                self.end_tag();
            }
            '/' => {
                self.check_attribute_name(is_in_name)?;
                self.state = State::BetweenAttributes;
            }
            '=' if self.state != State::BetweenAttributes => {
                self.check_attribute_name(is_in_name)?;
                self.state = State::BeforeValue;
            }
            '"' | '\'' | '<' | '=' | '`' => {
                return Err(format!("An attribute of {} is not well formed.", shown(&self.element)));
            }
            _ if character.is_ascii_whitespace() => {
                if is_in_name {
                    self.check_attribute_name(true)?;
                    self.state = State::AfterAttributeName;
                }
            }
            _ => {
                if !is_in_name {
                    self.attribute.clear();
                    self.state = State::AttributeName;
                }
                self.attribute.push(character.to_ascii_lowercase());
            }
        }
        Ok(())
    }

    fn check_attribute_name(&self, is_complete: bool) -> Result<(), String> {
        let name = self.attribute.as_str();
        if is_complete && (name.starts_with("on") || FORBIDDEN_ATTRIBUTES.contains(&name)) {
            return Err(format!("The attribute {} is not allowed in mails.", shown(name)));
        }
        Ok(())
    }

    fn step_value(&mut self, character: char) -> Result<(), String> {
        let malformed = || Err(format!("The attribute {} is not well formed.", shown(&self.attribute)));
        match (self.state, character) {
            (State::BeforeValue, '"' | '\'') => {
                self.value.clear();
                self.begins_with_link = false;
                self.state = State::Quoted(character);
            }
            (State::BeforeValue, _) if character.is_ascii_whitespace() => {}
            (State::Quoted(quote), _) if character == quote => {
                self.check_value()?;
                self.state = State::BetweenAttributes;
            }
            (State::Unquoted, '>') => {
                self.check_value()?;
                self.end_tag();
            }
            (_, '<' | '>') => {
                return Err(format!("Write &lt; and &gt; in the attribute {}.", shown(&self.attribute)));
            }
            (State::BeforeValue | State::Unquoted, '"' | '\'' | '=' | '`') => return malformed(),
            (State::BeforeValue, _) => {
                self.value = character.to_string();
                self.begins_with_link = false;
                self.state = State::Unquoted;
            }
            (State::Unquoted, _) if character.is_ascii_whitespace() => {
                self.check_value()?;
                self.state = State::BetweenAttributes;
            }
            _ => self.value.push(character),
        }
        Ok(())
    }

    fn check_value(&self) -> Result<(), String> {
        match self.attribute.as_str() {
            name if ADDRESSES.contains(&name) => self.check_address(),
            "style" => check_style(&self.value),
            "http-equiv" if !META_EQUIVALENTS.contains(&self.value.to_ascii_lowercase().as_str()) => {
                Err("http-equiv may be Content-Type or X-UA-Compatible.".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// An address says at once what it is: nothing that runs begins like this, however it is written.
    fn check_address(&self) -> Result<(), String> {
        let lower = self.value.to_ascii_lowercase();
        let is_known = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
        if self.begins_with_link || is_known { Ok(()) } else { Err(self.address_error()) }
    }

    fn address_error(&self) -> String {
        format!(
            "The attribute {} must begin with a link variable, https://, mailto:, tel:, cid: or #.",
            shown(&self.attribute)
        )
    }

    fn end_tag(&mut self) {
        let is_raw = !self.is_end && matches!(self.element.as_str(), "style" | "title");
        self.held.clear();
        self.state = if is_raw { State::Raw } else { State::Text };
    }

    /// A document type, or the conditions that Outlook reads.
    fn step_declaration(&mut self, character: char) -> Result<(), String> {
        self.held.push(character.to_ascii_lowercase());
        let held = self.held.as_str();
        if held == "<!--" {
            self.held.clear();
            self.state = State::Comment;
            return Ok(());
        }
        let is_possible = "<!--".starts_with(held)
            || "<!doctype".starts_with(held)
            || (held.starts_with("<!doctype") && character != '<')
            || "<![endif]-->".starts_with(held)
            || held == "<![endif]>";
        if !is_possible || held.len() > DECLARATION_BYTES_MAX {
            return Err(
                "A declaration must be <!doctype …>, a comment, or a condition of Outlook.".to_owned()
            );
        }
        if character == '>' {
            self.state = State::Text;
        }
        Ok(())
    }

    /// A comment. What stands under a condition of Outlook is markup, which is read like any other.
    fn step_comment(&mut self, character: char) -> Result<(), String> {
        self.held.push(character);
        let held = self.held.as_str();
        if held.ends_with("--!") {
            return Err("A comment must end with -->.".to_owned());
        }
        let is_condition = held.starts_with("[if") && held.ends_with("]>");
        if is_condition || held.ends_with("-->") || held == ">" || held == "->" {
            self.state = State::Text;
        }
        Ok(())
    }

    fn step_raw(&mut self, character: char) -> Result<(), String> {
        self.held.push(character);
        let Some(start) = self.held.rfind('<') else { return Ok(()) };
        let (content, tail) = self.held.split_at(start);
        let (end, tail) = (format!("</{}>", self.element), tail.to_ascii_lowercase());
        if !end.starts_with(&tail) || content.contains('<') {
            return Err(format!("The element {} cannot have < in it.", self.element));
        }
        if tail == end {
            check_style(content)?;
            self.held.clear();
            self.state = State::Text;
        }
        Ok(())
    }
}

fn check_style(text: &str) -> Result<(), String> {
    let lower = text.to_ascii_lowercase();
    match FORBIDDEN_IN_STYLES.iter().find(|word| lower.contains(**word)) {
        Some(word) => Err(format!("A style cannot have {word} in it.")),
        None => Ok(()),
    }
}

/// A name from the template, fit for a message.
fn shown(name: &str) -> String {
    crate::words::shorten(&crate::words::one_line(name), 40)
}
