use wasmtime::{
    Engine,
    component::{
        Component, Type,
        types::{ComponentFunc, ComponentItem},
    },
};

use super::{Limits, fault::clean};

/// How much of a name that a component chose is repeated in a message.
const NAME_BYTES: usize = 128;

/// How much of a type is shown: a guest can nest types so that their full text has no end.
const SHOWN_DEPTH: usize = 3;

/// How many parameters, or parts of a tuple, are shown.
const SHOWN_PARTS: usize = 8;

/// The header of every component in binary form: magic number, version, layer.
const COMPONENT_HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// The header of a core module.
const MODULE_HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

/// Why bytes are no component, from a look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// There are none.
    Empty,
    /// There are too many.
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        maximum: usize,
    },
    /// WebAssembly, written as text.
    Text,
    /// A core module: half of a component.
    CoreModule,
    /// Machine code that wasmtime made of a component.
    Precompiled,
    /// A component of another version of the format.
    OtherVersion,
    /// It ends within its header.
    Cut,
    /// Something else, as far as it can be told.
    Foreign(&'static str),
}

/// Looks at bytes that should be a component, before anything is done with them.
pub fn check_bytes(bytes: &[u8], limits: &Limits) -> Result<(), Defect> {
    if bytes.is_empty() {
        return Err(Defect::Empty);
    }
    if bytes.len() > limits.component_bytes {
        return Err(Defect::TooLarge {
            bytes: bytes.len(),
            maximum: limits.component_bytes,
        });
    }
    if Engine::detect_precompiled(bytes).is_some() {
        return Err(Defect::Precompiled);
    }
    if bytes.starts_with(&COMPONENT_HEADER) {
        return Ok(());
    }
    Err(if bytes.starts_with(&MODULE_HEADER) {
        Defect::CoreModule
    } else if COMPONENT_HEADER.starts_with(bytes) || MODULE_HEADER.starts_with(bytes) {
        Defect::Cut
    } else if bytes.starts_with(b"\0asm") {
        Defect::OtherVersion
    } else if is_text_format(bytes) {
        Defect::Text
    } else {
        Defect::Foreign(guess(bytes))
    })
}

fn is_text_format(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"(component") || text.starts_with(b"(module") || text.starts_with(b";;")
}

fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => "a native program or library (ELF)",
        [b'M', b'Z', ..] => "a Windows program",
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => "a macOS program",
        [0x1f, 0x8b, ..] => "a gzip archive",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd archive",
        [b'#', b'!', ..] => "a script",
        [b'<', ..] => "an HTML or XML page",
        _ if std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0) => "text",
        _ => "binary data of an unknown kind",
    }
}

/// The name of an interface that a component imports or exports, taken apart: `wasi:cli/run@0.2.6`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Namespace, package and interface: `wasi:cli/run`.
    pub path: String,
    /// The version, if one is given: `0.2.6`.
    pub version: Option<String>,
}

impl Interface {
    /// Takes a name apart; a plain name such as `run` is none of an interface.
    pub fn parse(name: &str) -> Option<Self> {
        let (path, version) = match name.split_once('@') {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (name, None),
        };
        let (package, interface) = path.split_once('/')?;
        (package.contains(':') && !interface.is_empty()).then(|| Self {
            path: path.to_owned(),
            version,
        })
    }

    /// The package: `wasi:cli`.
    pub fn package(&self) -> &str {
        self.path.split_once('/').map_or("", |(package, _)| package)
    }

    /// Whether its version is a release of this series: `0.2` has `0.2.0`, `0.2.6` and so on, but not `0.2.0-rc`.
    pub fn is_of_series(&self, series: &str) -> bool {
        self.version
            .as_deref()
            .and_then(|version| version.strip_prefix(series)?.strip_prefix('.'))
            .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    }
}

/// The names of everything that a component imports, escaped and cut for messages.
pub fn imports(component: &Component) -> Vec<String> {
    let kind = component.component_type();
    kind.imports(component.engine())
        .map(|(name, _)| clean(name, NAME_BYTES))
        .collect()
}

/// The names of everything that a component exports, escaped and cut for messages.
pub fn exports(component: &Component) -> Vec<String> {
    let kind = component.component_type();
    kind.exports(component.engine())
        .map(|(name, _)| clean(name, NAME_BYTES))
        .collect()
}

