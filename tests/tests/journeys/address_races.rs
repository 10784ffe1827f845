//! Races for one address: by registration, by a link for a second address, and by its present owner, who swaps it or
//! removes it at the same time.

use std::sync::Arc;

use journeys::{Actor, PASSWORD, Site, at_once, failure_code};
use serde_json::Value;

const ADDRESS: &str = "one@race.example";

/// An operation on the address.
#[derive(Clone, Debug)]
enum Racer {
    Registers(String),
    Activates(String),
    Swaps(Actor),
    Removes(Actor),
}

impl Racer {
    /// Whether it was done.
    async fn run(self, site: &Site) -> bool {
        let answer = match self {
            Self::Registers(name) => site.register(ADDRESS, &name, PASSWORD, PASSWORD).await,
            Self::Activates(token) => activate(site, &token).await,
            Self::Swaps(actor) => {
                ask(site, &actor, &format!("swapEmails(password: \"{PASSWORD}\")")).await
            }
            Self::Removes(actor) => {
                ask(site, &actor, &format!("removeSecondaryEmail(password: \"{PASSWORD}\")")).await
            }
        };
        assert!(answer["success"].is_boolean(), "{answer}");
        answer["success"] == true
    }

    /// Whether it would give the address to another user.
    fn takes(&self) -> bool {
        matches!(self, Self::Registers(_) | Self::Activates(_))
    }
}

async fn ask(site: &Site, actor: &Actor, call: &str) -> Value {
    let document = format!("mutation {{ it: {call} {{ success errors }} }}");
    site.ask(actor, &document, Value::Null).await.json()["data"]["it"].clone()
}

async fn activate(site: &Site, token: &str) -> Value {
    ask(site, &Actor::default(), &format!("verifySecondaryEmail(token: \"{token}\")")).await
}

/// The token of a link that makes the address a user's second one.
async fn link(site: &Site, actor: &Actor) -> String {
    let arguments = format!("email: \"{ADDRESS}\", password: \"{PASSWORD}\"");
    let answer = ask(site, actor, &format!("sendSecondaryEmailActivation({arguments})")).await;
    assert_eq!(answer["success"], true, "{answer}");
    site.link_token(ADDRESS).await
}

/// Three who register the address, and two who have a link for it.
async fn takers(site: &Site) -> Vec<Racer> {
    let mut racers: Vec<_> =
        ["new1", "new2", "new3"].iter().map(|name| Racer::Registers((*name).to_owned())).collect();
    for name in ["bob", "cat"] {
        let actor = site.signed_in(name).await;
        racers.push(Racer::Activates(link(site, &actor).await));
    }
    racers
}

