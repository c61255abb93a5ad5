//! A room of `src` imports rooms that stand below it, and no other; and no two files import each other, by however many
//! steps.
//!
//! The order of rooms is that of the table in `src/lib.rs`. Rooms in one row of it import nothing of each other either.
//! What `#[cfg(test)]` keeps out of the program may import anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::repository::{file, read};

#[test]
fn no_room_imports_one_above_it_or_beside_it() {
    let heights = heights(&read("src/lib.rs"));
    let mut arrows = 0;
    for source in sources("src") {
        let module = module_of(&source);
        let room = &module[0];
        let own = heights.get(room);
        let own = own.unwrap_or_else(|| panic!("{source}: src/lib.rs does not name {room}"));
        for (line, path) in imports(&module, &read(&source)) {
            let imported = &path[0];
            if imported == room {
                continue;
            }
            let below = heights.get(imported).is_some_and(|it| it < own);
            assert!(below, "{source}:{line}: {room} imports {imported}");
            arrows += 1;
        }
    }
    assert!(arrows > 50, "imports are not found any more: {arrows}");
}

#[test]
fn no_file_imports_one_that_imports_it() {
    let modules: BTreeMap<_, _> = sources("src")
        .into_iter()
        .map(|source| (module_of(&source), source))
        .collect();
    let mut imported_by = BTreeMap::new();
    for (module, source) in &modules {
        let paths = imports(module, &read(source)).into_iter();
        // The file of a path is that of its longest part that is a module.
        let files = paths.filter_map(|(_, path)| {
            let mut parts = (1..=path.len()).rev().map(|length| &path[..length]);
            parts.find_map(|part| modules.get(part))
        });
        let others: BTreeSet<_> = files.filter(|file| *file != source).collect();
        imported_by.insert(source, others);
    }
    let arrows: usize = imported_by.values().map(BTreeSet::len).sum();
    assert!(arrows > 300, "imports are not found any more: {arrows}");
    // What imports nothing is in no circle, and what then imports nothing more is in none either.
    while let Some(source) = first_without_imports(&imported_by) {
        imported_by.remove(source);
        for others in imported_by.values_mut() {
            others.remove(source);
        }
    }
    assert!(
        imported_by.is_empty(),
        "in or above a circle: {imported_by:#?}"
    );
}

fn first_without_imports<'s>(
    imported_by: &BTreeMap<&'s String, BTreeSet<&String>>,
) -> Option<&'s String> {
    let mut all = imported_by.iter();
    all.find_map(|(source, others)| others.is_empty().then_some(*source))
}

#[test]
fn every_way_to_name_another_module_is_found() {
    let text = "\
use crate::a::{Deep, b};
use crate::{
    c::{d, e},
    f,
};
use super::super::g::h;
use super::sibling;
// crate::comment
fn one() -> crate::i::J {
    super::super::k::L
}
#[cfg(test)]
use crate::for_tests::A;
#[cfg(test)]
fn two() {
    crate::for_tests::B
}
fn three() {
    crate::m::n(); // crate::comment
}
#[cfg(test)]
mod tests {
    use crate::for_tests::C;
}
pub(in crate::o) struct P;
";
    let names = |source: &str, text: &str| -> Vec<(usize, String)> {
        let found = imports(&module_of(source), text).into_iter();
        found.map(|(line, path)| (line, path.join("::"))).collect()
    };
    let of_file = names("src/room/file.rs", text);
    let expected =
        "1 a::Deep 1 a::b 2 c::d 2 c::e 2 f 6 g::h 7 room::sibling 9 i::J 10 k::L 19 m::n 25 o";
    let found: Vec<_> = of_file
        .iter()
        .map(|(line, path)| format!("{line} {path}"))
        .collect();
    assert_eq!(found.join(" "), expected);
    let of_the_room = names(
        "src/room/mod.rs",
        "use super::other::X;\nuse self::own::Y;\n",
    );
    assert_eq!(
        of_the_room,
        [(1, "other::X".to_owned()), (2, "room::own::Y".to_owned())]
    );
}

