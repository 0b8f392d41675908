//! Finds the imports between the files of a crate. It reads tokens and follows re-exports to the
//! file that defines the name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// An import: a file uses a name that another file defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) line: usize,
    pub(crate) path: String,
}

/// A module; a file may have several.
#[derive(Default)]
struct Module {
    file: String,
    items: BTreeSet<String>,
    /// Names that `use` brings into scope, with their paths; `*` is a glob.
    uses: Vec<(String, Vec<String>)>,
    /// Paths used by code or a private `use`, with their lines.
    mentions: Vec<(Vec<String>, usize)>,
}

/// Modules of a crate, by their paths.
#[derive(Default)]
struct Modules(BTreeMap<Vec<String>, Module>);

/// Imports among the `.rs` files of a folder `src`, with the first line of each pair of files.
/// Tests, doc comments and `main.rs` are excluded.
pub(crate) fn imports(src: &Path) -> Vec<Import> {
    let mut files = Vec::new();
    super::architecture::sources(src, &mut files);
    let name = |file: &Path| file.strip_prefix(src).unwrap().to_str().unwrap().replace('\\', "/");
    let read = |file| (name(file), fs::read_to_string(file).unwrap());
    imports_of(files.iter().map(|file| read(file.as_path())))
}

fn imports_of(files: impl Iterator<Item = (String, String)>) -> Vec<Import> {
    let mut modules = Modules([(Vec::new(), Module::default())].into());
    for (file, text) in files {
        let mut at: Vec<String> =
            file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if at.iter().any(|name| name == "tests") || file == "main.rs" {
            continue;
        }
        at.pop_if(|name| name == "mod" || name == "lib");
        modules.read(&at, &file, text.parse().unwrap(), true);
    }
    let mut found = BTreeMap::new();
    for (at, module) in &modules.0 {
        for (path, line) in &module.mentions {
            let to = modules.resolve(at, path, false, 0).filter(|to| **to != module.file);
            let Some(to) = to.cloned() else { continue };
            let import =
                Import { from: module.file.clone(), to, line: *line, path: path.join("::") };
            found.entry((import.from.clone(), import.to.clone())).or_insert(import);
        }
    }
    found.into_values().collect()
}

fn is(token: Option<&TokenTree>, text: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(_) | TokenTree::Punct(_)))
        && token.unwrap().to_string() == text
}

/// Names and paths that a `use` tree brings into scope.
fn leaves(tokens: &[TokenTree], prefix: &[String]) -> Vec<(String, Vec<String>)> {
    let mut path = prefix.to_vec();
    let mut name = None;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let trees = inner.split(|token| is(Some(token), ","));
                return trees
                    .filter(|tree| !tree.is_empty())
                    .flat_map(|tree| leaves(tree, &path))
                    .collect();
            }
            TokenTree::Ident(ident) if *ident == "as" => {
                name = Some(tokens[index + 1].to_string());
                break;
            }
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            _ if is(Some(token), "*") => return vec![("*".into(), path)],
            _ => {}
        }
    }
    if path.len() > 1 {
        path.pop_if(|last| last == "self");
    }
    vec![(name.or_else(|| path.last().cloned()).unwrap_or_default(), path)]
}