/// Lets them go at once, all their transactions, too, and returns those who got the address.
async fn race(site: &Arc<Site>, racers: Vec<Racer>) -> Vec<Racer> {
    site.meet("TransactWriteItems", racers.len());
    let done = at_once(racers.len(), |at| {
        let (site, racer) = (site.clone(), racers[at].clone());
        async move { racer.clone().run(&site).await.then_some(racer) }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Asserts that unique keys and accounts agree, and returns how many have the address.
async fn owners(site: &Site) -> usize {
    let [guards, accounts] = site.owners().await;
    assert_eq!(guards, accounts);
    let key = format!("EMAIL#{ADDRESS}");
    accounts.iter().filter(|(address, _)| *address == key).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_a_free_address_has_one_winner_and_leaves_nothing_behind() {
    for _ in 0..4 {
        let site = Arc::new(Site::start().await);
        let racers = takers(&site).await;
        let done = race(&site, racers).await;
        assert_eq!(done.len(), 1, "{done:?}");
        assert_eq!(owners(&site).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_an_address_that_is_swapped_and_given_up_has_one_winner_at_most() {
    for _ in 0..8 {
        let site = Arc::new(Site::start().await);
        let mut racers = takers(&site).await;
        let zoe = site.signed_in("zoe").await;
        let token = link(&site, &zoe).await;
        assert_eq!(activate(&site, &token).await["success"], true);
        racers.extend([Racer::Swaps(zoe.clone()), Racer::Removes(zoe)]);
        let done = race(&site, racers).await;
        let winners = done.iter().filter(|racer| racer.takes()).count();
        let given_up = done.iter().filter(|racer| matches!(racer, Racer::Removes(_))).count();
        let swapped = done.iter().filter(|racer| matches!(racer, Racer::Swaps(_))).count();
        // The second one finds the state after the first one: after a swap, it removes the other address; after a
        // removal, there is no address to swap.
        assert!((1..=2).contains(&(given_up + swapped)), "{done:?}");
        assert!(winners <= given_up && winners + swapped <= 1, "{done:?}");
        assert_eq!(owners(&site).await, winners + swapped, "{done:?}");
    }
}

#[tokio::test]
async fn of_two_links_for_one_address_the_newest_works_and_the_other_is_void() {
    let site = Site::start().await;
    let ann = site.signed_in("ann").await;
    let (first, second) = (link(&site, &ann).await, link(&site, &ann).await);
    assert_ne!(first, second);
    for expected in ["invalid_token", "", "invalid_token"] {
        let token = if expected.is_empty() { &second } else { &first };
        let answer = activate(&site, token).await;
        assert_eq!(failure_code(&answer), expected, "{answer}");
    }
}

/// A user with the address as a second one asks for that so often at once; returns the answers.
async fn by_owner(count: usize, call: &'static str) -> (Arc<Site>, Vec<Value>) {
    let site = Arc::new(Site::start().await);
    let ann = site.signed_in("ann").await;
    let token = link(&site, &ann).await;
    assert_eq!(activate(&site, &token).await["success"], true);
    site.meet("TransactWriteItems", count);
    let answers = at_once(count, |_| {
        let (site, ann) = (site.clone(), ann.clone());
        async move { ask(&site, &ann, &format!("{call}(password: \"{PASSWORD}\")")).await }
    });
    let answers = answers.await;
    (site, answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_swaps_at_once_each_counts() {
    let (site, answers) = by_owner(5, "swapEmails").await;
    assert!(answers.iter().all(|answer| answer["success"] == true), "{answers:?}");
    assert_eq!(owners(&site).await, 1);
    let user = site.item("USER#", "USER").await;
    assert_eq!(user["email"].as_s().unwrap(), ADDRESS);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_removals_at_once_one_is_done_and_the_others_find_nothing_to_remove() {
    let (site, answers) = by_owner(5, "removeSecondaryEmail").await;
    let (done, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer["success"] == true);
    assert_eq!(done.len(), 1);
    let codes: Vec<_> = lost.iter().map(failure_code).collect();
    assert_eq!(codes, ["secondary_email_required"; 4]);
    assert_eq!(owners(&site).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_during_the_confirmation_of_an_address_leaves_nothing_behind() {
    for _ in 0..4 {
        let site = Arc::new(Site::with(&[("ALLOW_DELETE_ACCOUNT", "true")]).await);
        let ann = site.signed_in("ann").await;
        let token = link(&site, &ann).await;
        site.meet("TransactWriteItems", 2);
        let answers = at_once(2, |at| {
            let (site, ann, token) = (site.clone(), ann.clone(), token.clone());
            async move {
                let delete = format!("deleteAccount(password: \"{PASSWORD}\")");
                match at {
                    0 => (at, activate(&site, &token).await),
                    _ => (at, ask(&site, &ann, &delete).await),
                }
            }
        });
        let answers = answers.await;
        let deleted = answers.iter().find(|(at, _)| *at == 1).unwrap();
        assert_eq!(deleted.1["success"], true, "{answers:?}");
        assert_eq!(owners(&site).await, 0);
        assert_eq!(site.items("USER#").await.iter().filter(|sk| *sk == "USER").count(), 0);
    }
}
