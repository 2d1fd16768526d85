use sha2::{Digest as _, Sha256};
use wasmparser::{Parser, Payload, ProducersSectionReader};

use super::fault::clean;

/// How deep modules and components within components are looked at. What toolchains make has three levels.
const DEPTH: usize = 16;

/// How many tools are listed. Usual are three to five.
const TOOLS: usize = 32;

/// How much of a tool's name or version is repeated.
const NAME_BYTES: usize = 128;

const PAGE_BYTES: u64 = 64 << 10;

/// What a file is made of, as far as it says so itself. Nothing of it is compiled, and nothing is believed but its sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// Languages and tools, each once, in the order in which they are named.
    pub tools: Vec<Tool>,
    /// Core modules in it.
    pub core_modules: u64,
    /// Linear memories that they define.
    pub memories: u64,
    /// What these memories have at the start, together.
    pub memory_bytes: u64,
    /// Tables that they define.
    pub tables: u64,
    /// What these tables have at the start, together.
    pub table_elements: u64,
}

/// A language, or a tool that had a part in it, with names as the file gives them, cut and escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// `language`, `sdk` or `processed-by`.
    pub role: String,
    /// Such as `rustc`.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
}

/// Looks into a component or a core module. Where it is broken, what came before is the answer.
pub fn anatomy(bytes: &[u8]) -> Anatomy {
    let mut anatomy = Anatomy::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else {
            break;
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "only what opens or closes a level is told apart"
        )]
        match &payload {
            Payload::ModuleSection { .. } => {
                depth += 1;
                anatomy.core_modules += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = usize::saturating_sub(depth, 1),
            _ => anatomy.add(&payload),
        }
        if depth > DEPTH {
            break;
        }
    }
    anatomy
}

/// The SHA-256 digest of bytes, in lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Anatomy {
    fn add(&mut self, payload: &Payload<'_>) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "other sections are of no interest"
        )]
        match payload {
            Payload::MemorySection(memories) => {
                for memory in memories.clone().into_iter().flatten() {
                    self.memories += 1;
                    let bytes = memory.initial.saturating_mul(PAGE_BYTES);
                    self.memory_bytes = self.memory_bytes.saturating_add(bytes);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables.clone().into_iter().flatten() {
                    self.tables += 1;
                    self.table_elements = self.table_elements.saturating_add(table.ty.initial);
                }
            }
            Payload::CustomSection(section) if section.name() == "producers" => {
                let data = wasmparser::BinaryReader::new(section.data(), section.data_offset());
                if let Ok(fields) = ProducersSectionReader::new(data) {
                    self.add_tools(fields);
                }
            }
            _ => {}
        }
    }

    fn add_tools(&mut self, fields: ProducersSectionReader<'_>) {
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                let tool = Tool {
                    role: clean(field.name, NAME_BYTES),
                    name: clean(value.name, NAME_BYTES),
                    version: clean(value.version, NAME_BYTES),
                };
                if self.tools.len() < TOOLS && !self.tools.contains(&tool) {
                    self.tools.push(tool);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Anatomy, anatomy, digest};

    #[test]
    fn a_component_is_looked_into() {
        let text = r#"(component
            (core module (memory 2) (table 7 funcref) (@producers (language "Rust" "") (processed-by "rustc" "1.95")))
            (core module (memory 1) (@producers (processed-by "rustc" "1.95") (sdk "a\1b[2Jb\n" "1")))
            (component (core module (table 3 funcref))))"#;
        let found = anatomy(&wat::parse_str(text).expect("valid text"));
        let tools: Vec<_> = found
            .tools
            .iter()
            .map(|tool| format!("{} {} {}", tool.role, tool.name, tool.version))
            .collect();
        assert_eq!(
            tools,
            [
                "language Rust ",
                "processed-by rustc 1.95",
                "sdk a\\u{1b}[2Jb\\n 1"
            ]
        );
        assert_eq!(
            found,
            Anatomy {
                tools: found.tools.clone(),
                core_modules: 3,
                memories: 2,
                memory_bytes: 3 << 16,
                tables: 2,
                table_elements: 10,
            }
        );
    }

    #[test]
    fn nesting_without_end_is_not_followed() {
        let depth = 50;
        let text = "(component ".repeat(depth) + "(core module)" + &")".repeat(depth);
        let found = anatomy(&wat::parse_str(text).expect("valid text"));
        assert_eq!(found, Anatomy::default());
    }

    #[test]
    fn the_digest_is_that_of_the_usual_tools() {
        assert_eq!(
            digest(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(bytes in any::<Vec<u8>>(), is_module in any::<bool>()) {
            let header: &[u8] = if is_module { b"\0asm\x01\0\0\0" } else { b"\0asm\x0d\0\x01\0" };
            anatomy(&[header, &bytes].concat());
            anatomy(&bytes);
        }
    }
}
