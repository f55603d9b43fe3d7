//! The engines that the tests run: the embedded one always, Meilisearch where its binary is found.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use search::{Analyzer, SearchEngine};

/// The binary of Meilisearch: `MEILISEARCH_BIN`, or the one on the PATH.
pub fn meilisearch_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MEILISEARCH_BIN").filter(|n| !n.is_empty()) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("meilisearch")).find(|file| file.is_file())
}

/// A Meilisearch of its own, which goes away with the test.
pub struct Meilisearch {
    child: Option<Child>,
    binary: PathBuf,
    port: u16,
    folder: tempfile::TempDir,
}

impl Meilisearch {
    /// Starts one, or says in the report that there is none.
    pub async fn start() -> Option<Self> {
        let Some(binary) = meilisearch_binary() else {
            eprintln!(
                "Meilisearch: no binary (MEILISEARCH_BIN or on the PATH); only its protocol is tested, by a stand-in"
            );
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { child: None, binary, port, folder: tempfile::tempdir().unwrap() };
        server.resume().await;
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it again after [`Meilisearch::kill`].
    pub async fn resume(&mut self) {
        let child = Command::new(&self.binary)
            .current_dir(self.folder.path())
            .args(["--no-analytics", "--env", "development", "--http-addr"])
            .arg(format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Meilisearch starts");
        self.child = Some(child);
        let client = crate::support::client();
        for _ in 0..200 {
            if client.get(format!("{}/health", self.url())).send().await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("Meilisearch does not answer");
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Forgets everything, as a new machine would.
    pub fn lose_data(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(self.folder.path().join("data.ms"));
    }

    pub fn engine(&self, name: &str) -> Arc<dyn SearchEngine> {
        search::meilisearch(&self.url(), None, name, analyzer()).expect("an engine")
    }
}

impl Drop for Meilisearch {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn analyzer() -> Arc<Analyzer> {
    Arc::new(Analyzer::new(None, None).expect("the words that come with the house"))
}
