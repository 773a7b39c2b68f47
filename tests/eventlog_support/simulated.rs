//! A file system in memory that forgets what was not synced, runs full, fails to sync, and dies at any operation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use ambient::eventlog::{Locked, LogFile, OpenMode, Storage};

/// Unsynced changes reach the disk in units of this size, or not, each by chance.
const PAGE: usize = 64;

/// The simulated machine. Clones are the same machine.
#[derive(Clone)]
pub(crate) struct Simulated {
    world: Arc<Mutex<World>>,
}

#[derive(Clone, Default)]
struct World {
    boot: u64,
    files: Vec<Content>,
    /// What a process sees.
    names: BTreeMap<PathBuf, usize>,
    /// What is on disk.
    durable_names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    /// Bytes that all files may have together.
    capacity: Option<usize>,
    sync_fails: bool,
    /// Operations until everything fails.
    fuse: Option<u64>,
    locked: Arc<Mutex<bool>>,
    syncs: u64,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

/// A small generator: a seed gives the same crash again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

impl Simulated {
    pub(crate) fn new() -> Self {
        Self { world: Arc::default() }
    }

    /// The machine after `kill -9` of the process: all writes are there.
    pub(crate) fn killed(&self) -> Self {
        restarted(self.lock().clone())
    }

    /// The machine after a power cut: what was not synced is there or not, page by page and name by name.
    pub(crate) fn power_cut(&self, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut world = self.lock().clone();
        world.boot += 1;
        for file in &mut world.files {
            file.now = survivors(file, &mut dice);
            file.durable.clone_from(&file.now);
        }
        let paths: BTreeSet<PathBuf> = world.names.keys().chain(world.durable_names.keys()).cloned().collect();
        for path in paths {
            let (now, durable) = (world.names.get(&path), world.durable_names.get(&path));
            match if dice.below(2) == 0 { now } else { durable }.copied() {
                Some(file) => world.names.insert(path, file),
                None => world.names.remove(&path),
            };
        }
        world.durable_names = world.names.clone();
        restarted(world)
    }

    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.lock().capacity = bytes;
    }

    pub(crate) fn used(&self) -> usize {
        self.lock().used()
    }

    pub(crate) fn fail_syncs(&self) {
        self.lock().sync_fails = true;
    }

