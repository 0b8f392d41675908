//! Tests of the layers inside each crate: no large import cycles, and no import of a higher layer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use super::{
    architecture::{CRATES, root},
    imports::{Import, imports},
};

/// Crates whose layers ARCHITECTURE.md lists under `## Layers of <crate>`, lowest first. A layer is
/// a folder or a file directly in `src`, except `lib.rs` and `main.rs`.
const LAYERED: [&str; 1] = ["rnn-train"];
const MOST_LAYERS: usize = 17;
const MOST_ARROWS: usize = 100;

fn imports_of(name: &str) -> Vec<Import> {
    imports(&root().join("crates").join(name).join("src"))
}

fn layer(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Import cycles: sets of files that import each other, directly or through others.
fn cycles<'a>(imports: &'a [Import]) -> BTreeSet<BTreeSet<&'a str>> {
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
    let cycle = |&from: &&'a str| reach[from].iter().copied().filter(|to| back(to, from)).collect();
    reach.keys().map(cycle).filter(|cycle: &BTreeSet<_>| !cycle.is_empty()).collect()
}

/// Imports from a layer to one that is listed after it. The crate's root is above all layers.
fn upwards<'a>(layers: &[String], imports: &'a [Import]) -> Vec<&'a Import> {
    let level = |file| layers.iter().position(|name| name == layer(file)).unwrap_or(layers.len());
    imports.iter().filter(|import| level(&import.to) > level(&import.from)).collect()
}

fn listed(imports: &[&Import]) -> String {
    imports.iter().map(|import| format!("\n  {import}")).collect()
}

/// First column of the table under a heading of ARCHITECTURE.md.
fn listed_layers(name: &str) -> Vec<String> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = map
        .split("\n## ")
        .find(|section| section.starts_with(&format!("Layers of {name}\n")))
        .expect(name);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(|layer| layer.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect()
}

#[test]
fn import_cycles_have_at_most_two_files() {
    let mut report = String::new();
    for (name, ..) in CRATES {
        let imports = imports_of(name);
        for cycle in cycles(&imports).iter().filter(|cycle| cycle.len() > 2) {
            let among = |import: &&Import| {
                [&import.from, &import.to].iter().all(|&file| cycle.contains(&**file))
            };
            let among: Vec<&Import> = imports.iter().filter(among).collect();
            report +=
                &format!("\n{name}: {} files import each other{}", cycle.len(), listed(&among));
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn layers_import_only_layers_listed_before_them() {
    for name in LAYERED {
        let (layers, imports) = (listed_layers(name), imports_of(name));
        let entries = fs::read_dir(root().join("crates").join(name).join("src")).unwrap();
        let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let found: BTreeSet<String> = files
            .map(|file| layer(&file).to_owned())
            .filter(|layer| !["lib", "main", "tests"].contains(&&**layer))
            .collect();
        assert_eq!(
            layers.iter().cloned().collect::<BTreeSet<_>>(),
            found,
            "{name}: layers in ARCHITECTURE.md, and in src"
        );
        let upwards = upwards(&layers, &imports);
        assert!(
            upwards.is_empty(),
            "{name}: {} imports upwards{}",
            upwards.len(),
            listed(&upwards)
        );
        let arrows: BTreeSet<_> =
            imports.iter().map(|import| (layer(&import.from), layer(&import.to))).collect();
        let arrows = arrows.iter().filter(|(from, to)| from != to && *from != "lib").count();
        assert!(
            layers.len() <= MOST_LAYERS,
            "{name}: {} layers, at most {MOST_LAYERS}",
            layers.len()
        );
        assert!(
            arrows <= MOST_ARROWS,
            "{name}: {arrows} imports between layers, at most {MOST_ARROWS}"
        );
    }
}

fn import(from: &str, to: &str) -> Import {
    Import { from: from.into(), to: to.into(), line: 1, path: String::new() }
}

#[test]
fn a_cycle_is_found_through_other_files_but_a_chain_is_not_a_cycle() {
    let cycle =
        [import("a", "b"), import("b", "c"), import("c", "a"), import("c", "d"), import("e", "a")];
    assert_eq!(cycles(&cycle), [["a", "b", "c"].into()].into());
    assert!(cycles(&cycle[1..]).is_empty());
}

#[test]
fn an_import_of_a_later_layer_or_of_the_root_is_upwards() {
    let layers = ["error".to_owned(), "io".to_owned()];
    let imports = [
        import("error.rs", "io/lock.rs"),
        import("io/lock.rs", "error.rs"),
        import("io/mod.rs", "lib.rs"),
        import("lib.rs", "io/mod.rs"),
    ];
    assert_eq!(upwards(&layers, &imports), [&imports[0], &imports[2]]);
}
