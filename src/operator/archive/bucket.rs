//! A place for objects that is given by its URL.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutMode, PutOptions, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, local::LocalFileSystem, path::Path,
};
use url::{Position, Url};

use super::http::Connector;

/// Why a URL is no place for events. A person must change it, or what the environment says of it.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// It cannot be read.
    #[error("{url:?} is no URL: {source}; expected one like s3://BUCKET/PREFIX")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// It is of no kind that is known.
    #[error(
        "{url} is no object store that is known; expected s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, \
         an https:// URL of one of them, or file:///DIRECTORY"
    )]
    Unknown {
        /// What was given.
        url: String,
    },
    /// What the environment says does not fit.
    #[error("{url} cannot be used: {source}; see AWS_*, GOOGLE_* or AZURE_* in the operator's environment")]
    Settings {
        /// What was given.
        url: String,
        /// What is wrong.
        source: object_store::Error,
    },
}

/// What became of an object that must not be there yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// It is there, with this content.
    Ours,
    /// It is there, with another content: somebody else writes here.
    Taken,
}

/// Where objects are.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    url: String,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url).finish()
    }
}

impl Bucket {
    /// The place that a URL names; what else it takes (keys, region, endpoint) is in variables. Nothing is asked of it yet.
    pub fn of(url: &str, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, BucketError> {
        let parsed = Url::parse(url).map_err(|source| BucketError::Url { url: url.to_owned(), source })?;
        // A query or a user's name may be a secret.
        let shown = format!("{}://{}", parsed.scheme(), &parsed[Position::BeforeHost..Position::AfterPath]);
        let settings = |source| BucketError::Settings { url: shown.clone(), source };
        let unknown = || BucketError::Unknown { url: shown.clone() };
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed).map_err(|_| unknown())?;
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let store = connect(&scheme, &parsed, variables).ok_or_else(unknown)?.map_err(settings)?;
        Ok(Self { store, prefix, url: shown })
    }

    #[cfg(test)]
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, prefix: Path::from("events"), url: "test".into() }
    }

    /// What an object is called, for people.
    pub(super) fn name(&self, path: &Path) -> String {
        format!("{path} of {}", self.url)
    }

    /// Writes an object that must not be there.
    pub(super) async fn create(&self, path: &Path, content: Bytes) -> object_store::Result<Created> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(path, content.clone().into(), options).await {
            Ok(_) => Ok(Created::Ours),
            // An answer may have been lost on its way: then it is our own.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(if self.read(path).await? == content { Created::Ours } else { Created::Taken })
            }
            Err(error) => Err(error),
        }
    }

    /// Writes an object, whether it is there or not.
    pub(super) async fn write(&self, path: &Path, content: Bytes) -> object_store::Result<()> {
        self.store.put(path, content.into()).await.map(drop)
    }

    /// The content of an object.
    pub(super) async fn read(&self, path: &Path) -> object_store::Result<Bytes> {
        self.store.get(path).await?.bytes().await
    }

    /// The names of all objects in a folder.
    pub(super) fn list(&self, folder: &Path) -> BoxStream<'static, object_store::Result<Path>> {
        self.store.list(Some(folder)).map_ok(|object| object.location).boxed()
    }

    /// Deletes an object; nothing happens if it is not there.
    pub(super) async fn delete(&self, path: &Path) -> object_store::Result<()> {
        match self.store.delete(path).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }
}

/// How often the client tries by itself. Who asks goes on after that, and says so.
fn retries() -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() }
}

/// Settings of a builder that variables name.
macro_rules! with_variables {
    ($builder:expr, $variables:expr, $prefix:literal) => {
        $variables.filter(|(name, _)| name.starts_with($prefix)).fold($builder, |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            }
        })
    };
}

/// None: of no kind that is known.
fn connect(
    scheme: &ObjectStoreScheme,
    url: &Url,
    variables: impl Iterator<Item = (String, String)>,
) -> Option<object_store::Result<Arc<dyn ObjectStore>>> {
    let url = url.as_str();
    let shared = |store| Arc::new(store) as Arc<dyn ObjectStore>;
    Some(match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = with_variables!(AmazonS3Builder::new(), variables, "AWS_").with_url(url);
            builder.with_retry(retries()).with_http_connector(Connector).build().map(|store| Arc::new(store) as _)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = with_variables!(GoogleCloudStorageBuilder::new(), variables, "GOOGLE_").with_url(url);
            builder.with_retry(retries()).with_http_connector(Connector).build().map(|store| Arc::new(store) as _)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = with_variables!(MicrosoftAzureBuilder::new(), variables, "AZURE_").with_url(url);
            builder.with_retry(retries()).with_http_connector(Connector).build().map(|store| Arc::new(store) as _)
        }
        ObjectStoreScheme::Local => Ok(shared(LocalFileSystem::new())),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no(url: &str) -> String {
        Bucket::of(url, []).unwrap_err().to_string()
    }

    #[test]
    fn a_url_that_cannot_be_used_says_what_was_expected_and_no_secret() {
        assert!(no("s3//bucket").contains("s3://BUCKET/PREFIX"), "{}", no("s3//bucket"));
        assert!(no("ftp://host/dir").contains("expected s3://BUCKET/PREFIX"), "{}", no("ftp://host/dir"));
        let hidden = "hidden";
        let text = no(&format!("ftp://me:{hidden}@host/dir?sig={hidden}"));
        assert!(!text.contains(hidden), "{text}");
    }

    #[test]
    fn keys_and_endpoints_come_from_variables_and_are_not_shown() {
        let variables = [("AWS_ACCESS_KEY_ID", "hidden"), ("AWS_SECRET_ACCESS_KEY", "hidden"), ("AWS_REGION", "eu")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bucket = Bucket::of("s3://bucket/some/prefix", variables).unwrap();
        assert_eq!(bucket.prefix, Path::from("some/prefix"));
        assert_eq!(format!("{bucket:?}"), "Bucket(\"s3://bucket/some/prefix\")");
    }
}