    /// Everything fails after so many more operations; a write may stop in the middle.
    pub(crate) fn die_after(&self, operations: u64) {
        self.lock().fuse = Some(operations);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.lock().fuse == Some(0)
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// The files below a directory with this ending, sorted.
    pub(crate) fn paths(&self, ending: &str) -> Vec<PathBuf> {
        let ends = |path: &&PathBuf| path.to_string_lossy().ends_with(ending);
        self.lock().names.keys().filter(ends).cloned().collect()
    }

    /// Changes a file's bytes behind everybody's back.
    pub(crate) fn edit(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.lock();
        let file = world.names[path];
        change(&mut world.files[file].now);
        let file = &mut world.files[file];
        file.durable.clone_from(&file.now);
    }

    pub(crate) fn read(&self, path: &Path) -> Vec<u8> {
        let world = self.lock();
        world.files[world.names[path]].now.clone()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// The machine with a new process on it.
fn restarted(mut world: World) -> Simulated {
    world.fuse = None;
    world.sync_fails = false;
    world.locked = Arc::default();
    Simulated { world: Arc::new(Mutex::new(world)) }
}

/// What a power cut leaves of a file.
fn survivors(file: &Content, dice: &mut Dice) -> Vec<u8> {
    let (short, long) = {
        let (a, b) = (file.now.len(), file.durable.len());
        (a.min(b), a.max(b))
    };
    let length = match dice.below(3) {
        0 => short,
        1 => long,
        _ => short + dice.below(long - short + 1),
    };
    let mut left: Vec<u8> = file.durable.clone();
    left.resize(length, 0);
    for page in 0..length.div_ceil(PAGE) {
        let range = page * PAGE..length.min((page + 1) * PAGE).min(file.now.len());
        if range.start < range.end && dice.below(3) > 0 {
            left[range.clone()].copy_from_slice(&file.now[range]);
        }
    }
    left
}

impl World {
    fn used(&self) -> usize {
        let files: BTreeSet<usize> = self.names.values().copied().collect();
        files.iter().map(|file| self.files[*file].now.len()).sum()
    }

    fn step(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => Err(io::Error::other("the process is dead")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&mut self, path: &Path) -> io::Result<usize> {
        if self.capacity.is_some_and(|capacity| self.used() >= capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.files.push(Content::default());
        self.names.insert(path.to_owned(), self.files.len() - 1);
        Ok(self.files.len() - 1)
    }
}

impl Storage for Simulated {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.lock();
        world.step()?;
        world.dirs.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut world = self.lock();
        world.step()?;
        let name = |path: &PathBuf| {
            let name = (path.parent() == Some(dir)).then(|| path.file_name()).flatten();
            name.map(|name| name.to_string_lossy().into_owned())
        };
        Ok(world.names.keys().filter_map(name).chain(world.dirs.iter().filter_map(name)).collect())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn LogFile>> {
        let mut world = self.lock();
        world.step()?;
        let found = world.file(path);
        let index = match mode {
            OpenMode::Existing => found?,
            OpenMode::New if found.is_ok() => return Err(io::ErrorKind::AlreadyExists.into()),
            OpenMode::New | OpenMode::Empty | OpenMode::Any => match found {
                Ok(index) => index,
                Err(_) => world.create(path)?,
            },
        };
        if mode == OpenMode::Empty {
            world.files[index].now.clear();
        }
        Ok(Arc::new(Open { disk: self.clone(), index }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.lock();
        world.step()?;
        let file = world.file(from)?;
        world.names.remove(from);
        world.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.lock();
        world.step()?;
        world.file(path)?;
        world.names.remove(path);
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.lock();
        world.step()?;
        world.names.retain(|path, _| !path.starts_with(dir));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.lock();
        world.step()?;
        let within = |path: &Path| path.parent() == Some(dir);
        let World { names, durable_names, .. } = &mut *world;
        durable_names.retain(|path, _| !within(path));
        durable_names.extend(names.iter().filter(|(path, _)| within(path)).map(|(path, file)| (path.clone(), *file)));
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Locked> {
        let flag = Arc::clone(&Simulated::lock(self).locked);
        let mut locked = flag.lock().unwrap();
        if *locked {
            return Ok(Locked::Busy("1".to_owned()));
        }
        *locked = true;
        Ok(Locked::Taken(Box::new(Guard(Arc::clone(&flag)))))
    }

    fn boot_id(&self) -> Option<String> {
        Some(self.world.lock().unwrap().boot.to_string())
    }
}

struct Guard(Arc<Mutex<bool>>);

impl Drop for Guard {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = false;
    }
}

struct Open {
    disk: Simulated,
    index: usize,
}

impl LogFile for Open {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = Simulated::lock(&self.disk);
        world.step()?;
        let bytes = &world.files[self.index].now;
        let rest = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = Simulated::lock(&self.disk);
        let dying = world.fuse == Some(1);
        world.step()?;
        let offset = usize::try_from(offset).unwrap();
        let free = world.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(world.used()));
        let file = &mut world.files[self.index].now;
        let within = file.len().saturating_sub(offset).saturating_add(free);
        let mut wrote = bytes.len().min(within);
        if dying {
            wrote = wrote.min(bytes.len() / 2 + 1);
        }
        if wrote == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let end = (offset + wrote).max(file.len());
        file.resize(end, 0);
        file[offset..offset + wrote].copy_from_slice(&bytes[..wrote]);
        Ok(wrote)
    }

    fn length(&self) -> io::Result<u64> {
        let mut world = Simulated::lock(&self.disk);
        world.step()?;
        Ok(world.files[self.index].now.len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut world = Simulated::lock(&self.disk);
        world.step()?;
        world.files[self.index].now.resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = Simulated::lock(&self.disk);
        world.step()?;
        if world.sync_fails {
            return Err(io::Error::other("the disk is broken"));
        }
        world.syncs += 1;
        let file = &mut world.files[self.index];
        file.durable = file.now.clone();
        Ok(())
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}
