use std::fmt::{self, Write as _};

/// Text without anything that moves a terminal's cursor, ends a line or changes the direction of reading.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(formatter).write_str(self.0)
    }
}

/// Writes all that is [`Printable`] as it is, and the rest as escapes.
pub(super) struct Escaping<W>(pub(super) W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                c if c.is_control() || changes_lines(c) => {
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The separators that end a line, and the marks that change the direction of reading.
pub(super) fn changes_lines(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::Printable;

    #[test]
    fn ordinary_text_is_printed_as_it_is() {
        let text = "Grüße, 日本語 👋 \"quoted\" \\ back";
        assert_eq!(Printable(text).to_string(), text);
    }
}