/// How high each room stands, by the table in the crate's documentation: the lowest at 0.
fn heights(lib: &str) -> BTreeMap<String, usize> {
    let rows = lib.lines().filter_map(|line| line.strip_prefix("//! | ["));
    let names = |row: &str| -> Vec<String> {
        let cell = row.split('|').next().unwrap();
        let names = cell.split(',');
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        names
            .map(|name| name.trim_matches(|c| !is_of_name(c)).to_owned())
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.map(names).collect();
    let heights = rows.into_iter().rev().enumerate();
    heights
        .flat_map(|(height, names)| names.into_iter().map(move |name| (name, height)))
        .collect()
}

/// Every Rust file below a folder, but those of tests and those that stand above all rooms.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(file(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        let of_tests = Path::new(&path).file_stem().is_some_and(|s| s == "tests");
        let above_all = ["src/main.rs", "src/lib.rs"].contains(&path.as_str());
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources(&path));
        } else if path.ends_with(".rs") && !of_tests && !above_all {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The names of a source file's module, from the crate on.
fn module_of(source: &str) -> Vec<String> {
    let place = source.strip_prefix("src/").unwrap();
    let place = place.strip_suffix(".rs").unwrap();
    let place = place.strip_suffix("/mod").unwrap_or(place);
    place.split('/').map(str::to_owned).collect()
}

/// The paths within the crate that a module's text names, from the crate on, each with the number of its line.
fn imports(module: &[String], text: &str) -> Vec<(usize, Vec<String>)> {
    let text = without_tests(text);
    let mut found = Vec::new();
    let mut read_to = 0;
    for (at, _) in text.char_indices() {
        let before = text[..at].chars().next_back();
        if at < read_to || before.is_some_and(|c| is_of_name(c) || c == ':' || c == '$') {
            continue;
        }
        let Some((base, path)) = base(module, &text[at..]) else {
            continue;
        };
        read_to = text.len() - path.len();
        let line = text[..at].matches('\n').count() + 1;
        let paths = branches(path).into_iter();
        found.extend(paths.map(|path| (line, [base, &path].concat())));
    }
    found
}

/// The module that a path begins in, and what of the path is behind that.
fn base<'m, 't>(module: &'m [String], path: &'t str) -> Option<(&'m [String], &'t str)> {
    if let Some(path) = path.strip_prefix("crate::") {
        return Some((&[], path));
    }
    if let Some(path) = path.strip_prefix("self::") {
        return Some((module, path));
    }
    let (mut up, mut rest) = (0, path);
    while let Some(path) = rest.strip_prefix("super::") {
        (up, rest) = (up + 1, path);
    }
    (up > 0).then(|| (&module[..module.len() - up], rest))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The names of a path, or of each path that its groups in braces stand for.
fn branches(path: &str) -> Vec<Vec<String>> {
    let end = path.find(|c| !is_of_name(c)).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let behind = match (name, rest.strip_prefix("::")) {
        ("", _) if rest.starts_with('{') => {
            return group(rest).iter().flat_map(|path| branches(path)).collect();
        }
        ("", _) | (_, None) => vec![Vec::new()],
        (_, Some(rest)) => branches(rest),
    };
    let name = (!name.is_empty()).then(|| name.to_owned());
    behind
        .into_iter()
        .map(|behind| name.iter().cloned().chain(behind).collect())
        .collect()
}

/// The paths in a group in braces.
fn group(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut paths = vec![String::new()];
    for c in text.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            ',' if depth == 1 => paths.push(String::new()),
            '{' if depth == 1 => {}
            _ if depth == 0 => break,
            _ => paths.last_mut().unwrap().push(c),
        }
    }
    let paths = paths.iter().map(|path| path.trim().to_owned());
    paths.filter(|path| !path.is_empty()).collect()
}

/// The text without its comments and without the items that only tests have; lines stay where they are.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    // How far the item of the tests is indented: its last line is too.
    let mut of_tests: Option<usize> = None;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code.starts_with("#[cfg(test)]") && of_tests.is_none() {
            of_tests = Some(indent);
        } else if of_tests == Some(indent) {
            if code.ends_with(['}', ';']) {
                of_tests = None;
            }
        } else if of_tests.is_none() && !code.starts_with("//") {
            kept.push_str(code.split(" // ").next().unwrap());
        }
        kept.push('\n');
    }
    kept
}
