//! A room of `src` imports rooms that stand below it, and no other.
//!
//! The order is that of the table in `src/lib.rs`. Rooms in one row of it import nothing of each other either; so there
//! is no cycle. What `#[cfg(test)]` keeps out of the program may import any room.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::repository::{file, read};

#[test]
fn no_room_imports_one_above_it_or_beside_it() {
    let heights = heights(&read("src/lib.rs"));
    let mut arrows = 0;
    for path in sources("src") {
        let Some(room) = room_of(&path) else {
            continue;
        };
        let own = heights.get(room);
        let own = own.unwrap_or_else(|| panic!("{path}: src/lib.rs does not name the room {room}"));
        for (line, imported) in imports(&path, &read(&path)) {
            if imported == room {
                continue;
            }
            let below = heights.get(imported.as_str()).is_some_and(|it| it < own);
            assert!(below, "{path}:{line}: {room} imports {imported}");
            arrows += 1;
        }
    }
    assert!(arrows > 50, "imports are not found any more: {arrows}");
}

#[test]
fn every_way_to_name_another_room_is_found() {
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
    let found = imports("src/room/file.rs", text);
    let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["a", "c", "f", "g", "i", "k", "m", "o"]);
    assert_eq!(found[3].0, 6);
    let of_the_room = imports(
        "src/room/mod.rs",
        "use super::other::X;\nuse self::own::Y;\n",
    );
    assert_eq!(of_the_room, [(1, "other".to_owned())]);
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

/// Every Rust file below a folder.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(file(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources(&path));
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The room of a file; `None` for those that stand above all, and for a room's tests.
fn room_of(path: &str) -> Option<&str> {
    let place = path.strip_prefix("src/").unwrap();
    let above_all = ["main.rs", "lib.rs"].contains(&place);
    let of_tests = Path::new(path).file_stem().is_some_and(|s| s == "tests");
    (!above_all && !of_tests).then(|| place.split('/').next().unwrap())
}

/// The rooms that a file's text names, each with the number of its line.
fn imports(path: &str, text: &str) -> Vec<(usize, String)> {
    let text = without_tests(text);
    // As many steps up as lead out of the room, to where all rooms are.
    let depth = path.matches('/').count() - usize::from(path.ends_with("/mod.rs"));
    let roots = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut found = Vec::new();
    for root in &roots {
        for (at, _) in text.match_indices(root.as_str()) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| is_of_name(c) || c == ':' || c == '$') {
                continue;
            }
            let line = text[..at].matches('\n').count() + 1;
            let names = first_names(&text[at + root.len()..]);
            found.extend(names.into_iter().map(|name| (line, name)));
        }
    }
    found.sort();
    found
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// What a path begins with, or each path of a group in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|&c| is_of_name(c)).collect();
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut depth = 1;
    let mut paths = vec![String::new()];
    for c in group.chars() {
        match c {
            ',' if depth == 1 => {
                paths.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        paths.last_mut().unwrap().push(c);
    }
    let names = paths.iter().map(|path| name(path.trim()));
    names.filter(|name: &String| !name.is_empty()).collect()
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
