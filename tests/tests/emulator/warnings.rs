use journeys::emulator::{Emulator, Environment};

use crate::deployment::aws;

#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_a_hasura_warns_once_of_tokens_that_it_may_refuse() {
    let emulator = Emulator::from_environment().unwrap_or_else(|missing| panic!("{missing}"));
    let aws = aws().await;
    let environment = Environment::of("GraphqlFunction", aws.table_name())
        .with("AWS_ENDPOINT_URL", aws.endpoint_url());
    let secret = ("HASURA_ACTION_SECRET", "a secret of Hasura");
    let cases: [(&[(&str, &str)], usize); 4] = [
        (&[], 0),
        (&[secret], 1),
        (&[("HASURA_ROTATE_REFRESH", "true")], 1),
        (&[secret, ("JWT_ALGORITHM", "ES256")], 0),
    ];
    for (settings, warnings) in cases {
        let environment =
            settings.iter().fold(environment.clone(), |it, (name, value)| it.with(name, *value));
        let starting = emulator.start_alone("graphql", &environment).await;
        let warned = starting.log.matches("set JWT_ALGORITHM=ES256").count();
        assert_eq!(warned, warnings, "{settings:?}: {}", starting.log);
    }
}
