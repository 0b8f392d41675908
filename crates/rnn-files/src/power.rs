//! What a power loss may leave of a folder, for tests.
//!
//! [`Recording`] records the changes of a folder, and [`crash_states`] lists the folders that a
//! power loss at any moment may leave. The rules are weaker than those of any journal:
//!
//! - The content of a file is durable once the file was synced. Before that it is missing, cut off,
//!   zeros or whole.
//! - A name is durable once its folder was synced. Before that each change of a name may be lost or
//!   kept, in any order. Changes of one name keep their order.
//! - A rename within a folder is one change. Between folders, a file may have both names.
//!
//! [`crash_states`]: Log::crash_states

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

pub use crate::recording::{Files, Log, Operation, Recording, files};

/// A folder that a power loss may leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrashState {
    /// Number of operations before the power loss.
    pub operations: usize,
    files: BTreeMap<PathBuf, Option<Rc<Vec<u8>>>>,
}

impl CrashState {
    /// Writes the files into a folder. What the folder holds is removed first.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        // Folders sort before their files.
        for (path, content) in &self.files {
            match content {
                Some(content) => fs::write(folder.join(path), &**content)?,
                None => fs::create_dir(folder.join(path))?,
            }
        }
        Ok(())
    }

    /// The content of a file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(Path::new(path))?.as_ref().map(|content| content.as_slice())
    }
}

/// A file or a folder, whatever its names are.
enum Node {
    File {
        durable: Rc<Vec<u8>>,
        /// Content that is not durable yet.
        written: Option<Rc<Vec<u8>>>,
    },
    Folder {
        durable: BTreeMap<String, usize>,
        now: BTreeMap<String, usize>,
    },
}

/// Changes of names that become durable together.
struct Change {
    /// Folder, name, and the node that gets the name.
    names: Vec<(usize, String, Option<usize>)>,
    /// Earlier changes that this one needs, by number.
    needs: Vec<usize>,
}

/// A simulated disk. Node 0 is the root.
struct Disk {
    nodes: Vec<Node>,
    /// Changes that are not durable, by number.
    pending: BTreeMap<usize, Change>,
    changes: usize,
}

/// What unsynced contents become.
#[derive(Clone, Copy)]
enum Unsynced {
    Lost,
    Half,
    Zeros,
    Whole,
}

impl Log {
    /// The different folders that a power loss before, between or after the operations may leave.
    ///
    /// For each moment: nothing unsynced is kept, all is, one change is kept, one is lost, and
    /// `random` random choices.
    ///
    /// # Panics
    ///
    /// If an operation names a file that does not exist.
    pub fn crash_states(&self, random: usize, seed: u64) -> Vec<CrashState> {
        let (mut disk, mut random_state) = (Disk::new(&self.before), seed);
        let mut seen = BTreeSet::new();
        let mut states = Vec::new();
        for done in 0..=self.operations.len() {
            if let Some(operation) = done.checked_sub(1).map(|last| &self.operations[last]) {
                disk.apply(operation);
            }
            for (kept, unsynced) in disk.choices(random, &mut random_state) {
                let files = disk.after(&kept, unsynced);
                if seen.insert(files.clone()) {
                    states.push(CrashState { operations: done, files });
                }
            }
        }
        states
    }
}

impl Disk {
    fn new(files: &Files) -> Self {
        let root = Node::Folder { durable: BTreeMap::new(), now: BTreeMap::new() };
        let mut disk = Self { nodes: vec![root], pending: BTreeMap::new(), changes: 0 };
        for (path, content) in files {
            let node = disk.add(content.as_ref().map(|content| Rc::new(content.clone())));
            disk.change(vec![(path, Some(node))], Vec::new());
        }
        let all: Vec<usize> = disk.pending.keys().copied().collect();
        disk.make_durable(&all);
        disk
    }

