//! Whose words the binary carries is told with it: the notices are of the crates that are in it today.
//!
//! They are made by cargo-about (about.toml); that they are what it makes, CI compares.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::repository::{file, read};
use crate::support::tools::run;

#[test]
fn the_notices_are_of_the_crates_in_the_binary() {
    let mut crates = BTreeSet::new();
    for target in ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"] {
        let mut tree = Command::new(env!("CARGO"));
        tree.args(["tree", "--locked", "--edges=normal", "--prefix=none"])
            .args(["--format={p}", "--target", target])
            .current_dir(file(""));
        let tree = run(&mut tree);
        // The first is the exporter itself.
        for line in tree.lines().skip(1) {
            let mut words = line.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            crates.insert(format!("{name} {}", version.trim_start_matches('v')));
        }
    }
    let notices = read("THIRD-PARTY.txt");
    let (list, texts) = notices.split_once("notices:\n").unwrap();
    let named: BTreeSet<_> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(" ("))
        .map(|(named, _)| named.to_owned())
        .collect();
    let others: Vec<_> = named.symmetric_difference(&crates).collect();
    assert!(
        others.is_empty(),
        "THIRD-PARTY.txt lacks these, or has them in vain; about.toml says how to make it anew: {others:?}"
    );
    for one in &crates {
        assert!(texts.contains(&format!("\n  {one}\n")), "{one} has no text");
    }
}
