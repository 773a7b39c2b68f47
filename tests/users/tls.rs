//! A backend behind TLS: believed only with a certificate of a CA that is trusted.

use crate::{
    backend::{Backend, Mood},
    issued::Issued,
    people::{ALICE, password, session},
    rig::{Session, text},
};

const HOUR: Mood = Mood::Well { seconds: 3600 };

/// What the agent's shell sees when git asks.
const ASK: &str = "sh printf 'protocol=https\\nhost=github.com\\n\\n' | git credential fill";

fn trusting(backend: &Backend, certificate: &Issued) -> Session {
    let session = session(backend);
    let file = session.path("ca.pem");
    std::fs::write(&file, &certificate.authority).unwrap();
    session.env("SSL_CERT_FILE", &file.display().to_string())
}

#[tokio::test]
async fn an_https_backend_is_asked_when_its_ca_is_trusted() {
    let certificate = Issued::to("localhost");
    let backend = Backend::start_tls(HOUR, &certificate).await;
    let session = trusting(&backend, &certificate);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &format!("{ASK} > a")).await;
    assert!(password(&session, "a").starts_with("github-secret-of-alice-"));
    assert_eq!(backend.asked()[0].authorization, "Bearer caller-alice-0123456789");
}

#[tokio::test]
async fn a_backend_that_nobody_vouches_for_hears_no_token_and_the_agent_reads_what_to_do() {
    let (certificate, other) = (Issued::to("localhost"), Issued::to("localhost"));
    let backend = Backend::start_tls(HOUR, &certificate).await;
    let session = trusting(&backend, &other);
    let runner = session.start();
    let said = text(&ALICE.run(&runner, "t", "r1", ASK).await);
    assert!(said.contains("cannot be trusted") && said.contains("set SSL_CERT_FILE to the file with its CA"), "{said}");
    assert_eq!(backend.asked().len(), 0);
}

#[tokio::test]
async fn without_ssl_cert_file_the_systems_authorities_count_and_a_private_one_does_not() {
    let certificate = Issued::to("localhost");
    let backend = Backend::start_tls(HOUR, &certificate).await;
    let session = session(&backend);
    let runner = session.start();
    let said = text(&ALICE.run(&runner, "t", "r1", ASK).await);
    let told = said.contains("SSL_CERT_FILE");
    runner.terminate();
    // A machine without any authority says it when the runner starts.
    let (_, _, log) = runner.end();
    assert!(told || log.contains("set SSL_CERT_FILE to a file of them"), "{said} {log}");
    assert_eq!(backend.asked().len(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let certificate = Issued::to("backend.elsewhere.svc");
    let backend = Backend::start_tls(HOUR, &certificate).await;
    let session = trusting(&backend, &certificate);
    let runner = session.start();
    let said = text(&ALICE.run(&runner, "t", "r1", ASK).await);
    assert!(said.contains("its certificate is for another name"), "{said}");
    assert_eq!(backend.asked().len(), 0);
}

#[tokio::test]
async fn a_backend_that_does_not_speak_tls_is_said() {
    let backend = Backend::start(HOUR).await;
    let certificate = Issued::to("localhost");
    let plain = Backend { url: backend.url.replace("http://127.0.0.1", "https://localhost"), ..backend.clone() };
    let session = trusting(&plain, &certificate);
    let runner = session.start();
    let said = text(&ALICE.run(&runner, "t", "r1", ASK).await);
    assert!(said.contains("does not speak TLS"), "{said}");
    assert_eq!(backend.asked().len(), 0);
}

#[tokio::test]
async fn a_file_without_authorities_is_said_at_the_start_and_the_session_goes_on() {
    let certificate = Issued::to("localhost");
    let backend = Backend::start_tls(HOUR, &certificate).await;
    let session = session(&backend);
    let session = session.env("SSL_CERT_FILE", "/dev/null");
    let runner = session.start();
    assert_eq!(text(&ALICE.run(&runner, "t", "r1", "echo hello").await), "hello");
    runner.terminate();
    let (_, _, log) = runner.end();
    assert!(log.contains("set SSL_CERT_FILE to a file of them in PEM format"), "{log}");
}
