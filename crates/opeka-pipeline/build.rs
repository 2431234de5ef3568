//! Names the program by what it is built from: a release is a function of its inputs and of the
//! program, and a program under development keeps its version number from day to day.

use std::path::{Path, PathBuf};

fn main() {
    let crates = Path::new("..");
    let mut files = Vec::new();
    for name in [
        "opeka-model",
        "opeka-stats",
        "opeka-ingest",
        "opeka-functions",
        "opeka-measure",
        "opeka-publish",
        "opeka-pipeline",
    ] {
        let source = crates.join(name).join("src");
        println!("cargo::rerun-if-changed={}", source.display());
        collect(&source, &mut files);
    }
    let lock = crates.join("..").join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    files.push(lock);
    files.sort();
    // FNV-1a: it tells builds apart, and needs no dependency; nothing trusts it as a seal.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let name = file.to_string_lossy().replace('\\', "/");
        for byte in name.bytes().chain(bytes) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    println!("cargo::rustc-env=OPEKA_BUILD={hash:016x}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else {
            // Not only Rust: what is included, such as a style sheet, is part of the program too.
            files.push(path);
        }
    }
}