/// What an export is, as in WIT.
pub fn signature(item: &ComponentItem) -> String {
    let kind = match item {
        ComponentItem::ComponentFunc(func) => return func_signature(func),
        ComponentItem::ComponentInstance(_) => "an interface",
        ComponentItem::Type(_) | ComponentItem::Resource(_) => "a type",
        ComponentItem::Component(_) => "a component",
        ComponentItem::Module(_) | ComponentItem::CoreFunc(_) => "a core module",
    };
    kind.to_owned()
}

fn func_signature(func: &ComponentFunc) -> String {
    let parameters: Vec<_> = func
        .params()
        .take(SHOWN_PARTS)
        .map(|(name, kind)| format!("{}: {}", clean(name, NAME_BYTES), type_name(&kind, 0)))
        .collect();
    let result = func
        .results()
        .next()
        .map(|kind| format!(" -> {}", type_name(&kind, 0)));
    format!(
        "{}func({}){}",
        if func.async_() { "async " } else { "" },
        parameters.join(", "),
        result.unwrap_or_default()
    )
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not made of other types is named as a whole"
)]
fn type_name(kind: &Type, depth: usize) -> String {
    if depth > SHOWN_DEPTH {
        return "…".to_owned();
    }
    let inner = |kind: &Type| type_name(kind, depth + 1);
    let part = |kind: Option<Type>| kind.map_or("_".to_owned(), |kind| inner(&kind));
    match kind {
        Type::List(list) => format!("list<{}>", inner(&list.ty())),
        Type::Option(option) => format!("option<{}>", inner(&option.ty())),
        Type::Result(result) => format!("result<{}, {}>", part(result.ok()), part(result.err())),
        Type::Tuple(tuple) => {
            let parts: Vec<_> = tuple
                .types()
                .take(SHOWN_PARTS)
                .map(|kind| inner(&kind))
                .collect();
            format!("tuple<{}>", parts.join(", "))
        }
        plain => plain_type_name(plain).to_owned(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "types that come later are only named less well"
)]
fn plain_type_name(kind: &Type) -> &'static str {
    match kind {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::Record(_) => "a record",
        Type::Variant(_) => "a variant",
        Type::Enum(_) => "an enum",
        Type::Flags(_) => "flags",
        Type::Own(_) | Type::Borrow(_) => "a resource",
        _ => "another type",
    }
}

#[cfg(test)]
mod tests {
    use super::{Defect, Interface, Limits, check_bytes};

    #[test]
    fn bytes_are_told_apart() {
        let limits = Limits {
            component_bytes: 100,
            ..Limits::default()
        };
        let check = |bytes: &[u8]| check_bytes(bytes, &limits);
        assert_eq!(check(b"\0asm\x0d\0\x01\0"), Ok(()));
        assert_eq!(check(b""), Err(Defect::Empty));
        assert_eq!(check(b"\0asm\x01\0\0\0"), Err(Defect::CoreModule));
        assert_eq!(check(b"\0asm\x02\0\0\0"), Err(Defect::OtherVersion));
        assert_eq!(check(b"\n (component)"), Err(Defect::Text));
        assert_eq!(check(b"{\"a\": 1}"), Err(Defect::Foreign("text")));
        assert!(matches!(check(b"\x7fELF\x02"), Err(Defect::Foreign(_))));
        assert!(matches!(
            check(&[0; 101]),
            Err(Defect::TooLarge {
                bytes: 101,
                maximum: 100
            })
        ));
        for length in 1..8 {
            assert_eq!(check(&b"\0asm\x0d\0\x01\0"[..length]), Err(Defect::Cut));
        }
    }

    #[test]
    fn interface_names_are_taken_apart() {
        let run = Interface::parse("wasi:cli/run@0.2.6").expect("an interface");
        assert_eq!(
            (run.package(), run.path.as_str()),
            ("wasi:cli", "wasi:cli/run")
        );
        assert!(run.is_of_series("0.2"));
        assert!(!run.is_of_series("0.3"));
        assert!(
            !Interface::parse("wasi:cli/run@0.2.0-rc")
                .expect("an interface")
                .is_of_series("0.2")
        );
        assert!(
            !Interface::parse("wasi:cli/run@0.20.1")
                .expect("an interface")
                .is_of_series("0.2")
        );
        assert_eq!(Interface::parse("run"), None);
        assert_eq!(Interface::parse("a:b"), None);
    }
}
