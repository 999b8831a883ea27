//! Compiles the protos without a system protoc, and lists the migrations.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=migrations");
    let api = protos("proto/wardwatch/v1")?;
    let stored = protos("proto/wardwatch/stored/v1")?;
    // Reflection shows the API alone, without comments; what the service stores for itself is nobody's business.
    fs::write(out.join("wardwatch.fds"), compiler(&api, false)?.encode_file_descriptor_set())?;
    // API.md is made of the comments, by a test (tests/it/docs/api.rs).
    fs::write(out.join("commented.fds"), compiler(&api, true)?.encode_file_descriptor_set())?;
    let all = compiler(&[api, stored].concat(), true)?.file_descriptor_set();
    tonic_prost_build::configure().bytes(".").btree_map(".").include_file("pb.rs").compile_fds(all)?;
    fs::write(out.join("migrations.rs"), migrations()?)?;
    Ok(())
}

fn compiler(files: &[PathBuf], comments: bool) -> Result<protox::Compiler> {
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(comments).include_imports(true);
    compiler.open_files(files)?;
    Ok(compiler)
}

fn protos(folder: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path().strip_prefix("proto")?.to_path_buf());
    }
    files.sort();
    Ok(files)
}

/// `pub const SQLITE: &[(i64, &str, &str)]` and `POSTGRES`: version, name and text of every migration.
fn migrations() -> Result<String> {
    let mut code = String::new();
    for engine in ["sqlite", "postgres"] {
        let folder = fs::canonicalize(Path::new("migrations").join(engine))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            files.push(entry?.path());
        }
        files.retain(|f| f.extension().is_some_and(|e| e == "sql"));
        files.sort();
        writeln!(code, "pub const {}: &[(i64, &str, &str)] = &[", engine.to_uppercase())?;
        for file in files {
            let stem = file.file_stem().and_then(|s| s.to_str()).ok_or("a migration's name is not text")?;
            let (version, name) = stem.split_once('_').ok_or("name a migration YYYYMMDDHHMMSS_verb_noun.sql")?;
            writeln!(code, "    ({version}, {name:?}, include_str!({:?})),", file.display().to_string())?;
        }
        writeln!(code, "];")?;
    }
    Ok(code)
}
