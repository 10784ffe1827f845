//! Staff from the networks that the site lists, and from elsewhere.

use accounts::config::Settings;
use accounts::model::{Role, Trail};
use axum::http::StatusCode;
use journeys::{Actor, BASE_URL, FORM, PASSWORD, Site, Visit};
use serde_json::json;

const NETWORKS: (&str, &str) = ("STAFF_NETWORKS", "192.0.2.0/24, 2001:db8::/32,198.51.100.7");
const INSIDE: [[u8; 4]; 2] = [[192, 0, 2, 200], [198, 51, 100, 7]];
const OUTSIDE: [[u8; 4]; 2] = [[192, 0, 3, 1], [198, 51, 100, 8]];

/// What the overview answers to a member of staff from that address.
async fn overview(site: &Site, boss: &Actor, ip: [u8; 4]) -> Option<String> {
    let bearer = format!("Bearer {}", boss.access);
    let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
    let body = json!({ "query": "{ staffOverview { waitingMails } }" }).to_string();
    site.send_from(ip, "/graphql", &headers, body).await.code()
}

async fn open(site: &Site, ip: [u8; 4]) -> StatusCode {
    let form = format!("name=boss&password={}", PASSWORD.replace(' ', "+"));
    let answer = site.send_from(ip, "/admin/log-in", &FORM, form).await;
    assert_eq!(Visit::cookie(&answer).is_some(), answer.status == StatusCode::SEE_OTHER);
    answer.status
}

#[tokio::test]
async fn staff_use_their_role_from_the_listed_networks_alone() {
    let site = Site::with(&[NETWORKS]).await;
    let boss = site.signed_in_as(Role::Superuser, "boss").await;
    for ip in INSIDE {
        assert_eq!(overview(&site, &boss, ip).await, None, "{ip:?}");
        assert_eq!(open(&site, ip).await, StatusCode::SEE_OTHER, "{ip:?}");
    }
    for ip in OUTSIDE {
        assert_eq!(overview(&site, &boss, ip).await.as_deref(), Some("not_found"), "{ip:?}");
        assert_eq!(open(&site, ip).await, StatusCode::UNAUTHORIZED, "{ip:?}");
    }
    let trail = site.store.trail(Trail::Of(boss.user_id()), None, 100).await.unwrap();
    let refused = trail.events.iter().filter(|event| event.event.name() == "console_refused");
    assert_eq!(refused.count(), OUTSIDE.len());
    // An address that is not known is in no network. As a user, the member of staff goes on.
    let unknown = site.call(&boss, "query", "staffOverview { waitingMails }").await;
    assert_eq!(unknown, Err("not_found".to_owned()));
    assert!(site.me(&boss).await.is_some());
    // An operator has the table itself.
    assert!(site.accounts.operator("olga").unwrap().overview().await.is_ok());
}

#[tokio::test]
async fn a_console_that_moves_out_of_the_networks_is_refused_by_the_next_click() {
    let site = Site::start().await;
    site.signed_in_as(Role::Superuser, "boss").await;
    let visit = Visit::open(&site, "/admin", "boss").await;
    assert_eq!(visit.get("/admin/users").await.status, StatusCode::OK);
    let cookie = visit.cookie;
    let site = site.restarted_with(&[NETWORKS]);
    let visit = Visit::with(&site, cookie);
    assert_eq!(visit.get("/admin/users").await.status, StatusCode::SEE_OTHER);
}

#[test]
fn a_list_of_networks_with_a_typing_error_stops_the_start() {
    for wrong in ["office", "192.0.2.0/33", "192.0.2", "192.0.2.0/24;10.0.0.0/8", "::1/129"] {
        let given = move |name: &str| match name {
            "BASE_URL" => Some(BASE_URL.to_owned()),
            "STAFF_NETWORKS" => Some(wrong.to_owned()),
            _ => None,
        };
        let error = Settings::new(given).policy().unwrap_err().to_string();
        assert!(error.contains("STAFF_NETWORKS must be networks such as"), "{wrong}: {error}");
    }
}
