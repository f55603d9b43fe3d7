//! `chama evidence`: what somebody who has nothing but a file finds out of it.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Subcommand;
use entities::finance::evidence::{self, Fault, MOST_BYTES, Seal, Verified};
use finance::ops::evidence::fits;
use platform::error::Error;

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Say whether an evidence package is as it was signed; needs no network, database or settings. Exits with 1 when it
    /// is not, and names the byte that is another one.
    Verify {
        /// The file.
        file: PathBuf,
        /// The public key of whom it should be from, as the query `evidenceKey` shows it; may be given several times.
        /// Without one a file proves that it is whole, and not whose it is.
        #[arg(long, value_name = "BASE64_PUBLIC_KEY", value_parser = public_key)]
        key: Vec<String>,
    },
}

/// A public key as it is written on the command line.
fn public_key(text: &str) -> Result<String, String> {
    let bytes = BASE64_STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 32);
    bytes.map(|_| text.to_owned()).ok_or_else(|| "a public key is 32 bytes in base64".to_owned())
}

/// Says whether a file holds; exits with 1 when it does not.
pub(super) fn evidence(what: &What) -> Result<ExitCode, Error> {
    let What::Verify { file, key } = what;
    let bytes = read(file)?;
    let trusted = |seal: &Seal| key.is_empty() || key.contains(&seal.public_key);
    let (lines, code) = match evidence::verify(&bytes, |seal, message| trusted(seal) && fits(seal, message)) {
        Ok(held) => (holds(file, &held, !key.is_empty()), ExitCode::SUCCESS),
        Err(fault) => (fails(file, &bytes, &fault), ExitCode::FAILURE),
    };
    for line in lines {
        println!("{}", plain(&line));
    }
    Ok(code)
}

/// The bytes of a file, and no more of them than tell that there are too many.
fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let done = File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut bytes));
    done.map_err(|error| Error::BadInput(format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

/// What is said of a file that holds.
fn holds(file: &Path, held: &Verified, named: bool) -> Vec<String> {
    let Verified { package, seal, sha256 } = held;
    let before = package.prev_hash.as_deref().unwrap_or("nothing: this is the first version");
    let mut lines = vec![
        format!("{} holds", file.display()),
        format!("package    {}, version {}", package.package_id, package.version),
        format!("about      {}", package.subject),
        format!("made at    {}", package.created_at),
        format!("documents  {}", package.docs.len()),
        format!("sha256     {sha256}"),
        format!("follows    {before}"),
        format!("signed by  {} key {} ({})", seal.algorithm, seal.key_id, seal.public_key),
    ];
    if named {
        lines.push("the key is one that --key names".to_owned());
    } else {
        lines.push("no --key was given: the file proves that it is whole, and not whose that key is".to_owned());
        lines.push(
            "next: ask whom it should be from for { evidenceKey { publicKey } }, and give that with --key".to_owned(),
        );
    }
    lines
}

/// What is said of a file that does not hold.
fn fails(file: &Path, bytes: &[u8], fault: &Fault) -> Vec<String> {
    let named = file.display();
    // Whole, but signed by another key than those that are trusted: that is no signature that does not fit.
    if matches!(fault, Fault::Signature { .. })
        && let Ok(held) = evidence::verify(bytes, fits)
    {
        let Seal { key_id, public_key, .. } = held.seal;
        return vec![
            format!(
                "{named} is whole, but signed by the key {key_id} ({public_key}), which is none of those that --key names"
            ),
            "next: it is not from whom it should be; ask them for the file".to_owned(),
        ];
    }
    vec![format!("{named} does not hold: {fault}"), "next: get the file again from whom it is".to_owned()]
}

/// A line without what a terminal takes for a command: a file is what somebody made of it.
fn plain(line: &str) -> String {
    line.chars().map(|one| if one.is_control() { '?' } else { one }).collect()
}
