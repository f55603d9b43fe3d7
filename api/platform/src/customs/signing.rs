//! With what messages to customs are signed, and whose signatures on messages to this house are believed.

use std::path::Path;

use crate::{
    config::{Customs, Gateway},
    error::Error,
    xmlsig::{Certificate, Signer, Trust},
};

/// The key and the certificate of the demo: no secret.
const DEMO_KEY: &str = include_str!("../../../../deploy/demo/customs/key.pem");
const DEMO_CERTIFICATE: &str = include_str!("../../../../deploy/demo/customs/certificate.pem");

/// The house's own key, and whom it believes.
#[derive(Debug)]
pub struct Signing {
    signer: Signer,
    trust: Trust,
}

impl Signing {
    /// As the settings name them. Only the simulator may do with the key of the demo.
    pub fn of(settings: &Customs) -> Result<Self, Error> {
        let files = &settings.signing;
        let demo = files.key_file.is_empty() && files.certificate_file.is_empty();
        if demo && settings.gateway != Gateway::Simulator {
            let missing = "customs.gateway is not the simulator: set customs.signing.key_file and certificate_file";
            return Err(Error::BadInput(missing.into()));
        }
        let signer = if demo {
            Signer::from_pem(DEMO_KEY, DEMO_CERTIFICATE)
        } else {
            Signer::from_pem(&text(&files.key_file)?, &text(&files.certificate_file)?)
        };
        let signer = signer.map_err(|why| Error::BadInput(format!("customs.signing: {why}")))?;
        let mut trust = Trust::default();
        if demo {
            trust = trust.with_pinned(signer.certificate().fingerprint());
        }
        for (name, certificate) in certificates(&files.trusted_folder)? {
            let pinned = certificate.fingerprint();
            trust = match trust.clone().with_authority(certificate) {
                Ok(trust) => trust,
                // It is nobody's authority: what it signed itself is believed.
                Err(_) => trust.with_pinned(pinned),
            };
            tracing::info!(file = name, "signatures under a certificate are believed");
        }
        Ok(Self { signer, trust })
    }

    /// What signs.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Who is believed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What believes the house alone: as customs does, where the house's certificate is registered.
    pub fn own(&self) -> Trust {
        Trust::default().with_pinned(self.signer.certificate().fingerprint())
    }
}

fn text(file: &str) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|e| Error::BadInput(format!("customs.signing: cannot read {file}: {e}")))
}

/// The certificates of a folder, by the names of their files; none without a folder.
fn certificates(folder: &str) -> Result<Vec<(String, Certificate)>, Error> {
    if folder.is_empty() {
        return Ok(Vec::new());
    }
    let told =
        |e: std::io::Error| Error::BadInput(format!("customs.signing.trusted_folder: cannot read {folder}: {e}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(folder)).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_none_or(|end| end != "pem") {
            continue;
        }
        let name = path.display().to_string();
        let certificate = Certificate::from_pem(&text(&name)?);
        found.push((name.clone(), certificate.map_err(|why| Error::BadInput(format!("{name}: {why}")))?));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