impl Modules {
    /// Reads a module, or, with `outer = false`, the inside of a block in it.
    fn read(&mut self, at: &[String], file: &str, tokens: TokenStream, outer: bool) {
        const ITEMS: [&str; 9] =
            ["const", "enum", "fn", "macro_rules", "static", "struct", "trait", "type", "union"];
        self.0.entry(at.to_vec()).or_default().file = file.to_owned();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            let (start, next) = (index, tokens.get(index + 1));
            index += 1;
            match token {
                TokenTree::Group(group) => self.read(at, file, group.stream(), false),
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    let attribute =
                        next.map_or_else(String::new, |next| next.to_string().replace(' ', ""));
                    if attribute.starts_with("[cfg(test") || attribute.starts_with("[cfg(all(test")
                    {
                        let ends = |token: &TokenTree| match token {
                            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                            _ => is(Some(token), ";"),
                        };
                        index += tokens[index..]
                            .iter()
                            .position(ends)
                            .map_or(tokens.len(), |end| end + 1);
                    }
                }
                TokenTree::Ident(word)
                    if *word == "use"
                        && matches!(next, Some(TokenTree::Ident(_) | TokenTree::Group(_))) =>
                {
                    index += tokens[index..].iter().position(|token| is(Some(token), ";")).unwrap();
                    let public = match before {
                        Some(TokenTree::Group(group)) => {
                            group.delimiter() == Delimiter::Parenthesis
                        }
                        before => is(before, "pub"),
                    };
                    let module = self.0.get_mut(at).unwrap();
                    for (name, path) in leaves(&tokens[start + 1..index], &[]) {
                        if !public && name != "*" {
                            module.mentions.push((path.clone(), word.span().start().line));
                        }
                        module.uses.push((name, path));
                    }
                }
                TokenTree::Ident(word)
                    if *word == "mod" && matches!(next, Some(TokenTree::Ident(_))) =>
                {
                    if let (Some(name), Some(TokenTree::Group(body))) =
                        (next, tokens.get(index + 1))
                    {
                        self.read(&[at, &[name.to_string()]].concat(), file, body.stream(), true);
                    }
                    index += 2;
                }
                TokenTree::Ident(word) => {
                    let module = self.0.get_mut(at).unwrap();
                    let two = start.checked_sub(2).and_then(|two| tokens.get(two));
                    let doubled = |mark| is(before, mark) && is(two, mark);
                    if ITEMS.iter().any(|item| word == item) && !is(before, "'") {
                        let name = if is(next, "!") { tokens.get(index + 1) } else { next };
                        let name = name.filter(|name| outer && matches!(name, TokenTree::Ident(_)));
                        module.items.extend(name.map(ToString::to_string));
                        continue;
                    }
                    let mut path = vec![word.to_string()];
                    while is(tokens.get(index), ":") && is(tokens.get(index + 1), ":") {
                        let Some(TokenTree::Ident(name)) = tokens.get(index + 2) else { break };
                        path.push(name.to_string());
                        index += 3;
                    }
                    let called = matches!(tokens.get(index), Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Parenthesis);
                    let is_item =
                        path.len() > 1 || called || path[0].starts_with(char::is_uppercase);
                    let is_member = is(before, ".") && !doubled(".")
                        || doubled(":")
                        || is(before, "'")
                        || is(before, "fn");
                    if is_item && !is_member {
                        module.mentions.push((path, word.span().start().line));
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Returns the file that defines a path's target, unless it is a module or of another crate. A
    /// `strict` search finds only names in the source, not those that a macro may create.
    fn resolve(
        &self,
        at: &[String],
        path: &[String],
        strict: bool,
        depth: usize,
    ) -> Option<&String> {
        let mut at = at.to_vec();
        let mut inside = false;
        for (index, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => {
                    let module = self.0.get(&at)?;
                    let used = module.uses.iter().find(|(used, _)| used == name);
                    let is_last = index + 1 == path.len();
                    let child = [&at[..], std::slice::from_ref(name)].concat();
                    if self.0.contains_key(&child)
                        && !(is_last && (used.is_some() || module.items.contains(name)))
                    {
                        at = child;
                        inside = true;
                        continue;
                    }
                    if module.items.contains(name) {
                        return Some(&module.file);
                    }
                    let follow = |to: &[String], rest: &[String], strict| match depth {
                        0..8 => self.resolve(&at, &[to, rest].concat(), strict, depth + 1),
                        _ => None,
                    };
                    if let Some((_, to)) = used {
                        return follow(to, &path[index + 1..], strict);
                    }
                    let globs = module
                        .uses
                        .iter()
                        .filter(|(name, to)| name == "*" && self.is_ours(&at, to));
                    let found = globs.filter_map(|(_, to)| follow(to, &path[index..], true)).next();
                    return found.or_else(|| (inside && !strict).then_some(&module.file));
                }
            }
            inside = true;
        }
        None
    }

    fn is_ours(&self, at: &[String], path: &[String]) -> bool {
        ["crate", "self", "super"].iter().any(|word| path[0] == *word)
            || self.0.contains_key(&[at, &path[..1]].concat())
    }
}

impl std::fmt::Display for Import {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{} names {} of {}", self.from, self.line, self.path, self.to)
    }
}

/// Returns `from -> to` for each import. The files are given in one text, each after a line
/// `//> name`.
fn found(files: &str) -> Vec<String> {
    let files = files.split("//> ").skip(1).map(|file| file.split_once('\n').unwrap());
    let imports = imports_of(files.map(|(name, text)| (name.to_owned(), text.to_owned())));
    imports.iter().map(|import| format!("{} -> {}", import.from, import.to)).collect()
}

#[test]
fn a_re_export_is_not_an_import_and_is_followed_to_the_defining_file() {
    let files = "//> io/mod.rs\nmod atomic;\npub(crate) use atomic::{write, Sealed as Closed};
//> io/atomic.rs\npub fn write() {}\npub struct Sealed;
//> lib.rs\nmod io; mod a; pub use io::Closed;
//> a.rs\nuse crate::{Closed, io::{self, write}};";
    assert_eq!(found(files), ["a.rs -> io/atomic.rs"]);
    let used = files.replace("as Closed};", "as Closed}; fn all() -> Closed {}");
    assert_eq!(found(&used), ["a.rs -> io/atomic.rs", "io/mod.rs -> io/atomic.rs"]);
}

#[test]
fn globs_count_for_the_names_that_are_used() {
    let files = "//> a/mod.rs\nmod b; use crate::c::Deep; pub struct Shallow;
//> a/b.rs\nuse super::*; fn f(_: Deep) {}
//> c.rs\npub struct Deep;";
    assert_eq!(found(files), ["a/b.rs -> c.rs", "a/mod.rs -> c.rs"]);
    assert_eq!(
        found(&files.replace("_: Deep", "_: Shallow")),
        ["a/b.rs -> a/mod.rs", "a/mod.rs -> c.rs"]
    );
}

#[test]
fn paths_through_an_imported_module_count() {
    let files =
        "//> a.rs\nuse crate::io;\nfn f() { io::read(&[super::b::B { ..crate::c::new() }]) }
//> b.rs\npub struct B;\n//> c.rs\npub fn new() {}\n//> io.rs\npub fn read() {}";
    assert_eq!(found(files), ["a.rs -> b.rs", "a.rs -> c.rs", "a.rs -> io.rs"]);
}

#[test]
fn a_function_is_distinguished_from_a_module_of_the_same_name() {
    let files = "//> lib.rs\nmod lstm; pub use lstm::lstm;\n//> lstm/mod.rs\nmod f; \
        pub use f::lstm; pub struct S;
//> lstm/f.rs\npub fn lstm() {}\n//> a.rs\nuse crate::lstm;\n//> b.rs\nuse crate::lstm::S;";
    assert_eq!(found(files), ["a.rs -> lstm/f.rs", "b.rs -> lstm/mod.rs"]);
}

#[test]
fn tests_comments_strings_and_member_names_are_not_imports() {
    let files = "//> a.rs\n//! crate::b::open\nuse crate::b::open as _; /// [`crate::c::C`]
#[cfg(test)]\nuse crate::c::C;\n#[cfg(test)]\nmod tests { use crate::c::C; }
fn f<'c>(x: &'c str) { x.new(); let b = \"crate::c::C\"; }\nmod inner { use super::super::c::new; }
//> b.rs\npub fn open() {}\n//> c.rs\npub struct C; pub fn new() {}
//> tests/d.rs\nuse crate::c::C;";
    assert_eq!(found(files), ["a.rs -> b.rs", "a.rs -> c.rs"]);
    assert_eq!(found(&files.replace("super::super::c::new", "std::mem")), ["a.rs -> b.rs"]);
}
