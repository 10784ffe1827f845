//! Ends of sessions that meet other operations on their way.

use std::sync::Arc;

use embedded::{Fault, Gate, Times};
use journeys::{Actor, Site, at_once, failure_code};
use serde_json::Value;

/// Runs `late`, which is held at its first call of `operation` until `first` is done.
async fn overtaken<T: Send + 'static>(
    site: &Arc<Site>,
    operation: &str,
    late: impl AsyncFnOnce(Arc<Site>) -> T,
    first: impl AsyncFnOnce(Arc<Site>) -> Value,
) -> T {
    let gate = Gate::new();
    site.aws.faults().fail(operation, Times::N(1), Fault::Held(gate.clone()));
    let first = async {
        gate.arrived(1).await;
        let answer = first(site.clone()).await;
        assert_eq!(answer["success"], true, "{answer}");
        gate.open();
    };
    let (late, ()) = tokio::join!(late(site.clone()), first);
    late
}

async fn start() -> (Arc<Site>, Actor, Actor) {
    let site = Arc::new(Site::start().await);
    let here = site.signed_in("ann").await;
    let there = site.log_in(&here).await;
    (site, here, there)
}

#[tokio::test]
async fn a_refresh_that_meets_the_end_of_its_session_leaves_nothing_that_works() {
    for by in ["endSession", "logout", "endOtherSessions"] {
        let end = async |site: Arc<Site>, here: Actor, there: Actor| match by {
            "endSession" => site.end_session(&here, &there.session_id()).await,
            "logout" => site.log_out(&there).await,
            _ => site.end_other_sessions(&here).await,
        };
        // The refresh is overtaken by the end.
        let (site, here, there) = start().await;
        let answer = overtaken(
            &site,
            "UpdateItem",
            async |site| site.refresh_token(&there.refresh).await,
            async |site| end(site, here.clone(), there.clone()).await,
        )
        .await;
        if answer["success"] == true {
            site.assert_over(&there.with_tokens(&answer)).await;
        }
        site.assert_over(&there).await;
        if by != "logout" {
            site.assert_goes_on(&here).await;
        }
        // The end is overtaken by the refresh.
        let (site, here, there) = start().await;
        let mut refreshed = Value::Null;
        let answer = overtaken(
            &site,
            "TransactWriteItems",
            async |site| end(site, here.clone(), there.clone()).await,
            async |site| {
                refreshed = site.refresh_token(&there.refresh).await;
                refreshed.clone()
            },
        )
        .await;
        assert_eq!(answer["success"], true, "{by}");
        site.assert_over(&there.with_tokens(&refreshed)).await;
        site.assert_over(&there).await;
    }
}

#[tokio::test]
async fn a_log_in_that_is_under_way_is_ended_with_the_others() {
    let (site, here, _) = start().await;
    let late = overtaken(
        &site,
        "PutItem",
        async |site| site.log_in(&here).await,
        async |site| site.end_other_sessions(&here).await,
    )
    .await;
    site.assert_over(&late).await;
    assert_eq!(site.sessions(&here).await.len(), 1);
    site.assert_goes_on(&here).await;
}

#[tokio::test]
async fn the_session_that_is_kept_can_be_refreshed_meanwhile() {
    for operation in ["UpdateItem", "GetItem"] {
        let (site, here, there) = start().await;
        let answer = overtaken(
            &site,
            operation,
            async |site| site.refresh_token(&here.refresh).await,
            async |site| site.end_other_sessions(&here).await,
        )
        .await;
        assert_eq!(answer["success"], true, "{operation}: {answer}");
        site.assert_goes_on(&here.with_tokens(&answer)).await;
        site.assert_over(&there).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_end_a_session_at_once_one_succeeds() {
    for by in ["logout", "endSession"] {
        let (site, here, there) = start().await;
        site.meet("TransactWriteItems", 2);
        let answers = at_once(2, |_| {
            let (site, here, there) = (site.clone(), here.clone(), there.clone());
            async move {
                match by {
                    "logout" => site.log_out(&there).await,
                    _ => site.end_session(&here, &there.session_id()).await,
                }
            }
        })
        .await;
        let lost: Vec<_> = answers.iter().filter(|answer| answer["success"] == false).collect();
        let code = if by == "logout" { "unauthenticated" } else { "not_found" };
        assert_eq!(lost.len(), 1, "{answers:?}");
        assert_eq!(failure_code(lost[0]), code);
        site.assert_over(&there).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sessions_that_end_each_other_one_goes_on() {
    let (site, here, there) = start().await;
    site.meet("TransactWriteItems", 2);
    let actors = [here.clone(), there.clone()];
    let answers = at_once(2, |at| {
        let (site, actor) = (site.clone(), actors[at].clone());
        async move { (at, site.end_other_sessions(&actor).await) }
    })
    .await;
    let (winners, losers): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(_, answer)| answer["success"] == true);
    assert_eq!((winners.len(), losers.len()), (1, 1), "{losers:?}");
    assert_eq!(failure_code(&losers[0].1), "unauthenticated");
    site.assert_over(&actors[losers[0].0]).await;
    site.assert_goes_on(&actors[winners[0].0]).await;
}

#[tokio::test]
async fn the_session_that_is_kept_goes_on_in_a_request_that_reads_it_after_its_user() {
    let document = "mutation { first: updateAccount(firstName: \"A\") { success }
        second: updateAccount(firstName: \"B\") { success } }";
    for done in [0, 1] {
        let (site, here, there) = start().await;
        site.aws.faults().fail("BatchGetItem", Times::N(done), Fault::Pass);
        site.aws.faults().fail("BatchGetItem", Times::N(1), Fault::Unprocessed);
        let answer = overtaken(
            &site,
            "BatchGetItem",
            async |site| site.ask(&here, document, Value::Null).await.json(),
            async |site| site.end_other_sessions(&here).await,
        )
        .await;
        for field in ["first", "second"] {
            assert_eq!(answer["data"][field]["success"], true, "{done} {field}: {answer}");
        }
        site.assert_over(&there).await;
    }
}
