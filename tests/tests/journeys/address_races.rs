//! Many who want one address: by registration, by a link for a second address, and whoever has it
//! already and swaps it or gives it up meanwhile.

use std::sync::Arc;

use journeys::{Actor, PASSWORD, Site, at_once};
use serde_json::Value;

const ADDRESS: &str = "one@race.example";

/// What somebody does about the address.
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

    /// Whether it would give somebody else the address.
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

/// The token of a link that makes the address somebody's second one.
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

/// Lets them go at once, all their transactions too, and gives those who got what they wanted.
async fn race(site: &Arc<Site>, racers: Vec<Racer>) -> Vec<Racer> {
    site.meet("TransactWriteItems", racers.len());
    let done = at_once(racers.len(), |at| {
        let (site, racer) = (site.clone(), racers[at].clone());
        async move { racer.clone().run(&site).await.then_some(racer) }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Asserts that guards and accounts say the same, and gives how many have the address.
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
        // Both found the same addresses, so one of them came too late.
        assert_eq!(given_up + swapped, 1, "{done:?}");
        assert!(winners <= given_up, "{done:?}");
        assert_eq!(owners(&site).await, winners + swapped, "{done:?}");
    }
}
