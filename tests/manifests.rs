//! Manifests: good ones are read, bad ones are refused with the place, the reason and the remedy of every mistake.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ambient::api::{
    manifest::{self, Source},
    validate::Place,
};

#[test]
fn prints() {
    let text = std::fs::read_to_string("/tmp/bad.yaml").unwrap();
    let r = manifest::load(
        &[Source {
            name: "bad.yaml",
            text: &text,
        }],
        Place::Laptop,
    );
    match r {
        Ok(m) => println!("{m:#?}"),
        Err(e) => println!("{e}"),
    }
    for e in std::fs::read_dir("examples").unwrap() {
        let p = e.unwrap().path();
        if p.extension().unwrap() != "yaml" {
            continue;
        }
        let text = std::fs::read_to_string(&p).unwrap();
        match manifest::load(
            &[Source {
                name: p.to_str().unwrap(),
                text: &text,
            }],
            Place::Cluster,
        ) {
            Ok(m) => println!("{}", m.len()),
            Err(e) => println!("{e}"),
        }
    }
}
