//! Values inside the text of definitions, which take no parameters.

use std::borrow::Cow;

/// A string literal that says the same whatever the settings of the session are; `None` is NULL.
pub(super) fn quoted(text: Option<&str>) -> Cow<'static, str> {
    let Some(text) = text else {
        return "NULL".into();
    };
    let quotes = text.replace('\'', "''");
    if quotes.contains('\\') {
        format!("E'{}'", quotes.replace('\\', "\\\\")).into()
    } else {
        format!("'{quotes}'").into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::quoted;

    #[test]
    fn a_literal_is_quoted_for_any_setting() {
        assert_eq!(quoted(None), "NULL");
        assert_eq!(quoted(Some("it's")), "'it''s'");
        assert_eq!(quoted(Some(r"\x00")), r"E'\\x00'");
        assert_eq!(quoted(Some(r"\'; DROP TABLE t")), r"E'\\''; DROP TABLE t'");
    }

    proptest! {
        #[test]
        fn no_text_ends_its_literal(text in "['\\\\a;]{0,20}") {
            let literal = quoted(Some(&text));
            let inner = literal.trim_start_matches('E').strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
            prop_assert!(!inner.replace("''", "").contains('\''));
            if text.contains('\\') {
                prop_assert!(literal.starts_with('E'));
                prop_assert_eq!(inner.replace("\\\\", "\\").replace("''", "'"), text);
            } else {
                prop_assert_eq!(inner.replace("''", "'"), text);
            }
        }
    }
}
