//! `chama import`: catalog files and the reference data of a zone.

use std::{path::PathBuf, process::ExitCode};

use catalog::{
    import::{self as file, Format, Language, Options},
    ops::bulk,
};
use clap::Subcommand;
use platform::{
    app::{App, Call},
    error::Error,
};

use super::bar;
use crate::zone::{self, ZoneFiles};

/// What to load.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Products and offers from a CSV or JSON Lines file. The columns are described in deploy/catalog-file.md.
    Catalog {
        /// The file.
        file: PathBuf,
        /// How it is written; without it its name tells.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Seller (slug) of the rows that name none.
        #[arg(long, value_name = "SLUG")]
        seller: Option<String>,
        /// Say what would happen and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Leave new products as drafts instead of publishing them.
        #[arg(long)]
        draft: bool,
        /// Where refused rows are noted; without it beside the file.
        #[arg(long, value_name = "FILE")]
        errors: Option<PathBuf>,
        /// Language of the reasons in that file.
        #[arg(long, value_enum, default_value = "en")]
        language: Language,
    },
    /// Places, organisations, attributes, categories and brands from a folder like deploy/demo.
    Zone {
        /// The folder.
        folder: PathBuf,
    },
}

/// Loads files; exits with 2 when rows were refused.
pub(super) async fn import(app: &App, what: What) -> Result<ExitCode, Error> {
    match what {
        What::Zone { folder } => {
            zone::load(app, &ZoneFiles::read(&folder)?).await?;
            println!("the zone in {} is loaded", folder.display());
            Ok(ExitCode::SUCCESS)
        }
        What::Catalog { file, format, seller, dry_run, draft, errors, language } => {
            let shape = file::inspect(&file, format)
                .map_err(|e| Error::BadInput(format!("{}: {e}\nnothing was changed", file.display())))?;
            let viewer = zone::operator(app).await?;
            let seller = match seller {
                Some(slug) => {
                    let found = party::ops::organisation_by_slug(app.db().read(), &slug).await?;
                    Some(found.ok_or_else(|| Error::BadInput(format!("there is no organisation {slug}")))?.id)
                }
                None => None,
            };
            let errors = errors.unwrap_or_else(|| {
                let mut name = file.clone().into_os_string();
                name.push(".errors.csv");
                name.into()
            });
            if errors == file || std::fs::canonicalize(&errors).ok() == std::fs::canonicalize(&file).ok() {
                return Err(Error::BadInput("--errors names the catalog file itself".into()));
            }
            // An old errors file beside a clean import would mislead.
            if let Err(error) = std::fs::remove_file(&errors)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(Error::BadInput(format!("cannot replace {}: {error}", errors.display())));
            }
            let options = Options { bulk: bulk::Options { seller, publish: !draft }, dry_run, language };
            let bar = bar::counting(shape.rows, if dry_run { "checking rows" } else { "importing rows" });
            let told = |s: &file::Summary| bar.set_position(s.rows);
            let call = Call::by(viewer);
            let summary = file::import_file(app, &call, &file, shape.format, options, &errors, told).await?;
            bar.finish_and_clear();
            super::followed(app).await?;
            app.search().rest();
            println!("{summary}{}", if dry_run { " (dry run: nothing was changed)" } else { "" });
            if summary.failed == 0 {
                return Ok(ExitCode::SUCCESS);
            }
            println!("what was refused, and why: {}", errors.display());
            Ok(ExitCode::from(2))
        }
    }
}
