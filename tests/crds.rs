//! The CustomResourceDefinitions: generated files are fresh, and the schemas are what the API server needs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[test]
fn prints() {
    println!("{}", ambient::cli::crds::crds_yaml().unwrap());
}
