//! The program beside a Hasura.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{Server, run};

#[tokio::test]
async fn the_command_prints_what_a_hasura_needs() {
    let dir = tempdir().unwrap();
    let printed = async |settings: &[(&str, &str)]| -> Value {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let by_keys = printed(&[("BASE_URL", "https://accounts.example")]).await;
    let issuer = "https://accounts.example";
    let jwk_url = format!("{issuer}/.well-known/jwks.json");
    assert_eq!(by_keys, json!({ "jwk_url": jwk_url, "issuer": issuer, "audience": "latchkey" }));

    // The warning is apart from the JSON, which scripts read.
    for (settings, is_warned) in [(&[][..], true), (&[("JWT_ALGORITHM", "ES256")], false)] {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line.contains("set JWT_ALGORITHM=ES256"), is_warned, "{line}");
    }

    // A key of a secret that the command made up would fit no deployment.
    let hs256 = ("JWT_ALGORITHM", "HS256");
    for settings in [&[hs256][..], &[hs256, ("DATA_DIR", ":memory:")]] {
        let output = run(dir.path(), &["hasura-jwt-secret"], settings).await;
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(line.contains("AUTH_SECRET") && line.contains("DATA_DIR"), "{line}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it leaves no file behind");
    let given =
        printed(&[hs256, ("AUTH_SECRET", "a secret that has more than 32 bytes in it")]).await;
    assert_eq!(given["key"].as_str().map(str::len), Some(43));

    // The secret is kept in the data folder, so the key is the one that the product signs with.
    Server::start(dir.path()).await.stop("INT").await;
    let shared = printed(&[hs256]).await;
    assert_eq!(shared["type"], "HS256");
    assert_eq!(shared["key"].as_str().map(str::len), Some(43));
    assert_ne!(shared["key"], given["key"]);

    let output = run(dir.path(), &["hasura"], &[]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_start_with_a_hasura_warns_once_of_tokens_that_it_may_refuse() {
    let secret = ("HASURA_ACTION_SECRET", "a secret of Hasura");
    let cases: [(&[(&str, &str)], usize); 4] = [
        (&[], 0),
        (&[secret], 1),
        (&[("HASURA_ROTATE_REFRESH", "true")], 1),
        (&[secret, ("JWT_ALGORITHM", "ES256")], 0),
    ];
    for (settings, warnings) in cases {
        let dir = tempdir().unwrap();
        let path = dir.path().join("log");
        let log = std::fs::File::create(&path).unwrap();
        Server::logging_to(log.into(), &dir.path().join("data"), settings).await.stop("INT").await;
        let log = std::fs::read_to_string(&path).unwrap();
        assert_eq!(log.matches("set JWT_ALGORITHM=ES256").count(), warnings, "{settings:?}: {log}");
    }
}
