//! The `OpenAPI` document and the router say the same.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::target::Subject;

fn documented() -> BTreeSet<(String, String)> {
    let document: Value = serde_json::from_str(include_str!("../../src/runner/http/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = |(path, methods): (&String, &Value)| -> Vec<(String, String)> {
        methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())).collect()
    };
    paths.iter().flat_map(methods).collect()
}

/// Every `.route("…", get(…))` of the server's sources.
fn served(folder: &Path, routes: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            served(&path, routes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
            for route in text.split(".route(\"").skip(1) {
                let (path, rest) = route.split_once("\",").unwrap();
                let method: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
                routes.insert((path.to_owned(), method));
            }
        }
    }
}

#[test]
fn every_route_is_documented_and_every_documented_route_is_served() {
    let mut routes = BTreeSet::new();
    served(Path::new("src/runner/http"), &mut routes);
    assert_eq!(documented(), routes);
}

#[tokio::test]
async fn the_page_for_people_names_every_path() {
    let subject = Subject::find().await;
    let request = reqwest::Client::new().get(format!("{}/docs", subject.target.url));
    let token = subject.target.token.clone().unwrap_or_default();
    let page = request.header("X-Ambient-Session-Token", token).send().await.unwrap().text().await.unwrap();
    for (path, _) in documented().iter().filter(|_| !subject.is_foreign) {
        assert!(page.contains(path.as_str()), "{path}");
    }
    assert!(!page.contains("http://") && !page.contains("<script"), "nothing is loaded from elsewhere");
}
