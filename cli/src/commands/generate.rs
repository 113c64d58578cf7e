//! `vexil generate`: source code for the flags of a source.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;
use vexil::model::{DataKind, Item, ItemReader};

use super::finish;
use crate::args::SourceArgs;
use crate::exit::{Exit, Failure};
use crate::generate::{MARKER, SourceFlag, module};
use crate::session::Session;
use crate::source;

/// Write source code with a field for each flag, for "#[derive(Flags)]" of vexil.
///
/// The type of a field holds all variations of the flag: bool, i64, f64, String, or vexil::Value for
/// JSON and for variations of several types. Its default is the off variation, or else false, zero,
/// an empty string or null. The exit status of --check is 1 if the file would change.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil generate flags.yaml > flags.rs
  vexil generate redis://localhost --out flags.rs
  vexil generate flags.yaml --out flags.rs --check")]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The language of the code.
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    lang: Language,
    /// The name of the struct.
    #[arg(long, value_name = "NAME", default_value = "AppFlags", value_parser = type_name)]
    name: String,
    /// Write this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write nothing; check that the file has the code already.
    #[arg(long, requires = "out", conflicts_with = "force")]
    check: bool,
    /// Replace the file even if another program or a person wrote it.
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Rust,
}

pub(super) async fn run(args: GenerateArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let contents = source::read(&args.source, session).await?;
    let mut reader = ItemReader::new(true);
    let mut unreadable = Vec::new();
    let mut flags = Vec::new();
    for (key, stored) in &contents.snapshot.flags {
        match stored.item(DataKind::Flag, key, &mut reader) {
            Ok(item) => flags.extend(source_flag(&item, &stored.json)),
            Err(error) => unreadable.push(error),
        }
    }
    let Language::Rust = args.lang;
    let code = module(&args.name, &flags);
    // A file without some of the flags would not fit the application.
    let exit = finish(&unreadable, &args.source.reading, session)?;
    let Some(file) = &args.out else {
        session.output.text(code)?;
        return Ok(exit);
    };
    let path = session.io.path(file);
    let present = read(&path, file)?;
    if present.as_deref() == Some(code.as_bytes()) {
        return Ok(exit);
    }
    let shown = file.display();
    if args.check {
        let state = match present {
            Some(_) => "is not the code for the flags",
            None => "does not exist",
        };
        session.output.note(format_args!("{shown} {state}"));
        return Ok(Exit::No);
    }
    if !args.force && present.is_some_and(|present| !is_generated(&present)) {
        let message = format!("{shown} was not written by \"vexil generate\"");
        return Err(Failure::new(Exit::Refused, message).help("--force replaces it"));
    }
    write(&path, code.as_bytes()).map_err(|error| {
        Failure::new(
            Exit::Incomplete,
            format_args!("cannot write {shown}: {error}"),
        )
        .help("the file is unchanged; name another one with --out")
    })?;
    Ok(exit)
}

/// Returns what the code shows of a flag; `None` for one that was deleted.
fn source_flag(item: &Item, json: &[u8]) -> Option<SourceFlag> {
    let Item::Flag(entry) = item else { return None };
    let flag = entry.present()?;
    /// The properties that evaluations do not need, or that the model does not show.
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Properties {
        #[serde(default)]
        off_variation: serde_json::Value,
        #[serde(default)]
        description: serde_json::Value,
        #[serde(default)]
        tags: serde_json::Value,
    }
    // An item that was read is a JSON object.
    let properties: Properties = serde_json::from_slice(json).unwrap_or_default();
    let off_variation = properties.off_variation.as_u64();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Some(SourceFlag {
        key: item.key().to_string(),
        variations: flag.variations().to_vec(),
        off_variation: off_variation.and_then(|index| index.try_into().ok()),
        description: text(&properties.description),
        tags: properties
            .tags
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect(),
    })
}

/// Returns the contents of the file, or `None` if there is none.
fn read(path: &Path, shown: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(present) => Ok(Some(present)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("cannot read {}: {error}", shown.display());
            Err(Failure::new(Exit::Unreadable, message).help("--out names a file of source code"))
        }
    }
}

/// Whether this command wrote the file.
fn is_generated(present: &[u8]) -> bool {
    present.split(|byte| *byte == b'\n').next() == Some(MARKER.as_bytes())
}

/// Replaces the file as a whole.
fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(code)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Of a temporary file, only the owner could read it.
        let permissions = fs::metadata(path).map_or_else(
            |_absent| fs::Permissions::from_mode(0o644),
            |present| present.permissions(),
        );
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Parses the name of a type.
fn type_name(text: &str) -> Result<String, String> {
    let mut characters = text.chars();
    let is_name = characters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && characters.all(|character| character.is_ascii_alphanumeric())
        && !["Self", "Flags"].contains(&text);
    match is_name {
        true => Ok(text.to_owned()),
        false => Err("expected a name such as ShopFlags".to_owned()),
    }
}
