//! A store in memory that takes nothing for a while.

use std::fmt;

use futures_util::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Flaky {
    inner: InMemory,
    refuses: watch::Sender<bool>,
    refused: watch::Sender<usize>,
}

impl Default for Flaky {
    fn default() -> Self {
        Self { inner: InMemory::new(), refuses: watch::Sender::new(false), refused: watch::Sender::new(0) }
    }
}

impl Flaky {
    pub(super) fn refuse(&self, refuses: bool) {
        self.refuses.send_replace(refuses);
    }

    /// Until so many writes were refused.
    pub(super) async fn refused(&self, many: usize) {
        self.refused.subscribe().wait_for(|refused| *refused >= many).await.unwrap();
    }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if *self.refuses.borrow() {
            self.refused.send_modify(|refused| *refused += 1);
            return Err(object_store::Error::Generic { store: "flaky", source: "503".into() });
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
