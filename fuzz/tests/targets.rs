//! Runs every target over its corpus, and over mutations of it.

#![cfg(test)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use vexil_fuzz::{Mutations, TARGETS, Target};

/// Mutated inputs of each target.
const INPUTS: usize = 8_000;

/// How many bytes a target may allocate in sum, for any input and for each of its bytes.
const ALLOCATED: (usize, usize) = (1 << 20, 2 << 10);

/// The same for a pattern of any length, which may be `(.{0,30}){0,30}`.
const ALLOCATED_FOR_A_PATTERN: usize = 64 << 20;

#[test]
fn every_input_of_the_corpus_holds() {
    for target in TARGETS {
        let corpus = corpus(target);
        assert!(corpus.len() >= 3, "{} has no corpus", target.name);
        for (path, input) in corpus {
            assert!(
                input.len() <= target.max_len,
                "{} is too long",
                path.display()
            );
            run(target, &input);
        }
    }
}

#[test]
fn every_folder_belongs_to_a_target() {
    for folder in ["corpus", "dictionaries"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_known = TARGETS.iter().any(|target| target.name == name);
            assert!(is_known, "{} belongs to no target", path.display());
        }
    }
}

#[test]
fn mutated_inputs_hold() {
    let number = |name: &str| Some(std::env::var(name).ok()?.parse().unwrap());
    let inputs = number("VEXIL_FUZZ_INPUTS").unwrap_or(INPUTS);
    let seed = number("VEXIL_FUZZ_SEED").unwrap_or(1);
    for target in TARGETS {
        let corpus: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
        let words = words(target);
        let mutations = Mutations::new(&corpus, &words, target.max_len, seed as u64);
        mutations.take(inputs).for_each(|input| run(target, &input));
        println!("{}: {inputs} inputs", target.name);
    }
}

/// Runs a target. If it fails, keeps the input and prints how to replay it.
#[track_caller]
fn run(target: &Target, input: &[u8]) {
    let measured = || allocation_counter::measure(|| (target.run)(input)).bytes_total;
    let allocated = catch_unwind(AssertUnwindSafe(measured));
    let limit = match target.name {
        "pattern" => ALLOCATED_FOR_A_PATTERN,
        _ => ALLOCATED.0 + ALLOCATED.1 * input.len(),
    };
    let problem = match allocated {
        Err(_) => "does not hold".to_owned(),
        Ok(bytes) if usize::try_from(bytes).unwrap() > limit => {
            format!("allocates {bytes} bytes, more than {limit},")
        }
        Ok(_) => return,
    };
    let name = target.name;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("failed-{name}"));
    fs::write(&path, input).unwrap();
    panic!(
        "{name} {problem} for\n\n  b\"{}\"\n\nwhich was written to {path}. To replay it and to keep it:\n\n  \
         mv {path} fuzz/corpus/{name}/NAME && cargo test -p vexil-fuzz corpus\n",
        input.escape_ascii(),
        path = path.display(),
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target's corpus, ordered by name.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(root().join("corpus").join(target.name));
    let files = folder.unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let input = fs::read(&path).unwrap();
        (path, input)
    };
    paths.into_iter().map(read).collect()
}

/// The words of a target's dictionary: text in quotes, one a line, with `\n` and `\xff` as escapes.
fn words(target: &Target) -> Vec<Vec<u8>> {
    let path = root()
        .join("dictionaries")
        .join(target.name)
        .with_extension("dict");
    let Ok(dictionary) = fs::read_to_string(path) else {
        return Vec::new();
    };
    let quoted = |line: &'_ str| line.strip_prefix('"')?.strip_suffix('"').map(word);
    dictionary.lines().filter_map(quoted).collect()
}

fn word(mut text: &str) -> Vec<u8> {
    let mut word = Vec::new();
    while let Some(next) = text.chars().next() {
        let length = match (next, text.get(1..2)) {
            ('\\', Some("x")) => {
                word.push(u8::from_str_radix(&text[2..4], 16).unwrap());
                4
            }
            ('\\', Some(escaped)) => {
                word.extend_from_slice(escaped.as_bytes());
                2
            }
            _ => {
                word.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                next.len_utf8()
            }
        };
        text = &text[length..];
    }
    word
}