    fn add(&mut self, content: Option<Rc<Vec<u8>>>) -> usize {
        self.nodes.push(match content {
            Some(durable) => Node::File { durable, written: None },
            None => Node::Folder { durable: BTreeMap::new(), now: BTreeMap::new() },
        });
        self.nodes.len() - 1
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::CreateFile(path) => {
                let node = self.add(Some(Rc::default()));
                self.change(vec![(path, Some(node))], Vec::new());
            }
            Operation::CreateFolder(path) => {
                let node = self.add(None);
                self.change(vec![(path, Some(node))], Vec::new());
            }
            Operation::Write(path, content) => {
                let node = self.find(path).expect("a written file exists");
                if let Node::File { written, .. } = &mut self.nodes[node] {
                    *written = Some(Rc::new(content.clone()));
                }
            }
            Operation::SyncFile(path) => {
                let node = self.find(path).expect("a synced file exists");
                if let Node::File { durable, written } = &mut self.nodes[node]
                    && let Some(content) = written.take()
                {
                    *durable = content;
                }
            }
            Operation::SyncFolder(path) => {
                let folder = self.find(path).expect("a synced folder exists");
                let of_folder = |change: &Change| change.names.iter().any(|name| name.0 == folder);
                let synced: Vec<usize> = self
                    .pending
                    .iter()
                    .filter(|(_, change)| of_folder(change))
                    .map(|(number, _)| *number)
                    .collect();
                self.make_durable(&synced);
            }
            Operation::Rename(from, to) => {
                let node = self.find(from).expect("a renamed file exists");
                let is_file = matches!(self.nodes[node], Node::File { .. });
                if is_file && from.parent() != to.parent() {
                    let added = self.change(vec![(to, Some(node))], Vec::new());
                    self.change(vec![(from, None)], vec![added]);
                } else {
                    self.change(vec![(to, Some(node)), (from, None)], Vec::new());
                }
            }
            Operation::Remove(path) => {
                self.change(vec![(path, None)], Vec::new());
            }
        }
    }

    /// Changes names now, and durably only with a sync of their folder. Returns the number of the
    /// change.
    fn change(&mut self, names: Vec<(&PathBuf, Option<usize>)>, mut needs: Vec<usize>) -> usize {
        let names: Vec<(usize, String, Option<usize>)> = names
            .into_iter()
            .map(|(path, node)| {
                let name = path.file_name().expect("a path with a name").to_string_lossy();
                let folder = self.find(path.parent().expect("a parent"));
                (folder.expect("the folder of a path exists"), name.into_owned(), node)
            })
            .collect();
        for (folder, name, node) in &names {
            if let Node::Folder { now, .. } = &mut self.nodes[*folder] {
                match node {
                    Some(node) => drop(now.insert(name.clone(), *node)),
                    None => drop(now.remove(name)),
                }
            }
            let same = |change: &Change| {
                change.names.iter().any(|(other, its, _)| other == folder && its == name)
            };
            let earlier = self.pending.iter().filter(|(_, change)| same(change));
            needs.extend(earlier.map(|(number, _)| *number));
        }
        self.changes += 1;
        self.pending.insert(self.changes, Change { names, needs });
        self.changes
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.iter().try_fold(0, |node, name| match &self.nodes[node] {
            Node::Folder { now, .. } => now.get(&*name.to_string_lossy()).copied(),
            Node::File { .. } => None,
        })
    }

    /// The given changes, and those that they need.
    fn with_needs(&self, numbers: &[usize]) -> BTreeSet<usize> {
        let (mut all, mut open) = (BTreeSet::new(), numbers.to_vec());
        while let Some(number) = open.pop() {
            // A change that is no longer pending is durable.
            if let Some(change) = self.pending.get(&number)
                && all.insert(number)
            {
                open.extend(&change.needs);
            }
        }
        all
    }

    fn make_durable(&mut self, numbers: &[usize]) {
        for number in self.with_needs(numbers) {
            let Some(change) = self.pending.remove(&number) else { continue };
            for (folder, name, node) in change.names {
                if let Node::Folder { durable, .. } = &mut self.nodes[folder] {
                    match node {
                        Some(node) => drop(durable.insert(name, node)),
                        None => drop(durable.remove(&name)),
                    }
                }
            }
        }
    }

    /// Choices of the changes that are kept, and of unsynced contents.
    fn choices(&self, random: usize, state: &mut u64) -> Vec<(BTreeSet<usize>, [Unsynced; 4])> {
        const EACH: [Unsynced; 4] =
            [Unsynced::Lost, Unsynced::Half, Unsynced::Zeros, Unsynced::Whole];
        let all: Vec<usize> = self.pending.keys().copied().collect();
        let mut kept = vec![BTreeSet::new(), all.iter().copied().collect()];
        for &one in &all {
            kept.push(self.with_needs(&[one]));
            let without = all.iter().filter(|other| !self.with_needs(&[**other]).contains(&one));
            kept.push(without.copied().collect());
        }
        let mut choices: Vec<_> = kept
            .into_iter()
            .flat_map(|kept| EACH.map(|unsynced| (kept.clone(), [unsynced; 4])))
            .collect();
        let mut next = || {
            // SplitMix64.
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        };
        for _ in 0..random {
            let some: Vec<usize> = all.iter().copied().filter(|_| next() & 1 == 1).collect();
            let unsynced = [(); 4].map(|()| EACH[(next() & 3) as usize]);
            choices.push((self.with_needs(&some), unsynced));
        }
        choices
    }

    /// The files after a power loss.
    fn after(
        &self,
        kept: &BTreeSet<usize>,
        unsynced: [Unsynced; 4],
    ) -> BTreeMap<PathBuf, Option<Rc<Vec<u8>>>> {
        let mut names: HashMap<usize, BTreeMap<&str, usize>> = HashMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            if let Node::Folder { durable, .. } = node {
                let durable = durable.iter().map(|(name, node)| (name.as_str(), *node));
                names.insert(number, durable.collect());
            }
        }
        for (folder, name, node) in kept.iter().flat_map(|number| &self.pending[number].names) {
            let folder = names.entry(*folder).or_default();
            match node {
                Some(node) => drop(folder.insert(name, *node)),
                None => drop(folder.remove(name.as_str())),
            }
        }
        let (mut files, mut open) = (BTreeMap::new(), vec![(PathBuf::new(), 0)]);
        while let Some((path, node)) = open.pop() {
            match &self.nodes[node] {
                Node::File { durable, written } => {
                    let content = written.as_ref().map_or_else(
                        || durable.clone(),
                        |written| unsynced[node % 4].of(durable, written),
                    );
                    files.insert(path, Some(content));
                }
                Node::Folder { .. } => {
                    let inner = names.get(&node).into_iter().flatten();
                    open.extend(inner.map(|(name, node)| (path.join(name), *node)));
                    files.insert(path, None);
                }
            }
        }
        files.remove(Path::new(""));
        files
    }
}

impl Unsynced {
    fn of(self, durable: &Rc<Vec<u8>>, written: &Rc<Vec<u8>>) -> Rc<Vec<u8>> {
        match self {
            Self::Lost => durable.clone(),
            Self::Half => Rc::new(written[..written.len() / 2].to_vec()),
            Self::Zeros => Rc::new(vec![0; written.len()]),
            Self::Whole => written.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
