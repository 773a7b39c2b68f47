//! The images of `make image`, as their archives describe them. What runs in them is shown by `tests/cluster_pod`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Bytes that the image `ambient` may add to its base.
const OWN_LAYERS: u64 = 60_000_000;

/// Of them the binary of a release build at most; a debug build, as tests make it, is three times as large.
const RELEASE_BINARY: u64 = 20_000_000;

/// An archive as `docker save` writes it.
struct Archive {
    path: PathBuf,
    manifest: Value,
    config: Value,
}

/// Without the images a test is skipped, and says so; in CI it fails.
fn archives() -> Option<[Archive; 2]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/images");
    let paths = ["ambient", "agent"].map(|name| folder.join(format!("{name}.tar")));
    if paths.iter().all(|path| path.exists()) {
        return Some(paths.map(Archive::open));
    }
    assert!(std::env::var_os("CI").is_none(), "the images are missing: run `make image` (as root)");
    eprintln!("skipped: needs the images: `make image` (as root)");
    None
}

impl Archive {
    fn open(path: PathBuf) -> Self {
        let manifest: Value = serde_json::from_slice(&tar(&path, &["-xO"], "manifest.json")).unwrap();
        let manifest = manifest[0].clone();
        let config = tar(&path, &["-xO"], manifest["Config"].as_str().unwrap());
        Self { config: serde_json::from_slice(&config).unwrap(), manifest, path }
    }

    fn label(&self, name: &str) -> &str {
        self.config["config"]["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap_or_default()
    }

    fn layers(&self) -> Vec<&str> {
        self.manifest["Layers"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    /// The size of a layer, in bytes.
    fn size(&self, layer: &str) -> u64 {
        let line = String::from_utf8(tar(&self.path, &["-tv"], layer)).unwrap();
        line.split_whitespace().nth(2).unwrap().parse().unwrap()
    }
}

fn tar(archive: &Path, options: &[&str], member: &str) -> Vec<u8> {
    let output = Command::new("tar").args(options).arg("-f").arg(archive).arg(member).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn both_images_have_one_version_and_say_what_they_are() {
    let Some(archives) = archives() else { return };
    for (archive, title) in archives.iter().zip(["ambient", "ambient-agent"]) {
        assert_eq!(archive.label("title"), title);
        assert_eq!(archive.label("version"), archives[0].label("version"));
        assert!(
            archive.label("version").starts_with(concat!(env!("CARGO_PKG_VERSION"), "-")),
            "{}",
            archive.label("version")
        );
        for name in ["description", "licenses", "base.name"] {
            assert!(!archive.label(name).is_empty(), "{title} has no {name}");
        }
        let tag = archive.manifest["RepoTags"][0].as_str().unwrap();
        assert_eq!(tag, format!("localhost/{title}:{}", archive.label("version")));
    }
}

#[test]
fn they_start_the_binary_itself_as_a_user_without_rights() {
    let Some(archives) = archives() else { return };
    for archive in &archives {
        assert_eq!(archive.config["config"]["User"], "1001:0");
        assert_eq!(archive.config["config"]["Entrypoint"], serde_json::json!(["/usr/local/bin/ambient"]));
    }
}

#[test]
fn the_image_that_holds_keys_is_small() {
    let Some([ambient, agent]) = archives() else { return };
    assert_eq!(ambient.layers()[0], agent.layers()[0], "both have the same base");
    let sizes: Vec<u64> = ambient.layers()[1..].iter().map(|layer| ambient.size(layer)).collect();
    let (binary, rest) = sizes.split_last().unwrap();
    assert!(rest.iter().sum::<u64>() + RELEASE_BINARY <= OWN_LAYERS, "beside the binary: {rest:?} bytes");
    let is_release = std::fs::read_to_string("target/images/profile").is_ok_and(|profile| profile.trim() == "release");
    assert!(!is_release || *binary <= RELEASE_BINARY, "the binary has {binary} bytes");
}
