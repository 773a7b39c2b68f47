//! Reading the sources of a runner: its variables and the file.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Configured, Fault, Layer, Shape, builtin, configure};

/// Where the file is when `MCP_CONFIG_FILE` names none: both places of the original, first found.
pub const PLACES: [&str; 2] = ["/app/ambient-runner/.mcp.json", "/app/claude-runner/.mcp.json"];

/// The largest file, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024;

/// The servers of a runner, from its variables. It reads one file and starts nothing.
pub fn of_runner(variable: impl Fn(&str) -> Option<String>) -> Configured {
    let text = |name: &str| variable(name).unwrap_or_default();
    let mut layers = vec![builtin::layer(&text("CREDENTIAL_MCP_URLS"), &variable)];
    layers.extend(file(variable("MCP_CONFIG_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)));
    for name in ["PROJECT_MCP_SERVERS", "CUSTOM_MCP_SERVERS"] {
        layers.push(Layer::read(name, Shape::Custom, &text(name)));
    }
    configure(layers, variable)
}

/// A file that is named must be there; the usual places may be empty.
fn file(named: Option<PathBuf>) -> Option<Layer> {
    match named {
        Some(path) => Some(read(&path).unwrap_or_else(|error| unreadable(&path, &error))),
        None => PLACES.iter().map(Path::new).find_map(|path| match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(unreadable(path, &error)),
            Ok(layer) => Some(layer),
        }),
    }
}

fn read(path: &Path) -> io::Result<Layer> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(Layer::read(&path.display().to_string(), Shape::File, &text))
}

fn unreadable(path: &Path, error: &io::Error) -> Layer {
    let source = path.display().to_string();
    let reason = format!("cannot be read: {error}; set MCP_CONFIG_FILE to a file in the format of a .mcp.json");
    let fault = Fault { source: source.clone(), server: None, reason };
    Layer { source, faults: vec![fault], ..Layer::default() }
}
