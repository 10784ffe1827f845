//! How fast a function starts and how much memory it takes: measured under Lambda's runtime interface
//! emulator, on the machine that this runs on.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use embedded::{Aws, Options};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::tls::Tls;
use crate::SECRET;
use crate::emulator::{Emulator, Environment, Function, Memory};

/// How often each cold start is measured.
pub(super) const STARTS: usize = 501;
/// How often each request to a running function is measured.
const REQUESTS: usize = 101;

/// The functions that are deployed.
const FUNCTIONS: [&str; 4] = ["graphql", "email-event", "account-event", "token-cleanup"];

const HEALTH: &str = include_str!("../../../events/health.json");
const REGISTER: &str = include_str!("../../../events/register.json");
const TOKEN_AUTH: &str = include_str!("../../../events/token-auth.json");
const ME: &str = include_str!("../../../events/me.json");

/// The measured values.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Of a function that does nothing, in ascending order.
    pub(super) hello: Vec<Duration>,
    /// Of `graphql`, over a plain connection.
    pub(super) plain: Starts,
    /// Of `graphql`, over TLS.
    pub(super) tls: Starts,
    /// After the first answer, which called no AWS service.
    pub(super) after_health: Memory,
    /// After `me` of a logged-in user.
    pub(super) after_me: Memory,
    /// After the first password hash.
    pub(super) after_hash: Memory,
    /// After `REQUESTS` more hashes, because the allocator keeps the memory of earlier hashes.
    pub(super) after_hashes: Memory,
    /// The median times of `me` and of a log-in in a warm function. Most of a log-in is its hash.
    pub(super) warm: [Duration; 2],
    /// How long a picture of the largest size takes in that format, and the most memory then.
    pub(super) pictures: Vec<(&'static str, Duration, Memory)>,
    /// Of each function's program, in bytes.
    pub(super) sizes: Vec<(&'static str, u64)>,
}

/// Cold starts of `graphql` by the first request, in ascending order.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts {
    /// `{ __typename }`
    pub(super) typename: Vec<Duration>,
    /// `{ me { … } }` of a logged-in user.
    pub(super) me: Vec<Duration>,
}

impl Speed {
    /// Measures all of it. Takes minutes, because each cold start runs `STARTS` times. Nothing else should run at
    /// that time.
    pub async fn measure(emulator: &Emulator) -> Result<Self, String> {
        for function in FUNCTIONS.into_iter().chain(["hello"]) {
            emulator.bootstrap(function)?;
        }
        let server = server()?;
        let (hello, plain, tls) = cold_starts(emulator, &server).await?;
        let [after_health, after_me, after_hash, after_hashes] = memory(emulator, &server).await?;
        let (warm, pictures) = (warm(emulator, &server).await?, pictures(emulator, &server).await?);
        let size = |function| {
            let path = emulator.bootstrap(function)?;
            let file = std::fs::metadata(path).map_err(|error| error.to_string())?;
            Ok::<_, String>((function, file.len()))
        };
        let sizes = FUNCTIONS.into_iter().map(size).collect::<Result<_, _>>()?;
        server.shutdown_background();
        Ok(Self {
            hello,
            plain,
            tls,
            after_health,
            after_me,
            after_hash,
            after_hashes,
            warm,
            pictures,
            sizes,
        })
    }
}

