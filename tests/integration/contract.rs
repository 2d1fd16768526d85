//! The contract resolves, says what it did when it was last reviewed, and documents every item.

use std::{fmt::Write as _, fs, path::PathBuf};

use host::bindings;
use wasmtime::{
    Engine,
    component::{Component, Linker},
};
use wit_component::{ComponentEncoder, StringEncoding, WitPrinter};
use wit_parser::{
    Docs, Function, ManglingAndAbi, PackageId, Resolve, TypeDef, TypeDefKind, WorldItem, WorldKey,
};

const WORLDS: [&str; 4] = ["imports", "plugin", "transactional-plugin", "command"];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "wit"].iter().collect()
}

fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder()).expect("the contract resolves");
    (resolve, package)
}

#[test]
fn the_resolved_contract_is_the_reviewed_one() {
    let (resolve, package) = contract();
    let others: Vec<_> = resolve
        .packages
        .iter()
        .map(|(id, _)| id)
        .filter(|id| *id != package)
        .collect();
    let mut printer = WitPrinter::default();
    printer.emit_docs(false);
    printer
        .print(&resolve, package, &others)
        .expect("a resolved contract can be printed");
    insta::assert_snapshot!(printer.output.to_string());
}

#[test]
fn every_world_offers_the_same_imports() {
    let (resolve, package) = contract();
    let imports = |name: &str| -> Vec<String> {
        let world = resolve.packages[package].worlds[name];
        let named = |key: &WorldKey| resolve.name_world_key(key);
        resolve.worlds[world].imports.keys().map(named).collect()
    };
    assert_eq!(resolve.packages[package].worlds.len(), WORLDS.len());
    for world in WORLDS {
        assert_eq!(imports(world), imports("imports"), "{world}");
    }
    insta::assert_snapshot!(imports("imports").join("\n"), @r"
    chitin:db/types@0.1.0
    chitin:db/reads@0.1.0
    chitin:db/writes@0.1.0
    chitin:db/sql@0.1.0
    chitin:db/schema@0.1.0
    chitin:db/databases@0.1.0
    chitin:db/transactions@0.1.0
    chitin:db/session@0.1.0
    wasi:logging/logging@0.1.0-draft
    ");
}

#[test]
fn the_host_answers_whatever_a_component_of_any_world_imports() {
    let (resolve, package) = contract();
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    bindings::add_to_linker(&mut linker, |()| unreachable!("nothing is called"))
        .expect("no two functions of one name");
    for world in WORLDS {
        let id = resolve.packages[package].worlds[world];
        let mut module = wit_component::dummy_module(&resolve, id, ManglingAndAbi::Standard32);
        wit_component::embed_component_metadata(
            &mut module,
            &resolve,
            id,
            StringEncoding::UTF8,
            false,
        )
        .expect("a module takes metadata");
        let component = ComponentEncoder::default()
            .module(&module)
            .and_then(ComponentEncoder::encode)
            .expect("a module of the world becomes a component");
        let component = Component::new(&engine, component).expect("a component");
        let imports = component.component_type();
        assert_eq!(imports.imports(&engine).len(), 9, "{world}");
        if let Err(error) = linker.instantiate_pre(&component) {
            panic!("{world}: {error:?}");
        }
    }
}

#[test]
fn every_item_is_documented() {
    let (resolve, package) = contract();
    let mut bare = Undocumented::default();
    bare.check(&resolve.packages[package].docs, "the package");
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.as_deref().unwrap_or("an inline interface");
        bare.check(&interface.docs, name);
        for (item, id) in &interface.types {
            bare.check_type(&resolve.types[*id], &format!("{name}.{item}"));
        }
        for function in interface.functions.values() {
            bare.check_function(function, name);
        }
    }
    for (_, world) in &resolve.worlds {
        bare.check(&world.docs, &world.name);
        for item in world.imports.values().chain(world.exports.values()) {
            if let WorldItem::Function(function) = item {
                bare.check_function(function, &world.name);
            }
        }
    }
    assert_eq!(bare.0, "");
}

/// The names of the items without documentation, a line each.
#[derive(Default)]
struct Undocumented(String);

impl Undocumented {
    fn check(&mut self, docs: &Docs, name: &str) {
        if docs.contents.as_ref().is_none_or(String::is_empty) {
            writeln!(self.0, "{name}").expect("a string takes all");
        }
    }

    fn check_function(&mut self, function: &Function, owner: &str) {
        self.check(&function.docs, &format!("{owner}.{}", function.name));
    }

    fn check_type(&mut self, definition: &TypeDef, name: &str) {
        let kind = &definition.kind;
        let parts: Vec<(&Docs, &str)> = if let TypeDefKind::Record(it) = kind {
            it.fields.iter().map(|f| (&f.docs, &*f.name)).collect()
        } else if let TypeDefKind::Variant(it) = kind {
            it.cases.iter().map(|c| (&c.docs, &*c.name)).collect()
        } else if let TypeDefKind::Enum(it) = kind {
            it.cases.iter().map(|c| (&c.docs, &*c.name)).collect()
        } else if let TypeDefKind::Flags(it) = kind {
            it.flags.iter().map(|f| (&f.docs, &*f.name)).collect()
        } else if let TypeDefKind::Type(_) = kind {
            // `use types.{value}`: documented where it is defined.
            return;
        } else {
            Vec::new()
        };
        self.check(&definition.docs, name);
        for (docs, part) in parts {
            self.check(docs, &format!("{name}.{part}"));
        }
    }
}

#[test]
fn the_test_vectors_are_those_of_the_page() {
    let read = |name: &str| fs::read_to_string(folder().join(name)).expect(name);
    let page = read("packed-rows.md");
    let (_, page) = page.split_once("## Test vectors").expect("a last chapter");
    let blocks = |language: &str| -> Vec<String> {
        let opening = format!("```{language}\n");
        let after = page.split(opening.as_str()).skip(1);
        let block = |text: &str| text.split("```").next().unwrap_or_default().to_owned();
        after.map(block).collect()
    };

    let vectors = serde_json::from_str::<serde_json::Value>(&read("packed-rows.vectors.json"));
    let vectors = vectors.expect("vectors are JSON");
    let vectors = vectors.as_array().expect("a list of vectors");
    let (rows, buffers) = (blocks("json"), blocks("text"));
    // The page shows the first of them.
    assert_eq!((rows.len(), buffers.len()), (8, 8));
    assert!(vectors.len() > rows.len());
    for (vector, (rows, buffer)) in vectors.iter().zip(rows.iter().zip(&buffers)) {
        let rows = rows.lines().filter(|line| *line != "(no rows)");
        let rows: serde_json::Value = rows
            .map(|row| serde_json::from_str::<serde_json::Value>(row).expect(row))
            .collect();
        assert_eq!(vector["rows"], rows, "{}", vector["name"]);
        let buffer: String = buffer.split_whitespace().collect();
        assert_eq!(vector["hex"], buffer, "{}", vector["name"]);
    }
}
