//! Which tests ran on which ring, for the count at the end of `hack/test.sh`.

use std::{fs::File, io::Write};

/// Remembers that the test of this thread ran on a kind of ring.
pub(crate) fn record(ring: &str) {
    let Some(path) = std::env::var_os("AMBIENT_TESTS_OF_RINGS") else {
        return;
    };
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    let line = format!("{ring} {}\n", std::thread::current().name().unwrap_or("test"));
    file.write_all(line.as_bytes()).unwrap();
}
