//! The layers inside each crate: no large circles of imports, and no import upwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{
    architecture::{CRATES, root},
    imports::{Import, imports},
};

/// Crates whose rooms ARCHITECTURE.md lists under `## Layers of <crate>`, lowest first. A room is
/// a folder or a file right below `src`, without `lib.rs` and `main.rs`.
const LAYERED: [&str; 1] = ["rnn-train"];
const MOST_ROOMS: usize = 17;
const MOST_ARROWS: usize = 100;

fn imports_of(name: &str) -> Vec<Import> {
    imports(&root().join("crates").join(name).join("src"))
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Sets of files that import each other, directly or through others.
fn circles<'a>(imports: &'a [Import]) -> BTreeSet<BTreeSet<&'a str>> {
    let mut onward = BTreeMap::<&'a str, Vec<&'a str>>::new();
    for import in imports {
        onward.entry(&import.from).or_default().push(&import.to);
    }
    let reached = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            let next = onward.get(file).into_iter().flatten();
            open.extend(next.copied().filter(|to| seen.insert(*to)));
        }
        seen
    };
    let reach: BTreeMap<&'a str, BTreeSet<&'a str>> =
        onward.keys().map(|&from| (from, reached(from))).collect();
    let back = |to: &str, from| reach.get(to).is_some_and(|reached| reached.contains(from));
    let circle =
        |&from: &&'a str| reach[from].iter().copied().filter(|to| back(to, from)).collect();
    reach.keys().map(circle).filter(|circle: &BTreeSet<_>| !circle.is_empty()).collect()
}

/// The imports from a room to one that is listed after it. The crate's root is above all rooms.
fn upwards<'a>(rooms: &[String], imports: &'a [Import]) -> Vec<&'a Import> {
    let level = |file| rooms.iter().position(|name| name == room(file)).unwrap_or(rooms.len());
    imports.iter().filter(|import| level(&import.to) > level(&import.from)).collect()
}

fn listed(imports: &[&Import]) -> String {
    imports.iter().map(|import| format!("\n  {import}")).collect()
}

/// The first column of the table under a heading of ARCHITECTURE.md.
fn listed_rooms(name: &str) -> Vec<String> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = map
        .split("\n## ")
        .find(|section| section.starts_with(&format!("Layers of {name}\n")))
        .expect(name);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(|room| room.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

#[test]
fn circles_of_imports_have_two_files_at_most() {
    let mut report = String::new();
    for (name, ..) in CRATES {
        let imports = imports_of(name);
        for circle in circles(&imports).iter().filter(|circle| circle.len() > 2) {
            let among = |import: &&Import| {
                [&import.from, &import.to].iter().all(|&file| circle.contains(&**file))
            };
            let among: Vec<&Import> = imports.iter().filter(among).collect();
            report +=
                &format!("\n{name}: {} files import each other{}", circle.len(), listed(&among));
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn rooms_import_only_rooms_that_are_listed_before_them() {
    for name in LAYERED {
        let (rooms, imports) = (listed_rooms(name), imports_of(name));
        let entries = fs::read_dir(root().join("crates").join(name).join("src")).unwrap();
        let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let found: BTreeSet<String> = files
            .map(|file| room(&file).to_owned())
            .filter(|room| !["lib", "main", "tests"].contains(&&**room))
            .collect();
        assert_eq!(
            rooms.iter().cloned().collect::<BTreeSet<_>>(),
            found,
            "{name}: rooms in ARCHITECTURE.md, and in src"
        );
        let upwards = upwards(&rooms, &imports);
        assert!(
            upwards.is_empty(),
            "{name}: {} imports upwards{}",
            upwards.len(),
            listed(&upwards)
        );
        let arrows: BTreeSet<_> =
            imports.iter().map(|import| (room(&import.from), room(&import.to))).collect();
        let arrows = arrows.iter().filter(|(from, to)| from != to && *from != "lib").count();
        assert!(rooms.len() <= MOST_ROOMS, "{name}: {} rooms, at most {MOST_ROOMS}", rooms.len());
        assert!(
            arrows <= MOST_ARROWS,
            "{name}: {arrows} arrows between rooms, at most {MOST_ARROWS}"
        );
    }
}

fn import(from: &str, to: &str) -> Import {
    Import { from: from.into(), to: to.into(), line: 1, path: String::new() }
}

#[test]
fn a_circle_is_found_through_other_files_but_not_a_chain() {
    let circle =
        [import("a", "b"), import("b", "c"), import("c", "a"), import("c", "d"), import("e", "a")];
    assert_eq!(circles(&circle), [["a", "b", "c"].into()].into());
    assert!(circles(&circle[1..]).is_empty());
}

#[test]
fn an_import_of_a_later_room_or_of_the_root_is_upwards() {
    let rooms = ["error".to_owned(), "io".to_owned()];
    let imports = [
        import("error.rs", "io/lock.rs"),
        import("io/lock.rs", "error.rs"),
        import("io/mod.rs", "lib.rs"),
        import("lib.rs", "io/mod.rs"),
    ];
    assert_eq!(upwards(&rooms, &imports), [&imports[0], &imports[2]]);
}
