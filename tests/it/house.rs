//! The house itself: floors, committed documents, paths in the docs.

use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The floors of the API, lowest first, as ARCHITECTURE.md has them. Up to `finance` a room is a crate of its own
/// in `api/`, from `zone` on it is a module of the crate `api`. A room may know rooms on lower floors.
const FLOORS: &[&[&str]] = &[
    &["platform"],
    &["party"],
    &["catalog", "webhooks"],
    &["finding", "inventory", "payments", "trade"],
    &["customs", "logistics", "showroom"],
    &["ordering", "procurement"],
    &["finance"],
    &["zone", "seed", "worker", "oversight"],
    &["graphql"],
    &["http"],
    &["command"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms that are crates, with their manifests.
fn room_crates() -> Vec<(String, String)> {
    let folders = std::fs::read_dir(root().join("api")).unwrap().map(|entry| entry.unwrap().path());
    let manifests = folders.filter_map(|folder| {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        Some((folder.file_name()?.to_str()?.to_owned(), manifest))
    });
    let mut rooms: Vec<(String, String)> = manifests.collect();
    rooms.sort();
    assert!(rooms.len() > 10, "where are the rooms?");
    rooms
}

/// What a manifest of the workspace depends on.
fn depends_on(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next())
}

#[test]
fn no_room_knows_a_room_above_it() {
    let own = |room: &str| floor(room).unwrap_or_else(|| panic!("{room} stands on no floor; add it to FLOORS"));
    let mut wrong = Vec::new();
    for (room, manifest) in room_crates() {
        for named in depends_on(&manifest).filter(|named| floor(named) >= Some(own(&room))) {
            wrong.push(format!("{room} knows {named}"));
        }
    }
    let source = root().join("api/src");
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let room = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        if matches!(room.as_str(), "main" | "lib") {
            continue;
        }
        for named in rooms_named(&std::fs::read_to_string(&file).unwrap()) {
            let Some(theirs) = floor(&named) else { continue };
            if theirs > own(&room) || (theirs == own(&room) && named != room) {
                wrong.push(format!("{} knows {named}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "rooms that know what is above them:\n{}", wrong.join("\n"));
}

#[test]
fn settings_know_nothing_of_the_platform_and_the_platform_nothing_of_the_app() {
    let source = root().join("api/platform/src");
    let mut wrong = Vec::new();
    for file in rust_files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let part = inside.iter().next().unwrap().to_string_lossy().into_owned();
        // What every resolver asks its context for is the app itself, which stands above.
        if part == "app" || part == "lib.rs" || inside == Path::new("graphql/context.rs") {
            continue;
        }
        for named in rooms_named(&std::fs::read_to_string(&file).unwrap()) {
            if named == "app" || (part == "config" && named != "config") {
                wrong.push(format!("{} knows {named}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "parts that know what is above them:\n{}", wrong.join("\n"));
}

#[test]
fn every_test_that_is_written_is_run() {
    for (room, manifest) in room_crates() {
        let has_tests = rust_files(&root().join("api").join(&room).join("src"))
            .iter()
            .any(|file| std::fs::read_to_string(file).unwrap().contains("#[cfg(test)]"));
        let built = !manifest.lines().any(|line| line == "test = false");
        assert_eq!(
            has_tests, built,
            "{room}: `test = false` stands in the manifest of a room without tests in its code"
        );
    }
    // No example in a comment is run: it is not looked for.
    for folder in ["api", "entities", "migration", "search"] {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let comments = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!']).trim());
            let mut openings = comments.filter(|line| line.starts_with("```")).step_by(2);
            let example = openings.any(|line| line == "```" || line == "```rust");
            assert!(!example, "{}: an example that is never run", file.display());
        }
    }
}

/// The rooms behind `crate::`, also those of a grouped import.
fn rooms_named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (place, _) in code.match_indices("crate::") {
        let after = &code[place + "crate::".len()..];
        if let Some(group) = after.strip_prefix('{') {
            let mut depth = 1;
            let mut fresh = true;
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 1 => break,
                    '}' => depth -= 1,
                    ',' if depth == 1 => fresh = true,
                    c if fresh && c.is_alphabetic() => {
                        names.push(word(&group[at..]));
                        fresh = false;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(word(after));
        }
    }
    names
}

#[test]
fn lower_crates_do_not_know_higher_ones() {
    let below: [(&str, &[&str]); 3] = [("entities", &[]), ("migration", &[]), ("search", &["entities"])];
    let read = |folder: &str| std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    for (name, may) in below {
        let manifest = read(name);
        for other in depends_on(&manifest) {
            let ours = ["api", "entities", "migration", "search", "tests"].contains(&other) || floor(other).is_some();
            assert!(!ours || may.contains(&other), "{name} depends on {other}");
        }
    }
    for (room, manifest) in room_crates() {
        assert!(depends_on(&manifest).all(|other| !["api", "tests"].contains(&other)), "{room} knows what is above it");
    }
    assert!(depends_on(&read("api")).all(|other| other != "tests"), "api depends on tests");
}

#[test]
fn poem_is_named_in_http_only() {
    for file in rust_files(&root().join("api")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let names_it = text.contains("poem::");
        assert!(!names_it || file.starts_with(root().join("api/src/http")), "{} names poem", file.display());
    }
}

/// Holds a committed document against what the code makes; `UPDATE=1` writes it.
pub fn committed(path: &str, made: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, made).unwrap();
    }
    let present = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(present == made, "{path} is out of date; write it anew: UPDATE=1 cargo test -p tests -- house golden");
}

#[test]
fn the_committed_schema_is_the_schema() {
    committed("api/schema.graphql", &api::graphql::sdl());
}

#[test]
fn the_committed_error_catalogue_is_the_catalogue() {
    committed("api/errors.md", &api::graphql::error_catalogue());
}

#[test]
fn the_committed_permissions_are_those_of_the_code() {
    committed("api/permissions.md", &api::graphql::permission_matrix());
}

#[test]
fn everything_in_the_schema_is_described() {
    use async_graphql::parser::types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition};

    let document = async_graphql::parser::parse_schema(api::graphql::sdl()).unwrap();
    let mut bare = Vec::new();
    let mut look = |place: String, described: bool| {
        if !described {
            bare.push(place);
        }
    };
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (name, definition) = (definition.node.name.node.clone(), definition.node);
        look(name.to_string(), definition.description.is_some());
        let mut fields = |fields: Vec<async_graphql::Positioned<FieldDefinition>>| {
            for field in fields {
                look(format!("{name}.{}", field.node.name.node), field.node.description.is_some());
            }
        };
        match definition.kind {
            TypeKind::Object(object) => fields(object.fields),
            TypeKind::Interface(interface) => fields(interface.fields),
            TypeKind::InputObject(input) => {
                let described = |f: &InputValueDefinition| f.description.is_some();
                input.fields.iter().for_each(|f| look(format!("{name}.{}", f.node.name.node), described(&f.node)));
            }
            TypeKind::Enum(values) => {
                values
                    .values
                    .iter()
                    .for_each(|v| look(format!("{name}.{}", v.node.value.node), v.node.description.is_some()));
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    assert!(bare.is_empty(), "without a description:\n{}", bare.join("\n"));
}

#[test]
fn no_number_of_the_schema_is_a_float() {
    assert!(!api::graphql::sdl().contains(": Float"), "an amount in a Float loses fen");
}

#[test]
fn every_path_that_the_docs_name_exists() {
    let mut missing = Vec::new();
    for doc in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "deploy/catalog-file.md",
        "deploy/carrier-events.md",
        "deploy/demo/README.md",
    ] {
        let text = std::fs::read_to_string(root().join(doc)).unwrap_or_else(|_| panic!("{doc} is missing"));
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.trim_start_matches("./").trim_end_matches('/');
            let top = path.split('/').next().unwrap_or_default();
            let ours = ["api", "entities", "migration", "search", "tests", "deploy", ".ci"].contains(&top)
                && path.contains('/');
            let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
            if ours && plain && !root().join(path).exists() {
                missing.push(format!("{doc} names {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_error_has_both_languages_and_the_same_placeholders() {
    use entities::values::{ErrorCode, Locale};
    let placeholders = |text: &str| {
        let mut found: Vec<String> = text.split('{').skip(1).map(|p| p.split('}').next().unwrap().to_owned()).collect();
        found.sort();
        found
    };
    for code in ErrorCode::ALL {
        let (zh, en) = (code.template(&Locale::zh_cn()), code.template(&Locale::en()));
        assert_ne!(zh, en, "{code:?} has one language");
        let (zh, en) = (placeholders(zh), placeholders(en));
        // One language may name less than the other, but nothing that the other does not know.
        assert!(zh.iter().all(|p| en.contains(p)) && en.iter().all(|p| zh.contains(p)), "{code:?}: {zh:?} / {en:?}");
    }
}
