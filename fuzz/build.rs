//! Generates the protobuf messages as the service's build does, without clients and servers, and the descriptors.

use std::path::{Path, PathBuf};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PROTO: &str = "../proto";

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed={PROTO}");
    let api = protos("wardwatch/v1")?;
    let stored = protos("wardwatch/stored/v1")?;
    fs::write(out.join("wardwatch.fds"), compiler(&api)?.encode_file_descriptor_set())?;
    let all = compiler(&[api, stored].concat())?.file_descriptor_set();
    prost_build::Config::new().bytes(["."]).btree_map(["."]).include_file("pb.rs").compile_fds(all)?;
    Ok(())
}

fn compiler(files: &[PathBuf]) -> Result<protox::Compiler> {
    let mut compiler = protox::Compiler::new([PROTO])?;
    compiler.include_source_info(false).include_imports(true);
    compiler.open_files(files)?;
    Ok(compiler)
}

fn protos(folder: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(PROTO).join(folder))? {
        files.push(entry?.path().strip_prefix(PROTO)?.to_path_buf());
    }
    files.sort();
    Ok(files)
}