/// Starts the functions in turn, so that other work of the machine affects all of them. The first start of each does
/// not count, because it reads the program from disk.
async fn cold_starts(
    emulator: &Emulator,
    server: &Runtime,
) -> Result<(Vec<Duration>, Starts, Starts), String> {
    let (aws, plain) = beside_aws(server).await?;
    let front = Tls::in_front_of(&aws, server.handle()).await;
    let front = front.map_err(|error| error.to_string())?;
    let roots = front.roots().display().to_string();
    let tls =
        plain.clone().with("AWS_ENDPOINT_URL", front.endpoint_url()).with("AWS_CA_BUNDLE", roots);
    let me = ME.replace("{{access_token}}", &access_token(emulator, &plain).await?);
    let typename = typename()?;

    let (mut hello, mut starts) = (Vec::new(), [Starts::default(), Starts::default()]);
    for _ in 0..=STARTS {
        hello.push(cold_start(emulator, "hello", &plain, HEALTH, "hello").await);
        for (starts, environment) in starts.iter_mut().zip([&plain, &tls]) {
            let time =
                |event, expected| cold_start(emulator, "graphql", environment, event, expected);
            starts.typename.push(time(&typename, r#"{"data":{"__typename":"Query"}}"#).await);
            starts.me.push(time(&me, r#""username":"ann""#).await);
        }
    }
    aws.stop().await;
    let [plain, tls] = starts
        .map(|Starts { typename, me }| Starts { typename: counted(typename), me: counted(me) });
    Ok((counted(hello), plain, tls))
}

fn counted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.remove(0);
    times.sort();
    times
}

/// The time from the event to its answer. The emulator starts the function's process when the first event comes.
async fn cold_start(
    emulator: &Emulator,
    name: &str,
    environment: &Environment,
    event: &str,
    expected: &str,
) -> Duration {
    let function = emulator.start(name, environment).await;
    let (answer, duration) = function.invoke_timed(event).await;
    let body = answer["body"].as_str().unwrap_or_default();
    assert!(answer["statusCode"] == 200 && body.contains(expected), "{answer}");
    duration
}

/// The smallest GraphQL query, of an anonymous caller.
fn typename() -> Result<String, String> {
    let mut event: Value = serde_json::from_str(ME).map_err(|error| error.to_string())?;
    event["body"] = json!({ "query": "{ __typename }" }).to_string().into();
    event["headers"].as_object_mut().and_then(|headers| headers.remove("authorization"));
    Ok(event.to_string())
}

async fn access_token(emulator: &Emulator, environment: &Environment) -> Result<String, String> {
    let function = emulator.start("graphql", environment).await;
    let register = body(&function.invoke(REGISTER).await);
    let token = register["data"]["register"]["token"].as_str().ok_or("no token")?;
    Ok(token.to_owned())
}

/// The memory of one process after `health`, then after `me`, then after a log-in, then after many log-ins.
async fn memory(emulator: &Emulator, server: &Runtime) -> Result<[Memory; 4], String> {
    let (_aws, environment) = beside_aws(server).await?;
    let token = access_token(emulator, &environment).await?;
    let function = emulator.start("graphql", &environment).await;
    let memory = |function: &Function| function.memory().ok_or("no process to measure");
    function.invoke(HEALTH).await;
    let after_health = memory(&function)?;
    let me = body(&function.invoke(ME.replace("{{access_token}}", &token)).await);
    assert_eq!(me["data"]["me"]["username"], "ann", "{me}");
    let after_me = memory(&function)?;
    let log_in = body(&function.invoke(TOKEN_AUTH).await);
    // Only the right password gives this code, so the function has computed the hash.
    let code = &log_in["data"]["tokenAuth"]["errors"]["nonFieldErrors"][0]["code"];
    assert_eq!(code, "not_verified", "{log_in}");
    let after_hash = memory(&function)?;
    for _ in 0..REQUESTS {
        function.invoke(TOKEN_AUTH).await;
    }
    Ok([after_health, after_me, after_hash, memory(&function)?])
}

/// The median times of `me` and of a log-in in one process.
async fn warm(emulator: &Emulator, server: &Runtime) -> Result<[Duration; 2], String> {
    let (_aws, environment) = beside_aws(server).await?;
    let function = emulator.start("graphql", &environment).await;
    let me = ME.replace("{{access_token}}", &access_token(emulator, &environment).await?);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..REQUESTS {
        times[0].push(function.invoke_timed(me.as_str()).await.1);
        times[1].push(function.invoke_timed(TOKEN_AUTH).await.1);
    }
    Ok(times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    }))
}

/// The time and the memory for the largest picture of each format, each in a process of its own.
async fn pictures(
    emulator: &Emulator,
    server: &Runtime,
) -> Result<Vec<(&'static str, Duration, Memory)>, String> {
    let (_aws, environment) = beside_aws(server).await?;
    let token = access_token(emulator, &environment).await?;
    let mut measured = Vec::new();
    for (name, format) in [
        ("PNG", ImageFormat::Png),
        ("JPEG", ImageFormat::Jpeg),
        ("WebP", ImageFormat::WebP),
        ("GIF", ImageFormat::Gif),
    ] {
        let function = emulator.start("graphql", &environment).await;
        function.invoke(HEALTH).await;
        let (answer, duration) = function.invoke_timed(upload(&token, &largest(format))).await;
        let shown = &body(&answer)["data"]["updateUser"]["user"]["profilePicture"];
        assert!(shown.is_string(), "{name}: {answer}");
        measured.push((name, duration, function.memory().ok_or("no process to measure")?));
    }
    Ok(measured)
}

/// A picture with the maximum number of pixels, in many colours.
fn largest(format: ImageFormat) -> Vec<u8> {
    let colour = |x: u32, y: u32| [x, y, x ^ y, 255].map(|channel| channel.to_le_bytes()[0]);
    let picture = RgbaImage::from_fn(4096, 4096, |x, y| Rgba(colour(x / 16, y / 16)));
    let mut picture = DynamicImage::from(picture);
    if format == ImageFormat::Jpeg {
        picture = picture.to_rgb8().into();
    }
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture can be written");
    bytes.into_inner()
}

/// The event of an upload, as API Gateway sends it.
fn upload(token: &str, file: &[u8]) -> String {
    let query = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { profilePicture } } }";
    let operations =
        json!({ "query": query, "variables": { "input": { "profilePicture": null } } });
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let start = part("operations", &operations.to_string())
        + &part("map", "{\"0\": [\"variables.input.profilePicture\"]}")
        + "--b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\n";
    let body = [start.as_bytes(), file, b"\r\n--b--\r\n"].concat();
    let mut event: Value = serde_json::from_str(ME).unwrap_or_default();
    event["headers"]["authorization"] = format!("JWT {token}").into();
    event["headers"]["content-type"] = "multipart/form-data; boundary=b".into();
    event["body"] = STANDARD.encode(body).into();
    event["isBase64Encoded"] = true.into();
    event.to_string()
}

/// A runtime with threads of its own, because the test measures the function and not its server.
fn server() -> Result<Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(|error| error.to_string())
}

/// The environment of `graphql`, beside an AWS.
async fn beside_aws(server: &Runtime) -> Result<(Aws, Environment), String> {
    let secret = Some(SECRET.to_owned());
    let options = Options { secret, ..Options::new(local::TEMPLATE) };
    let started = server.spawn(Aws::start(options)).await.map_err(|error| error.to_string())?;
    let aws = started.map_err(|error| error.to_string())?;
    let environment = Environment::of("GraphqlFunction", aws.table_name());
    let environment = environment.with("AWS_ENDPOINT_URL", aws.endpoint_url());
    Ok((aws, environment))
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
}
